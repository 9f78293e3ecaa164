//! One commit: changes become rows and events, and memory follows once they are durable.

use super::checkpoint;
use super::damage;
use super::fold::{self, Folded};
use super::insert::Inserts;
use super::live::{self, EventRow, Live, OnDisk, Phase};
use super::memory::{ById, Counters, Memory};
use super::remotes::Remotes;
use super::schema::Day;
use crate::change::{Change, Outcome, Refusal};
use crate::error::StoreError;
use crate::id::MessageId;
use crate::message::{Accepted, Final, RemoteId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn commit(
    c: &Connection,
    m: &mut Memory,
    now: Timestamp,
    changes: &[Change],
    outcomes: &mut Vec<Outcome>,
) -> Result<(), StoreError> {
    m.forget_foreseen();
    if m.is_stopped {
        return Err(StoreError::Stopped);
    }
    if m.is_log_old {
        checkpoint::renew(c)?;
        m.is_log_old = false;
    }
    damage::settle(c, m, now)?;
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
    moves: Moves,
    parked: Vec<(Arc<str>, u8, Timestamp, MessageId)>,
    events: Vec<(i64, MessageId)>,
    days: BTreeMap<i64, Arc<Day>>,
    counters: Counters,
    folded: Folded,
}

/// Messages as this transaction leaves them, in the order it met them.
#[derive(Default)]
pub(super) struct Touched {
    messages: Vec<Live>,
    by_id: ById<usize>,
}

impl Touched {
    fn with_capacity(count: usize) -> Self {
        let mut by_id = ById::default();
        by_id.reserve(count);
        Self { messages: Vec::with_capacity(count), by_id }
    }

    pub(super) fn contains(&self, id: MessageId) -> bool {
        self.by_id.contains_key(&id)
    }

    fn find(&self, id: MessageId) -> Option<&Live> {
        self.by_id.get(&id).and_then(|at| self.messages.get(*at))
    }

    fn put(&mut self, live: Live) {
        let next = self.messages.len();
        match self.messages.get_mut(*self.by_id.entry(live.id()).or_insert(next)) {
            Some(old) => *old = live,
            None => self.messages.push(live),
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
    let mut writing = Writing::new(c, m, now, changes);
    for change in changes {
        outcomes.push(writing.change(change)?);
    }
    writing.inserts.finish()?;
    let budget = m.settings.fold_batch.max(2 * changes.len());
    let folded = fold::fold(c, m, now, budget, &writing.touched, &mut writing.counters)?;
    if writing.wrote || !folded.is_empty() {
        writing.write_counters(&folded)?;
    }
    let Writing { touched, moves, parked, events, days, counters, .. } = writing;
    c.prepare_cached("COMMIT")?.execute([])?;
    Ok(Written { touched, moves, parked, events, days, counters, folded })
}

fn apply(m: &mut Memory, now: Timestamp, count: usize, written: Written) {
    let Written { touched, moves, parked, events, days, counters, folded } = written;
    m.counters = counters;
    m.days.extend(days);
    fold::apply(m, folded);
    m.events.extend(events);
    for (queue, by) in moves.0 {
        m.count(&queue, by);
    }
    for (queue, priority, due_at, id) in parked {
        m.lane(&queue, priority).park(due_at, id);
    }
    for live in touched.messages {
        m.place(now, live);
    }
    let oldest = Timestamp(now.0.saturating_sub(m.settings.fold_after_ms()));
    let budget = m.settings.fold_batch.max(2 * count);
    m.remotes.forget(oldest, m.settings.live_limit, &m.live, budget);
}

/// How many more wait in each queue.
#[derive(Default)]
struct Moves(Vec<(Arc<str>, i64)>);

impl Moves {
    fn add(&mut self, queue: &Arc<str>, by: i64) {
        // A group is of a few queues: most often the one just met. A second entry does no harm.
        let is_same = |(other, _): &&mut (Arc<str>, i64)| Arc::ptr_eq(other, queue) || *other == *queue;
        match self.0.iter_mut().rev().take(8).find(is_same) {
            Some((_, sum)) => *sum += by,
            None => self.0.push((queue.clone(), by)),
        }
    }
}

pub(super) struct Writing<'a> {
    pub(super) c: &'a Connection,
    pub(super) m: &'a Memory,
    now: Timestamp,
    touched: Touched,
    moves: Moves,
    /// Remote ids given in this commit, if it keeps receipts.
    pub(super) given: Option<Remotes>,
    parked: Vec<(Arc<str>, u8, Timestamp, MessageId)>,
    events: Vec<(i64, MessageId)>,
    days: BTreeMap<i64, Arc<Day>>,
    pub(super) counters: Counters,
    inserts: Inserts<'a>,
    /// The smallest id accepted here.
    first_id: MessageId,
    pub(super) wrote: bool,
}

impl<'a> Writing<'a> {
    fn new(c: &'a Connection, m: &'a Memory, now: Timestamp, changes: &[Change]) -> Self {
        Self {
            c,
            m,
            now,
            touched: Touched::with_capacity(changes.len()),
            moves: Moves::default(),
            given: changes.iter().any(|change| matches!(change, Change::Keep(_))).then(Remotes::default),
            parked: Vec::new(),
            events: Vec::with_capacity(changes.len()),
            days: BTreeMap::new(),
            counters: m.counters,
            inserts: Inserts::new(c),
            first_id: MessageId::MAX,
            wrote: false,
        }
    }

    fn change(&mut self, change: &'a Change) -> Result<Outcome, StoreError> {
        match change {
            Change::Accept(message) => Ok(self.accept(message)?.map_or(Outcome::Done, Outcome::Duplicate)),
            Change::Sent { id, remote } => self.sent(*id, remote),
            Change::Retry { id, due_at, queue, is_attempt, reason } => {
                self.with_open(*id, |own, mut live| {
                    let kind = if *is_attempt { live::RETRY } else { live::DELAY };
                    own.leave(&live);
                    let event = own.event(&mut live, kind, due_at.0, queue.as_deref(), Some(reason));
                    Ok(own.queue(live, &event))
                })
            }
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
    fn accept(&mut self, message: &'a Arc<Accepted>) -> Result<Option<MessageId>, StoreError> {
        let id = message.id;
        if let Some(first) = self.find_reference(message)? {
            return Ok(Some(first));
        }
        let is_parked = self.m.is_parked(self.now, message);
        let day = self.day_to_write(Day::of(id))?;
        if id > self.counters.last_id.0 {
            self.inserts.push(&day, message, is_parked)?;
        } else if !self.inserts.insert(&day, message, is_parked)? {
            return Ok(Some(id));
        }
        self.wrote = true;
        self.counters.totals.accepted += 1;
        self.counters.totals.open += 1;
        self.counters.last_id.0 = self.counters.last_id.0.max(id);
        self.moves.add(&message.queue, 1);
        if is_parked {
            self.parked.push((message.queue.clone(), message.priority, message.due_at, id));
        } else {
            self.first_id = self.first_id.min(id);
            self.touched.put(Live::fresh(message.clone()));
        }
        Ok(None)
    }

    /// The message with the same account and reference, on its day or the one before.
    fn find_reference(&mut self, message: &Accepted) -> Result<Option<MessageId>, StoreError> {
        let Some(reference) = &message.reference else { return Ok(None) };
        self.inserts.flush()?;
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

    fn sent(&mut self, id: MessageId, remote: &'a Arc<RemoteId>) -> Result<Outcome, StoreError> {
        let overtaken = self.overtaken(remote)?;
        let outcome = self.with_open(id, |own, mut live| {
            if live.phase == Phase::Sent {
                return Ok(Outcome::Refused(Refusal::NotThere));
            }
            own.leave(&live);
            let mut forms = remote.forms.iter();
            let first = forms.next().map_or("", |form| form);
            own.event(&mut live, live::SENT_EVENT, 0, Some(&remote.connector), Some(first));
            for form in forms {
                own.event(&mut live, live::ALIAS, 0, None, Some(form));
            }
            live.version += 1;
            live.phase = Phase::Sent;
            live.remote = Some(remote.clone());
            own.touched.put(live);
            if let Some(given) = &mut own.given {
                given.insert(own.now, remote.clone(), id);
            }
            Ok(Outcome::Done)
        })?;
        if overtaken.is_empty() || outcome != Outcome::Done {
            return Ok(outcome);
        }
        self.hand_out(overtaken)
    }

    fn finish(
        &mut self,
        mut live: Live,
        state: Final,
        reason: &'a str,
        then: Option<&'a Arc<Accepted>>,
    ) -> Result<Outcome, StoreError> {
        self.leave(&live);
        let event = self.event(&mut live, live::FINISH, live::final_to_sql(state), None, Some(reason));
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
        self.inserts.flush()?;
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
        queue: Option<&'a str>,
    ) -> Result<Outcome, StoreError> {
        let Some(mut live) = self.view(id)? else { return Ok(Outcome::Refused(Refusal::Unknown)) };
        if live.phase != Phase::Ended(Final::Failed) {
            return Ok(Outcome::Refused(Refusal::NotThere));
        }
        let event = self.event(&mut live, live::REPLAY, due_at.0, queue, None);
        self.counters.totals.open += 1;
        self.counters.totals.failed -= 1;
        Ok(self.queue(live, &event))
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
    pub(super) fn view(&mut self, id: MessageId) -> Result<Option<Live>, StoreError> {
        if let Some(live) = self.touched.find(id).or_else(|| self.m.live.get(&id)) {
            return Ok(Some(live.clone()));
        }
        self.inserts.flush()?;
        let Some(day) = self.day(Day::of(id)) else { return Ok(None) };
        damage::find(self.c, self.m, &day, id)
    }

    /// Notes an event to be written; `live` is told its number only.
    fn event(
        &mut self,
        live: &mut Live,
        kind: i64,
        code: i64,
        name: Option<&'a str>,
        text: Option<&'a str>,
    ) -> EventRow<&'a str> {
        self.counters.event_seq += 1;
        let (seq, id) = (self.counters.event_seq, live.id());
        let text = text.filter(|text| !text.is_empty() || kind == live::ALIAS);
        let event = EventRow { seq, id, kind, at: self.now, code, name, text };
        self.inserts.push_event(event.clone());
        self.wrote = true;
        self.events.push((seq, id));
        live.seq = seq;
        event
    }

    /// Memory and recovery read an event the same way.
    fn apply(&mut self, mut live: Live, event: &EventRow<&str>) -> Outcome {
        live.apply(event);
        self.touched.put(live);
        Outcome::Done
    }

    /// The same, of an event that puts the message into a queue.
    fn queue(&mut self, mut live: Live, event: &EventRow<&str>) -> Outcome {
        live.apply(event);
        self.moves.add(&live.queue, 1);
        self.touched.put(live);
        Outcome::Done
    }

    /// Counts a message out of the queue it is in, if it is in one.
    fn leave(&mut self, live: &Live) {
        if live.is_queued() {
            self.moves.add(&live.queue, -1);
        }
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
