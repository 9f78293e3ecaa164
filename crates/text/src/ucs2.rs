//! UCS-2 as it is sent in practice: UTF-16, most significant octet first, with surrogate pairs.

/// Appends two octets for each UTF-16 code unit of `text`.
pub fn encode(text: &str, octets: &mut Vec<u8>) {
    octets.reserve(text.len());
    for unit in text.encode_utf16() {
        octets.extend(unit.to_be_bytes());
    }
}

/// Appends the characters of `octets`; answers how many units had none and became U+FFFD.
///
/// Those are surrogates without their other half and an odd last octet. A byte order mark is a tolerance: it is
/// taken off, and the mark of the other order (0xFFFE, seen from senders on little-endian machines) turns the order
/// round.
pub fn decode(octets: &[u8], text: &mut String) -> usize {
    let (octets, little_endian) = match octets {
        [0xFE, 0xFF, rest @ ..] => (rest, false),
        [0xFF, 0xFE, rest @ ..] => (rest, true),
        _ => (octets, false),
    };
    let pairs = octets.chunks_exact(2);
    let odd = pairs.remainder().len();
    let mut replaced = odd;
    text.reserve(octets.len());
    let units = pairs
        .filter_map(|pair| pair.try_into().ok())
        .map(|pair| if little_endian { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) });
    for unit in char::decode_utf16(units) {
        replaced += usize::from(unit.is_err());
        text.push(unit.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    if odd > 0 {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    replaced
}
