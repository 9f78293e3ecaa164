//! Makes `fuzz/seeds` anew from the vectors of `testdata/pdu`, one small file for each kind of input:
//! `cargo run --manifest-path fuzz/Cargo.toml --target-dir fuzz/target --example seeds`, from the project's root.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value as Json;
use smppkit_text::{Options, split};
use smppkit_wire::pdu::TABLE;
use smppkit_wire::{Dialect, Frames, Pdu, Version};

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seeds = root.join("seeds");
    let vectors = fs::read_to_string(root.join("../testdata/pdu/vectors.jsonl"))?;
    let vectors: Vec<Vector> = vectors.lines().map(Vector::read).collect();
    from_vectors(&seeds, &vectors)?;
    streams(&seeds, &vectors)?;
    texts(&seeds)?;
    times(&seeds)?;
    receipts(&seeds)?;
    sessions(&seeds)
}

struct Vector {
    name: String,
    octets: Vec<u8>,
    decoded: Json,
}

impl Vector {
    fn read(line: &str) -> Self {
        let json: Json = serde_json::from_str(line).expect("a vector is JSON");
        let hex = json["hex"].as_str().expect("a vector has octets");
        let digits = hex.as_bytes().chunks_exact(2).map(|pair| core::str::from_utf8(pair).expect("ASCII"));
        let octets = digits.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect();
        Self {
            name: json["name"].as_str().expect("a name").to_owned(),
            octets,
            decoded: json["decoded"].clone(),
        }
    }

    /// What makes it another kind of input: its command, whether it failed, its TLVs or its fault.
    fn kind(&self) -> String {
        let decoded = &self.decoded;
        let tlvs = decoded["tlvs"].as_array().into_iter().flatten().map(|tlv| tlv["tag"].to_string());
        let tlvs: Vec<String> = tlvs.collect();
        let failed = self.octets.get(8..12).is_some_and(|status| status != [0; 4]);
        let command = self.octets.get(4..8).unwrap_or_default();
        format!("{command:?} {failed} {tlvs:?} {} {}", decoded["reason"], decoded["udh"])
    }
}

fn write(seeds: &Path, target: &str, name: &str, octets: &[u8]) -> std::io::Result<()> {
    let directory = seeds.join(target);
    fs::create_dir_all(&directory)?;
    fs::write(directory.join(name), octets)
}

fn from_vectors(seeds: &Path, vectors: &[Vector]) -> std::io::Result<()> {
    let (mut kinds, mut commands, mut tags, mut headers) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for vector in vectors {
        if vector.octets.len() > 1_024 {
            continue;
        }
        if kinds.insert(vector.kind()) {
            write(seeds, "pdu", &vector.name, &vector.octets)?;
        }
        if vector.decoded["command"].is_string() && commands.insert(vector.decoded["command"].to_string()) {
            write(seeds, "json", &vector.name, vector.decoded.to_string().as_bytes())?;
        }
        let run = vector.octets.clone().into();
        let Some(Ok(frame)) = Frames::new(&run, 65_536).next() else { continue };
        let Ok(pdu) = Pdu::decode(&frame, Version::V50, &Dialect::RECEIVE) else { continue };
        let region = pdu.body.tlvs().region();
        let new = pdu.body.tlvs().iter().filter(|tlv| tags.insert(tlv.tag)).count() > 0;
        if new {
            let with_tlvs = TABLE.iter().filter(|def| def.fields.iter().any(|field| field.name == "tlvs"));
            let at =
                with_tlvs.into_iter().position(|def| def.command_id == pdu.command_id()).unwrap_or_default();
            write(seeds, "tlv", &vector.name, &[&[at as u8], &region[..]].concat())?;
        }
        let user_data = match &pdu.body {
            smppkit_wire::Body::SubmitSm(pdu) if pdu.esm_class.has_udh() => {
                pdu.short_message.octets().clone()
            }
            smppkit_wire::Body::DeliverSm(pdu) if pdu.esm_class.has_udh() => {
                pdu.short_message.octets().clone()
            }
            _ => continue,
        };
        if headers
            .insert(user_data.first().map(|&udhl| user_data.get(..usize::from(udhl) + 1).map(<[u8]>::to_vec)))
        {
            write(seeds, "udh", &vector.name, &user_data)?;
            let behind = [&[user_data.len() as u8, 0, 1], &user_data[..]].concat();
            write(seeds, "udh", &format!("{}_offered", vector.name), &behind)?;
            let text = [&[pdu_coding(&pdu), 0, 0, 0, 0], &user_data[..]].concat();
            write(seeds, "text", &vector.name, &text)?;
        }
    }
    write(seeds, "json", "hex", b"0x00000010 00:00:00:15-00,00000000000007")?;
    write(seeds, "json", "base64", b"AAAAEAAAABUAAAAAAAAABw==")?;
    // A message of three parts, the last first.
    let parts = [3_u8, 1, 2].map(|n| vec![8, 0, n, 5, 0, 3, 7, 3, n, b'a', b'b']).concat();
    write(seeds, "udh", "three_parts", &parts)?;
    // All parts but the last, of a message just within the limits of the target and of one just beyond.
    for total in [7_u8, 8] {
        let parts: Vec<u8> = (1..total).flat_map(|n| [6, 0, 0, 5, 0, 3, 7, total, n]).collect();
        write(seeds, "udh", &format!("all_but_the_last_of_{total}"), &parts)?;
    }
    Ok(())
}

fn pdu_coding(pdu: &Pdu) -> u8 {
    match &pdu.body {
        smppkit_wire::Body::SubmitSm(pdu) => pdu.data_coding.0,
        smppkit_wire::Body::DeliverSm(pdu) => pdu.data_coding.0,
        _ => 0,
    }
}

/// Several PDUs in one run, cut at various places; one with a bad length behind.
fn streams(seeds: &Path, vectors: &[Vector]) -> std::io::Result<()> {
    for (index, group) in vectors.chunks(24).enumerate() {
        let octets: Vec<u8> = group.iter().take(6).flat_map(|vector| vector.octets.iter().copied()).collect();
        let lengths: Vec<u8> = (0..8).map(|n| ((n * 37 + index * 11) % 64) as u8).collect();
        write(seeds, "stream", &format!("run_{index}"), &[&[8], &lengths[..], &octets].concat())?;
    }
    Ok(())
}

fn texts(seeds: &Path) -> std::io::Result<()> {
    let samples = [
        ("gsm7", 0, 0, 0, 0x1C, "Your parcel [€ 4.90] arrives ~today~, Ñandú: {àèìòù}. "),
        ("ucs2", 8, 0, 0, 0x1C, "Привет 👋🏽 e\u{301} हिन्दी "),
        ("latin1", 3, 0, 0, 0x9C, "Ça coûte ½ ¶ "),
        ("turkish", 0, 1, 1, 0x5C, "İstanbul'da ğüşöç "),
        ("hindi", 0, 6, 6, 0x04, "हिन्दी में लिखा "),
        ("cyrillic", 6, 0, 0, 0x14, "Привет, мир "),
        ("hebrew", 7, 0, 0, 0x18, "שלום "),
        ("ascii", 1, 0, 0, 0x0C, "plain "),
    ];
    for (name, data_coding, locking, single, first, text) in samples {
        for (second, length) in [(0_u8, "whole"), (0x08, "ports"), (0x02, "sar")] {
            let text = text.repeat(if second == 0 { 1 } else { 12 });
            let head = [data_coding, locking, single, first, second];
            write(seeds, "text", &format!("{name}_{length}"), &[&head, text.as_bytes()].concat())?;
        }
        let message = split(text, &Options::default(), 1).expect("short");
        let head = [message.encoding.data_coding(), locking, single, 0, 0];
        write(seeds, "text", &format!("{name}_octets"), &[&head, &message.parts[0].user_data[..]].concat())?;
    }
    Ok(())
}

fn times(seeds: &Path) -> std::io::Result<()> {
    let times = [
        "261122120000000+",
        "261122120000048-",
        "000007000000000R",
        "991231235959900+",
        "380101000000000+",
        "240229000000004+",
        "26112212",
        "261122120000",
        "20261122123000",
        "2611221230",
        "",
    ];
    for (index, time) in times.iter().enumerate() {
        let moment: i64 = 1_795_345_200_000 + index as i64 * 1_000_000_007;
        write(seeds, "time", &format!("time_{index}"), &[&moment.to_be_bytes(), time.as_bytes()].concat())?;
    }
    Ok(())
}

fn receipts(seeds: &Path) -> std::io::Result<()> {
    let texts = [
        "id:0123456789 sub:001 dlvrd:001 submit date:2611221200 done date:2611221201 stat:DELIVRD err:000 text:Hello",
        "STAT:UNDELIV ID:a1b2 Err:21b Text:id:9 stat:DELIVRD",
        "id:7c stat:EXPIRED submit date:20261122123000 done date:261122123000",
        "stat:REJECTD\0",
        "\x01\x02\x03\x02\0\x05\x34\x12\x11\x22\x33\x03abcthe text",
    ];
    for (index, text) in texts.iter().enumerate() {
        write(seeds, "receipt", &format!("receipt_{index}"), text.as_bytes())?;
    }
    Ok(())
}

/// Lists of actions, as `fuzz_targets/session.rs` numbers them.
fn sessions(seeds: &Path) -> std::io::Result<()> {
    const MC: [u8; 7] = [0, 5, 0x33, 0x0B, 0, 0, 0];
    const ESME: [u8; 7] = [1, 5, 0x33, 0x0B, 0, 0, 3];
    let of = |name: &str| TABLE.iter().position(|def| def.name == name).expect("it is in the table") as u8;
    let bound_mc = [&MC[..], &[2, 9, 1, 10, 0]].concat();
    let bound_esme = [&ESME[..], &[12, 9, 4, 0, 0x30]].concat();
    let messages = [3, 2, 8, 0, 0, 3, 3, 8, 0, 2, 6, of("deliver_sm"), 4, 0, 0, 0, of("data_sm"), 4, 0, 19];
    let sent = [7, 7, 7, 4, 2, 0x80, 80, 4, 0, 1, 5, 0, 0x14, 17, 17];
    let probes = [14, 4, 0, 0, 22, 5, 17, 17, 4, 0, 0, 15, 200, 16, 9, 17, 17];
    let unbind = [7, 3, 9, 13, 4, 0, 0, 8, 0, 0, 4, 0, 0];
    let theirs = [3, 9, 0, of("unbind"), 10, 0, 8, 0, 0, 17];
    let outbind = [18, 2, 0, 1, 11, 1, 2, 9, 2, 10, 0];
    let lists: [(&str, Vec<u8>); 12] = [
        ("mc_messages", [&bound_mc[..], &messages].concat()),
        ("mc_probes", [&bound_mc[..], &probes].concat()),
        ("mc_unbind", [&bound_mc[..], &unbind].concat()),
        ("mc_unbound", [&bound_mc[..], &theirs].concat()),
        ("mc_outbind", [&MC[..], &outbind].concat()),
        (
            "mc_numbers",
            [&bound_mc[..], &[6, of("deliver_sm"), 21, 255, 21, 255, 21, 255, 17, 20, 2, 1, 21, 4]].concat(),
        ),
        ("esme_messages", [&bound_esme[..], &sent].concat()),
        ("esme_probes", [&bound_esme[..], &probes].concat()),
        ("esme_unbind", [&bound_esme[..], &unbind].concat()),
        ("esme_unbound", [&bound_esme[..], &theirs].concat()),
        (
            "esme_outbind",
            [&ESME[..], &[1, of("outbind"), 3, b'a', 0, 0, 0, 0, 12, 3, 4, 0, 2, 12, 0, 17]].concat(),
        ),
        ("esme_lost", [&bound_esme[..], &[7, 7, 23, 8, 7, 17, 23, 0]].concat()),
    ];
    lists.iter().try_for_each(|(name, list)| write(seeds, "session", name, list))
}
