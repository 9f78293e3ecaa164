//! A full disk, failed writes and failed syncs, and the power cut after them.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use common::{NOW, Snapshot, Worker, message, open, open_with};
use smppkit_powercut::{Cut, Disk, Fault, Replay};
use smppkit_store::{Change, MessageId, MessageIds, NodeId, Outcome, Sqlite, Store, StoreError, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

fn accept(store: &mut Sqlite) -> Result<MessageId, StoreError> {
    let id = MessageIds::after(NodeId::default(), store.last_id()).next(NOW);
    let mut outcomes = Vec::new();
    store.commit(NOW, &[Change::Accept(Arc::new(message(id, "up", NOW)))], &mut outcomes)?;
    assert_eq!(outcomes, [Outcome::Done]);
    Ok(id)
}

/// What is there after the power failed now.
fn cut(disk: &Disk, cut: Cut) -> Sqlite {
    let trace = disk.take_trace();
    let mut replay = Replay::new(&trace);
    for op in &trace.ops {
        replay.step(op);
    }
    let disk = Disk::new(replay.cut(cut));
    open(&disk, NOW).unwrap()
}

#[test]
fn a_full_disk_refuses_and_takes_again_by_itself() {
    let disk = Disk::new(BTreeMap::new());
    let mut store = open(&disk, NOW).unwrap();
    let mut taken: Vec<MessageId> = (0..30).map(|_| accept(&mut store).unwrap()).collect();
    for round in 0..5 {
        disk.set_fault(Some(Fault::Full));
        let error = loop {
            // Room within the files is still used.
            match accept(&mut store) {
                Ok(id) => taken.push(id),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, StoreError::Full), "round {round}: {error:?}");
        assert!(matches!(accept(&mut store), Err(StoreError::Full)));
        assert_eq!(store.totals().accepted, taken.len() as u64);
        disk.set_fault(None);
        taken.extend((0..10).map(|_| accept(&mut store).unwrap()));
    }
    let mut store = cut(&disk, Cut::Nothing);
    let claimed = store.claim(Timestamp(NOW.0 + 1_000), "up", usize::MAX).unwrap();
    assert_eq!(claimed.into_iter().map(|claimed| claimed.message.id).collect::<Vec<_>>(), taken);
    assert_eq!(store.check().unwrap(), []);
}

#[test]
fn a_store_that_was_killed_opens_on_a_full_disk_and_takes_when_there_is_room() {
    let disk = Disk::new(BTreeMap::new());
    let mut store = open(&disk, NOW).unwrap();
    let taken: Vec<MessageId> = (0..30).map(|_| accept(&mut store).unwrap()).collect();
    // Not closed: its log is left as it was.
    let trace = disk.take_trace();
    let mut replay = Replay::new(&trace);
    for op in &trace.ops {
        replay.step(op);
    }
    let disk = Disk::new(replay.cut(Cut::Nothing));
    disk.set_fault(Some(Fault::Full));
    let mut store = open(&disk, NOW).unwrap();
    assert_eq!(store.totals().accepted, 30);
    assert!(store.story(taken[7]).unwrap().is_some(), "reading goes on");
    // Room within the files is still used.
    let more = std::iter::from_fn(|| accept(&mut store).ok()).take(30).count();
    assert!(more < 30 && matches!(accept(&mut store), Err(StoreError::Full)), "{more}");
    disk.set_fault(None);
    accept(&mut store).unwrap();
    assert_eq!(cut(&disk, Cut::Nothing).totals().accepted, 31 + more as u64);
}

#[test]
fn after_a_failed_sync_nothing_is_taken_and_nothing_taken_later_is_lost() {
    // No checkpoint hides it.
    for before in [0, 3, 17] {
        let disk = Disk::new(BTreeMap::new());
        let mut store = open_with(&disk, NOW, 10_000).unwrap();
        let mut taken: Vec<MessageId> = (0..before).map(|_| accept(&mut store).unwrap()).collect();
        disk.set_fault(Some(Fault::Sync));
        assert!(matches!(accept(&mut store), Err(StoreError::Io { .. })));
        disk.set_fault(None);
        assert!(matches!(accept(&mut store), Err(StoreError::Stopped)), "not as if it had worked");
        // Killed: closing it would copy the log into the file and hide what this is about.
        std::mem::forget(store);
        // The system still shows what the failed sync did not write, and it will never be written.
        let mut store = open_with(&disk, NOW, 10_000).unwrap();
        taken.extend((0..5).map(|_| accept(&mut store).unwrap()));
        let store = cut(&disk, Cut::Nothing);
        for id in taken {
            assert!(store.story(id).unwrap().is_some(), "{id} was acknowledged; {before} before the fault");
        }
    }
}

#[test]
fn a_disk_that_cannot_be_written_is_an_error_and_no_loss() {
    for fault in [Fault::Write, Fault::ReadOnly] {
        let disk = Disk::new(BTreeMap::new());
        disk.set_fault(Some(fault));
        let error = open(&disk, NOW).unwrap_err();
        assert!(matches!(error, StoreError::Io { .. }), "{fault:?}: {error:?}");
        disk.set_fault(None);
        let mut store = open(&disk, NOW).unwrap();
        let taken: Vec<MessageId> = (0..20).map(|_| accept(&mut store).unwrap()).collect();
        disk.set_fault(Some(fault));
        assert!(matches!(accept(&mut store), Err(StoreError::Io { .. })));
        assert!(matches!(accept(&mut store), Err(StoreError::Stopped)));
        drop(store);
        let error = open(&disk, NOW).unwrap_err();
        assert!(matches!(error, StoreError::Io { .. }), "{fault:?}: {error:?}");
        disk.set_fault(None);
        let mut store = open(&disk, NOW).unwrap();
        assert!(taken.iter().all(|id| store.story(*id).unwrap().is_some()));
        assert_eq!(store.check().unwrap(), []);
    }
}

#[test]
fn nothing_acknowledged_is_lost_by_faults_of_all_kinds() {
    for seed in 0..40_u64 {
        let disk = Disk::new(BTreeMap::new());
        let mut store = open(&disk, NOW).unwrap();
        let mut worker = Worker::new(seed, &store, NOW);
        let mut said = Snapshot::of(&store);
        for step in 0..60_u64 {
            let chance = (seed * 1_000 + step).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
            disk.set_fault(match chance % 20 {
                0 => Some(Fault::Write),
                1 => Some(Fault::Sync),
                5 => Some(Fault::ReadOnly),
                2..5 => Some(Fault::Full),
                _ => None,
            });
            match worker.step(&mut store) {
                Ok(_) => said = Snapshot::of(&store),
                Err(StoreError::Full) => assert_eq!(Snapshot::of(&store), said, "seed {seed}, step {step}"),
                Err(_) => {
                    drop(store);
                    disk.set_fault(None);
                    store = open(&disk, worker.now).unwrap();
                    // The commit that failed may be there after all; it was not acknowledged.
                    let found = Snapshot::of(&store);
                    assert!(found.is_at_or_after(&said), "seed {seed}, step {step}");
                    said = found;
                }
            }
        }
        disk.set_fault(None);
        // What a failed sync left is written by the first commit at the latest.
        while worker.step(&mut store).unwrap().is_empty() {}
        said = Snapshot::of(&store);
        let mut store = cut(&disk, Cut::Nothing);
        assert_eq!(Snapshot::of(&store), said, "seed {seed}");
        said.assert_served(&mut store);
    }
}
