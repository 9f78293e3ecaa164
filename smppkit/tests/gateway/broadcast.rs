//! broadcast_sm and what is asked about it: through to the message centre and back, and durable.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use smppkit_relay::Parcel;
use smppkit_store::{Final, MessageId, State, Store as _};
use smppkit_wire::field::{CStr, Time};
use smppkit_wire::pdu::table::{
    BroadcastSm, BroadcastSmResp, CancelBroadcastSm, CancelBroadcastSmResp, CancelSm, QueryBroadcastSm,
    QueryBroadcastSmResp, QuerySm, ReplaceSm,
};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::MessageState;
use smppkit_wire::{Body, CommandStatus, Tlvs, Version};

use crate::harness::{
    Act, Esme, Gateway, Login, Mc, account, connector, message, millis, now_ms, prompt, raw_request, secs,
    submit, taken, until, usual,
};

const AREAS: [&[u8]; 2] = [b"\0London", b"\0Dublin"];

fn broadcast(source: &str) -> BroadcastSm {
    let tlvs = Tlvs::build()
        .with(tag::broadcast_area_identifier, AREAS[0])
        .with(tag::broadcast_area_identifier, AREAS[1])
        .with(tag::broadcast_content_type, &[1, 0, 0x10][..])
        .with(tag::broadcast_rep_num, 10)
        .with(tag::broadcast_frequency_interval, &[9, 0, 5][..])
        .with(tag::message_payload, b"flood warning");
    BroadcastSm { source_addr: source.parse().expect("short"), tlvs: tlvs.done(), ..BroadcastSm::default() }
}

fn with_reference(pdu: &BroadcastSm, reference: u16) -> BroadcastSm {
    let mut tlvs = Tlvs::build().with(tag::user_message_reference, reference);
    for tlv in pdu.tlvs.iter() {
        tlvs.push_octets(tlv.tag, tlv.value);
    }
    BroadcastSm { tlvs: tlvs.done(), ..pdu.clone() }
}

fn query(message_id: &str, source: &str) -> QueryBroadcastSm {
    QueryBroadcastSm {
        message_id: message_id.parse().expect("short"),
        source_addr: source.parse().expect("short"),
        ..QueryBroadcastSm::default()
    }
}

fn cancel(message_id: &str, source: &str) -> CancelBroadcastSm {
    CancelBroadcastSm {
        message_id: message_id.parse().expect("short"),
        source_addr: source.parse().expect("short"),
        ..CancelBroadcastSm::default()
    }
}

/// What a message centre has of a broadcast.
struct Aired {
    pdu: BroadcastSm,
    is_cancelled: bool,
}

/// Broadcasts by their ids there, which are told apart octet by octet: in capitals, and with zeros in front.
#[derive(Default)]
struct Station {
    aired: HashMap<CStr<65>, Aired>,
    /// All that came, in order.
    came: Vec<Body>,
}

type Shared = Arc<Mutex<Station>>;

impl Station {
    /// A message centre that does what it is asked.
    async fn start() -> (Mc, Shared) {
        let mc = Mc::start(prompt).await;
        let station = Shared::default();
        let own = Arc::clone(&station);
        mc.others(move |body| Some(own.lock().expect("nobody panics with it").answer(body)));
        (mc, station)
    }

    fn answer(&mut self, body: &Body) -> Result<Body, CommandStatus> {
        self.came.push(body.clone());
        match body {
            Body::BroadcastSm(pdu) => {
                let message_id = if pdu.message_id.is_empty() {
                    format!("00B{:04}-Xy", self.aired.len()).parse().expect("short")
                } else if self.aired.contains_key(&pdu.message_id) {
                    pdu.message_id
                } else {
                    return Err(CommandStatus::ESME_RBCASTFAIL);
                };
                self.aired.insert(message_id, Aired { pdu: pdu.clone(), is_cancelled: false });
                // One area of two.
                let tlvs = Tlvs::build()
                    .with(tag::broadcast_area_identifier, AREAS[1])
                    .with(tag::broadcast_error_status, CommandStatus::ESME_RINVBCASTAREAFMT);
                Ok(BroadcastSmResp { message_id, tlvs: tlvs.done() }.into())
            }
            Body::QueryBroadcastSm(pdu) => {
                let reference = pdu.tlvs.get(tag::user_message_reference);
                let is_it = |(id, aired): &(&CStr<65>, &Aired)| match reference {
                    Some(_) => aired.pdu.tlvs.get(tag::user_message_reference) == reference,
                    None => **id == pdu.message_id && aired.pdu.source_addr == pdu.source_addr,
                };
                let found = self.aired.iter().find(is_it).ok_or(CommandStatus::ESME_RINVMSGID)?;
                let (message_id, aired) = found;
                let state = if aired.is_cancelled { MessageState::DELETED } else { MessageState::ENROUTE };
                let tlvs = Tlvs::build()
                    .with(tag::message_state, state)
                    .with(tag::broadcast_area_identifier, AREAS[0])
                    .with(tag::broadcast_area_identifier, AREAS[1])
                    .with(tag::broadcast_area_success, 100)
                    .with(tag::broadcast_area_success, 7);
                Ok(QueryBroadcastSmResp { message_id: *message_id, tlvs: tlvs.done() }.into())
            }
            Body::CancelBroadcastSm(pdu) => {
                let mut cancelled = false;
                for (id, aired) in &mut self.aired {
                    let is_named = pdu.message_id.is_empty() || *id == pdu.message_id;
                    if is_named && aired.pdu.source_addr == pdu.source_addr {
                        (aired.is_cancelled, cancelled) = (true, true);
                    }
                }
                if cancelled {
                    Ok(CancelBroadcastSmResp::default().into())
                } else {
                    Err(CommandStatus::ESME_RBCASTCANCELFAIL)
                }
            }
            _ => Err(CommandStatus::ESME_RINVCMDID),
        }
    }
}

fn came(station: &Shared) -> usize {
    station.lock().expect("nobody panics with it").came.len()
}

/// The usual settings, with a connector that speaks 5.0.
fn newest(mc: &Mc, more: &str) -> String {
    usual(mc).replace("reconnect = \"1s\"\n", &format!("reconnect = \"1s\"\nversion = \"5.0\"\n{more}"))
}

async fn bind(gateway: &Gateway, name: &str) -> Esme {
    Esme::bind(gateway.address, Login::new(name).version(Version::V50)).await
}

/// Broadcasts, and gives the id.
#[track_caller]
fn id_of((status, body): (CommandStatus, Body)) -> String {
    let Body::BroadcastSmResp(resp) = body else { panic!("{status}: {body:?}") };
    assert_eq!(status, CommandStatus::ESME_ROK);
    resp.message_id.to_text()
}

async fn state(esme: &Esme, message_id: &str, source: &str) -> Result<MessageState, CommandStatus> {
    match esme.ask(query(message_id, source)).await {
        (_, Body::QueryBroadcastSmResp(resp)) => {
            assert_eq!(resp.message_id.to_text(), message_id);
            let areas: Vec<&[u8]> = resp.tlvs.all(tag::broadcast_area_identifier).collect();
            assert_eq!(areas, AREAS);
            assert_eq!(resp.tlvs.all(tag::broadcast_area_success).collect::<Vec<u8>>(), [100, 7]);
            Ok(resp.tlvs.get(tag::message_state).expect("a state"))
        }
        (status, _) => Err(status),
    }
}

async fn status(esme: &Esme, body: impl Into<Body>) -> CommandStatus {
    esme.ask(body).await.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_goes_through_and_is_asked_about_under_our_id_before_and_after_kill_9() {
    let (mc, station) = Station::start().await;
    let mut gateway = Gateway::start(&newest(&mc, ""));
    let esme = bind(&gateway, "shop").await;
    gateway.until_bound(1).await;
    let (status, body) = esme.ask(broadcast("4420")).await;
    let Body::BroadcastSmResp(resp) = body.clone() else { panic!("{body:?}") };
    assert_eq!(resp.tlvs.all(tag::broadcast_area_identifier).collect::<Vec<_>>(), [AREAS[1]]);
    assert!(resp.tlvs.has(tag::broadcast_error_status.tag()), "which area was refused, and why");
    let id = id_of((status, body));
    assert!(id.parse::<u64>().is_ok_and(|id| id > 1_000_000), "{id} is not ours");
    {
        let station = station.lock().unwrap();
        let sent = station.aired.values().next().unwrap();
        assert_eq!(sent.pdu, broadcast("4420"), "it went through as it came");
    }
    assert_eq!(state(&esme, &id, "4420").await, Ok(MessageState::ENROUTE));
    gateway.kill();
    until("cut", secs(10), || esme.has_ended()).await;
    gateway.run();
    let esme = bind(&gateway, "shop").await;
    gateway.until_bound(2).await;
    assert_eq!(state(&esme, &id, "4420").await, Ok(MessageState::ENROUTE));
    assert_eq!(state(&esme, &id, "").await, Ok(MessageState::ENROUTE), "our id is enough");
    let (status, body) = esme.ask(cancel(&id, "4420")).await;
    assert!(status.is_ok() && matches!(body, Body::CancelBroadcastSmResp(_)), "{status} {body:?}");
    assert_eq!(state(&esme, &id, "4420").await, Ok(MessageState::DELETED));
    gateway.stop();
    assert_eq!(mc.count(), 0, "no submit_sm was made of it");
    // What CDRs and traces are made from.
    let story = gateway.store().story(MessageId::from_u64(id.parse().unwrap()).unwrap()).unwrap().unwrap();
    assert_eq!(story.message.state, State::Final(Final::Delivered));
    let remote = story.message.remote.unwrap();
    assert_eq!((&*remote.connector, &*remote.forms[0]), ("up", "broadcast:00B0000-Xy"));
    let Ok(Parcel::Broadcast(kept)) = Parcel::read(&story.message.accepted.payload) else { panic!("kept") };
    assert_eq!((kept.pdu, kept.remote.to_text()), (broadcast("4420"), "00B0000-Xy".to_owned()));
    let totals = gateway.finish();
    assert_eq!((totals.accepted, totals.delivered, totals.open), (1, 1, 0), "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_account_s_broadcast_and_an_unknown_one_are_nobody_s() {
    let (mc, station) = Station::start().await;
    let gateway = Gateway::start(&format!("{}{}", newest(&mc, ""), account("bank")));
    let (shop, bank) = (bind(&gateway, "shop").await, bind(&gateway, "bank").await);
    gateway.until_bound(1).await;
    let id = id_of(shop.ask(broadcast("4420")).await);
    let receipt = shop.submit(message(1, "447700900123")).await.unwrap();
    let before = came(&station);
    for wrong in [&*id, "381516741484580864", "none", "18446744073709551615"] {
        assert_eq!(status(&bank, query(wrong, "4420")).await, CommandStatus::ESME_RBCASTQUERYFAIL, "{wrong}");
        assert_eq!(status(&bank, cancel(wrong, "4420")).await, CommandStatus::ESME_RBCASTCANCELFAIL);
        let replace = BroadcastSm {
            message_id: wrong.parse().unwrap(),
            replace_if_present_flag: 1,
            ..broadcast("4420")
        };
        assert_eq!(status(&bank, replace).await, CommandStatus::ESME_RBCASTFAIL);
    }
    // A message is no broadcast, a source that it did not come from is wrong, and nothing names none.
    for (wrong, source) in [(&*receipt, "4420"), (&*id, "4421"), ("", "4420")] {
        let refused = status(&shop, query(wrong, source)).await;
        assert_eq!(refused, CommandStatus::ESME_RBCASTQUERYFAIL, "{wrong} {source}");
    }
    assert_eq!(status(&shop, cancel(&id, "4421")).await, CommandStatus::ESME_RBCASTCANCELFAIL);
    assert_eq!(came(&station), before, "none of it went through");
    // And a broadcast is no message.
    let message_id: CStr<65> = id.parse().unwrap();
    let source_addr = "4420".parse().unwrap();
    let asks: [Body; 3] = [
        QuerySm { message_id, source_addr, ..QuerySm::default() }.into(),
        CancelSm { message_id, source_addr, ..CancelSm::default() }.into(),
        ReplaceSm { message_id, source_addr, ..ReplaceSm::default() }.into(),
    ];
    for ask in asks {
        assert_eq!(status(&shop, ask).await, CommandStatus::ESME_RINVMSGID);
    }
    assert_eq!(state(&shop, &id, "4420").await, Ok(MessageState::ENROUTE));
    until("the message's receipt", secs(10), || shop.count() == 1).await;
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reference_leads_to_one_s_own_broadcast_only() {
    let (mc, _) = Station::start().await;
    let gateway = Gateway::start(&format!("{}{}", newest(&mc, ""), account("bank")));
    let (shop, bank) = (bind(&gateway, "shop").await, bind(&gateway, "bank").await);
    gateway.until_bound(1).await;
    let id = id_of(shop.ask(with_reference(&broadcast("4420"), 777)).await);
    let by = |reference| QueryBroadcastSm {
        tlvs: Tlvs::build().with(tag::user_message_reference, reference).done(),
        ..query("", "4420")
    };
    let (_, body) = shop.ask(by(777)).await;
    let Body::QueryBroadcastSmResp(resp) = body else { panic!("{body:?}") };
    assert_eq!(resp.message_id.to_text(), id);
    assert_eq!(status(&bank, by(777)).await, CommandStatus::ESME_RBCASTQUERYFAIL);
    assert_eq!(status(&shop, by(778)).await, CommandStatus::ESME_RINVMSGID, "as the message centre says");
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_is_replaced_under_its_id_and_all_of_a_source_are_withdrawn() {
    let (mc, station) = Station::start().await;
    let sources = "[account.sources]\nallowed = [\"4420\", \"4421\"]\n";
    let settings =
        newest(&mc, "").replace("password = \"secret\"\n", &format!("password = \"secret\"\n{sources}"));
    let mut gateway = Gateway::start(&settings);
    let esme = bind(&gateway, "shop").await;
    gateway.until_bound(1).await;
    let id = id_of(esme.ask(broadcast("4420")).await);
    let replaces = BroadcastSm {
        message_id: id.parse().unwrap(),
        replace_if_present_flag: 1,
        priority_flag: 1,
        ..broadcast("4420")
    };
    assert_eq!(id_of(esme.ask(replaces).await), id, "it keeps its id");
    {
        let station = station.lock().unwrap();
        assert_eq!(station.aired.len(), 1);
        assert_eq!(station.aired.values().next().unwrap().pdu.priority_flag, 1);
    }
    assert_eq!(state(&esme, &id, "4420").await, Ok(MessageState::ENROUTE));
    assert_eq!(status(&esme, cancel("", "4421")).await, CommandStatus::ESME_RBCASTCANCELFAIL);
    assert_eq!(status(&esme, cancel("", "4422")).await, CommandStatus::ESME_RINVSRCADR, "not its source");
    assert_eq!(status(&esme, cancel("", "4420")).await, CommandStatus::ESME_ROK);
    assert_eq!(state(&esme, &id, "4420").await, Ok(MessageState::DELETED));
    gateway.stop();
    let totals = gateway.finish();
    assert_eq!((totals.accepted, totals.delivered), (2, 2), "each broadcast_sm that was taken: {totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_is_checked_like_a_message() {
    let (mc, station) = Station::start().await;
    let limits = "throughput = 10\n[account.sources]\nallowed = [\"4420\"]\n";
    let settings =
        newest(&mc, "").replace("password = \"secret\"\n", &format!("password = \"secret\"\n{limits}"));
    let refusal = "[[route]]\nservice_type = \"WAP\"\nrefuse = \"ESME_RSERTYPUNAUTH\"\n[[route]]\ndestination_addr = \"44*\"\nto = \"up\"\n";
    let gateway = Gateway::start(&settings.replace("[[route]]\n", &format!("{refusal}[[route]]\n")));
    let esme = bind(&gateway, "shop").await;
    gateway.until_bound(1).await;
    assert_eq!(status(&esme, broadcast("4421")).await, CommandStatus::ESME_RINVSRCADR);
    let past =
        BroadcastSm { schedule_delivery_time: Time::absolute(now_ms() - 3_600_000), ..broadcast("4420") };
    assert_eq!(status(&esme, past).await, CommandStatus::ESME_RINVSCHED);
    let wap = BroadcastSm { service_type: "WAP".parse().unwrap(), ..broadcast("4420") };
    assert_eq!(status(&esme, wap).await, CommandStatus::ESME_RSERTYPUNAUTH);
    assert_eq!(came(&station), 0);
    id_of(esme.ask(broadcast("4420")).await);
    let mut throttled = false;
    for _ in 0..20 {
        throttled |= status(&esme, broadcast("4420")).await == CommandStatus::ESME_RTHROTTLED;
    }
    assert!(throttled);
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_message_centre_says_is_passed_on_and_what_cannot_go_through_is_refused_at_once() {
    let (mc, other) = (Mc::start(prompt).await, Mc::start(prompt).await);
    let connectors =
        format!("{}{}version = \"5.0\"\nresponse = \"1s\"\n", connector("old", &other), connector("up", &mc));
    let gateway =
        Gateway::start(&format!("{}{connectors}[[route]]\nto = [\"old\", \"up\"]\n", account("shop")));
    let esme = bind(&gateway, "shop").await;
    gateway.until_bound(2).await;
    // Not by the one that speaks 3.4.
    mc.others(|_| Some(Err(CommandStatus::ESME_RINVBCASTSRVGRP)));
    assert_eq!(status(&esme, broadcast("4420")).await, CommandStatus::ESME_RINVBCASTSRVGRP);
    // Taken without an id: nobody can ask for it.
    mc.others(|_| Some(Ok(BroadcastSmResp::default().into())));
    let nameless = id_of(esme.ask(broadcast("4420")).await);
    assert_eq!(status(&esme, query(&nameless, "4420")).await, CommandStatus::ESME_RBCASTQUERYFAIL);
    // Silence.
    mc.others(|_| None);
    assert_eq!(status(&esme, broadcast("4420")).await, CommandStatus::ESME_RBCASTFAIL);
    // The end of the connection.
    let broken = esme.ask(broadcast("4420"));
    let cut = async {
        tokio::time::sleep(millis(100)).await;
        mc.refuse_binds(true);
        mc.cut();
    };
    let ((status_then, _), ()) = tokio::join!(broken, cut);
    assert_eq!(status_then, CommandStatus::ESME_RBCASTFAIL);
    // Nobody there.
    until("gone", secs(10), || mc.bound() == 0).await;
    assert_eq!(status(&esme, broadcast("4420")).await, CommandStatus::ESME_RBCASTFAIL);
    assert_eq!(status(&esme, cancel("", "4420")).await, CommandStatus::ESME_RBCASTCANCELFAIL);
    let totals = gateway.finish();
    assert_eq!((totals.accepted, totals.open), (1, 0), "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_as_a_window_are_under_way_and_none_waits_behind_messages() {
    let (mc, _) = Station::start().await;
    // Messages are answered slowly, so that the window of two is always full.
    mc.script(|came| vec![Act::After(millis(40), Box::new(taken(format!("{}", came.number.unwrap_or(0)))))]);
    let gateway = Gateway::start(&newest(&mc, "window = 2\nresponse = \"1s\"\nreceipts = \"never\"\n"));
    let esme = bind(&gateway, "shop").await;
    gateway.until_bound(1).await;
    for number in 0..60 {
        esme.submit(submit("4420", "447700900123", &format!("#{number:08}"))).await.unwrap();
    }
    id_of(esme.ask(broadcast("4420")).await);
    assert!(mc.count() < 55, "it waited behind {} messages", mc.count());
    until("the messages are through", secs(20), || mc.count() == 60).await;
    mc.others(|_| None);
    esme.send(100, broadcast("4420"));
    esme.send(101, broadcast("4420"));
    assert_eq!(status(&esme, broadcast("4420")).await, CommandStatus::ESME_RMSGQFUL);
    // Their places are free again when their answers can no longer come.
    until("they are given up", secs(10), || esme.ledger.lock().unwrap().refused.len() == 2).await;
    let refused = esme.ledger.lock().unwrap().refused.clone();
    assert_eq!(refused[1], (101, CommandStatus::ESME_RBCASTFAIL));
    mc.others(|_| Some(Ok(BroadcastSmResp::default().into())));
    id_of(esme.ask(broadcast("4420")).await);
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_of_3_4_has_no_broadcasts() {
    let (mc, station) = Station::start().await;
    let gateway = Gateway::start(&newest(&mc, ""));
    let refused = raw_request(gateway.address, "shop", &broadcast("4420").into()).await;
    assert_eq!(refused, CommandStatus::ESME_RINVCMDID);
    assert_eq!(came(&station), 0);
    gateway.finish();
}
