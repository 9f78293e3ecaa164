//! A writer's turns on a virtual clock: prepared batches, calls of the same turn, the end.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use common::{Dir, NOW, accept, claim_ids, finish, ids, later, remote, sent};
use smppkit_store::{
    Change, Committed, Final, Handle, Lost, MessageId, NotTaken, Orphan, Outcome, Pump, Settings, Sqlite,
    State, Store, Timestamp, WriterLimits,
};
use std::sync::{Arc, Mutex};

fn pump(limits: WriterLimits) -> (Pump<Sqlite>, Handle) {
    Pump::new(Sqlite::in_memory(NOW, Settings::default()).unwrap(), limits)
}

/// What callbacks saw, in their order.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn two_ids(pump: &mut Pump<Sqlite>) -> (MessageId, MessageId) {
    let mut ids = ids(pump.store());
    (ids.next(NOW), ids.next(NOW))
}

#[test]
fn a_turn_serves_all_that_waits_at_the_time_it_is_given() {
    let (mut pump, handle) = pump(WriterLimits { group: 2, ..WriterLimits::default() });
    assert!(!pump.turn(NOW), "nothing waited");
    let mut ids = ids(pump.store());
    let tickets: Vec<_> =
        (0..10).map(|_| handle.commit(vec![accept(ids.next(NOW), "up")]).unwrap()).collect();
    let seen = handle.call(|store, now| (now, store.totals().accepted));
    assert!(pump.turn(later(7)) && !pump.turn(later(8)));
    assert_eq!(seen.wait().unwrap().0, later(7));
    assert!(tickets.into_iter().all(|ticket| ticket.wait().unwrap().unwrap() == [Outcome::Done]));
    assert_eq!((handle.waiting(), pump.store().totals().accepted), (0, 10));
}

#[test]
fn prepared_changes_join_the_group_and_keep_their_order() {
    let (mut pump, handle) = pump(WriterLimits::default());
    let (a, b) = two_ids(&mut pump);
    handle.commit(vec![accept(a, "up")]).unwrap();
    pump.turn(NOW);
    let seen = Seen::default();
    let note = |what: &'static str| {
        let seen = seen.clone();
        move |committed: Committed| {
            seen.note(format!("{what} {:?}", committed.unwrap()));
        }
    };
    handle.commit_then(vec![accept(b, "up")], note("first")).unwrap();
    let claim = |store: &mut dyn Store, now: Timestamp| {
        let claimed = claim_ids(store, now, "up", 9);
        let changes = claimed.iter().map(|id| sent(*id, "up", &["7"])).collect();
        (changes, claimed)
    };
    let second = seen.clone();
    let prepared = move |committed: Committed, claimed: Vec<MessageId>| {
        assert_eq!(claimed, [a], "the accept of its own group is not there yet");
        second.note(format!("second {:?}", committed.unwrap()));
    };
    handle.prepare_then(1, claim, prepared).unwrap();
    handle.commit_then(vec![finish(a, Final::Delivered)], note("third")).unwrap();
    assert_eq!(handle.waiting(), 3);
    assert!(pump.turn(NOW));
    assert_eq!(seen.take(), ["first [Done]", "second [Done]", "third [Done]"]);
    assert_eq!((handle.waiting(), pump.store().totals().delivered), (0, 1));
}

#[test]
fn a_batch_prepared_empty_is_answered_without_a_commit() {
    let dir = Dir::new();
    let (mut pump, handle) = Pump::new(dir.open(), WriterLimits::default());
    let seen = Seen::default();
    let ask = |what: &'static str| {
        let seen = seen.clone();
        handle
            .prepare_then(
                5,
                move |_, _| (Vec::new(), what),
                move |committed, what| seen.note(format!("{what} {committed:?}")),
            )
            .unwrap();
    };
    ask("alone");
    assert_eq!(handle.waiting(), 5);
    // A commit, even an empty one, would have to wait for this lock.
    let other = rusqlite::Connection::open(dir.path().join("messages.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    pump.turn(NOW);
    assert_eq!(seen.take(), ["alone Ok([])"]);
    drop(other);
    let id = ids(pump.store()).next(NOW);
    ask("before");
    let ticket = handle.commit(vec![accept(id, "up")]).unwrap();
    ask("after");
    pump.turn(NOW);
    assert_eq!(seen.take(), ["before Ok([])", "after Ok([])"]);
    assert_eq!(ticket.wait().unwrap().unwrap(), [Outcome::Done]);
}

#[test]
fn weights_count_against_the_queue_and_the_group() {
    let (mut pump, handle) = pump(WriterLimits { queue: 10, group: 4, ..WriterLimits::default() });
    let seen = Seen::default();
    let ask = |weight| {
        let seen = seen.clone();
        // Each tells how many commits the store has seen: groups, since each accepts one message.
        handle.prepare_then(
            weight,
            |store, now| (vec![accept(ids(store).next(now), "up")], store.totals().accepted),
            move |_, accepted| seen.note(accepted.to_string()),
        )
    };
    for _ in 0..3 {
        ask(3).unwrap();
    }
    let Err(NotTaken { changes, is_closed: false }) = ask(2) else { panic!("9 and 2 are more than 10") };
    assert_eq!(changes, []);
    ask(1).unwrap();
    pump.turn(NOW);
    // Two of weight 3 do not fit into a group of 4; 3 and 1 do.
    assert_eq!(seen.take(), ["0", "1", "2", "2"]);
    ask(99).expect("taken when nothing waits, or it never could be");
}

#[test]
fn calls_that_an_answer_asks_for_are_made_in_the_same_turn() {
    let (mut pump, handle) = pump(WriterLimits { group: 1, ..WriterLimits::default() });
    let (a, b) = two_ids(&mut pump);
    let seen = Seen::default();
    let (caller, first) = (handle.clone(), seen.clone());
    handle
        .commit_then(vec![accept(a, "up")], move |_| {
            let taken =
                caller.call_then(move |store, _| first.note(format!("call {}", store.totals().accepted)));
            assert!(taken);
        })
        .unwrap();
    let second = seen.clone();
    handle.commit_then(vec![accept(b, "up")], move |_| second.note("next group")).unwrap();
    pump.turn(NOW);
    assert_eq!(seen.take(), ["call 1", "next group"]);
}

#[test]
fn a_receipt_finds_the_message_whose_remote_id_its_own_group_gives_out() {
    let (mut pump, handle) = pump(WriterLimits::default());
    let (id, _) = two_ids(&mut pump);
    handle.commit(vec![accept(id, "up")]).unwrap();
    pump.turn(NOW);
    pump.store().claim(NOW, "up", 1).unwrap();
    let asked = Arc::new(remote("up", &["7F"]));
    handle.commit(vec![sent(id, "up", &["7F"])]).unwrap();
    let seen = Seen::default();
    let other = remote("down", &["7F"]);
    let look_up = move |store: &mut dyn Store, _: Timestamp| {
        let found = store.correlate(&asked).unwrap();
        assert_eq!((found[0].message.id, found[0].state), (id, State::Sent));
        assert!(store.correlate(&other).unwrap().is_empty(), "another's name for it is another name");
        (vec![finish(id, Final::Delivered)], ())
    };
    let answer = seen.clone();
    handle
        .prepare_then(1, look_up, move |committed, ()| answer.note(format!("{:?}", committed.unwrap())))
        .unwrap();
    pump.turn(NOW);
    assert_eq!(seen.take(), [format!("{:?}", [Outcome::Done])]);
    assert_eq!(pump.store().totals().delivered, 1);
    // What was foreseen is forgotten with its commit.
    let ended = pump.store().correlate(&remote("up", &["7F"])).unwrap();
    assert_eq!(ended[0].state, State::Final(Final::Delivered));
}

#[test]
fn a_receipt_kept_in_the_group_of_its_sent_is_known() {
    let (mut pump, handle) = pump(WriterLimits::default());
    let (id, _) = two_ids(&mut pump);
    handle.commit(vec![accept(id, "up")]).unwrap();
    pump.turn(NOW);
    let orphan = Orphan { remote: remote("up", &["7F"]), at: NOW, payload: b"stat".as_slice().into() };
    handle.commit(vec![sent(id, "up", &["7F"])]).unwrap();
    let seen = Seen::default();
    let answer = seen.clone();
    handle
        .commit_then(vec![Change::Keep(Arc::new(orphan))], move |committed| {
            answer.note(format!("{:?}", committed.unwrap()));
        })
        .unwrap();
    pump.turn(NOW);
    assert_eq!(seen.take(), [format!("{:?}", [Outcome::Known(id)])]);
    assert_eq!(pump.store().totals().orphans, 0);
}

#[test]
fn a_dropped_pump_leaves_nobody_waiting_and_takes_nothing_more() {
    let (pump, handle) = pump(WriterLimits::default());
    let seen = Seen::default();
    let (batch, prepared) = (seen.clone(), seen.clone());
    handle
        .commit_then(vec![], move |committed| {
            batch.note(format!("{:?}", committed.map_err(|uncommitted| uncommitted.error)));
        })
        .unwrap();
    handle.prepare_then(1, |_, _| (vec![], ()), move |_, ()| prepared.note("never")).unwrap();
    let call = handle.call(|_, _| ());
    drop(pump);
    assert_eq!(seen.take(), ["Err(Closed)"]);
    assert_eq!(call.wait(), Err(Lost));
    assert!(!handle.call_then(|_, _| ()));
    let late = handle.prepare_then(1, |_, _| (vec![], ()), |_, ()| ());
    assert!(matches!(late, Err(NotTaken { is_closed: true, .. })));
}

#[test]
fn upkeep_folds_step_by_step() {
    let dir = Dir::new();
    let (mut pump, handle) = Pump::new(dir.open(), WriterLimits::default());
    let (id, _) = two_ids(&mut pump);
    handle.commit(vec![accept(id, "up"), finish(id, Final::Delivered)]).unwrap();
    pump.turn(NOW);
    assert_eq!(pump.store().cdrs(0, 9).unwrap(), []);
    while pump.upkeep(NOW) {}
    assert_eq!((pump.store().cdrs(0, 9).unwrap().len(), pump.store().live()), (1, 0));
}
