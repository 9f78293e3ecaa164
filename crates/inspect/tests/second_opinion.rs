//! What others make of what we write: the dissector of Wireshark and the crate `rusmpp`.
//!
//! Both read a corpus made by chance from the tables, the same at each run: every PDU, every TLV. Where they depart
//! from the written specification, the departure is listed here and kept out of the corpus.

#![allow(clippy::unwrap_used, reason = "a test says what failed")]

#[path = "../../wire/tests/corpus/mod.rs"]
mod corpus;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::process::Command as Process;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use corpus::{Recipe, Seeded};
use rusmpp::Command;
use rusmpp::decode::DecodeWithLength as _;
use rusmpp::encode::owned::Encode as _;
use serde_json::Value as Json;
use smppkit_inspect::{Capture, Direction, Dissector, Stream};
use smppkit_wire::pdu::{FieldDef, PduDef, TABLE};
use smppkit_wire::tlv::{TlvDef, place, table::TABLE as TLVS, tag};
use smppkit_wire::{Pdu, Tag, Version};

const PDUS_A_KIND: u64 = 100;

fn encoded(pdu: &Pdu, version: Version) -> Bytes {
    let mut octets = Vec::new();
    pdu.encode(version, &mut octets);
    octets.into()
}

/// PDUs of every kind that 3.4 and 5.0 have, with their version. Nobody else knows those of 3.3 alone.
fn corpus(recipe: impl Fn(Version) -> Recipe) -> Vec<(Version, Bytes)> {
    let mut pdus = Vec::new();
    for version in [Version::V34, Version::V50] {
        let recipe = recipe(version);
        for def in TABLE.iter().filter(|def| def.in_version(version)) {
            for number in 0..PDUS_A_KIND {
                let mut chance = Seeded(u64::from(def.command_id) << 32 | number << 8 | version as u64);
                pdus.push((version, encoded(&recipe.one(def, &mut chance), version)));
            }
        }
    }
    pdus
}

/// The names of the TLVs that no PDU of a corpus has.
fn missing_tags(pdus: &[(Version, Bytes)]) -> Vec<&'static str> {
    let tlvs = |(version, octets): &(Version, Bytes)| json(*version, octets)["tlvs"].as_array().cloned();
    let tags = pdus.iter().filter_map(tlvs).flatten().map(|tlv| tlv["tag"].as_str().unwrap().to_owned());
    let tags: BTreeSet<String> = tags.collect();
    let missing = TLVS.iter().filter(|row| !tags.contains(&format!("0x{:04X}", row.tag.0)));
    missing.map(|row| row.name).collect()
}

fn json(version: Version, octets: &Bytes) -> Json {
    Dissector { version, frame_limit_octets: u32::MAX, ..Dissector::default() }.dissect(octets).json()
}

// --- rusmpp

/// The groups of PDUs that rusmpp 0.4.0 keeps TLVs of; it drops those of any other PDU.
const KEEPS_TLVS: u16 =
    place::SUB | place::SR | place::DEL | place::DR | place::BC | place::BC_RESP | place::QUERY_BC_RESP;

/// Where rusmpp 0.4.0 departs from the written specification, TLV by TLV.
fn rusmpp_reads(def: &PduDef, tlv: &TlvDef, _: usize) -> bool {
    let is = |known: Tag| tlv.tag == known;
    // 1 octet in SMPP 5.0, 4.8.4.61; rusmpp wants 2.
    let telematics = is(tag::source_telematics_id.tag());
    // 2 octets in SMPP 5.0, 4.8.4.13; rusmpp wants 1.
    let repetitions = is(tag::broadcast_rep_num.tag());
    def.places & KEEPS_TLVS != 0 && !telematics && !repetitions
}

/// Addresses of data_sm have room for 65 octets in SMPP 5.0, 4.2.2.1; for 21 in rusmpp.
fn rusmpp_room(def: &PduDef, field: &FieldDef, room: u32) -> u32 {
    if def.name == "data_sm" && field.name.ends_with("_addr") { 21 } else { room }
}

fn through_rusmpp(octets: &Bytes) -> Result<Bytes, String> {
    let mut body = BytesMut::from(&octets[4..]);
    let length = body.len();
    let (command, _) = Command::decode(&mut body, length).map_err(|error| format!("{error:?}"))?;
    let mut again = BytesMut::from(&octets[..4]);
    command.encode(&mut again);
    Ok(again.freeze())
}

#[test]
fn rusmpp_reads_and_writes_the_same_octets() {
    let pdus = corpus(|version| Recipe {
        tlv: rusmpp_reads,
        room: rusmpp_room,
        unknown_tlvs: |def| def.places & KEEPS_TLVS != 0,
        beyond_ascii: false, // rusmpp refuses octets above 0x7F in strings
        ..Recipe::all(version)
    });
    assert!(pdus.len() >= 5_000, "{}", pdus.len());
    let missing = missing_tags(&pdus);
    let kept_out =
        ["source_telematics_id", "sc_interface_version", "ms_availability_status", "broadcast_rep_num"];
    assert_eq!(missing, kept_out);
    for (version, octets) in &pdus {
        let found = through_rusmpp(octets);
        assert_eq!(found.as_ref(), Ok(octets), "{}", json(*version, octets));
    }
    println!("rusmpp: {} PDUs, {} TLVs", pdus.len(), TLVS.len() - missing.len());
}

// --- tshark

/// Whether tests with other people's programs run: `./x test` sets it.
fn third_party() -> bool {
    std::env::var("SMPPKIT_THIRD_PARTY").is_ok_and(|value| value == "1")
}

/// Whether it looks for TLVs: not in PDUs that have none in the specification, nor behind header-only responses.
fn tshark_keeps_tlvs(def: &PduDef) -> bool {
    def.places & !place::ANY_RESP != 0
}

/// Where Wireshark 4.0 departs from the written specification. A value of another length than it expects makes it
/// read the rest of the PDU from the wrong place.
fn tshark_reads(def: &PduDef, tlv: &TlvDef, octets: usize) -> bool {
    let is = |known: Tag| tlv.tag == known;
    // 2 octets in SMPP 5.0, 4.8.4.13; 1 in Wireshark.
    let repetitions = is(tag::broadcast_rep_num.tag());
    // 1 or 4 octets in SMPP 5.0, 4.8.4.41; 1 in Wireshark.
    let validity = is(tag::ms_validity.tag()) && octets == 4;
    // 16 octets in SMPP 5.0, 4.8.4.9; Wireshark looks for a NUL.
    let end_time = is(tag::broadcast_end_time.tag()) && octets == 16;
    !repetitions && !validity && !end_time && tshark_keeps_tlvs(def)
}

/// Stands between the values of a column; no text of the corpus has it.
const BETWEEN: char = '\u{2}';

/// Rows of the named columns, one for each SMPP PDU of a capture, values in quotes and separated by tabs.
fn tshark(capture: &PathBuf, columns: &[&str]) -> Vec<Vec<String>> {
    let mut process = Process::new("tshark");
    process.arg("-r").arg(capture).args([
        "-Y",
        "smpp",
        "-T",
        "fields",
        "-E",
        "separator=/t",
        "-E",
        "occurrence=a",
    ]);
    process.arg("-E").arg(format!("aggregator={BETWEEN}"));
    for column in columns {
        process.args(["-e", column]);
    }
    let output = process.output().unwrap_or_else(|error| {
        panic!("tshark cannot be run ({error}): install it with `apt-get install -y tshark`, or unset SMPPKIT_THIRD_PARTY")
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

fn write_capture(name: &str, pdus: &[(Version, Bytes)]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut capture = Capture::new(std::fs::File::create(&path).unwrap()).unwrap();
    let address = |last, port| SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, last), port);
    let mut stream = Stream::between(address(1, 40_000), address(2, 2775));
    for (number, (_, octets)) in pdus.iter().enumerate() {
        let at = Duration::from_millis(1_795_345_200_000 + number as u64);
        let direction = if number % 2 == 0 { Direction::FromConnector } else { Direction::FromListener };
        capture.write(&mut stream, direction, at, octets).unwrap();
    }
    path
}

/// Columns of tshark and the names of the fields and TLVs whose values they show.
const COLUMNS: &[(&str, &str)] = &[
    ("smpp.command_id", "command_id"),
    ("smpp.sequence_number", "sequence_number"),
    ("smpp.system_id", "system_id"),
    ("smpp.password", "password"),
    ("smpp.system_type", "system_type"),
    ("smpp.interface_version", "interface_version"),
    ("smpp.addr_ton", "addr_ton"),
    ("smpp.addr_npi", "addr_npi"),
    ("smpp.address_range", "address_range"),
    ("smpp.source_addr_ton", "source_addr_ton"),
    ("smpp.source_addr_npi", "source_addr_npi"),
    ("smpp.source_addr", "source_addr"),
    ("smpp.dest_addr_ton", "dest_addr_ton"),
    ("smpp.dest_addr_npi", "dest_addr_npi"),
    ("smpp.destination_addr", "destination_addr"),
    ("smpp.dl_name", "dl_name"),
    ("smpp.esme_addr_ton", "esme_addr_ton"),
    ("smpp.esme_addr", "esme_addr"),
    ("smpp.message_id", "message_id"),
    ("smpp.protocol_id", "protocol_id"),
    ("smpp.priority_flag", "priority_flag"),
    ("smpp.replace_if_present_flag", "replace_if_present_flag"),
    ("smpp.data_coding", "data_coding"),
    ("smpp.sm_default_msg_id", "sm_default_msg_id"),
    ("smpp.sm_length", "sm_length"),
    ("smpp.message", "short_message"),
    ("smpp.error_status_code", "error_status_code"),
    ("smpp.opt_param_tag", "tag"),
    ("smpp.opt_param_len", "length"),
    ("smpp.user_message_reference", "user_message_reference"),
    ("smpp.source_port", "source_port"),
    ("smpp.destination_port", "dest_port"),
    ("smpp.sar_msg_ref_num", "sar_msg_ref_num"),
    ("smpp.sar_total_segments", "sar_total_segments"),
    ("smpp.sar_segment_seqnum", "sar_segment_seqnum"),
    ("smpp.qos_time_to_live", "qos_time_to_live"),
    ("smpp.dest_telematics_id", "dest_telematics_id"),
    ("smpp.source_telematics_id", "source_telematics_id"),
    ("smpp.receipted_message_id", "receipted_message_id"),
    ("smpp.additional_status_info_text", "additional_status_info_text"),
    ("smpp.congestion_state", "congestion_state"),
    ("smpp.message_payload", "message_payload"),
    ("smpp.billing_id", "billing_identification"),
    ("smpp.source_network_id", "source_network_id"),
    ("smpp.broadcast_error_status", "broadcast_error_status"),
    ("smpp.broadcast_area_success", "broadcast_area_success"),
    ("_ws.malformed", "(nothing)"),
];

/// All values under a name: fields, fields of list items, TLVs, tags and lengths of TLVs.
fn values(json: &Json, name: &str) -> Vec<String> {
    let shown = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let lists =
        ["dest_address", "unsuccess_sme"].into_iter().filter_map(|list| json[list].as_array()).flatten();
    let objects = [json].into_iter().chain(lists);
    let tlvs: Vec<&Json> = json["tlvs"].as_array().into_iter().flatten().collect();
    let parts = tlvs.iter().filter_map(|tlv| tlv.get(name).filter(|_| matches!(name, "tag" | "length")));
    let of_tlvs = tlvs.iter().filter(|tlv| tlv["name"] == name).map(|tlv| &tlv["value"]);
    objects.filter_map(|object| object.get(name)).chain(parts).chain(of_tlvs).map(shown).collect()
}

/// Whether a column shows a value, in whatever base.
fn same(found: &str, wanted: &str) -> bool {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    found == wanted || number(found).is_some_and(|found| Some(found) == number(wanted))
}

#[test]
fn tshark_reads_every_pdu_and_shows_the_same_values() {
    if !third_party() {
        return;
    }
    let pdus = corpus(|version| Recipe {
        tlv: tshark_reads,
        unknown_tlvs: tshark_keeps_tlvs,
        beyond_ascii: false,
        error_bodies: false, // it does not look into them
        ..Recipe::all(version)
    });
    assert!(pdus.len() >= 5_000, "{}", pdus.len());
    assert_eq!(missing_tags(&pdus), ["broadcast_rep_num"]);
    let path = write_capture("corpus.pcapng", &pdus);
    let columns: Vec<_> = COLUMNS.iter().map(|(column, _)| *column).collect();
    let rows = tshark(&path, &columns);
    assert_eq!(rows.len(), pdus.len());
    let (mut compared, mut wrong, mut shown) = (0, Vec::new(), BTreeSet::<&str>::new());
    for (row, (version, octets)) in rows.iter().zip(&pdus) {
        let json = json(*version, octets);
        for (found, (column, name)) in row.iter().zip(COLUMNS) {
            // An empty string is shown as nothing by some of its readers.
            let wanted: Vec<String> =
                values(&json, name).into_iter().filter(|value| !value.is_empty()).collect();
            let found: Vec<&str> = found.split(BETWEEN).filter(|value| !value.is_empty()).collect();
            compared += wanted.len();
            shown.extend((!wanted.is_empty()).then_some(*column));
            let equal = found.len() == wanted.len()
                && found.iter().zip(&wanted).all(|(found, wanted)| same(found, wanted));
            if !equal {
                wrong.push(format!("{column}: found {found:?}, wanted {wanted:?} in {json}"));
            }
        }
    }
    println!("tshark: {} PDUs, {compared} values", pdus.len());
    assert_eq!(shown.len(), COLUMNS.len() - 1, "a column was never compared");
    assert!(
        wrong.is_empty(),
        "{} of {compared} values:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(10)].join("\n")
    );
}

#[test]
fn tshark_frames_even_what_it_misreads() {
    if !third_party() {
        return;
    }
    let pdus = corpus(|version| Recipe {
        tlv: |def, tlv, octets| !tshark_reads(def, tlv, octets),
        beyond_ascii: false,
        ..Recipe::all(version)
    });
    let missing = missing_tags(&pdus);
    assert!(
        !["broadcast_rep_num", "ms_validity", "broadcast_end_time"].iter().any(|name| missing.contains(name))
    );
    let path = write_capture("misread.pcapng", &pdus);
    let rows = tshark(&path, &["smpp.command_id", "smpp.sequence_number"]);
    assert_eq!(rows.len(), pdus.len());
    for (row, (version, octets)) in rows.iter().zip(&pdus) {
        let json = json(*version, octets);
        assert!(
            same(&row[0], &json["command_id"].to_string())
                && same(&row[1], &json["sequence_number"].to_string())
        );
    }
}
