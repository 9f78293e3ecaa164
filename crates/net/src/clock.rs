//! The one place that reads the time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The time, as handed to sessions and applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Never goes back: for timers.
    pub mono: Instant,
    /// Milliseconds since 1970-01-01T00:00:00Z, for people; an operator may turn it back.
    pub unix_ms: i64,
}

impl Now {
    /// The time of this machine. Under tokio's paused clock the monotonic part is the paused one.
    pub fn read() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            mono: tokio::time::Instant::now().into_std(),
            unix_ms: i64::try_from(unix.as_millis()).unwrap_or(i64::MAX),
        }
    }
}
