//! What runs: the heads of the queues, what is on its way, and whose remote id is whose.

use super::Settings;
use super::hash::{IdHasher, Seeded};
use super::live::{Live, OnDisk, Phase};
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
    pub(super) live: ById<Live>,
    queues: HashMap<Arc<str>, Queue, Seeded>,
    /// Unclaimed messages in memory that expire.
    pub(super) expiring: BTreeSet<(Timestamp, MessageId)>,
    /// Rows that memory and events know better than; the first is where a restart begins to read.
    pub(super) fresh: BTreeSet<MessageId>,
    /// Ended and not folded, in the order of their ends.
    pub(super) ended: VecDeque<MessageId>,
    /// Not folded, in the order they began to run.
    pub(super) ageing: VecDeque<(Timestamp, MessageId)>,
    /// Rows of `event`, oldest first.
    pub(super) events: VecDeque<(i64, MessageId)>,
    pub(super) remotes: Remotes,
    /// Remote ids that the next commit will give out, by what hash they have.
    foreseen: HashMap<u64, (Arc<RemoteId>, MessageId), BuildHasherDefault<IdHasher>>,
    /// Receipts that it will keep.
    pub(super) foreseen_kept: Vec<Arc<Orphan>>,
    pub(super) days: BTreeMap<i64, Arc<Day>>,
    pub(super) counters: Counters,
    /// The write-ahead log is one of an earlier run: see [`super::checkpoint::renew`].
    pub(super) is_log_old: bool,
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
    pub(super) cdr_seq: i64,
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
    /// Not later than the first row that waits on disk and is not read yet.
    pub(super) backlog_from: Option<Timestamp>,
    /// Rows up to here have been read.
    pub(super) cursor: (Timestamp, MessageId),
}

impl Default for Lane {
    fn default() -> Self {
        Self { ready: BTreeSet::new(), backlog_from: None, cursor: (Timestamp(i64::MIN), MessageId::ZERO) }
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
            live: HashMap::default(),
            queues: HashMap::default(),
            expiring: BTreeSet::new(),
            fresh: BTreeSet::new(),
            ended: VecDeque::new(),
            ageing: VecDeque::new(),
            events: VecDeque::new(),
            remotes: Remotes::default(),
            foreseen: HashMap::default(),
            foreseen_kept: Vec::new(),
            days: BTreeMap::new(),
            counters: Counters::default(),
            is_log_old: false,
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
        lane.ready.remove(&(live.due_at, live.id()));
        if let Some(at) = live.message.expires_at {
            self.expiring.remove(&(at, live.id()));
        }
    }

    fn enqueue(&mut self, live: &Live) {
        let lane = self.lane(&live.queue, live.message.priority);
        lane.ready.insert((live.due_at, live.id()));
        if let Some(at) = live.message.expires_at {
            self.expiring.insert((at, live.id()));
        }
    }

    /// Puts a message into memory, or a changed one in place of the old.
    pub(super) fn place(&mut self, now: Timestamp, mut live: Live) {
        let id = live.id();
        let old = self.live.remove(&id);
        let was_ready = old.as_ref().is_some_and(|old| old.phase == Phase::Ready);
        if let Some(old) = old.as_ref().filter(|_| was_ready) {
            self.unqueue(old);
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
        if matches!(live.phase, Phase::Ended(_))
            && old.is_none_or(|old| !matches!(old.phase, Phase::Ended(_)))
        {
            self.ended.push_back(id);
        }
        match live.row {
            OnDisk::Fresh => _ = self.fresh.insert(id),
            OnDisk::Kept => _ = self.fresh.remove(&id),
        }
        if live.is_dirty() && !live.is_ageing {
            live.is_ageing = true;
            self.ageing.push_back((now, id));
        }
        self.live.insert(id, live);
    }

    /// Takes a message out of memory; its row says all.
    pub(super) fn forget(&mut self, id: MessageId) -> Option<Live> {
        let live = self.live.remove(&id)?;
        self.fresh.remove(&id);
        if live.phase == Phase::Ready {
            self.unqueue(&live);
        }
        Some(live)
    }
}

pub(super) type ById<T> = HashMap<MessageId, T, BuildHasherDefault<IdHasher>>;
