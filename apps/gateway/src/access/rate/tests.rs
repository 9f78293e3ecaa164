use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn rate(per_second: f64, burst: u32, now: Instant) -> Rate {
    Rate::new(Some(PerSecond::new(per_second).unwrap()), NonZeroU32::new(burst), now)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn wait(millis: u64) -> Result<(), Wait> {
    Err(Wait { after: Some(Duration::from_millis(millis)) })
}

#[test]
fn a_burst_passes_and_then_one_an_interval() {
    let now = Instant::now();
    let rate = rate(10.0, 5, now);
    assert_eq!(rate.available(now), 5);
    assert_eq!((0..20).filter(|_| rate.take(now, 1).is_ok()).count(), 5);
    assert_eq!(rate.take(now, 1), wait(100));
    assert_eq!(rate.take(now, 3), wait(300));
    assert_eq!(rate.wait(now), millis(100));
    assert_eq!(rate.take(now + millis(299), 3), wait(1));
    assert_eq!((rate.available(now + millis(299)), rate.available(now + millis(300))), (2, 3));
    assert_eq!(rate.take(now + millis(300), 3), Ok(()));
    assert_eq!(rate.available(now + millis(3_600_000)), 5, "an idle hour gives one burst");
}

#[test]
fn without_a_burst_it_is_a_second_s_worth_and_without_a_rate_there_is_no_limit() {
    let now = Instant::now();
    let second = Rate::new(NonZeroU32::new(50).map(PerSecond::from), None, now);
    assert_eq!((second.available(now), second.wait(now)), (50, Duration::ZERO));
    let slow = Rate::new(Some(PerSecond::new(0.2).unwrap()), None, now);
    assert_eq!((slow.take(now, 1), slow.take(now, 1)), (Ok(()), wait(5_000)));
    let free = Rate::new(None, None, now);
    assert_eq!(free.take(now, u32::MAX), Ok(()));
    assert_eq!((free.available(now), free.wait(now)), (u32::MAX, Duration::ZERO));
}

#[test]
fn more_than_a_burst_is_never_taken_or_is_taken_whole_and_paid_for() {
    let now = Instant::now();
    let rate = rate(10.0, 5, now);
    assert_eq!(rate.take(now, 6), Err(Wait { after: None }));
    assert_eq!(rate.take_whole(now, 254), Ok(()));
    assert_eq!(rate.take(now, 1), wait(25_000));
    assert_eq!(rate.take_whole(now + millis(25_000), 254), wait(400), "once nothing is owed");
    assert_eq!(rate.take_whole(now + millis(25_400), 254), Ok(()));
    assert_eq!(rate.take_whole(now, u32::MAX).map_err(|wait| wait.after.is_some()), Err(true));
}

#[test]
fn what_is_gone_already_is_paid_for() {
    let now = Instant::now();
    let rate = rate(10.0, 5, now);
    rate.spend(now, 3);
    assert_eq!(rate.available(now), 2);
    rate.spend(now, 12);
    assert_eq!((rate.available(now), rate.wait(now)), (0, millis(1_100)));
    rate.spend(now, u32::MAX);
    Rate::new(None, None, now).spend(now, u32::MAX);
}

#[test]
fn a_change_keeps_what_is_owed() {
    let now = Instant::now();
    let rate = rate(10.0, 10, now);
    assert_eq!(rate.take(now, 10), Ok(()));
    let set = |per_second, burst| {
        rate.set(now, Some(PerSecond::new(per_second).unwrap()), NonZeroU32::new(burst));
    };
    set(10.0, 10);
    assert_eq!(rate.available(now), 0);
    set(1_000.0, 10);
    assert_eq!(rate.take(now, 1), wait(1), "and is paid back at the new rate");
    set(1.0, 10);
    assert_eq!(rate.take(now, 1), wait(1_000));
    set(1.0, 25);
    assert_eq!(rate.available(now), 15, "a larger burst gives the difference");
    set(1.0, 5);
    assert_eq!(rate.take(now, 1), wait(6_000), "a smaller one is overdrawn");
    rate.set(now, None, None);
    assert_eq!(rate.take(now, 1_000_000), Ok(()));
    set(1.0, 5);
    assert_eq!(rate.available(now), 5);
}

#[test]
fn extreme_numbers_neither_panic_nor_pass() {
    let now = Instant::now();
    let slowest = rate(0.001, u32::MAX, now);
    assert_eq!(slowest.take(now, u32::MAX), Err(Wait { after: None }), "thousands of centuries");
    assert_eq!(slowest.take_whole(now, u32::MAX), Ok(()));
    assert!(slowest.take_whole(now, u32::MAX).is_err());
    assert!(slowest.take(now, 1).is_err());
    let far = now + Duration::from_secs(600 * 365 * 86_400);
    assert_eq!(slowest.take(far, 1).map_err(|_| ()), Ok(()));
    let before = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
    assert!(rate(1.0, 1, now).take(before, 1).is_ok(), "before the epoch is the epoch");
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-4, 1e7] {
        assert_eq!(PerSecond::new(bad), Err(BadPerSecond), "{bad}");
    }
    let half = PerSecond::new(5.0).unwrap().share(0.5);
    assert_eq!((half.per_second(), half.share(0.0).per_second()), (2.5, 0.001));
}

#[test]
fn a_rate_is_written_as_a_whole_number_or_not() {
    for (text, wanted) in [("100", 100.0), ("0.5", 0.5)] {
        let read: PerSecond = serde_json::from_str(text).unwrap();
        assert_eq!(read, PerSecond::new(wanted).unwrap());
    }
    assert!(serde_json::from_str::<PerSecond>("0").unwrap_err().to_string().contains("leave it out"));
    let account: HashMap<String, PerSecond> =
        smppkit_ops::config::parse("throughput = 100", "a.toml").unwrap();
    assert_eq!(account["throughput"].to_string(), "100/s");
}

#[test]
fn threads_together_take_no_more_than_one_would() {
    let now = Instant::now();
    let rate = rate(1_000.0, 100, now);
    let taken: u32 = std::thread::scope(|scope| {
        let takers: Vec<_> = (0..8_u64)
            .map(|thread| {
                let rate = &rate;
                scope.spawn(move || {
                    // Each sees a clock of its own, up to a second of it.
                    let at = |step: u64| now + Duration::from_micros(step * 100 + thread);
                    (0..=9_999).filter(|step| rate.take(at(*step), 1).is_ok()).count() as u32
                })
            })
            .collect();
        takers.into_iter().map(|taker| taker.join().unwrap()).sum()
    });
    assert!((1_000..=1_100).contains(&taken), "{taken}");
}

#[test]
fn a_change_while_threads_take_gives_nothing_away() {
    let now = Instant::now();
    let rate = rate(10.0, 1_000, now);
    let taken: usize = std::thread::scope(|scope| {
        let takers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..20_000).filter(|_| rate.take(now, 1).is_ok()).count()))
            .collect();
        for change in 0..2_000_u32 {
            let per_second = PerSecond::new(f64::from(1 << (change % 10))).unwrap();
            rate.set(now, Some(per_second), NonZeroU32::new(1_000));
        }
        takers.into_iter().map(|taker| taker.join().unwrap()).sum()
    });
    assert!((990..=1_000).contains(&taken), "{taken}");
}

#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    Take(u32),
    Set(f64, u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0_u64..3_000_000_000).prop_map(Step::Pass),
        6 => (0_u32..40).prop_map(Step::Take),
        1 => (0.01_f64..5_000.0, 1_u32..60).prop_map(|(rate, burst)| Step::Set(rate, burst)),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    /// From any moment to any later one: no more than the largest burst and what the rate gave.
    #[test]
    fn no_stretch_of_time_has_more_than_a_burst_and_the_rate(
        first in 0.01_f64..5_000.0, burst in 1_u32..60, steps in steps(),
    ) {
        let mut now = Instant::now();
        let rate = rate(first, burst, now);
        let mut pace = (first, burst);
        // For each moment so far: what was taken since, what the rate gave, the largest burst.
        let mut since: Vec<(f64, f64, u32)> = vec![(0.0, 0.0, burst)];
        for step in steps {
            match step {
                Step::Pass(nanos) => {
                    now += Duration::from_nanos(nanos);
                    let given = pace.0 * Duration::from_nanos(nanos).as_secs_f64();
                    for stretch in &mut since {
                        stretch.1 += given;
                    }
                    since.push((0.0, 0.0, pace.1));
                }
                Step::Take(count) => {
                    let available = rate.available(now);
                    let taken = rate.take(now, count);
                    prop_assert_eq!(taken.is_ok(), count <= available, "{} of {}", count, available);
                    match taken {
                        Ok(()) => {
                            for stretch in &mut since {
                                stretch.0 += f64::from(count);
                            }
                        }
                        Err(Wait { after: Some(after) }) => {
                            prop_assert!(rate.available(now + after) >= count);
                            let sooner = now + after.saturating_sub(Duration::from_nanos(1));
                            prop_assert!(rate.available(sooner) < count);
                        }
                        Err(Wait { after: None }) => prop_assert!(count > pace.1),
                    }
                    for (taken, given, burst) in &since {
                        prop_assert!(*taken <= f64::from(*burst) + given + 1e-6);
                    }
                }
                Step::Set(per_second, burst) => {
                    rate.set(now, Some(PerSecond::new(per_second).unwrap()), NonZeroU32::new(burst));
                    pace = (per_second, burst);
                    for stretch in &mut since {
                        stretch.2 = stretch.2.max(burst);
                    }
                }
            }
        }
    }
}
