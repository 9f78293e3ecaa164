//! User data headers, data_coding and the decoding of whole messages.

use proptest::prelude::*;
use smppkit_text::{
    Alphabet, Concatenation, Fidelity, Iei, Interpretation, Language, MalformedUdh, McDefault, MessageClass,
    MessageWaiting, Ports, ReferenceWidth, Shifts, Storage, Udh, UdhBuilder, WaitingKind, decode,
    decode_user_data,
};

fn header(octets: &[u8]) -> Udh<'_> {
    Udh::parse(octets).expect("the header is well-formed").0
}

fn eight(reference: u16, total: u8, sequence: u8) -> Option<Concatenation> {
    Concatenation::new(reference, ReferenceWidth::Eight, total, sequence)
}

#[test]
fn header_is_taken_off_the_text() {
    let (udh, body) = Udh::parse(&[5, 0, 3, 0x2A, 2, 1, b'h', b'i']).unwrap();
    assert_eq!(body, b"hi");
    assert_eq!(udh.octets(), 6);
    assert_eq!(udh.concatenation(), eight(0x2A, 2, 1));
    assert_eq!(udh.ports(), None);
    assert_eq!(udh.shifts(), Shifts::DEFAULT);
    let elements: Vec<_> = udh.elements().map(|element| (element.iei, element.data)).collect();
    assert_eq!(elements, [(Iei::CONCATENATION_8_BIT, &[0x2A, 2, 1][..])]);
}

#[test]
fn headers_that_run_over_their_end_are_malformed() {
    assert_eq!(Udh::parse(&[]), Err(MalformedUdh::Missing));
    assert_eq!(Udh::parse(&[5, 0, 3, 1, 2]), Err(MalformedUdh::BeyondData { udhl: 5, available: 4 }));
    assert_eq!(Udh::parse(&[4, 0, 3, 1, 2, 1]), Err(MalformedUdh::ElementBeyondHeader { at: 1 }));
    // A lone identifier after a whole element.
    assert_eq!(Udh::parse(&[4, 0x24, 1, 1, 0x25, 9]), Err(MalformedUdh::ElementBeyondHeader { at: 4 }));
}

#[test]
fn empty_header_is_well_formed() {
    let (udh, body) = Udh::parse(&[0, b'x']).unwrap();
    assert_eq!((udh.elements().count(), udh.octets(), body), (0, 1, &b"x"[..]));
}

#[test]
fn unknown_elements_are_skipped() {
    let udh = header(&[0x0B, 0x77, 1, 9, 0xDF, 0, 0x05, 4, 0x0B, 0x84, 0x23, 0xF0]);
    assert_eq!(udh.ports(), Some(Ports::Sixteen { destination: 2948, originator: 9200 }));
    assert_eq!(udh.elements().count(), 3);
    assert_eq!(
        header(&[4, 0x04, 2, 240, 255]).ports(),
        Some(Ports::Eight { destination: 240, originator: 255 })
    );
}

#[test]
fn impossible_concatenations_are_ignored() {
    for [total, sequence] in [[0, 0], [0, 1], [2, 0], [2, 3]] {
        assert_eq!(header(&[5, 0, 3, 1, total, sequence]).concatenation(), None);
    }
    // A wrong length is ignored too.
    assert_eq!(header(&[6, 0, 4, 1, 2, 1, 0]).concatenation(), None);
    // An ignored one does not hide a good one.
    assert_eq!(header(&[10, 0, 3, 1, 2, 1, 0, 3, 9, 0, 0]).concatenation(), eight(1, 2, 1));
}

#[test]
fn the_last_of_repeated_elements_counts() {
    let both = header(&[11, 0, 3, 1, 2, 1, 8, 4, 0x12, 0x34, 3, 2]);
    assert_eq!(both.concatenation(), Concatenation::new(0x1234, ReferenceWidth::Sixteen, 3, 2));
    let twice = header(&[6, 0x24, 1, 1, 0x24, 1, 3]);
    assert_eq!(twice.shifts(), Shifts { locking: Language::DEFAULT, single: Language::PORTUGUESE });
}

#[test]
fn built_header_reads_back() {
    let mut built = UdhBuilder::new();
    assert!(built.is_empty());
    let part = Concatenation::new(0xBEEF, ReferenceWidth::Sixteen, 255, 255).unwrap();
    let shifts = Shifts { locking: Language::HINDI, single: Language::URDU };
    let ports = Ports::Sixteen { destination: 9204, originator: 1 };
    built.concatenation(part).unwrap().shifts(shifts).unwrap().ports(ports).unwrap();
    let octets = built.to_octets();
    assert_eq!(octets.len(), 19);
    let udh = header(&octets);
    assert_eq!((udh.concatenation(), udh.shifts(), udh.ports()), (Some(part), shifts, Some(ports)));
}

#[test]
fn header_holds_255_octets_and_no_more() {
    let mut built = UdhBuilder::new();
    built.element(Iei(0x80), &[0; 253]).unwrap();
    assert_eq!(built.element(Iei(0x80), &[]).unwrap_err().octets, 257);
    assert_eq!(built.to_octets().len(), 256);
    assert!(UdhBuilder::new().element(Iei(0x80), &[0; 254]).is_err());
}

#[test]
fn concatenation_refuses_what_the_wire_cannot_hold() {
    assert_eq!(eight(0x100, 2, 1), None);
    assert!(eight(0xFF, 1, 1).is_some());
}

#[test]
fn data_coding_names_its_alphabet() {
    let expected = |value: u8| match value {
        0x00 => Alphabet::McDefault,
        0x01 => Alphabet::Ascii,
        0x03 => Alphabet::Latin1,
        0x05 => Alphabet::Jis,
        0x06 => Alphabet::Cyrillic,
        0x07 => Alphabet::Hebrew,
        0x09 => Alphabet::Pictogram,
        0x0A => Alphabet::Iso2022Jp,
        0x0D => Alphabet::KanjiJis,
        0x0E => Alphabet::Ksc5601,
        0x02 | 0x04 | 0x14..=0x17 | 0xF4..=0xF7 | 0xFC..=0xFF => Alphabet::Binary,
        0x10..=0x13 | 0xC0..=0xDF | 0xF0..=0xF3 | 0xF8..=0xFB => Alphabet::Gsm7,
        0x08 | 0x18..=0x1B | 0xE0..=0xEF => Alphabet::Ucs2,
        _ => Alphabet::Reserved,
    };
    for value in 0..=0xFF {
        assert_eq!(Interpretation::of(value).alphabet, expected(value), "{value:02X}");
    }
}

#[test]
fn data_coding_groups_give_class_and_waiting() {
    let class = |value| Interpretation::of(value).class;
    assert_eq!(class(0x00), None);
    assert_eq!(class(0x10), Some(MessageClass::Flash));
    assert_eq!(class(0x19), Some(MessageClass::MobileEquipment));
    assert_eq!(class(0xF5), Some(MessageClass::MobileEquipment));
    assert_eq!(class(0xF6), Some(MessageClass::Sim));
    assert_eq!(class(0xF3), Some(MessageClass::TerminalEquipment));
    let waiting = |value| Interpretation::of(value).waiting;
    let expected = |active, kind, storage| Some(MessageWaiting { active, kind, storage });
    assert_eq!(waiting(0xC8), expected(true, WaitingKind::Voicemail, Storage::Discard));
    assert_eq!(waiting(0xD1), expected(false, WaitingKind::Fax, Storage::Store));
    assert_eq!(waiting(0xEA), expected(true, WaitingKind::Email, Storage::Store));
    assert_eq!(waiting(0xEB), expected(true, WaitingKind::Other, Storage::Store));
    assert_eq!(waiting(0xF0), None);
}

#[test]
fn meaning_of_data_coding_zero_is_the_callers() {
    let text = |octets: &[u8], mc_default| decode(octets, 0, mc_default, Shifts::DEFAULT);
    assert_eq!(text(&[0, 0x1B, 0x65], McDefault::GsmUnpacked).text, "@€");
    assert_eq!(text(&[0xE9], McDefault::Latin1).text, "é");
    assert_eq!(text(b"@$", McDefault::Ascii).text, "@$");
    assert_eq!(text(&[0xE9], McDefault::Ascii).fidelity, Fidelity::Lossy { replaced: 1 });
    let packed = [0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37];
    assert_eq!(text(&packed, McDefault::GsmPacked).text, "hellohello");
    // Flash in GSM 7-bit follows the packing, and nothing else, of the default.
    assert_eq!(decode(&packed, 0x10, McDefault::GsmPacked, Shifts::DEFAULT).text, "hellohello");
    assert_eq!(decode(&[0], 0xF0, McDefault::Latin1, Shifts::DEFAULT).text, "@");
}

#[test]
fn what_is_not_text_is_shown_in_hexadecimal() {
    let decoded =
        |octets: &[u8], data_coding| decode(octets, data_coding, McDefault::default(), Shifts::DEFAULT);
    assert_eq!(decoded(&[0, 0xFF], 0x04).text, "00ff");
    assert_eq!(decoded(&[0, 0xFF], 0x04).fidelity, Fidelity::Hexadecimal);
    assert_eq!(decoded(&[0x82, 0xA0], 0x05).text, "82a0");
    assert_eq!(decoded(b"plain", 0x05).text, "plain");
    assert_eq!(decoded(b"plain", 0x0F).fidelity, Fidelity::Exact);
    assert!(decoded(&[0, 1, 2], 0x08).is_lossy());
}

#[test]
fn user_data_are_decoded_under_the_tables_they_announce() {
    let received = decode_user_data(&[3, 0x25, 1, 1, 0x0C, 0x07], true, 0, McDefault::GsmUnpacked);
    assert_eq!(received.decoded.text, "ğı");
    assert_eq!(received.body, [0x0C, 0x07]);
    let received = decode_user_data(&[6, 8, 4, 0, 9, 2, 1, 0x41], true, 0, McDefault::GsmPacked);
    assert_eq!(received.udh.unwrap().unwrap().concatenation().unwrap().reference(), 9);
    assert_eq!(received.decoded.text, "A");
    // Six header octets leave one fill bit.
    let received = decode_user_data(&[5, 0, 3, 9, 2, 1, 0x82], true, 0, McDefault::GsmPacked);
    assert_eq!(received.decoded.text, "A");
}

#[test]
fn malformed_header_makes_everything_opaque() {
    let received = decode_user_data(&[9, 0, 3], true, 0, McDefault::GsmUnpacked);
    assert_eq!(received.udh, Some(Err(MalformedUdh::BeyondData { udhl: 9, available: 2 })));
    assert_eq!(received.body, [9, 0, 3]);
    assert_eq!(received.decoded.text, "090003");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parsing_accounts_for_every_octet(octets in any::<Vec<u8>>()) {
        if let Ok((udh, body)) = Udh::parse(&octets) {
            let elements: usize = udh.elements().map(|element| 2 + element.data.len()).sum();
            prop_assert_eq!(udh.octets(), 1 + elements);
            prop_assert_eq!(udh.octets() + body.len(), octets.len());
            let (_, _, _) = (udh.concatenation(), udh.ports(), udh.shifts());
        }
    }

    #[test]
    fn elements_written_are_read(
        elements in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..20)), 0..12)
    ) {
        let mut built = UdhBuilder::new();
        let kept: Vec<_> =
            elements.into_iter().filter(|(iei, data)| built.element(Iei(*iei), data).is_ok()).collect();
        let octets = built.to_octets();
        let read: Vec<_> = header(&octets).elements().map(|e| (e.iei.0, e.data.to_vec())).collect();
        prop_assert_eq!(read, kept);
    }

    #[test]
    fn decoding_answers_for_anything(octets in any::<Vec<u8>>(), udhi: bool, data_coding: u8) {
        use McDefault::{Ascii, GsmPacked, GsmUnpacked, Latin1};
        for mc_default in [GsmUnpacked, GsmPacked, Latin1, Ascii] {
            let received = decode_user_data(&octets, udhi, data_coding, mc_default);
            prop_assert!(received.decoded.text.chars().count() <= 2 * octets.len());
        }
    }
}
