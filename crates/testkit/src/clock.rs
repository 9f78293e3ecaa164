//! Time that passes only when told to.

use core::time::Duration;
use std::time::Instant;

/// A clock that stands still between [`advance`](Self::advance)s.
///
/// The real clock is read once, for the instant that everything counts from.
#[derive(Debug, Clone)]
pub struct Clock {
    base: Instant,
    passed: Duration,
}

impl Clock {
    /// At zero.
    pub fn new() -> Self {
        Self { base: Instant::now(), passed: Duration::ZERO }
    }

    /// The pretended instant.
    pub fn now(&self) -> Instant {
        self.base + self.passed
    }

    /// What has passed since the beginning.
    pub const fn passed(&self) -> Duration {
        self.passed
    }

    /// Lets time pass.
    pub fn advance(&mut self, by: Duration) {
        self.passed += by;
    }

    /// Lets time pass up to an instant; an instant that has passed changes nothing.
    pub fn advance_to(&mut self, instant: Instant) {
        self.passed = self.passed.max(instant.saturating_duration_since(self.base));
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_only_when_told_and_never_backwards() {
        let mut clock = Clock::new();
        let start = clock.now();
        assert_eq!(clock.now(), start);
        clock.advance(Duration::from_secs(3));
        clock.advance_to(start);
        assert_eq!(clock.now() - start, Duration::from_secs(3));
    }
}
