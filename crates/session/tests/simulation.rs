//! Two sessions against each other: delays, cuts and thinking decided by seeds.
#![allow(clippy::unwrap_used, reason = "a test")]

use core::time::Duration;
use std::thread;

use smppkit_session::{BindMode, CloseReason, SessionConfig};
use smppkit_testkit::{Chance, Link, LinkConfig, Outcome, Traffic};
use smppkit_wire::Version;

const SEEDS: u64 = 1_000;

/// Runs all seeds on two threads; the failures name theirs.
fn all_seeds(config: impl Fn(u64) -> LinkConfig + Sync, check: impl Fn(u64, &Outcome) + Sync) {
    let run = |seed: u64| match Link::new(seed, config(seed)).run() {
        Ok(outcome) => check(seed, &outcome),
        Err(problem) => panic!("seed {seed}: {problem}"),
    };
    let run = &run;
    thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || (0..SEEDS).filter(|seed| seed % 2 == half).for_each(run));
        }
    });
}

/// Windows, delays, modes and versions of a seed.
fn config_of(seed: u64) -> LinkConfig {
    let mut chance = Chance::new(!seed);
    let mut session = || SessionConfig {
        send_window: 1 + chance.below(60) as u32,
        receive_window: 1 + chance.below(60) as u32,
        version: if chance.one_in(3) { Version::V34 } else { Version::V50 },
        enquire_link: Some(Duration::from_millis(100 + chance.below(3_000))),
        enquire_link_rate: None,
        ..SessionConfig::default()
    };
    LinkConfig {
        esme: session(),
        mc: session(),
        mode: [BindMode::Transceiver, BindMode::Transceiver, BindMode::Transmitter, BindMode::Receiver]
            [chance.below(4) as usize],
        traffic: Traffic { esme: 100 + chance.below(100) as u32, mc: 100 + chance.below(100) as u32 },
        delay: Duration::from_millis(chance.below(300)),
        think: Duration::from_millis(chance.below(200)),
        chunk_octets: 1 + chance.below(400),
        ..LinkConfig::default()
    }
}

#[test]
fn every_message_of_a_thousand_seeds_is_answered_by_its_own_answer() {
    all_seeds(config_of, |seed, outcome| {
        assert!(outcome.sent >= 100, "seed {seed}: {outcome:?}");
        assert_eq!((outcome.answered, outcome.failed), (outcome.sent, 0), "seed {seed}: {outcome:?}");
        for ended in outcome.ended {
            assert_eq!(ended, Some(CloseReason::Unbound), "seed {seed}: {outcome:?}");
        }
    });
}

#[test]
fn requests_that_are_never_answered_expire_and_nothing_else_does() {
    let config =
        |seed| LinkConfig { forgotten_one_in: 10, traffic: Traffic { esme: 40, mc: 40 }, ..config_of(seed) };
    all_seeds(config, |seed, outcome| {
        assert_eq!(outcome.answered + outcome.failed, outcome.sent, "seed {seed}: {outcome:?}");
        assert_eq!(outcome.ended, [Some(CloseReason::Unbound); 2], "seed {seed}: {outcome:?}");
    });
}

#[test]
fn every_request_comes_back_once_when_the_connection_breaks() {
    let cut = |seed: u64| Duration::from_millis(Chance::new(seed).below(4_000));
    let config = |seed| LinkConfig { cut: Some(cut(seed)), ..config_of(seed) };
    all_seeds(config, |seed, outcome| {
        assert_eq!(outcome.answered + outcome.failed, outcome.sent, "seed {seed}: {outcome:?}");
    });
}
