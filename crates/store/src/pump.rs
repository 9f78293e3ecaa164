//! The turns of a writer: a group is gathered, committed and answered, then the calls are made.

use crate::change::Change;
use crate::error::StoreError;
use crate::handle::{Batch, Done, Handle, Shared, Uncommitted, Work};
use crate::message::Timestamp;
use crate::store::Store;
use crate::writer::WriterLimits;
use std::fmt;
use std::sync::Arc;

/// A writer without a thread, for simulations: it does in [`Pump::turn`], at the time it is given,
/// what a [`crate::Writer`] does in its thread. Dropped, it lets go of what waits, as a killed process
/// would.
pub struct Pump<S: Store> {
    shared: Arc<Shared>,
    store: S,
}

impl<S: Store> Pump<S> {
    /// The pump and the way into it. [`WriterLimits::linger`] and [`WriterLimits::upkeep`] are not
    /// used: the caller says when.
    pub fn new(store: S, limits: WriterLimits) -> (Self, Handle) {
        let shared = Shared::new(limits);
        (Self { shared: shared.clone(), store }, Handle { shared })
    }

    /// Serves all that waits, and what its callbacks ask for meanwhile, until nothing waits; `now` is
    /// what works are given. False if nothing waited.
    pub fn turn(&mut self, now: Timestamp) -> bool {
        let mut did = false;
        while !self.shared.lock().is_empty() {
            self.round(&|| now);
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

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// One group, the calls, and one backup.
    pub(crate) fn round(&mut self, clock: Clock<'_>) {
        serve(&self.shared, &mut self.store, clock);
        let backup = self.shared.lock().backups.pop_front();
        if let Some((to, done)) = backup {
            let shared = &self.shared;
            done(self.store.backup(&to, &mut |store| serve(shared, store, clock)));
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

fn serve(shared: &Shared, store: &mut dyn Store, clock: Clock<'_>) {
    let group = shared.lock().next_group(shared.limits.group);
    if !group.is_empty() {
        commit(store, clock(), group);
    }
    // Only now: the answers may have asked for more.
    let calls = std::mem::take(&mut shared.lock().calls);
    for call in calls {
        call(store, clock());
    }
}

fn commit(store: &mut dyn Store, now: Timestamp, group: Vec<Batch>) {
    let mut changes = Vec::new();
    let mut callers = Vec::with_capacity(group.len());
    let mut foreseen = 0;
    for batch in group {
        let (own, done) = match batch.work {
            Work::Changes(own, done) => (own, done),
            Work::Prepare(prepare) => {
                store.foresee(changes.get(foreseen..).unwrap_or_default());
                foreseen = changes.len();
                prepare(store, now)
            }
        };
        callers.push((own.len(), done));
        if changes.is_empty() {
            changes = own;
        } else {
            changes.extend(own);
        }
    }
    answer(store, now, changes, callers);
}

fn answer(store: &mut dyn Store, now: Timestamp, changes: Vec<Change>, callers: Vec<(usize, Done)>) {
    let mut outcomes = Vec::with_capacity(changes.len());
    let committed = if changes.is_empty() { Ok(()) } else { store.commit(now, &changes, &mut outcomes) };
    match committed {
        Ok(()) => {
            let mut outcomes = outcomes.into_iter();
            for (count, done) in callers {
                done(Ok(outcomes.by_ref().take(count).collect()));
            }
        }
        Err(error) => {
            let mut changes = changes.into_iter();
            let again = if error.is_lasting() { || StoreError::Stopped } else { || StoreError::Full };
            let mut first = Some(error);
            for (count, done) in callers {
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
