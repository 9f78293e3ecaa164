//! Octets to text under any data_coding and tables, text to parts and back.
//!
//! Input: data_coding, the two language tables, two octets of options, then octets: of a message and, as UTF-8, of
//! a text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smppkit_text::septets::{self, Ending, Extent};
use smppkit_text::{
    Carrier, Charset, Encoding, Fidelity, Interpretation, Language, McDefault, Options, Part, Ports,
    ReferenceWidth, Shifts, Split, UdhBuilder, decode, decode_user_data, gsm7, preview, split, split_binary,
    ucs2,
};

const CHARSETS: [Charset; 4] = [Charset::Ascii, Charset::Latin1, Charset::Cyrillic, Charset::Hebrew];

fuzz_target!(|data: &[u8]| {
    let Some((&[data_coding, locking, single, first, second], octets)) = data.split_first_chunk() else {
        return;
    };
    let shifts = Shifts { locking: Language(locking % 32), single: Language(single % 32) };
    read(octets, data_coding, shifts, first);
    alphabets(octets, shifts);
    packed(octets, first);
    let options = options(shifts, first, second);
    let mut text = String::from_utf8_lossy(octets).into_owned();
    if second >> 5 == 7 && first & 3 == 3 {
        // Long enough for more than 255 parts.
        text = text.repeat(1 + 8_192 / text.len().max(1));
    }
    sent(&text, &options, u16::from_be_bytes([first, second]));
    binary(octets, &options);
});

fn read(octets: &[u8], data_coding: u8, shifts: Shifts, choice: u8) {
    let mc_defaults = [McDefault::GsmUnpacked, McDefault::GsmPacked, McDefault::Latin1, McDefault::Ascii];
    let mc_default = mc_defaults[usize::from(choice % 4)];
    let _ = Interpretation::of(data_coding);
    let decoded = decode(octets, data_coding, mc_default, shifts);
    if let Fidelity::Lossy { replaced } = decoded.fidelity {
        assert!(replaced > 0 && replaced <= decoded.text.chars().count());
    }
    let plain = decode_user_data(octets, false, data_coding, mc_default);
    assert!(plain.udh.is_none() && plain.body == octets);
    let headed = decode_user_data(octets, true, data_coding, mc_default);
    match headed.udh {
        Some(Ok(udh)) => assert_eq!(udh.octets() + headed.body.len(), octets.len()),
        Some(Err(_)) => assert_eq!(headed.decoded.fidelity, Fidelity::Hexadecimal),
        None => panic!("a header was promised"),
    }
}

/// What every octet of has a character can be written, and reads as the same text.
fn alphabets(octets: &[u8], shifts: Shifts) {
    let mut text = String::new();
    if gsm7::decode(octets, shifts, &mut text) == 0 {
        let mut written = Vec::new();
        gsm7::encode(&text, shifts, &mut written).expect("it came from this alphabet");
        assert!(written.len() <= octets.len() && written.iter().all(|&septet| septet < 0x80));
        let costs = text.chars().map(|character| gsm7::cost(character, shifts).expect("as above"));
        assert_eq!(costs.sum::<usize>(), written.len());
        let mut again = String::new();
        assert_eq!(gsm7::decode(&written, shifts, &mut again), 0);
        assert_eq!(again, text);
    }
    for charset in CHARSETS {
        let mut text = String::new();
        if charset.decode(octets, &mut text) == 0 {
            let mut written = Vec::new();
            charset.encode(&text, &mut written).expect("it came from this alphabet");
            assert_eq!(written, octets);
        }
    }
    let mut text = String::new();
    let replaced = ucs2::decode(octets, &mut text);
    let marked = matches!(octets, [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..]);
    if replaced == 0 && !marked {
        let mut written = Vec::new();
        ucs2::encode(&text, &mut written);
        assert_eq!(written, octets);
    }
}

fn packed(octets: &[u8], choice: u8) {
    let header_octets = usize::from(choice);
    let all: Vec<u8> = octets.iter().map(|octet| octet & 0x7F).collect();
    let packed = septets::pack(&all, header_octets, Ending::Counted);
    assert_eq!(septets::unpack(&packed, header_octets, Extent::Count(all.len())), all);
    assert!(septets::unpack(&packed, header_octets, Extent::Unknown).len() <= all.len() + 1);
    let ended = septets::pack(&all, header_octets, Ending::CarriageReturn);
    let back = septets::unpack(&ended, header_octets, Extent::CarriageReturn);
    // A final CR may have got another (3GPP 23.038, 6.1.2.2.1).
    assert!(back == all || back.strip_suffix(b"\r").is_some_and(|back| back == all), "{all:?} {back:?}");
    for extent in [Extent::Unknown, Extent::CarriageReturn, Extent::Count(usize::MAX), Extent::Count(3)] {
        let septets = septets::unpack(octets, header_octets, extent);
        assert!(septets.len() <= octets.len() * 8 / 7 && septets.iter().all(|&septet| septet < 0x80));
    }
}

fn options(shifts: Shifts, first: u8, second: u8) -> Options {
    let encoding = match first >> 2 & 0x0F {
        0 => Some(Encoding::GSM7),
        1 => Some(Encoding::Gsm7(shifts)),
        2 => Some(Encoding::Ucs2),
        of @ 3..=6 => Some(Encoding::Octets(CHARSETS[usize::from(of - 3)])),
        _ => None,
    };
    let mut udh = UdhBuilder::new();
    if second & 0x08 != 0 {
        udh.ports(Ports::Sixteen { destination: 2948, originator: 9200 }).expect("six octets fit");
    }
    if second & 0x10 != 0 {
        // Some lengths leave no room for text.
        udh.element(smppkit_text::Iei(0x70), &vec![0; 80 + usize::from(first >> 2)]).expect("less than 255");
    }
    Options {
        national_tables: first & 0x40 != 0,
        latin1: first & 0x80 != 0,
        encoding,
        reference: if second & 0x01 == 0 { ReferenceWidth::Eight } else { ReferenceWidth::Sixteen },
        carrier: [Carrier::Udh, Carrier::Sar, Carrier::MessagePayload, Carrier::Udh]
            [usize::from(second >> 1 & 3)],
        udh,
    }
}

/// The preview says what split does, and the parts join to the text.
fn sent(text: &str, options: &Options, reference: u16) {
    let (preview, message) = match (preview(text, options), split(text, options, reference)) {
        (Ok(preview), Ok(message)) => (preview, message),
        (Err(a), Err(b)) => {
            assert_eq!(a, b);
            let _ = a.to_string();
            return;
        }
        (preview, message) => panic!("{preview:?} but {message:?}"),
    };
    assert_eq!(preview.encoding, message.encoding);
    assert_eq!(preview.parts.len(), message.parts.len());
    assert_eq!(preview.characters, text.chars().count());
    let _ = preview.units_left();
    let total = message.parts.len();
    assert!((1..=255).contains(&total));
    let mut end = 0;
    for (index, (part, size)) in message.parts.iter().zip(&preview.parts).enumerate() {
        assert_eq!(part.range.start, end, "no gap");
        end = part.range.end;
        let own = &text[part.range.clone()];
        assert_eq!(size.characters, own.chars().count());
        assert!(size.units <= preview.capacity);
        placed(part, index, total, options.carrier);
        received(part, own, &message, size.units);
    }
    assert_eq!(end, text.len());
}

fn placed(part: &Part, index: usize, total: usize, carrier: Carrier) {
    let place = part.concatenation.map(|place| (usize::from(place.total()), usize::from(place.sequence())));
    assert_eq!(place, (total > 1).then_some((total, index + 1)));
    let udh = decode_user_data(&part.user_data, part.udhi, 4, McDefault::GsmUnpacked).udh;
    let told = udh.and_then(|udh| udh.expect("we made it").concatenation());
    assert_eq!(told, part.concatenation.filter(|_| carrier == Carrier::Udh));
}

fn received(part: &Part, own: &str, message: &Split, units: usize) {
    let data_coding = message.encoding.data_coding();
    let received = decode_user_data(&part.user_data, part.udhi, data_coding, McDefault::GsmUnpacked);
    let octets = if message.encoding == Encoding::Ucs2 { 2 * units } else { units };
    assert_eq!(received.body.len(), octets);
    // A byte order mark in front of UCS-2 is a tolerance of the reader.
    if message.encoding == Encoding::Ucs2 && own.starts_with(['\u{FEFF}', '\u{FFFE}']) {
        return;
    }
    assert_eq!(received.decoded.text, own);
    assert_eq!(received.decoded.fidelity, Fidelity::Exact);
}

fn binary(octets: &[u8], options: &Options) {
    let Ok(parts) = split_binary(octets, options, 7) else { return };
    let mut joined = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        placed(part, index, parts.len(), options.carrier);
        joined
            .extend_from_slice(decode_user_data(&part.user_data, part.udhi, 4, McDefault::GsmUnpacked).body);
        assert_eq!(joined.len(), part.range.end);
    }
    assert_eq!(joined, octets);
}
