//! Those who guess passwords wait, longer and longer.
//!
//! What is locked is a pair of address and system_id, never a system_id alone: or anyone could lock
//! an account out by guessing badly on purpose. From any other address the account binds meanwhile.
//!
//! - The lock holds for the pair, whoever is behind it: until it ends even the right password is
//!   refused, and as if it were wrong. Otherwise guessing could go on, and only its success would
//!   show. A client that shares its address with one who guesses at its account waits, 15 minutes at
//!   the longest.
//! - What is refused for a lock neither counts nor prolongs it, so that a client that keeps trying is
//!   let in once its password is put right.
//! - Who fails with many system_ids from one address has the address locked, too: but not for pairs
//!   that have bound before, so that one bad neighbour does not lock out a whole office. Further
//!   failures of one pair do not count here: a single client that nobody repairs is no guesser.
//! - IPv6 addresses count by their /64, the least that a network is given.
//!
//! Asking and telling belong together, with no `.await` between them and the lock of the caller's
//! mutex held: what runs beside it could guess once more.

use core::time::Duration;
use std::net::IpAddr;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use smppkit_ops::Span;

use super::table::Table;

/// Who has failed, from where, how often and until when. One for all listeners.
#[derive(Debug)]
pub(crate) struct Lockout {
    settings: LockoutSettings,
    pairs: Table<Pair, Failures>,
    /// Counted by system_ids that failed there.
    addresses: Table<Origin, Failures>,
    /// Who has bound. Nobody gets in here without a password, so that it needs no time limit.
    known: Table<Pair, ()>,
}

/// How long those who guess passwords wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LockoutSettings {
    /// Failures of one system_id from one address that cost nothing but the last one. Default 5:
    /// enough for somebody who types, and for both ends to change a password one after the other.
    pub tries: u32,
    /// System_ids that may fail from one address before the address itself is locked. Default 20:
    /// more than a customer has wrong at once, and with 5 tries each, 100 guesses.
    pub ids_per_address: u32,
    /// The first lock; each one after it is twice as long. Default 1s, less than clients wait before
    /// they connect again.
    pub first_delay: Span,
    /// The longest lock. Default 15m: 96 guesses a day for who has the patience, and not much more
    /// than a phone call for who has put the password right.
    pub longest_delay: Span,
    /// Failures are forgotten when nothing failed for so long. Default 1h.
    pub forget: Span,
    /// Pairs and addresses that are remembered, of each so many at most. When there are more, those
    /// that are not locked make way, the oldest first. Default 100000, up to 100 MiB when all is full.
    pub entries: usize,
}

/// Whether a password may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Try it.
    Allowed,
    /// Answer `ESME_RBINDFAIL` without looking at it.
    Refused {
        /// When it may be tried again.
        until: Instant,
    },
}

/// A lock has begun. There is one for each lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alarm {
    /// What is locked.
    pub(crate) locked: Locked,
    /// Failures so far; for an address, system_ids that failed.
    pub(crate) failures: u32,
    /// How long.
    pub(crate) delay: Duration,
}

/// What a lock holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locked {
    /// The system_id from this address.
    Pair,
    /// All system_ids from this address that have not bound before.
    Address,
}

#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    count: u32,
    until: Option<Instant>,
}

/// Where from: an IPv4 address, or the /64 of an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Origin {
    V4(u32),
    V6(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Pair(Origin, Id);

/// A system_id, filled up with NULs, which none has. What is longer than one may be shares the fate
/// of what begins alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Id([u8; 16]);

impl Lockout {
    /// Where nobody has failed yet.
    pub(crate) fn new(settings: LockoutSettings) -> Self {
        let entries = settings.entries;
        Self {
            settings,
            pairs: Table::new(entries),
            addresses: Table::new(entries),
            known: Table::new(entries),
        }
    }

    /// New settings; what was locked stays so until its time is up.
    pub(crate) fn set(&mut self, settings: LockoutSettings) {
        self.pairs.set_limit(settings.entries);
        self.addresses.set_limit(settings.entries);
        self.known.set_limit(settings.entries);
        self.settings = settings;
    }

    /// Whether a password for the system_id may be tried from that address.
    pub(crate) fn check(&self, now: Instant, address: IpAddr, system_id: &[u8]) -> Verdict {
        let pair = Pair::new(address, system_id);
        let locked = |failures: Option<&Failures>| failures.and_then(|failures| failures.locked(now));
        let mut until = locked(self.pairs.get(&pair));
        if self.known.get(&pair).is_none() {
            until = until.max(locked(self.addresses.get(&pair.0)));
        }
        until.map_or(Verdict::Allowed, |until| Verdict::Refused { until })
    }

    /// A password that [`check`](Self::check) allowed was wrong, or the system_id is unknown.
    ///
    /// The alarm is of the pair's lock, or of its address's if both begin.
    pub(crate) fn failed(&mut self, now: Instant, address: IpAddr, system_id: &[u8]) -> Option<Alarm> {
        let pair = Pair::new(address, system_id);
        self.pairs.forget(now, self.settings.forget.0);
        self.addresses.forget(now, self.settings.forget.0);
        let before = self.pairs.get(&pair).copied();
        let alarm = self.settings.fail(now, &mut self.pairs, pair, self.settings.tries);
        if before.is_some() || self.known.get(&pair).is_some() {
            return alarm.map(|(failures, delay)| Alarm { locked: Locked::Pair, failures, delay });
        }
        let ids = self.settings.ids_per_address;
        let wider = self.settings.fail(now, &mut self.addresses, pair.0, ids);
        let wider = wider.map(|(failures, delay)| Alarm { locked: Locked::Address, failures, delay });
        wider.or(alarm.map(|(failures, delay)| Alarm { locked: Locked::Pair, failures, delay }))
    }

    /// A password that [`check`](Self::check) allowed was right: the pair's failures are forgotten.
    /// Its address's are not, or one account would do to guess at all others.
    pub(crate) fn succeeded(&mut self, now: Instant, address: IpAddr, system_id: &[u8]) {
        let pair = Pair::new(address, system_id);
        self.pairs.remove(&pair);
        self.known.touch(now, pair, (), None);
    }

    /// How many pairs, addresses and pairs that have bound are remembered.
    #[cfg(test)]
    pub(crate) fn remembered(&self) -> [usize; 3] {
        [self.pairs.len(), self.addresses.len(), self.known.len()]
    }
}

impl LockoutSettings {
    /// Counts a failure; how many there are and how long the lock is, if it begins one.
    fn fail<K: Copy + Eq + core::hash::Hash>(
        &self,
        now: Instant,
        table: &mut Table<K, Failures>,
        key: K,
        free: u32,
    ) -> Option<(u32, Duration)> {
        let mut failures = table.get(&key).copied().unwrap_or_default();
        if failures.locked(now).is_some() {
            // It was let in before the lock began, which is not to be made longer by that.
            return None;
        }
        failures.count = failures.count.saturating_add(1);
        let delay = self.delay(failures.count, free);
        failures.until = delay.and_then(|delay| now.checked_add(delay));
        table.touch(now, key, failures, failures.until);
        delay.map(|delay| (failures.count, delay))
    }

    /// How long to wait after so many failures.
    fn delay(&self, failures: u32, free: u32) -> Option<Duration> {
        let doublings = failures.checked_sub(free.max(1))?;
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        let delay = self.first_delay.0.saturating_mul(factor).min(self.longest_delay.0);
        (!delay.is_zero()).then_some(delay)
    }
}

impl Default for LockoutSettings {
    fn default() -> Self {
        Self {
            tries: 5,
            ids_per_address: 20,
            first_delay: Span::secs(1),
            longest_delay: Span::secs(15 * 60),
            forget: Span::secs(60 * 60),
            entries: 100_000,
        }
    }
}

impl Failures {
    fn locked(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| *until > now)
    }
}

impl Pair {
    fn new(address: IpAddr, system_id: &[u8]) -> Self {
        let origin = match address.to_canonical() {
            IpAddr::V4(address) => Origin::V4(address.to_bits()),
            IpAddr::V6(address) => Origin::V6((address.to_bits() >> 64) as u64),
        };
        let mut id = [0; 16];
        id.iter_mut().zip(system_id).for_each(|(to, from)| *to = *from);
        Self(origin, Id(id))
    }
}

#[cfg(test)]
mod tests;
