//! What one choice costs in tables of rules by destination prefix, and in one that asks each rule.
//!
//! `cargo run --release -p smppkit-route --example bench [messages]`
#![forbid(unsafe_code)]

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use smppkit_route::{Facts, Party, Patterns, Rule, Strategy, Table, Target, Targets};

/// All up, idle and with room.
struct Fine;

impl Targets for Fine {
    fn is_up(&self, _: &str) -> bool {
        true
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let messages = std::env::args().nth(1).map_or(Ok(2_000_000), |text| text.parse())?;
    if cfg!(debug_assertions) {
        println!("a debug build: these figures say nothing");
    }
    println!("{:<28} {:>7} {:>10} {:>10} {:>8}", "table", "rules", "ready ms", "ns/choose", "no route");
    for rules in [10, 1_000, 10_000, 100_000] {
        measure("prefixes, failover", rules, messages, |number| prefix(number, Strategy::Failover))?;
    }
    measure("prefixes, weighted", 10_000, messages, |number| prefix(number, Strategy::Weighted))?;
    measure("prefixes, sticky", 10_000, messages, |number| prefix(number, Strategy::Sticky))?;
    // No prefix to go by: each rule is asked, as all would be without the index.
    for rules in [10, 1_000, 10_000] {
        measure("suffixes, each rule is asked", rules, messages / rules as u64, |number| Rule {
            destination_addr: Patterns(vec![format!("*{number:06}")]),
            to: targets(),
            ..Rule::default()
        })?;
    }
    Ok(())
}

/// A rule for one prefix of two to seven digits.
fn prefix(number: usize, strategy: Strategy) -> Rule {
    Rule {
        destination_addr: Patterns(vec![format!("{}*", number + 10)]),
        to: targets(),
        strategy,
        ..Rule::default()
    }
}

fn targets() -> Vec<Target> {
    vec!["a".into(), Target { weight: 3, ..Target::from("b") }, "c".into()]
}

fn measure(
    name: &str,
    count: usize,
    messages: u64,
    rule: impl Fn(usize) -> Rule,
) -> Result<(), Box<dyn Error>> {
    // Long prefixes first, or the short ones would hide them.
    let rules = (0..count).rev().map(rule).collect();
    let began = Instant::now();
    let table = Table::new(rules)?;
    let ready = began.elapsed();
    // Numbers all over the table, made before the clock runs.
    let numbers: Vec<String> = (0..4_096_u64)
        .map(|n| format!("{:015}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 1_000_000_000_000_000))
        .collect();
    let mut nowhere = 0_u64;
    let began = Instant::now();
    for (dice, number) in (0..messages).zip(numbers.iter().cycle()) {
        let facts =
            Facts { account: Some("shop"), destination: Party::international(number), ..Facts::default() };
        match black_box(table.choose(&facts, &Fine, dice)) {
            Ok(choice) => {
                black_box(choice.first());
            }
            Err(_) => nowhere += 1,
        }
    }
    let each = began.elapsed().as_nanos() / u128::from(messages.max(1));
    let ready = ready.as_millis();
    println!("{name:<28} {count:>7} {ready:>10} {each:>10} {:>7}%", nowhere * 100 / messages.max(1));
    Ok(())
}
