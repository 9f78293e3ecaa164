//! The life of a message, from submit_sm to its receipt, for each kind of ESME.

use smppkit_net::BindMode;
use smppkit_wire::field::{DestAddress, DestAddresses, ShortMessage};
use smppkit_wire::pdu::table::{DataSm, DeliverSm, SubmitMulti, SubmitSm};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::{EsmClass, MessageState, Npi, RegisteredDelivery, Ton};
use smppkit_wire::{Body, CommandStatus, Tag, Tlvs, Version};

use crate::harness::{
    Act, Esme, Gateway, Login, Mc, account, connector, message, millis, outcome, receipt, secs, submit,
    taken, until, usual,
};

/// Takes each message and tells its outcome at once.
async fn prompt() -> Mc {
    let mut ids = 7_000_000;
    Mc::start(move |came| {
        ids += 1;
        vec![taken(ids.to_string()), receipt(&came.pdu, &ids.to_string())]
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_goes_up_whole_and_its_receipt_comes_down() {
    let mc = prompt().await;
    let gateway = Gateway::start(&usual(&mc));
    let esme = Esme::bind(gateway.address, Login::new("shop").version(Version::V50)).await;
    let private = Tag(0x1401);
    let pdu = SubmitSm {
        service_type: "CMT".parse().unwrap(),
        protocol_id: 0x41,
        tlvs: Tlvs::build().with(tag::user_message_reference, 77).with_octets(private, b"own").done(),
        ..submit("4420", "447700900123", "#00000004 and more")
    };
    let id = esme.submit(pdu.clone()).await.unwrap();
    until("a receipt", secs(10), || esme.count() == 1).await;
    let came = mc.came().remove(0).pdu;
    assert_eq!((came.service_type, came.protocol_id), (pdu.service_type, pdu.protocol_id));
    assert_eq!((came.source_addr, came.destination_addr), (pdu.source_addr, pdu.destination_addr));
    assert_eq!(came.short_message, pdu.short_message);
    assert_eq!(came.tlvs.octets(private).as_deref(), Some(&b"own"[..]));
    let told = esme.receipts().remove(0);
    let (state, err) = outcome(4);
    assert_eq!((told.id, told.state, told.err, told.number), (id, state, err, Some(4)));
    assert_eq!((told.source, told.destination), (pdu.destination_addr, pdu.source_addr));
    let Body::DeliverSm(body) = esme.came().remove(0) else { panic!("not a deliver_sm") };
    assert_eq!(body.tlvs.get(tag::user_message_reference), Some(77), "the ESME's own number comes back");
    let totals = gateway.finish();
    assert_eq!((totals.accepted, totals.delivered, totals.open), (2, 2, 0), "the message and its receipt");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_no_receipt_gets_none_and_who_asks_for_failures_gets_those() {
    let mc = prompt().await;
    let gateway = Gateway::start(&usual(&mc));
    let esme = Esme::bind(gateway.address, Login::new("shop").version(Version::V50)).await;
    for (number, asked) in [
        (1, RegisteredDelivery::NONE),
        (3, RegisteredDelivery::NONE),
        (4, RegisteredDelivery::RECEIPT_ON_FAILURE),
        (6, RegisteredDelivery::RECEIPT_ON_FAILURE),
        (7, RegisteredDelivery::RECEIPT_ON_SUCCESS),
        (9, RegisteredDelivery::RECEIPT_ON_SUCCESS),
    ] {
        let pdu = SubmitSm { registered_delivery: asked, ..message(number, "447700900123") };
        esme.submit(pdu).await.unwrap();
    }
    until("all are told", secs(10), || mc.delivered() == 6 && esme.count() == 2).await;
    tokio::time::sleep(millis(100)).await;
    let mut told: Vec<_> = esme.receipts().into_iter().map(|told| (told.number, told.state)).collect();
    told.sort_by_key(|(number, _)| *number);
    assert_eq!(told, [(Some(6), MessageState::UNDELIVERABLE), (Some(7), MessageState::DELIVERED)]);
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transmitter_sends_and_a_receiver_of_the_account_is_told() {
    let mc = prompt().await;
    let gateway = Gateway::start(&usual(&mc));
    let sends = Esme::bind(gateway.address, Login::new("shop").mode(BindMode::Transmitter)).await;
    let receives = Esme::bind(gateway.address, Login::new("shop").mode(BindMode::Receiver)).await;
    let id = sends.submit(message(4, "447700900123")).await.unwrap();
    until("a receipt", secs(10), || receives.count() == 1).await;
    assert_eq!(receives.receipts()[0].id, id);
    assert_eq!(sends.count(), 0);
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_wait_for_an_account_that_is_not_bound() {
    let mc = prompt().await;
    let mut gateway = Gateway::start(&usual(&mc));
    let sends = Esme::bind(gateway.address, Login::new("shop").mode(BindMode::Transmitter)).await;
    for number in 1..=50 {
        sends.send(number, message(number, "447700900123"));
    }
    until("all receipts are in", secs(10), || mc.delivered() == 50).await;
    sends.unbind().await;
    // They wait on disk.
    gateway.stop();
    gateway.run();
    let login = Login::new("shop").mode(BindMode::Receiver);
    let receives = Esme::try_bind(gateway.address, login, sends.ledger.clone(), None).await.unwrap();
    until("all are told", secs(10), || receives.count() == 50).await;
    assert_eq!(receives.check_receipts(), 0);
    let totals = gateway.finish();
    assert_eq!((totals.accepted, totals.open), (100, 0), "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_from_a_handset_reaches_the_account_of_its_route() {
    let mc = prompt().await;
    let routes = "[[mo_route]]\ndestination_addr = \"12345\"\nto = \"shop\"\n";
    let gateway = Gateway::start(&format!("{}{}{routes}", usual(&mc), account("bank")));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    let other = Esme::bind(gateway.address, Login::new("bank")).await;
    until("bound upstream", secs(10), || mc.bound() == 1).await;
    let from_handset = |destination: &str, text: &str| DeliverSm {
        source_addr: "447700900123".parse().unwrap(),
        destination_addr: destination.parse().unwrap(),
        short_message: ShortMessage::new(text.as_bytes().to_vec()).unwrap(),
        tlvs: Tlvs::build().with(tag::user_response_code, 3).done(),
        ..DeliverSm::default()
    };
    let sent = from_handset("12345", "id: please call me, stat: home");
    mc.deliver(sent.clone());
    until("the message", secs(10), || esme.count() == 1).await;
    assert_eq!(esme.came(), [sent.into()]);
    // Nobody's: it is refused for good.
    mc.deliver(from_handset("99999", "x"));
    until("a refusal", secs(10), || !mc.refused().is_empty()).await;
    assert_eq!(mc.refused(), [CommandStatus::ESME_RX_P_APPN]);
    assert_eq!(other.count(), 0);
    let totals = gateway.finish();
    assert_eq!((totals.accepted, totals.delivered), (1, 1), "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_esme_of_3_3_has_eight_hexadecimal_digits_everywhere() {
    let mc = prompt().await;
    let gateway = Gateway::start(&usual(&mc));
    let sends =
        Esme::bind(gateway.address, Login::new("shop").version(Version::V33).mode(BindMode::Transmitter))
            .await;
    let receives =
        Esme::bind(gateway.address, Login::new("shop").version(Version::V33).mode(BindMode::Receiver)).await;
    let mut ids = Vec::new();
    for number in 1..=20 {
        let id = sends.submit(message(number, "447700900123")).await.unwrap();
        assert!(id.len() == 8 && id.bytes().all(|octet| octet.is_ascii_hexdigit()), "{id:?}");
        ids.push(id);
    }
    until("all are told", secs(10), || receives.count() == 20).await;
    let mut told: Vec<(Option<u64>, String)> =
        receives.receipts().into_iter().map(|told| (told.number, told.id)).collect();
    told.sort();
    let wanted: Vec<_> = ids.into_iter().enumerate().map(|(at, id)| (Some(at as u64 + 1), id)).collect();
    assert_eq!(told, wanted);
    let Body::DeliverSm(body) = receives.came().remove(0) else { panic!("not a deliver_sm") };
    assert!(body.tlvs.is_empty(), "3.3 knows no TLVs: {:?}", body.tlvs);
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submit_multi_with_one_bad_destination_reaches_the_others() {
    let mc = prompt().await;
    let rule = "[[route]]\ndestination_addr = \"44*\"\nto = \"up\"\n";
    let gateway = Gateway::start(&format!("{}{}{rule}", account("shop"), connector("up", &mc)));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    let destination = |text: &str| DestAddress::Sme {
        ton: Ton::default(),
        npi: Npi::default(),
        addr: text.parse().unwrap(),
    };
    let all = ["447700900001", "990000000000", "447700900002", "447700900001"].map(destination);
    let one = message(4, "1");
    let multi = SubmitMulti {
        source_addr: one.source_addr,
        dest_address: DestAddresses::new(&all).unwrap(),
        registered_delivery: one.registered_delivery,
        short_message: one.short_message,
        ..SubmitMulti::default()
    };
    let (status, body) = esme.ask(multi).await;
    let Body::SubmitMultiResp(resp) = body else { panic!("{status} {body:?}") };
    assert_eq!(status, CommandStatus::ESME_ROK);
    let bad: Vec<_> = resp.unsuccess_sme.iter().collect();
    assert_eq!(bad.len(), 1);
    assert_eq!(bad[0].addr.to_text(), "990000000000");
    assert_eq!(bad[0].error_status_code, CommandStatus::ESME_RINVDSTADR);
    until("a receipt of each", secs(10), || esme.count() == 2).await;
    let mut to: Vec<String> = mc.came().iter().map(|came| came.pdu.destination_addr.to_text()).collect();
    to.sort();
    assert_eq!(to, ["447700900001", "447700900002"], "the same destination twice is one message");
    assert!(esme.receipts().iter().all(|told| told.id == resp.message_id.to_text()), "all share the id");
    let totals = gateway.finish();
    assert_eq!((totals.accepted, totals.open), (4, 0), "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_sm_is_a_message_like_others() {
    let mc = prompt().await;
    let gateway = Gateway::start(&usual(&mc));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    let pdu = DataSm {
        source_addr: "4420".parse().unwrap(),
        destination_addr: "447700900123".parse().unwrap(),
        registered_delivery: RegisteredDelivery::RECEIPT,
        tlvs: Tlvs::build().with(tag::message_payload, b"#00000004").done(),
        ..DataSm::default()
    };
    let (status, body) = esme.ask(pdu).await;
    let Body::DataSmResp(resp) = body else { panic!("{status} {body:?}") };
    until("a receipt", secs(10), || esme.count() == 1).await;
    assert_eq!(esme.receipts()[0].id, resp.message_id.to_text());
    let came = mc.came().remove(0).pdu;
    let payload = came.tlvs.get(tag::message_payload).unwrap_or(&came.short_message);
    assert_eq!(payload, b"#00000004");
    gateway.finish();
}

/// Receipts as data_sm, where an account wants them so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_may_have_its_receipts_as_data_sm() {
    let mc = prompt().await;
    let account = format!("{}receipts = {{ form = \"data_sm\" }}\n", account("shop"));
    let gateway = Gateway::start(&format!("{account}{}[[route]]\nto = \"up\"\n", connector("up", &mc)));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    let id = esme.submit(message(4, "447700900123")).await.unwrap();
    until("a receipt", secs(10), || esme.count() == 1).await;
    let Body::DataSm(told) = esme.came().remove(0) else { panic!("not a data_sm") };
    assert_eq!(told.esm_class, EsmClass::DELIVERY_RECEIPT);
    assert_eq!(told.tlvs.get(tag::receipted_message_id).unwrap().to_text(), id);
    assert_eq!(told.tlvs.get(tag::message_state), Some(MessageState::DELIVERED));
    gateway.finish();
}

/// A state on the way is told to who asked for it, and ends nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_intermediate_notification_is_passed_on_and_the_receipt_still_comes() {
    let mc = Mc::start(|came| {
        let shape = crate::harness::Shape {
            in_text: true,
            in_tlv: true,
            esm_class: EsmClass::INTERMEDIATE_NOTIFICATION,
        };
        let on_the_way = crate::harness::receipt_by(&came.pdu, "4711", shape);
        let end = Act::After(millis(200), Box::new(receipt(&came.pdu, "4711")));
        vec![taken("4711"), Act::Deliver(on_the_way), end]
    })
    .await;
    let gateway = Gateway::start(&usual(&mc));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    let asked = RegisteredDelivery(RegisteredDelivery::RECEIPT.0 | RegisteredDelivery::INTERMEDIATE.0);
    esme.submit(SubmitSm { registered_delivery: asked, ..message(4, "447700900123") }).await.unwrap();
    until("both", secs(10), || esme.count() == 2).await;
    let classes: Vec<EsmClass> = esme
        .came()
        .iter()
        .map(|body| match body {
            Body::DeliverSm(pdu) => pdu.esm_class,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(classes, [EsmClass::INTERMEDIATE_NOTIFICATION, EsmClass::DELIVERY_RECEIPT]);
    gateway.finish();
}
