//! The power fails at every write, sync, truncation and deletion: what was acknowledged is there, and
//! what was not is there whole or not at all.
//!
//! `SMPPKIT_KILL_ROUNDS` asks for more random cuts than a development run has time for, and for torn
//! writes at every operation.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use common::{NOW, Snapshot, Worker, open};
use smppkit_powercut::{Cut, Disk, Op, Replay, Trace};
use smppkit_store::{Sqlite, Store, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Makes so many commits; what the store said after each acknowledgement.
fn work(disk: &Disk, store: &mut Sqlite, seed: u64, now: Timestamp, commits: usize) -> Vec<Snapshot> {
    let mut said = vec![Snapshot::of(store)];
    let mut worker = Worker::new(seed, store, now);
    disk.mark(0);
    for number in 1..=commits {
        worker.step(store).unwrap();
        disk.mark(number);
        said.push(Snapshot::of(store));
    }
    said
}

/// Opens what a cut left: it says what was said last before it, or what would have been said next.
fn check(files: BTreeMap<Arc<str>, Vec<u8>>, said: &[Snapshot], acknowledged: Option<usize>, at: &str) {
    let disk = Disk::new(files);
    let mut store = open(&disk, NOW).unwrap_or_else(|error| panic!("{at}: {error}"));
    let found = Snapshot::of(&store);
    let next = acknowledged.map_or(0, |number| number + 1);
    let is_last = acknowledged.is_some_and(|number| found == said[number]);
    let is_next = said.get(next).is_some_and(|next| found == *next);
    // Before the first acknowledgement the store may be empty or not there.
    let is_empty = acknowledged.is_none() && found.accepted() == 0;
    assert!(is_last || is_next || is_empty, "{at}, after {acknowledged:?}: {found:?}");
    found.assert_served(&mut store);
}

#[test]
fn nothing_acknowledged_is_lost_at_any_cut_of_2_000_operations() {
    let disk = Disk::new(BTreeMap::new());
    let mut store = open(&disk, NOW).unwrap();
    let said = work(&disk, &mut store, 1, NOW, 260);
    // The end of a process, too: a last checkpoint, and the log is deleted.
    drop(store);
    let trace = disk.take_trace();
    let operations = trace.ops.iter().filter(|op| !matches!(op, Op::Mark(_))).count();
    assert!(operations >= 2_000, "{operations} operations on the disk");
    let kinds = |is: fn(&Op) -> bool| trace.ops.iter().filter(|op| is(op)).count();
    let checkpoints = kinds(|op| matches!(op, Op::Sync { file } if &**file == "messages.sqlite"));
    assert!(checkpoints > 20, "{checkpoints} syncs of the file itself");
    let mut replay = Replay::new(&trace);
    let mut acknowledged = None;
    for (at, op) in trace.ops.iter().enumerate() {
        replay.step(op);
        if let Op::Mark(number) = op {
            acknowledged = Some(*number);
            continue;
        }
        let seed = at as u64;
        let torn = if at % 2 == 0 { Cut::Sectors(seed) } else { Cut::Beginning(seed) };
        // Torn at every one as well, when there is time.
        let cuts = [Some(Cut::Nothing), (rounds().is_some() || at % 5 == 0).then_some(torn)];
        for cut in cuts.into_iter().flatten() {
            check(replay.cut(cut), &said, acknowledged, &format!("{cut:?} after operation {at}"));
        }
    }
}

#[test]
fn every_acknowledgement_comes_after_a_sync_of_all_that_was_written() {
    let disk = Disk::new(BTreeMap::new());
    let mut store = open(&disk, NOW).unwrap();
    work(&disk, &mut store, 2, NOW, 300);
    let trace = disk.take_trace();
    let mut replay = Replay::new(&trace);
    let (mut wrote, mut synced) = (0, 0);
    for op in &trace.ops {
        replay.step(op);
        match op {
            Op::Write { .. } => wrote += 1,
            Op::Sync { .. } => synced += 1,
            Op::Mark(number) => {
                assert_eq!(replay.unsynced(), 0, "acknowledgement {number}");
                assert!(synced > 0 || wrote == 0, "acknowledgement {number}");
                (wrote, synced) = (0, 0);
            }
            _ => {}
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_it_is_synced_beside_the_next_commits() {
    let disk = Disk::new(BTreeMap::new());
    let mut store = open(&disk, NOW).unwrap();
    let mut sync = store.sync_beside().unwrap().unwrap();
    let mut said = vec![Snapshot::of(&store)];
    let mut worker = Worker::new(3, &store, NOW);
    sync().unwrap();
    disk.mark(0);
    for number in 1..=260 {
        worker.step(&mut store).unwrap();
        said.push(Snapshot::of(&store));
        // One to four commits are under way meanwhile.
        if number % 4 < 2 {
            sync().unwrap();
            disk.mark(number);
        }
    }
    drop((sync, store));
    let trace = disk.take_trace();
    let mut replay = Replay::new(&trace);
    let mut acknowledged = None;
    let mut unsynced = 0;
    for (at, op) in trace.ops.iter().enumerate() {
        replay.step(op);
        if let Op::Mark(number) = op {
            acknowledged = Some(*number);
            continue;
        }
        let seed = at as u64;
        for cut in [Cut::Nothing, Cut::Sectors(seed), Cut::Beginning(seed)] {
            let name = format!("{cut:?} after operation {at}");
            let disk = Disk::new(replay.cut(cut));
            let mut store = open(&disk, NOW).unwrap_or_else(|error| panic!("{name}: {error}"));
            let found = Snapshot::of(&store);
            // As after one of the commits that were made by then: none is there in half.
            let least = acknowledged.unwrap_or(0);
            let newest = said.iter().skip(least).take(6).position(|said| found == *said);
            let is_empty = acknowledged.is_none() && found.accepted() == 0;
            assert!(newest.is_some() || is_empty, "{name}, after {acknowledged:?}: {found:?}");
            unsynced += usize::from(newest.is_some_and(|newest| newest > 0));
            found.assert_served(&mut store);
        }
    }
    assert!(unsynced > 100, "only {unsynced} cuts left more than was acknowledged");
}

#[test]
fn nothing_is_lost_by_cut_after_cut() {
    let rounds = rounds().unwrap_or(300);
    let mut files = BTreeMap::new();
    let (mut least, mut acknowledgements) = (0, 0);
    for round in 0..rounds {
        if round % 100 == 0 {
            // A new disk, or reading it back would take longer and longer.
            (files, least) = (BTreeMap::new(), 0);
        }
        let now = Timestamp(NOW.0 + i64::try_from(round).unwrap() * 1_000);
        let disk = Disk::new(files);
        let mut store = open(&disk, now).unwrap();
        assert!(store.totals().accepted >= least, "round {round}");
        let said = work(&disk, &mut store, round, now, 12);
        drop(store);
        let trace = disk.take_trace();
        let (at, cut) = choose(&trace, round);
        let mut replay = Replay::new(&trace);
        let mut acknowledged = None;
        for op in &trace.ops[..at] {
            replay.step(op);
            if let Op::Mark(number) = op {
                acknowledged = Some(*number);
            }
        }
        acknowledgements += acknowledged.unwrap_or(0);
        // Cut while it was being opened: it says what it would have said.
        let acknowledged = acknowledged.or_else(|| (round % 100 != 0).then_some(0));
        files = replay.cut(cut);
        least = acknowledged.map_or(0, |number| said[number].accepted());
        check(files.clone(), &said, acknowledged, &format!("round {round}, {cut:?} after operation {at}"));
    }
    println!("{rounds} cuts, {acknowledgements} commits acknowledged, 0 lost");
}

#[test]
fn a_killed_process_leaves_what_it_wrote_and_the_next_goes_on() {
    let disk = Disk::new(BTreeMap::new());
    let mut store = open(&disk, NOW).unwrap();
    let said = work(&disk, &mut store, 3, NOW, 20);
    let operations = disk.operations();
    let next = disk.killed(operations);
    drop(store);
    let store = open(&next, NOW).unwrap();
    assert_eq!(Snapshot::of(&store), said[20]);
    // Whatever the first one did at its end is not in the trace of the second.
    let trace = next.take_trace();
    let marks =
        trace.ops.iter().filter_map(|op| if let Op::Mark(number) = op { Some(*number) } else { None });
    assert_eq!(marks.collect::<Vec<_>>(), (0..=20).collect::<Vec<_>>());
    let mut replay = Replay::new(&trace);
    trace.ops.iter().for_each(|op| replay.step(op));
    check(replay.cut(Cut::Nothing), &said, Some(20), "after the next one was opened");
}

/// How many random cuts are asked for.
fn rounds() -> Option<u64> {
    std::env::var("SMPPKIT_KILL_ROUNDS").ok().map(|text| text.parse().unwrap())
}

/// Somewhere in a trace, and what is left of it.
fn choose(trace: &Trace, round: u64) -> (usize, Cut) {
    let chance = round.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let at = usize::try_from(chance >> 20).unwrap() % (trace.ops.len() + 1);
    let cut = match chance % 4 {
        0 => Cut::Nothing,
        1 => Cut::Everything,
        2 => Cut::Sectors(chance),
        _ => Cut::Beginning(chance),
    };
    (at, cut)
}
