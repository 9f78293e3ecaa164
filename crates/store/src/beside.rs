//! The thread that makes written groups durable while the next one is being written.

use crate::change::{Change, Outcome};
use crate::error::StoreError;
use crate::handle::{Committed, Done, Shared, Uncommitted};
use crate::store::Syncer;
use crate::waits::Tally;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// A group that is committed, and who is to be told.
pub(crate) struct Group {
    changes: Vec<Change>,
    callers: Vec<Caller>,
    outcomes: Vec<Outcome>,
}

/// One who gave some of them.
pub(crate) struct Caller {
    pub(crate) count: usize,
    /// Since when this one waits, if it does.
    pub(crate) since: Option<Instant>,
    pub(crate) done: Done,
}

impl Caller {
    fn tell(self, waits: &Tally, committed: Committed) {
        if let Some(since) = self.since {
            waits.add(since.elapsed());
        }
        (self.done)(committed);
    }
}

impl Group {
    pub(crate) fn new(changes: Vec<Change>, callers: Vec<Caller>) -> Self {
        let outcomes = Vec::with_capacity(changes.len());
        Self { changes, callers, outcomes }
    }

    /// What is to be committed, and where what became of it goes.
    pub(crate) fn parts(&mut self) -> (&[Change], &mut Vec<Outcome>) {
        (&self.changes, &mut self.outcomes)
    }

    pub(crate) fn tell(self, committed: Result<(), StoreError>, waits: &Tally) {
        match committed {
            Ok(()) => {
                let mut outcomes = self.outcomes.into_iter();
                for caller in self.callers {
                    let own = outcomes.by_ref().take(caller.count).collect();
                    caller.tell(waits, Ok(own));
                }
            }
            Err(error) => {
                let mut changes = self.changes.into_iter();
                let again = if error.is_lasting() { || StoreError::Stopped } else { || StoreError::Full };
                let mut first = Some(error);
                for caller in self.callers {
                    if caller.count == 0 {
                        caller.tell(waits, Ok(Vec::new()));
                        continue;
                    }
                    let error = first.take().unwrap_or_else(again);
                    let changes = changes.by_ref().take(caller.count).collect();
                    caller.tell(waits, Err(Uncommitted { error, changes }));
                }
            }
        }
    }
}

/// The way to the thread. Dropped, it waits until all it was given is durable.
pub(crate) struct Beside {
    sync: Arc<Mutex<Syncer>>,
    shared: Arc<Shared>,
    /// Groups that were given and not all of whose callers are told.
    under_way: Arc<AtomicUsize>,
    give: Option<SyncSender<Group>>,
    thread: Option<JoinHandle<()>>,
}

impl Beside {
    pub(crate) fn start(sync: Syncer, shared: Arc<Shared>) -> io::Result<Self> {
        let sync = Arc::new(Mutex::new(sync));
        let under_way = Arc::new(AtomicUsize::new(0));
        let (give, given) = sync_channel(AHEAD);
        let own = (Arc::clone(&sync), Arc::clone(&under_way), Arc::clone(&shared));
        let thread = thread::Builder::new().name("sync".to_owned());
        let thread = thread.spawn(move || run(&own.0, &own.1, &own.2.waits, &given))?;
        Ok(Self { sync, shared, under_way, give: Some(give), thread: Some(thread) })
    }

    /// Makes a group durable and tells its callers, here if that spares the way to the thread and nobody
    /// waits: `is_last` says so. Else it waits while as many are ahead as may be: what comes meanwhile
    /// makes the next group larger.
    pub(crate) fn give(&self, group: Group, is_last: bool) {
        if is_last && self.under_way.load(Ordering::Acquire) == 0 {
            return group.tell(lock(&self.sync)(), &self.shared.waits);
        }
        self.under_way.fetch_add(1, Ordering::AcqRel);
        if let Some(give) = &self.give
            && let Err(lost) = give.send(group)
        {
            // It ended by a panic of a callback's.
            lost.0.tell(Err(StoreError::Closed), &self.shared.waits);
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

fn run(sync: &Mutex<Syncer>, under_way: &AtomicUsize, waits: &Tally, given: &Receiver<Group>) {
    while let Ok(first) = given.recv() {
        // One sync for all that were written before it begins.
        let more: Vec<Group> = given.try_iter().collect();
        let count = 1 + more.len();
        let synced = lock(sync)();
        let has_failed = synced.is_err();
        first.tell(synced, waits);
        for group in more {
            group.tell(if has_failed { Err(StoreError::Stopped) } else { Ok(()) }, waits);
        }
        under_way.fetch_sub(count, Ordering::AcqRel);
    }
}

/// Groups that are written and wait for the sync of the one before.
const AHEAD: usize = 1;
