//! Alphabets, packing and decoding: known facts, and properties that hold for all input.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use smppkit_text::gsm7::{self, ESC};
use smppkit_text::septets::{self, Ending, Extent};
use smppkit_text::{Charset, Language, Shifts, ucs2};

const TABLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/text/gsm0338_tables.json");

fn septets_of(text: &str, shifts: Shifts) -> Vec<u8> {
    let mut septets = Vec::new();
    gsm7::encode(text, shifts, &mut septets).expect("the tables hold the text");
    septets
}

fn text_of(septets: &[u8], shifts: Shifts) -> String {
    let mut text = String::new();
    gsm7::decode(septets, shifts, &mut text);
    text
}

fn any_shifts() -> impl Strategy<Value = Shifts> {
    (0..14_u8, 0..14_u8)
        .prop_map(|(locking, single)| Shifts { locking: Language(locking), single: Language(single) })
}

/// Characters of both tables, in any order.
fn text_in(shifts: Shifts) -> impl Strategy<Value = String> {
    let locking = (0..0x80).filter_map(move |code| gsm7::locking_character(shifts.locking, code));
    let single = (0..0x80).filter_map(move |code| gsm7::single_character(shifts.single, code));
    let characters: Vec<char> = locking.chain(single).collect();
    proptest::collection::vec(proptest::sample::select(characters), 0..300)
        .prop_map(|characters| characters.into_iter().collect())
}

#[test]
fn every_cell_of_every_table_is_that_of_the_reference() {
    type Cells = BTreeMap<String, String>;
    #[derive(Default)]
    struct Reference {
        locking: Option<Cells>,
        single: Cells,
    }
    let json = std::fs::read_to_string(Path::new(TABLES)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let mut languages = 0;
    for (name, entry) in json.as_object().unwrap() {
        let language = Language(u8::try_from(entry["id"].as_u64().unwrap()).unwrap());
        assert_eq!(language.name().unwrap().to_lowercase(), *name);
        let cells = |kind: &str| -> Option<Cells> {
            let cells = entry.get(kind)?.as_object().unwrap();
            Some(cells.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect())
        };
        let reference = Reference { locking: cells("locking"), single: cells("single").unwrap() };
        assert_eq!(language.has_locking_shift(), reference.locking.is_some(), "{language}");
        for code in 0..=0xFF_u8 {
            let expected = |cells: &Cells| {
                let code_point = cells.get(&format!("{code:02X}"))?;
                char::from_u32(u32::from_str_radix(code_point, 16).unwrap())
            };
            let single = gsm7::single_character(language, code);
            assert_eq!(single, expected(&reference.single), "{language} single shift {code:02X}");
            if let Some(locking) = &reference.locking {
                let ours = gsm7::locking_character(language, code);
                assert_eq!(ours, expected(locking), "{language} locking shift {code:02X}");
            }
        }
        languages += 1;
    }
    assert_eq!(languages, Language::ALL.len());
}

#[test]
fn spanish_locking_and_unknown_languages_are_the_default() {
    for language in [Language::SPANISH, Language(14), Language(255)] {
        for code in 0..=0xFF {
            let default = gsm7::locking_character(Language::DEFAULT, code);
            assert_eq!(gsm7::locking_character(language, code), default);
        }
    }
    assert_eq!(gsm7::single_character(Language(99), 0x65), Some('€'));
}

#[test]
fn default_alphabet_follows_the_standard() {
    let default = Shifts::DEFAULT;
    assert_eq!(septets_of("@£$_Δ ¡¿à", default), [0, 1, 2, 0x11, 0x10, 0x20, 0x40, 0x60, 0x7F]);
    assert_eq!(text_of(&[0x09], default), "Ç");
    assert_eq!(septets_of("Ç", default), [0x09]);
    assert_eq!(
        septets_of("\u{c}^{}\\[~]|€", default),
        [
            ESC, 0x0A, ESC, 0x14, ESC, 0x28, ESC, 0x29, ESC, 0x2F, ESC, 0x3C, ESC, 0x3D, ESC, 0x3E, ESC,
            0x40, ESC, 0x65
        ]
    );
}

#[test]
fn escapes_without_a_character_show_what_the_standard_says() {
    let default = Shifts::DEFAULT;
    assert_eq!(text_of(&[b'a', ESC, b'b'], default), "ab");
    assert_eq!(text_of(&[b'a', ESC], default), "a ");
    assert_eq!(text_of(&[ESC, ESC, b'b'], default), " b");
    assert_eq!(text_of(&[ESC, ESC, ESC, 0x65], default), " €");
    assert_eq!(text_of(&[ESC, 0x0D], default), "\r");
    let turkish = Shifts { locking: Language::TURKISH, single: Language::DEFAULT };
    assert_eq!(text_of(&[ESC, 0x40, ESC, 0x60], turkish), "|ç");
}

#[test]
fn octets_that_are_no_septets_are_replaced_and_counted() {
    let mut text = String::new();
    assert_eq!(gsm7::decode(&[b'a', 0xE9, ESC, 0x80], Shifts::DEFAULT, &mut text), 2);
    assert_eq!(text, "a\u{FFFD}\u{FFFD}");
    // Bengali has no character at 0x0C.
    let bengali = Shifts { locking: Language::BENGALI, single: Language::DEFAULT };
    assert_eq!(gsm7::decode(&[0x0C], bengali, &mut text), 1);
}

#[test]
fn turkish_needs_one_septet_locked_and_two_shifted() {
    let locked = Shifts { locking: Language::TURKISH, single: Language::DEFAULT };
    let shifted = Shifts { locking: Language::DEFAULT, single: Language::TURKISH };
    assert_eq!(septets_of("ğıŞ€", locked), [0x0C, 0x07, 0x1C, 0x04]);
    assert_eq!(septets_of("ğıŞ€", shifted), [ESC, 0x67, ESC, 0x69, ESC, 0x53, ESC, 0x65]);
    assert_eq!(gsm7::cost('ğ', locked), Some(1));
    assert_eq!(gsm7::cost('ğ', shifted), Some(2));
    assert_eq!(gsm7::cost('ğ', Shifts::DEFAULT), None);
}

#[test]
fn encoding_names_every_character_that_does_not_fit() {
    let mut septets = vec![1];
    let error = gsm7::encode("aç😀b\u{1b}", Shifts::DEFAULT, &mut septets).unwrap_err();
    assert_eq!(error.characters, [(1, 'ç'), (2, '😀'), (4, '\u{1b}')]);
    assert_eq!(error.to_string(), "3 characters do not fit the encoding, first 'ç' at 1");
    assert_eq!(septets, [1]);
}

#[test]
fn packing_matches_known_octets() {
    let pack = |text: &str| septets::pack(&septets_of(text, Shifts::DEFAULT), 0, Ending::Counted);
    assert_eq!(pack("hellohello"), [0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37]);
    assert!(pack("").is_empty());
    assert_eq!(pack("@"), [0]);
    let unpacked = septets::unpack(&pack("hellohello"), 0, Extent::Count(10));
    assert_eq!(text_of(&unpacked, Shifts::DEFAULT), "hellohello");
}

#[test]
fn a_header_of_six_octets_is_followed_by_one_fill_bit() {
    assert_eq!(
        (0..=13).map(septets::fill_bits).collect::<Vec<_>>(),
        [0, 6, 5, 4, 3, 2, 1, 0, 6, 5, 4, 3, 2, 1]
    );
    // 'A' is 0x41: shifted left by the one fill bit.
    assert_eq!(septets::pack(b"A", 6, Ending::Counted), [0x82]);
    assert_eq!(septets::unpack(&[0x82], 6, Extent::Count(1)), b"A");
}

#[test]
fn seven_spare_bits_hold_a_carriage_return_in_ussd() {
    let packed = septets::pack(b"1234567", 0, Ending::CarriageReturn);
    assert_eq!(packed.len(), 7);
    assert_eq!(packed[6] >> 1, 0x0D);
    assert_eq!(septets::unpack(&packed, 0, Extent::CarriageReturn), b"1234567");
    // Counted packing leaves zeros there, which would read as '@'.
    let packed = septets::pack(b"1234567", 0, Ending::Counted);
    assert_eq!(septets::unpack(&packed, 0, Extent::CarriageReturn), b"1234567\0");
    assert_eq!(septets::unpack(&packed, 0, Extent::Unknown), b"1234567");
    // A CR of the text's own on the boundary is doubled.
    let packed = septets::pack(b"1234567\r", 0, Ending::CarriageReturn);
    assert_eq!(packed.len(), 8);
    assert_eq!(septets::unpack(&packed, 0, Extent::CarriageReturn), b"1234567\r\r");
    assert_eq!(
        septets::unpack(&septets::pack(b"12\r", 0, Ending::CarriageReturn), 0, Extent::CarriageReturn),
        b"12\r"
    );
}

#[test]
fn every_length_and_fill_packs_and_unpacks() {
    let text: Vec<u8> = (0..=300_u32).map(|n| (n * 37 % 127 + 1) as u8).collect();
    for header_octets in 0..=14 {
        for length in 0..=300 {
            let septets = &text[..length];
            let packed = septets::pack(septets, header_octets, Ending::Counted);
            let fill = if length == 0 { 0 } else { septets::fill_bits(header_octets) };
            assert_eq!(packed.len(), (fill + 7 * length).div_ceil(8));
            assert_eq!(septets::unpack(&packed, header_octets, Extent::Count(length)), septets);
            if septets.last() != Some(&0x0D) {
                assert_eq!(
                    septets::unpack(&packed, header_octets, Extent::Unknown),
                    septets,
                    "{header_octets} {length}"
                );
                let packed = septets::pack(septets, header_octets, Ending::CarriageReturn);
                assert_eq!(septets::unpack(&packed, header_octets, Extent::CarriageReturn), septets);
            }
        }
    }
}

#[test]
fn iso_8859_parts_map_their_letters() {
    let facts = [
        (Charset::Latin1, 'é', Some(0xE9)),
        (Charset::Latin1, '€', None),
        (Charset::Ascii, 'é', None),
        (Charset::Cyrillic, 'Ё', Some(0xA1)),
        (Charset::Cyrillic, 'А', Some(0xB0)),
        (Charset::Cyrillic, 'я', Some(0xEF)),
        (Charset::Cyrillic, '№', Some(0xF0)),
        (Charset::Cyrillic, 'џ', Some(0xFF)),
        (Charset::Cyrillic, '§', Some(0xFD)),
        (Charset::Cyrillic, '\u{AD}', Some(0xAD)),
        (Charset::Cyrillic, '©', None),
        (Charset::Hebrew, 'א', Some(0xE0)),
        (Charset::Hebrew, 'ת', Some(0xFA)),
        (Charset::Hebrew, '×', Some(0xAA)),
        (Charset::Hebrew, '÷', Some(0xBA)),
        (Charset::Hebrew, '‗', Some(0xDF)),
        (Charset::Hebrew, '\u{200F}', Some(0xFE)),
        (Charset::Hebrew, '¡', None),
    ];
    for (charset, character, octet) in facts {
        assert_eq!(charset.octet(character), octet, "{charset:?} {character:?}");
    }
    let gaps = |charset: Charset| (0..=0xFF).filter(|&octet| charset.character(octet).is_none()).count();
    assert_eq!(gaps(Charset::Ascii), 128);
    assert_eq!(gaps(Charset::Latin1), 0);
    assert_eq!(gaps(Charset::Cyrillic), 0);
    assert_eq!(gaps(Charset::Hebrew), 36);
}

#[test]
fn every_octet_with_a_character_comes_back_from_it() {
    for charset in [Charset::Ascii, Charset::Latin1, Charset::Cyrillic, Charset::Hebrew] {
        for octet in 0..=0xFF {
            let Some(character) = charset.character(octet) else { continue };
            assert_eq!(charset.octet(character), Some(octet), "{charset:?} {octet:02X}");
        }
    }
}

#[test]
fn ucs2_keeps_surrogates_and_replaces_broken_ones() {
    let mut octets = Vec::new();
    ucs2::encode("a😀", &mut octets);
    assert_eq!(octets, [0, b'a', 0xD8, 0x3D, 0xDE, 0x00]);
    let decode = |octets: &[u8]| {
        let mut text = String::new();
        (ucs2::decode(octets, &mut text), text)
    };
    assert_eq!(decode(&octets), (0, "a😀".to_owned()));
    assert_eq!(decode(&[0xD8, 0x3D, 0, b'a']), (1, "\u{FFFD}a".to_owned()));
    assert_eq!(decode(&[0, b'a', 0]), (1, "a\u{FFFD}".to_owned()));
    assert_eq!(decode(&[0xFF, 0xFE, b'a', 0]), (0, "a".to_owned()));
    assert_eq!(decode(&[0xFE, 0xFF, 0, b'a']), (0, "a".to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_of_any_two_tables_comes_back(
        (shifts, text) in any_shifts().prop_flat_map(|shifts| (Just(shifts), text_in(shifts)))
    ) {
        let septets = septets_of(&text, shifts);
        prop_assert!(septets.iter().all(|&septet| septet < 0x80));
        let costs: usize = text.chars().map(|character| gsm7::cost(character, shifts).unwrap()).sum();
        prop_assert_eq!(septets.len(), costs);
        prop_assert_eq!(text_of(&septets, shifts), text);
    }

    #[test]
    fn any_text_that_encodes_comes_back(text in any::<String>(), shifts in any_shifts()) {
        let mut septets = Vec::new();
        match gsm7::encode(&text, shifts, &mut septets) {
            Ok(()) => prop_assert_eq!(text_of(&septets, shifts), text),
            Err(error) => prop_assert!(!error.characters.is_empty()),
        }
    }

    #[test]
    fn decoding_septets_answers_for_any_octets(octets in any::<Vec<u8>>(), locking: u8, single: u8) {
        let shifts = Shifts { locking: Language(locking), single: Language(single) };
        prop_assert!(text_of(&octets, shifts).chars().count() <= octets.len());
    }

    #[test]
    fn ucs2_brings_back_any_text(text in any::<String>()) {
        prop_assume!(!text.starts_with(['\u{FEFF}', '\u{FFFE}']));
        let (mut octets, mut back) = (Vec::new(), String::new());
        ucs2::encode(&text, &mut octets);
        prop_assert_eq!(ucs2::decode(&octets, &mut back), 0);
        prop_assert_eq!(back, text);
    }

    #[test]
    fn unpacking_answers_for_any_octets(octets in any::<Vec<u8>>(), header_octets in 0..300_usize, count: u16) {
        for extent in [Extent::Count(usize::from(count)), Extent::CarriageReturn, Extent::Unknown] {
            let septets = septets::unpack(&octets, header_octets, extent);
            prop_assert!(septets.len() <= octets.len() * 8 / 7);
            prop_assert!(septets.iter().all(|&septet| septet < 0x80));
        }
    }
}
