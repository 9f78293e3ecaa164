//! What an app hands in, to be watched.

use core::fmt;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use crate::record::{Record, Trails};
use crate::series::Series;

/// What an app hands in for the routes of its record, its series and its live feed. Clones are the same.
#[derive(Clone)]
pub struct Watched {
    /// What came and went.
    pub record: Arc<Record>,
    /// How much of it, and how fast.
    pub series: Arc<Series>,
    /// True once the app stops.
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) sockets: Arc<Semaphore>,
    pub(crate) trails: Option<Arc<dyn Trails>>,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("record", &self.record).finish_non_exhaustive()
    }
}

impl Watched {
    /// Live feeds at a time: each may cost some per cent of a core.
    const SOCKETS: usize = 64;

    /// Live feeds end when `stopping` says true, or its sender is gone.
    pub fn new(record: Arc<Record>, series: Arc<Series>, stopping: watch::Receiver<bool>) -> Self {
        Self { record, series, stopping, sockets: Arc::new(Semaphore::new(Self::SOCKETS)), trails: None }
    }

    /// With what finds the PDUs of messages by their ids.
    #[must_use]
    pub fn with_trails(mut self, trails: Arc<dyn Trails>) -> Self {
        self.trails = Some(trails);
        self
    }
}
