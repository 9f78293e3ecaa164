//! How often somebody may guess.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Failed tries to sign in, by address and in all, since the last minute began. All are forgotten with
/// the next, so there are never more addresses than tries.
#[derive(Debug, Default)]
pub(super) struct Tries {
    since: Option<Instant>,
    all: u32,
    by_address: HashMap<IpAddr, u32>,
}

impl Tries {
    /// Or how long to wait.
    pub(super) fn check(&mut self, peer: IpAddr, now: Instant) -> Result<(), Duration> {
        let since = self.roll(now);
        let theirs = self.by_address.get(&network(peer)).copied().unwrap_or_default();
        if self.all < LIMIT && theirs < ADDRESS_LIMIT {
            return Ok(());
        }
        Err((since + MINUTE).saturating_duration_since(now))
    }

    pub(super) fn failed(&mut self, peer: IpAddr, now: Instant) {
        self.roll(now);
        self.all += 1;
        *self.by_address.entry(network(peer)).or_default() += 1;
    }

    fn roll(&mut self, now: Instant) -> Instant {
        if let Some(since) = self.since.filter(|since| now.duration_since(*since) < MINUTE) {
            return since;
        }
        *self = Self { since: Some(now), ..Self::default() };
        now
    }
}

/// What one holds who holds the address: of IPv6 that is a /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

const MINUTE: Duration = Duration::from_secs(60);
/// More than a hand mistypes in a minute.
const ADDRESS_LIMIT: u32 = 10;
/// From all addresses. At that pace 40 bits of a token take 20,000 years.
const LIMIT: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_after_ten_and_all_after_a_hundred_in_a_minute() {
        let (mut tries, now) = (Tries::default(), Instant::now());
        let address = |n: u8| IpAddr::from([192, 0, 2, n]);
        for n in 0..10 {
            for _ in 0..ADDRESS_LIMIT {
                assert_eq!(tries.check(address(n), now), Ok(()));
                tries.failed(address(n), now);
            }
            let later = now + Duration::from_secs(20);
            assert_eq!(tries.check(address(n), later), Err(Duration::from_secs(40)));
        }
        assert!(tries.check(address(99), now).is_err());
        assert_eq!(tries.check(address(0), now + MINUTE), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_is_one_guesser() {
        let (mut tries, now) = (Tries::default(), Instant::now());
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        for n in 0..ADDRESS_LIMIT {
            tries.failed(address(&format!("2001:db8::{n}")), now);
        }
        assert!(tries.check(address("2001:db8::ffff"), now).is_err());
        assert_eq!(tries.check(address("2001:db8:0:1::1"), now), Ok(()));
    }
}
