//! How long to wait before the next attempt to connect.

use core::time::Duration;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Waits that double up to a limit, each made shorter by chance so that many clients of one server
/// that went away do not come back all at once.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    limit: Duration,
    next: Duration,
    random: u64,
}

impl Backoff {
    /// From the first wait to the longest. The seed decides the jitter.
    pub const fn new(first: Duration, limit: Duration, seed: u64) -> Self {
        Self { first, limit, next: first, random: seed }
    }

    /// The next wait: between half and all of what doubling says.
    pub fn wait(&mut self) -> Duration {
        let full = self.next;
        self.next = (full * 2).min(self.limit);
        // SplitMix64: one multiplication chain is chance enough for jitter.
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let share = (mixed >> 32) as u32;
        full / 2 + (full / 2).mul_f64(f64::from(share) / f64::from(u32::MAX))
    }

    /// After a success: the next wait is the first again.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

impl Default for Backoff {
    /// One second, doubled up to one minute, with a seed of chance. SMPP 5.0, 2.8.1 suggests about
    /// five seconds.
    fn default() -> Self {
        let seed = RandomState::new().build_hasher().finish();
        Self::new(Duration::from_secs(1), Duration::from_secs(60), seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_never_fall_below_half() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(8), 42);
        let waits: Vec<f64> = (0..6).map(|_| backoff.wait().as_secs_f64()).collect();
        for (wait, full) in waits.iter().zip([1.0, 2.0, 4.0, 8.0, 8.0, 8.0]) {
            assert!((full / 2.0..=full).contains(wait), "{waits:?}");
        }
        backoff.reset();
        assert!(backoff.wait() <= Duration::from_secs(1));
    }
}
