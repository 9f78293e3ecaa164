use std::net::{Ipv4Addr, Ipv6Addr};

use smppkit_testkit::Chance;

use super::*;

const GUESSER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const CUSTOMER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Fails as soon as it may, so many times; the waits in between, and the alarms.
fn guess(lockout: &mut Lockout, now: &mut Instant, id: &[u8], times: u32) -> (Vec<Duration>, Vec<Alarm>) {
    let (mut waits, mut alarms) = (Vec::new(), Vec::new());
    for _ in 0..times {
        if let Verdict::Refused { until } = lockout.check(*now, GUESSER, id) {
            waits.push(until - *now);
            *now = until;
        }
        assert_eq!(lockout.check(*now, GUESSER, id), Verdict::Allowed);
        alarms.extend(lockout.failed(*now, GUESSER, id));
    }
    (waits, alarms)
}

#[test]
fn five_failures_are_free_and_then_the_wait_doubles_up_to_a_quarter_of_an_hour() {
    let mut lockout = Lockout::new(LockoutSettings::default());
    let mut now = Instant::now();
    let (waits, alarms) = guess(&mut lockout, &mut now, b"bank", 18);
    let wanted = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900];
    assert_eq!(waits, wanted.map(secs));
    assert_eq!(alarms.len(), waits.len() + 1, "one for each lock, the last one goes on");
    assert_eq!(alarms[0], Alarm { locked: Locked::Pair, failures: 5, delay: secs(1) });
}

#[test]
fn the_alarm_comes_once_for_a_lock_and_what_was_under_way_does_not_prolong_it() {
    let mut lockout = Lockout::new(LockoutSettings::default());
    let now = Instant::now();
    let alarms = (0..100).filter_map(|_| lockout.failed(now, GUESSER, b"bank")).count();
    assert_eq!(alarms, 1);
    assert_eq!(lockout.check(now, GUESSER, b"bank"), Verdict::Refused { until: now + secs(1) });
    assert_eq!(lockout.check(now + secs(1), GUESSER, b"bank"), Verdict::Allowed);
}

#[test]
fn an_account_that_is_guessed_at_binds_from_elsewhere_meanwhile() {
    let mut lockout = Lockout::new(LockoutSettings::default());
    let mut now = Instant::now();
    for _ in 0..200 {
        guess(&mut lockout, &mut now, b"bank", 1);
        assert_eq!(lockout.check(now, CUSTOMER, b"bank"), Verdict::Allowed);
        lockout.succeeded(now, CUSTOMER, b"bank");
    }
    assert!(matches!(lockout.check(now, GUESSER, b"bank"), Verdict::Refused { .. }));
    assert_eq!(lockout.check(now, GUESSER, b"other"), Verdict::Allowed, "one client is no guesser of ids");
}

#[test]
fn the_lock_holds_for_the_pair_and_after_it_the_right_password_clears_it() {
    let mut lockout = Lockout::new(LockoutSettings::default());
    let mut now = Instant::now();
    lockout.succeeded(now, GUESSER, b"bank");
    guess(&mut lockout, &mut now, b"bank", 7);
    let Verdict::Refused { until } = lockout.check(now, GUESSER, b"bank") else { panic!("allowed") };
    assert_eq!(until - now, secs(4));
    for tenths in 0..40 {
        let asked = lockout.check(now + Duration::from_millis(tenths * 100), GUESSER, b"bank");
        assert_eq!(asked, Verdict::Refused { until }, "to ask prolongs nothing");
    }
    assert_eq!(lockout.check(until, GUESSER, b"bank"), Verdict::Allowed);
    lockout.succeeded(until, GUESSER, b"bank");
    let again = (0..4).filter_map(|_| lockout.failed(until, GUESSER, b"bank")).count();
    assert_eq!(again, 0, "it has all its tries again");
}

#[test]
fn who_guesses_system_ids_has_the_address_locked_but_not_for_who_bound_before() {
    let mut lockout = Lockout::new(LockoutSettings::default());
    let now = Instant::now();
    lockout.succeeded(now, GUESSER, b"neighbour");
    let alarms: Vec<Alarm> = (0..20_u8).filter_map(|id| lockout.failed(now, GUESSER, &[b'a' + id])).collect();
    assert_eq!(alarms, [Alarm { locked: Locked::Address, failures: 20, delay: secs(1) }]);
    let until = now + secs(1);
    assert_eq!(lockout.check(now, GUESSER, b"new"), Verdict::Refused { until });
    assert_eq!(lockout.check(now, GUESSER, b"a"), Verdict::Refused { until }, "and those tried before");
    assert_eq!(lockout.check(now, GUESSER, b"neighbour"), Verdict::Allowed);
    assert_eq!(lockout.check(now, CUSTOMER, b"new"), Verdict::Allowed);
    let next = lockout.failed(until, GUESSER, b"new").unwrap();
    assert_eq!(next, Alarm { locked: Locked::Address, failures: 21, delay: secs(2) });
    lockout.succeeded(until + secs(2), GUESSER, b"mine");
    let after = lockout.failed(until + secs(2), GUESSER, b"newer").unwrap();
    assert_eq!(after.delay, secs(4), "an account of one's own does not clear the address");
}

#[test]
fn failures_are_forgotten_after_a_quiet_hour() {
    let mut lockout = Lockout::new(LockoutSettings::default());
    let now = Instant::now();
    for _ in 0..4 {
        assert_eq!(lockout.failed(now, GUESSER, b"bank"), None);
    }
    assert_eq!(lockout.failed(now + secs(3_600), GUESSER, b"bank"), None, "the first one again");
    assert_eq!(lockout.remembered(), [1, 1, 0]);
}

#[test]
fn an_ipv6_network_is_one_address_and_a_mapped_one_is_what_it_maps() {
    let mut lockout = Lockout::new(LockoutSettings::default());
    let now = Instant::now();
    let host = |last: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, last, 0, 0, last));
    for last in 0..5 {
        lockout.failed(now, host(last), b"bank");
    }
    assert!(matches!(lockout.check(now, host(99), b"bank"), Verdict::Refused { .. }));
    let other = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 2, 0, 0, 0, 0));
    assert_eq!(lockout.check(now, other, b"bank"), Verdict::Allowed);
    for _ in 0..5 {
        lockout.failed(now, "::ffff:192.0.2.1".parse().unwrap(), b"bank");
    }
    assert!(matches!(lockout.check(now, GUESSER, b"bank"), Verdict::Refused { .. }));
}

#[test]
fn a_million_random_guesses_stay_within_the_limit_and_a_long_lock_outlives_them() {
    let settings = LockoutSettings { entries: 1_000, ..LockoutSettings::default() };
    let mut lockout = Lockout::new(settings);
    let mut now = Instant::now();
    guess(&mut lockout, &mut now, b"bank", 20);
    lockout.succeeded(now, CUSTOMER, b"customer");
    let mut chance = Chance::new(1);
    for _ in 0..1_000_000 {
        now += Duration::from_micros(10);
        let address = IpAddr::V6(Ipv6Addr::from_bits(u128::from(chance.number()) << 64));
        lockout.failed(now, address, &chance.number().to_be_bytes());
    }
    assert_eq!(lockout.remembered(), [1_000, 1_000, 1]);
    assert!(matches!(lockout.check(now, GUESSER, b"bank"), Verdict::Refused { .. }));
    assert_eq!(lockout.check(now, CUSTOMER, b"customer"), Verdict::Allowed);
}

#[test]
fn settings_are_written_as_times_and_numbers_and_change_at_once() {
    let settings: LockoutSettings =
        smppkit_ops::config::parse("tries = 1\nfirst_delay = \"10s\"\nentries = 2", "lockout.toml").unwrap();
    let mut lockout = Lockout::new(LockoutSettings::default());
    let now = Instant::now();
    for id in 1..=9 {
        lockout.failed(now, GUESSER, &[id]);
    }
    lockout.set(settings);
    assert_eq!(lockout.remembered(), [2, 1, 0]);
    assert_eq!(lockout.failed(now, GUESSER, b"bank").unwrap().delay, secs(10));
    assert!(smppkit_ops::config::parse::<LockoutSettings>("trys = 1", "lockout.toml").is_err());
}
