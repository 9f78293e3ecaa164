//! query_sm, cancel_sm, replace_sm and replace_if_present, on messages in each state.

use std::time::Duration;

use smppkit_wire::field::{ShortMessage, Time};
use smppkit_wire::pdu::table::{CancelSm, QuerySm, ReplaceSm, SubmitSm};
use smppkit_wire::value::{MessageState, RegisteredDelivery};
use smppkit_wire::{Body, CommandStatus, Version};

use crate::harness::{
    Act, Esme, Gateway, Login, Mc, account, message, millis, prompt, receipt, secs, submit, taken, until,
    usual,
};

const SOURCE: &str = "4420";

async fn query(esme: &Esme, id: &str) -> Result<MessageState, CommandStatus> {
    let pdu = QuerySm {
        message_id: id.parse().expect("short"),
        source_addr: SOURCE.parse().expect("short"),
        ..QuerySm::default()
    };
    match esme.ask(pdu).await {
        (CommandStatus::ESME_ROK, Body::QuerySmResp(resp)) => {
            assert_eq!(resp.message_id.to_text(), id);
            Ok(resp.message_state)
        }
        (status, _) => Err(status),
    }
}

async fn cancel(esme: &Esme, id: &str, destination: &str) -> CommandStatus {
    let pdu = CancelSm {
        message_id: id.parse().expect("short"),
        source_addr: SOURCE.parse().expect("short"),
        destination_addr: destination.parse().expect("short"),
        ..CancelSm::default()
    };
    esme.ask(pdu).await.0
}

async fn replace(esme: &Esme, id: &str, text: &str) -> CommandStatus {
    let pdu = ReplaceSm {
        message_id: id.parse().expect("short"),
        source_addr: SOURCE.parse().expect("short"),
        registered_delivery: RegisteredDelivery::RECEIPT,
        short_message: ShortMessage::new(text.as_bytes().to_vec()).expect("short"),
        ..ReplaceSm::default()
    };
    esme.ask(pdu).await.0
}

fn in_an_hour(pdu: SubmitSm) -> SubmitSm {
    SubmitSm { schedule_delivery_time: Time::relative(Duration::from_secs(3_600)), ..pdu }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn query_sm_tells_each_state() {
    let mc = Mc::start(|came| {
        let id = format!("9{:05}", came.number.unwrap_or_default());
        match came.number {
            // Sent, and nothing is heard of it.
            Some(1) => vec![taken(id)],
            Some(5) => vec![Act::Answer(CommandStatus::ESME_RINVDSTADR, String::new())],
            _ => vec![taken(id.clone()), receipt(&came.pdu, &id)],
        }
    })
    .await;
    let gateway = Gateway::start(&usual(&mc));
    let esme = Esme::bind(gateway.address, Login::new("shop").version(Version::V50)).await;
    let older = Esme::bind(gateway.address, Login::new("shop")).await;
    let sent = esme.submit(message(1, "447700900123")).await.unwrap();
    let undeliverable = esme.submit(message(3, "447700900123")).await.unwrap();
    let delivered = esme.submit(message(4, "447700900123")).await.unwrap();
    let rejected = esme.submit(message(5, "447700900123")).await.unwrap();
    let scheduled = esme.submit(in_an_hour(message(7, "447700900123"))).await.unwrap();
    let short = SubmitSm { validity_period: Time::relative(secs(5)), ..message(8, "447700900123") };
    let cancelled = esme.submit(in_an_hour(message(10, "447700900123"))).await.unwrap();
    assert_eq!(cancel(&esme, &cancelled, "447700900123").await, CommandStatus::ESME_ROK);
    until("four are told", secs(10), || esme.count() + older.count() == 4).await;
    // Nobody takes it until it is too old.
    mc.down();
    until("nobody is bound", secs(5), || mc.bound() == 0).await;
    tokio::time::sleep(millis(200)).await;
    let expired = esme.submit(short).await.unwrap();
    for (id, state) in [
        (&sent, MessageState::ENROUTE),
        (&undeliverable, MessageState::UNDELIVERABLE),
        (&delivered, MessageState::DELIVERED),
        (&rejected, MessageState::REJECTED),
        (&scheduled, MessageState::SCHEDULED),
        (&cancelled, MessageState::DELETED),
        (&expired, MessageState::ENROUTE),
    ] {
        assert_eq!(query(&esme, id).await, Ok(state), "{id}");
    }
    assert_eq!(query(&older, &scheduled).await, Ok(MessageState::ENROUTE), "3.4 knows no SCHEDULED");
    until("the fifth is told", secs(15), || esme.count() + older.count() == 5).await;
    assert_eq!(query(&esme, &expired).await, Ok(MessageState::EXPIRED));
    assert_eq!(query(&esme, "1").await, Err(CommandStatus::ESME_RINVMSGID));
    assert_eq!(query(&esme, "no number").await, Err(CommandStatus::ESME_RINVMSGID));
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancel_sm_takes_back_what_waits_and_nothing_else() {
    let mc = Mc::start(|_| vec![taken("4711")]).await;
    let gateway = Gateway::start(&usual(&mc));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    let to = "447700900123";
    let waits = esme.submit(in_an_hour(message(1, to))).await.unwrap();
    let gone = esme.submit(message(2, to)).await.unwrap();
    until("it is upstream", secs(10), || mc.count() == 1).await;
    assert_eq!(cancel(&esme, &waits, to).await, CommandStatus::ESME_ROK);
    until("its receipt", secs(10), || esme.count() == 1).await;
    let told = esme.receipts().remove(0);
    assert_eq!((told.id, told.state), (waits.clone(), MessageState::DELETED));
    assert_eq!(cancel(&esme, &waits, to).await, CommandStatus::ESME_RCANCELFAIL, "a second time");
    assert_eq!(cancel(&esme, &gone, to).await, CommandStatus::ESME_RCANCELFAIL, "it is on its way");
    assert_eq!(cancel(&esme, "123456", to).await, CommandStatus::ESME_RINVMSGID);
    // By addresses: all that wait between the two.
    for number in 11..=15 {
        esme.submit(in_an_hour(message(number, to))).await.unwrap();
    }
    esme.submit(in_an_hour(message(16, "447700900999"))).await.unwrap();
    assert_eq!(cancel(&esme, "", to).await, CommandStatus::ESME_ROK);
    until("their receipts", secs(10), || esme.count() == 6).await;
    assert_eq!(cancel(&esme, "", to).await, CommandStatus::ESME_RCANCELFAIL, "none are left");
    assert_eq!(mc.numbers(), [2]);
    let totals = gateway.finish();
    assert_eq!((totals.cancelled, totals.open), (6, 2), "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replace_sm_changes_what_waits_and_nothing_else() {
    let mc = Mc::start(prompt).await;
    let gateway = Gateway::start(&usual(&mc));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    let to = "447700900123";
    let waits = SubmitSm { schedule_delivery_time: Time::relative(secs(3)), ..message(1, to) };
    let waits = esme.submit(waits).await.unwrap();
    assert_eq!(replace(&esme, &waits, "#00000007 instead").await, CommandStatus::ESME_ROK);
    until("it goes out when it was to", secs(10), || esme.count() == 1).await;
    assert_eq!(&mc.came()[0].pdu.short_message[..], b"#00000007 instead");
    assert_eq!(esme.receipts()[0].id, waits);
    assert_eq!(replace(&esme, &waits, "too late").await, CommandStatus::ESME_RREPLACEFAIL);
    assert_eq!(replace(&esme, "123456", "whose?").await, CommandStatus::ESME_RINVMSGID);
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replace_if_present_takes_the_place_of_one_that_waits() {
    let mc = Mc::start(prompt).await;
    let gateway = Gateway::start(&usual(&mc));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    let replaces = |pdu| SubmitSm { replace_if_present_flag: 1, ..pdu };
    let first = esme.submit(replaces(in_an_hour(message(1, "447700900123")))).await.unwrap();
    let other = esme.submit(replaces(in_an_hour(message(2, "447700900999")))).await.unwrap();
    assert_ne!(first, other, "between other numbers");
    let service = SubmitSm { service_type: "VMN".parse().unwrap(), ..in_an_hour(message(3, "447700900123")) };
    let third = esme.submit(replaces(service)).await.unwrap();
    assert_ne!(first, third, "of another service");
    // At once, in the place of the first.
    let second = esme.submit(replaces(message(4, "447700900123"))).await.unwrap();
    assert_eq!(second, first, "it keeps its id");
    until("its receipt", secs(10), || esme.count() == 1).await;
    assert_eq!(mc.numbers(), [4]);
    let next = esme.submit(replaces(message(5, "447700900123"))).await.unwrap();
    assert_ne!(next, first, "nothing waits there any more");
    until("its receipt", secs(10), || esme.count() == 2).await;
    let totals = gateway.finish();
    assert_eq!((totals.accepted, totals.open), (6, 2), "{totals:?}");
}

/// T29: nobody sees or touches what another account sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_s_messages_are_its_own() {
    let mc = Mc::start(|_| vec![taken("4711")]).await;
    let gateway = Gateway::start(&format!("{}{}", usual(&mc), account("bank")));
    let shop = Esme::bind(gateway.address, Login::new("shop")).await;
    let bank = Esme::bind(gateway.address, Login::new("bank")).await;
    let to = "447700900123";
    let id = shop.submit(in_an_hour(submit(SOURCE, to, "#00000001"))).await.unwrap();
    assert_eq!(query(&bank, &id).await, Err(CommandStatus::ESME_RINVMSGID));
    assert_eq!(cancel(&bank, &id, to).await, CommandStatus::ESME_RINVMSGID);
    assert_eq!(cancel(&bank, "", to).await, CommandStatus::ESME_RCANCELFAIL);
    assert_eq!(replace(&bank, &id, "mine now").await, CommandStatus::ESME_RINVMSGID);
    let replaces = SubmitSm { replace_if_present_flag: 1, ..in_an_hour(submit(SOURCE, to, "#00000002")) };
    assert_ne!(bank.submit(replaces).await.unwrap(), id);
    assert_eq!(query(&shop, &id).await, Ok(MessageState::ENROUTE), "it is still there");
    assert_eq!(cancel(&shop, &id, to).await, CommandStatus::ESME_ROK);
    let totals = gateway.finish();
    assert_eq!((totals.cancelled, totals.open), (1, 1), "{totals:?}");
}
