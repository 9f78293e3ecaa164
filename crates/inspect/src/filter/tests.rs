use serde_json::json;
use smppkit_wire::field::{DestAddress, DestAddresses, ShortMessage};
use smppkit_wire::pdu::table::{DeliverSm, SubmitMulti, SubmitSm};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::{DataCoding, EsmClass, MessageState, Npi, Ton};
use smppkit_wire::{Body, Tag, Tlvs};

use super::*;

fn filter(json: serde_json::Value) -> Filter {
    serde_json::from_value(json).unwrap()
}

fn holds(json: serde_json::Value, body: &Body) -> bool {
    let filter = filter(json);
    filter.holds(&Facts::of_body(body, &Wanted::by(&[&filter])))
}

fn message() -> Body {
    SubmitSm {
        source_addr: "smppkit".parse().unwrap(),
        source_addr_ton: Ton::ALPHANUMERIC,
        destination_addr: "447700900123".parse().unwrap(),
        data_coding: DataCoding(8),
        short_message: ShortMessage::new(&[0x20, 0xAC, 0x00, 0x35][..]).unwrap(),
        tlvs: Tlvs::build().with(tag::user_message_reference, 7).with_octets(Tag(0x1400), b"vendor\0").done(),
        ..SubmitSm::default()
    }
    .into()
}

#[test]
fn every_condition_has_to_hold_and_one_of_a_list() {
    let body = message();
    assert!(holds(json!({}), &body));
    assert!(holds(json!({"destination_addr": "4477*", "source_addr_ton": 5}), &body));
    assert!(!holds(json!({"destination_addr": "4477*", "source_addr_ton": 1}), &body));
    assert!(holds(json!({"data_coding": [0, 8]}), &body) && !holds(json!({"data_coding": [0, 1]}), &body));
}

#[test]
fn text_tlvs_and_tags_are_looked_at_and_the_pdu_by_its_name() {
    let body = message();
    assert!(holds(json!({"text": "€5", "command": "submit_*"}), &body));
    assert!(holds(json!({"short_message": "20ac0035"}), &body));
    assert!(holds(json!({"user_message_reference": "7", "0x1400": "76656e*"}), &body));
    assert!(!holds(json!({"user_message_reference": 8}), &body));
    let receipt: Body = DeliverSm {
        esm_class: EsmClass::DELIVERY_RECEIPT,
        tlvs: Tlvs::build().with(tag::message_state, MessageState::EXPIRED).done(),
        ..DeliverSm::default()
    }
    .into();
    assert!(holds(json!({"message_state": "EXPIRED"}), &receipt));
}

#[test]
fn what_is_not_there_holds_only_for_its_negation() {
    let body = message();
    assert!(!holds(json!({"receipted_message_id": "*"}), &body));
    assert!(holds(json!({"receipted_message_id": "!*"}), &body));
    assert!(!holds(json!({"message_id": ""}), &body));
}

#[test]
fn one_destination_of_many_is_enough() {
    let address = |addr: &str| DestAddress::Sme {
        ton: Ton::INTERNATIONAL,
        npi: Npi::ISDN,
        addr: addr.parse().unwrap(),
    };
    let (one, other) = (address("4670"), address("4477"));
    let dest_address = DestAddresses::new([&one, &other]).unwrap();
    let body: Body = SubmitMulti { dest_address, ..SubmitMulti::default() }.into();
    assert!(holds(json!({"destination_addr": "4477"}), &body));
    assert!(!holds(json!({"destination_addr": "49*"}), &body));
}

#[test]
fn what_the_session_knows_can_be_said() {
    let filter = filter(json!({"system_id": "app", "bind_mode": "transceiver"}));
    let wanted = Wanted::by(&[&filter]);
    let mut facts = Facts::of_body(&message(), &wanted);
    assert!(!filter.holds(&facts));
    facts.set(&wanted, "system_id", "app");
    facts.set(&wanted, "bind_mode", "transceiver");
    assert!(filter.holds(&facts));
}

#[test]
fn unknown_names_and_bad_patterns_are_refused_by_name() {
    let refused = |json| serde_json::from_value::<Filter>(json).unwrap_err().to_string();
    assert_eq!(
        refused(json!({"destination_adr": "1"})),
        "\"destination_adr\" is no field, TLV or tag; did you mean destination_addr?"
    );
    assert!(refused(json!({"text": "/(/"})).contains("is no pattern"));
    assert!(refused(json!({"0x14000": "1"})).contains("is no tag"));
    assert!(refused(json!({"text": []})).contains("empty list"));
    assert!(refused(json!({"text": true})).contains("a text, a number, or a list"));
}

#[test]
fn filters_are_written_as_they_were_read() {
    let json = json!({"destination_addr": ["4477*", "!1"], "0x1400": "x"});
    assert_eq!(serde_json::to_value(filter(json.clone())).unwrap(), json);
}
