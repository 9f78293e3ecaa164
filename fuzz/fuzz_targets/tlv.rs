//! A region of TLVs: read, walked, typed, made again.
//!
//! Input: an octet that chooses the PDU, then the region.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use smppkit_wire::pdu::TABLE;
use smppkit_wire::tlv::{Known, Octets, Text, TlvKind, TlvText, tag};
use smppkit_wire::value::{InterfaceVersion, MessageState};
use smppkit_wire::{Body, CommandStatus, Dialect, Fault, Frames, Pdu, Tag, Tlvs, Version};

fuzz_target!(|data: &[u8]| {
    let Some((&kind, region)) = data.split_first() else { return };
    let with_tlvs = TABLE.iter().filter(|def| def.fields.iter().any(|field| field.name == "tlvs"));
    let defs: Vec<_> = with_tlvs.collect();
    let def = defs[usize::from(kind) % defs.len()];
    let mut octets = Vec::new();
    let body = Body::empty(def.command_id).expect("it is in the table");
    Pdu { command_status: CommandStatus::ESME_ROK, sequence_number: 1, body }
        .encode(Version::V50, &mut octets);
    octets.extend_from_slice(region);
    let length = (octets.len() as u32).to_be_bytes();
    octets[..4].copy_from_slice(&length);
    let run: Bytes = octets.into();
    let frame = Frames::new(&run, u32::MAX).next().expect("whole").expect("long enough");
    for version in Version::ALL {
        for dialect in [Dialect::STRICT, Dialect::RECEIVE, Dialect { tlv_count_limit: 3, ..Dialect::STRICT }]
        {
            match Pdu::decode(&frame, version, &dialect) {
                Ok(pdu) => {
                    let tlvs = pdu.body.tlvs();
                    assert_eq!(tlvs.region(), region);
                    assert!(version > Version::V33 || tlvs.is_empty());
                    assert!(tlvs.iter().count() <= usize::from(dialect.tlv_count_limit));
                    walk(tlvs);
                    if version == Version::V34 {
                        left_out(&pdu);
                    }
                }
                Err(error) => {
                    let about_tlvs = matches!(
                        error.fault,
                        Fault::TlvStream | Fault::TlvLength(_) | Fault::TlvBeforeV34 | Fault::UnknownCommand
                    );
                    assert!(about_tlvs, "{error:?}");
                    assert!(error.at <= frame.octets().len());
                }
            }
        }
    }
});

fn walk(tlvs: &Tlvs) {
    let octets: usize = tlvs.iter().map(|tlv| 4 + tlv.value.len()).sum();
    assert_eq!(octets, tlvs.region().len(), "a region that was read has no rest");
    let again = tlvs.iter().fold(Tlvs::build(), |list, tlv| list.with_octets(tlv.tag, tlv.value)).done();
    assert_eq!(again, *tlvs);
    let collected: Tlvs = tlvs.iter().map(|tlv| (tlv.tag, tlv.value.to_vec())).collect();
    assert_eq!(collected, tlvs.detached());
    for tlv in tlvs.iter() {
        assert!(tlvs.has(tlv.tag));
        let first = tlvs.octets(tlv.tag).expect("it is there");
        assert_eq!(tlvs.get(Known::<Octets>::new(tlv.tag)), Some(&first[..]));
        typed(tlvs, tlv.tag, &first);
        let _ = tlv.tag.to_string();
    }
    assert_eq!(tlvs.is_empty(), tlvs.iter().next().is_none());
    named(tlvs);
}

/// A value read as any type and written again reads as the same.
fn typed(tlvs: &Tlvs, tag: Tag, octets: &[u8]) {
    macro_rules! both_ways {
        ($($Type:ty),*) => {$(
            let known = Known::<$Type>::new(tag);
            if let Some(value) = tlvs.get(known) {
                let made = Tlvs::build().with(known, value).done();
                assert_eq!(made.get(known), Some(value));
            }
        )*};
    }
    both_ways!(u8, u16, u32, MessageState, InterfaceVersion, CommandStatus, Octets);
    let known = Known::<Text>::new(tag);
    let TlvText(text) = tlvs.all(known).next().expect("any octets are text");
    assert!(octets.starts_with(text));
    // A text of 65,535 octets leaves no room for its NUL.
    assert_eq!(Tlvs::build().with(known, TlvText(text)).done().get(known), Some(TlvText(text)));
    if let Some(def) = tag.def() {
        let _ = (def.allows_length(octets.len(), true), def.kind == TlvKind::Int);
    }
}

fn named(tlvs: &Tlvs) {
    let _ = tlvs.get(tag::message_state).map(|state| state.to_string());
    let _ = tlvs.get(tag::sc_interface_version).map(|version| version.version());
    let _ = tlvs.get(tag::receipted_message_id).map(TlvText::to_text);
    let _ = tlvs.get(tag::broadcast_rep_num);
    let _ = tlvs.get(tag::broadcast_error_status).map(|status| status.to_string());
    let _ = tlvs.all(tag::callback_num).count();
    let sar = (
        tlvs.get(tag::sar_msg_ref_num),
        tlvs.get(tag::sar_total_segments),
        tlvs.get(tag::sar_segment_seqnum),
    );
    let _ = sar;
}

/// To an older peer go the TLVs it can know, and no others.
fn left_out(pdu: &Pdu) {
    let mut octets = Vec::new();
    pdu.encode(Version::V34, &mut octets);
    let run = octets.into();
    let frame = Frames::new(&run, u32::MAX).next().expect("whole").expect("long enough");
    let sent = Pdu::decode(&frame, Version::V34, &Dialect::RECEIVE).expect("it is of this version");
    let kept = |tag: Tag| tag.def().is_none_or(|def| def.since <= Version::V34);
    let kept: Vec<_> = pdu.body.tlvs().iter().filter(|tlv| kept(tlv.tag)).collect();
    assert_eq!(sent.body.tlvs().iter().collect::<Vec<_>>(), kept);
}
