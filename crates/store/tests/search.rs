//! Looking through messages, page by page, in both directions.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use common::{Dir, NOW, accept, commit, finish, ids, later, message, sent, settle};
use smppkit_store::{
    Change, Columns, Final, Judge, Message, MessageId, Page, Reader, Search, Settings, Sqlite, State, Store,
};
use std::sync::Arc;

/// Thirty messages on three days, of two accounts, to three destinations.
fn filled(store: &mut Sqlite) -> Vec<MessageId> {
    let mut ids = ids(store);
    (0..30_i64)
        .map(|n| {
            let at = later(n / 10 * 86_400_000 + n);
            let mut message = message(ids.next(at), "up");
            message.account = format!("account{}", n % 2).into();
            message.destination = format!("49{}", n % 3).into();
            message.payload = vec![u8::try_from(n).unwrap()].into();
            let id = message.id;
            commit(store, at, &[Change::Accept(Arc::new(message))]);
            id
        })
        .collect()
}

fn ids_of(page: &Page) -> Vec<MessageId> {
    page.messages.iter().map(|message| message.accepted.id).collect()
}

/// All pages of a search, the newest first, with how many rows they took.
fn all_pages(mut ask: impl FnMut(&Search) -> Page, mut search: Search) -> (Vec<MessageId>, u64) {
    let (mut found, mut rows) = (Vec::new(), 0);
    let is_upwards = search.after.is_some();
    loop {
        let page = ask(&search);
        rows += page.rows;
        let own = ids_of(&page);
        if is_upwards {
            found.splice(..0, own);
            search.after = page.next;
        } else {
            found.extend(own);
            search.before = page.next;
        }
        if page.next.is_none() {
            return (found, rows);
        }
    }
}

#[test]
fn pages_go_on_in_both_directions() {
    let mut store = Sqlite::in_memory(NOW, Settings::default()).unwrap();
    let mut all = filled(&mut store);
    all.reverse();
    let ask = |search: &Search| store.search(search).unwrap();
    for rows in [None, Some(1), Some(4), Some(7)] {
        let down = Search { limit: 7, rows, ..Search::default() };
        assert_eq!(all_pages(ask, down.clone()).0, all, "{rows:?}");
        let up = Search { after: Some(MessageId::ZERO), ..down.clone() };
        assert_eq!(all_pages(ask, up).0, all, "{rows:?}");
        let above = Search { after: Some(all[10]), ..down.clone() };
        assert_eq!(ids_of(&ask(&Search { rows: None, ..above.clone() })), all[3..10], "next to the cursor");
        assert_eq!(all_pages(ask, above).0, all[..10], "{rows:?}");
        let between = Search { after: Some(all[20]), before: Some(all[10]), ..down };
        let page = ask(&Search { rows: None, ..between });
        assert_eq!((ids_of(&page), page.next), (all[11..18].to_vec(), Some(all[17])));
    }
    let day =
        Search { from: Some(later(86_400_000)), until: Some(later(2 * 86_400_000)), ..Search::default() };
    assert_eq!(all_pages(ask, Search { limit: 99, ..day }).0, all[10..20]);
}

#[test]
fn states_are_those_of_now_whatever_the_rows_say() {
    let dir = Dir::new();
    let mut store = dir.open();
    let mut ids = ids(&store);
    let [waits, went, failed, ended] = [(); 4].map(|()| ids.next(NOW));
    commit(&mut store, NOW, &[waits, went, failed, ended].map(|id| accept(id, "up")));
    commit(&mut store, NOW, &[finish(ended, Final::Delivered)]);
    settle(&mut store, NOW);
    let changes = [sent(went, "up", &["7F"]), finish(failed, Final::Failed)];
    commit(&mut store, NOW, &changes);
    store.settle(NOW).unwrap();
    let reader = Reader::open(store.path().unwrap()).unwrap();
    let found = |states: &[State]| {
        let search = Search { states: states.to_vec(), limit: 9, ..Search::default() };
        ids_of(&reader.search(&search, &mut ()).unwrap())
    };
    let [delivered, undelivered] = [Final::Delivered, Final::Failed].map(State::Final);
    assert_eq!(found(&[State::Queued]), [waits]);
    assert_eq!(found(&[State::Sent]), [went]);
    assert_eq!(found(&[undelivered]), [failed]);
    assert_eq!(found(&[delivered, State::Sent]), [ended, went]);
    assert_eq!(found(&[]), [ended, failed, went, waits]);
    // A row that is written again.
    commit(&mut store, NOW, &[Change::Replay { id: failed, due_at: NOW, queue: None }]);
    store.settle(NOW).unwrap();
    assert_eq!(found(&[undelivered]), []);
    assert_eq!(found(&[State::Queued]), [failed, waits]);
    assert_eq!(found(&[State::Final(Final::Expired)]), []);
}

/// Means those of an account whose payload is even.
struct Even {
    account: &'static str,
    read: u32,
}

impl Judge for Even {
    fn reads_payloads(&self) -> bool {
        true
    }

    fn may(&mut self, columns: &Columns<'_>) -> bool {
        columns.account == self.account
    }

    fn holds(&mut self, message: &Message) -> bool {
        self.read += 1;
        message.accepted.payload.first().is_some_and(|first| first % 2 == 0)
    }
}

#[test]
fn what_only_the_caller_can_tell_is_judged_and_counted() {
    let dir = Dir::new();
    let mut store = dir.open();
    let all = filled(&mut store);
    store.settle(NOW).unwrap();
    let reader = Reader::open(store.path().unwrap()).unwrap();
    let mut judge = Even { account: "account0", read: 0 };
    let ask = |search: Search, judge: &mut Even| reader.search(&search, judge).unwrap();
    let search = Search { limit: 2, ..Search::default() };
    let page = ask(search.clone(), &mut judge);
    assert_eq!(ids_of(&page), [all[28], all[26]]);
    assert!(page.messages.iter().all(|message| message.accepted.payload.is_empty()), "nobody wants them");
    assert_eq!((page.found, page.rows, page.is_whole, page.next), (2, 4, false, Some(all[26])));
    let counted = ask(Search { is_counted: true, has_payloads: true, ..search.clone() }, &mut judge);
    assert_eq!((counted.found, counted.rows, counted.is_whole), (15, 30, true));
    assert_eq!((counted.next, &*counted.messages[0].accepted.payload), (page.next, &[28][..]));
    let bounded = ask(Search { is_counted: true, rows: Some(10), ..search.clone() }, &mut judge);
    assert_eq!((bounded.found, bounded.rows, bounded.is_whole), (5, 10, false));
    assert_eq!(bounded.next, page.next, "it goes on behind what was given, not behind what was counted");
    let odd = Even { account: "account1", read: 0 };
    let mut judge = odd;
    let (found, rows) = all_pages(|search| reader.search(search, &mut judge).unwrap(), search);
    assert_eq!((found, rows, judge.read), (vec![], 30, 15), "each row once, and only its own are read");
}
