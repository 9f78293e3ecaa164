//! What befalls the gateway itself, by the seed.

use std::time::Duration;

use smppkit_testkit::Chance;

use super::ground::{Death, Ground};

/// How often and when it dies.
pub(super) struct Fate {
    pub(super) chance: Chance,
    /// The last one first.
    deaths: Vec<Dying>,
    /// Customers submit, and handsets send, once in so many of their turns: so that something is under way
    /// whenever it dies.
    pub(super) pace: u64,
}

/// One death.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dying {
    pub(super) how: Death,
    /// Since the run began.
    at: Duration,
    /// In the midst of what the store does, rather than between what sessions do.
    pub(super) is_within: bool,
}

/// Most is under way in the first seconds; later there are retries, and answers that never came.
const EARLY_MS: u64 = 3_000;
const LATE_MS: u64 = 20_000;

impl Fate {
    /// Half of the seeds are left in peace; others are killed, or their power is cut.
    pub(super) fn of(seed: u64) -> (Self, Ground) {
        // A stream of its own.
        let mut chance = Chance::new(!seed);
        let mut deaths = Vec::new();
        let how = match seed % 6 {
            0..3 => return (Self { chance, deaths, pace: 1 }, Ground::memory()),
            3 | 4 => Death::Killed,
            _ => Death::PowerCut,
        };
        for _ in 0..=chance.below(3) {
            let latest = if chance.one_in(3) { LATE_MS } else { EARLY_MS };
            let at = Duration::from_millis(chance.below(latest));
            deaths.push(Dying { how, at, is_within: chance.one_in(2) });
        }
        deaths.sort_by_key(|dying| std::cmp::Reverse(dying.at));
        let pace = [1, 10, 40][chance.below(3) as usize];
        (Self { chance, deaths, pace }, Ground::disk())
    }

    /// Its next death, if it is time.
    pub(super) fn due(&self, passed: Duration) -> Option<Dying> {
        self.deaths.last().filter(|dying| dying.at <= passed).copied()
    }

    /// It died.
    pub(super) fn done(&mut self) {
        self.deaths.pop();
    }

    /// Whether it will not die any more.
    pub(super) fn is_over(&self) -> bool {
        self.deaths.is_empty()
    }
}
