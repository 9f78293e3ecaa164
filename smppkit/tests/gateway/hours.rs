//! Hours of connectors, over the wire: they are written around the moment of the test, which then changes them.

use smppkit_wire::field::ShortMessage;
use smppkit_wire::pdu::table::{BroadcastSm, BroadcastSmResp, DeliverSm, QueryBroadcastSm};
use smppkit_wire::tlv::tag;
use smppkit_wire::{Body, CommandStatus, Tlvs, Version};

use crate::harness::{
    Act, Esme, Gateway, Login, Mc, account, connector, message, millis, now_ms, prompt, reach, secs, until,
};

/// A span of hours from so many minutes from now on, two hours long.
fn hours(from: i64) -> String {
    let clock = |minutes: i64| {
        let minute = (now_ms() / 60_000 + minutes).rem_euclid(24 * 60);
        format!("{:02}:{:02}", minute / 60, minute % 60)
    };
    format!("hours = \"{}-{}\"\n", clock(from), clock(from + 120))
}

fn open() -> String {
    hours(-60)
}

fn closed() -> String {
    hours(180)
}

fn settings(mc: &Mc, hours: &str) -> String {
    let routes = "[[route]]\nto = \"up\"\n[[mo_route]]\nto = \"shop\"\n";
    format!("{}{}{hours}{routes}", account("shop"), connector("up", mc))
}

async fn read_again(gateway: &Gateway, settings: &str) {
    let before = gateway.log().matches("read again").count();
    gateway.write(settings);
    gateway.signal("HUP");
    until("read again", secs(10), || gateway.log().matches("read again").count() > before).await;
}

/// A message from a handset goes through to the ESME, and its answer back.
async fn handset(mc: &Mc, esme: &Esme) {
    let (count, delivered) = (esme.count(), mc.delivered());
    mc.deliver(DeliverSm {
        source_addr: "447700900123".parse().expect("short"),
        destination_addr: "4420".parse().expect("short"),
        short_message: ShortMessage::new(&b"hello"[..]).expect("short"),
        ..DeliverSm::default()
    });
    until("it comes", secs(10), || esme.count() > count && mc.delivered() > delivered).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_its_hours_a_connector_stays_bound_and_is_sent_nothing_until_they_begin() {
    let mc = Mc::start(prompt).await;
    let gateway = Gateway::start(&settings(&mc, &closed()));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    gateway.until_bound(1).await;
    for number in 1..=3 {
        esme.submit(message(number, "447700900123")).await.unwrap();
    }
    handset(&mc, &esme).await;
    assert_eq!(mc.count(), 0, "nothing is sent");
    read_again(&gateway, &settings(&mc, &open())).await;
    until("all are sent and told of", secs(10), || esme.receipts().len() == 3).await;
    assert_eq!(mc.numbers(), [1, 2, 3]);
    assert!(mc.came().iter().all(|came| came.session == 1), "nobody was unbound for it");
    let totals = gateway.finish();
    assert_eq!(totals.open, 0, "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_hours_end_what_is_under_way_is_finished_and_the_rest_waits() {
    let answer = |came: &crate::harness::Came| {
        prompt(came).into_iter().map(|act| Act::After(millis(20), Box::new(act))).collect()
    };
    let mc = Mc::start(answer).await;
    let with = |hours: &str| settings(&mc, &format!("window = 2\n{hours}"));
    let gateway = Gateway::start(&with(&open()));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    gateway.until_bound(1).await;
    for number in 1..=100 {
        esme.submit(message(number, "447700900123")).await.unwrap();
    }
    reach("some are sent", secs(10), 5, || mc.count()).await;
    read_again(&gateway, &with(&closed())).await;
    handset(&mc, &esme).await;
    let sent = mc.count();
    assert!(sent < 90, "{sent} were sent before their hours had ended");
    until("those are told of", secs(10), || esme.receipts().len() == sent).await;
    handset(&mc, &esme).await;
    assert_eq!(mc.count(), sent, "and no other is sent");
    read_again(&gateway, &with("")).await;
    until("the rest is, too", secs(20), || esme.receipts().len() == 100).await;
    assert_eq!(mc.numbers(), (1..=100).collect::<Vec<u64>>(), "each once, in their order");
    let totals = gateway.finish();
    assert_eq!(totals.open, 0, "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_goes_another_way_while_its_first_connector_is_closed() {
    let (day, always) = (Mc::start(prompt).await, Mc::start(prompt).await);
    let with = |hours: &str| {
        let connectors = format!("{}{hours}{}", connector("day", &day), connector("always", &always));
        format!("{}{connectors}[[route]]\nto = [\"day\", \"always\"]\n", account("shop"))
    };
    let gateway = Gateway::start(&with(&closed()));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    gateway.until_bound(2).await;
    esme.submit(message(1, "447700900123")).await.unwrap();
    until("the other way", secs(10), || always.numbers() == [1]).await;
    read_again(&gateway, &with(&open())).await;
    esme.submit(message(2, "447700900123")).await.unwrap();
    until("the first way", secs(10), || day.numbers() == [2]).await;
    until("both are told of", secs(10), || esme.receipts().len() == 2).await;
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_does_not_wait_for_hours_and_questions_about_it_need_none() {
    let mc = Mc::start(prompt).await;
    mc.others(|body| match body {
        Body::BroadcastSm(_) => {
            let message_id = "B1".parse().expect("short");
            Some(Ok(BroadcastSmResp { message_id, ..BroadcastSmResp::default() }.into()))
        }
        _ => Some(Err(CommandStatus::ESME_RINVBCASTSRVGRP)),
    });
    let with = |hours: &str| settings(&mc, &format!("version = \"5.0\"\n{hours}"));
    let gateway = Gateway::start(&with(&open()));
    let esme = Esme::bind(gateway.address, Login::new("shop").version(Version::V50)).await;
    gateway.until_bound(1).await;
    let tlvs = Tlvs::build()
        .with(tag::broadcast_area_identifier, b"\0London")
        .with(tag::broadcast_content_type, &[1, 0, 0x10][..])
        .with(tag::broadcast_rep_num, 10)
        .with(tag::broadcast_frequency_interval, &[9, 0, 5][..]);
    let broadcast = BroadcastSm { tlvs: tlvs.done(), ..BroadcastSm::default() };
    let (_, body) = esme.ask(broadcast.clone()).await;
    let Body::BroadcastSmResp(resp) = body else { panic!("{body:?}") };
    read_again(&gateway, &with(&closed())).await;
    assert_eq!(esme.ask(broadcast).await.0, CommandStatus::ESME_RBCASTFAIL);
    let query = QueryBroadcastSm { message_id: resp.message_id, ..QueryBroadcastSm::default() };
    let said = esme.ask(query).await.0;
    assert_eq!(said, CommandStatus::ESME_RINVBCASTSRVGRP, "as the message centre says");
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_hours_change_nothing_and_the_log_says_where() {
    let mc = Mc::start(prompt).await;
    let gateway = Gateway::start(&settings(&mc, &open()));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    gateway.write(&settings(&mc, "hours = \"mon-fri 8-20\"\n"));
    gateway.signal("HUP");
    until("it is said", secs(10), || gateway.log().contains("stay as they were")).await;
    let log = gateway.log();
    // data and listen are two lines in front.
    assert!(log.contains(":12:9") && log.contains("mon-fri 08:00-20:00"), "{log}");
    esme.submit(message(1, "447700900123")).await.unwrap();
    until("it goes on", secs(10), || esme.receipts().len() == 1).await;
    gateway.finish();
}
