//! What an answer means for a message, and when to try again.

use core::time::Duration;

use smppkit_wire::CommandStatus;

/// The class of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Taken.
    Taken,
    /// The other side has no room now: nothing is wrong with the message, and it was no attempt.
    Busy,
    /// It may go better later.
    Transient,
    /// It will never go.
    Permanent,
    /// Nobody knows: a status outside the specification, or no answer at all.
    Unknown,
}

/// What follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it was taken.
    Taken,
    /// Try again after so long.
    Again {
        /// From now.
        after: Duration,
        /// Whether it counts.
        is_attempt: bool,
    },
    /// No more.
    GiveUp,
}

/// When a message that was not taken is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// After the first failed attempt; default 5 s. Each further wait is twice as long.
    pub first: Duration,
    /// The longest wait; default 10 minutes.
    pub longest: Duration,
    /// After being told that there is no room; default 1 s.
    pub busy: Duration,
    /// Attempts before a message goes to the dead letters; default 20, about two and a half hours.
    pub attempts: u32,
    /// Attempts when nobody knows what happened; default 5: each may have been taken.
    pub unknown_attempts: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(5),
            longest: Duration::from_secs(600),
            busy: Duration::from_secs(1),
            attempts: 20,
            unknown_attempts: 5,
        }
    }
}

/// The class of a status. Those that say "not now" are few; what is not in the specification may
/// mean anything.
pub fn verdict(status: CommandStatus) -> Verdict {
    match status {
        CommandStatus::ESME_ROK => Verdict::Taken,
        CommandStatus::ESME_RTHROTTLED | CommandStatus::ESME_RMSGQFUL => Verdict::Busy,
        CommandStatus::ESME_RSYSERR
        | CommandStatus::ESME_RX_T_APPN
        | CommandStatus::ESME_RSUBMITFAIL
        | CommandStatus::ESME_RDELIVERYFAILURE
        | CommandStatus::ESME_RINVBNDSTS
        | CommandStatus::ESME_RSERTYPUNAVAIL => Verdict::Transient,
        CommandStatus::ESME_RUNKNOWNERR => Verdict::Unknown,
        status if CommandStatus::TABLE.iter().any(|def| def.status == status) => Verdict::Permanent,
        _ => Verdict::Unknown,
    }
}

impl RetryPolicy {
    /// After an attempt that was the `attempts`-th to fail, counted from 0. `dice` is any number: waits
    /// differ by up to a fifth, so that what failed together does not come back together.
    pub fn next(&self, verdict: Verdict, attempts: u32, dice: u64) -> Next {
        let limit = match verdict {
            Verdict::Taken => return Next::Taken,
            Verdict::Permanent => return Next::GiveUp,
            Verdict::Busy => {
                return Next::Again { after: jittered(self.busy, dice), is_attempt: false };
            }
            Verdict::Transient => self.attempts,
            Verdict::Unknown => self.unknown_attempts,
        };
        if attempts + 1 >= limit {
            return Next::GiveUp;
        }
        let doubled = self.first.saturating_mul(1_u32.checked_shl(attempts).unwrap_or(u32::MAX));
        Next::Again { after: jittered(doubled.min(self.longest), dice), is_attempt: true }
    }
}

/// Four fifths to six fifths of it.
fn jittered(wait: Duration, dice: u64) -> Duration {
    let per_mille = 800 + (dice % 401) as u32;
    wait.saturating_mul(per_mille) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_then_it_is_given_up() {
        let policy = RetryPolicy { attempts: 10, ..RetryPolicy::default() };
        let waits: Vec<Next> = (0..10).map(|n| policy.next(Verdict::Transient, n, 200)).collect();
        assert_eq!(waits[0], Next::Again { after: Duration::from_secs(5), is_attempt: true });
        assert_eq!(waits[3], Next::Again { after: Duration::from_secs(40), is_attempt: true });
        assert_eq!(waits[8], Next::Again { after: Duration::from_secs(600), is_attempt: true });
        assert_eq!(waits[9], Next::GiveUp);
        for dice in 0..1_000 {
            let Next::Again { after, .. } = policy.next(Verdict::Transient, 0, dice) else { panic!() };
            assert!((4_000..=6_000).contains(&after.as_millis()), "{after:?}");
        }
    }

    #[test]
    fn being_busy_never_ends_a_message_and_a_bad_address_does_at_once() {
        let policy = RetryPolicy::default();
        let busy = policy.next(verdict(CommandStatus::ESME_RTHROTTLED), 1_000_000, 200);
        assert_eq!(busy, Next::Again { after: Duration::from_secs(1), is_attempt: false });
        assert_eq!(policy.next(verdict(CommandStatus::ESME_RINVDSTADR), 0, 0), Next::GiveUp);
        assert_eq!(verdict(CommandStatus(0x0412)), Verdict::Unknown, "a vendor's own");
        assert_eq!(policy.next(Verdict::Unknown, 4, 0), Next::GiveUp);
    }

    #[test]
    fn no_number_of_attempts_overflows() {
        let policy = RetryPolicy { attempts: u32::MAX, ..RetryPolicy::default() };
        for attempts in [31, 32, 33, 1_000_000] {
            assert!(matches!(policy.next(Verdict::Transient, attempts, 0), Next::Again { .. }));
        }
    }
}
