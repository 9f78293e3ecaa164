//! One commit: changes become rows and events, and memory follows once they are durable.

use super::fold::{self, Folded};
use super::live::{self, EventRow, Live, OnDisk, Phase};
use super::memory::{ById, Counters, Memory};
use super::schema::{Day, FRESH, WAITING};
use crate::change::{Change, Outcome, Refusal};
use crate::error::StoreError;
use crate::id::MessageId;
use crate::message::{Accepted, Final, Orphan, RemoteId, Timestamp};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn commit(
    c: &Connection,
    m: &mut Memory,
    now: Timestamp,
    changes: &[Change],
    outcomes: &mut Vec<Outcome>,
) -> Result<(), StoreError> {
    if m.is_stopped {
        return Err(StoreError::Stopped);
    }
    let before = outcomes.len();
    match write(c, m, now, changes, outcomes) {
        Ok(written) => {
            apply(m, now, changes.len(), written);
            Ok(())
        }
        Err(error) => {
            outcomes.truncate(before);
            if !c.is_autocommit() {
                // What failed may have rolled back by itself; if this fails too, the store stops.
                let _ = c.execute_batch("ROLLBACK");
            }
            m.is_stopped = error.is_lasting() || !c.is_autocommit();
            Err(error)
        }
    }
}

/// What a transaction did, for memory to follow.
struct Written {
    touched: Touched,
    parked: Vec<(Arc<str>, u8, Timestamp, MessageId)>,
    events: Vec<(i64, MessageId)>,
    days: BTreeMap<i64, Arc<Day>>,
    counters: Counters,
    folded: Folded,
}

/// Messages as this transaction leaves them, in the order it met them.
#[derive(Default)]
pub(super) struct Touched {
    by_id: ById<Live>,
    order: Vec<MessageId>,
}

impl Touched {
    pub(super) fn contains(&self, id: MessageId) -> bool {
        self.by_id.contains_key(&id)
    }

    fn put(&mut self, live: Live) {
        let id = live.id();
        if self.by_id.insert(id, live).is_none() {
            self.order.push(id);
        }
    }
}

fn write(
    c: &Connection,
    m: &Memory,
    now: Timestamp,
    changes: &[Change],
    outcomes: &mut Vec<Outcome>,
) -> Result<Written, StoreError> {
    c.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let mut writing = Writing::new(c, m, now)?;
    for change in changes {
        outcomes.push(writing.change(change)?);
    }
    let budget = m.settings.fold_batch.max(2 * changes.len());
    let folded = fold::fold(c, m, now, budget, &writing.touched, &mut writing.counters)?;
    if writing.wrote || !folded.is_empty() {
        writing.write_counters(&folded)?;
    }
    let Writing { touched, parked, events, days, counters, .. } = writing;
    c.prepare_cached("COMMIT")?.execute([])?;
    Ok(Written { touched, parked, events, days, counters, folded })
}

fn apply(m: &mut Memory, now: Timestamp, count: usize, written: Written) {
    let Written { mut touched, parked, events, days, counters, folded } = written;
    m.counters = counters;
    m.days.extend(days);
    fold::apply(m, folded);
    m.events.extend(events);
    for (queue, priority, due_at, id) in parked {
        m.lane(&queue, priority).park(due_at, id);
    }
    for id in touched.order {
        if let Some(live) = touched.by_id.remove(&id) {
            m.place(now, live);
        }
    }
    let oldest = Timestamp(now.0.saturating_sub(m.settings.fold_after_ms()));
    let budget = m.settings.fold_batch.max(2 * count);
    m.remotes.forget(oldest, m.settings.live_limit, &m.live, budget);
}

struct Writing<'a> {
    c: &'a Connection,
    m: &'a Memory,
    now: Timestamp,
    touched: Touched,
    parked: Vec<(Arc<str>, u8, Timestamp, MessageId)>,
    events: Vec<(i64, MessageId)>,
    days: BTreeMap<i64, Arc<Day>>,
    counters: Counters,
    /// The statement of the day that messages are accepted on now.
    insert: Option<(i64, CachedStatement<'a>)>,
    insert_event: CachedStatement<'a>,
    /// The smallest id accepted here.
    first_id: MessageId,
    wrote: bool,
}

impl<'a> Writing<'a> {
    fn new(c: &'a Connection, m: &'a Memory, now: Timestamp) -> Result<Self, StoreError> {
        let insert_event = c.prepare_cached(
            "INSERT INTO event (seq,id,kind,at,code,name,text) VALUES (?1,?2,?3,?4,?5,?6,?7)",
        )?;
        Ok(Self {
            c,
            m,
            now,
            touched: Touched::default(),
            parked: Vec::new(),
            events: Vec::new(),
            days: BTreeMap::new(),
            counters: m.counters,
            insert: None,
            insert_event,
            first_id: MessageId::MAX,
            wrote: false,
        })
    }

    fn change(&mut self, change: &Change) -> Result<Outcome, StoreError> {
        match change {
            Change::Accept(message) => Ok(self.accept(message)?.map_or(Outcome::Done, Outcome::Duplicate)),
            Change::Sent { id, remote } => self.sent(*id, remote),
            Change::Retry { id, due_at, queue, reason } => self.with_open(*id, |own, mut live| {
                let event = own.event(&mut live, live::RETRY, due_at.0, queue.as_deref(), Some(reason))?;
                Ok(own.apply(live, &event))
            }),
            Change::Release { id } => self.with_open(*id, |own, mut live| {
                if live.phase != Phase::Claimed {
                    return Ok(Outcome::Refused(Refusal::NotThere));
                }
                live.phase = Phase::Ready;
                own.touched.put(live);
                Ok(Outcome::Done)
            }),
            Change::Finish { id, state, reason, then } => {
                self.with_open(*id, |own, live| own.finish(live, *state, reason, then.as_ref()))
            }
            Change::Cancel { id, account, version, then } => {
                self.with_own(*id, account, *version, |own, live| {
                    own.finish(live, Final::Cancelled, "", then.as_ref())
                })
            }
            Change::Replace { id, account, version, payload, due_at, expires_at } => {
                self.with_own(*id, account, *version, |own, live| {
                    own.replace(live, payload, *due_at, *expires_at)
                })
            }
            Change::Replay { id, due_at, queue } => self.replay(*id, *due_at, queue.as_deref()),
            Change::Keep(orphan) => self.keep(orphan),
        }
    }

    /// Some for a message that is here already.
    fn accept(&mut self, message: &Arc<Accepted>) -> Result<Option<MessageId>, StoreError> {
        let id = message.id;
        if let Some(first) = self.find_reference(message)? {
            return Ok(Some(first));
        }
        let is_parked = self.m.is_parked(self.now, message);
        let number = Day::of(id);
        if self.insert.as_ref().is_none_or(|(day, _)| *day != number) {
            let day = self.day_to_write(number)?;
            self.insert = Some((number, self.c.prepare_cached(&day.insert)?));
        }
        let (_, insert) = self.insert.as_mut().expect("put there above");
        let inserted = insert.execute(params![
            id.to_sql(),
            if is_parked { WAITING } else { FRESH },
            message.priority,
            message.due_at.0,
            message.expires_at.map(|at| at.0),
            &*message.account,
            &*message.queue,
            &*message.source,
            &*message.destination,
            message.reference.as_deref(),
            &*message.payload,
        ])?;
        if inserted == 0 {
            return Ok(Some(id));
        }
        self.wrote = true;
        self.counters.totals.accepted += 1;
        self.counters.totals.open += 1;
        self.counters.last_id.0 = self.counters.last_id.0.max(id);
        if is_parked {
            self.parked.push((message.queue.clone(), message.priority, message.due_at, id));
        } else {
            self.first_id = self.first_id.min(id);
            self.touched.put(Live::fresh(message.clone()));
        }
        Ok(None)
    }

    /// The message with the same account and reference, on its day or the one before.
    fn find_reference(&self, message: &Accepted) -> Result<Option<MessageId>, StoreError> {
        let Some(reference) = &message.reference else { return Ok(None) };
        let today = Day::of(message.id);
        for number in [today, today - 1] {
            let Some(day) = self.day(number) else { continue };
            let mut find = self.c.prepare_cached(&day.find_reference)?;
            let found = find.query_row([&*message.account, &**reference], |row| row.get(0)).optional()?;
            if let Some(id) = found {
                return Ok(Some(MessageId::from_sql(id)));
            }
        }
        Ok(None)
    }

    fn sent(&mut self, id: MessageId, remote: &Arc<RemoteId>) -> Result<Outcome, StoreError> {
        let overtaken = self.overtaken(remote)?;
        let outcome = self.with_open(id, |own, mut live| {
            if live.phase == Phase::Sent {
                return Ok(Outcome::Refused(Refusal::NotThere));
            }
            let mut forms = remote.forms.iter();
            let first = forms.next().map_or("", |form| form);
            own.event(&mut live, live::SENT_EVENT, 0, Some(&remote.connector), Some(first))?;
            for form in forms {
                own.event(&mut live, live::ALIAS, 0, None, Some(form))?;
            }
            live.version += 1;
            live.phase = Phase::Sent;
            live.remote = Some(remote.clone());
            own.touched.put(live);
            Ok(Outcome::Done)
        })?;
        if overtaken.is_empty() || outcome != Outcome::Done {
            return Ok(outcome);
        }
        for (seq, _) in &overtaken {
            self.c.prepare_cached("DELETE FROM orphan WHERE seq=?1")?.execute([seq])?;
            self.c.prepare_cached("DELETE FROM orphan_form WHERE orphan=?1")?.execute([seq])?;
            self.counters.totals.orphans -= 1;
        }
        Ok(Outcome::Overtaken(overtaken.into_iter().map(|(_, orphan)| orphan).collect()))
    }

    /// Kept receipts that have one of these forms, oldest first.
    fn overtaken(&self, remote: &RemoteId) -> Result<Vec<(i64, Orphan)>, StoreError> {
        let mut found = BTreeMap::new();
        if self.counters.totals.orphans == 0 {
            return Ok(Vec::new());
        }
        let mut find = self.c.prepare_cached(
            "SELECT seq,at,payload FROM orphan_form JOIN orphan ON seq=orphan \
             WHERE orphan_form.connector=?1 AND form=?2",
        )?;
        let mut forms = self.c.prepare_cached("SELECT form FROM orphan_form WHERE orphan=?1")?;
        for form in &remote.forms {
            let mut rows = find.query([&*remote.connector, &**form])?;
            while let Some(row) = rows.next()? {
                let seq: i64 = row.get(0)?;
                let forms = forms.query_map([seq], |row| row.get(0))?.collect::<Result<_, _>>()?;
                let remote = RemoteId { connector: remote.connector.clone(), forms };
                found.insert(seq, Orphan { remote, at: Timestamp(row.get(1)?), payload: row.get(2)? });
            }
        }
        Ok(found.into_iter().collect())
    }

    fn keep(&mut self, orphan: &Orphan) -> Result<Outcome, StoreError> {
        self.c
            .prepare_cached("INSERT INTO orphan (at,connector,payload) VALUES (?1,?2,?3)")?
            .execute(params![orphan.at.0, &*orphan.remote.connector, &*orphan.payload])?;
        let seq = self.c.last_insert_rowid();
        let mut insert = self.c.prepare_cached("INSERT OR IGNORE INTO orphan_form VALUES (?1,?2,?3)")?;
        for form in &orphan.remote.forms {
            insert.execute(params![&*orphan.remote.connector, &**form, seq])?;
        }
        self.wrote = true;
        self.counters.totals.orphans += 1;
        Ok(Outcome::Done)
    }

    fn finish(
        &mut self,
        mut live: Live,
        state: Final,
        reason: &str,
        then: Option<&Arc<Accepted>>,
    ) -> Result<Outcome, StoreError> {
        let event = self.event(&mut live, live::FINISH, live::final_to_sql(state), None, Some(reason))?;
        let outcome = self.apply(live, &event);
        self.counters.totals.open -= 1;
        *self.counters.totals.ended(state) += 1;
        if let Some(message) = then {
            self.accept(message)?;
        }
        Ok(outcome)
    }

    /// The one change that writes a row at once: rare, and a payload has no place in an event.
    fn replace(
        &mut self,
        mut live: Live,
        payload: &[u8],
        due_at: Option<Timestamp>,
        expires_at: Option<Timestamp>,
    ) -> Result<Outcome, StoreError> {
        let Some(day) = self.day(Day::of(live.id())) else {
            return Ok(Outcome::Refused(Refusal::Unknown));
        };
        let message = Arc::make_mut(&mut live.message);
        message.payload = payload.into();
        message.expires_at = expires_at.or(message.expires_at);
        live.due_at = due_at.unwrap_or(live.due_at);
        live.version += 1;
        let id = live.id();
        self.c.prepare_cached(&day.replace)?.execute(params![
            id.to_sql(),
            &*live.message.payload,
            live.message.expires_at.map(|at| at.0)
        ])?;
        fold::write_row(&mut self.c.prepare_cached(&day.fold)?, &live)?;
        live.row = OnDisk::Kept;
        live.row_seq = live.seq;
        self.wrote = true;
        self.touched.put(live);
        Ok(Outcome::Done)
    }

    fn replay(
        &mut self,
        id: MessageId,
        due_at: Timestamp,
        queue: Option<&str>,
    ) -> Result<Outcome, StoreError> {
        let Some(mut live) = self.view(id)? else { return Ok(Outcome::Refused(Refusal::Unknown)) };
        if live.phase != Phase::Ended(Final::Failed) {
            return Ok(Outcome::Refused(Refusal::NotThere));
        }
        let event = self.event(&mut live, live::REPLAY, due_at.0, queue, None)?;
        self.counters.totals.open += 1;
        self.counters.totals.failed -= 1;
        Ok(self.apply(live, &event))
    }

    fn with_open(
        &mut self,
        id: MessageId,
        then: impl FnOnce(&mut Self, Live) -> Result<Outcome, StoreError>,
    ) -> Result<Outcome, StoreError> {
        match self.view(id)? {
            None => Ok(Outcome::Refused(Refusal::Unknown)),
            Some(Live { phase: Phase::Ended(how), .. }) => Ok(Outcome::Refused(Refusal::Ended(how))),
            Some(live) => then(self, live),
        }
    }

    /// For what only the sender may do, and only before the message is on its way.
    fn with_own(
        &mut self,
        id: MessageId,
        account: &str,
        version: Option<u32>,
        then: impl FnOnce(&mut Self, Live) -> Result<Outcome, StoreError>,
    ) -> Result<Outcome, StoreError> {
        let Some(live) = self.view(id)?.filter(|live| *live.message.account == *account) else {
            return Ok(Outcome::Refused(Refusal::Unknown));
        };
        let refusal = match live.phase {
            Phase::Ended(how) => Refusal::Ended(how),
            Phase::Claimed | Phase::Sent => Refusal::InFlight,
            Phase::Ready if version.is_some_and(|version| version != live.version) => {
                Refusal::Version { current: live.version }
            }
            Phase::Ready => return then(self, live),
        };
        Ok(Outcome::Refused(refusal))
    }

    /// A message as this transaction has it: changed here, in memory, or in its row.
    fn view(&self, id: MessageId) -> Result<Option<Live>, StoreError> {
        if let Some(live) = self.touched.by_id.get(&id).or_else(|| self.m.live.get(&id)) {
            return Ok(Some(live.clone()));
        }
        let Some(day) = self.day(Day::of(id)) else { return Ok(None) };
        let mut select = self.c.prepare_cached(&day.select)?;
        Ok(select.query_row([id.to_sql()], Live::from_row).optional()?)
    }

    /// Writes an event; `live` is told its number only.
    fn event(
        &mut self,
        live: &mut Live,
        kind: i64,
        code: i64,
        name: Option<&str>,
        text: Option<&str>,
    ) -> Result<EventRow, StoreError> {
        self.counters.event_seq += 1;
        let (seq, id) = (self.counters.event_seq, live.id());
        let code_or_null = (code != 0).then_some(code);
        let text_or_null = text.filter(|text| !text.is_empty() || kind == live::ALIAS);
        self.insert_event.execute(params![
            seq,
            id.to_sql(),
            kind,
            self.now.0,
            code_or_null,
            name,
            text_or_null
        ])?;
        self.wrote = true;
        self.events.push((seq, id));
        live.seq = seq;
        Ok(EventRow {
            seq,
            id,
            kind,
            at: self.now,
            code,
            name: name.map(Into::into),
            text: text.map(Into::into),
        })
    }

    /// Memory and recovery read an event the same way.
    fn apply(&mut self, mut live: Live, event: &EventRow) -> Outcome {
        live.apply(event);
        self.touched.put(live);
        Outcome::Done
    }

    fn day(&self, number: i64) -> Option<Arc<Day>> {
        self.m.days.get(&number).or_else(|| self.days.get(&number)).cloned()
    }

    fn day_to_write(&mut self, number: i64) -> Result<Arc<Day>, StoreError> {
        if let Some(day) = self.day(number) {
            return Ok(day);
        }
        self.c.execute_batch(&Day::create(number))?;
        let day = Arc::new(Day::new(number));
        self.days.insert(number, day.clone());
        Ok(day)
    }

    fn write_counters(&mut self, folded: &Folded) -> Result<(), StoreError> {
        let Counters { totals, last_id, event_seq, cdr_seq } = self.counters;
        // Where a restart begins to read: nothing before it is only in memory and events.
        let mark = folded.first_fresh(self.m).unwrap_or(last_id.0).min(self.first_id);
        self.c
            .prepare_cached(
                "UPDATE total SET accepted=?1,delivered=?2,failed=?3,expired=?4,cancelled=?5,orphans=?6,\
                 last_id=?7,mark=?8,event_seq=?9,cdr_seq=?10",
            )?
            .execute(params![
                totals.accepted.cast_signed(),
                totals.delivered.cast_signed(),
                totals.failed.cast_signed(),
                totals.expired.cast_signed(),
                totals.cancelled.cast_signed(),
                totals.orphans.cast_signed(),
                last_id.0.to_sql(),
                mark.to_sql(),
                event_seq,
                cdr_seq,
            ])?;
        Ok(())
    }
}
