//! The thread that owns a store, its bounded queue, and the grouping of many callers' commits.

use crate::change::{Change, Outcome};
use crate::error::StoreError;
use crate::message::Timestamp;
use crate::store::Store;
use crate::ticket::{Ticket, ticket};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{fmt, io};

/// Runs a store on a thread of its own. Dropped, it writes what was handed in and ends the thread.
#[derive(Debug)]
pub struct Writer {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// Limits of a [`Writer`].
#[derive(Clone, Debug)]
pub struct WriterLimits {
    /// Changes in one commit at most, a caller's batch counted whole; default 512: the cost of a sync
    /// is spread thin by then, and a larger group only makes its first caller wait longer.
    pub group: usize,
    /// Changes waiting at most; default 8,192: a tenth of a second of a busy store. Beyond it
    /// [`Handle::commit`] gives the batch back, and the caller refuses or slows down.
    pub queue: usize,
    /// How long a commit waits for company; default none: while one commit syncs, the next group
    /// gathers by itself, and an idle writer answers at once.
    pub linger: Duration,
    /// How often an idle writer does upkeep; default 1 s.
    pub upkeep: Duration,
    /// Ended messages are dropped, whole days at a time, when they were accepted longer ago than
    /// this; default 30 days.
    pub retention: Duration,
}

impl Default for WriterLimits {
    fn default() -> Self {
        Self {
            group: 512,
            queue: 8_192,
            linger: Duration::ZERO,
            upkeep: Duration::from_secs(1),
            retention: Duration::from_secs(30 * 86_400),
        }
    }
}

/// Hands work to the thread of a [`Writer`]. Cheap to clone; never blocks but for a moment's lock.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// What a commit came to: an outcome for each change, or why there is none.
pub type Committed = Result<Vec<Outcome>, StoreError>;

/// A batch that found the queue full, or the writer gone.
#[derive(Debug)]
pub struct NotTaken {
    /// As it was given.
    pub changes: Vec<Change>,
    /// True if it will never be taken: the writer has ended.
    pub is_closed: bool,
}

impl Writer {
    /// Starts the thread. The time is the system's.
    pub fn start(store: impl Store + Send + 'static, limits: WriterLimits) -> io::Result<Self> {
        Self::start_at(store, limits, system_time)
    }

    /// Starts the thread with a clock of the caller's.
    pub fn start_at(
        store: impl Store + Send + 'static,
        limits: WriterLimits,
        clock: fn() -> Timestamp,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared { limits, clock, pending: Mutex::default(), wake: Condvar::new() });
        let handle = Handle { shared: shared.clone() };
        let thread = thread::Builder::new().name("store".to_owned()).spawn(move || {
            // However the thread ends, nobody waits for it for ever.
            let closing = Closing(shared.clone());
            run(&shared, store);
            drop(closing);
        })?;
        Ok(Self { handle, thread: Some(thread) })
    }

    /// For callers in any thread.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.handle.shared.lock().is_closing = true;
        self.handle.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there was told to all who waited.
            let _ = thread.join();
        }
    }
}

impl Handle {
    /// Asks for a batch to be made durable with others', and calls `done` from the writer's thread
    /// with what came of it; `done` must be quick. Full, the batch comes back and `done` is dropped.
    pub fn commit_then(
        &self,
        changes: Vec<Change>,
        done: impl FnOnce(Committed) + Send + 'static,
    ) -> Result<(), NotTaken> {
        let mut pending = self.shared.lock();
        // One batch larger than the queue is taken when nothing waits, or it could never be.
        let is_full = pending.changes > 0 && pending.changes + changes.len() > self.shared.limits.queue;
        if is_full || pending.is_closed || pending.is_closing {
            return Err(NotTaken { changes, is_closed: !is_full });
        }
        pending.changes += changes.len();
        pending.batches.push_back((changes, Box::new(done)));
        self.shared.wake.notify_one();
        Ok(())
    }

    /// The same, with a future in place of the callback.
    pub fn commit(&self, changes: Vec<Change>) -> Result<Ticket<Committed>, NotTaken> {
        let (settle, ticket) = ticket();
        self.commit_then(changes, move |committed| settle.with(committed))?;
        Ok(ticket)
    }

    /// Runs something on the store, after the group that is being committed. The ticket is lost, with
    /// [`crate::Lost`], if the writer ends first.
    ///
    /// For claims, correlation and the like; long reads belong to a [`crate::Reader`].
    pub fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Store, Timestamp) -> T + Send + 'static,
    ) -> Ticket<T> {
        let (settle, ticket) = ticket();
        let mut pending = self.shared.lock();
        if !pending.is_closed && !pending.is_closing {
            pending.calls.push_back(Box::new(move |store, now| settle.with(work(store, now))));
            self.shared.wake.notify_one();
        }
        ticket
    }

    /// Copies the store into a file while commits go on.
    pub fn backup(&self, to: PathBuf) -> Ticket<Result<(), StoreError>> {
        let (settle, ticket) = ticket();
        let mut pending = self.shared.lock();
        if !pending.is_closed && !pending.is_closing {
            pending.backups.push_back((to, Box::new(move |result| settle.with(result))));
            self.shared.wake.notify_one();
        }
        ticket
    }

    /// Changes that wait now, for a metric and for slowing down early.
    pub fn waiting(&self) -> usize {
        self.shared.lock().changes
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

type Done = Box<dyn FnOnce(Committed) + Send>;
type Call = Box<dyn FnOnce(&mut dyn Store, Timestamp) + Send>;
type BackedUp = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

struct Shared {
    limits: WriterLimits,
    clock: fn() -> Timestamp,
    pending: Mutex<Pending>,
    wake: Condvar,
}

#[derive(Default)]
struct Pending {
    batches: VecDeque<(Vec<Change>, Done)>,
    /// In all batches.
    changes: usize,
    calls: VecDeque<Call>,
    backups: VecDeque<(PathBuf, BackedUp)>,
    is_closing: bool,
    is_closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        // Nothing under this lock can be left half done.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops whatever waits when the thread ends.
struct Closing(Arc<Shared>);

impl Drop for Closing {
    fn drop(&mut self) {
        let mut pending = self.0.lock();
        pending.is_closed = true;
        let batches = std::mem::take(&mut pending.batches);
        let left = (std::mem::take(&mut pending.calls), std::mem::take(&mut pending.backups));
        pending.changes = 0;
        drop(pending);
        drop(left);
        for (_, done) in batches {
            done(Err(StoreError::Closed));
        }
    }
}

fn run(shared: &Shared, mut store: impl Store) {
    let mut is_idle = false;
    loop {
        let mut pending = shared.lock();
        if pending.is_empty() {
            if pending.is_closing {
                return;
            }
            let wait = if is_idle { shared.limits.upkeep } else { IDLE };
            let (woken, timeout) =
                shared.wake.wait_timeout(pending, wait).unwrap_or_else(PoisonError::into_inner);
            pending = woken;
            if timeout.timed_out() && pending.is_empty() {
                drop(pending);
                is_idle = !upkeep(shared, &mut store);
                continue;
            }
        }
        drop(pending);
        is_idle = false;
        linger(shared);
        serve(shared, &mut store);
        let backup = shared.lock().backups.pop_front();
        if let Some((to, done)) = backup {
            done(store.backup(&to, &mut |store| serve(shared, store)));
        }
    }
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.batches.is_empty() && self.calls.is_empty() && self.backups.is_empty()
    }
}

/// True if there is more to do at once. An error shows at the next commit, where it has a caller.
fn upkeep(shared: &Shared, store: &mut dyn Store) -> bool {
    let now = (shared.clock)();
    let retention = i64::try_from(shared.limits.retention.as_millis()).unwrap_or(i64::MAX);
    store.maintain(now, Timestamp(now.0.saturating_sub(retention))).unwrap_or(false)
}

fn linger(shared: &Shared) {
    let until = Instant::now() + shared.limits.linger;
    let mut pending = shared.lock();
    while !pending.is_closing && pending.changes < shared.limits.group {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || pending.batches.is_empty() {
            return;
        }
        pending = shared.wake.wait_timeout(pending, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// Commits one group and answers it, then makes the calls that wait.
fn serve(shared: &Shared, store: &mut dyn Store) {
    let mut changes = Vec::new();
    let mut callers = Vec::new();
    let mut pending = shared.lock();
    while let Some((batch, done)) = pending.batches.pop_front() {
        callers.push((batch.len(), done));
        if changes.is_empty() {
            changes = batch;
        } else {
            changes.extend(batch);
        }
        let next = pending.batches.front().map_or(0, |(batch, _)| batch.len());
        if changes.len() + next > shared.limits.group {
            break;
        }
    }
    pending.changes -= changes.len();
    let calls = std::mem::take(&mut pending.calls);
    drop(pending);
    if !callers.is_empty() {
        answer(store, (shared.clock)(), &changes, callers);
    }
    for call in calls {
        call(store, (shared.clock)());
    }
}

fn answer(store: &mut dyn Store, now: Timestamp, changes: &[Change], callers: Vec<(usize, Done)>) {
    let mut outcomes = Vec::with_capacity(changes.len());
    match store.commit(now, changes, &mut outcomes) {
        Ok(()) => {
            let mut outcomes = outcomes.into_iter();
            for (count, done) in callers {
                done(Ok(outcomes.by_ref().take(count).collect()));
            }
        }
        Err(error) => {
            let mut first = Some(error);
            let is_lasting = first.as_ref().is_some_and(StoreError::is_lasting);
            for (_, done) in callers {
                let again = if is_lasting { StoreError::Stopped } else { StoreError::Full };
                done(Err(first.take().unwrap_or(again)));
            }
        }
    }
}

fn system_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// After this long without work the rest is folded.
const IDLE: Duration = Duration::from_millis(5);
