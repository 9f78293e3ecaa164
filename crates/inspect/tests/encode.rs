//! JSON to octets: what is computed, what is written as given, what is refused.

#![allow(clippy::unwrap_used, reason = "a test says what failed")]

use serde_json::{Value as Json, json};
use smppkit_inspect::{Dissection, Dissector, encode};

fn octets(json: &Json) -> Vec<u8> {
    encode(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn refusal(json: &Json) -> String {
    encode(json).unwrap_err().to_string()
}

fn dissect(octets: Vec<u8>) -> Dissection {
    Dissector::default().dissect(&octets.into())
}

/// The octets of a field of a PDU made from JSON without lies, to look at in one with them.
fn at(json: &Json, name: &str) -> std::ops::Range<usize> {
    dissect(octets(json)).node(name).unwrap().octets.clone()
}

#[test]
fn lengths_and_counts_are_computed() {
    let json = json!({
        "command": "submit_multi", "dest_address": [{"destination_addr": "1"}, {"dl_name": "friends"}],
        "short_message": "48656c6c6f", "tlvs": [{"name": "dest_port", "value": 9204}],
    });
    let shown = dissect(octets(&json)).json();
    assert_eq!(shown["number_of_dests"], 2);
    assert_eq!(shown["sm_length"], 5);
    assert_eq!(shown["tlvs"][0]["length"], 2);
    assert_eq!(shown["sequence_number"], 1);
    assert!(shown.get("error").is_none());
}

#[test]
fn given_lengths_and_counts_are_written_as_they_are() {
    let honest = json!({
        "command": "submit_multi", "dest_address": [{"destination_addr": "1"}, {"dl_name": "friends"}],
        "validity_period": "strange", "short_message": "48656c6c6f",
        "tlvs": [{"tag": "0x1401", "hex": "0102"}, {"name": "dest_port", "value": 9204}],
    });
    let mut lying = honest.clone();
    lying["number_of_dests"] = 77.into();
    lying["sm_length"] = 200.into();
    lying["command_length"] = 5.into();
    lying["tlvs"][1]["length"] = 65_535.into();

    let (honest_octets, lying_octets) = (octets(&honest), octets(&lying));
    let changed: Vec<usize> =
        (0..honest_octets.len()).filter(|&at| honest_octets[at] != lying_octets[at]).collect();
    let count = at(&honest, "number_of_dests").start;
    let end = honest_octets.len();
    // The time is one that cannot be read, so sm_length's place is counted from the TLVs behind the text.
    let sm_length = end - (4 + 2) - (4 + 2) - 5 - 1;
    assert_eq!(changed, [3, count, sm_length, end - 4, end - 3]);
    assert_eq!((lying_octets[count], lying_octets[sm_length]), (77, 200));
}

#[test]
fn counts_of_every_list_can_be_lied_about() {
    for (json, count) in [
        (json!({"command": "submit_multi_resp", "message_id": "abc", "unsuccess_sme": []}), "no_unsuccess"),
        (json!({"command": "query_last_msgs_resp", "message_details": ["a", "b"]}), "number_msgs"),
        (json!({"command": "replace_sm", "message_id": "1", "short_message": "00"}), "sm_length"),
        (
            json!({"command": "query_msg_details_resp", "dest_address": [], "short_message": "00"}),
            "number_of_dests",
        ),
    ] {
        let honest = octets(&json);
        let version = if count.starts_with("number") { "3.3" } else { "5.0" };
        let dissector = Dissector { version: version.parse().unwrap(), ..Dissector::default() };
        let at = dissector.dissect(&honest.clone().into()).node(count).unwrap().octets.start;
        let mut lying = json.clone();
        lying[count] = 255.into();
        let lying = octets(&lying);
        assert_eq!(lying[at], 255, "{json}");
        assert_eq!((&lying[..at], &lying[at + 1..]), (&honest[..at], &honest[at + 1..]), "{json}");
    }
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_known_one() {
    let json = json!({"command": "submit_sm", "destination_adr": "1"});
    assert_eq!(refusal(&json), "destination_adr is no key of submit_sm; did you mean destination_addr?");
    let json = json!({"command": "submit_sm", "tlvs": [{"name": "dest_port", "val": 1}]});
    assert_eq!(refusal(&json), "val is no key of a TLV; did you mean value?");
    let json = json!({"command": "submit_multi", "dest_address": [{"dest_adr_ton": 1}]});
    assert_eq!(refusal(&json), "dest_adr_ton is no key of dest_address; did you mean dest_addr_ton?");
    assert_eq!(
        refusal(&json!({"command": "submit_ms"})),
        "command \"submit_ms\" names no PDU; did you mean submit_sm?"
    );
    assert_eq!(refusal(&json!({"command": "enquire_link", "zzz": 1})), "zzz is no key of enquire_link");
}

#[test]
fn what_contradicts_itself_is_refused() {
    let two_ids = json!({"command": "deliver_sm", "command_id": 4});
    assert_eq!(refusal(&two_ids), "command_id is 4, but deliver_sm has 5: leave one of them out");
    let two_values =
        json!({"command": "submit_sm", "tlvs": [{"name": "dest_port", "value": 2, "hex": "0001"}]});
    assert_eq!(refusal(&two_values), "dest_port has a value and a hex that differ: leave one of them out");
    let two_names =
        json!({"command": "submit_sm", "tlvs": [{"tag": "0x0204", "name": "dest_port", "value": 1}]});
    assert_eq!(
        refusal(&two_names),
        "dest_port is not the name of tag 0x0204, which is user_message_reference"
    );
    let fields = json!({"command": "submit_sm_resp", "body": "absent", "message_id": "1"});
    assert!(refusal(&fields).starts_with("message_id is no key of body"));
}

#[test]
fn wrong_values_name_their_field() {
    for (json, wanted) in [
        (json!({"command": "submit_sm", "esm_class": 256}), "esm_class must be an integer from 0 to 255"),
        (
            json!({"command": "submit_sm", "esm_class": -1}),
            "esm_class is not an integer from 0 to 4294967295",
        ),
        (
            json!({"command": "submit_sm", "source_addr": "1234567890123456789012"}),
            "source_addr is longer than 20 octets",
        ),
        (
            json!({"command": "submit_sm", "short_message": "0g"}),
            "short_message is not an even number of hexadecimal digits",
        ),
        (json!({"command": "submit_sm", "sm_length": 256}), "sm_length is above 255"),
        (json!({"command": "submit_sm", "tlvs": {}}), "tlvs must be a list of {tag or name, value or hex}"),
        (json!({}), "neither command nor command_id is given"),
        (json!([]), "a PDU is a JSON object, such as {\"command\": \"enquire_link\"}"),
    ] {
        assert_eq!(refusal(&json), wanted);
    }
}

#[test]
fn statuses_by_name_absent_bodies_and_raw_ones() {
    let throttled =
        json!({"command": "submit_sm_resp", "command_status": "ESME_RTHROTTLED", "body": "absent"});
    assert_eq!(octets(&throttled), [0, 0, 0, 16, 0x80, 0, 0, 4, 0, 0, 0, 0x58, 0, 0, 0, 1]);
    let vendor = json!({"command_id": "0x00010200", "sequence_number": 9, "body": "beef"});
    assert_eq!(octets(&vendor), [0, 0, 0, 18, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0xBE, 0xEF]);
    let bare = json!({"command": "deliver_sm", "short_message": "00", "tlvs":
        [{"name": "receipted_message_id", "nul_terminated": false, "value": "AB"}]});
    assert!(octets(&bare).ends_with(&[0, 0x1E, 0, 2, b'A', b'B']));
}

#[test]
fn what_json_says_only_to_inform_is_passed_over() {
    let json = json!({"command": "enquire_link", "error": {"duty": "drop"}, "udh": "malformed",
        "user_data_after_udh": "00", "octets_after_pdu": 3});
    assert_eq!(octets(&json).len(), 16);
}

#[test]
fn reference_in_docs_is_what_the_tables_say() {
    let found = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pdus.md")).unwrap();
    let current = found == smppkit_inspect::reference();
    assert!(current, "run: cargo run -p smppkit-inspect --example docs -- --write docs/pdus.md");
}
