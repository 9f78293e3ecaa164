//! The turns of a writer: a group is gathered, committed and answered, then the calls are made.

use crate::beside::{Beside, Caller, Group};
use crate::handle::{Batch, Handle, Shared, Work};
use crate::message::Timestamp;
use crate::store::Store;
use crate::writer::WriterLimits;
use std::fmt;
use std::io;
use std::sync::Arc;

/// A writer without a thread, for simulations: it does in [`Pump::turn`], at the time it is given,
/// what a [`crate::Writer`] does in its thread. Dropped, it lets go of what waits, as a killed process
/// would.
pub struct Pump<S: Store> {
    shared: Arc<Shared>,
    // Dropped before the store: what it holds is told first.
    beside: Option<Beside>,
    store: S,
}

impl<S: Store> Pump<S> {
    /// The pump and the way into it. [`WriterLimits::linger`] and [`WriterLimits::upkeep`] are not
    /// used: the caller says when.
    pub fn new(store: S, limits: WriterLimits) -> (Self, Handle) {
        let shared = Shared::new(limits);
        (Self { shared: shared.clone(), beside: None, store }, Handle { shared })
    }

    /// Serves all that waits, and what its callbacks ask for meanwhile, until nothing waits; `now` is
    /// what works are given. False if nothing waited.
    pub fn turn(&mut self, now: Timestamp) -> bool {
        let mut did = false;
        while !self.shared.lock().is_empty() {
            self.round(&|| now, Hurry::All);
            did = true;
        }
        did
    }

    /// One step of [`Store::maintain`]; true if there is more to do at once. An error shows at the
    /// next commit, where it has a caller.
    pub fn upkeep(&mut self, now: Timestamp) -> bool {
        let retention = i64::try_from(self.shared.limits.retention.as_millis()).unwrap_or(i64::MAX);
        self.store.maintain(now, Timestamp(now.0.saturating_sub(retention))).unwrap_or(false)
    }

    /// The store itself, between two turns.
    pub fn store(&mut self) -> &mut S {
        &mut self.store
    }

    /// Has groups made durable by a thread, if the store can.
    pub(crate) fn sync_beside(&mut self) -> io::Result<()> {
        if let Some(sync) = self.store.sync_beside().map_err(io::Error::other)? {
            self.beside = Some(Beside::start(sync, Arc::clone(&self.shared))?);
        }
        Ok(())
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// One group, the calls, and one backup.
    pub(crate) fn round(&mut self, clock: Clock<'_>, hurry: Hurry) {
        let served = Served { shared: &self.shared, beside: self.beside.as_ref(), clock };
        served.serve(&mut self.store, hurry);
        let backup = self.shared.lock().backups.pop_front();
        if let Some((to, done)) = backup {
            done(self.store.backup(&to, &mut |store| served.serve(store, hurry)));
        }
    }
}

impl<S: Store> Drop for Pump<S> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<S: Store> fmt::Debug for Pump<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pump").field("waiting", &self.shared.lock().weight).finish_non_exhaustive()
    }
}

pub(crate) type Clock<'a> = &'a dyn Fn() -> Timestamp;

/// Which batches are committed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hurry {
    /// All that wait.
    All,
    /// Those that somebody waits for, with those that came before; the others when their time is up.
    Due,
}

/// What a store is served with.
struct Served<'a> {
    shared: &'a Shared,
    beside: Option<&'a Beside>,
    clock: Clock<'a>,
}

impl Served<'_> {
    fn serve(&self, store: &mut dyn Store, hurry: Hurry) {
        let mut pending = self.shared.lock();
        let is_due = hurry == Hurry::All || pending.is_due(&self.shared.limits);
        let group = if is_due { pending.next_group(self.shared.limits.group) } else { Vec::new() };
        drop(pending);
        if !group.is_empty() {
            self.commit(store, group);
        }
        // Only now: the answers may have asked for more.
        let calls = std::mem::take(&mut self.shared.lock().calls);
        for call in calls {
            call(store, (self.clock)());
        }
    }

    fn commit(&self, store: &mut dyn Store, group: Vec<Batch>) {
        let now = (self.clock)();
        let mut changes = Vec::new();
        let mut callers = Vec::with_capacity(group.len());
        let mut foreseen = 0;
        for batch in group {
            let (own, done) = match batch.work {
                Work::Changes(own, done) => (own, done),
                Work::Prepare(mut own, prepare) => {
                    store.foresee(changes.get(foreseen..).unwrap_or_default());
                    foreseen = changes.len();
                    let done = prepare(store, now, &mut own);
                    (own, done)
                }
            };
            callers.push(Caller { count: own.len(), since: batch.awaited_since, done });
            if changes.is_empty() {
                changes = own;
            } else {
                changes.extend(own);
            }
        }
        let mut group = Group::new(changes, callers);
        let (changes, outcomes) = group.parts();
        let committed = if changes.is_empty() { Ok(()) } else { store.commit(now, changes, outcomes) };
        match (committed, self.beside) {
            (Ok(()), Some(beside)) => {
                let is_last = !self.shared.lock().is_due(&self.shared.limits);
                beside.give(group, is_last);
            }
            (committed, _) => group.tell(committed, &self.shared.waits),
        }
    }
}
