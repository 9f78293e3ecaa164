//! How long commits took those who waited for them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// From a batch being handed in to its caller being told, of batches that somebody waits for, since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// How many took at most so long, and longer than the one before; the last has no limit.
    pub counts: Vec<(Option<Duration>, u64)>,
    /// All together.
    pub sum: Duration,
}

impl Waits {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }
}

/// Where they are counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: [AtomicU64; LIMITS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Tally {
    pub(crate) fn add(&self, wait: Duration) {
        let at = LIMITS.partition_point(|limit| Duration::from_micros(*limit) < wait);
        if let Some(count) = self.counts.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.nanoseconds.fetch_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Waits {
        let limits = LIMITS.iter().map(|limit| Some(Duration::from_micros(*limit))).chain([None]);
        let counts = limits.zip(&self.counts).map(|(limit, count)| (limit, count.load(Ordering::Relaxed)));
        Waits {
            counts: counts.collect(),
            sum: Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)),
        }
    }
}

/// In microseconds: from a fast disk's sync to what a peer takes for an outage.
const LIMITS: [u64; 14] =
    [100, 200, 500, 1_000, 2_000, 3_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_counted_where_it_belongs() {
        let counted = Tally::default();
        for micros in [50, 100, 101, 5_000, 2_000_000] {
            counted.add(Duration::from_micros(micros));
        }
        let waits = counted.read();
        let some: Vec<_> = waits.counts.iter().filter(|(_, count)| *count > 0).copied().collect();
        let limit = |micros| Some(Duration::from_micros(micros));
        assert_eq!(some, [(limit(100), 2), (limit(200), 1), (limit(5_000), 1), (None, 1)]);
        assert_eq!((waits.count(), waits.sum), (5, Duration::from_micros(2_005_251)));
    }
}
