//! What runs: the heads of the queues, what is on its way, and whose remote id is whose.

use super::Settings;
use super::fold::Gathered;
use super::hash::{IdHasher, Seeded};
use super::live::{Live, OnDisk, Phase};
use super::orphan::Orphans;
use super::parts::Parts;
use super::remotes::Remotes;
use super::schema::Day;
use crate::change::Change;
use crate::id::MessageId;
use crate::message::{Accepted, Orphan, RemoteId, Timestamp, Totals};
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault};
use std::sync::Arc;

/// Changed only after a commit succeeded, so that a failed one leaves it as it was.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) settings: Settings,
    pub(super) live: Lives,
    queues: HashMap<Arc<str>, Queue, Seeded>,
    /// Unclaimed messages in memory that expire.
    pub(super) expiring: BTreeSet<(Timestamp, MessageId)>,
    /// Ended and not folded, in the order of their ends.
    pub(super) ended: VecDeque<MessageId>,
    pub(super) gathered: Gathered,
    /// What leaves memory when its time is up, in the order they began to run.
    pub(super) ageing: VecDeque<(Timestamp, MessageId)>,
    /// How many messages' rows do not say all since each frame from [`Memory::first_dirty`] on: those of the first
    /// are the first that a restart needs.
    dirty: VecDeque<u32>,
    first_dirty: u64,
    /// When a message was put into memory last.
    placed_at: Timestamp,
    /// The largest id that may have a row.
    pub(super) last_row: MessageId,
    /// Waiting on disk only, and not there yet.
    pub(super) parked: Vec<MessageId>,
    /// Rows of `event`, oldest first.
    pub(super) events: VecDeque<(i64, MessageId, Timestamp)>,
    /// The last of them that was found at start.
    pub(super) found_events: i64,
    pub(super) remotes: Remotes,
    /// Of messages that have no row, and whose senders named them.
    references: HashMap<Box<str>, MessageId, Seeded>,
    /// Kept receipts that have no row yet.
    pub(super) orphans: Orphans,
    /// Remote ids that the next commit will give out, by what hash they have.
    foreseen: HashMap<u64, (Arc<RemoteId>, MessageId), BuildHasherDefault<IdHasher>>,
    /// Receipts that it will keep.
    pub(super) foreseen_kept: Vec<Arc<Orphan>>,
    pub(super) days: BTreeMap<i64, Arc<Day>>,
    pub(super) counters: Counters,
    /// The last frame of the journal.
    pub(super) frame: u64,
    /// Rows say all up to this frame, durably.
    pub(super) known: u64,
    /// The counters changed and nothing else did.
    pub(super) are_counters_new: bool,
    /// What was read at start is not all in rows: nothing is committed before.
    pub(super) is_log_old: bool,
    /// There was no room for rows the last time.
    pub(super) is_full: bool,
    /// Messages whose rows were found damaged, and not put aside yet.
    pub(super) noted: RefCell<BTreeSet<MessageId>>,
    /// An event was found damaged: the counter of open messages may be wrong.
    pub(super) is_open_doubtful: bool,
    /// Nothing is committed any more.
    pub(super) is_stopped: bool,
}

/// The one row of `total`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub(super) totals: Totals,
    pub(super) last_id: MessageId0,
    pub(super) event_seq: i64,
    /// Given out with rows, so not in the journal.
    pub(super) cdr_seq: i64,
    /// Of the last receipt that was kept.
    pub(super) orphan: i64,
}

impl Counters {
    /// As the journal has them.
    pub(super) fn numbers(&self) -> [i64; 10] {
        let Totals { accepted, open, delivered, failed, expired, cancelled, damaged, orphans: _ } =
            self.totals;
        let totals = [accepted, open, delivered, failed, expired, cancelled, damaged].map(u64::cast_signed);
        let [accepted, open, delivered, failed, expired, cancelled, damaged] = totals;
        let last = self.last_id.0.to_sql();
        let (events, orphan) = (self.event_seq, self.orphan);
        [accepted, open, delivered, failed, expired, cancelled, damaged, last, events, orphan]
    }

    /// The same back; how many receipts are kept is counted where they are.
    pub(super) fn set(&mut self, numbers: &[i64]) {
        let [accepted, open, delivered, failed, expired, cancelled, damaged, last, events, orphan] = *numbers
        else {
            return;
        };
        let totals = [accepted, open, delivered, failed, expired, cancelled, damaged].map(i64::cast_unsigned);
        let [accepted, open, delivered, failed, expired, cancelled, damaged] = totals;
        let orphans = self.totals.orphans;
        self.totals = Totals { accepted, open, delivered, failed, expired, cancelled, damaged, orphans };
        self.last_id.0 = MessageId::from_sql(last);
        (self.event_seq, self.orphan) = (events, orphan);
    }
}

/// An id with a beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct MessageId0(pub(super) MessageId);

impl Default for MessageId0 {
    fn default() -> Self {
        Self(MessageId::ZERO)
    }
}

#[derive(Debug, Default)]
struct Queue {
    lanes: BTreeMap<Reverse<u8>, Lane>,
    /// Messages waiting or claimed, in memory and on disk.
    queued: u64,
}

/// One priority of one queue.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) ready: BTreeSet<(Timestamp, MessageId)>,
    /// Will wait on disk and is in memory until it does.
    pub(super) parked: BTreeSet<(Timestamp, MessageId)>,
    /// Not later than the first row that waits on disk and is not read yet.
    pub(super) backlog_from: Option<Timestamp>,
    /// Rows up to here have been read.
    pub(super) cursor: (Timestamp, MessageId),
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            ready: BTreeSet::new(),
            parked: BTreeSet::new(),
            backlog_from: None,
            cursor: (Timestamp(i64::MIN), MessageId::ZERO),
        }
    }
}

impl Lane {
    /// A row waits on disk from now on.
    pub(super) fn park(&mut self, due_at: Timestamp, id: MessageId) {
        self.backlog_from = Some(self.backlog_from.map_or(due_at, |from| from.min(due_at)));
        if (due_at, id) <= self.cursor {
            self.cursor = (Timestamp(due_at.0.saturating_sub(1)), MessageId::MAX);
        }
    }
}

impl Memory {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            live: Parts::default(),
            queues: HashMap::default(),
            expiring: BTreeSet::new(),
            ended: VecDeque::new(),
            gathered: Gathered::default(),
            ageing: VecDeque::new(),
            dirty: VecDeque::new(),
            first_dirty: 1,
            placed_at: Timestamp(i64::MIN),
            last_row: MessageId::ZERO,
            parked: Vec::new(),
            events: VecDeque::new(),
            found_events: 0,
            remotes: Remotes::default(),
            references: HashMap::default(),
            orphans: Orphans::default(),
            foreseen: HashMap::default(),
            foreseen_kept: Vec::new(),
            days: BTreeMap::new(),
            counters: Counters::default(),
            frame: 0,
            known: 0,
            are_counters_new: false,
            is_log_old: false,
            is_full: false,
            noted: RefCell::default(),
            is_open_doubtful: false,
            is_stopped: false,
        }
    }

    /// Remembers the remote ids that these changes will give out, and the receipts they will keep.
    pub(super) fn foresee(&mut self, changes: &[Change]) {
        for change in changes {
            if let Change::Keep(orphan) = change {
                self.foreseen_kept.push(orphan.clone());
            }
            let Change::Sent { id, remote } = change else { continue };
            for form in &remote.forms {
                let hash = self.hash_of(&remote.connector, form);
                self.foreseen.insert(hash, (remote.clone(), *id));
            }
        }
    }

    /// The message that the next commit will give a remote id to.
    pub(super) fn foreseen(&self, connector: &str, form: &str) -> Option<MessageId> {
        if self.foreseen.is_empty() {
            return None;
        }
        let (remote, id) = self.foreseen.get(&self.hash_of(connector, form))?;
        // Two may share a hash: then the other one is not foreseen.
        let is_it = *remote.connector == *connector && remote.forms.iter().any(|other| **other == *form);
        is_it.then_some(*id)
    }

    /// The commit that was foreseen has come, or will not.
    pub(super) fn forget_foreseen(&mut self) {
        self.foreseen.clear();
        self.foreseen_kept.clear();
    }

    fn hash_of(&self, connector: &str, form: &str) -> u64 {
        self.queues.hasher().hash_one((connector, form))
    }

    /// Whether a new message goes to disk only: enough of its queue, or of all, is in memory, earlier ones
    /// wait on disk, or it is due much later.
    pub(super) fn is_parked(&self, now: Timestamp, message: &Accepted) -> bool {
        let horizon = now.0.saturating_add(self.settings.fold_after_ms());
        if message.due_at.0 > horizon {
            return true;
        }
        let Some(lane) =
            self.queues.get(&message.queue).and_then(|queue| queue.lanes.get(&Reverse(message.priority)))
        else {
            return false;
        };
        let Settings { ready_limit, head_limit, live_limit, .. } = self.settings;
        // Others are to have theirs in memory, too.
        let limit = if self.live.len() < live_limit / 2 { ready_limit } else { ready_limit.min(head_limit) };
        lane.ready.len() >= limit || lane.backlog_from.is_some_and(|from| from <= message.due_at)
    }

    pub(super) fn lane(&mut self, queue: &Arc<str>, priority: u8) -> &mut Lane {
        let queue = self.queues.entry(queue.clone()).or_default();
        queue.lanes.entry(Reverse(priority)).or_default()
    }

    pub(super) fn lanes(&mut self, queue: &str) -> Option<&mut BTreeMap<Reverse<u8>, Lane>> {
        self.queues.get_mut(queue).map(|queue| &mut queue.lanes)
    }

    /// Every lane with the name of its queue.
    pub(super) fn all_lanes(&self) -> impl Iterator<Item = (&Arc<str>, Reverse<u8>, &Lane)> {
        self.queues
            .iter()
            .flat_map(|(name, queue)| queue.lanes.iter().map(move |(priority, lane)| (name, *priority, lane)))
    }

    /// So many more messages wait in a queue.
    pub(super) fn count(&mut self, queue: &Arc<str>, by: i64) {
        let queue = self.queues.entry(queue.clone()).or_default();
        queue.queued = queue.queued.saturating_add_signed(by);
    }

    /// Changes a message that may leave a queue by it, or come to one.
    pub(super) fn change_counted(&mut self, live: &mut Live, change: impl FnOnce(&mut Live)) {
        if live.is_queued() {
            self.count(&live.queue, -1);
        }
        change(live);
        if live.is_queued() {
            self.count(&live.queue, 1);
        }
    }

    pub(super) fn queued(&self, queue: &str) -> u64 {
        self.queues.get(queue).map_or(0, |queue| queue.queued)
    }

    /// Those in which something waits, by name.
    pub(super) fn waiting_queues(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> =
            self.queues.iter().filter(|(_, queue)| queue.queued > 0).map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names
    }

    pub(super) fn next_due(&self, queue: &str) -> Option<Timestamp> {
        let lanes = self.queues.get(queue)?.lanes.values();
        lanes
            .filter_map(|lane| {
                lane.ready.first().map(|(due, _)| *due).into_iter().chain(lane.backlog_from).min()
            })
            .min()
    }

    /// Takes a message out of the head it stands in.
    pub(super) fn unqueue(&mut self, live: &Live) {
        let lane = self.lane(&live.queue, live.message.priority);
        let place = (live.due_at, live.id());
        if live.is_parked {
            lane.parked.remove(&place)
        } else {
            lane.ready.remove(&place)
        };
        if let Some(at) = live.message.expires_at {
            self.expiring.remove(&(at, live.id()));
        }
    }

    fn enqueue(&mut self, live: &Live) {
        let lane = self.lane(&live.queue, live.message.priority);
        let place = (live.due_at, live.id());
        if live.is_parked {
            lane.parked.insert(place);
            lane.park(live.due_at, live.id());
        } else {
            lane.ready.insert(place);
        }
        if let Some(at) = live.message.expires_at {
            self.expiring.insert((at, live.id()));
        }
    }

    /// Puts a message into memory, or a changed one in place of the old.
    pub(super) fn place(&mut self, now: Timestamp, mut live: Live) {
        let id = live.id();
        self.placed_at = now;
        if live.is_dirty() {
            if live.dirty_since == 0 {
                live.dirty_since = self.frame.max(1);
                self.count_dirty(live.dirty_since, 1);
            }
            if !live.is_ageing {
                live.is_ageing = true;
                self.ageing.push_back((now, id));
            }
        }
        if live.phase != Phase::Ready {
            live.is_parked = false;
        }
        let old = self.live.remove(&id);
        match &old {
            Some(old) if old.phase == Phase::Ready => self.unqueue(old),
            Some(old) if old.is_in_job && old.is_at_end() && !live.is_at_end() => {
                self.gathered.replayed.push(id);
            }
            None if live.row == OnDisk::Absent => {
                if let Some(reference) = &live.message.reference {
                    self.references.insert(named(&live.message.account, reference), id);
                }
                if live.is_parked {
                    self.parked.push(id);
                }
            }
            _ => {}
        }
        if live.phase == Phase::Ready {
            self.enqueue(&live);
        }
        // Also of what ended at once, so that its receipt, coming again, finds it.
        let is_known =
            |old: &Live| old.remote == live.remote && (old.phase == Phase::Sent || live.phase != Phase::Sent);
        if !live.is_queued()
            && !old.as_ref().is_some_and(is_known)
            && let Some(remote) = &live.remote
        {
            self.remotes.insert(now, remote.clone(), id);
        }
        if live.is_at_end() && old.is_none_or(|old| !old.is_at_end()) {
            self.ended.push_back(id);
        }
        self.live.insert(id, live);
    }

    /// Takes a message out of memory; its row says all.
    pub(super) fn forget(&mut self, id: MessageId) -> Option<Live> {
        let live = self.live.remove(&id)?;
        if live.phase == Phase::Ready {
            self.unqueue(&live);
        }
        Some(live)
    }

    /// What was to wait on disk is read ahead after all.
    pub(super) fn unpark(&mut self, id: MessageId) {
        let Some(live) = self.live.get_mut(&id).filter(|live| live.is_parked) else { return };
        live.is_parked = false;
        let (queue, priority) = (live.queue.clone(), live.message.priority);
        let place = (live.due_at, id);
        let lane = self.lane(&queue, priority);
        lane.parked.remove(&place);
        lane.ready.insert(place);
    }

    /// The message without a row that an account named so.
    pub(super) fn referred(&self, account: &str, reference: &str) -> Option<MessageId> {
        if self.references.is_empty() {
            None
        } else {
            self.references.get(&named(account, reference)).copied()
        }
    }

    /// A message has a row now, in which its reference is found.
    pub(super) fn has_row(&mut self, message: &Accepted) {
        if let Some(reference) = &message.reference {
            self.references.remove(&named(&message.account, reference));
        }
    }

    /// Messages whose rows do not say all, of frames up to one, oldest first.
    pub(super) fn dirty(&self, up_to: u64) -> impl Iterator<Item = MessageId> {
        let ids = self.ageing.iter().map(|(_, id)| *id);
        ids.filter(move |id| {
            self.live.get(id).is_some_and(|live| live.is_dirty() && live.dirty_since <= up_to)
        })
    }

    /// So many more messages' rows do not say all since a frame.
    pub(super) fn count_dirty(&mut self, frame: u64, by: i32) {
        if self.dirty.is_empty() {
            self.first_dirty = frame;
        }
        while frame < self.first_dirty {
            self.dirty.push_front(0);
            self.first_dirty -= 1;
        }
        let at = usize::try_from(frame - self.first_dirty).unwrap_or(usize::MAX);
        if self.dirty.len() <= at {
            self.dirty.resize(at + 1, 0);
        }
        if let Some(count) = self.dirty.get_mut(at) {
            *count = count.saturating_add_signed(by);
        }
    }

    /// The frame up to which rows say all.
    pub(super) fn said(&mut self) -> u64 {
        while self.dirty.front() == Some(&0) {
            self.dirty.pop_front();
            self.first_dirty += 1;
        }
        if self.dirty.is_empty() { self.frame } else { self.first_dirty - 1 }
    }

    /// The frame up to which rows will say all when they say it of the messages that are dirty since these frames.
    pub(super) fn said_but(&mut self, written: impl Iterator<Item = u64> + Clone) -> u64 {
        let first = self.first_dirty;
        for frame in written.clone() {
            self.count_dirty(frame, -1);
        }
        let left = self.dirty.iter().position(|count| *count > 0);
        let said = left.map_or(self.frame, |at| first + at as u64 - 1);
        for frame in written {
            self.count_dirty(frame, 1);
        }
        said
    }

    /// Whether something waits to be written whose time has come.
    pub(super) fn has_aged(&mut self, now: Timestamp) -> bool {
        let old = now.0.saturating_sub(self.settings.fold_after_ms());
        while let Some((since, id)) = self.ageing.front() {
            if self.live.contains_key(id) {
                return since.0 <= old || self.excess() > 0;
            }
            self.ageing.pop_front();
        }
        false
    }

    /// Messages in memory beyond what may be, without those that leave soon by themselves.
    fn excess(&self) -> usize {
        (self.live.len() - self.gathered.len())
            .saturating_sub(self.ended.len())
            .saturating_sub(self.settings.live_limit)
    }

    /// Adds messages that are to leave memory by their age, or since too many are there; those whose rows say all
    /// leave at once.
    pub(super) fn take_aged(&mut self, now: Timestamp, limit: usize, chosen: &mut Vec<(MessageId, bool)>) {
        let old = now.0.saturating_sub(self.settings.fold_after_ms());
        // Beyond the limit the oldest go however young they are.
        let mut excess = self.excess();
        let mut taken = 0;
        while taken < limit
            && let Some((since, id)) = self.ageing.front().copied()
        {
            let Some(live) = self.live.get_mut(&id) else {
                self.ageing.pop_front();
                continue;
            };
            if since.0 > old && excess == 0 {
                return;
            }
            self.ageing.pop_front();
            excess = excess.saturating_sub(1);
            taken += 1;
            live.is_ageing = false;
            match live.phase {
                Phase::Ended(_) => {}
                _ if live.is_dirty() => chosen.push((id, true)),
                Phase::Ready | Phase::Sent => self.leave(id),
                Phase::Claimed => {}
            }
        }
    }

    /// A message that was to leave stays after all, for another try at once.
    pub(super) fn age_again(&mut self, id: MessageId) {
        if let Some(live) = self.live.get_mut(&id).filter(|live| !live.is_ageing) {
            live.is_ageing = true;
            self.ageing.push_front((Timestamp(i64::MIN), id));
        }
    }

    /// The same of one that something happened to meanwhile: it has as long as a new one.
    pub(super) fn age_anew(&mut self, id: MessageId) {
        if let Some(live) = self.live.get_mut(&id).filter(|live| !live.is_ageing) {
            live.is_ageing = true;
            self.ageing.push_back((self.placed_at, id));
        }
    }

    /// Takes a message out of memory whose row says all; it waits on disk if it waits.
    pub(super) fn leave(&mut self, id: MessageId) {
        let Some(live) = self.forget(id) else { return };
        if live.phase == Phase::Ready {
            self.lane(&live.queue, live.message.priority).park(live.due_at, id);
        }
    }
}

/// An account's name for a message.
fn named(account: &str, reference: &str) -> Box<str> {
    format!("{account}\0{reference}").into()
}

/// What runs, and what has ended and is not in rows yet.
pub(super) type Lives = Parts<MessageId, Live, BuildHasherDefault<IdHasher>>;

pub(super) type ById<T> = HashMap<MessageId, T, BuildHasherDefault<IdHasher>>;
