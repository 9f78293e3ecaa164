//! How many messages in a second, for all sessions of an account or connector together.

use core::fmt;
use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A rate with a burst: in no stretch of time more than the burst and what the rate gives in it.
///
/// The generic cell rate algorithm: one atomic number says when all that was taken will be paid for,
/// so that sessions share it without a lock. An empty second is not made up for beyond the burst,
/// and there is no border at which two bursts meet, as fixed windows have.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Time counts from here, in nanoseconds.
    epoch: Instant,
    pace: ArcSwap<Pace>,
    /// Held while the pace changes.
    changing: Mutex<()>,
}

/// Messages in a second: 0.001 to 1,000,000, in steps of whole nanoseconds between two of them.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct PerSecond(f64);

/// A number that is no [`PerSecond`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BadPerSecond;

/// Nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    /// After which it can be, if nobody else takes anything. `None`: it is more than a burst, and
    /// never can be.
    pub(crate) after: Option<Duration>,
}

#[derive(Debug)]
struct Pace {
    /// `None`: no limit.
    limit: Option<Limit>,
    /// When all that was taken is paid for, in nanoseconds from the epoch; or [`CLOSED`].
    paid_at: AtomicU64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit {
    /// Nanoseconds between two messages, rounded up: never faster than asked for.
    interval: u64,
    /// How far ahead of now `paid_at` may be: a burst's worth.
    ahead: u64,
}

/// What more than a burst is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    /// Never taken.
    Within,
    /// Taken when nothing is owed.
    Whole,
    /// Gone, as everything is.
    After,
}

impl Rate {
    /// Without a rate there is no limit; without a burst it is one second's worth. `now` is the
    /// earliest time it will be asked about.
    pub(crate) fn new(per_second: Option<PerSecond>, burst: Option<NonZeroU32>, now: Instant) -> Self {
        let limit = per_second.map(|rate| Limit::new(rate, burst));
        let pace = ArcSwap::from_pointee(Pace { limit, paid_at: AtomicU64::new(0) });
        Self { epoch: now, pace, changing: Mutex::new(()) }
    }

    /// Takes so many, all or none; more than the burst never.
    pub(crate) fn take(&self, now: Instant, count: u32) -> Result<(), Wait> {
        self.attempt(now, count, Asking::Within)
    }

    /// Takes so many, all or none. More than the burst are taken where nothing is owed, and then paid
    /// for: one submit_multi may have more destinations than its account has messages in a second, and
    /// to throttle it would be to do so for ever.
    pub(crate) fn take_whole(&self, now: Instant, count: u32) -> Result<(), Wait> {
        self.attempt(now, count, Asking::Whole)
    }

    /// Pays for so many that are gone already, whether there was room for them or not.
    pub(crate) fn spend(&self, now: Instant, count: u32) {
        self.attempt(now, count, Asking::After).expect("what is gone already is never refused");
    }

    /// How many could be taken now.
    pub(crate) fn available(&self, now: Instant) -> u32 {
        let now = self.nanos(now);
        self.open(|pace, paid_at| {
            let Some(limit) = pace.limit else { return Some(u32::MAX) };
            let left = limit.ahead.saturating_sub(paid_at.saturating_sub(now)) / limit.interval;
            Some(u32::try_from(left).unwrap_or(u32::MAX))
        })
    }

    /// After which one can be taken, if nobody else takes anything.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        let now = self.nanos(now);
        self.open(|pace, paid_at| {
            let Some(limit) = pace.limit else { return Some(Duration::ZERO) };
            let asked = paid_at.saturating_sub(now).saturating_add(limit.interval);
            Some(Duration::from_nanos(asked.saturating_sub(limit.ahead)))
        })
    }

    /// Another rate, at once. What was taken and is not paid for yet stays so, in messages: no change
    /// gives a second burst, and a higher rate pays it back faster.
    pub(crate) fn set(&self, now: Instant, per_second: Option<PerSecond>, burst: Option<NonZeroU32>) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = per_second.map(|rate| Limit::new(rate, burst));
        let now = self.nanos(now);
        let before = self.pace.load_full();
        if before.limit == limit {
            return;
        }
        // Whoever still holds it finds it closed, and looks for the new one.
        let paid_at = before.paid_at.swap(CLOSED, Ordering::AcqRel);
        let owed = u128::from(paid_at.saturating_sub(now));
        let owed = match (before.limit, limit) {
            (Some(before), Some(after)) => {
                (owed * u128::from(after.interval)).div_ceil(u128::from(before.interval))
            }
            _ => 0,
        };
        let paid_at = now.saturating_add(u64::try_from(owed).unwrap_or(u64::MAX)).min(CLOSED - 1);
        self.pace.store(std::sync::Arc::new(Pace { limit, paid_at: AtomicU64::new(paid_at) }));
    }

    fn attempt(&self, now: Instant, count: u32, asking: Asking) -> Result<(), Wait> {
        let now = self.nanos(now);
        self.open(|pace, paid_at| {
            let Some(limit) = pace.limit else { return Some(Ok(())) };
            let cost = limit.interval.saturating_mul(u64::from(count));
            if count == 0 {
                return Some(Ok(()));
            }
            if asking == Asking::Within && cost > limit.ahead {
                return Some(Err(Wait { after: None }));
            }
            // What is more than a burst passes as a burst does, and is paid for whole.
            let asked = paid_at.saturating_sub(now).saturating_add(cost.min(limit.ahead));
            let missing = asked.saturating_sub(limit.ahead);
            if asking != Asking::After && missing > 0 {
                return Some(Err(Wait { after: Some(Duration::from_nanos(missing)) }));
            }
            let to = paid_at.max(now).saturating_add(cost).min(CLOSED - 1);
            let taken = pace.paid_at.compare_exchange_weak(paid_at, to, Ordering::AcqRel, Ordering::Relaxed);
            taken.is_ok().then_some(Ok(()))
        })
    }

    /// Works on the pace that holds until it gives an answer.
    fn open<T>(&self, work: impl Fn(&Pace, u64) -> Option<T>) -> T {
        loop {
            let pace = self.pace.load();
            let paid_at = pace.paid_at.load(Ordering::Acquire);
            if paid_at == CLOSED {
                // A change is a few instructions from its end.
                core::hint::spin_loop();
            } else if let Some(answer) = work(&pace, paid_at) {
                return answer;
            }
        }
    }

    fn nanos(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.epoch).as_nanos();
        u64::try_from(since).unwrap_or(u64::MAX).min(CLOSED - 1)
    }
}

impl Limit {
    fn new(PerSecond(rate): PerSecond, burst: Option<NonZeroU32>) -> Self {
        #[allow(clippy::cast_sign_loss, reason = "a PerSecond is 0.001 to 1,000,000")]
        let interval = (1e9 / rate).ceil() as u64;
        #[allow(clippy::cast_sign_loss, reason = "a PerSecond is 0.001 to 1,000,000")]
        let burst = burst.map_or(rate.ceil() as u32, NonZeroU32::get);
        Self { interval, ahead: interval.saturating_mul(u64::from(burst)).min(AHEAD_LIMIT) }
    }
}

impl PerSecond {
    /// If it is 0.001 to 1,000,000.
    pub fn new(rate: f64) -> Result<Self, BadPerSecond> {
        if (0.001..=1e6).contains(&rate) { Ok(Self(rate)) } else { Err(BadPerSecond) }
    }

    /// As a number.
    pub const fn per_second(self) -> f64 {
        self.0
    }

    /// A part of it, such as one node's share; 0.001 at least.
    #[must_use]
    pub fn share(self, part: f64) -> Self {
        Self::new((self.0 * part).max(0.001)).unwrap_or(self)
    }
}

/// Above a million in a second it is a million.
impl From<NonZeroU32> for PerSecond {
    fn from(rate: NonZeroU32) -> Self {
        Self(f64::from(rate.get()).min(1e6))
    }
}

impl fmt::Display for PerSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl fmt::Display for BadPerSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not 0.001 to 1000000 in a second: leave it out where there is no limit")
    }
}

impl std::error::Error for BadPerSecond {}

impl Serialize for PerSecond {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for PerSecond {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.after {
            Some(after) => write!(f, "too fast: wait for {}", smppkit_ops::Span(after)),
            None => f.write_str("more at once than a burst"),
        }
    }
}

impl std::error::Error for Wait {}

/// In place of a time: the pace has been replaced. Centuries away.
const CLOSED: u64 = u64::MAX;
/// A century, in nanoseconds: what is owed beyond it still has a number.
const AHEAD_LIMIT: u64 = 100 * 365 * 86_400 * 1_000_000_000;

#[cfg(test)]
mod tests;
