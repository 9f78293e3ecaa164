//! Chance that can be repeated: the same seed gives the same draws.

/// A stream of draws: SplitMix64, by Steele, Lea and Flood.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// The stream of one session: of its account's `nth` bind. Sessions so behave alike in each run,
    /// whatever others do meanwhile.
    pub(crate) fn of_session(seed: u64, system_id: &[u8], nth: u64) -> Self {
        let mut state = seed ^ nth.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        // FNV-1a.
        for octet in system_id {
            state = (state ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01B3);
        }
        Self(state)
    }

    /// 64 bits.
    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// From 0 to below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        f64::from((self.draw() >> 32) as u32) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_session_draws_the_same_and_another_does_not() {
        let draws = |seed, id: &[u8], nth| {
            let mut chance = Chance::of_session(seed, id, nth);
            [chance.draw(), chance.draw()]
        };
        assert_eq!(draws(1, b"app", 0), draws(1, b"app", 0));
        assert_ne!(draws(1, b"app", 0), draws(2, b"app", 0));
        assert_ne!(draws(1, b"app", 0), draws(1, b"app", 1));
        assert_ne!(draws(1, b"app", 0), draws(1, b"ape", 0));
    }

    #[test]
    #[allow(clippy::cast_sign_loss, reason = "never below 0")]
    fn fractions_are_spread_from_0_to_below_1() {
        let mut chance = Chance::of_session(7, b"", 0);
        let mut seen = [0; 10];
        for _ in 0..10_000 {
            seen[(chance.unit() * 10.0) as usize] += 1;
        }
        assert!(seen.iter().all(|count| (850..1_150).contains(count)), "{seen:?}");
    }
}
