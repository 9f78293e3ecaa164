//! What runs: the heads of the queues, what is on its way, and whose remote id is whose.

use super::Settings;
use super::live::{Live, OnDisk, Phase};
use super::schema::Day;
use crate::id::MessageId;
use crate::message::{Accepted, RemoteId, Timestamp, Totals};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// Changed only after a commit succeeded, so that a failed one leaves it as it was.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) settings: Settings,
    pub(super) live: ById<Live>,
    queues: HashMap<Arc<str>, BTreeMap<Reverse<u8>, Lane>>,
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
    pub(super) days: BTreeMap<i64, Arc<Day>>,
    pub(super) counters: Counters,
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
            queues: HashMap::new(),
            expiring: BTreeSet::new(),
            fresh: BTreeSet::new(),
            ended: VecDeque::new(),
            ageing: VecDeque::new(),
            events: VecDeque::new(),
            remotes: Remotes::default(),
            days: BTreeMap::new(),
            counters: Counters::default(),
            is_stopped: false,
        }
    }

    /// Whether a new message goes to disk only: its queue's head is full, earlier ones wait on disk,
    /// or it is due much later.
    pub(super) fn is_parked(&self, now: Timestamp, message: &Accepted) -> bool {
        let horizon = now.0.saturating_add(self.settings.fold_after_ms());
        if message.due_at.0 > horizon {
            return true;
        }
        let Some(lane) =
            self.queues.get(&message.queue).and_then(|lanes| lanes.get(&Reverse(message.priority)))
        else {
            return false;
        };
        lane.ready.len() >= self.settings.head_limit
            || lane.backlog_from.is_some_and(|from| from <= message.due_at)
    }

    pub(super) fn lane(&mut self, queue: &Arc<str>, priority: u8) -> &mut Lane {
        let lanes = self.queues.entry(queue.clone()).or_default();
        lanes.entry(Reverse(priority)).or_default()
    }

    pub(super) fn lanes(&mut self, queue: &str) -> Option<&mut BTreeMap<Reverse<u8>, Lane>> {
        self.queues.get_mut(queue)
    }

    pub(super) fn next_due(&self, queue: &str) -> Option<Timestamp> {
        let lanes = self.queues.get(queue)?.values();
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
        if live.phase == Phase::Sent
            && old.as_ref().is_none_or(|old| old.phase != Phase::Sent)
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

/// Remote ids given out lately: those of messages in memory, and of ended ones for as long, so that a
/// receipt that comes twice finds its message.
#[derive(Debug, Default)]
pub(super) struct Remotes {
    by_connector: HashMap<Arc<str>, HashMap<Box<str>, Ids>>,
    by_age: VecDeque<(Timestamp, Arc<RemoteId>, MessageId)>,
}

/// Almost always one: a second only when the other side uses an id again.
#[derive(Debug)]
struct Ids {
    newest: MessageId,
    older: Vec<MessageId>,
}

impl Remotes {
    fn insert(&mut self, now: Timestamp, remote: Arc<RemoteId>, id: MessageId) {
        let forms = self.by_connector.entry(remote.connector.clone()).or_default();
        for form in &remote.forms {
            match forms.get_mut(form) {
                None => _ = forms.insert(form.clone(), Ids { newest: id, older: Vec::new() }),
                Some(ids) if ids.newest != id => {
                    ids.older.insert(0, std::mem::replace(&mut ids.newest, id));
                }
                Some(_) => {}
            }
        }
        self.by_age.push_back((now, remote, id));
    }

    pub(super) fn find(&self, connector: &str, form: &str) -> impl Iterator<Item = MessageId> + use<> {
        let ids = self.by_connector.get(connector).and_then(|forms| forms.get(form));
        let older = ids.map(|ids| ids.older.clone()).unwrap_or_default();
        ids.map(|ids| ids.newest).into_iter().chain(older)
    }

    /// Drops what came before `before`, and the oldest beyond `limit`: some of it, and nothing that
    /// is not on disk yet.
    pub(super) fn forget(&mut self, before: Timestamp, limit: usize, live: &ById<Live>, budget: usize) {
        for _ in 0..budget {
            let is_old = self.by_age.front().is_some_and(|(at, ..)| *at < before);
            if !is_old && self.by_age.len() <= limit {
                return;
            }
            let Some((at, remote, id)) = self.by_age.pop_front() else { return };
            let is_awaited = |live: &Live| live.phase == Phase::Sent && live.remote.as_ref() == Some(&remote);
            if live.get(&id).is_some_and(is_awaited) {
                self.by_age.push_back((at, remote, id));
                continue;
            }
            let Some(forms) = self.by_connector.get_mut(&remote.connector) else { continue };
            for form in &remote.forms {
                let Some(ids) = forms.get_mut(form) else { continue };
                ids.older.retain(|other| *other != id);
                if ids.newest != id {
                    continue;
                }
                if ids.older.is_empty() {
                    forms.remove(form);
                } else {
                    ids.newest = ids.older.remove(0);
                }
            }
        }
    }
}

pub(super) type ById<T> = HashMap<MessageId, T, BuildHasherDefault<IdHasher>>;

/// Ids are ours and differ in their low bits: one multiplication spreads them. The same in every run.
#[derive(Debug, Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.write_u64(u64::from(*octet));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}
