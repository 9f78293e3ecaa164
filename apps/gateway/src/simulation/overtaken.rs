//! A receipt that is there before its message's response, and a process that is killed at every
//! operation on the disk while the response is made durable.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use smppkit_net::Now;
use smppkit_relay::{Outgoing, Parcel};
use smppkit_store::{
    Accepted, Change, MessageId, MessageIds, NodeId, Orphan, RemoteId, State, Store, Timestamp,
};
use smppkit_wire::field::ShortMessage;
use smppkit_wire::pdu::table::{DeliverSm, SubmitSm};
use smppkit_wire::value::{EsmClass, RegisteredDelivery};
use smppkit_wire::{Body, CommandStatus, Version};

use super::ground::Ground;
use super::world::{Process, UNIX_MS};

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

fn receipt() -> Change {
    let body: Body = DeliverSm {
        source_addr: "447700900001".parse().unwrap(),
        destination_addr: "shop".parse().unwrap(),
        esm_class: EsmClass::DELIVERY_RECEIPT,
        short_message: ShortMessage::new(b"id:77 stat:DELIVRD err:000".to_vec()).unwrap(),
        ..DeliverSm::default()
    }
    .into();
    let mut payload = Vec::new();
    body.encode(CommandStatus::ESME_ROK, 0, Version::V50, &mut payload);
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
