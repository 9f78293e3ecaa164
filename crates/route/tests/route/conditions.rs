//! Each condition by itself.

use smppkit_route::{Facts, Party, Text};
use smppkit_text::McDefault;
use smppkit_wire::tlv::{TlvText, tag};
use smppkit_wire::value::{DataCoding, EsmClass, MessageState, Npi, RegisteredDelivery, Ton};
use smppkit_wire::{Tag, Tlvs, Version};

use crate::{World, order, table, to};

fn holds(condition: &str, facts: &Facts<'_>) -> bool {
    let table = table(&format!("[[route]]\nto = ['a']\n{condition}"));
    order(&table, facts, &World::default(), 0) == "a"
}

/// Conditions that hold for a message, and others that do not.
fn check(facts: &Facts<'_>, yes: &[&str], no: &[&str]) {
    for condition in yes {
        assert!(holds(condition, facts), "{condition} holds");
    }
    for condition in no {
        assert!(!holds(condition, facts), "{condition} does not hold");
    }
}

#[test]
fn accounts_and_connectors_are_names_that_only_one_of_them_has() {
    let from_account = Facts { account: Some("bank7"), ..Facts::default() };
    check(
        &from_account,
        &["account = 'bank7'", "account = ['shop', 'bank*']", "account = '!shop'", "connector = '!*'"],
        &["account = 'shop'", "account = ['bank*', '!bank7']", "connector = '*'", "account = 'BANK7'"],
    );
    let from_upstream = Facts { connector: Some("vodafone"), ..Facts::default() };
    check(&from_upstream, &["connector = '*'", "account = '!*'"], &["account = '*'", "connector = 'o2'"]);
}

#[test]
fn addresses_have_numbers_types_and_plans_under_either_name() {
    let facts = Facts {
        source: Party { ton: Ton::ALPHANUMERIC, npi: Npi::UNKNOWN, addr: "Shop" },
        destination: Party::international("4915112345678"),
        ..Facts::default()
    };
    check(
        &facts,
        &[
            "destination_addr = '/^49(15|16|17)/'",
            "destination = ['44*', '49*']",
            "destination = 4915112345678",
            "destination = '4915100000000..4915199999999'",
            "source = '/shop/i'",
            "source_addr_ton = 'alphanumeric'",
            "source_ton = 5",
            "source_npi = 'unknown'",
            "dest_ton = ['national', 'International']",
            "dest_addr_npi = 'isdn'",
            "dest_npi = '0x01'",
            "dest_ton = '!national'",
        ],
        &["destination = '44*'", "source = 'shop'", "source_ton = 'national'", "dest_npi = '2..9'"],
    );
}

#[test]
fn text_is_decoded_by_data_coding_and_behind_its_header() {
    let user_data = [5, 0, 3, 1, 2, 1, 0x04, 0x1A, 0x04, 0x3E, 0x04, 0x34];
    let (esm_class, data_coding) = (EsmClass::UDHI, DataCoding::UCS2);
    let text = Text::of_user_data(&user_data, esm_class, data_coding, McDefault::GsmUnpacked);
    let facts = Facts { text, esm_class, data_coding, octets: Some(12), ..Facts::default() };
    check(
        &facts,
        &["text = '/код/i'", "text = 'Код'", "text = 'К?д'", "udh = true", "octets = '10..20'"],
        &["text = '/code/'", "text = '!К*'", "udh = false", "octets = '..11'"],
    );
    let joined = Facts { text: Text::of("your code: 123"), ..Facts::default() };
    check(&joined, &["text = '/(?i)CODE/'", "text = '*123'"], &["text = 'code'", "octets = '0..'"]);
}

#[test]
fn text_is_decoded_only_when_a_rule_that_is_reached_needs_it() {
    let table = table(
        "[[route]]\ndestination = '44*'\nto = ['a']\n\
         [[route]]\naccount = 'bank'\ntext = '/code/'\nto = ['b']\n\
         [[route]]\ntext = '/code/'\nto = ['c']",
    );
    let facts = |destination| Facts {
        text: Text::of_user_data(b"code", EsmClass::DEFAULT, DataCoding::MC_DEFAULT, McDefault::Ascii),
        ..to(destination)
    };
    let uk = facts("44");
    assert_eq!((order(&table, &uk, &World::default(), 0), uk.text.is_decoded()), ("a".to_owned(), false));
    let other = facts("49");
    assert_eq!(
        (order(&table, &other, &World::default(), 0), other.text.is_decoded()),
        ("c".to_owned(), true)
    );
}

#[test]
fn numbers_of_the_message_go_by_name_by_number_and_by_range() {
    let facts = Facts {
        service_type: "CMT",
        esm_class: EsmClass::DELIVERY_RECEIPT,
        protocol_id: 0x41,
        priority_flag: 2,
        registered_delivery: RegisteredDelivery::RECEIPT_ON_FAILURE,
        data_coding: DataCoding::LATIN_1,
        version: Some(Version::V34),
        parts: Some(3),
        ..Facts::default()
    };
    check(
        &facts,
        &[
            "service_type = ['CMT', 'WAP']",
            "esm_class = 4",
            "message_type = 'delivery receipt'",
            "message_type = 'delivery_receipt'",
            "message_type = 1",
            "protocol_id = '0x40..0x4f'",
            "priority = '1..'",
            "priority_flag = 2",
            "registered_delivery = 2",
            "wants_receipt = true",
            "data_coding = 'latin-1'",
            "data_coding = [0, 3]",
            "version = 3.4",
            "version = '3.4..'",
            "version = ['3.3', '3.4']",
            "parts = '2..'",
        ],
        &[
            "service_type = ''",
            "message_type = 'normal'",
            "udh = true",
            "protocol_id = '!65'",
            "wants_receipt = false",
            "data_coding = 'UCS-2'",
            "version = '5.0'",
            "version = '!3.4'",
            "parts = 1",
        ],
    );
    // What is not known holds for nothing but the opposite of something.
    check(&Facts::default(), &["version = '!5.0'", "parts = '!1'"], &["version = '3.3..'", "parts = '0..'"]);
}

#[test]
fn tlvs_go_by_name_or_tag_and_by_what_they_are() {
    let tlvs = Tlvs::build()
        .with(tag::source_port, 5_123)
        .with(tag::message_state, MessageState::DELIVERED)
        .with(tag::receipted_message_id, TlvText(b"abc42"))
        .with_octets(Tag(0x1400), &[0xAB, 0x01])
        .with_octets(Tag(0x1400), &[0x02])
        .done();
    let facts = Facts { tlvs: &tlvs, ..Facts::default() };
    check(
        &facts,
        &[
            "tlv = { source_port = '5000..5999' }",
            "tlv = { '0x020a' = 5123 }",
            "tlv = { message_state = 'delivered' }",
            "tlv = { receipted_message_id = 'abc*' }",
            "tlv = { '0x1400' = 'ab01' }",
            "tlv = { '0x1400' = '02' }",
            "tlv = { '0x1400' = true, dest_port = false }",
            "tlv = { dest_port = '!5' }",
        ],
        &[
            "tlv = { source_port = '!5123' }",
            "tlv = { source_port = false }",
            "tlv = { dest_port = '0..' }",
            "tlv = { '0x1401' = true }",
            "tlv = { '0x1400' = 'ab' }",
        ],
    );
}

#[test]
fn time_goes_by_hours_weekdays_and_dates_of_the_zone() {
    // Tuesday, 2026-12-01 22:30 UTC.
    let facts = Facts { unix_ms: 1_796_164_200_000, ..Facts::default() };
    check(
        &facts,
        &[
            "hours = '22:00-06:00'",
            "hours = '08:00-20:00'\nzone = '-03:00'",
            "weekdays = 'tue'",
            "weekdays = 'mon-fri'",
            "weekdays = 'wed'\nzone = '+01:30'",
            "weekdays = ['mon-sun', '!wed']",
            "valid_from = '2026-12-01'",
            "valid_until = '2026-12-01'",
            "valid_from = '2026-12-01 22:30'",
            "valid_until = '2026-12-01T23:31'\nzone = '+01:00'",
        ],
        &[
            "hours = '08:00-20:00'",
            "hours = '!22:00-06:00'",
            "weekdays = ['sat-sun', 'wed']",
            "valid_from = '2026-12-02'",
            "valid_until = '2026-11-30'",
            "valid_until = '2026-12-01 22:30'",
            "valid_until = '2026-12-01'\nzone = '+02:00'",
        ],
    );
}

#[test]
fn all_conditions_have_to_hold_and_the_first_rule_counts() {
    let table = table(
        "[[route]]\naccount = 'shop'\ndestination = '447*'\nto = ['a']\n\
         [[route]]\ndestination = '4477*'\nto = ['b']\n\
         [[route]]\nenabled = false\nto = ['c']\n\
         [[route]]\ndestination = '44*'\nrefuse = 'ESME_RINVDSTADR'",
    );
    let world = World::default();
    assert_eq!(order(&table, &to("44771"), &world, 0), "a");
    assert_eq!(order(&table, &Facts { account: Some("bank"), ..to("44771") }, &world, 0), "b");
    assert_eq!(order(&table, &to("441"), &world, 0), "route \"route 4\" refuses with ESME_RINVDSTADR");
    assert_eq!(order(&table, &to("1"), &world, 0), "no route is for the message");
}
