//! A store on a disk that can be cut off, work for it, and what it should say afterwards.
#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses its part, and stops where it fails")]

use smppkit_powercut::{Disk, VFS};
use smppkit_store::{
    Accepted, Change, Final, Folding, MessageId, MessageIds, NodeId, Orphan, Outcome, RemoteId, Search,
    Settings, Sqlite, State, Store, StoreError, Timestamp, Totals,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000);

pub(crate) fn open(disk: &Disk, now: Timestamp) -> Result<Sqlite, StoreError> {
    open_with(disk, now, 25)
}

pub(crate) fn open_with(disk: &Disk, now: Timestamp, wal_pages: u32) -> Result<Sqlite, StoreError> {
    // Small, so that checkpoints, folding and reading from disk happen all the time.
    let settings = Settings {
        head_limit: 5,
        ready_limit: 5,
        live_limit: 40,
        fold_after: Duration::from_millis(40),
        fold_batch: 2,
        wal_pages,
        folding: Folding::InCommit,
        // Four or so commits in each segment.
        segment: 2_048,
        segments: 3,
        ..Settings::default()
    };
    Sqlite::open_on_vfs(&disk.path("messages.sqlite"), VFS, Box::new(disk.clone()), now, settings)
}

/// What a store says of all its messages, oldest last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Snapshot {
    totals: Totals,
    messages: Vec<(MessageId, State, u32, u32, Arc<str>, Timestamp)>,
}

impl Snapshot {
    pub(crate) fn of(store: &Sqlite) -> Self {
        let mut messages = Vec::new();
        let mut search = Search { limit: usize::MAX, ..Search::default() };
        loop {
            let page = store.search(&search).unwrap();
            messages.extend(page.messages.into_iter().map(|message| {
                let accepted = message.accepted;
                let (queue, due_at) = (accepted.queue, accepted.due_at);
                (accepted.id, message.state, message.version, message.attempts, queue, due_at)
            }));
            // A page ends when its time is up, which on a busy machine it may be.
            search.before = page.next;
            if search.before.is_none() {
                return Self { totals: store.totals(), messages };
            }
        }
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.totals.accepted
    }

    /// Everything that `earlier` says is here, or changed since.
    pub(crate) fn is_at_or_after(&self, earlier: &Self) -> bool {
        let versions: BTreeMap<MessageId, u32> =
            self.messages.iter().map(|message| (message.0, message.2)).collect();
        earlier.messages.iter().all(|message| versions.get(&message.0).is_some_and(|now| *now >= message.2))
    }

    /// The store stands as this says, and everything queued is handed out.
    pub(crate) fn assert_served(&self, store: &mut Sqlite) {
        assert!(self.totals.is_conserved());
        assert_eq!(store.check().unwrap(), []);
        let far = Timestamp(NOW.0 + 1_000_000_000);
        let is_queued = |state: State| state == State::Queued;
        let mut queued: Vec<MessageId> =
            self.messages.iter().filter(|message| is_queued(message.1)).map(|message| message.0).collect();
        let mut claimed: Vec<MessageId> = Vec::new();
        for queue in QUEUES {
            let of_queue = store.claim(far, queue, usize::MAX).unwrap();
            assert!(of_queue.iter().all(|claimed| *claimed.message.payload == *payload(claimed.message.id)));
            claimed.extend(of_queue.into_iter().map(|claimed| claimed.message.id));
        }
        queued.sort_unstable();
        claimed.sort_unstable();
        assert_eq!(claimed, queued);
    }
}

/// Makes commits of all kinds, the same for the same seed.
pub(crate) struct Worker {
    seed: u64,
    pub(crate) now: Timestamp,
    known: Vec<MessageId>,
}

impl Worker {
    pub(crate) fn new(seed: u64, store: &Sqlite, now: Timestamp) -> Self {
        let page = store.search(&Search { limit: 60, ..Search::default() }).unwrap();
        Self { seed, now, known: page.messages.iter().map(|message| message.accepted.id).collect() }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.seed >> 33).unwrap() % limit
    }

    /// One commit, with upkeep before it now and then.
    pub(crate) fn step(&mut self, store: &mut Sqlite) -> Result<Vec<Outcome>, StoreError> {
        self.now.0 += i64::try_from(self.below(20)).unwrap();
        if self.below(6) == 0 {
            store.maintain(self.now, Timestamp(0))?;
        }
        let queue = QUEUES[self.below(2)];
        let limit = self.below(4);
        let mut changes: Vec<Change> = Vec::new();
        for claimed in store.claim(self.now, queue, limit)? {
            let id = claimed.message.id;
            changes.push(match self.below(4) {
                0 => self.retry(id),
                1 => finish(id, Final::Failed),
                _ => sent(id),
            });
        }
        let mut ids = MessageIds::after(NodeId::default(), store.last_id());
        for _ in 0..self.below(4) {
            let id = ids.next(self.now);
            self.known.push(id);
            let delay = i64::try_from(self.below(100)).unwrap();
            let due_at = Timestamp(self.now.0 + delay - 50);
            changes.push(Change::Accept(Arc::new(message(id, QUEUES[self.below(2)], due_at))));
        }
        if let Some(id) = self.pick() {
            changes.push(self.any(id));
        }
        let mut outcomes = Vec::new();
        store.commit(self.now, &changes, &mut outcomes)?;
        Ok(outcomes)
    }

    fn pick(&mut self) -> Option<MessageId> {
        let last = self.known.len().min(60);
        let back = self.below(last.max(1));
        self.known.iter().rev().nth(back).copied()
    }

    fn any(&mut self, id: MessageId) -> Change {
        let account: Arc<str> = "shop".into();
        match self.below(7) {
            0 => sent(id),
            1 => finish(id, Final::Delivered),
            2 => self.retry(id),
            3 => Change::Cancel { id, account, version: None, then: None },
            4 => Change::Replay { id, due_at: self.now, queue: None },
            5 => {
                let payload = payload(id);
                Change::Replace { id, account, version: None, payload, due_at: None, expires_at: None }
            }
            _ => {
                let remote = RemoteId { connector: "up".into(), forms: vec![id.to_string().into()] };
                Change::Keep(Arc::new(Orphan { remote, at: self.now, payload: b"early".as_slice().into() }))
            }
        }
    }

    fn retry(&mut self, id: MessageId) -> Change {
        let due_at = Timestamp(self.now.0 + i64::try_from(self.below(100)).unwrap());
        let is_attempt = self.below(2) == 0;
        Change::Retry { id, due_at, queue: Some(QUEUES[1].into()), is_attempt, reason: "busy".into() }
    }
}

fn sent(id: MessageId) -> Change {
    let forms = vec![id.to_string().into(), format!("{:x}", id.to_u64()).into()];
    Change::Sent { id, remote: Arc::new(RemoteId { connector: "up".into(), forms }) }
}

fn finish(id: MessageId, state: Final) -> Change {
    Change::Finish { id, state, reason: "end".into(), then: None }
}

pub(crate) fn message(id: MessageId, queue: &str, due_at: Timestamp) -> Accepted {
    Accepted {
        id,
        account: "shop".into(),
        queue: queue.into(),
        priority: 0,
        due_at,
        expires_at: None,
        source: "1000".into(),
        destination: "4912345".into(),
        reference: Some(id.to_string().into()),
        payload: payload(id),
    }
}

/// Known by the id, so that a mixed-up one is noticed.
fn payload(id: MessageId) -> Box<[u8]> {
    id.to_u64().to_le_bytes().repeat(30).into()
}

const QUEUES: [&str; 2] = ["up", "down"];
