//! What the message centre does, on virtual time: no sockets, no waiting.

mod limits;

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use smppkit_session::{Asked, Bind, BindMode, BindRequest};
use smppkit_wire::field::{CStr, DestAddress, DestAddresses, ShortMessage, Time};
use smppkit_wire::pdu::table::{
    BroadcastSm, CancelBroadcastSm, CancelSm, DataSm, DeliverSm, QueryBroadcastSm, QueryLastMsgs,
    QueryMsgDetails, QuerySm, ReplaceSm, SubmitMulti, SubmitSm,
};
use smppkit_wire::receipt::ReceiptText;
use smppkit_wire::tlv::tag;
use smppkit_wire::value::{EsmClass, MessageState, MessageType, Npi, RegisteredDelivery, Ton};
use smppkit_wire::{Body, CommandStatus, PduType, Tlvs, Version};

use super::{Bound, HeldAnswer, Plan, Smsc, Taken};
use crate::dialect::Dialect;
use crate::settings::{Account, SmscSettings};

/// 2026-11-22T12:00:00Z.
const NOON: i64 = 1_795_348_800_000;

/// Delivered after ten seconds.
const PLAN: Plan = Plan::delivered(Duration::from_secs(10));

struct Centre {
    smsc: Smsc,
    now: i64,
}

impl Centre {
    fn new() -> Self {
        Self::with(SmscSettings {
            receipt_delay: Duration::from_secs(10).into(),
            mo_numbers: vec!["999".into()],
            ..SmscSettings::default()
        })
    }

    fn with(config: SmscSettings) -> Self {
        Self { smsc: Smsc::new(&Arc::new(config), Arc::new(Dialect::default()), 1), now: NOON }
    }

    fn bind(&mut self, system_id: &str, mode: BindMode, version: Version) -> Bound {
        let bind = Bind::new(system_id, "secret").unwrap();
        self.smsc.bind(&BindRequest { mode, bind }, version, &Arc::default()).unwrap()
    }

    fn esme(&mut self) -> Bound {
        self.bind("esme", BindMode::Transceiver, Version::V50)
    }

    fn submit(&mut self, from: &Bound, pdu: &SubmitSm) -> Result<CStr<65>, CommandStatus> {
        let plan = Plan::delivered(self.smsc.config.receipt_delay.longest());
        match self.smsc.submit_sm(self.now, from, asked(), pdu, &plan)? {
            Taken::Now(id) => Ok(id),
            Taken::After(..) | Taken::Later => panic!("the answer was held back"),
        }
    }

    fn state(&self, from: &Bound, message_id: CStr<65>) -> MessageState {
        let query = QuerySm { message_id, source_addr: source(), ..QuerySm::default() };
        self.smsc.query_sm(self.now, from, &query).unwrap().message_state
    }

    fn after(&mut self, seconds: i64) -> &mut Self {
        self.now += seconds * 1_000;
        self.smsc.run_due(self.now, &Context::from_waker(Waker::noop()));
        self
    }

    fn delivered(&mut self, to: &Bound) -> Vec<Body> {
        core::iter::from_fn(|| self.smsc.next_delivery(to)).map(|delivery| delivery.body).collect()
    }

    fn receipts(&mut self, to: &Bound) -> Vec<(EsmClass, String, MessageState)> {
        self.delivered(to).into_iter().filter_map(DeliverSm::from_body).map(|pdu| read(&pdu)).collect()
    }
}

fn asked() -> Asked {
    Asked { sequence_number: 7, command_id: SubmitSm::COMMAND_ID }
}

fn source() -> CStr<21> {
    "1234".parse().unwrap()
}

fn message(registered_delivery: u8) -> SubmitSm {
    SubmitSm {
        source_addr: source(),
        destination_addr: "447700900123".parse().unwrap(),
        registered_delivery: RegisteredDelivery(registered_delivery),
        short_message: ShortMessage::new(&b"Hello"[..]).unwrap(),
        ..SubmitSm::default()
    }
}

/// What a receipt says; text and TLVs must agree.
fn read(pdu: &DeliverSm) -> (EsmClass, String, MessageState) {
    let text = ReceiptText::parse(&pdu.short_message).unwrap();
    let id = pdu.tlvs.get(tag::receipted_message_id).unwrap().to_text();
    let state = pdu.tlvs.get(tag::message_state).unwrap();
    assert_eq!((text.id, text.state()), (Some(id.as_str()), Some(state)));
    (pdu.esm_class, id, state)
}

#[test]
fn every_registered_delivery_gets_what_it_asks_for_when_delivered_and_when_expired() {
    let soon = Time::relative(Duration::from_secs(5));
    for (registered, on_success, on_failure) in
        [(0, 0, 0), (1, 1, 1), (2, 0, 1), (3, 1, 0), (0x10, 1, 1), (0x11, 2, 2), (0x12, 1, 2), (0x13, 2, 1)]
    {
        for (validity_period, wanted) in [(Time::NONE, on_success), (soon, on_failure)] {
            let mut centre = Centre::new();
            let esme = centre.esme();
            let id = centre.submit(&esme, &SubmitSm { validity_period, ..message(registered) }).unwrap();
            centre.after(0).after(20);
            let receipts = centre.receipts(&esme);
            assert_eq!(receipts.len(), wanted, "registered_delivery {registered:#x}, {validity_period:?}");
            for (kind, of, state) in receipts {
                assert_eq!(of, id.to_text());
                let last =
                    if validity_period == soon { MessageState::EXPIRED } else { MessageState::DELIVERED };
                match kind.message_type() {
                    MessageType::IntermediateNotification => assert_eq!(state, MessageState::ENROUTE),
                    MessageType::DeliveryReceipt => assert_eq!(state, last),
                    kind => panic!("{kind:?}"),
                }
            }
        }
    }
}

#[test]
fn a_receipt_swaps_the_addresses_and_returns_the_reference() {
    let mut centre = Centre::new();
    let esme = centre.esme();
    let tlvs = Tlvs::build().with(tag::user_message_reference, 0xBEEF).done();
    let pdu = SubmitSm { dest_addr_ton: Ton::INTERNATIONAL, dest_addr_npi: Npi::ISDN, tlvs, ..message(1) };
    centre.submit(&esme, &pdu).unwrap();
    let Body::DeliverSm(receipt) = centre.after(10).delivered(&esme).remove(0) else { panic!() };
    assert_eq!(receipt.source_addr, pdu.destination_addr);
    assert_eq!((receipt.source_addr_ton, receipt.source_addr_npi), (Ton::INTERNATIONAL, Npi::ISDN));
    assert_eq!(receipt.destination_addr, pdu.source_addr);
    assert_eq!(receipt.tlvs.get(tag::user_message_reference), Some(0xBEEF));
}

#[test]
fn receipts_wait_for_any_receiving_bind_of_the_account_and_for_no_other() {
    let mut centre = Centre::new();
    let sender = centre.bind("esme", BindMode::Transmitter, Version::V34);
    centre.submit(&sender, &message(1)).unwrap();
    centre.after(10);
    let other = centre.bind("other", BindMode::Transceiver, Version::V34);
    assert!(centre.delivered(&other).is_empty());
    let receiver = centre.bind("esme", BindMode::Receiver, Version::V34);
    assert_eq!(centre.receipts(&receiver).len(), 1);
}

#[test]
fn schedule_and_validity_are_honoured_to_the_second() {
    let mut centre = Centre::new();
    let esme = centre.esme();
    let schedule_delivery_time = Time::absolute(NOON + 60_000);
    let validity_period = Time::absolute(NOON + 65_000);
    let id =
        centre.submit(&esme, &SubmitSm { schedule_delivery_time, validity_period, ..message(1) }).unwrap();
    assert_eq!(centre.after(59).state(&esme, id), MessageState::SCHEDULED);
    let older = centre.bind("esme", BindMode::Transceiver, Version::V34);
    assert_eq!(centre.state(&older, id), MessageState::ENROUTE, "3.4 has no SCHEDULED");
    assert_eq!(centre.after(1).state(&esme, id), MessageState::ENROUTE);
    assert!(centre.after(4).receipts(&esme).is_empty());
    assert_eq!(centre.after(1).receipts(&esme)[0].2, MessageState::EXPIRED);
}

#[test]
fn times_in_the_past_and_in_the_wrong_order_are_refused() {
    let mut centre = Centre::new();
    let esme = centre.esme();
    let past = Time::absolute(NOON - 3_600_000);
    let refused = centre.submit(&esme, &SubmitSm { schedule_delivery_time: past, ..message(0) });
    assert_eq!(refused, Err(CommandStatus::ESME_RINVSCHED));
    let refused = centre.submit(&esme, &SubmitSm { validity_period: past, ..message(0) });
    assert_eq!(refused, Err(CommandStatus::ESME_RINVEXPIRY));
    let (schedule_delivery_time, validity_period) =
        (Time::absolute(NOON + 60_000), Time::absolute(NOON + 30_000));
    let refused = centre.submit(&esme, &SubmitSm { schedule_delivery_time, validity_period, ..message(0) });
    assert_eq!(refused, Err(CommandStatus::ESME_RINVEXPIRY));
}

#[test]
fn query_answers_the_owner_only_and_needs_the_source() {
    let mut centre = Centre::new();
    let esme = centre.esme();
    let message_id = centre.submit(&esme, &message(0)).unwrap();
    let query = QuerySm { message_id, source_addr: source(), ..QuerySm::default() };
    let answer = centre.smsc.query_sm(centre.now, &esme, &query).unwrap();
    assert_eq!((answer.message_state, answer.final_date.as_cstr().len()), (MessageState::ENROUTE, 0));
    centre.after(10);
    let answer = centre.smsc.query_sm(centre.now, &esme, &query).unwrap();
    assert_eq!(answer.message_state, MessageState::DELIVERED);
    assert_eq!(*answer.final_date.as_cstr(), "261122120010000+");
    let other = centre.bind("other", BindMode::Transceiver, Version::V50);
    assert_eq!(centre.smsc.query_sm(centre.now, &other, &query).unwrap_err(), CommandStatus::ESME_RINVMSGID);
    let wrong = QuerySm { source_addr: "9".parse().unwrap(), ..query };
    assert_eq!(centre.smsc.query_sm(centre.now, &esme, &wrong).unwrap_err(), CommandStatus::ESME_RQUERYFAIL);
}

#[test]
fn a_cancelled_message_is_reported_deleted_and_cannot_be_cancelled_again() {
    let mut centre = Centre::new();
    let esme = centre.esme();
    let message_id = centre.submit(&esme, &message(1)).unwrap();
    let cancel = CancelSm { message_id, source_addr: source(), ..CancelSm::default() };
    assert_eq!(centre.smsc.cancel_sm(centre.now, &esme, &cancel), Ok(()));
    assert_eq!(centre.receipts(&esme)[0].2, MessageState::DELETED);
    assert_eq!(centre.state(&esme, message_id), MessageState::DELETED);
    assert_eq!(centre.smsc.cancel_sm(centre.now, &esme, &cancel), Err(CommandStatus::ESME_RCANCELFAIL));
    assert!(centre.after(20).delivered(&esme).is_empty(), "one receipt, not two");
}

#[test]
fn a_group_cancel_takes_all_between_two_addresses_and_fails_when_there_are_none() {
    let mut centre = Centre::new();
    let esme = centre.esme();
    let ids = [centre.submit(&esme, &message(0)).unwrap(), centre.submit(&esme, &message(0)).unwrap()];
    let elsewhere = SubmitSm { destination_addr: "1".parse().unwrap(), ..message(0) };
    let other = centre.submit(&esme, &elsewhere).unwrap();
    let cancel = CancelSm {
        source_addr: source(),
        destination_addr: message(0).destination_addr,
        ..CancelSm::default()
    };
    assert_eq!(centre.smsc.cancel_sm(centre.now, &esme, &cancel), Ok(()));
    for id in ids {
        assert_eq!(centre.state(&esme, id), MessageState::DELETED);
    }
    assert_eq!(centre.state(&esme, other), MessageState::ENROUTE);
    assert_eq!(centre.smsc.cancel_sm(centre.now, &esme, &cancel), Err(CommandStatus::ESME_RCANCELFAIL));
}

#[test]
fn replace_sm_changes_text_and_time_of_a_pending_message() {
    let mut centre = Centre::new();
    let esme = centre.esme();
    let to_self = SubmitSm { destination_addr: "999".parse().unwrap(), ..message(0) };
    let message_id = centre.submit(&esme, &to_self).unwrap();
    let replace = ReplaceSm {
        message_id,
        source_addr: source(),
        schedule_delivery_time: Time::relative(Duration::from_secs(60)),
        short_message: ShortMessage::new(&b"New"[..]).unwrap(),
        ..ReplaceSm::default()
    };
    assert_eq!(centre.smsc.replace_sm(centre.now, &esme, &replace), Ok(()));
    assert!(centre.after(30).delivered(&esme).is_empty(), "it waits for its new time");
    let Body::DeliverSm(delivered) = centre.after(40).delivered(&esme).remove(0) else { panic!() };
    assert_eq!(&delivered.short_message[..], b"New");
    assert_eq!(centre.smsc.replace_sm(centre.now, &esme, &replace), Err(CommandStatus::ESME_RREPLACEFAIL));
}

#[test]
fn replace_sm_changes_all_copies_of_a_submit_multi_and_takes_a_predefined_text() {
    let mut centre = Centre::new();
    let esme = centre.esme();
    let to = |addr: &str| DestAddress::Sme {
        ton: Ton::INTERNATIONAL,
        npi: Npi::ISDN,
        addr: addr.parse().unwrap(),
    };
    let multi = SubmitMulti {
        source_addr: source(),
        dest_address: DestAddresses::new([&to("1"), &to("2")]).unwrap(),
        registered_delivery: RegisteredDelivery(1),
        ..SubmitMulti::default()
    };
    let id = centre.smsc.submit_multi(centre.now, &esme, &multi, |_| Ok(PLAN)).unwrap().message_id;
    let replace = ReplaceSm {
        message_id: id,
        source_addr: source(),
        registered_delivery: RegisteredDelivery(1),
        sm_default_msg_id: 7,
        ..ReplaceSm::default()
    };
    centre.smsc.replace_sm(centre.now, &esme, &replace).unwrap();
    let texts: Vec<_> = centre.smsc.latest(2).into_iter().map(|(_, message)| message.text()).collect();
    assert_eq!(texts, ["Predefined message 7", "Predefined message 7"]);
    assert_eq!(centre.after(20).receipts(&esme).len(), 2);
    assert_eq!(centre.smsc.replace_sm(centre.now, &esme, &replace), Err(CommandStatus::ESME_RREPLACEFAIL));
}

#[test]
fn replace_if_present_keeps_the_id_and_without_a_match_makes_a_new_message() {
    let mut centre = Centre::new();
    let esme = centre.esme();
    let flagged = SubmitSm { replace_if_present_flag: 1, ..message(1) };
    let first = centre.submit(&esme, &flagged).unwrap();
    centre.after(5);
    let second = centre.submit(&esme, &flagged).unwrap();
    assert_eq!(first, second);
    let other_service = SubmitSm { service_type: "CMT".parse().unwrap(), ..flagged };
    assert_ne!(centre.submit(&esme, &other_service).unwrap(), first);
    assert!(centre.after(9).receipts(&esme).is_empty(), "the replacement began anew");
    assert_eq!(centre.after(1).receipts(&esme).len(), 2);
}

#[test]
fn replace_if_present_with_a_schedule_makes_the_message_scheduled() {
    let mut centre = Centre::new();
    let esme = centre.esme();
    let first = centre.submit(&esme, &message(1)).unwrap();
    let schedule_delivery_time = Time::absolute(NOON + 3_600_000);
    let later = SubmitSm { replace_if_present_flag: 1, schedule_delivery_time, ..message(1) };
    assert_eq!(centre.submit(&esme, &later).unwrap(), first);
    assert_eq!(centre.state(&esme, first), MessageState::SCHEDULED);
}

#[test]
fn replace_if_present_hits_the_right_copy_of_a_submit_multi() {
    let mut centre = Centre::new();
    let esme = centre.esme();
    let own: CStr<21> = "999".parse().unwrap();
    let sme = |addr| DestAddress::Sme { ton: Ton::UNKNOWN, npi: Npi::UNKNOWN, addr };
    let multi = SubmitMulti {
        source_addr: source(),
        dest_address: DestAddresses::new(&["1".parse().unwrap(), own].map(sme)).unwrap(),
        ..SubmitMulti::default()
    };
    centre.smsc.submit_multi(centre.now, &esme, &multi, |_| Ok(PLAN)).unwrap();
    let replacing = SubmitSm { destination_addr: own, replace_if_present_flag: 1, ..message(0) };
    centre.submit(&esme, &replacing).unwrap();
    let Body::DeliverSm(delivered) = centre.after(10).delivered(&esme).remove(0) else { panic!() };
    assert_eq!(&delivered.short_message[..], b"Hello");
}

#[test]
fn a_transaction_is_answered_with_its_outcome() {
    for (validity_period, status) in [
        (Time::NONE, CommandStatus::ESME_ROK),
        (Time::relative(Duration::from_secs(5)), CommandStatus::ESME_RDELIVERYFAILURE),
    ] {
        let mut centre = Centre::new();
        let esme = centre.esme();
        let pdu = SubmitSm { esm_class: EsmClass::TRANSACTION, validity_period, ..message(0) };
        let taken = centre.smsc.submit_sm(centre.now, &esme, asked(), &pdu, &PLAN).unwrap();
        assert!(matches!(taken, Taken::Later));
        assert!(esme.mailbox.held_answers().is_empty());
        centre.after(10);
        let held = esme.mailbox.held_answers().remove(0);
        let HeldAnswer::Request { asked: of, status: told, body: Some(body), .. } = held else {
            panic!("{held:?}");
        };
        assert_eq!((of, told), (asked(), status));
        let reason = body.tlvs().get(tag::delivery_failure_reason);
        assert_eq!(reason.is_some(), status != CommandStatus::ESME_ROK);
    }
}

#[test]
fn a_message_to_oneself_or_to_a_given_number_comes_back_whole() {
    for destination in ["esme", "999"] {
        let mut centre = Centre::new();
        let esme = centre.esme();
        let payload = vec![b'x'; 1_000];
        let pdu = SubmitSm {
            destination_addr: destination.parse().unwrap(),
            esm_class: EsmClass::UDHI,
            short_message: ShortMessage::default(),
            tlvs: Tlvs::build().with(tag::message_payload, &payload).done(),
            ..message(0)
        };
        centre.submit(&esme, &pdu).unwrap();
        let Body::DeliverSm(back) = centre.after(10).delivered(&esme).remove(0) else { panic!() };
        assert_eq!((back.source_addr, back.destination_addr), (pdu.source_addr, pdu.destination_addr));
        assert_eq!(back.esm_class, EsmClass::UDHI);
        assert_eq!(back.tlvs.get(tag::message_payload), Some(&payload[..]));
    }
}

#[test]
fn set_dpf_is_followed_by_an_alert() {
    let mut centre = Centre::new();
    let esme = centre.esme();
    let pdu = DataSm {
        source_addr: "1234".parse().unwrap(),
        destination_addr: "4477009001234477009001234477".parse().unwrap(),
        tlvs: Tlvs::build().with(tag::set_dpf, 1).with(tag::message_payload, b"x").done(),
        ..DataSm::default()
    };
    centre.smsc.data_sm(centre.now, &esme, asked(), &pdu, &PLAN).unwrap();
    let Body::AlertNotification(alert) = centre.after(10).delivered(&esme).remove(0) else { panic!() };
    assert_eq!(alert.source_addr, pdu.destination_addr, "an address of 28 characters stays whole");
    assert_eq!(alert.esme_addr, pdu.source_addr);
}

#[test]
fn submit_multi_reports_each_destination_it_refuses_and_sends_the_same_one_once() {
    let mut centre = Centre::new();
    let esme = centre.esme();
    let sme =
        |addr: &str| DestAddress::Sme { ton: Ton::UNKNOWN, npi: Npi::ISDN, addr: addr.parse().unwrap() };
    let list = DestAddress::DistributionList { name: "friends".parse().unwrap() };
    let pdu = SubmitMulti {
        source_addr: source(),
        dest_address: DestAddresses::new(&[sme("1"), sme(""), sme("1"), sme("2"), list]).unwrap(),
        registered_delivery: RegisteredDelivery::RECEIPT,
        ..SubmitMulti::default()
    };
    let answer = centre.smsc.submit_multi(centre.now, &esme, &pdu, |_| Ok(PLAN)).unwrap();
    let refused: Vec<_> = answer.unsuccess_sme.iter().collect();
    assert_eq!((refused.len(), refused[0].error_status_code), (1, CommandStatus::ESME_RINVDSTADR));
    let receipts = centre.after(10).receipts(&esme);
    assert_eq!(receipts.len(), 3);
    assert!(receipts.iter().all(|(_, id, _)| *id == answer.message_id.to_text()), "one id for all");
    let all_bad = SubmitMulti { dest_address: DestAddresses::new(&[sme("")]).unwrap(), ..pdu };
    let refused = centre.smsc.submit_multi(centre.now, &esme, &all_bad, |_| Ok(PLAN)).unwrap_err();
    assert_eq!(refused, CommandStatus::ESME_RINVDSTADR);
}

#[test]
fn a_broadcast_is_queried_with_its_areas_replaced_and_cancelled() {
    let mut centre = Centre::new();
    let esme = centre.esme();
    let tlvs = Tlvs::build()
        .with(tag::broadcast_area_identifier, b"\0London")
        .with(tag::broadcast_area_identifier, b"\0Paris")
        .with(tag::broadcast_content_type, &[0, 0, 0x33])
        .with(tag::broadcast_rep_num, 3)
        .with(tag::broadcast_frequency_interval, &[0x08, 0, 10])
        .with(tag::user_message_reference, 5)
        .done();
    let pdu = BroadcastSm { source_addr: source(), tlvs, ..BroadcastSm::default() };
    let id = centre.smsc.broadcast_sm(centre.now, &esme, &pdu).unwrap().message_id;
    let query =
        QueryBroadcastSm { message_id: id, source_addr: source(), tlvs: Tlvs::EMPTY, ..<_>::default() };
    let answer = centre.smsc.query_broadcast_sm(centre.now, &esme, &query).unwrap();
    assert_eq!(answer.tlvs.get(tag::message_state), Some(MessageState::ENROUTE));
    assert_eq!(answer.tlvs.all(tag::broadcast_area_identifier).count(), 2);
    assert_eq!(answer.tlvs.all(tag::broadcast_area_success).collect::<Vec<_>>(), [100, 100]);

    let again = BroadcastSm { replace_if_present_flag: 1, ..pdu.clone() };
    assert_eq!(centre.smsc.broadcast_sm(centre.now, &esme, &again).unwrap().message_id, id);
    let unknown = BroadcastSm { message_id: "nope".parse().unwrap(), ..again };
    assert_eq!(
        centre.smsc.broadcast_sm(centre.now, &esme, &unknown).unwrap_err(),
        CommandStatus::ESME_RBCASTFAIL
    );

    let reference = Tlvs::build().with(tag::user_message_reference, 5).done();
    let by_reference = QueryBroadcastSm { message_id: CStr::EMPTY, tlvs: reference.clone(), ..query.clone() };
    assert_eq!(centre.smsc.query_broadcast_sm(centre.now, &esme, &by_reference).unwrap().message_id, id);
    centre.after(30);
    let answer = centre.smsc.query_broadcast_sm(centre.now, &esme, &query).unwrap();
    assert_eq!(
        answer.tlvs.get(tag::message_state),
        Some(MessageState::EXPIRED),
        "3 times every 10 s are over"
    );

    let id = centre.smsc.broadcast_sm(centre.now, &esme, &pdu).unwrap().message_id;
    let cancel = CancelBroadcastSm { message_id: id, source_addr: source(), ..CancelBroadcastSm::default() };
    assert_eq!(centre.smsc.cancel_broadcast_sm(centre.now, &esme, &cancel), Ok(()));
    let again = centre.smsc.cancel_broadcast_sm(centre.now, &esme, &cancel);
    assert_eq!(again, Err(CommandStatus::ESME_RBCASTCANCELFAIL));
}

#[test]
fn an_operator_sees_broadcasts_and_cancels_one_that_goes_on() {
    let mut centre = Centre::new();
    let esme = centre.esme();
    let tlvs = Tlvs::build().with(tag::broadcast_area_identifier, b"\0London").done();
    let pdu = BroadcastSm { source_addr: source(), tlvs, ..BroadcastSm::default() };
    let ids = [(); 3].map(|()| centre.smsc.broadcast_sm(centre.now, &esme, &pdu).unwrap().message_id);
    let latest: Vec<_> = centre.smsc.broadcasts(2).iter().map(|broadcast| broadcast.message_id).collect();
    assert_eq!(latest, ids[1..]);
    let mut cancel = |id: &str| {
        let cancelled = centre.smsc.end_broadcast(centre.now, id);
        cancelled.map(|broadcast| (broadcast.state(centre.now), broadcast.end_ms()))
    };
    let one = ids[1].to_text();
    assert_eq!(cancel(&one), Ok((MessageState::DELETED, Some(centre.now))));
    assert_eq!(cancel(&one), Err(super::NotCancelled::Ended(MessageState::DELETED)));
    assert_eq!(cancel("B9"), Err(super::NotCancelled::Unknown));
    let states =
        centre.smsc.broadcasts(9).iter().map(|broadcast| broadcast.state(centre.now)).collect::<Vec<_>>();
    assert_eq!(states, [MessageState::ENROUTE, MessageState::DELETED, MessageState::ENROUTE]);
    let areas = &centre.smsc.broadcasts(1)[0];
    assert_eq!((areas.areas.as_slice(), areas.success(centre.now)), (&[b"\0London".to_vec()][..], 100));
}

#[test]
fn a_3_3_esme_gets_hexadecimal_ids_and_its_own_queries() {
    let mut centre = Centre::new();
    let esme = centre.bind("esme", BindMode::Transmitter, Version::V33);
    let first = centre.submit(&esme, &message(0)).unwrap();
    let second = centre.submit(&esme, &message(0)).unwrap();
    assert!(first.len() == 8 && first.as_octets().iter().all(u8::is_ascii_hexdigit), "{first}");
    let last = QueryLastMsgs { source_addr: source(), num_messages: 1, ..QueryLastMsgs::default() };
    let ids: Vec<_> =
        centre.smsc.query_last_msgs(centre.now, &esme, &last).unwrap().message_details.iter().collect();
    assert_eq!(ids.iter().map(CStr::to_text).collect::<Vec<_>>(), [second.to_text()]);
    let details = QueryMsgDetails {
        original_message_id: CStr::new(first.as_octets()).unwrap(),
        source_addr: source(),
        sm_length: 3,
        ..QueryMsgDetails::default()
    };
    let answer = centre.smsc.query_msg_details(centre.now, &esme, &details).unwrap();
    assert_eq!(&answer.short_message[..], b"Hel");
}

#[test]
fn listed_accounts_bind_with_their_whole_password_and_nobody_else_does() {
    let account = vec![Account::parse("app:secret").unwrap()];
    let mut centre =
        Centre::with(SmscSettings { account, sessions_per_account: 2, ..SmscSettings::default() });
    let mut bind = |system_id: &str, password: &str| {
        let bind = Bind::new(system_id, password).unwrap();
        let bound =
            centre.smsc.bind(&BindRequest { mode: BindMode::Receiver, bind }, Version::V34, &Arc::default());
        bound.map(|_| ())
    };
    for (system_id, password) in
        [("app", "secre"), ("app", "secrets"), ("app", "Secret"), ("app", ""), ("ap", "secret"), ("", "")]
    {
        assert_eq!(bind(system_id, password), Err(CommandStatus::ESME_RBINDFAIL), "{system_id}:{password}");
    }
    assert_eq!(bind("app", "secret"), Ok(()));
    assert_eq!(bind("app", "secret"), Ok(()));
    assert_eq!(bind("app", "secret"), Err(CommandStatus::ESME_RBINDFAIL), "two sessions at most");
}
