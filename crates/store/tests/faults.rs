//! Full disks, failed writes, damage, old and foreign files.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use common::{Dir, NOW, accept, claim_ids, commit, finish, ids, later, remote, settle};
use smppkit_store::{Final, MessageId, Settings, Sqlite, State, Store, StoreError};
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
    let settings = Settings { page_limit: Some(600), ready_limit: 1_000, ..Settings::default() };
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
    let claimed = claim_ids(&mut store, later(100), "up", usize::MAX);
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

#[test]
fn the_tables_log_is_copied_into_their_file_and_stays_small() {
    let dir = Dir::new();
    let mut store = dir.open_with(NOW, Settings { wal_pages: 100, ..Settings::default() });
    let mut ids = ids(&store);
    for _ in 0..400 {
        let group: [_; 10] = std::array::from_fn(|_| ids.next(NOW));
        commit(&mut store, NOW, &group.map(|id| accept(id, "up")));
        commit(&mut store, NOW, &group.map(|id| finish(id, Final::Delivered)));
    }
    store.settle(NOW).unwrap();
    let size = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().len();
    assert!(size("messages.sqlite") > 4_000 * 250 / 2, "{}", size("messages.sqlite"));
    // One job more than it may have when it is copied.
    assert!(size("messages.sqlite-wal") < 2 << 20, "{}", size("messages.sqlite-wal"));
    drop(store);
    assert!(!dir.path().join("messages.sqlite-wal").exists(), "tidied up");
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
fn another_store_s_journal_is_not_taken_for_its_own() {
    let (dir, other) = (Dir::new(), Dir::new());
    let accepted = some_store(&dir);
    // A longer one, and a backup of the first restored beside it.
    let mut longer = other.open();
    let mut ids = ids(&longer);
    for _ in 0..400 {
        commit(&mut longer, NOW, &[accept(ids.next(NOW), "elsewhere")]);
    }
    let mut store = dir.open();
    let copy = Dir::new();
    store.backup(&copy.path().join("messages.sqlite"), &mut |_| {}).unwrap();
    std::fs::copy(other.path().join("messages.journal-0"), copy.path().join("messages.journal-0")).unwrap();
    let mut restored = copy.open();
    assert_eq!(restored.totals(), store.totals());
    assert_eq!(claim_ids(&mut restored, NOW, "elsewhere", 9), []);
    commit(&mut restored, NOW, &[finish(accepted[150], Final::Failed)]);
    drop(restored);
    let mut restored = copy.open();
    assert_eq!(restored.totals().failed, store.totals().failed + 1);
    assert_eq!(restored.check().unwrap(), []);
}

/// Takes away what version 3 brought.
fn to_version_2(dir: &Path) -> rusqlite::Connection {
    std::fs::remove_file(dir.join("messages.journal-0")).unwrap();
    let old = rusqlite::Connection::open(dir.join("messages.sqlite")).unwrap();
    let drop = "ALTER TABLE total DROP COLUMN";
    old.execute_batch(&format!("{drop} known; {drop} frame; {drop} store; PRAGMA user_version=2;")).unwrap();
    old
}

/// And what version 2 did.
fn to_version_1(dir: &Path) -> rusqlite::Connection {
    let old = to_version_2(dir);
    let day = NOW.0 / 86_400_000;
    old.execute_batch(&format!(
        "ALTER TABLE message_{day} DROP COLUMN sum; ALTER TABLE remote_{day} DROP COLUMN sum; ALTER TABLE event DROP COLUMN sum; ALTER TABLE orphan DROP COLUMN sum;
         ALTER TABLE total DROP COLUMN damaged; DROP TABLE damaged; PRAGMA user_version=1;"
    ))
    .unwrap();
    old
}

#[test]
fn version_2_is_upgraded_with_what_ran_when_it_was_closed() {
    let dir = Dir::new();
    let accepted = some_store(&dir);
    let old = to_version_2(dir.path());
    let day = NOW.0 / 86_400_000;
    let [first, sent, broken, moved] = [accepted[100], accepted[101], accepted[102], accepted[103]];
    // Version 2 had rows as they were inserted, of which events said more: an end, a remote id with another form, one
    // that is not as it was written, and a retry elsewhere.
    old.execute_batch(&format!(
        "UPDATE message_{day} SET state=0,sum=NULL WHERE id>={first};
         INSERT INTO event (seq,id,kind,at,code,name,text,sum) VALUES
           (1001,{first},4,{now},4,NULL,'given up',NULL), (1002,{sent},1,{now},NULL,'up','7F',NULL),
           (1003,{sent},2,{now},NULL,NULL,'127',NULL), (1004,{broken},4,{now},4,NULL,NULL,12345),
           (1005,{moved},3,{now},{now},'other','later',NULL);
         UPDATE total SET mark={first},event_seq=1005,failed=failed+1;",
        now = NOW.0
    ))
    .unwrap();
    drop(old);
    for _ in 0..2 {
        let mut store = dir.open();
        assert_eq!(store.check().unwrap(), ["event 1004 is not as it was written".into()]);
        assert_eq!((store.totals().open, store.totals().failed), (99, 51));
        let mut waiting = accepted[102..].to_vec();
        waiting.remove(1);
        assert_eq!(claim_ids(&mut store, NOW, "up", usize::MAX), waiting);
        assert_eq!(claim_ids(&mut store, NOW, "other", usize::MAX), [moved]);
        for form in ["7F", "127"] {
            assert_eq!(store.correlate(&remote("up", &[form])).unwrap()[0].message.id, sent);
        }
        let story = store.story(first).unwrap().unwrap();
        assert_eq!((story.message.state, &*story.message.reason), (State::Final(Final::Failed), "given up"));
        assert_eq!(store.cdrs(0, 1_000).unwrap().len(), 101);
    }
}

#[test]
fn version_1_is_upgraded_and_its_rows_without_sums_are_taken() {
    let dir = Dir::new();
    let accepted = some_store(&dir);
    let mut store = dir.open();
    commit(&mut store, NOW, &[finish(accepted[100], Final::Failed)]);
    drop(store);
    drop(to_version_1(dir.path()));
    for _ in 0..2 {
        let mut store = dir.open();
        assert_eq!(store.check().unwrap(), []);
        assert_eq!(claim_ids(&mut store, NOW, "up", usize::MAX), accepted[101..]);
    }
    let mut store = dir.open();
    commit(
        &mut store,
        NOW,
        &accepted[101..].iter().map(|id| finish(*id, Final::Expired)).collect::<Vec<_>>(),
    );
    settle(&mut store, NOW);
    assert_eq!((store.totals().expired, store.totals().damaged), (99, 0));
    assert_eq!(store.check().unwrap(), []);
}

#[test]
fn version_0_is_upgraded_once_and_keeps_everything() {
    let dir = Dir::new();
    let accepted = some_store(&dir);
    let old = to_version_1(dir.path());
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
