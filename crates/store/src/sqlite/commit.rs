//! One commit: changes become a frame of the journal, and memory follows once it is written.

use super::damage;
use super::folder;
use super::live::{self, EventRow, Live, Phase};
use super::memory::{ById, Counters, Memory};
use super::remotes::Remotes;
use super::schema::Day;
use super::{Engine, journal_failed};
use crate::change::{Change, Outcome, Refusal};
use crate::error::StoreError;
use crate::id::MessageId;
use crate::journal::Frame;
use crate::message::{Accepted, Final, Orphan, RemoteId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn commit(
    e: &mut Engine<'_>,
    now: Timestamp,
    changes: &[Change],
    outcomes: &mut Vec<Outcome>,
) -> Result<(), StoreError> {
    e.m.forget_foreseen();
    if e.m.is_stopped {
        return Err(StoreError::Stopped);
    }
    let before = outcomes.len();
    let committed = folder::make_room(e, now).and_then(|()| {
        damage::settle(e.c, e.m, now)?;
        write(e, now, changes, outcomes)
    });
    if let Err(error) = committed {
        outcomes.truncate(before);
        e.m.is_stopped |= error.is_lasting();
        return Err(error);
    }
    // What was committed is: a full disk shows at the next one.
    folder::after_commit(e, now, changes.len());
    Ok(())
}

/// What a commit did, for memory to follow.
struct Written {
    touched: Touched,
    moves: Moves,
    orphans: Vec<(i64, Option<Arc<Orphan>>)>,
    counters: Counters,
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
    e: &mut Engine<'_>,
    now: Timestamp,
    changes: &[Change],
    outcomes: &mut Vec<Outcome>,
) -> Result<(), StoreError> {
    let mut writing = Writing::new(e.c, e.m, e.frame, now, changes);
    for change in changes {
        outcomes.push(writing.change(change)?);
    }
    let Writing { touched, moves, orphans, counters, .. } = writing;
    if !e.frame.is_empty() || e.m.are_counters_new {
        e.frame.counters(&counters.numbers());
        if let Some(journal) = e.journal.as_deref_mut() {
            journal.append(e.frame, e.m.known)?;
            if !e.is_synced_beside {
                journal.sync().map_err(journal_failed)?;
            }
        }
        e.m.frame += 1;
    }
    apply(e.m, now, changes.len(), Written { touched, moves, orphans, counters });
    Ok(())
}

fn apply(m: &mut Memory, now: Timestamp, count: usize, written: Written) {
    let Written { touched, moves, orphans, counters } = written;
    m.counters = counters;
    for (queue, by) in moves.0 {
        m.count(&queue, by);
    }
    for live in touched.messages {
        m.place(now, live);
    }
    for (number, orphan) in orphans {
        match orphan {
            Some(orphan) => m.orphans.keep(number, orphan),
            None => m.orphans.hand_out(number),
        }
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
    pub(super) frame: &'a mut Frame,
    now: Timestamp,
    touched: Touched,
    moves: Moves,
    /// Remote ids given in this commit, if it keeps receipts.
    pub(super) given: Option<Remotes>,
    /// Messages accepted in this commit by what their senders call them.
    references: BTreeMap<(&'a str, &'a str), MessageId>,
    /// Receipts kept in this commit, and those handed out.
    pub(super) orphans: Vec<(i64, Option<Arc<Orphan>>)>,
    pub(super) counters: Counters,
}

impl<'a> Writing<'a> {
    fn new(
        c: &'a Connection,
        m: &'a Memory,
        frame: &'a mut Frame,
        now: Timestamp,
        changes: &[Change],
    ) -> Self {
        frame.clear();
        Self {
            c,
            m,
            frame,
            now,
            touched: Touched::with_capacity(changes.len()),
            moves: Moves::default(),
            given: changes.iter().any(|change| matches!(change, Change::Keep(_))).then(Remotes::default),
            references: BTreeMap::new(),
            orphans: Vec::new(),
            counters: m.counters,
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
                    Ok(own.replace(live, payload, *due_at, *expires_at))
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
        if id <= self.counters.last_id.0 && self.is_here(id)? {
            return Ok(Some(id));
        }
        let is_parked = self.m.is_parked(self.now, message);
        self.frame.accept(message, is_parked);
        self.counters.totals.accepted += 1;
        self.counters.totals.open += 1;
        self.counters.last_id.0 = self.counters.last_id.0.max(id);
        self.moves.add(&message.queue, 1);
        if let Some(reference) = &message.reference {
            self.references.insert((&message.account, reference), id);
        }
        self.touched.put(Live { is_parked, ..Live::fresh(message.clone()) });
        Ok(None)
    }

    /// Whether there is a message with this id, sound or damaged.
    fn is_here(&self, id: MessageId) -> Result<bool, StoreError> {
        if self.touched.contains(id) || self.m.live.contains_key(&id) {
            return Ok(true);
        }
        let Some(day) = self.day(Day::of(id)).filter(|_| id <= self.m.last_row) else { return Ok(false) };
        let mut has = self.c.prepare_cached(&day.has)?;
        Ok(has.query_row([id.to_sql()], |_| Ok(())).optional()?.is_some())
    }

    /// The message with the same account and reference, on its day or the one before.
    fn find_reference(&self, message: &Accepted) -> Result<Option<MessageId>, StoreError> {
        let Some(reference) = &message.reference else { return Ok(None) };
        let today = Day::of(message.id);
        let in_memory = [
            self.references.get(&(&*message.account, &**reference)).copied(),
            self.m.referred(&message.account, reference),
        ];
        let is_near = |id: &MessageId| (today - 1..=today).contains(&Day::of(*id));
        if let Some(id) = in_memory.into_iter().flatten().find(is_near) {
            return Ok(Some(id));
        }
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
            let event = own.event(&mut live, live::SENT_EVENT, 0, Some(&remote.connector), Some(first));
            live.note(&event);
            for form in forms {
                let event = own.event(&mut live, live::ALIAS, 0, None, Some(form));
                live.note(&event);
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
        Ok(self.hand_out(overtaken))
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

    fn replace(
        &mut self,
        mut live: Live,
        payload: &[u8],
        due_at: Option<Timestamp>,
        expires_at: Option<Timestamp>,
    ) -> Outcome {
        let (due_at, expires_at) = (due_at.unwrap_or(live.due_at), expires_at.or(live.message.expires_at));
        self.counters.event_seq += 1;
        let seq = self.counters.event_seq;
        self.frame.replace(live.id(), seq, payload, due_at, expires_at);
        live.replace(seq, payload, due_at, expires_at);
        self.touched.put(live);
        Outcome::Done
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
    pub(super) fn view(&self, id: MessageId) -> Result<Option<Live>, StoreError> {
        if let Some(live) = self.touched.find(id).or_else(|| self.m.live.get(&id)) {
            return Ok(Some(live.clone()));
        }
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
        self.frame.event(&event);
        live.seq = seq;
        event
    }

    /// Memory and recovery read an event the same way.
    fn apply(&mut self, mut live: Live, event: &EventRow<&str>) -> Outcome {
        live.follow(event);
        self.touched.put(live);
        Outcome::Done
    }

    /// The same, of an event that puts the message into a queue.
    fn queue(&mut self, mut live: Live, event: &EventRow<&str>) -> Outcome {
        live.follow(event);
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
        self.m.days.get(&number).cloned()
    }
}

/// The row of `total`.
pub(super) struct Counted<'a> {
    pub(super) counters: &'a Counters,
    /// Rows say all up to this frame,
    pub(super) known: u64,
    /// and nothing of those after this one.
    pub(super) frame: u64,
}

impl Counted<'_> {
    pub(super) fn write(&self, c: &Connection) -> Result<(), StoreError> {
        let Counters { totals, last_id, event_seq, cdr_seq, orphan: _ } = self.counters;
        let mut update = c.prepare_cached(
            "UPDATE total SET accepted=?1,delivered=?2,failed=?3,expired=?4,cancelled=?5,damaged=?6,orphans=?7,\
             last_id=?8,mark=?8,event_seq=?9,cdr_seq=?10,known=?11,frame=?12",
        )?;
        update.execute(params![
            totals.accepted.cast_signed(),
            totals.delivered.cast_signed(),
            totals.failed.cast_signed(),
            totals.expired.cast_signed(),
            totals.cancelled.cast_signed(),
            totals.damaged.cast_signed(),
            totals.orphans.cast_signed(),
            last_id.0.to_sql(),
            event_seq,
            cdr_seq,
            self.known.cast_signed(),
            self.frame.cast_signed(),
        ])?;
        Ok(())
    }
}
