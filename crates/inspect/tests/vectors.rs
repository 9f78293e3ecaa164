//! The vectors of `testdata/pdu`: decoded, compared, encoded again two ways; faulty ones answered as they must be.

#![allow(clippy::unwrap_used, reason = "a test says what failed")]

use bytes::Bytes;
use serde_json::Value as Json;
use smppkit_inspect::{Dissection, Dissector, Duty, encode};
use smppkit_wire::{Dialect, Version};

/// Vectors of level `session`: what must be answered depends on more than the octets. Their transcripts are in
/// `testdata/transcripts`; here only what the codec itself says of them, `None` for nothing.
const SESSION: &[(&str, Option<&str>)] = &[
    ("bind_transceiver_on_v33_mc", None),
    ("data_sm_on_v33_mc", Some("ESME_RINVCMDID")),
    ("submit_sm_tlv_on_v33_session", Some("ESME_RINVCMDLEN")),
    ("session_submit_sm_in_open_state", None),
    ("session_deliver_sm_in_bound_tx", None),
];

struct Vector {
    name: String,
    version: Version,
    octets: Bytes,
    json: Json,
}

impl Vector {
    fn text(&self, key: &str) -> &str {
        self.json[key].as_str().unwrap_or_default()
    }

    fn valid(&self) -> bool {
        self.json["valid"] == true
    }

    fn dissect(&self) -> Dissection {
        dissector(self.version).dissect(&self.octets)
    }
}

fn dissector(version: Version) -> Dissector {
    Dissector { version, dialect: Dialect::STRICT, ..Dissector::default() }
}

fn vectors() -> Vec<Vector> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/pdu");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts = files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    let texts: Vec<String> = texts.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    texts.iter().flat_map(|text| text.lines()).map(vector).collect()
}

fn vector(line: &str) -> Vector {
    let json: Json = serde_json::from_str(line).unwrap();
    let text = |key: &str| json[key].as_str().unwrap();
    let digits = text("hex").as_bytes();
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let octets = digits.chunks(2).map(octet).collect();
    Vector { name: text("name").to_owned(), version: text("version").parse().unwrap(), octets, json }
}

/// Fails with all that went wrong, not only the first.
fn report(what: &str, tried: usize, wrong: &[String]) {
    println!("{what}: {tried} tried, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{what}: {} of {tried} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn all_479_given_vectors_are_there() {
    let count =
        |level| vectors().iter().filter(|vector| !vector.valid() && vector.text("level") == level).count();
    assert!(vectors().len() >= 479);
    assert!(vectors().iter().filter(|vector| vector.valid()).count() >= 366);
    assert!(count("framing") >= 8 && count("syntax") >= 84 && count("semantic") >= 16);
    let mut session: Vec<_> =
        vectors().into_iter().filter(|vector| vector.text("level") == "session").collect();
    session.sort_by_key(|vector| SESSION.iter().position(|(name, _)| *name == vector.name));
    assert!(session.iter().map(|vector| vector.name.as_str()).eq(SESSION.iter().map(|(name, _)| *name)));
}

#[test]
fn valid_vectors_decode_to_exactly_what_they_say() {
    let mut wrong = Vec::new();
    let valid: Vec<_> = vectors().into_iter().filter(Vector::valid).collect();
    for vector in &valid {
        let found = vector.dissect().json().to_string();
        let wanted = vector.json["decoded"].to_string();
        if found != wanted {
            wrong.push(format!("{}\n  wanted {wanted}\n  found  {found}", vector.name));
        }
    }
    report("valid vectors decoded", valid.len(), &wrong);
}

#[test]
fn valid_vectors_encode_to_the_same_octets_from_the_typed_pdu() {
    let mut wrong = Vec::new();
    let valid: Vec<_> = vectors().into_iter().filter(Vector::valid).collect();
    for vector in &valid {
        let dissection = vector.dissect();
        let mut octets = Vec::new();
        if let Some(pdu) = &dissection.pdu {
            pdu.encode(vector.version, &mut octets);
        }
        if octets != dissection.octets {
            wrong.push(vector.name.clone());
        }
    }
    report("valid vectors encoded", valid.len(), &wrong);
}

#[test]
fn valid_vectors_encode_to_the_same_octets_from_their_json() {
    let mut wrong = Vec::new();
    let valid: Vec<_> = vectors().into_iter().filter(Vector::valid).collect();
    for vector in &valid {
        let octets = vector.dissect().octets;
        match encode(&vector.json["decoded"]) {
            Ok(encoded) if encoded == octets => {}
            other => wrong.push(format!("{}: {other:?}", vector.name)),
        }
    }
    report("valid vectors encoded from JSON", valid.len(), &wrong);
}

#[test]
fn invalid_vectors_get_an_acceptable_answer() {
    let mut wrong = Vec::new();
    let level = |vector: &Vector| !vector.valid() && vector.text("level") != "session";
    let invalid: Vec<_> = vectors().into_iter().filter(level).collect();
    for vector in &invalid {
        let dissection = vector.dissect();
        let found = dissection.defect.as_ref().map(|defect| defect.status.map(|status| status.to_string()));
        let also = vector.json["also_acceptable"].as_array().cloned().unwrap_or_default();
        let mut acceptable = also.iter().filter_map(Json::as_str).chain([vector.text("expected_status")]);
        let matches = |wanted: &str| {
            let status = wanted.rsplit(' ').next().unwrap_or_default();
            match &found {
                None => wanted == "ESME_ROK",
                Some(None) => wanted.starts_with("none"),
                Some(Some(found)) => found == status,
            }
        };
        if !acceptable.any(matches) {
            let wanted = vector.text("expected_status");
            wrong
                .push(format!("{}: wanted {wanted} or {also:?}, found {:?}", vector.name, dissection.defect));
        }
    }
    report("invalid vectors answered", invalid.len(), &wrong);
}

#[test]
fn invalid_vectors_leave_the_duty_that_their_action_says() {
    let mut wrong = Vec::new();
    let level = |vector: &Vector| !vector.valid() && vector.text("level") != "session";
    let invalid: Vec<_> = vectors().into_iter().filter(level).collect();
    for vector in &invalid {
        let dissection = vector.dissect();
        let Some(defect) = &dissection.defect else {
            continue;
        };
        let action = vector.text("expected_action");
        let response = dissection.header.is_some_and(|header| header.is_response());
        let wanted = if action.starts_with("wait") {
            Duty::NeedMore
        } else if action.contains("close") || vector.name == "command_length_of_64k_plus_claims" {
            Duty::Close
        } else if response {
            Duty::Drop
        } else {
            Duty::Answer
        };
        if defect.duty != wanted {
            wrong.push(format!("{}: {action}: wanted {wanted:?}, found {defect:?}", vector.name));
        }
    }
    report("duties", invalid.len(), &wrong);
}

#[test]
fn session_vectors_are_left_to_transcripts_but_for_what_octets_say() {
    for (name, status) in SESSION {
        let vector = vectors().into_iter().find(|vector| vector.name == *name).unwrap();
        let found = vector.dissect().defect.and_then(|defect| defect.status).map(|status| status.to_string());
        assert_eq!(found.as_deref(), *status, "{name}");
    }
}

/// Reads octets every way there is: nothing may panic, and what comes out must fit the octets.
fn survives(octets: &Bytes, version: Version) -> usize {
    for dialect in [Dialect::STRICT, Dialect::RECEIVE] {
        let dissector = Dissector { version, dialect, ..Dissector::default() };
        let dissection = dissector.dissect(octets);
        let mut nodes: Vec<_> = dissection.nodes.iter().collect();
        while let Some(node) = nodes.pop() {
            let range = &node.octets;
            assert!(range.start <= range.end && range.end <= dissection.octets.len(), "{node:?}");
            nodes.extend(&node.children);
        }
        assert!(dissection.octets.len() + dissection.rest.len() == octets.len());
        assert!(dissection.pdu.is_some() || dissection.defect.is_some());
        if octets.len() > 256 && !octets.len().is_multiple_of(16) {
            // Showing the few long vectors at each length would take most of the time.
            continue;
        }
        let shown = dissection.json().to_string().len() + dissection.summary().len();
        // Each octet is shown a few times over at most: a small PDU cannot make a large answer. A TLV of 4 octets has
        // the longest names.
        assert!(shown <= 2_000 + octets.len() * 80, "{shown} characters for {} octets", octets.len());
        assert!(dissection.tree(smppkit_inspect::Colour::Off).len() <= 4_000 + octets.len() * 200);
        if let Some(pdu) = &dissection.pdu {
            let mut again = Vec::new();
            pdu.encode(Version::V50, &mut again);
            assert!(
                again.len() <= octets.len() + 128,
                "a bodiless response grows by its empty fields at most"
            );
        }
    }
    1
}

fn with(octets: &Bytes, at: usize, octet: u8) -> Bytes {
    let mut changed = octets.to_vec();
    changed[at] = octet;
    changed.into()
}

#[test]
fn vectors_cut_at_every_length_end_cleanly() {
    let mut tried = 0;
    for vector in vectors() {
        for end in 0..vector.octets.len() {
            let cut = vector.octets.slice(..end);
            tried += survives(&cut, vector.version);
            // The same cut, with a command_length that says so: now fields are missing, not octets.
            if end >= 16 {
                let mut ended = cut.to_vec();
                ended[..4].copy_from_slice(&(end as u32).to_be_bytes());
                let ended = Bytes::from(ended);
                tried += survives(&ended, vector.version);
                assert!(dissector(vector.version).dissect(&ended).rest.is_empty());
            }
        }
    }
    println!("cut: {tried} tried");
}

#[test]
fn a_whole_vector_cut_short_needs_more() {
    for vector in vectors().iter().filter(|vector| vector.valid()) {
        let pdu = vector.dissect().octets;
        for end in 0..pdu.len() {
            let defect = dissector(vector.version).dissect(&pdu.slice(..end)).defect.unwrap();
            assert_eq!((defect.duty, defect.status), (Duty::NeedMore, None), "{} cut at {end}", vector.name);
        }
    }
}

#[test]
fn vectors_with_lies_in_lengths_and_counts_end_cleanly() {
    const NAMES: [&str; 8] = [
        "command_length",
        "sm_length",
        "number_of_dests",
        "no_unsuccess",
        "number_msgs",
        "length",
        "udhl",
        "iedl",
    ];
    let mut tried = 0;
    for vector in vectors() {
        let dissection = vector.dissect();
        let mut nodes: Vec<_> = dissection.nodes.iter().collect();
        while let Some(node) = nodes.pop() {
            nodes.extend(&node.children);
            if !NAMES.contains(&&*node.name) {
                continue;
            }
            let range = node.octets.clone();
            let width = range.len();
            let told = vector.octets[range.clone()]
                .iter()
                .fold(0_u64, |number, &octet| number << 8 | u64::from(octet));
            let largest = u64::MAX >> (64 - 8 * width);
            for lie in [0, told.wrapping_sub(1) & largest, (told + 1) & largest, largest] {
                let mut changed = vector.octets.to_vec();
                changed[range.clone()].copy_from_slice(&lie.to_be_bytes()[8 - width..]);
                tried += survives(&changed.into(), vector.version);
            }
        }
    }
    assert!(tried > 4 * 479);
    println!("lies: {tried} tried");
}

#[test]
fn vectors_with_any_of_the_first_64_octets_flipped_end_cleanly() {
    let mut tried = 0;
    for vector in vectors() {
        for at in 0..vector.octets.len().min(64) {
            for flip in [0x01, 0x80, 0xFF] {
                let changed = with(&vector.octets, at, vector.octets[at] ^ flip);
                tried += survives(&changed, vector.version);
            }
        }
    }
    println!("flips: {tried} tried");
}
