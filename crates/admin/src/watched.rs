//! What an app hands in, to be watched.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use crate::record::Record;
use crate::series::Series;

/// What an app hands in for the routes of its record, its series and its live feed. Clones are the same.
#[derive(Debug, Clone)]
pub struct Watched {
    /// What came and went.
    pub record: Arc<Record>,
    /// How much of it, and how fast.
    pub series: Arc<Series>,
    /// True once the app stops.
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) sockets: Arc<Semaphore>,
}

impl Watched {
    /// Live feeds at a time: each may cost some per cent of a core.
    const SOCKETS: usize = 64;

    /// Live feeds end when `stopping` says true, or its sender is gone.
    pub fn new(record: Arc<Record>, series: Arc<Series>, stopping: watch::Receiver<bool>) -> Self {
        Self { record, series, stopping, sockets: Arc::new(Semaphore::new(Self::SOCKETS)) }
    }
}
