//! Choice of encoding, preview and splitting.

use proptest::prelude::*;
use smppkit_text::{
    Carrier, Charset, Encoding, Fidelity, Iei, Language, McDefault, Options, Ports, Reason, ReferenceWidth,
    Shifts, SplitError, Udh, UdhBuilder, decode, preview, split, split_binary,
};

const TURKISH_LOCKED: Shifts = Shifts { locking: Language::TURKISH, single: Language::DEFAULT };
const TURKISH_SHIFTED: Shifts = Shifts { locking: Language::DEFAULT, single: Language::TURKISH };

fn national() -> Options {
    Options { national_tables: true, ..Options::default() }
}

fn forced(encoding: Encoding) -> Options {
    Options { encoding: Some(encoding), ..Options::default() }
}

/// Texts of all parts, decoded one by one under the header each announces.
fn joined(text: &str, options: &Options) -> Result<String, SplitError> {
    let message = split(text, options, 0x1234)?;
    let mut joined = String::new();
    for part in &message.parts {
        let (shifts, body) = if part.udhi {
            let (udh, body) = Udh::parse(&part.user_data).expect("we made the header");
            (udh.shifts(), body)
        } else {
            (Shifts::DEFAULT, &part.user_data[..])
        };
        let decoded = decode(body, message.encoding.data_coding(), McDefault::GsmUnpacked, shifts);
        assert_eq!(decoded.fidelity, Fidelity::Exact);
        assert_eq!(decoded.text, text[part.range.clone()]);
        joined += &decoded.text;
    }
    Ok(joined)
}

#[test]
fn capacities_are_those_of_the_table() {
    let table = [
        (0, 160, 140, 70),
        (4, 155, 136, 68),
        (6, 153, 134, 67),
        (7, 152, 133, 66),
        (9, 149, 131, 65),
        (10, 148, 130, 65),
        (12, 146, 128, 64),
        (13, 145, 127, 63),
    ];
    for (header_octets, septets, octets, code_units) in table {
        assert_eq!(Encoding::GSM7.capacity(header_octets), septets);
        assert_eq!(Encoding::LATIN1.capacity(header_octets), octets);
        assert_eq!(Encoding::Ucs2.capacity(header_octets), code_units);
    }
}

#[test]
fn every_header_of_the_table_is_made_and_counted() {
    let sixteen = ReferenceWidth::Sixteen;
    let both = Shifts { locking: Language::TURKISH, single: Language::TURKISH };
    let mut ports = UdhBuilder::new();
    ports.ports(Ports::Sixteen { destination: 9204, originator: 0 }).unwrap();
    let with_ports = Options { udh: ports, ..forced(Encoding::GSM7) };
    let rows = [
        (forced(Encoding::GSM7), 0, 6, 153),
        (Options { reference: sixteen, ..forced(Encoding::GSM7) }, 0, 7, 152),
        (forced(Encoding::Gsm7(TURKISH_SHIFTED)), 4, 9, 149),
        (Options { reference: sixteen, ..forced(Encoding::Gsm7(TURKISH_SHIFTED)) }, 4, 10, 148),
        (forced(Encoding::Gsm7(both)), 7, 12, 146),
        (Options { reference: sixteen, ..forced(Encoding::Gsm7(both)) }, 7, 13, 145),
        (with_ports.clone(), 7, 12, 146),
        (Options { reference: sixteen, ..with_ports }, 7, 13, 145),
    ];
    for (options, single, several, capacity) in rows {
        let short = split("a", &options, 7).unwrap();
        assert_eq!(short.parts[0].user_data.len(), single + 1);
        let long = split(&"a".repeat(400), &options, 7).unwrap();
        assert_eq!(long.parts[0].user_data.len(), several + capacity);
        assert_eq!(Udh::parse(&long.parts[0].user_data).unwrap().0.octets(), several);
        assert_eq!(preview(&"a".repeat(400), &options).unwrap().capacity, capacity);
    }
}

#[test]
fn one_part_grows_into_two_at_the_limit() {
    for (character, single, part) in [("a", 160, 153), ("ж", 70, 67)] {
        let one = preview(&character.repeat(single), &Options::default()).unwrap();
        assert_eq!((one.parts.len(), one.capacity, one.header_octets, one.units_left()), (1, single, 0, 0));
        let two = preview(&character.repeat(single + 1), &Options::default()).unwrap();
        assert_eq!((two.parts.len(), two.capacity, two.header_octets), (2, part, 6));
        assert_eq!(two.parts[0].units, part);
        assert_eq!(two.units_left(), 2 * part - single - 1);
    }
}

#[test]
fn full_first_part_is_159_octets_of_short_message() {
    let message = split(&"a".repeat(161), &Options::default(), 0x1FF).unwrap();
    let first = &message.parts[0];
    assert_eq!(first.user_data.len(), 159);
    assert_eq!(first.user_data[..6], [5, 0, 3, 0xFF, 2, 1]);
    assert!(first.udhi);
    assert_eq!(first.concatenation.unwrap().reference(), 0xFF);
    assert_eq!(message.parts[1].user_data.len(), 6 + 8);
}

#[test]
fn empty_text_is_one_empty_part() {
    let message = split("", &Options::default(), 0).unwrap();
    assert_eq!(message.encoding, Encoding::GSM7);
    assert_eq!(message.parts.len(), 1);
    assert!(message.parts[0].user_data.is_empty() && !message.parts[0].udhi);
    assert_eq!(preview("", &Options::default()).unwrap().units_left(), 160);
}

#[test]
fn escape_pair_is_never_cut() {
    let text = "a".repeat(152) + "€" + &"a".repeat(20);
    let seen = preview(&text, &Options::default()).unwrap();
    assert_eq!(seen.parts.iter().map(|part| part.units).collect::<Vec<_>>(), [152, 22]);
    assert_eq!(joined(&text, &Options::default()).unwrap(), text);
}

#[test]
fn surrogate_pair_is_never_cut() {
    let text = "ж".repeat(66) + "😀" + &"ж".repeat(20);
    let seen = preview(&text, &Options::default()).unwrap();
    assert_eq!(seen.parts.iter().map(|part| part.units).collect::<Vec<_>>(), [66, 22]);
    assert_eq!(joined(&text, &Options::default()).unwrap(), text);
}

#[test]
fn combining_sequence_is_cut_only_when_longer_than_a_part() {
    let units = |text: &str| -> Vec<usize> {
        let seen = preview(text, &Options::default()).unwrap();
        assert_eq!(joined(text, &Options::default()).unwrap(), text);
        seen.parts.iter().map(|part| part.units).collect()
    };
    let filler = |n: usize| "ж".repeat(n);
    // e and its accent; a letter with two Devanagari signs; a family; a flag.
    assert_eq!(units(&(filler(66) + "e\u{301}" + &filler(10))), [66, 12]);
    assert_eq!(units(&(filler(65) + "क\u{94D}\u{903}" + &filler(10))), [65, 13]);
    assert_eq!(units(&(filler(60) + "👨\u{200D}👩\u{200D}👧" + &filler(10))), [60, 18]);
    assert_eq!(units(&(filler(65) + "🇫🇷🇩🇪" + &filler(10))), [65, 18]);
    // Two flags: the cut falls between them.
    assert_eq!(units(&(filler(63) + "🇫🇷🇩🇪" + &filler(10))), [67, 14]);
    let endless = String::from("e") + &"\u{301}".repeat(140);
    assert_eq!(units(&endless), [67, 67, 7]);
}

#[test]
fn plain_alphabet_is_taken_where_it_fits() {
    let everything = Options { latin1: true, ..national() };
    for text in ["hello", "{[€]}", "à la carte"] {
        assert_eq!(preview(text, &everything).unwrap().encoding, Encoding::GSM7);
    }
}

#[test]
fn latin1_serves_only_where_allowed() {
    let text = "garçon êtes-vous là";
    assert_eq!(preview(text, &Options::default()).unwrap().encoding, Encoding::Ucs2);
    let options = Options { latin1: true, ..Options::default() };
    assert_eq!(preview(text, &options).unwrap().encoding, Encoding::LATIN1);
    assert_eq!(joined(text, &options).unwrap(), text);
}

#[test]
fn national_tables_serve_only_where_allowed() {
    let text = "Şu ağaç çok büyük, değil mi? ".repeat(5);
    let plain = preview(&text, &Options::default()).unwrap();
    assert_eq!((plain.encoding, plain.parts.len()), (Encoding::Ucs2, 3));
    let seen = preview(&text, &national()).unwrap();
    assert_eq!((seen.encoding, seen.parts.len()), (Encoding::Gsm7(TURKISH_LOCKED), 1));
    assert_eq!(seen.shifts(), TURKISH_LOCKED);
    assert_eq!(seen.header_octets, 4);
    assert_eq!(joined(&text, &national()).unwrap(), text);
    let message = split(&text, &national(), 1).unwrap();
    assert_eq!(message.parts[0].user_data[..4], [3, 0x25, 1, 1]);
}

#[test]
fn each_script_finds_its_tables() {
    let rows = [
        (Language::BENGALI, "আমি বাংলায় গান গাই "),
        (Language::GUJARATI, "કેમ છો મજામાં "),
        (Language::HINDI, "आप कैसे हैं मित्र "),
        (Language::KANNADA, "ನೀವು ಹೇಗಿದ್ದೀರಿ "),
        (Language::MALAYALAM, "സുഖമാണോ നിങ്ങൾക്ക് "),
        (Language::ORIYA, "ଆପଣ କେମିତି ଅଛନ୍ତି "),
        (Language::PUNJABI, "ਤੁਸੀਂ ਕਿਵੇਂ ਹੋ "),
        (Language::TAMIL, "நீங்கள் எப்படி "),
        (Language::TELUGU, "మీరు ఎలా ఉన్నారు "),
        (Language::URDU, "آپ کیسے ہیں "),
    ];
    for (language, words) in rows {
        let text: String = words.chars().cycle().take(100).collect();
        let seen = preview(&text, &national()).unwrap();
        let holds_all = text.chars().all(|c| {
            let shifts = Shifts { locking: language, single: language };
            smppkit_text::gsm7::cost(c, shifts).is_some()
        });
        let expected = if holds_all { language } else { Language::DEFAULT };
        assert_eq!(seen.shifts().locking, expected, "{language}: {seen:?}");
        assert_eq!(joined(&text, &national()).unwrap(), text);
    }
}

#[test]
fn preview_names_costly_characters() {
    let costly = |text: &str, options: &Options| -> Vec<_> {
        let seen = preview(text, options).unwrap();
        seen.costly
            .iter()
            .map(|costly| (costly.index, costly.character, costly.units, costly.reason))
            .collect()
    };
    let plain = Options::default();
    assert_eq!(costly("a€b", &plain), [(1, '€', 2, Reason::TwoSeptets)]);
    assert_eq!(
        costly("a€ж😀", &plain),
        [(2, 'ж', 1, Reason::OutsideGsm7), (3, '😀', 2, Reason::OutsideGsm7)]
    );
    assert_eq!(costly("aж😀", &forced(Encoding::Ucs2)), [(2, '😀', 2, Reason::SurrogatePair)]);
    assert_eq!(costly("ağ", &forced(Encoding::Gsm7(TURKISH_SHIFTED))), [(1, 'ğ', 2, Reason::TwoSeptets)]);
    assert_eq!(costly("ağ€", &national())[0].3, Reason::OutsideGsm7);
    let seen = preview("a€😀", &plain).unwrap();
    assert_eq!((seen.characters, seen.units), (3, 4));
}

#[test]
fn forced_encoding_is_kept_or_refused() {
    for charset in [Charset::Cyrillic, Charset::Hebrew, Charset::Ascii] {
        let message = split("abc", &forced(Encoding::Octets(charset)), 0).unwrap();
        assert_eq!(message.parts[0].user_data, b"abc");
    }
    assert_eq!(joined("Привет", &forced(Encoding::Octets(Charset::Cyrillic))).unwrap(), "Привет");
    assert_eq!(joined("שלום", &forced(Encoding::Octets(Charset::Hebrew))).unwrap(), "שלום");
    let Err(SplitError::Unencodable(error)) = split("añж", &forced(Encoding::GSM7), 0) else {
        panic!("the letter is in no table")
    };
    assert_eq!(error.characters, [(2, 'ж')]);
}

#[test]
fn sar_parts_hold_what_headed_parts_hold_without_the_header() {
    for (reference, capacity) in [(ReferenceWidth::Eight, 153), (ReferenceWidth::Sixteen, 152)] {
        let options = Options { carrier: Carrier::Sar, reference, ..Options::default() };
        let message = split(&"a".repeat(200), &options, 5).unwrap();
        assert_eq!(message.parts.len(), 2);
        assert_eq!(message.parts[0].user_data, "a".repeat(capacity).as_bytes());
        assert!(!message.parts[0].udhi);
        let place = message.parts[1].concatenation.unwrap();
        assert_eq!((place.reference(), place.total(), place.sequence()), (5, 2, 2));
    }
}

#[test]
fn sar_and_header_meet_only_in_a_single_part() {
    let sar = Options { carrier: Carrier::Sar, ..national() };
    let short = "Şu ağaç çok büyük, değil mi? ".repeat(5);
    assert_eq!(preview(&short, &sar).unwrap().encoding, Encoding::Gsm7(TURKISH_LOCKED));
    assert_eq!(preview(&short.repeat(2), &sar).unwrap().encoding, Encoding::Ucs2);
    let forced = Options { encoding: Some(Encoding::Gsm7(TURKISH_LOCKED)), ..sar };
    assert_eq!(split(&short.repeat(2), &forced, 0), Err(SplitError::SarWithHeader));
}

#[test]
fn message_payload_is_one_part_of_up_to_65535_octets() {
    let options = Options { carrier: Carrier::MessagePayload, ..Options::default() };
    let whole = split(&"a".repeat(65_535), &options, 0).unwrap();
    assert_eq!(whole.parts.len(), 1);
    assert_eq!(whole.parts[0].concatenation, None);
    let error = split(&"a".repeat(65_536), &options, 0).unwrap_err();
    assert_eq!(error, SplitError::TooLong { limit_octets: 65_535 });
    assert_eq!(split(&"ж".repeat(32_767), &options, 0).unwrap().parts[0].user_data.len(), 65_534);
    assert!(split(&"ж".repeat(32_768), &options, 0).is_err());
}

#[test]
fn parts_are_at_most_255() {
    let longest = "a".repeat(255 * 153);
    assert_eq!(split(&longest, &Options::default(), 0).unwrap().parts.len(), 255);
    let error = split(&(longest + "a"), &Options::default(), 0).unwrap_err();
    assert_eq!(error, SplitError::TooManyParts { at_least: 256 });
    // Escapes at every edge: the estimate says 255, cutting needs more.
    let escapes = "€".repeat(255 * 153 / 2);
    assert_eq!(split(&escapes, &Options::default(), 0), Err(SplitError::TooManyParts { at_least: 256 }));
}

#[test]
fn header_that_leaves_no_room_is_refused() {
    let mut udh = UdhBuilder::new();
    udh.element(Iei(0x80), &[0; 131]).unwrap();
    let options = Options { udh: udh.clone(), ..Options::default() };
    assert_eq!(split("abcdef", &options, 0).unwrap().parts[0].user_data.len(), 140);
    assert!(matches!(split("abcdefg", &options, 0), Err(SplitError::HeaderTooLong(_))));
    udh.element(Iei(0x80), &[0; 4]).unwrap();
    let options = Options { udh: udh.clone(), ..Options::default() };
    assert!(matches!(split("a", &options, 0), Err(SplitError::HeaderTooLong(_))));
    assert!(matches!(split_binary(b"a", &options, 0), Err(SplitError::HeaderTooLong(_))));
    udh.element(Iei(0x80), &[0; 94]).unwrap();
    let options = Options { udh, carrier: Carrier::MessagePayload, ..forced(Encoding::Gsm7(TURKISH_LOCKED)) };
    assert_eq!(split("a", &options, 0).unwrap().parts[0].user_data.len(), 1 + 133 + 102 + 3 + 1);
    let mut udh = options.udh.clone();
    udh.element(Iei(0x80), &[0; 16]).unwrap();
    let options = Options { udh, ..options };
    assert!(matches!(preview("a", &options), Err(SplitError::HeaderTooLong(_))));
    assert!(matches!(split("a", &options, 0), Err(SplitError::HeaderTooLong(_))));
}

#[test]
fn binary_is_cut_at_134_octets() {
    let octets: Vec<u8> = (0..=u8::MAX).chain(0..=u8::MAX).collect();
    assert_eq!(split_binary(&octets[..140], &Options::default(), 1).unwrap().len(), 1);
    let parts = split_binary(&octets, &Options::default(), 1).unwrap();
    let sizes: Vec<_> = parts.iter().map(|part| part.user_data.len()).collect();
    assert_eq!(sizes, [140, 140, 140, 116]);
    let joined: Vec<u8> = parts.iter().flat_map(|part| part.user_data[6..].to_vec()).collect();
    assert_eq!(joined, octets);
    assert_eq!(split_binary(&[], &Options::default(), 1).unwrap()[0].user_data, []);
    assert!(split_binary(&vec![0; 255 * 134 + 1], &Options::default(), 1).is_err());
}

fn any_options() -> impl Strategy<Value = Options> {
    let widths = prop_oneof![Just(ReferenceWidth::Eight), Just(ReferenceWidth::Sixteen)];
    let carriers = prop_oneof![Just(Carrier::Udh), Just(Carrier::Sar), Just(Carrier::MessagePayload)];
    (any::<bool>(), any::<bool>(), widths, carriers).prop_map(
        |(national_tables, latin1, reference, carrier)| Options {
            national_tables,
            latin1,
            reference,
            carrier,
            ..Options::default()
        },
    )
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~€çğŞıé]{0,500}",
        "[अ-ह ा-्0-9A-Z]{0,300}",
        "[a-z\u{300}-\u{310}😀🇦-🇿\u{200D}]{0,300}",
        any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_join_to_the_text_and_keep_their_capacity(text in any_text(), options in any_options()) {
        let seen = preview(&text, &options).unwrap();
        let message = split(&text, &options, 0x1234).unwrap();
        // A mark of byte order at the start is taken off by the decoder, not lost by the splitter.
        prop_assume!(!text.starts_with(['\u{FEFF}', '\u{FFFE}']));
        prop_assert_eq!(message.encoding, seen.encoding);
        prop_assert_eq!(message.parts.len(), seen.parts.len());
        prop_assert_eq!(seen.characters, text.chars().count());
        for (part, size) in message.parts.iter().zip(&seen.parts) {
            prop_assert!(size.units <= seen.capacity);
            let header = if part.udhi { usize::from(part.user_data[0]) + 1 } else { 0 };
            let unit_octets = if seen.encoding == Encoding::Ucs2 { 2 } else { 1 };
            prop_assert_eq!(part.user_data.len(), header + size.units * unit_octets);
        }
        // A part may begin with a mark of byte order that stands inside the text.
        prop_assume!(!text.contains(['\u{FEFF}', '\u{FFFE}']));
        prop_assert_eq!(joined(&text, &options).unwrap(), text);
    }

    #[test]
    fn allowing_more_never_makes_a_message_longer(text in any_text()) {
        let plain = preview(&text, &Options::default()).unwrap();
        let free = preview(&text, &Options { latin1: true, ..national() }).unwrap();
        prop_assert!(free.parts.len() <= plain.parts.len());
    }
}
