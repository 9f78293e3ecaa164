//! Some messages of a queue are handed out and the others stay where they stand.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use common::{NOW, claim_ids, commit, finish, ids, later, message};
use smppkit_store::{Accepted, Change, Final, MessageId, Settings, Sqlite, Store};
use std::sync::Arc;

/// Messages of two priorities, most of them on disk; every third may go elsewhere.
fn filled(store: &mut Sqlite) -> Vec<MessageId> {
    let mut ids = ids(store);
    let mut accepted = Vec::new();
    for number in 0..100_u8 {
        let now = later(i64::from(number / 10));
        let id = ids.next(now);
        let priority = u8::from(number % 5 == 0);
        let source = if number % 3 == 0 { "goes" } else { "stays" };
        let all = Accepted { priority, source: source.into(), ..message(id, "up") };
        commit(store, now, &[Change::Accept(Arc::new(all))]);
        accepted.push((priority == 0, number % 3 == 0, id));
    }
    accepted.sort_by_key(|(is_low, _, id)| (*is_low, *id));
    assert_eq!(store.queued("up"), 100);
    accepted.into_iter().filter(|(_, goes, _)| *goes).map(|(.., id)| id).collect()
}

fn small() -> Sqlite {
    Sqlite::in_memory(NOW, Settings { head_limit: 7, ready_limit: 7, ..Settings::default() }).unwrap()
}

#[test]
fn what_is_wanted_is_handed_out_in_order_however_much_stands_before_it() {
    for limit in [1, 4, 7, 10, 100, 1_000] {
        let mut store = small();
        let wanted = filled(&mut store);
        // Some have been read into memory, and one is at work.
        let at_work = claim_ids(&mut store, later(20), "up", 1);
        let mut looked = 0;
        let (mut place, mut picked) = (None, Vec::new());
        for visit in 1.. {
            let of_visit = looked;
            let mut wants = |message: &Accepted| {
                looked += 1;
                *message.source == *"goes"
            };
            picked.extend(store.pick(later(20), "up", &mut place, limit, &mut wants).unwrap());
            assert!(looked - of_visit <= limit, "{limit}");
            if place.is_none() {
                break;
            }
            assert!(visit < 200, "{limit}: it comes to an end");
        }
        assert_eq!(looked, 99, "{limit}: each is looked at once");
        let picked: Vec<MessageId> = picked.iter().map(|claimed| claimed.message.id).collect();
        let rest: Vec<MessageId> = wanted.into_iter().filter(|id| !at_work.contains(id)).collect();
        assert_eq!(picked, rest, "{limit}");
        // They are at work, too; what is done with them counts.
        for id in picked {
            commit(&mut store, later(20), &[finish(id, Final::Failed)]);
        }
        assert_eq!(claim_ids(&mut store, later(20), "up", 1_000).len(), 99 - rest.len(), "{limit}");
        assert!(store.totals().is_conserved());
        assert_eq!(store.check().unwrap(), []);
    }
}

#[test]
fn what_is_not_due_is_not_looked_at() {
    let mut store = small();
    filled(&mut store);
    let mut looked = 0;
    let mut wants = |_: &Accepted| {
        looked += 1;
        true
    };
    let picked = store.pick(later(4), "up", &mut None, 1_000, &mut wants).unwrap();
    assert_eq!((looked, picked.len()), (50, 50));
}
