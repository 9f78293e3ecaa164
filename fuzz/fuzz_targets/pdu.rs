//! One frame in every version and both dialects: what is read by the letter is written as it was, what is read
//! with tolerance reads the same again, and every way to look at it is safe.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use smppkit_inspect::{Colour, Dissector, encode};
use smppkit_wire::{Dialect, Frame, Frames, Pdu, Version};

fuzz_target!(|data: &[u8]| {
    let run = framed(data);
    let frame = Frames::new(&run, u32::MAX).next().expect("whole").expect("long enough");
    for version in Version::ALL {
        by_the_letter(&frame, version);
        forgiving(&frame, version);
    }
    looks(&run, &frame);
});

/// command_length is made right, and the header whole: `stream` is about lengths.
fn framed(data: &[u8]) -> Bytes {
    let mut octets = data.to_vec();
    octets.resize(octets.len().max(16), 0);
    let length = (octets.len() as u32).to_be_bytes();
    octets[..4].copy_from_slice(&length);
    octets.into()
}

fn by_the_letter(frame: &Frame<'_>, version: Version) {
    let pdu = match Pdu::decode(frame, version, &Dialect::STRICT) {
        Ok(pdu) => pdu,
        Err(error) => {
            assert!(error.at <= frame.octets().len(), "{error:?}");
            let _ = (error.to_string(), error.duty(&frame.header));
            return;
        }
    };
    // 5.0 has all TLVs; in the others the newer ones are left out.
    let mut octets = Vec::new();
    pdu.encode(Version::V50, &mut octets);
    assert_eq!(octets, frame.octets(), "{version} {pdu:?}");
    let newer = |tag: smppkit_wire::Tag| tag.def().is_some_and(|def| def.since > version);
    let tlvs = pdu.body.tlvs();
    if version == Version::V34 && !tlvs.iter().any(|tlv| newer(tlv.tag)) {
        octets.clear();
        pdu.encode(version, &mut octets);
        assert_eq!(octets, frame.octets(), "{version} {pdu:?}");
    }
    // Whatever its own rules say of it, what it is written as in an older version reads back there.
    octets.clear();
    pdu.encode(version, &mut octets);
    let run = octets.into();
    let again = Frames::new(&run, u32::MAX).next().expect("whole").expect("long enough");
    Pdu::decode(&again, version, &Dialect::STRICT).expect("it is of this version");
    let _ = pdu.check(version, &Dialect::STRICT);
    let all = Dialect { refuse_reserved: true, ..Dialect::STRICT };
    if let Err(error) = pdu.check(version, &all) {
        let _ = (error.to_string(), error.duty(&frame.header));
    }
}

fn forgiving(frame: &Frame<'_>, version: Version) {
    let dialect = Dialect { tlvs_below_v34: true, ..Dialect::RECEIVE };
    for dialect in [Dialect::RECEIVE, dialect] {
        let read = Pdu::decode(frame, version, &dialect);
        // What is right by the letter is read no differently.
        if let Ok(strict) = Pdu::decode(frame, version, &Dialect::STRICT) {
            assert_eq!(read.as_ref(), Ok(&strict), "{version}");
        }
        let Ok(pdu) = read else { continue };
        let _ = pdu.check(version, &dialect);
        let mut octets = Vec::new();
        pdu.encode(Version::V50, &mut octets);
        let run = octets.into();
        let again = Frames::new(&run, u32::MAX).next().expect("whole").expect("long enough");
        assert_eq!(Pdu::decode(&again, version, &dialect).as_ref(), Ok(&pdu), "{version}");
    }
}

/// Dissections cost more than reading, so each input gets one version and one dialect.
fn looks(run: &Bytes, frame: &Frame<'_>) {
    let choice = frame.header.sequence_number;
    let strict = choice.is_multiple_of(2);
    let dialect = if strict { Dialect::STRICT } else { Dialect::RECEIVE };
    let version = Version::ALL[(choice / 2 % 3) as usize];
    let dissector = Dissector { version, dialect, frame_limit_octets: u32::MAX };
    let dissection = dissector.dissect(run);
    let read = Pdu::decode(frame, version, &dialect).is_ok();
    assert_eq!(dissection.pdu.is_some(), read);
    let json = dissection.json();
    assert_eq!(dissection.json_line().lines().count(), 1);
    assert_eq!(dissection.summary().lines().count(), 1);
    let _ = (dissection.tree(Colour::Off), dissection.message_text());
    for node in &dissection.nodes {
        assert!(node.octets.end <= run.len() && node.octets.start <= node.octets.end, "{node:?}");
    }
    if strict && read {
        assert_eq!(encode(&json).as_deref(), Ok(&**run), "{json}");
    }
}
