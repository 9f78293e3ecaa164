//! The way into a writer: a bounded queue of batches, and calls beside it.

use crate::change::{Change, Outcome};
use crate::error::StoreError;
use crate::message::Timestamp;
use crate::store::Store;
use crate::ticket::{Ticket, ticket};
use crate::waits::{Tally, Waits};
use crate::writer::WriterLimits;
use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Hands work to a [`crate::Writer`] or a [`crate::Pump`]. Cheap to clone; never blocks but for a
/// moment's lock.
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
}

/// What a commit came to: an outcome for each change, or why there is none.
pub type Committed = Result<Vec<Outcome>, Uncommitted>;

/// A batch that was not committed.
#[derive(Debug)]
pub struct Uncommitted {
    /// Why not.
    pub error: StoreError,
    /// As it was given, to be given again; empty if the writer has ended.
    pub changes: Vec<Change>,
}

impl fmt::Display for Uncommitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Uncommitted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// A batch that found the queue full, or the writer gone.
#[derive(Debug)]
pub struct NotTaken {
    /// As it was given.
    pub changes: Vec<Change>,
    /// True if it will never be taken: the writer has ended.
    pub is_closed: bool,
}

impl Handle {
    /// Asks for a batch to be made durable with others', and calls `done` from a thread of the writer's
    /// with what came of it; `done` must be quick. Full, the batch comes back and `done` is dropped.
    ///
    /// An empty batch is answered in its turn and causes no commit.
    pub fn commit_then(
        &self,
        changes: Vec<Change>,
        done: impl FnOnce(Committed) + Send + 'static,
    ) -> Result<(), NotTaken> {
        self.take(changes, Box::new(done), true)
    }

    /// The same, of what nobody waits for: it goes with the next batch that somebody does wait for, or
    /// after [`WriterLimits::patience`].
    pub fn commit_in_passing_then(
        &self,
        changes: Vec<Change>,
        done: impl FnOnce(Committed) + Send + 'static,
    ) -> Result<(), NotTaken> {
        self.take(changes, Box::new(done), false)
    }

    fn take(&self, changes: Vec<Change>, done: Done, is_awaited: bool) -> Result<(), NotTaken> {
        let weight = changes.len();
        self.give(Batch::new(weight, is_awaited, Work::Changes(changes, done)))
    }

    fn give(&self, batch: Batch) -> Result<(), NotTaken> {
        let mut pending = self.shared.lock();
        if let Err(is_closed) = pending.room(batch.weight, self.shared.limits.queue) {
            drop(pending);
            let (Work::Changes(changes, _) | Work::Prepare(changes, _)) = batch.work;
            return Err(NotTaken { changes, is_closed });
        }
        if pending.push(batch) {
            self.shared.wake.notify_one();
        }
        Ok(())
    }

    /// The same, with a future in place of the callback.
    pub fn commit(&self, changes: Vec<Change>) -> Result<Ticket<Committed>, NotTaken> {
        let (settle, ticket) = ticket();
        self.commit_then(changes, move |committed| settle.with(committed))?;
        Ok(ticket)
    }

    /// Asks the store first and then for a batch: `work` runs in the writer's thread when its group is
    /// gathered, and what it returns is committed with that group. Batches keep their order.
    ///
    /// `work` sees the store as the group before left it: a change of its own group, also of an
    /// earlier batch, is not there yet, except as [`Store::foresee`] says. It counts as `weight` changes
    /// against the queue's limit, and when the group is filled. Full, `work` and `done` are dropped; and
    /// also, unasked, if the writer ends first.
    pub fn prepare_then<C: Send + 'static>(
        &self,
        weight: usize,
        work: impl FnOnce(&mut dyn Store, Timestamp) -> (Vec<Change>, C) + Send + 'static,
        done: impl FnOnce(Committed, C) + Send + 'static,
    ) -> Result<(), NotTaken> {
        let work = Work::prepare(
            Vec::new(),
            |store, now, changes| {
                let (own, context) = work(store, now);
                *changes = own;
                context
            },
            done,
        );
        self.give(Batch::new(weight, true, work))
    }

    /// The same, of a batch that is there and that `work` may add to, and that nobody waits for: see
    /// [`Handle::commit_in_passing_then`]. Full, the batch comes back.
    pub fn prepare_in_passing_then<C: Send + 'static>(
        &self,
        changes: Vec<Change>,
        work: impl FnOnce(&mut dyn Store, Timestamp, &mut Vec<Change>) -> C + Send + 'static,
        done: impl FnOnce(Committed, C) + Send + 'static,
    ) -> Result<(), NotTaken> {
        let weight = changes.len();
        self.give(Batch::new(weight, false, Work::prepare(changes, work, done)))
    }

    /// Runs something on the store, after the group that is being committed, and in the same turn if
    /// a callback of that group asks for it. The ticket is lost, with [`crate::Lost`], if the writer
    /// ends first.
    ///
    /// For claims, correlation and the like; long reads belong to a [`crate::Reader`].
    pub fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Store, Timestamp) -> T + Send + 'static,
    ) -> Ticket<T> {
        let (settle, ticket) = ticket();
        self.call_then(move |store, now| settle.with(work(store, now)));
        ticket
    }

    /// The same without an answer. False if the writer has ended: `work` is dropped then, as it is
    /// when the writer ends before its turn.
    pub fn call_then(&self, work: impl FnOnce(&mut dyn Store, Timestamp) + Send + 'static) -> bool {
        let mut pending = self.shared.lock();
        if pending.is_over() {
            return false;
        }
        pending.calls.push_back(Box::new(work));
        self.shared.wake.notify_one();
        true
    }

    /// Done when a [`crate::Reader`] finds all that was committed before: see [`Store::expose`].
    pub fn expose(&self) -> Ticket<()> {
        let (settle, ticket) = ticket();
        self.call_then(move |store, now| store.expose(now, Box::new(move || settle.with(()))));
        ticket
    }

    /// Copies the store into a file while commits go on.
    pub fn backup(&self, to: PathBuf) -> Ticket<Result<(), StoreError>> {
        let (settle, ticket) = ticket();
        let mut pending = self.shared.lock();
        if !pending.is_over() {
            pending.backups.push_back((to, Box::new(move |result| settle.with(result))));
            self.shared.wake.notify_one();
        }
        ticket
    }

    /// Changes that wait now, for a metric and for slowing down early.
    pub fn waiting(&self) -> usize {
        self.shared.lock().weight
    }

    /// How long those who waited for a commit did so.
    pub fn waits(&self) -> Waits {
        self.shared.waits.read()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

pub(crate) type Done = Box<dyn FnOnce(Committed) + Send>;
type Prepare = Box<dyn FnOnce(&mut dyn Store, Timestamp, &mut Vec<Change>) -> Done + Send>;
type Call = Box<dyn FnOnce(&mut dyn Store, Timestamp) + Send>;
type BackedUp = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// What one caller wants in one commit.
pub(crate) struct Batch {
    weight: usize,
    /// Since when somebody waits for it, if so.
    pub(crate) awaited_since: Option<Instant>,
    pub(crate) work: Work,
}

impl Batch {
    fn new(weight: usize, is_awaited: bool, work: Work) -> Self {
        Self { weight, awaited_since: is_awaited.then(Instant::now), work }
    }
}

pub(crate) enum Work {
    Changes(Vec<Change>, Done),
    Prepare(Vec<Change>, Prepare),
}

impl Work {
    fn prepare<C: Send + 'static>(
        changes: Vec<Change>,
        work: impl FnOnce(&mut dyn Store, Timestamp, &mut Vec<Change>) -> C + Send + 'static,
        done: impl FnOnce(Committed, C) + Send + 'static,
    ) -> Self {
        let prepare: Prepare = Box::new(move |store, now, changes| {
            let context = work(store, now, changes);
            Box::new(move |committed| done(committed, context))
        });
        Self::Prepare(changes, prepare)
    }
}

/// What handles and the writer have in common.
pub(crate) struct Shared {
    pub(crate) limits: WriterLimits,
    pub(crate) pending: Mutex<Pending>,
    pub(crate) wake: Condvar,
    pub(crate) waits: Tally,
}

#[derive(Default)]
pub(crate) struct Pending {
    batches: VecDeque<Batch>,
    /// Of all batches.
    pub(crate) weight: usize,
    /// Batches that somebody waits for.
    awaited: usize,
    /// When the first of the batches came, if nobody waited for it.
    since: Option<Instant>,
    pub(crate) calls: VecDeque<Call>,
    pub(crate) backups: VecDeque<(PathBuf, BackedUp)>,
    /// Nothing more is taken; what waits is still served.
    pub(crate) is_closing: bool,
    is_closed: bool,
}

impl Shared {
    pub(crate) fn new(limits: WriterLimits) -> Arc<Self> {
        Arc::new(Self { limits, pending: Mutex::default(), wake: Condvar::new(), waits: Tally::default() })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Pending> {
        // Nothing under this lock can be left half done.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of whatever waits, so that nobody waits for ever.
    pub(crate) fn close(&self) {
        let mut pending = self.lock();
        pending.is_closed = true;
        let batches = std::mem::take(&mut pending.batches);
        let left = (std::mem::take(&mut pending.calls), std::mem::take(&mut pending.backups));
        (pending.weight, pending.awaited, pending.since) = (0, 0, None);
        drop(pending);
        drop(left);
        for batch in batches {
            if let Work::Changes(_, done) = batch.work {
                done(Err(Uncommitted { error: StoreError::Closed, changes: Vec::new() }));
            }
        }
    }
}

impl Pending {
    pub(crate) fn is_empty(&self) -> bool {
        self.has_no_batch() && !self.has_call()
    }

    /// A call or a backup waits.
    pub(crate) fn has_call(&self) -> bool {
        !self.calls.is_empty() || !self.backups.is_empty()
    }

    pub(crate) fn has_no_batch(&self) -> bool {
        self.batches.is_empty()
    }

    fn is_over(&self) -> bool {
        self.is_closed || self.is_closing
    }

    /// The error says whether the writer has ended.
    fn room(&self, weight: usize, limit: usize) -> Result<(), bool> {
        // One batch larger than the queue is taken when nothing waits, or it could never be.
        let is_full = self.weight > 0 && self.weight + weight > limit;
        if is_full || self.is_over() { Err(self.is_over()) } else { Ok(()) }
    }

    /// True if the writer is to look at it: that it must be committed, or from when on it waits.
    fn push(&mut self, batch: Batch) -> bool {
        let is_first = self.batches.is_empty();
        let is_awaited = batch.awaited_since.is_some();
        if is_first && !is_awaited {
            self.since = Some(Instant::now());
        }
        self.awaited += usize::from(is_awaited);
        self.weight += batch.weight;
        self.batches.push_back(batch);
        is_first || is_awaited
    }

    /// Whether there is something to commit now.
    pub(crate) fn is_due(&self, limits: &WriterLimits) -> bool {
        let is_over = |since: Instant| since.elapsed() >= limits.patience;
        let is_worth_it = self.awaited > 0 || self.weight >= limits.group || self.is_closing;
        !self.batches.is_empty() && (is_worth_it || self.since.is_none_or(is_over))
    }

    /// How long what waits may still do so.
    pub(crate) fn patience(&self, limits: &WriterLimits) -> Option<Duration> {
        Some(limits.patience.saturating_sub(self.since?.elapsed()))
    }

    /// What goes into one commit: at least one batch, and whole ones.
    pub(crate) fn next_group(&mut self, limit: usize) -> Vec<Batch> {
        let mut group = Vec::new();
        let mut weight = 0;
        while let Some(next) = self.batches.front() {
            if !group.is_empty() && weight + next.weight > limit {
                break;
            }
            weight += next.weight;
            self.awaited -= usize::from(next.awaited_since.is_some());
            group.extend(self.batches.pop_front());
        }
        self.weight -= weight;
        if self.batches.is_empty() {
            self.since = None;
        }
        group
    }
}
