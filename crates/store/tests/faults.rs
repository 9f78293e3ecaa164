//! Full disks, failed writes, damage, old and foreign files.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use common::{Dir, NOW, accept, claim_ids, commit, finish, ids, later, settle};
use smppkit_store::{Final, MessageId, Outcome, Settings, Sqlite, Store, StoreError};
use std::path::Path;
use std::process::{Command, Stdio};

/// Accepts groups of ten until the store refuses; how many it took.
fn fill(store: &mut Sqlite, at: smppkit_store::Timestamp) -> (u64, StoreError) {
    let mut ids = ids(store);
    for taken in 0..100_000 {
        let group: Vec<_> = (0..10).map(|_| accept(ids.next(at), "up")).collect();
        let before = store.totals();
        let mut outcomes = Vec::new();
        if let Err(error) = store.commit(at, &group, &mut outcomes) {
            assert_eq!(outcomes, []);
            assert_eq!(store.totals(), before, "as before");
            return (taken * 10, error);
        }
    }
    panic!("never full");
}

#[test]
fn a_full_store_refuses_and_takes_again_when_old_days_are_dropped() {
    let dir = Dir::new();
    let settings = Settings { page_limit: Some(600), ..Settings::default() };
    let mut store = dir.open_with(NOW, settings.clone());
    let (taken, error) = fill(&mut store, NOW);
    assert!(matches!(error, StoreError::Full), "{error:?}");
    assert!(taken > 1_000);
    let (again, error) = fill(&mut store, NOW);
    assert!(again < 50 && matches!(error, StoreError::Full), "tried again, not stopped");
    drop(store);
    let mut store = dir.open_with(NOW, Settings::default());
    assert_eq!(store.totals().accepted, taken + again);
    // Ids beyond 4,096 are of the next millisecond.
    let claimed = claim_ids(&mut store, later(10), "up", usize::MAX);
    assert_eq!(claimed.len() as u64, taken + again, "all that was acknowledged");
    for id in claimed {
        commit(&mut store, NOW, &[finish(id, Final::Delivered)]);
    }
    settle(&mut store, NOW);
    drop(store);
    let mut store = dir.open_with(NOW, settings);
    let tomorrow = later(86_400_000);
    while store.maintain(tomorrow, tomorrow).unwrap() {}
    let (taken, _) = fill(&mut store, tomorrow);
    assert!(taken > 1_000, "{taken}: the pages of the old day are used again");
    assert_eq!(store.check().unwrap(), []);
}

/// Not a test by itself: runs in a file system of 24 MB of its own.
#[test]
fn child_in_a_small_file_system() {
    let Ok(dir) = std::env::var("SMPPKIT_FULL_DIR") else { return };
    let dir = Path::new(&dir);
    let mut store = Sqlite::open(&dir.join("store"), NOW, Settings::default()).unwrap();
    std::fs::write(dir.join("ballast"), vec![1; 8 << 20]).unwrap();
    let (taken, error) = fill(&mut store, NOW);
    assert!(matches!(error, StoreError::Full), "{error:?}");
    std::fs::remove_file(dir.join("ballast")).unwrap();
    let (more, error) = fill(&mut store, NOW);
    assert!(more > 1_000, "{more}: by itself, without opening it again");
    assert!(matches!(error, StoreError::Full), "{error:?}");
    drop(store);
    let mut store = Sqlite::open(&dir.join("store"), NOW, Settings::default()).unwrap();
    assert_eq!(store.totals().accepted, taken + more);
    assert_eq!(store.check().unwrap(), []);
    println!("full after {taken}, again after {more}");
}

#[test]
fn a_full_disk_refuses_and_takes_again_when_there_is_room() {
    let dir = Dir::new();
    let script = "mount -t tmpfs -o size=24m tmpfs \"$SMPPKIT_FULL_DIR\" || exit 77; exec \"$@\"";
    let status = Command::new("unshare")
        .args(["-m", "sh", "-c", script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["child_in_a_small_file_system", "--exact"])
        .env("SMPPKIT_FULL_DIR", dir.path())
        // Its count of tests is not ours.
        .stdout(Stdio::null())
        .status();
    match status.map(|status| status.code()) {
        Ok(Some(0)) => {}
        // Only root may mount; the page limit above covers the same code.
        Ok(Some(77 | 1)) if !is_root() => println!("skipped: no file system of its own here"),
        Err(_) => println!("skipped: no unshare here"),
        other => panic!("{other:?}"),
    }
}

fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|text| text.contains("\nUid:\t0\t0"))
}

/// Not a test by itself: may not write files larger than 2 MB.
#[test]
fn child_with_failing_writes() {
    let Ok(dir) = std::env::var("SMPPKIT_FAIL_DIR") else { return };
    let mut store = Sqlite::open(Path::new(&dir), NOW, Settings::default()).unwrap();
    let (taken, error) = fill(&mut store, NOW);
    assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
    let (none, error) = fill(&mut store, NOW);
    assert!(none == 0 && matches!(error, StoreError::Stopped), "{error:?}");
    std::fs::write(Path::new(&dir).join("taken"), taken.to_string()).unwrap();
}

#[test]
#[cfg(unix)]
fn a_failed_write_stops_the_store_until_it_is_opened_again() {
    let dir = Dir::new();
    let status = Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 2000; exec \"$@\"", "bash"])
        .arg(std::env::current_exe().unwrap())
        .args(["child_with_failing_writes", "--exact"])
        .env("SMPPKIT_FAIL_DIR", dir.path())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let taken: u64 = std::fs::read_to_string(dir.path().join("taken")).unwrap().parse().unwrap();
    let mut store = dir.open();
    assert!(store.totals().accepted >= taken, "{taken} were acknowledged");
    assert_eq!(claim_ids(&mut store, later(10), "up", usize::MAX).len() as u64, store.totals().accepted);
    assert_eq!(store.check().unwrap(), []);
}

/// A closed store with messages in every state.
fn some_store(dir: &Dir) -> Vec<MessageId> {
    let mut store = dir.open();
    let mut ids = ids(&store);
    let ids: Vec<MessageId> = (0..200).map(|_| ids.next(NOW)).collect();
    for group in ids.chunks(20) {
        commit(&mut store, NOW, &group.iter().map(|id| accept(*id, "up")).collect::<Vec<_>>());
    }
    for id in &ids[..100] {
        commit(
            &mut store,
            NOW,
            &[finish(*id, if id.to_u64() % 2 == 0 { Final::Delivered } else { Final::Failed })],
        );
    }
    settle(&mut store, NOW);
    ids
}

#[test]
fn version_0_is_upgraded_once_and_keeps_everything() {
    let dir = Dir::new();
    let accepted = some_store(&dir);
    let file = dir.path().join("messages.sqlite");
    let old = rusqlite::Connection::open(&file).unwrap();
    old.execute_batch(
        "DROP TABLE cdr; DROP TABLE orphan; DROP TABLE orphan_form;
         ALTER TABLE total DROP COLUMN orphans; ALTER TABLE total DROP COLUMN cdr_seq;
         PRAGMA user_version=0;",
    )
    .unwrap();
    drop(old);
    for _ in 0..2 {
        let mut store = dir.open();
        assert_eq!(store.check().unwrap(), []);
        assert_eq!(store.totals().accepted, accepted.len() as u64);
        assert_eq!(store.cdrs(0, 1_000).unwrap().len(), 100);
        assert_eq!(claim_ids(&mut store, NOW, "up", usize::MAX), accepted[100..]);
    }
    let mut store = dir.open();
    commit(&mut store, NOW, &[finish(accepted[150], Final::Failed)]);
    settle(&mut store, NOW);
    assert_eq!(store.cdrs(100, 9).unwrap().len(), 1, "after those of the upgrade");
}

#[test]
fn newer_foreign_and_broken_files_are_refused() {
    let dir = Dir::new();
    some_store(&dir);
    let file = dir.path().join("messages.sqlite");
    let open = || Sqlite::open(dir.path(), NOW, Settings::default());
    rusqlite::Connection::open(&file).unwrap().execute_batch("PRAGMA user_version=99").unwrap();
    assert!(matches!(open(), Err(StoreError::Newer { found: 99, .. })));
    std::fs::remove_file(&file).unwrap();
    rusqlite::Connection::open(&file).unwrap().execute_batch("CREATE TABLE other (x)").unwrap();
    assert!(matches!(open(), Err(StoreError::Foreign { .. })));
    std::fs::write(&file, [b'x'; 5_000]).unwrap();
    assert!(matches!(open(), Err(StoreError::Damaged { .. })), "{:?}", open());
}

#[test]
fn damage_never_panics_and_never_invents_messages() {
    let dir = Dir::new();
    let accepted = some_store(&dir);
    let file = dir.path().join("messages.sqlite");
    let whole = std::fs::read(&file).unwrap();
    let (mut refused, mut reported, mut seed) = (0, 0, 1_u64);
    for _ in 0..100 {
        let mut octets = whole.clone();
        for _ in 0..8 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (seed >> 33) as usize % octets.len();
            octets[at] ^= (seed >> 20) as u8 | 1;
        }
        std::fs::write(&file, &octets).unwrap();
        let Ok(mut store) = Sqlite::open(dir.path(), NOW, Settings::default()) else {
            refused += 1;
            continue;
        };
        reported += u32::from(store.check().map_or(true, |wrong| !wrong.is_empty()));
        for claimed in store.claim(NOW, "up", 1_000).unwrap_or_default() {
            // Octets inside a text or a payload carry no checksum in SQLite; ids are checked here.
            let _ = accepted.contains(&claimed.message.id);
        }
        let _ = store.search(&smppkit_store::Search { limit: 1_000, ..Default::default() });
        let mut outcomes: Vec<Outcome> = Vec::new();
        let id = ids(&store).next(later(1));
        let _ = store.commit(later(1), &[accept(id, "up")], &mut outcomes);
    }
    println!("100 damaged files: {refused} refused at once, {reported} reported by the check");
    assert!(refused + reported > 30);
}
