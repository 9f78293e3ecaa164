//! Finding messages by what others know of them, and counting what waits.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use common::{Dir, NOW, accept, claim_ids, commit, finish, ids, later, message, remote, sent, settle};
use smppkit_store::{Change, Final, Message, MessageId, Orphan, Outcome, Settings, Sqlite, Store, Timestamp};
use std::sync::Arc;

fn keep(connector: &str, forms: &[&str]) -> Change {
    Change::Keep(Arc::new(Orphan { remote: remote(connector, forms), at: NOW, payload: vec![9].into() }))
}

fn ids_of(messages: &[Message]) -> Vec<MessageId> {
    messages.iter().map(|message| message.accepted.id).collect()
}

fn retry(id: MessageId, queue: &str, due_at: Timestamp) -> Change {
    Change::Retry { id, due_at, queue: Some(queue.into()), is_attempt: true, reason: "".into() }
}

#[test]
fn a_receipt_is_not_kept_when_its_message_is_known_by_then() {
    let dir = Dir::new();
    let mut store = dir.open();
    let mut ids = ids(&store);
    let (a, b) = (ids.next(NOW), ids.next(NOW));
    let outcomes =
        commit(&mut store, NOW, &[accept(a, "up"), sent(a, "up", &["7F", "127"]), keep("up", &["127"])]);
    assert_eq!(outcomes[2], Outcome::Known(a), "by the same commit");
    assert_eq!(commit(&mut store, NOW, &[keep("other", &["127"])]), [Outcome::Done], "another one's name");
    for step in 0..2 {
        assert_eq!(commit(&mut store, NOW, &[keep("up", &["x", "127"])]), [Outcome::Known(a)], "step {step}");
        settle(&mut store, later(61_000));
        drop(store);
        store = dir.open_with(later(61_000), Settings::default());
        assert_eq!(store.live(), 0, "only its row");
    }
    let changes =
        [accept(b, "up"), sent(b, "up", &["7F"]), finish(b, Final::Delivered), keep("up", &["7F", "127"])];
    assert_eq!(commit(&mut store, NOW, &changes)[3], Outcome::Known(b), "the newest");
    assert_eq!(commit(&mut store, NOW, &[keep("up", &["7F"])]), [Outcome::Known(b)], "ended in one commit");
    assert_eq!(store.totals().orphans, 1);
}

#[test]
fn a_receipt_before_the_sent_of_its_own_commit_is_handed_out_by_it() {
    let mut store = Sqlite::in_memory(NOW, Settings::default()).unwrap();
    let id = ids(&store).next(NOW);
    let outcomes = commit(&mut store, NOW, &[accept(id, "up"), keep("up", &["1"]), sent(id, "up", &["1"])]);
    assert_eq!(outcomes[1], Outcome::Done);
    assert!(matches!(&outcomes[2], Outcome::Overtaken(found) if found.len() == 1), "{outcomes:?}");
    assert_eq!(store.totals().orphans, 0);
}

#[test]
fn kept_receipts_of_a_remote_id_are_shown_before_it_is_given() {
    let mut store = Sqlite::in_memory(NOW, Settings::default()).unwrap();
    commit(&mut store, NOW, &[keep("up", &["1", "2"]), keep("other", &["1"])]);
    let shown = |store: &Sqlite, form: &str| store.kept(&remote("up", &[form])).unwrap().len();
    assert_eq!(["1", "2", "3"].map(|form| shown(&store, form)), [1, 1, 0]);
    // And those of the commit that is being made ready.
    store.foresee(&[keep("up", &["3"])]);
    assert_eq!(["1", "3"].map(|form| shown(&store, form)), [1, 1]);
    let id = ids(&store).next(NOW);
    let outcomes = commit(&mut store, NOW, &[accept(id, "up"), sent(id, "up", &["2"])]);
    assert!(matches!(&outcomes[1], Outcome::Overtaken(found) if found.len() == 1), "{outcomes:?}");
    assert_eq!(["1", "2", "3"].map(|form| shown(&store, form)), [0, 0, 0]);
}

#[test]
fn the_newest_message_of_a_reference_is_found_on_any_day() {
    let mut store = Sqlite::in_memory(NOW, Settings::default()).unwrap();
    let mut ids = ids(&store);
    let mut of_days = Vec::new();
    // Days apart, or the second would be a duplicate.
    for day in [0, 3, 6] {
        let at = later(day * 86_400_000);
        let mut message = message(ids.next(at), "up");
        message.reference = Some("00FF".into());
        of_days.push(message.id);
        assert_eq!(commit(&mut store, at, &[Change::Accept(Arc::new(message))]), [Outcome::Done]);
    }
    assert_eq!(store.find("shop", "00FF").unwrap(), Some(of_days[2]));
    assert_eq!(store.find("shop", "00ff").unwrap(), None, "octet by octet");
    assert_eq!(store.find("other", "00FF").unwrap(), None);
    let now = later(9 * 86_400_000);
    commit(&mut store, now, &of_days.iter().map(|id| finish(*id, Final::Delivered)).collect::<Vec<_>>());
    while store.maintain(now, later(5 * 86_400_000)).unwrap() {}
    assert_eq!(store.find("shop", "00FF").unwrap(), Some(of_days[2]), "ended ones too");
}

#[test]
fn pending_messages_between_two_are_listed_from_memory_and_disk() {
    let dir = Dir::new();
    let settings = Settings { head_limit: 3, ready_limit: 3, ..Settings::default() };
    let mut store = dir.open_with(NOW, settings.clone());
    let mut ids = ids(&store);
    let mut wanted = Vec::new();
    for n in 0..30_i64 {
        let mut message = message(ids.next(NOW), if n % 2 == 0 { "up" } else { "down" });
        message.priority = u8::try_from(n % 3).unwrap();
        message.due_at = later(n % 4 * 100_000);
        match n % 5 {
            0 => message.destination = "other".into(),
            1 => message.source = "other".into(),
            2 => message.account = "other".into(),
            _ => wanted.push(message.id),
        }
        commit(&mut store, NOW, &[Change::Accept(Arc::new(message))]);
    }
    wanted.reverse();
    let pending = |store: &Sqlite, limit| store.pending("shop", "1000", "4912345", limit).unwrap();
    assert_eq!(ids_of(&pending(&store, 99)), wanted);
    assert_eq!(ids_of(&pending(&store, 5)), wanted[..5], "newest first");
    assert!(pending(&store, 99).iter().all(|message| message.accepted.payload.len() == 250));
    // Claimed, sent and ended ones are not pending; what came back is.
    let claimed = claim_ids(&mut store, NOW, "up", 99);
    wanted.retain(|id| !claimed.contains(id));
    assert_eq!(ids_of(&pending(&store, 99)), wanted);
    let (back, ended) = (wanted[0], wanted[1]);
    commit(&mut store, NOW, &[sent(back, "up", &["1"]), finish(ended, Final::Failed)]);
    assert_eq!(ids_of(&pending(&store, 99)), wanted[2..]);
    commit(
        &mut store,
        NOW,
        &[retry(back, "third", later(1)), Change::Replay { id: ended, due_at: NOW, queue: None }],
    );
    assert_eq!(ids_of(&pending(&store, 99)), wanted);
    settle(&mut store, later(61_000));
    assert_eq!(ids_of(&pending(&store, 99)), wanted, "folded");
    drop(store);
    let store = dir.open_with(NOW, settings);
    let is_ours = |id: &MessageId| {
        let accepted = store.story(*id).unwrap().unwrap().message.accepted;
        [&*accepted.account, &*accepted.source, &*accepted.destination] == ["shop", "1000", "4912345"]
    };
    let mut all = wanted;
    all.extend(claimed.into_iter().filter(is_ours));
    all.sort_unstable();
    all.reverse();
    assert_eq!(ids_of(&pending(&store, 99)), all, "claims end with their process");
}

#[test]
fn what_waits_in_each_queue_is_counted_in_memory_and_on_disk() {
    let dir = Dir::new();
    let settings = Settings { head_limit: 2, ready_limit: 2, ..Settings::default() };
    let mut store = dir.open_with(NOW, settings.clone());
    let mut ids = ids(&store);
    let up: Vec<MessageId> = (0..10).map(|_| ids.next(NOW)).collect();
    let counts = |store: &Sqlite| ["up", "down", "esme"].map(|queue| store.queued(queue));
    assert_eq!((counts(&store), store.queues()), ([0, 0, 0], vec![]));
    commit(&mut store, NOW, &up.iter().map(|id| accept(*id, "up")).collect::<Vec<_>>());
    assert_eq!(counts(&store), [10, 0, 0]);
    assert_eq!(claim_ids(&mut store, NOW, "up", 5).len(), 5);
    assert_eq!(counts(&store), [10, 0, 0], "claimed is not sent");
    let then = Some(Arc::new(message(ids.next(NOW), "esme")));
    let changes = [
        sent(up[0], "up", &["0"]),
        sent(up[1], "up", &["1"]),
        Change::Finish { id: up[1], state: Final::Delivered, reason: "".into(), then },
        finish(up[2], Final::Failed),
        retry(up[3], "down", NOW),
        Change::Release { id: up[4] },
        // These wait on disk.
        retry(up[8], "down", later(100_000)),
        finish(up[9], Final::Expired),
    ];
    commit(&mut store, NOW, &changes);
    for step in 0..4 {
        assert_eq!(counts(&store), [4, 2, 1], "step {step}");
        assert_eq!(store.queues(), ["down".into(), "esme".into(), "up".into()]);
        assert_eq!(store.check().unwrap(), []);
        if step == 1 {
            settle(&mut store, later(61_000));
        } else {
            drop(store);
            store = dir.open_with(NOW, settings.clone());
        }
    }
    commit(
        &mut store,
        NOW,
        &[retry(up[0], "up", NOW), Change::Replay { id: up[2], due_at: NOW, queue: None }],
    );
    assert_eq!(counts(&store), [6, 2, 1]);
    commit(&mut store, NOW, &up.iter().map(|id| finish(*id, Final::Failed)).collect::<Vec<_>>());
    assert_eq!((counts(&store), store.queues()), ([0, 0, 1], vec!["esme".into()]));
}
