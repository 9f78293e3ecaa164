//! How much is sent and taken: the adaptive send window, and rates.

use core::time::Duration;
use std::time::Instant;

use smppkit_wire::CommandStatus;

/// How many requests may wait for answers, narrowed by what the peer reports.
///
/// Halved by a throttling answer, cut by a quarter while congestion_state is above its optimum of
/// 80 to 90, widened by one for each answer below it (SMPP 5.0, 2.9).
#[derive(Debug)]
pub(crate) struct SendAllowance {
    allowed: u32,
    limit: u32,
    /// Answers to requests that were sent before the last cut: they say nothing new.
    stale: u32,
}

impl SendAllowance {
    pub(crate) const fn new(limit: u32) -> Self {
        Self { allowed: limit, limit, stale: 0 }
    }

    pub(crate) const fn allowed(&self) -> u32 {
        self.allowed
    }

    /// Takes in a load that came with an answer to the session itself: such an answer alone is no
    /// reason to send more.
    pub(crate) fn reported(&mut self, congestion_state: Option<u8>, in_flight: u32) {
        if congestion_state.is_some() {
            self.answered(CommandStatus::ESME_ROK, congestion_state, in_flight);
        }
    }

    /// Takes in an answer, with so many requests still waiting for theirs.
    pub(crate) fn answered(&mut self, status: CommandStatus, congestion_state: Option<u8>, in_flight: u32) {
        let throttled = matches!(status, CommandStatus::ESME_RTHROTTLED | CommandStatus::ESME_RMSGQFUL);
        if throttled {
            self.cut(self.allowed / 2, in_flight);
            return;
        }
        match congestion_state {
            Some(100) => self.cut(1, in_flight),
            Some(91..=99) => self.cut(self.allowed - self.allowed.div_ceil(4), in_flight),
            Some(80..=90) => self.stale = self.stale.saturating_sub(1),
            // Above 100 is reserved and says nothing (SMPP 5.0, 4.8.4.18).
            Some(0..=79 | 101..) | None => {
                self.stale = self.stale.saturating_sub(1);
                self.allowed = self.limit.min(self.allowed + 1);
            }
        }
    }

    fn cut(&mut self, to: u32, in_flight: u32) {
        if self.stale > 0 {
            self.stale -= 1;
        } else {
            self.stale = in_flight;
            self.allowed = to.max(1);
        }
    }
}

/// So many a second, with a burst of one second's worth.
///
/// Keeps one instant: when all that was taken would be paid for.
#[derive(Debug, Clone)]
pub struct Rate {
    interval: Duration,
    paid_at: Option<Instant>,
}

impl Rate {
    /// So many a second; 0 counts as 1.
    pub fn per_second(count: u32) -> Self {
        Self { interval: Duration::from_secs(1) / count.max(1), paid_at: None }
    }

    /// Takes `count` if the rate allows. A burst may run one second ahead; one that is larger than
    /// that, such as a submit_multi, passes when nothing is owed, and is then paid for.
    pub fn take(&mut self, now: Instant, count: u32) -> bool {
        let from = self.paid_at.map_or(now, |paid| paid.max(now));
        let to = from + self.interval * count;
        // Half an interval of slack: whole numbers of intervals must not fail for their rounding.
        let ahead = to.saturating_duration_since(now) > Duration::from_secs(1) + self.interval / 2;
        if ahead && from > now {
            return false;
        }
        self.paid_at = Some(to);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_lets_a_second_s_worth_pass_and_then_one_an_interval() {
        let now = Instant::now();
        let mut rate = Rate::per_second(10);
        assert_eq!((0..20).filter(|_| rate.take(now, 1)).count(), 10);
        let later = now + Duration::from_millis(100);
        assert!(rate.take(later, 1) && !rate.take(later, 1));
        let quiet = now + Duration::from_secs(9);
        assert!(rate.take(quiet, 25), "more than a second's worth passes when nothing is owed");
        assert!(!rate.take(quiet + Duration::from_millis(1_500), 1), "and is then paid for");
        assert!(rate.take(quiet + Duration::from_millis(1_600), 1));
    }

    #[test]
    fn throttling_halves_once_for_all_that_was_in_flight() {
        let mut window = SendAllowance::new(100);
        for in_flight in (0..100).rev() {
            window.answered(CommandStatus::ESME_RTHROTTLED, None, in_flight);
        }
        assert_eq!(window.allowed(), 50);
        for _ in 0..200 {
            window.answered(CommandStatus::ESME_ROK, None, 0);
        }
        assert_eq!(window.allowed(), 100);
    }

    #[test]
    fn congestion_state_steers_towards_its_optimum() {
        let mut window = SendAllowance::new(100);
        window.answered(CommandStatus::ESME_ROK, Some(95), 0);
        assert_eq!(window.allowed(), 75);
        window.answered(CommandStatus::ESME_ROK, Some(85), 0);
        assert_eq!(window.allowed(), 75, "the optimum changes nothing");
        window.answered(CommandStatus::ESME_ROK, Some(10), 0);
        assert_eq!(window.allowed(), 76);
    }
}
