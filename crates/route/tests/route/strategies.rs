//! Which target comes first, and which come then.

use std::collections::{BTreeMap, BTreeSet};

use smppkit_route::{Choice, Facts, NoRoute, Party, Table};
use smppkit_wire::CommandStatus;

use crate::{World, order, table, to};

fn with(strategy: &str, to: &str) -> Table {
    table(&format!("[[route]]\nstrategy = '{strategy}'\nto = {to}"))
}

/// How often each target comes first.
fn firsts(table: &Table, world: &World, dice: impl Iterator<Item = u64>) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for dice in dice {
        let first = table.choose(&to("44"), world, dice).expect("one is up").first().to_owned();
        *counts.entry(first).or_default() += 1;
    }
    counts
}

fn counted(counts: &[(&str, u32)]) -> BTreeMap<String, u32> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn failover_takes_the_first_that_is_up_and_the_rest_in_the_order_of_the_list() {
    let table = table("[[route]]\nto = ['a', 'b', 'c']");
    assert_eq!(order(&table, &to("44"), &World::default(), 7), "a b c");
    assert_eq!(order(&table, &to("44"), &World::down(&["a"]), 7), "b c a");
    assert_eq!(order(&table, &to("44"), &World::down(&["a", "b", "c"]), 7), "a b c");
}

#[test]
fn a_target_without_room_is_passed_over_while_another_has_some() {
    let table = table("[[route]]\nto = ['a', 'b', 'c']");
    assert_eq!(order(&table, &to("44"), &World::full(&["a"]), 0), "b c a");
    assert_eq!(order(&table, &to("44"), &World::full(&["a", "b", "c"]), 0), "a b c");
    let both = World { down: ["a".to_owned()].into(), ..World::full(&["b"]) };
    assert_eq!(order(&table, &to("44"), &both, 0), "c b a");
}

#[test]
fn without_up_only_and_spill_the_list_stays_as_it_is() {
    let table = table("[[route]]\nup_only = false\nspill = false\nto = ['a', 'b']");
    let world = World { full: ["a".to_owned()].into(), ..World::down(&["a"]) };
    assert_eq!(order(&table, &to("44"), &world, 0), "a b");
}

#[test]
fn targets_that_are_gone_or_have_weight_0_are_never_chosen() {
    let table = table("[[route]]\nup_only = false\nto = ['a', { name = 'b', weight = 0 }, 'c']");
    let gone =
        |names: &[&str]| World { gone: names.iter().map(ToString::to_string).collect(), ..World::default() };
    assert_eq!(order(&table, &to("44"), &gone(&["a"]), 0), "c");
    let facts = to("44");
    let none = table.choose(&facts, &gone(&["a", "c"]), 0).unwrap_err();
    assert_eq!(none, NoRoute::NoTarget { rule: 0, name: "route 1" });
    assert_eq!(none.status(), CommandStatus::ESME_RSYSERR);
    assert_eq!(NoRoute::NoRule.status(), CommandStatus::ESME_RINVDSTADR);
}

#[test]
fn weighted_gives_each_its_share_by_count_and_by_chance() {
    let table = with("weighted", "[{ name = 'a', weight = 3 }, 'b', { name = 'c', weight = 6 }]");
    let expected = counted(&[("a", 300), ("b", 100), ("c", 600)]);
    assert_eq!(firsts(&table, &World::default(), 0..1_000), expected);
    // Any good generator will do: here the multiples of the golden ratio.
    let random = (0..100_000_u64).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17));
    let counts = firsts(&table, &World::default(), random);
    assert!((29_000..31_000).contains(&counts["a"]), "{counts:?}");
    assert!((9_500..10_500).contains(&counts["b"]), "{counts:?}");
    // One that is down leaves the others their proportion.
    let counts = firsts(&table, &World::down(&["c"]), 0..1_000);
    assert_eq!(counts, counted(&[("a", 750), ("b", 250)]));
}

#[test]
fn weighted_falls_back_by_weight_too() {
    let table = with("weighted", "['a', { name = 'b', weight = 9 }, { name = 'c', weight = 90 }]");
    let facts = to("44");
    let second = |dice| table.choose(&facts, &World::default(), dice).unwrap().rest().next().unwrap();
    let after_a = (0..10_000).map(|turn| turn * 100).filter(|&dice| second(dice) == "c").count();
    assert!((8_800..9_400).contains(&after_a), "{after_a}");
}

#[test]
fn weighted_gives_every_order_its_chance() {
    let table = with("weighted", "['a', 'b', 'c', 'd']");
    let orders: BTreeSet<String> =
        (0..2_000).map(|dice| order(&table, &to("44"), &World::default(), dice)).collect();
    assert_eq!(orders.len(), 24, "{orders:?}");
}

#[test]
fn round_robin_takes_turns_among_those_that_are_up() {
    let table = with("round_robin", "['a', 'b', 'c']");
    let turns = |world: &World| (0..4).map(|dice| order(&table, &to("44"), world, dice)).collect::<Vec<_>>();
    assert_eq!(turns(&World::default()), ["a b c", "b c a", "c a b", "a b c"]);
    assert_eq!(turns(&World::down(&["b"])), ["a c b", "c a b", "a c b", "c a b"]);
}

#[test]
fn a_rule_that_was_found_can_be_given_a_count_of_its_own() {
    let table = table(
        "[[route]]\ndestination = '44*'\nstrategy = 'round_robin'\nto = ['a', 'b']\n[[route]]\nto = ['z']",
    );
    let mut counts = [0, 0];
    let mut went = String::new();
    // With one count for all, each message to 44 would go to a.
    for destination in ["44", "1", "44", "1", "44"] {
        let facts = to(destination);
        let found = table.find(&facts).unwrap();
        went += found.choose(&facts, &World::default(), counts[found.rule()]).unwrap().first();
        counts[found.rule()] += 1;
    }
    assert_eq!(went, "azbza");
}

#[test]
fn least_cost_takes_the_cheapest_that_can_take_it() {
    let table = with(
        "least_cost",
        "[{ name = 'a', cost = 0.03 }, { name = 'b', cost = 0.01 }, { name = 'c', cost = 0.02 }, \
         { name = 'd', cost = 0.02 }]",
    );
    assert_eq!(order(&table, &to("44"), &World::default(), 5), "b c d a");
    assert_eq!(order(&table, &to("44"), &World::down(&["b"]), 5), "c d a b");
    assert_eq!(order(&table, &to("44"), &World::full(&["b", "c"]), 5), "d a b c");
}

#[test]
fn least_busy_takes_the_one_with_the_least_for_its_weight() {
    let table = with("least_busy", "['a', 'b', { name = 'c', weight = 10 }]");
    let load = [("a", 5), ("b", 2), ("c", 19)].map(|(name, load)| (name.to_owned(), load)).into();
    assert_eq!(order(&table, &to("44"), &World { load, ..World::default() }, 0), "c b a");
    // Where all are alike, they take turns.
    assert_eq!(firsts(&table, &World::default(), 0..9), counted(&[("a", 3), ("b", 3), ("c", 3)]));
}

#[test]
fn sticky_goes_by_its_key_and_by_nothing_else() {
    let all = with("sticky", "['a', 'b', 'c', 'd']");
    let by_source =
        table("[[route]]\nstrategy = 'sticky'\nsticky_by = ['source']\nto = ['a', 'b', 'c', 'd']");
    let numbers: Vec<String> = (0..400).map(|number| format!("4477009{number:05}")).collect();
    let first = |table: &Table, source: &str, destination: &str, world: &World, dice| {
        let facts = Facts { source: Party::international(source), ..to(destination) };
        table.choose(&facts, world, dice).map(|choice: Choice<'_>| choice.first().to_owned()).unwrap()
    };
    let mut counts = BTreeMap::<_, u32>::new();
    for number in &numbers {
        let chosen = first(&all, "1", number, &World::default(), 0);
        *counts.entry(chosen.clone()).or_default() += 1;
        assert_eq!(first(&all, "1", number, &World::full(&[&chosen]), 99), chosen, "room does not count");
        assert_eq!(
            first(&by_source, "1", number, &World::default(), 3),
            first(&by_source, "1", "44", &World::default(), 4)
        );
        // When one goes down, only its own move.
        let other = first(&all, "1", number, &World::down(&["a"]), 0);
        assert!(if chosen == "a" { other != "a" } else { other == chosen });
    }
    assert!(counts.len() == 4 && counts.values().all(|count| (70..130).contains(count)), "{counts:?}");
}

#[test]
fn sticky_keeps_to_the_weights() {
    let table = with("sticky", "['a', { name = 'b', weight = 3 }]");
    let numbers: Vec<String> = (0..10_000).map(|number| format!("44{number}")).collect();
    let to_a = numbers.iter().filter(|number| order(&table, &to(number), &World::default(), 0) == "a b");
    let to_a = to_a.count();
    assert!((2_300..2_700).contains(&to_a), "{to_a}");
}

#[test]
fn parts_of_one_message_go_one_way_under_every_strategy() {
    for strategy in ["failover", "weighted", "round_robin", "least_cost", "least_busy", "sticky"] {
        let table = with(
            strategy,
            "[{ name = 'a', cost = 2 }, { name = 'b', cost = 1 }, { name = 'c', cost = 3, weight = 2 }]",
        );
        let mut ways = BTreeSet::new();
        for reference in 0..64 {
            let first = |world: &World, dice| {
                let facts = Facts { concatenation: Some((reference, 3)), ..to("44") };
                table.choose(&facts, world, dice).unwrap().first().to_owned()
            };
            let chosen = first(&World::default(), 0);
            let load = [(chosen.clone(), 100)].into();
            assert_eq!(first(&World::default(), 1), chosen, "{strategy}");
            assert_eq!(first(&World::full(&[&chosen]), 2), chosen, "{strategy}");
            assert_eq!(first(&World { load, ..World::default() }, 3), chosen, "{strategy}");
            for other in ["a", "b", "c"].into_iter().filter(|other| *other != chosen) {
                assert_eq!(first(&World::down(&[other]), 4), chosen, "{strategy}");
            }
            ways.insert(chosen);
        }
        let spread = matches!(strategy, "weighted" | "round_robin" | "least_busy");
        assert_eq!(ways.len(), if spread { 3 } else { 1 }, "{strategy}: {ways:?}");
    }
}

#[test]
fn a_message_of_one_part_is_no_part() {
    let table = with("round_robin", "['a', 'b']");
    let facts = Facts { concatenation: Some((1, 1)), ..to("44") };
    assert_ne!(order(&table, &facts, &World::default(), 0), order(&table, &facts, &World::default(), 1));
}

#[test]
fn a_hundred_targets_are_put_in_order() {
    let names: Vec<String> =
        (0..100).map(|number| format!("{{ name = 't{number:02}', cost = {number} }}")).collect();
    for strategy in ["failover", "weighted", "round_robin", "least_cost", "least_busy", "sticky"] {
        let table = with(strategy, &format!("[{}]", names.join(", ")));
        let facts = to("44");
        let choice = table.choose(&facts, &World::down(&["t00"]), 12_345).unwrap();
        let mut all: Vec<&str> = choice.targets().collect();
        assert_eq!(all.last(), Some(&"t00"));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 100, "{strategy}");
    }
}
