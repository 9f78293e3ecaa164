//! A receipt that is there before its message's response, and a process that is killed at every
//! operation on the disk while the response is made durable.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use smppkit_net::{BindMode, Now, Offline};
use smppkit_relay::{Outgoing, Parcel};
use smppkit_store::{
    Accepted, Change, MessageId, MessageIds, NodeId, Orphan, RemoteId, State, Store, Timestamp,
};
use smppkit_wire::field::ShortMessage;
use smppkit_wire::pdu::table::{BindTransceiverResp, DeliverSm, SubmitSm};
use smppkit_wire::value::{EsmClass, RegisteredDelivery};
use smppkit_wire::{Body, CommandStatus, Role, Version};

use super::ground::Ground;
use super::world::{Process, UNIX_MS};
use crate::upstream::Session;

const NOW: Timestamp = Timestamp(UNIX_MS);

fn message(id: MessageId) -> Change {
    let pdu = SubmitSm {
        source_addr: "shop".parse().unwrap(),
        destination_addr: "447700900001".parse().unwrap(),
        registered_delivery: RegisteredDelivery::RECEIPT,
        ..SubmitSm::default()
    };
    Change::Accept(Arc::new(Accepted {
        id,
        account: "shop".into(),
        queue: "a".into(),
        priority: 0,
        due_at: NOW,
        expires_at: None,
        source: "shop".into(),
        destination: "447700900001".into(),
        reference: None,
        payload: Parcel::Message(Box::new(Outgoing::new(pdu, Version::V34))).to_octets(),
    }))
}

fn receipt_pdu() -> Body {
    DeliverSm {
        source_addr: "447700900001".parse().unwrap(),
        destination_addr: "shop".parse().unwrap(),
        esm_class: EsmClass::DELIVERY_RECEIPT,
        short_message: ShortMessage::new(b"id:77 stat:DELIVRD err:000".to_vec()).unwrap(),
        ..DeliverSm::default()
    }
    .into()
}

fn receipt() -> Change {
    let mut payload = Vec::new();
    receipt_pdu().encode(CommandStatus::ESME_ROK, 0, Version::V50, &mut payload);
    Change::Keep(Arc::new(Orphan { remote: (*remote()).clone(), at: NOW, payload: payload.into() }))
}

fn remote() -> Arc<RemoteId> {
    Arc::new(RemoteId { connector: "a".into(), forms: vec!["77".into()] })
}

#[test]
fn a_receipt_that_came_first_is_not_lost_wherever_the_process_dies() {
    let ground = Ground::disk(50);
    let mut store = ground.open(NOW).unwrap();
    let id = MessageIds::after(NodeId::default(), MessageId::ZERO).next(NOW);
    store.commit(NOW, &[message(id), receipt()], &mut Vec::new()).unwrap();
    assert_eq!(store.claim(NOW, "a", 1).unwrap().len(), 1);
    let clock = Arc::new(Mutex::new(Now { mono: Instant::now(), unix_ms: UNIX_MS }));
    let Process { hub, mut pump } = Process::begin(store, &clock);
    let upstream = hub.plan.load().connectors.get("a").cloned();
    let before = ground.operations();
    hub.settle(upstream, vec![Change::Sent { id, remote: remote() }]);
    pump.turn(NOW);
    let story = pump.store().story(id).unwrap().unwrap();
    assert!(matches!(story.message.state, State::Final(_)), "{:?}", story.message.state);
    for operations in before..=ground.operations() {
        let store = ground.killed(operations).open(NOW).unwrap();
        let state = store.story(id).unwrap().unwrap().message.state;
        let is_kept = !store.kept(&remote()).unwrap().is_empty();
        assert!(is_kept || matches!(state, State::Final(_)), "{state:?} after operation {operations}");
    }
}

/// A receipt of no message waits for one, by the session's own clock: the clock on the wall may stand still, or be
/// read a little before the other.
#[test]
fn a_receipt_that_waits_is_looked_at_again_whatever_the_clock_on_the_wall_says() {
    let mut now = Now { mono: Instant::now(), unix_ms: UNIX_MS };
    let clock = Arc::new(Mutex::new(now));
    let Process { hub, mut pump } = Process::begin(Ground::memory().open(NOW).unwrap(), &clock);
    let upstream = Arc::clone(&hub.plan.load().connectors["a"]);
    let config = Arc::new(upstream.settings.session());
    let app = Session::new(Arc::clone(&hub), upstream, BindMode::Transceiver);
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let mut session = Offline::new(Role::Esme, config, app, peer, now);
    let cx = &mut Context::from_waker(Waker::noop());
    let mut octets = Vec::new();
    let bound: Body = BindTransceiverResp::default().into();
    bound.encode(CommandStatus::ESME_ROK, 1, Version::V34, &mut octets);
    receipt_pdu().encode(CommandStatus::ESME_ROK, 1, Version::V34, &mut octets);
    session.turn(now, cx);
    session.take();
    session.receive(now, &octets);
    session.turn(now, cx);
    let came = now.mono;
    loop {
        pump.turn(NOW);
        session.turn(now, cx);
        if !session.take().is_empty() {
            break;
        }
        now.mono = session.deadline().expect("it has a timer").max(now.mono);
        assert!(now.mono <= came + Duration::from_secs(2), "it is forgotten");
        session.turn(now, cx);
    }
    assert_eq!(pump.store().totals().orphans, 1, "it is kept for the response that it may have overtaken");
}
