//! What holds for any table and any message.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use smppkit_route::{
    Decision, Explanation, Facts, NoRoute, Party, Patterns, Rule, StickyBy, Strategy as Way,
};
use smppkit_route::{Standing, Table, Target, Text, Verdict};

use crate::World;

const TARGETS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Addresses of few digits, so that prefixes meet.
fn address() -> impl Strategy<Value = String> {
    "[0-2]{0,5}"
}

fn pattern() -> impl Strategy<Value = String> {
    let plain = prop_oneof![
        4 => "[0-2]{1,4}\\*",
        2 => "[0-2]{0,4}",
        2 => "[0-2]{0,2}[?*][0-2]{0,2}[*]?",
        2 => "/\\^[0-2]{0,3}[?*+]?[0-2]{0,2}/",
        1 => "/\\^[0-2]{1,2}\\|[0-2]{1,2}/",
        1 => "/\\^[0-2]{0,2}\\([0-2]{1,2}\\|[0-2]{1,2}\\)\\$/",
        1 => "/\\^[0-2]{0,2}[(][?]x[)] [?]?[0-2]/",
        1 => "/[0-2]{1,3}/i",
        1 => "1[0-2]{2}\\.\\.2[0-2]{2}",
        1 => "12[0-2]\\.\\.",
        1 => "1[0-2]\\.\\.1[0-2]{2}",
    ];
    (plain, prop::bool::weighted(0.15)).prop_map(|(plain, not)| if not { format!("!{plain}") } else { plain })
}

/// Those that can be written; the generator above makes a few that cannot.
fn patterns() -> impl Strategy<Value = Patterns> {
    vec(pattern(), 0..4).prop_map(Patterns).prop_filter("is no pattern", |patterns| {
        let rule = Rule { source_addr: patterns.clone(), to: vec!["a".into()], ..Rule::default() };
        Table::new(vec![rule]).is_ok()
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    let conditions = (
        prop_oneof![3 => patterns(), 1 => Just(Patterns::default())],
        prop_oneof![1 => patterns(), 2 => Just(Patterns::default())],
        prop_oneof![1 => patterns(), 2 => Just(Patterns::default())],
        prop_oneof![1 => patterns(), 4 => Just(Patterns::default())],
    );
    let ways = select(vec![
        Way::Failover,
        Way::Weighted,
        Way::RoundRobin,
        Way::LeastCost,
        Way::LeastBusy,
        Way::Sticky,
    ]);
    let to = (subsequence(TARGETS.to_vec(), 1..=5), vec(0..4_u32, 5), vec(0..3_u8, 5));
    let flags = (prop::bool::weighted(0.9), any::<bool>(), any::<bool>(), prop::bool::weighted(0.1));
    (conditions, ways, to, flags).prop_map(|(conditions, strategy, (names, weights, costs), flags)| {
        let (destination_addr, source_addr, account, text) = conditions;
        let (enabled, up_only, spill, refuse) = flags;
        let mut to: Vec<Target> = names
            .iter()
            .zip(weights.iter().zip(&costs))
            .map(|(name, (&weight, &cost))| Target { weight, cost: Some(cost.into()), ..(*name).into() })
            .collect();
        if to.iter().all(|target| target.weight == 0) {
            to[0].weight = 1;
        }
        let refuse = refuse.then(|| "ESME_RINVDSTADR".to_owned());
        if refuse.is_some() {
            to.clear();
        }
        let sticky_by = if strategy == Way::Sticky { vec![StickyBy::Destination] } else { Vec::new() };
        let sticky_by = if refuse.is_some() { Vec::new() } else { sticky_by };
        Rule {
            enabled,
            destination_addr,
            source_addr,
            account,
            text,
            to,
            strategy,
            sticky_by,
            up_only,
            spill,
            refuse,
            ..Rule::default()
        }
    })
}

fn world() -> impl Strategy<Value = World> {
    let some = || subsequence(TARGETS.to_vec(), 0..=3);
    let none_or_some = prop_oneof![3 => Just(Vec::new()), 1 => some()];
    (some(), some(), none_or_some, vec(0..5_u32, 5)).prop_map(|(down, full, gone, load)| {
        let set = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        let load = TARGETS.iter().map(ToString::to_string).zip(load).collect();
        World { down: set(down), full: set(full), gone: set(gone), load }
    })
}

#[derive(Debug)]
struct Message {
    account: Option<String>,
    source: String,
    destination: String,
    text: String,
    concatenation: Option<(u16, u8)>,
}

impl Message {
    fn facts(&self) -> Facts<'_> {
        Facts {
            account: self.account.as_deref(),
            source: Party::international(&self.source),
            destination: Party::international(&self.destination),
            text: Text::of(&self.text),
            concatenation: self.concatenation,
            ..Facts::default()
        }
    }
}

fn message() -> impl Strategy<Value = Message> {
    let concatenation = prop_oneof![2 => Just(None), 1 => (0..9_u16, 1..4_u8).prop_map(Some)];
    (prop::option::of(address()), address(), address(), address(), concatenation).prop_map(
        |(account, source, destination, text, concatenation)| Message {
            account,
            source,
            destination,
            text,
            concatenation,
        },
    )
}

/// Each rule by itself in a table, so that nothing is left out by an index of many.
fn singles(rules: &[Rule]) -> Vec<Table> {
    rules.iter().map(|rule| Table::new(vec![rule.clone()]).expect("it stands in a table")).collect()
}

/// The first rule that is for a message, each asked in turn.
fn by_scan(singles: &[Table], facts: &Facts<'_>) -> Option<usize> {
    singles
        .iter()
        .position(|single| single.explain(facts, &World::default(), 0).rules[0].verdict == Verdict::Matched)
}

fn check_targets(said: &Explanation, world: &World) {
    let mut last = Standing::Usable as u8;
    for seen in &said.targets {
        assert!(seen.standing as u8 >= last || seen.place.is_none(), "{said}");
        last = seen.standing as u8;
        assert_eq!(
            seen.place.is_none(),
            matches!(seen.standing, Standing::Gone | Standing::Drained),
            "{said}"
        );
        assert!(seen.standing != Standing::Down || world.down.contains(&seen.name), "{said}");
        assert!(seen.standing != Standing::Full || world.full.contains(&seen.name), "{said}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_the_rule_that_a_scan_finds(rules in vec(rule(), 0..30), messages in vec(message(), 8)) {
        let singles = singles(&rules);
        let table = Table::new(rules).unwrap();
        for message in &messages {
            let facts = message.facts();
            let found = table.find(&facts).map(|found| found.rule());
            prop_assert_eq!(found, by_scan(&singles, &facts), "{:?}", message);
        }
    }

    #[test]
    fn explain_says_what_choose_does(
        rules in vec(rule(), 0..12),
        messages in vec(message(), 8),
        world in world(),
        dice: u64,
    ) {
        let table = Table::new(rules).unwrap();
        for message in &messages {
            let facts = message.facts();
            let said = table.explain(&facts, &world, dice);
            check_targets(&said, &world);
            let expected = match table.choose(&facts, &world, dice) {
                Ok(choice) => Decision::Send {
                    rule: choice.rule(),
                    name: choice.name().to_owned(),
                    target: choice.first().to_owned(),
                    then: choice.rest().map(str::to_owned).collect(),
                },
                Err(NoRoute::Refused { rule, name, status }) => {
                    Decision::Refuse { rule, name: name.to_owned(), status: status.to_string() }
                }
                Err(NoRoute::NoTarget { rule, name }) => Decision::NoTarget { rule, name: name.to_owned() },
                Err(_) => Decision::NoRule,
            };
            prop_assert_eq!(&said.decision, &expected, "{}", said);
            if let Decision::Send { target, then, .. } = expected {
                let placed = said.targets.iter().filter(|seen| seen.place.is_some()).map(|seen| &seen.name);
                prop_assert!(placed.eq(std::iter::once(&target).chain(&then)), "{}", said);
            }
        }
    }

    #[test]
    fn many_patterns_hold_as_each_of_them_says(
        lists in vec(patterns(), 1..5),
        addresses in vec(address(), 16),
    ) {
        let all = Patterns(lists.into_iter().flat_map(|Patterns(some)| some).collect());
        let holds = |patterns: &Patterns, address: &str| {
            let rule = Rule { destination_addr: patterns.clone(), to: vec!["a".into()], ..Rule::default() };
            let facts = Facts { destination: Party::international(address), ..Facts::default() };
            Table::new(vec![rule]).unwrap().find(&facts).is_some()
        };
        for address in &addresses {
            let alone: Vec<(bool, bool)> = all
                .0
                .iter()
                .map(|one| (one.starts_with('!'), holds(&one.as_str().into(), address)))
                .collect();
            let plain = alone.iter().any(|&(negated, held)| !negated && held);
            let open = alone.iter().all(|&(negated, _)| negated);
            let excluded = alone.iter().any(|&(negated, held)| negated && !held);
            prop_assert_eq!(holds(&all, address), (plain || open) && !excluded, "{:?} {}", all, address);
        }
    }

    #[test]
    fn no_text_makes_a_rule_panic(text in "\\PC{0,40}", number: u64, address in "\\PC{0,30}") {
        let _ = Table::new(vec![Rule {
            destination_addr: text.as_str().into(),
            to: vec!["a".into()],
            ..Rule::default()
        }])
        .map(|table| table.find(&Message {
            account: None,
            source: String::new(),
            destination: address,
            text: String::new(),
            concatenation: None,
        }.facts()).is_some());
        for rule in [
            Rule { hours: text.as_str().into(), ..Rule::default() },
            Rule { weekdays: text.as_str().into(), ..Rule::default() },
            Rule { zone: Some(text.clone()), ..Rule::default() },
            Rule { valid_from: Some(text.clone()), ..Rule::default() },
            Rule { version: text.as_str().into(), ..Rule::default() },
            Rule { parts: format!("{number}..").as_str().into(), ..Rule::default() },
            Rule { refuse: Some(text.clone()), ..Rule::default() },
        ] {
            let _ = Table::new(vec![rule]);
        }
    }
}
