//! The thread that makes written groups durable while the next one is being written.

use crate::change::{Change, Outcome};
use crate::error::StoreError;
use crate::handle::{Done, Uncommitted};
use crate::store::Syncer;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// A group that is committed, and who is to be told.
pub(crate) struct Group {
    changes: Vec<Change>,
    /// How many of the changes each gave.
    callers: Vec<(usize, Done)>,
    outcomes: Vec<Outcome>,
}

impl Group {
    pub(crate) fn new(changes: Vec<Change>, callers: Vec<(usize, Done)>) -> Self {
        let outcomes = Vec::with_capacity(changes.len());
        Self { changes, callers, outcomes }
    }

    /// What is to be committed, and where what became of it goes.
    pub(crate) fn parts(&mut self) -> (&[Change], &mut Vec<Outcome>) {
        (&self.changes, &mut self.outcomes)
    }

    pub(crate) fn tell(self, committed: Result<(), StoreError>) {
        match committed {
            Ok(()) => {
                let mut outcomes = self.outcomes.into_iter();
                for (count, done) in self.callers {
                    done(Ok(outcomes.by_ref().take(count).collect()));
                }
            }
            Err(error) => {
                let mut changes = self.changes.into_iter();
                let again = if error.is_lasting() { || StoreError::Stopped } else { || StoreError::Full };
                let mut first = Some(error);
                for (count, done) in self.callers {
                    if count == 0 {
                        done(Ok(Vec::new()));
                        continue;
                    }
                    let error = first.take().unwrap_or_else(again);
                    done(Err(Uncommitted { error, changes: changes.by_ref().take(count).collect() }));
                }
            }
        }
    }
}

/// The way to the thread. Dropped, it waits until all it was given is durable.
pub(crate) struct Beside {
    sync: Arc<Mutex<Syncer>>,
    /// Groups that were given and not all of whose callers are told.
    under_way: Arc<AtomicUsize>,
    give: Option<SyncSender<Group>>,
    thread: Option<JoinHandle<()>>,
}

impl Beside {
    pub(crate) fn start(sync: Syncer) -> io::Result<Self> {
        let sync = Arc::new(Mutex::new(sync));
        let under_way = Arc::new(AtomicUsize::new(0));
        let (give, given) = sync_channel(AHEAD);
        let own = (Arc::clone(&sync), Arc::clone(&under_way));
        let thread = thread::Builder::new().name("sync".to_owned());
        let thread = thread.spawn(move || run(&own.0, &own.1, &given))?;
        Ok(Self { sync, under_way, give: Some(give), thread: Some(thread) })
    }

    /// Makes a group durable and tells its callers, here if that spares the way to the thread and nobody
    /// waits: `is_last` says so. Else it waits while as many are ahead as may be: what comes meanwhile
    /// makes the next group larger.
    pub(crate) fn give(&self, group: Group, is_last: bool) {
        if is_last && self.under_way.load(Ordering::Acquire) == 0 {
            return group.tell(lock(&self.sync)());
        }
        self.under_way.fetch_add(1, Ordering::AcqRel);
        if let Some(give) = &self.give
            && let Err(lost) = give.send(group)
        {
            // It ended by a panic of a callback's.
            lost.0.tell(Err(StoreError::Closed));
        }
    }
}

fn lock(sync: &Mutex<Syncer>) -> MutexGuard<'_, Syncer> {
    // A sync that panicked would do so again, and does not acknowledge anything.
    sync.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beside").field("under_way", &self.under_way).finish_non_exhaustive()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.give = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was told to all who waited.
            let _ = thread.join();
        }
    }
}

fn run(sync: &Mutex<Syncer>, under_way: &AtomicUsize, given: &Receiver<Group>) {
    while let Ok(first) = given.recv() {
        // One sync for all that were written before it begins.
        let more: Vec<Group> = given.try_iter().collect();
        let count = 1 + more.len();
        let synced = lock(sync)();
        let has_failed = synced.is_err();
        first.tell(synced);
        for group in more {
            group.tell(if has_failed { Err(StoreError::Stopped) } else { Ok(()) });
        }
        under_way.fetch_sub(count, Ordering::AcqRel);
    }
}

/// Groups that are written and wait for the sync of the one before.
const AHEAD: usize = 1;
