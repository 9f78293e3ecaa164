//! What the routes work on, and their ways to the store.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::FromRef;
use smppkit_admin::{Alarms, Watched};
use smppkit_ops::Problem;
use smppkit_store::{Change, Committed, Outcome, Reader, Store, StoreError, Timestamp, Uncommitted};
use tokio::sync::Semaphore;

use super::pulse::Pulse;
use crate::binds::Binds;
use crate::entities::Entities;
use crate::hub::{Hub, queues_of};

/// What the routes work on. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Operated {
    pub(super) hub: Arc<Hub>,
    pub(super) binds: Arc<Binds>,
    pub(super) entities: Arc<Entities>,
    pub(super) started_ms: i64,
    pub(super) alarms: Arc<Alarms>,
    watched: Watched,
    pulse: Arc<Mutex<Pulse>>,
    /// The store's file.
    file: Arc<Path>,
    reads: Arc<Semaphore>,
}

/// Lists and look-ups at a time: each holds a thread for up to a quarter of a second.
const READS: usize = 4;

impl Operated {
    pub(crate) fn new(
        hub: &Arc<Hub>,
        binds: &Arc<Binds>,
        entities: &Arc<Entities>,
        file: PathBuf,
        watched: Watched,
    ) -> Self {
        Self {
            started_ms: hub.now().unix_ms,
            hub: Arc::clone(hub),
            binds: Arc::clone(binds),
            entities: Arc::clone(entities),
            alarms: Arc::default(),
            watched,
            pulse: Arc::default(),
            file: file.into(),
            reads: Arc::new(Semaphore::new(READS)),
        }
    }

    /// How the store was when it was looked at last.
    pub(super) fn pulse(&self) -> MutexGuard<'_, Pulse> {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the store beside its writer.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        // It is never closed.
        let _place = self.reads.acquire().await;
        // What came of it shows in what is read.
        let _ = self.hub.store.expose().await;
        let file = Arc::clone(&self.file);
        let read = tokio::task::spawn_blocking(move || read(&Reader::open(&file)?)).await;
        match read {
            Ok(read) => read.map_err(|error| of_store(&error)),
            Err(_) => Err(Problem::unavailable("the store could not be read")),
        }
    }

    /// Runs something in the writer's thread.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Store, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        self.hub.store.call(work).await.map_err(|lost| Problem::unavailable(lost.to_string()))
    }

    /// Makes one change that depends on what the store has, and says what came of it.
    pub(super) async fn change(
        &self,
        work: impl FnOnce(&Hub, &mut dyn Store, Timestamp) -> Result<Change, Problem> + Send + 'static,
    ) -> Result<Outcome, Problem> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let hub = Arc::clone(&self.hub);
        let found = move |store: &mut dyn Store, now: Timestamp| match work(&hub, store, now) {
            Ok(change) => {
                let changes = vec![change];
                let queues = queues_of(&changes);
                (changes, Ok((hub, queues)))
            }
            Err(problem) => (Vec::new(), Err(problem)),
        };
        let done = move |committed: Committed, found: Result<_, Problem>| {
            let outcome = found.and_then(|(hub, queues): (Arc<Hub>, Vec<Arc<str>>)| {
                let outcomes = committed.map_err(|Uncommitted { error, .. }| {
                    hub.store_failed(&error);
                    of_store(&error)
                })?;
                hub.told(&queues);
                outcomes.into_iter().next().ok_or_else(|| Problem::unavailable("the store did not answer"))
            });
            // Whoever asked may have gone.
            let _ = answer.send(outcome);
        };
        if self.hub.store.prepare_then(1, found, done).is_err() {
            return Err(Problem::unavailable("the store has no room for further changes now"));
        }
        answered.await.unwrap_or_else(|_| Err(Problem::unavailable("the store ended before it answered")))
    }
}

impl FromRef<Operated> for Watched {
    fn from_ref(operated: &Operated) -> Self {
        operated.watched.clone().with_trails(Arc::new(operated.clone()))
    }
}

impl FromRef<Operated> for Arc<Alarms> {
    fn from_ref(operated: &Operated) -> Self {
        Self::clone(&operated.alarms)
    }
}

/// What the store could not do.
pub(super) fn of_store(error: &StoreError) -> Problem {
    Problem::unavailable(error.to_string())
}

/// How many are asked for.
pub(super) fn limit(asked: Option<usize>, default: usize, most: usize) -> Result<usize, Problem> {
    let limit = asked.unwrap_or(default);
    let detail = || format!("limit: {limit} is no number from 1 to {most}");
    let wrong = || Problem::unprocessable(detail()).with("parameter", "limit");
    (1..=most).contains(&limit).then_some(limit).ok_or_else(wrong)
}
