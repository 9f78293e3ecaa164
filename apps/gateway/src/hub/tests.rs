//! Connectors and their hours, sessions that are stuck, and a store that is full, on a clock that is set.

use smppkit_relay::{Outgoing, Parcel};
use smppkit_route::{Facts, Party};
use smppkit_store::{Accepted, Final, NodeId, Pump, Sqlite, State, Store};
use smppkit_wire::Version;
use smppkit_wire::pdu::table::SubmitSm;
use std::time::Duration;

use super::*;
use crate::note::{Note, Notes};
use crate::plan::Upstream;

const CONFIG: &str = r#"
[[account]]
system_id = "shop"
password = "secret"

[[connector]]
name = "day"
address = "a:1"
system_id = "gateway"
hours = ["mon-fri 08:00-20:00", "sat 10:00-14:00"]
zone = "+01:00"

[[connector]]
name = "always"
address = "b:1"
system_id = "gateway"

[[route]]
to = ["day", "always"]
"#;

/// Monday, 2026-11-23, 06:00 UTC: an hour before `day` opens.
const BEFORE: i64 = 1_795_413_600_000;
const HOUR_MS: i64 = 3_600_000;

/// A hub with its store and a clock.
struct Desk {
    hub: Arc<Hub>,
    pump: Pump<Sqlite>,
    clock: Arc<Mutex<Now>>,
}

impl Desk {
    fn new() -> Self {
        let now = Now { unix_ms: BEFORE, ..Now::read() };
        let clock = Arc::new(Mutex::new(now));
        let settings: Settings = smppkit_ops::config::parse(CONFIG, "test").unwrap();
        let store = Sqlite::in_memory(Timestamp(BEFORE), smppkit_store::Settings::default()).unwrap();
        let (pump, handle) = Pump::new(store, settings.store.limits());
        let ids = MessageIds::after(NodeId::default(), MessageId::ZERO);
        let (key, time) = (ServerKey::new(&[7; 32]), Arc::clone(&clock));
        let hub = Hub::new(settings, key, handle, ids, Box::new(move || *time.lock().unwrap())).unwrap();
        Self { hub: Arc::new(hub), pump, clock }
    }

    fn now_ms(&self) -> i64 {
        self.hub.now().unix_ms
    }

    fn upstream(&self, name: &str) -> Arc<Upstream> {
        Arc::clone(&self.hub.plan.load().connectors[name])
    }

    /// A session that sends and has room for ten messages.
    fn sender(&self, name: &str) -> Arc<Notes> {
        let (upstream, notes) = (self.upstream(name), Arc::default());
        upstream.live.senders.fetch_add(1, Ordering::Relaxed);
        let id = upstream.feed.join(&notes, (10, Version::V50));
        upstream.feed.want(&self.hub, id, 10);
        notes
    }

    /// A message for `day` that may go by `always`, too, if `others` says so.
    fn accept(&mut self, others: &[&str], lasts_ms: i64) -> MessageId {
        let now_ms = self.now_ms();
        let id = self.hub.next_message_id(now_ms);
        let others = others.iter().map(|&other| other.into()).collect();
        let message = Outgoing { others, ..Outgoing::new(SubmitSm::default(), Version::V34) };
        let queue = self.upstream("day").feed.queue.clone();
        let accepted = Accepted {
            id,
            account: "shop".into(),
            queue: queue.clone(),
            priority: 0,
            due_at: id.made_at(),
            expires_at: Some(Timestamp(now_ms + lasts_ms)),
            source: Box::default(),
            destination: Box::default(),
            reference: None,
            payload: Parcel::Message(Box::new(message)).to_octets(),
        };
        self.hub.settle(None, vec![Change::Accept(Arc::new(accepted))]);
        self.turn();
        id
    }

    /// All that is to be done now.
    fn turn(&mut self) {
        for _ in 0..4 {
            self.hub.tick();
            while self.pump.turn(Timestamp(self.now_ms())) {}
        }
    }

    fn pass(&mut self, ms: i64) {
        let mut clock = self.clock.lock().unwrap();
        clock.unix_ms += ms;
        clock.mono += Duration::from_millis(ms.unsigned_abs());
        drop(clock);
        self.turn();
    }

    fn state(&mut self, id: MessageId) -> State {
        self.pump.store().story(id).unwrap().unwrap().message.state
    }

    fn first_way(&self) -> String {
        let plan = self.hub.plan.load();
        let now_ms = self.now_ms();
        let facts = Facts { destination: Party::international("44"), unix_ms: now_ms, ..Facts::default() };
        plan.routes.choose(&facts, &plan.at(now_ms), 0).unwrap().first().to_owned()
    }
}

fn claimed(notes: &Notes) -> Vec<MessageId> {
    let claimed = notes.last().into_iter().flat_map(|note| match note {
        Note::Claimed(claimed) => claimed,
        other => panic!("{other:?}"),
    });
    claimed.map(|one| one.message.id).collect()
}

#[test]
fn outside_its_hours_a_connector_is_given_nothing_until_they_begin() {
    let mut desk = Desk::new();
    let day = desk.sender("day");
    let id = desk.accept(&[], 48 * HOUR_MS);
    assert_eq!(claimed(&day), []);
    assert_eq!(desk.hub.tick(), BEFORE + HOUR_MS, "it is known when to look again");
    desk.pass(HOUR_MS - 1);
    assert_eq!(claimed(&day), []);
    desk.pass(1);
    assert_eq!(claimed(&day), [id]);
    let next = desk.accept(&[], 48 * HOUR_MS);
    assert_eq!(claimed(&day), [next], "within them it goes at once");
    desk.pass(12 * HOUR_MS);
    let late = desk.accept(&[], 48 * HOUR_MS);
    desk.pass(12 * HOUR_MS - 1);
    assert_eq!(claimed(&day), []);
    desk.pass(1);
    assert_eq!(claimed(&day), [late], "the next morning");
}

#[test]
fn routes_pass_over_a_connector_outside_its_hours_while_another_is_up() {
    let mut desk = Desk::new();
    let _senders = [desk.sender("day"), desk.sender("always")];
    assert_eq!(desk.first_way(), "always");
    desk.pass(HOUR_MS);
    assert_eq!(desk.first_way(), "day");
    desk.pass(12 * HOUR_MS);
    assert_eq!(desk.first_way(), "always");
    desk.upstream("always").live.senders.store(0, Ordering::Relaxed);
    assert_eq!(desk.first_way(), "day", "it waits for the first");
}

#[test]
fn what_waits_for_a_closed_connector_goes_by_an_open_one_if_its_route_names_one() {
    let mut desk = Desk::new();
    let day = desk.sender("day");
    let bound_to_it = desk.accept(&[], 48 * HOUR_MS);
    let id = desk.accept(&["always"], 48 * HOUR_MS);
    desk.hub.every_second();
    desk.turn();
    // Nobody is bound there yet.
    let always = desk.sender("always");
    desk.turn();
    assert_eq!(claimed(&always), []);
    desk.hub.every_second();
    desk.turn();
    assert_eq!(claimed(&always), [id]);
    desk.pass(HOUR_MS);
    assert_eq!(claimed(&day), [bound_to_it]);
}

#[test]
fn a_message_does_not_outlive_its_validity_while_it_waits_for_hours() {
    let mut desk = Desk::new();
    let day = desk.sender("day");
    let id = desk.accept(&[], HOUR_MS / 2);
    desk.pass(HOUR_MS / 2 - 1);
    desk.hub.every_second();
    desk.turn();
    assert_eq!(desk.state(id), State::Queued);
    desk.pass(1);
    desk.hub.every_second();
    desk.turn();
    assert_eq!(desk.state(id), State::Final(Final::Expired));
    desk.pass(HOUR_MS);
    assert_eq!(claimed(&day), []);
}

#[test]
fn hours_that_change_count_at_once() {
    let mut desk = Desk::new();
    let day = desk.sender("day");
    let id = desk.accept(&[], 48 * HOUR_MS);
    let configure = |desk: &mut Desk, from: &str, to: &str| {
        assert!(CONFIG.contains(from));
        let settings = smppkit_ops::config::parse(&CONFIG.replace(from, to), "test").unwrap();
        let done = crate::serve::apply(&desk.hub, settings);
        desk.turn();
        done
    };
    // What is wrong elsewhere changes nothing here.
    let wrong = "zone = \"+03:00\"\n[[route]]\nto = \"none\"\n[[connector]]\nname = \"x\"\naddress = \"x:1\"\nsystem_id = \"x\"\n";
    assert!(configure(&mut desk, "zone = \"+01:00\"\n", wrong).unwrap_err().contains("none"));
    assert_eq!(claimed(&day), []);
    configure(&mut desk, "+01:00", "+03:00").unwrap();
    assert_eq!(claimed(&day), [id]);
    configure(&mut desk, "mon-fri 08", "mon-fri 10").unwrap();
    let next = desk.accept(&[], 48 * HOUR_MS);
    assert_eq!(claimed(&day), []);
    configure(&mut desk, "hours = [\"mon-fri 08:00-20:00\", \"sat 10:00-14:00\"]\nzone = \"+01:00\"\n", "")
        .unwrap();
    assert_eq!(claimed(&day), [next]);
}

#[test]
fn hours_that_cannot_be_are_refused_where_they_stand() {
    for (from, to, says) in [
        ("08:00-20:00", "8-20", "is no span of hours such as 08:00-20:00"),
        ("mon-fri", "mon-fryday", "is no span of hours"),
        ("+01:00", "Europe/Berlin", "is no zone"),
    ] {
        let parsed = smppkit_ops::config::parse::<Settings>(&CONFIG.replacen(from, to, 1), "gateway.toml");
        let error = parsed.unwrap_err().to_string();
        let line = if from == "+01:00" { 11 } else { 10 };
        assert!(error.contains(says) && error.contains(&format!(":{line}:")), "{error}");
    }
    let wrong = CONFIG.replace("zone", "weekdays = \"sun\"\nzone");
    let settings: Settings = smppkit_ops::config::parse(&wrong, "gateway.toml").unwrap();
    let error = settings.check().unwrap_err().to_string();
    assert!(error.starts_with("connector \"day\": hours: hold at no time"), "{error}");
}

#[test]
fn two_numbers_have_one_session_unless_it_is_silent_for_five_seconds() {
    let mut desk = Desk::new();
    desk.pass(HOUR_MS);
    let both = [desk.sender("day"), desk.sender("day")];
    let ids: Vec<MessageId> = (0..30).map(|_| desk.accept(&[], HOUR_MS)).collect();
    let mut shares = both.each_ref().map(|notes| claimed(notes));
    shares.sort_unstable_by_key(|share| std::cmp::Reverse(share.len()));
    assert_eq!(shares, [&ids[..20], &[]], "one has all, as many as both have room for");
    desk.pass(5_000);
    assert!(both.iter().all(|notes| claimed(notes).is_empty()), "it may move yet");
    desk.pass(1);
    desk.pass(5_000);
    let mut shares = both.each_ref().map(|notes| claimed(notes));
    shares.sort_unstable_by_key(|share| std::cmp::Reverse(share.len()));
    assert_eq!(shares, [&ids[20..], &[]], "the other one has what is left");
}

#[test]
fn what_a_connector_took_is_told_when_it_is_durable_however_full_the_store_is() {
    let mut desk = Desk::new();
    let places = desk.hub.plan.load().settings.store.queue;
    desk.hub.settle(None, vec![Change::Release { id: MessageId::ZERO }; places]);
    let id = desk.hub.next_message_id(BEFORE);
    let accepted = Accepted {
        id,
        account: "shop".into(),
        queue: "day".into(),
        priority: 0,
        due_at: id.made_at(),
        expires_at: None,
        source: Box::default(),
        destination: Box::default(),
        reference: None,
        payload: Box::default(),
    };
    let end = Change::Finish { id, state: Final::Delivered, reason: Box::default(), then: None };
    let told = Arc::new(AtomicU64::new(0));
    let tells = Arc::clone(&told);
    desk.hub.keep(vec![Change::Accept(Arc::new(accepted)), end], move || {
        tells.fetch_add(1, Ordering::Relaxed);
    });
    assert!(!desk.hub.may_send(), "nothing more is sent before it is written");
    desk.turn();
    desk.pass(STASH_MS);
    desk.pass(STASH_MS);
    assert_eq!((told.load(Ordering::Relaxed), desk.state(id)), (1, State::Final(Final::Delivered)));
    assert!(desk.hub.may_send());
}
