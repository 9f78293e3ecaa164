//! Packing of septets into octets behind a user data header (3GPP 23.038, 6.1.2).

/// What the bits after the last septet mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// Zero bits; a septet count travels beside the octets, as in SMS.
    #[default]
    Counted,
    /// The rule of USSD and cell broadcast, which carry no count: exactly seven spare bits hold a CR, and a text
    /// whose own last CR ends on an octet boundary gets another (3GPP 23.038, 6.1.2.2.1 and 6.1.2.3.1).
    CarriageReturn,
}

/// How many septets to take out of packed octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// This many, or as many as there are when that is fewer.
    Count(usize),
    /// All that fit; a final CR on the octet boundary is padding and is taken off. For USSD and cell broadcast.
    CarriageReturn,
    /// All that fit; a final zero or CR on the octet boundary is taken off.
    ///
    /// For packed text whose count was lost, as in SMPP: seven spare zero bits look just like an `@`, and a text of
    /// that length is likelier than one that ends with an `@` exactly there.
    Unknown,
}

/// Zero bits that separate a header from the first septet, 0 to 6, so that it starts on a septet boundary
/// (3GPP 23.040, 9.2.3.24).
pub fn fill_bits(header_octets: usize) -> usize {
    (7 - header_octets % 7 * 8 % 7) % 7
}

/// Septets that fit beside a header in `octets` octets, header included.
pub fn capacity(octets: usize, header_octets: usize) -> usize {
    octets.saturating_sub(header_octets) * 8 / 7
}

/// Packs septets, least significant bit first, as they follow a header of `header_octets` (UDHL counted in); the
/// header itself is not part of the answer. Bit 7 of each septet is dropped.
pub fn pack(septets: &[u8], header_octets: usize, ending: Ending) -> Vec<u8> {
    // Nothing follows the header of an empty text, so nothing is filled either.
    let fill = if septets.is_empty() { 0 } else { fill_bits(header_octets) };
    let padding = match (ending, (fill + 7 * septets.len()) % 8) {
        (Ending::CarriageReturn, 1) => &[CR][..],
        (Ending::CarriageReturn, 0) if septets.last() == Some(&CR) => &[CR],
        _ => &[],
    };
    let mut octets = Vec::with_capacity((septets.len() + 1) * 7 / 8 + 1);
    let mut held_bits = fill;
    let mut held = 0_u32;
    for septet in septets.iter().chain(padding) {
        held |= u32::from(septet & 0x7F) << held_bits;
        held_bits += 7;
        if held_bits >= 8 {
            octets.push(held as u8);
            held >>= 8;
            held_bits -= 8;
        }
    }
    if held_bits > 0 {
        octets.push(held as u8);
    }
    octets
}

/// Unpacks the octets that follow a header of `header_octets` into one septet per octet.
pub fn unpack(octets: &[u8], header_octets: usize, extent: Extent) -> Vec<u8> {
    let fill = fill_bits(header_octets);
    let bits = (octets.len() * 8).saturating_sub(fill);
    let count = match extent {
        Extent::Count(count) => count.min(bits / 7),
        Extent::CarriageReturn | Extent::Unknown => bits / 7,
    };
    let mut septets = Vec::with_capacity(count);
    let mut rest = octets.iter();
    // The fill bits are shifted out of the first octet.
    let mut held = rest.next().map_or(0, |&octet| u32::from(octet) >> fill);
    let mut held_bits = 8 - fill;
    while septets.len() < count {
        if held_bits < 7 {
            held |= rest.next().map_or(0, |&octet| u32::from(octet)) << held_bits;
            held_bits += 8;
        }
        septets.push(held as u8 & 0x7F);
        held >>= 7;
        held_bits -= 7;
    }
    let spare_bits = bits % 7;
    match (extent, septets.last()) {
        (Extent::CarriageReturn | Extent::Unknown, Some(&CR)) | (Extent::Unknown, Some(0))
            if spare_bits == 0 =>
        {
            septets.pop();
        }
        _ => {}
    }
    septets
}

const CR: u8 = 0x0D;
