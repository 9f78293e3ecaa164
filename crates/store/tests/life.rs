//! A message's life, step by step, and what survives opening the store again.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use common::{Dir, NOW, accept, claim_ids, commit, finish, ids, later, message, remote, sent, settle};
use smppkit_store::{
    Change, Event, EventKind, Final, MessageId, Orphan, Outcome, Refusal, Search, Settings, Sqlite, State,
    Store, StoreError, Timestamp,
};
use std::sync::Arc;

fn refused(refusal: Refusal) -> Vec<Outcome> {
    vec![Outcome::Refused(refusal)]
}

#[test]
fn accepted_claimed_sent_finished_survives_each_reopening() {
    let dir = Dir::new();
    let mut store = dir.open();
    let id = ids(&store).next(NOW);
    assert_eq!(commit(&mut store, NOW, &[accept(id, "up")]), [Outcome::Done]);
    drop(store);
    let mut store = dir.open();
    assert_eq!(claim_ids(&mut store, NOW, "up", 10), [id]);
    assert_eq!(claim_ids(&mut store, NOW, "up", 10), []);
    drop(store);
    let mut store = dir.open();
    assert_eq!(claim_ids(&mut store, NOW, "up", 10), [id], "a claim ends with its process");
    commit(&mut store, NOW, &[sent(id, "up", &["7F", "127"])]);
    drop(store);
    let mut store = dir.open();
    assert_eq!(claim_ids(&mut store, NOW, "up", 10), []);
    let found = store.correlate(&remote("up", &["127"])).unwrap();
    assert_eq!((found[0].message.id, found[0].state), (id, State::Sent));
    commit(&mut store, NOW, &[finish(id, Final::Delivered)]);
    let story = store.story(id).unwrap().unwrap();
    assert_eq!(story.events.len(), 2);
    assert!(matches!(&story.events[0].kind, EventKind::Sent { remote } if remote.forms.len() == 2));
    drop(store);
    let mut store = dir.open();
    let story = store.story(id).unwrap().unwrap();
    assert_eq!(story.message.state, State::Final(Final::Delivered));
    assert_eq!(story.message.remote, Some(remote("up", &["7F"])), "the form that is shown");
    assert_eq!((&*story.message.reason, story.message.finished_at), ("because", Some(NOW)));
    assert!(story.events.is_empty(), "folded");
    assert_eq!(store.live(), 0);
    assert_eq!(store.cdrs(0, 10).unwrap()[0].message.accepted.id, id);
    assert_eq!(store.check().unwrap(), []);
}

#[test]
fn highest_priority_first_then_due_then_id() {
    let mut store = Sqlite::in_memory(NOW, Settings::default()).unwrap();
    let mut ids = ids(&store);
    let mut expected = Vec::new();
    let mut changes = Vec::new();
    for n in 0..40_i64 {
        let mut message = message(ids.next(NOW), "up");
        message.priority = u8::try_from(n % 3).unwrap();
        message.due_at = Timestamp(NOW.0 - (n * 7) % 5);
        expected.push((3 - message.priority, message.due_at, message.id));
        changes.push(Change::Accept(Arc::new(message)));
    }
    for change in changes {
        commit(&mut store, NOW, &[change]);
    }
    expected.sort_unstable();
    let expected: Vec<MessageId> = expected.into_iter().map(|(.., id)| id).collect();
    let mut claimed = claim_ids(&mut store, NOW, "up", 7);
    claimed.extend(claim_ids(&mut store, NOW, "up", 100));
    assert_eq!(claimed, expected);
}

#[test]
fn order_is_kept_when_the_head_overflows_to_disk() {
    let settings = Settings { head_limit: 10, ready_limit: 10, ..Settings::default() };
    let mut store = Sqlite::in_memory(NOW, settings).unwrap();
    let mut ids = ids(&store);
    let mut accepted = Vec::new();
    let mut claimed = Vec::new();
    for round in 0..50 {
        let now = later(round);
        for _ in 0..7 {
            let id = ids.next(now);
            accepted.push(id);
            commit(&mut store, now, &[accept(id, "up")]);
        }
        for id in claim_ids(&mut store, now, "up", 5) {
            claimed.push(id);
            commit(&mut store, now, &[sent(id, "up", &[&id.to_string()]), finish(id, Final::Delivered)]);
        }
    }
    claimed.extend(claim_ids(&mut store, later(50), "up", 1_000));
    assert_eq!(claimed, accepted);
    assert_eq!(store.check().unwrap(), []);
}

#[test]
fn scheduled_and_retried_messages_wait_for_their_time() {
    let mut store = Sqlite::in_memory(NOW, Settings::default()).unwrap();
    let mut ids = ids(&store);
    let (soon, far) = (ids.next(NOW), ids.next(NOW));
    for (id, due_at) in [(soon, later(5_000)), (far, later(3_600_000))] {
        let mut message = message(id, "up");
        message.due_at = due_at;
        commit(&mut store, NOW, &[Change::Accept(Arc::new(message))]);
    }
    assert_eq!(store.next_due("up"), Some(later(5_000)));
    assert_eq!(claim_ids(&mut store, later(4_999), "up", 9), []);
    assert_eq!(claim_ids(&mut store, later(5_000), "up", 9), [soon]);
    let due_at = later(9_000);
    commit(
        &mut store,
        later(5_000),
        &[Change::Retry { id: soon, due_at, queue: None, is_attempt: true, reason: "busy".into() }],
    );
    assert_eq!(claim_ids(&mut store, later(8_999), "up", 9), []);
    let claimed = store.claim(later(9_000), "up", 9).unwrap();
    assert_eq!((claimed[0].attempts, claimed[0].version), (1, 1));
    assert_eq!(claim_ids(&mut store, later(3_599_999), "up", 9), []);
    assert_eq!(store.next_due("up"), Some(later(3_600_000)));
    assert_eq!(claim_ids(&mut store, later(3_600_000), "up", 9), [far]);
    commit(&mut store, later(3_600_000), &[Change::Release { id: far }]);
    assert_eq!(claim_ids(&mut store, later(3_600_000), "up", 9), [far]);
}

#[test]
fn a_retry_survives_folding_and_reopening_without_counting_twice() {
    let dir = Dir::new();
    let mut store = dir.open();
    let mut ids = ids(&store);
    let (old, id) = (ids.next(NOW), ids.next(NOW));
    commit(&mut store, NOW, &[accept(old, "stuck"), accept(id, "up")]);
    claim_ids(&mut store, NOW, "up", 1);
    let due_at = later(100_000);
    commit(
        &mut store,
        NOW,
        &[Change::Retry { id, due_at, queue: Some("other".into()), is_attempt: true, reason: "no".into() }],
    );
    settle(&mut store, later(61_000));
    assert_eq!(store.live(), 0, "all folded");
    drop(store);
    let mut store = dir.open_with(later(61_000), Settings::default());
    assert_eq!(claim_ids(&mut store, later(99_999), "other", 9), []);
    let claimed = store.claim(later(100_000), "other", 9).unwrap();
    assert_eq!((claimed.len(), claimed[0].attempts, claimed[0].version), (1, 1, 1));
    assert_eq!(claim_ids(&mut store, later(100_000), "stuck", 9), [old]);
    assert_eq!(store.check().unwrap(), []);
}

#[test]
fn a_delay_is_no_attempt_in_memory_in_events_and_in_rows() {
    let dir = Dir::new();
    let mut store = dir.open();
    let id = ids(&store).next(NOW);
    commit(&mut store, NOW, &[accept(id, "up")]);
    let retry =
        |is_attempt| Change::Retry { id, due_at: NOW, queue: None, is_attempt, reason: "wait".into() };
    for (n, is_attempt) in [false, true, false].into_iter().enumerate() {
        claim_ids(&mut store, NOW, "up", 1);
        commit(&mut store, NOW, &[retry(is_attempt)]);
        if n == 1 {
            drop(store);
            store = dir.open();
        }
    }
    let story = store.story(id).unwrap().unwrap();
    let is_attempt = |event: &Event| matches!(event.kind, EventKind::Retry { is_attempt: true, .. });
    assert_eq!(story.events.iter().map(is_attempt).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!((story.message.attempts, story.message.version, &*story.message.reason), (1, 3, "wait"));
    for _ in 0..2 {
        let claimed = store.claim(NOW, "up", 1).unwrap();
        assert_eq!((claimed[0].attempts, claimed[0].version), (1, 3));
        settle(&mut store, later(61_000));
        drop(store);
        store = dir.open();
    }
}

#[test]
fn cancel_and_replace_need_the_sender_the_version_and_a_message_at_rest() {
    let mut store = Sqlite::in_memory(NOW, Settings::default()).unwrap();
    let mut ids = ids(&store);
    let id = ids.next(NOW);
    commit(&mut store, NOW, &[accept(id, "up")]);
    let replace = |account: &str, version| Change::Replace {
        id,
        account: account.into(),
        version,
        payload: b"new".as_slice().into(),
        due_at: None,
        expires_at: Some(later(1_000)),
    };
    let cancel = |account: &str, version| Change::Cancel { id, account: account.into(), version, then: None };
    assert_eq!(commit(&mut store, NOW, &[replace("thief", None)]), refused(Refusal::Unknown));
    assert_eq!(commit(&mut store, NOW, &[cancel("thief", None)]), refused(Refusal::Unknown));
    assert_eq!(commit(&mut store, NOW, &[replace("shop", Some(0))]), [Outcome::Done]);
    assert_eq!(commit(&mut store, NOW, &[cancel("shop", Some(0))]), refused(Refusal::Version { current: 1 }));
    let claimed = store.claim(NOW, "up", 1).unwrap();
    assert_eq!(&*claimed[0].message.payload, b"new");
    assert_eq!(commit(&mut store, NOW, &[cancel("shop", None)]), refused(Refusal::InFlight));
    commit(&mut store, NOW, &[Change::Release { id }]);
    assert_eq!(commit(&mut store, NOW, &[cancel("shop", Some(1))]), [Outcome::Done]);
    assert_eq!(commit(&mut store, NOW, &[replace("shop", None)]), refused(Refusal::Ended(Final::Cancelled)));
    assert_eq!(claim_ids(&mut store, NOW, "up", 1), []);
    assert_eq!(store.totals().cancelled, 1);
}

#[test]
fn a_replaced_payload_survives_reopening() {
    let dir = Dir::new();
    let mut store = dir.open();
    let id = ids(&store).next(NOW);
    commit(&mut store, NOW, &[accept(id, "up")]);
    let payload = b"new".as_slice().into();
    let account = "shop".into();
    let due_at = Some(later(10));
    commit(
        &mut store,
        NOW,
        &[Change::Replace { id, account, version: None, payload, due_at, expires_at: None }],
    );
    drop(store);
    let mut store = dir.open();
    assert_eq!(claim_ids(&mut store, NOW, "up", 1), []);
    let claimed = store.claim(later(10), "up", 1).unwrap();
    assert_eq!((&*claimed[0].message.payload, claimed[0].version), (b"new".as_slice(), 1));
}

#[test]
fn a_receipt_that_comes_twice_makes_one_receipt() {
    let mut store = Sqlite::in_memory(NOW, Settings::default()).unwrap();
    let mut ids = ids(&store);
    let id = ids.next(NOW);
    commit(&mut store, NOW, &[accept(id, "up"), sent(id, "up", &["1"])]);
    let then = Some(Arc::new(message(ids.next(NOW), "esme:shop")));
    let end = Change::Finish { id, state: Final::Delivered, reason: "".into(), then };
    assert_eq!(commit(&mut store, NOW, std::slice::from_ref(&end)), [Outcome::Done]);
    settle(&mut store, NOW);
    let found = store.correlate(&remote("up", &["1"])).unwrap();
    assert_eq!(found[0].state, State::Final(Final::Delivered), "known after folding");
    assert_eq!(commit(&mut store, NOW, &[end]), refused(Refusal::Ended(Final::Delivered)));
    assert_eq!(claim_ids(&mut store, NOW, "esme:shop", 9).len(), 1);
}

#[test]
fn a_receipt_before_its_remote_id_is_handed_out_with_it_once() {
    let dir = Dir::new();
    let mut store = dir.open();
    let mut ids = ids(&store);
    let (id, other) = (ids.next(NOW), ids.next(NOW));
    let orphan = |forms: &[&str]| Orphan { remote: remote("up", forms), at: NOW, payload: vec![9].into() };
    commit(&mut store, NOW, &[accept(id, "up"), accept(other, "up")]);
    commit(
        &mut store,
        NOW,
        &[Change::Keep(Arc::new(orphan(&["127", "7f"]))), Change::Keep(Arc::new(orphan(&["5"])))],
    );
    assert_eq!(store.totals().orphans, 2);
    drop(store);
    let mut store = dir.open();
    assert_eq!(commit(&mut store, NOW, &[sent(other, "elsewhere", &["7f"])]), [Outcome::Done]);
    let outcomes = commit(&mut store, NOW, &[sent(id, "up", &["7F", "7f"])]);
    let Outcome::Overtaken(found) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!((found.len(), &*found[0].payload), (1, [9].as_slice()));
    assert_eq!(store.totals().orphans, 1);
    while store.maintain(NOW, later(1)).unwrap() {}
    assert_eq!(store.totals().orphans, 0, "too old");
    assert_eq!(store.check().unwrap(), []);
}

#[test]
fn remote_ids_are_found_by_connector_and_form_before_and_after_folding() {
    let dir = Dir::new();
    let mut store = dir.open();
    let mut ids = ids(&store);
    let (a, b, c) = (ids.next(NOW), ids.next(NOW), ids.next(NOW));
    commit(&mut store, NOW, &[accept(a, "up"), accept(b, "up"), accept(c, "up")]);
    commit(
        &mut store,
        NOW,
        &[sent(a, "one", &["10", "A"]), sent(b, "two", &["10"]), sent(c, "one", &["10"])],
    );
    let find = |store: &mut Sqlite, connector, form| -> Vec<MessageId> {
        let found = store.correlate(&remote(connector, &[form])).unwrap();
        found.into_iter().map(|found| found.message.id).collect()
    };
    for step in 0..3 {
        assert_eq!(find(&mut store, "one", "10"), [c, a], "used twice: newest first; step {step}");
        assert_eq!(find(&mut store, "one", "A"), [a]);
        assert_eq!(find(&mut store, "two", "10"), [b]);
        assert_eq!(find(&mut store, "two", "A"), []);
        assert_eq!(find(&mut store, "one", "a"), [], "as given");
        if step == 0 {
            settle(&mut store, later(61_000));
            assert_eq!(store.live(), 0);
            let waiting = store.unreceipted(later(1), MessageId::ZERO, 2).unwrap();
            assert_eq!(waiting.iter().map(|message| message.accepted.id).collect::<Vec<_>>(), [a, b]);
        } else {
            drop(store);
            store = dir.open_with(later(61_000), Settings::default());
        }
    }
    commit(&mut store, later(70_000), &[finish(a, Final::Delivered)]);
    let waiting = store.unreceipted(later(1), MessageId::ZERO, 9).unwrap();
    assert_eq!(waiting.len(), 2);
    settle(&mut store, later(70_000));
    assert_eq!(store.check().unwrap(), []);
}

#[test]
fn expired_messages_are_handed_out_from_memory_and_disk() {
    let settings = Settings { head_limit: 2, ready_limit: 2, ..Settings::default() };
    let mut store = Sqlite::in_memory(NOW, settings).unwrap();
    let mut ids = ids(&store);
    let mut expected = Vec::new();
    for n in 0..10 {
        let mut message = message(ids.next(NOW), "up");
        message.expires_at = Some(later(1_000 + n));
        expected.push(message.id);
        commit(&mut store, NOW, &[Change::Accept(Arc::new(message))]);
    }
    assert_eq!(store.expired(later(999), 99).unwrap(), []);
    let first = store.expired(later(1_004), 99).unwrap();
    let rest = store.expired(later(9_999), 99).unwrap();
    assert_eq!((first.len(), rest.len()), (5, 5));
    for claimed in first.iter().chain(&rest) {
        commit(&mut store, later(9_999), &[finish(claimed.message.id, Final::Expired)]);
    }
    assert_eq!(claim_ids(&mut store, later(9_999), "up", 99), []);
    assert_eq!((store.totals().expired, store.totals().open), (10, 0));
}

#[test]
fn dead_letters_are_listed_with_reasons_and_replayed() {
    let dir = Dir::new();
    let mut store = dir.open();
    let mut ids = ids(&store);
    let (a, b) = (ids.next(NOW), ids.next(NOW));
    commit(&mut store, NOW, &[accept(a, "up"), accept(b, "up"), finish(a, Final::Failed)]);
    let dead = Search { states: vec![State::Final(Final::Failed)], limit: 10, ..Search::default() };
    for _ in 0..2 {
        let page = store.search(&dead).unwrap();
        assert_eq!((page.messages.len(), &*page.messages[0].reason), (1, "because"));
        settle(&mut store, NOW);
    }
    let replay = Change::Replay { id: a, due_at: NOW, queue: Some("other".into()) };
    assert_eq!(commit(&mut store, NOW, std::slice::from_ref(&replay)), [Outcome::Done]);
    assert_eq!(commit(&mut store, NOW, &[replay]), refused(Refusal::NotThere));
    drop(store);
    let mut store = dir.open();
    assert_eq!(claim_ids(&mut store, NOW, "other", 9), [a]);
    commit(&mut store, NOW, &[finish(a, Final::Delivered), finish(b, Final::Delivered)]);
    settle(&mut store, NOW);
    assert_eq!(store.cdrs(0, 10).unwrap().len(), 3, "one for each end");
    assert_eq!(store.check().unwrap(), []);
}

#[test]
fn the_same_reference_is_a_duplicate_also_after_reopening() {
    let dir = Dir::new();
    let mut store = dir.open();
    let mut ids = ids(&store);
    let first = ids.next(NOW);
    let mut with = |account: &str, at| {
        let mut message = message(ids.next(at), "up");
        message.account = account.into();
        message.reference = Some("order-1".into());
        Change::Accept(Arc::new(message))
    };
    let Change::Accept(mut original) = with("shop", NOW) else { panic!() };
    Arc::make_mut(&mut original).id = first;
    commit(&mut store, NOW, &[Change::Accept(original.clone())]);
    assert_eq!(commit(&mut store, NOW, &[Change::Accept(original)]), [Outcome::Duplicate(first)]);
    drop(store);
    let mut store = dir.open();
    let tomorrow = later(86_400_000);
    assert_eq!(commit(&mut store, tomorrow, &[with("shop", tomorrow)]), [Outcome::Duplicate(first)]);
    assert_eq!(commit(&mut store, tomorrow, &[with("other", tomorrow)]), [Outcome::Done]);
    assert_eq!(commit(&mut store, NOW, &[accept(first, "up")]), [Outcome::Duplicate(first)], "the same id");
    assert_eq!(store.totals().accepted, 2);
}

#[test]
fn old_days_go_when_all_their_messages_have_ended() {
    let mut store = Sqlite::in_memory(NOW, Settings::default()).unwrap();
    let mut ids = ids(&store);
    let mut of_days = Vec::new();
    for day in 0..3 {
        let at = later(day * 86_400_000);
        let id = ids.next(at);
        of_days.push(id);
        commit(&mut store, at, &[accept(id, "up")]);
    }
    let now = later(10 * 86_400_000);
    commit(&mut store, now, &[finish(of_days[0], Final::Delivered), finish(of_days[2], Final::Delivered)]);
    while store.maintain(now, later(2 * 86_400_000)).unwrap() {}
    assert_eq!(store.story(of_days[0]).unwrap(), None);
    assert!(store.story(of_days[1]).unwrap().is_some(), "still queued");
    assert!(store.story(of_days[2]).unwrap().is_some(), "young enough");
    assert_eq!(store.cdrs(0, 9).unwrap().len(), 1);
    assert_eq!(store.check().unwrap(), []);
}

#[test]
fn a_directory_belongs_to_one_store_at_a_time() {
    let dir = Dir::new();
    let store = dir.open();
    let second = Sqlite::open(dir.path(), NOW, Settings::default());
    assert!(matches!(second, Err(StoreError::InUse { .. })), "{second:?}");
    drop(store);
    dir.open();
}

#[test]
fn memory_stays_within_its_limit() {
    let settings = Settings { live_limit: 500, ..Settings::default() };
    let mut store = Sqlite::in_memory(NOW, settings).unwrap();
    let mut ids = ids(&store);
    for _ in 0..100 {
        let group: Vec<MessageId> = (0..50).map(|_| ids.next(NOW)).collect();
        let changes: Vec<Change> =
            group.iter().flat_map(|id| [accept(*id, "up"), sent(*id, "up", &[&id.to_string()])]).collect();
        commit(&mut store, NOW, &changes);
        assert!(store.live() <= 700, "{}", store.live());
    }
    assert_eq!(store.check().unwrap(), []);
}

#[test]
fn a_remote_id_is_known_however_many_came_and_went_since() {
    let settings = Settings { live_limit: 50, ..Settings::default() };
    let mut store = Sqlite::in_memory(NOW, settings).unwrap();
    let mut ids = ids(&store);
    let waiting = ids.next(NOW);
    commit(&mut store, NOW, &[accept(waiting, "up"), sent(waiting, "up", &["first"])]);
    for _ in 0..500 {
        let id = ids.next(NOW);
        commit(&mut store, NOW, &[accept(id, "up"), sent(id, "up", &[&id.to_string()])]);
        commit(&mut store, NOW, &[finish(id, Final::Delivered)]);
    }
    assert_eq!(store.correlate(&remote("up", &["first"])).unwrap()[0].message.id, waiting);
}

#[test]
fn a_journal_of_few_small_segments_goes_round_and_a_reopened_store_has_all() {
    let dir = Dir::new();
    let settings = || Settings { segment: 16 << 10, segments: 3, ..Settings::default() };
    let mut open: Vec<MessageId> = Vec::new();
    for round in 0..4_usize {
        let mut store = dir.open_with(NOW, settings());
        assert_eq!(store.totals().accepted, round as u64 * 1_000);
        let mut ids = ids(&store);
        for _ in 0..100 {
            let new: [MessageId; 10] = std::array::from_fn(|_| ids.next(NOW));
            commit(&mut store, NOW, &new.map(|id| accept(id, "up")));
            // Half of them end at once, and the others wait for the end of the journal and beyond.
            commit(&mut store, NOW, &std::array::from_fn::<_, 5, _>(|n| finish(new[n], Final::Delivered)));
            open.extend(&new[5..]);
        }
        assert_eq!((store.totals().open, store.live() > 0), (open.len() as u64, true));
        let story = store.story(open[open.len() - 1]).unwrap().unwrap();
        assert_eq!(story.message.state, State::Queued);
    }
    let segments = (0..9).filter(|n| dir.path().join(format!("messages.journal-{n}")).exists()).count();
    assert_eq!(segments, 3);
    let mut store = dir.open_with(NOW, settings());
    assert_eq!(store.check().unwrap(), []);
    assert_eq!(claim_ids(&mut store, later(10), "up", usize::MAX), open);
    assert_eq!(store.cdrs(0, 9_999).unwrap().len(), 2_000);
}
