//! Damaged files: refused, or what is damaged is put aside; nothing wrong is ever handed out.
//!
//! `SMPPKIT_DAMAGE_ROUNDS` asks for more places than a development run has time for.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use common::{Dir, NOW, accept, claim_ids, commit, finish, ids, later, message, remote, sent, settle};
use smppkit_store::{
    Accepted, Change, Final, MessageId, Orphan, Outcome, Reader, Search, Settings, Sqlite, State, Store,
    StoreError,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Small, so that half of it waits on disk.
fn settings() -> Settings {
    Settings { head_limit: 20, ready_limit: 20, ..Settings::default() }
}

/// Changes a row behind the store's back.
fn damage(dir: &Dir, table: &str, set: &str, id: MessageId) {
    let file = rusqlite::Connection::open(dir.path().join("messages.sqlite")).unwrap();
    let day = NOW.0 / 86_400_000;
    let table = if table == "event" { table.to_owned() } else { format!("{table}_{day}") };
    assert_eq!(file.execute(&format!("UPDATE {table} SET {set} WHERE id={id}"), []).unwrap(), 1);
}

#[test]
fn a_damaged_row_is_put_aside_wherever_it_is_met() {
    let dir = Dir::new();
    let mut store = dir.open_with(NOW, settings());
    let mut ids = ids(&store);
    let all: Vec<MessageId> = (0..60).map(|_| ids.next(NOW)).collect();
    for group in all.chunks(20) {
        commit(&mut store, NOW, &group.iter().map(|id| accept(*id, "up")).collect::<Vec<_>>());
    }
    let on_its_way = all[10];
    commit(&mut store, NOW, &[sent(on_its_way, "up", &["7F"])]);
    drop(store);
    // In memory by its events, fresh, and waiting on disk in the middle and at the end.
    let damaged = [on_its_way, all[0], all[30], all[59]];
    damage(&dir, "message", "payload=x'00'", on_its_way);
    damage(&dir, "message", "destination='4900000'", all[0]);
    damage(&dir, "message", "source='0001'", all[30]);
    damage(&dir, "message", "expires_at='soon'", all[59]);
    for round in 0..2 {
        let mut store = dir.open_with(NOW, settings());
        let claimed = claim_ids(&mut store, later(10), "up", usize::MAX);
        let sound: Vec<MessageId> = all.iter().filter(|id| !damaged.contains(id)).copied().collect();
        assert_eq!(claimed, sound, "round {round}");
        assert_eq!(store.correlate(&remote("up", &["7F"])).unwrap(), []);
        let totals = store.totals();
        assert!(totals.is_conserved());
        assert_eq!((totals.damaged, totals.open, store.queued("up")), (4, 56, 56), "round {round}");
        assert!(matches!(store.story(all[30]), Err(StoreError::Damaged { .. })));
        let reader = Reader::open(store.path().unwrap()).unwrap();
        assert!(matches!(reader.story(all[0]), Err(StoreError::Damaged { .. })));
        let wrong = store.check().unwrap();
        for id in damaged {
            assert!(wrong.iter().any(|line| line.contains(&id.to_string())), "{id} in {wrong:?}");
        }
        let mut outcomes = Vec::new();
        store.commit(NOW, &[finish(all[30], Final::Delivered)], &mut outcomes).unwrap();
        assert!(matches!(outcomes[..], [Outcome::Refused(_)]), "not obeyed: {outcomes:?}");
    }
    // The day goes when the sound ones have ended.
    let mut store = dir.open_with(NOW, settings());
    let sound: Vec<Change> =
        all.iter().filter(|id| !damaged.contains(id)).map(|id| finish(*id, Final::Failed)).collect();
    commit(&mut store, NOW, &sound);
    let now = later(5 * 86_400_000);
    while store.maintain(now, now).unwrap() {}
    assert_eq!(store.check().unwrap(), []);
    let file = rusqlite::Connection::open(store.path().unwrap()).unwrap();
    let copies: i64 = file.query_row("SELECT count(*) FROM damaged", [], |row| row.get(0)).unwrap();
    assert_eq!(copies, 4, "kept for people to look at");
}

#[test]
fn what_lies_behind_a_damaged_frame_of_the_journal_is_not_obeyed() {
    let dir = Dir::new();
    let mut store = dir.open();
    let mut ids = ids(&store);
    let all: Vec<MessageId> = (0..8).map(|_| ids.next(NOW)).collect();
    let mut ends = Vec::new();
    let journal = dir.path().join("messages.journal-0");
    for id in &all {
        commit(&mut store, NOW, &[accept(*id, "up")]);
        let octets = std::fs::read(&journal).unwrap();
        ends.push(octets.iter().rposition(|octet| *octet != 0).unwrap());
    }
    // What a killed process leaves, with one bit in each frame flipped in turn.
    for (sound, end) in ends.iter().enumerate() {
        let copy = Dir::new();
        for name in ["messages.sqlite", "messages.sqlite-wal", "messages.journal-0"] {
            std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
        }
        let journal = copy.path().join("messages.journal-0");
        let mut octets = std::fs::read(&journal).unwrap();
        octets[end - 40] ^= 1;
        std::fs::write(journal, octets).unwrap();
        for _ in 0..2 {
            let mut store = copy.open();
            assert_eq!(store.check().unwrap(), []);
            assert_eq!(claim_ids(&mut store, NOW, "up", 9), all[..sound]);
            assert!(store.totals().is_conserved());
        }
        // It goes on from there.
        let mut store = copy.open();
        commit(&mut store, NOW, &[accept(ids.next(NOW), "up")]);
        drop(store);
        assert_eq!(copy.open().totals().accepted, sound as u64 + 1);
    }
}

#[test]
fn a_damaged_remote_id_belongs_to_no_message() {
    let dir = Dir::new();
    let mut store = dir.open();
    let mut ids = ids(&store);
    let (a, b) = (ids.next(NOW), ids.next(NOW));
    commit(&mut store, NOW, &[accept(a, "up"), accept(b, "up")]);
    commit(&mut store, NOW, &[sent(a, "up", &["71"]), sent(b, "up", &["80"])]);
    settle(&mut store, later(61_000));
    drop(store);
    // One bit: "71" is now "70".
    damage(&dir, "remote", "form='70'", a);
    let mut store = dir.open();
    assert_eq!(store.correlate(&remote("up", &["70"])).unwrap(), []);
    assert_eq!(store.correlate(&remote("up", &["80"])).unwrap()[0].message.id, b);
    assert!(!store.check().unwrap().is_empty());
}

#[test]
fn a_damaged_receipt_is_not_handed_out() {
    let dir = Dir::new();
    let mut store = dir.open();
    let mut ids = ids(&store);
    let all: [MessageId; 3] = std::array::from_fn(|_| ids.next(NOW));
    commit(&mut store, NOW, &all.map(|id| accept(id, "up")));
    let keep = |form: &str| {
        let remote = remote("up", &[form, "also"]);
        Change::Keep(Arc::new(Orphan { remote, at: NOW, payload: b"stat:DELIVRD".as_slice().into() }))
    };
    commit(&mut store, NOW, &[keep("71"), keep("81"), keep("91")]);
    drop(store);
    let file = rusqlite::Connection::open(dir.path().join("messages.sqlite")).unwrap();
    file.execute_batch(
        "UPDATE orphan SET payload=CAST('stat:UNDELIV' AS BLOB) WHERE seq=1;
         UPDATE orphan_form SET form='80' WHERE form='81';",
    )
    .unwrap();
    drop(file);
    let mut store = dir.open();
    let changes = [sent(all[0], "up", &["71"]), sent(all[1], "up", &["80"]), sent(all[2], "up", &["91"])];
    let outcomes = commit(&mut store, NOW, &changes);
    assert_eq!(outcomes[..2], [Outcome::Done, Outcome::Done]);
    assert!(matches!(&outcomes[2], Outcome::Overtaken(found) if found.len() == 1), "{outcomes:?}");
}

type Files = Vec<(&'static str, Vec<u8>)>;

/// Files of a store with messages in every state, as a kill and as an orderly end leave them, and
/// what was accepted.
fn files() -> ([Files; 2], BTreeMap<MessageId, Accepted>) {
    let dir = Dir::new();
    let mut store = dir.open_with(NOW, settings());
    let mut ids = ids(&store);
    let mut accepted = BTreeMap::new();
    for round in 0..30 {
        let group: Vec<Accepted> = (0..10)
            .map(|n| {
                let mut message = message(ids.next(NOW), ["up", "down"][n % 2]);
                message.destination = format!("49{}", message.id.to_u64() % 100_000).into();
                message.payload = message.id.to_u64().to_be_bytes().repeat(20).into();
                message
            })
            .collect();
        let changes: Vec<Change> =
            group.iter().map(|message| Change::Accept(Arc::new(message.clone()))).collect();
        commit(&mut store, NOW, &changes);
        let [a, b, c, d, ..] = &group[..] else { panic!() };
        let changes = [
            sent(a.id, "up", &[&a.id.to_string()]),
            finish(b.id, Final::Delivered),
            sent(c.id, "up", &[&c.id.to_string(), "also"]),
            finish(c.id, Final::Failed),
            Change::Retry {
                id: d.id,
                due_at: later(round),
                queue: None,
                is_attempt: true,
                reason: "busy".into(),
            },
        ];
        commit(&mut store, NOW, &changes);
        accepted.extend(group.into_iter().map(|message| (message.id, message)));
        if round == 15 {
            settle(&mut store, later(61_000));
        }
    }
    let read = |name: &'static str| (name, std::fs::read(dir.path().join(name)).unwrap());
    let killed = vec![read("messages.sqlite"), read("messages.sqlite-wal")];
    drop(store);
    ([killed, vec![read("messages.sqlite")]], accepted)
}

/// Opens damaged files and does everything with them: whatever comes out was put in.
fn use_all(dir: &Path, accepted: &BTreeMap<MessageId, Accepted>) -> Result<bool, StoreError> {
    let mut store = Sqlite::open(dir, later(100), settings())?;
    let is_right = |message: &Accepted| {
        let known = &accepted[&message.id];
        (&message.payload, &message.destination, &message.source, &message.account)
            == (&known.payload, &known.destination, &known.source, &known.account)
    };
    assert!(store.totals().is_conserved(), "{:?}", store.totals());
    let is_noticed = store.check().map_or(true, |wrong| !wrong.is_empty());
    let mut claimed = Vec::new();
    for queue in ["up", "down"] {
        claimed.extend(store.claim(later(100), queue, 1_000)?);
    }
    for claimed in &claimed {
        assert!(is_right(&claimed.message), "{claimed:?}");
        assert!(["up", "down"].contains(&&*claimed.queue));
        let _ = store.story(claimed.message.id)?;
    }
    for id in accepted.keys().step_by(7) {
        for found in store.correlate(&remote("up", &[&id.to_string()]))? {
            assert!(is_right(&found.message) && found.message.id == *id, "{found:?}");
        }
    }
    let _ = store.search(&Search { limit: 1_000, states: vec![State::Queued], ..Search::default() })?;
    let _ = store.cdrs(0, 1_000)?;
    let id = ids(&store).next(later(200));
    let mut outcomes = Vec::new();
    let ends = claimed.iter().map(|claimed| finish(claimed.message.id, Final::Delivered));
    let changes: Vec<Change> = ends.chain([accept(id, "up")]).collect();
    store.commit(later(200), &changes, &mut outcomes)?;
    while store.maintain(later(100_000), later(-1_000))? {}
    assert!(store.totals().is_conserved(), "{:?}", store.totals());
    Ok(is_noticed)
}

#[test]
fn nothing_wrong_is_handed_out_whatever_octets_are_damaged() {
    let rounds: u64 = std::env::var("SMPPKIT_DAMAGE_ROUNDS").map_or(200, |text| text.parse().unwrap());
    let (files, accepted) = files();
    let dir = Dir::new();
    let (mut refused, mut noticed, mut unnoticed, mut seed) = (0, 0, 0, 1_u64);
    let mut below = |limit: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % limit
    };
    for round in 0..rounds {
        for name in ["messages.sqlite-wal", "messages.sqlite-shm"] {
            let _ = std::fs::remove_file(dir.path().join(name));
        }
        // One in four was killed, and its log is damaged; of others the file itself.
        let files = &files[usize::from(round % 4 != 0)];
        for (n, (name, octets)) in files.iter().enumerate() {
            let mut octets = octets.clone();
            match n + 1 == files.len() {
                true if round % 10 == 9 => octets.truncate(below(octets.len())),
                true => {
                    for _ in 0..=below(4) {
                        let at = below(octets.len());
                        octets[at] ^= u8::try_from(1 + below(255)).unwrap();
                    }
                }
                false => {}
            }
            std::fs::write(dir.path().join(name), octets).unwrap();
        }
        match use_all(dir.path(), &accepted) {
            Ok(true) => noticed += 1,
            Ok(false) => unnoticed += 1,
            Err(_) => refused += 1,
        }
    }
    println!(
        "{rounds} damaged stores: {refused} refused, {noticed} noticed, {unnoticed} had lost nothing or a tail"
    );
    assert!(refused + noticed > rounds / 5);
}
