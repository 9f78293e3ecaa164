//! Joining parts: order, repeats, limits, and what is given back.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use smppkit_text::reassembly::{DropCause, Dropped, Limits, Load, Outcome, Refusal};
use smppkit_text::{Concatenation, Reassembly, ReferenceWidth};

type Table = Reassembly<&'static str, (&'static str, u16)>;

const LIMITS: Limits = Limits {
    all: Load { messages: 10, parts: 12, octets: 1000 },
    group: Load { messages: 6, parts: 8, octets: 600 },
    time: Duration::from_secs(60),
};

fn place(total: u8, sequence: u8) -> Concatenation {
    Concatenation::new(1, ReferenceWidth::Sixteen, total, sequence).expect("the place is valid")
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Offers one part of an account's message; expects nothing to be dropped.
fn offer(
    table: &mut Table,
    account: &'static str,
    reference: u16,
    total: u8,
    sequence: u8,
) -> Outcome<Vec<u8>> {
    let offered =
        table.offer(account, (account, reference), place(total, sequence), vec![sequence], Duration::ZERO);
    assert_eq!(offered.dropped, []);
    offered.outcome
}

#[test]
fn parts_join_in_any_order() {
    for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1], [2, 1, 3]] {
        let mut table = Table::new(LIMITS);
        assert_eq!(offer(&mut table, "a", 1, 3, order[0]), Outcome::Waiting { missing: 2 });
        assert_eq!(offer(&mut table, "a", 1, 3, order[1]), Outcome::Waiting { missing: 1 });
        assert_eq!(table.held(), Load { messages: 1, parts: 2, octets: 2 });
        assert_eq!(
            offer(&mut table, "a", 1, 3, order[2]),
            Outcome::Complete(vec![vec![1], vec![2], vec![3]])
        );
        assert_eq!((table.held(), table.held_for(&"a")), (Load::default(), Load::default()));
        assert_eq!(table.counts().completed, 1);
    }
}

#[test]
fn message_of_one_part_is_complete_at_once() {
    let mut table = Table::new(LIMITS);
    assert_eq!(offer(&mut table, "a", 1, 1, 1), Outcome::Complete(vec![vec![1]]));
    assert_eq!(table.next_deadline(), None);
}

#[test]
fn repeated_part_is_ignored() {
    let mut table = Table::new(LIMITS);
    offer(&mut table, "a", 1, 2, 2);
    assert_eq!(offer(&mut table, "a", 1, 2, 2), Outcome::Duplicate(vec![2]));
    assert_eq!(table.held().parts, 1);
    assert_eq!(table.counts().duplicates, 1);
    assert_eq!(offer(&mut table, "a", 1, 2, 1), Outcome::Complete(vec![vec![1], vec![2]]));
}

#[test]
fn part_of_another_total_is_refused() {
    let mut table = Table::new(LIMITS);
    offer(&mut table, "a", 1, 2, 1);
    assert_eq!(offer(&mut table, "a", 1, 3, 2), Outcome::Refused(vec![2], Refusal::TotalDiffers));
    assert_eq!(table.counts().refused, 1);
}

#[test]
fn messages_of_different_keys_do_not_mix() {
    let mut table = Table::new(LIMITS);
    offer(&mut table, "a", 1, 2, 1);
    offer(&mut table, "b", 1, 2, 1);
    offer(&mut table, "a", 2, 2, 1);
    assert_eq!(table.held().messages, 3);
    assert!(matches!(offer(&mut table, "a", 1, 2, 2), Outcome::Complete(_)));
    assert_eq!(table.held_for(&"a").messages, 1);
}

#[test]
fn time_is_counted_from_the_first_part() {
    let mut table = Table::new(LIMITS);
    table.offer("a", ("a", 1), place(3, 3), vec![3], seconds(10));
    table.offer("a", ("a", 1), place(3, 1), vec![1], seconds(60));
    assert_eq!(table.next_deadline(), Some(seconds(70)));
    assert_eq!(table.expire(seconds(69)), []);
    let dropped = table.expire(seconds(70));
    let expected = Dropped {
        group: "a",
        key: ("a", 1),
        total: 3,
        parts: vec![(1, vec![1]), (3, vec![3])],
        cause: DropCause::Time,
    };
    assert_eq!(dropped, [expected]);
    assert_eq!((table.held(), table.counts().dropped_by_time), (Load::default(), 1));
}

#[test]
fn a_part_that_comes_too_late_starts_anew() {
    let mut table = Table::new(LIMITS);
    table.offer("a", ("a", 1), place(2, 1), vec![1], seconds(0));
    let offered = table.offer("a", ("a", 1), place(2, 2), vec![2], seconds(60));
    assert_eq!(offered.outcome, Outcome::Waiting { missing: 1 });
    assert_eq!(offered.dropped.len(), 1);
}

#[test]
fn a_full_group_drops_its_own_oldest() {
    let mut table = Table::new(LIMITS);
    offer(&mut table, "quiet", 0, 2, 1);
    for reference in 1..=6 {
        offer(&mut table, "flood", reference, 2, 1);
    }
    let offered = table.offer("flood", ("flood", 7), place(2, 1), vec![1], seconds(0));
    let dropped: Vec<_> = offered.dropped.iter().map(|dropped| (dropped.key, dropped.cause)).collect();
    assert_eq!(dropped, [(("flood", 1), DropCause::GroupRoom)]);
    assert!(matches!(offer(&mut table, "quiet", 0, 2, 2), Outcome::Complete(_)));
    assert_eq!(table.counts().dropped_for_group_room, 1);
}

#[test]
fn a_full_table_drops_the_oldest_of_all() {
    let mut table = Table::new(LIMITS);
    for (group, reference) in [("a", 1), ("a", 2), ("b", 3), ("b", 4), ("c", 5)] {
        offer(&mut table, group, reference, 3, 1);
        offer(&mut table, group, reference, 3, 2);
    }
    offer(&mut table, "d", 6, 2, 1);
    offer(&mut table, "d", 7, 2, 1);
    let offered = table.offer("d", ("d", 8), place(2, 1), vec![1], seconds(0));
    assert_eq!(offered.dropped[0].key, ("a", 1));
    assert_eq!(offered.dropped[0].cause, DropCause::Room);
    assert_eq!(table.held().parts, 11);
    assert_eq!(table.counts().dropped_for_room, 1);
}

#[test]
fn a_message_never_drops_itself_to_make_room() {
    let mut table = Table::new(LIMITS);
    let mut offer = |reference, sequence, octets: usize| {
        let offered = table.offer("a", ("a", reference), place(3, sequence), vec![0; octets], seconds(0));
        (offered.outcome, offered.dropped.iter().map(|dropped| dropped.key.1).collect::<Vec<_>>())
    };
    offer(1, 1, 200);
    offer(2, 1, 300);
    // The first is the oldest and grows: the second goes.
    assert_eq!(offer(1, 2, 250), (Outcome::Waiting { missing: 1 }, vec![2]));
    // Alone too large.
    let refused = offer(3, 1, 601);
    assert!(matches!(refused, (Outcome::Refused(_, Refusal::TooLarge), dropped) if dropped.is_empty()));
    // The last part needs no room.
    assert!(matches!(offer(1, 3, 900), (Outcome::Complete(_), dropped) if dropped.is_empty()));
}

#[test]
fn a_message_of_more_parts_than_may_be_held_is_not_begun() {
    let mut table = Table::new(LIMITS);
    assert_eq!(offer(&mut table, "a", 1, 10, 1), Outcome::Refused(vec![1], Refusal::TooLarge));
    // The ninth is never held, so eight are room enough.
    for sequence in 1..=8 {
        assert!(matches!(offer(&mut table, "a", 2, 9, sequence), Outcome::Waiting { .. }));
    }
    assert!(matches!(offer(&mut table, "a", 2, 9, 9), Outcome::Complete(_)));
}

#[test]
fn limits_of_zero_hold_nothing() {
    let zero = Load::default();
    let mut table = Table::new(Limits { all: zero, group: zero, time: Duration::ZERO });
    assert!(matches!(offer(&mut table, "a", 1, 2, 1), Outcome::Refused(_, Refusal::TooLarge)));
    assert!(matches!(offer(&mut table, "a", 1, 1, 1), Outcome::Complete(_)));
}

#[test]
fn one_flooding_account_takes_no_more_than_its_share() {
    let limits = Limits::default();
    let mut table: Reassembly<u32, (u32, u32)> = Reassembly::new(limits);
    let place = Concatenation::new(0, ReferenceWidth::Eight, 255, 1).unwrap();
    table.offer(1, (1, 0), place, vec![0; 140], Duration::ZERO);
    for n in 0..100_000 {
        table.offer(2, (2, n), place, vec![0; 140], Duration::ZERO);
        assert!(table.held_for(&2).parts <= limits.group.parts);
    }
    assert_eq!(table.held_for(&1).parts, 1);
    assert_eq!(table.counts().dropped_for_room, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Every part offered is completed, given back, or still held; and no limit is ever passed.
    #[test]
    fn every_part_is_accounted_for(
        arrivals in proptest::collection::vec(
            (0..4_usize, 0..6_u16, 1..5_u8, 1..5_u8, 0..300_usize, 0..20_u64), 0..200)
    ) {
        let accounts = ["a", "b", "c", "d"];
        let mut table = Table::new(LIMITS);
        let (mut now, mut completed) = (0, 0);
        let mut held: HashMap<_, usize> = HashMap::new();
        for (account, reference, total, sequence, octets, wait) in arrivals {
            let Some(place) = Concatenation::new(reference, ReferenceWidth::Sixteen, total, sequence) else {
                continue;
            };
            now += wait;
            let account = accounts[account];
            let offered = table.offer(account, (account, reference), place, vec![0; octets], seconds(now));
            for dropped in offered.dropped {
                prop_assert_eq!(held.remove(&dropped.key), Some(dropped.parts.len()));
                prop_assert!(dropped.parts.is_sorted_by(|one, two| one.0 < two.0));
            }
            match offered.outcome {
                Outcome::Complete(parts) => {
                    completed += 1;
                    prop_assert_eq!(parts.len(), usize::from(total));
                    let before = held.remove(&(account, reference)).unwrap_or(0);
                    prop_assert_eq!(before + 1, parts.len());
                }
                Outcome::Waiting { missing } => {
                    let parts = held.entry((account, reference)).or_default();
                    *parts += 1;
                    prop_assert_eq!(*parts + usize::from(missing), usize::from(total));
                }
                Outcome::Duplicate(_) | Outcome::Refused(..) => {}
            }
            let all = table.held();
            prop_assert_eq!((all.messages, all.parts), (held.len(), held.values().sum()));
            for (held, limit) in [(all, LIMITS.all)].into_iter()
                .chain(accounts.iter().map(|account| (table.held_for(account), LIMITS.group)))
            {
                prop_assert!(held.messages <= limit.messages && held.parts <= limit.parts);
                prop_assert!(held.octets <= limit.octets);
            }
            let groups = accounts.iter().map(|account| table.held_for(account));
            prop_assert_eq!(groups.map(|held| held.octets).sum::<usize>(), all.octets);
        }
        prop_assert_eq!(table.counts().completed, completed);
    }
}
