//! Information elements and what the well-known ones say.

use core::fmt;

/// One element of a header: its identifier and its data without IEDL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InformationElement<'a> {
    /// What the data mean.
    pub iei: Iei,
    /// IEDL octets.
    pub data: &'a [u8],
}

impl<'a> InformationElement<'a> {
    /// Takes one element off; `None` when it runs over the end or nothing is left.
    pub(super) fn split(octets: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&[iei, iedl], rest) = octets.split_first_chunk()?;
        let (data, rest) = rest.split_at_checked(usize::from(iedl))?;
        Some((Self { iei: Iei(iei), data }, rest))
    }
}

/// Information element identifier (3GPP 23.040, 9.2.3.24).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Iei(pub u8);

impl Iei {
    /// Concatenated short message with an 8-bit reference.
    pub const CONCATENATION_8_BIT: Self = Self(0x00);
    /// Special SMS message indication.
    pub const SPECIAL_SMS_INDICATION: Self = Self(0x01);
    /// Application ports of one octet each.
    pub const PORTS_8_BIT: Self = Self(0x04);
    /// Application ports of two octets each.
    pub const PORTS_16_BIT: Self = Self(0x05);
    /// Concatenated short message with a 16-bit reference.
    pub const CONCATENATION_16_BIT: Self = Self(0x08);
    /// National language single shift.
    pub const SINGLE_SHIFT: Self = Self(0x24);
    /// National language locking shift.
    pub const LOCKING_SHIFT: Self = Self(0x25);

    /// English name of the element or of the range it is in.
    pub fn name(self) -> &'static str {
        match self.0 {
            0x00 => "concatenation, 8-bit reference",
            0x01 => "special SMS message indication",
            0x04 => "application port, 8-bit",
            0x05 => "application port, 16-bit",
            0x06 => "SMSC control parameters",
            0x07 => "UDH source indicator",
            0x08 => "concatenation, 16-bit reference",
            0x09 => "wireless control message protocol",
            0x0A => "text formatting",
            0x0B => "predefined sound",
            0x0C => "user defined sound",
            0x0D => "predefined animation",
            0x0E => "large animation",
            0x0F => "small animation",
            0x10 => "large picture",
            0x11 => "small picture",
            0x12 => "variable picture",
            0x13..=0x1A => "EMS object",
            0x20 => "RFC 822 e-mail header",
            0x21 => "hyperlink",
            0x22 => "reply address",
            0x23 => "enhanced voice mail",
            0x24 => "national language single shift",
            0x25 => "national language locking shift",
            0x70..=0x7F => "(U)SIM toolkit security header",
            0x80..=0x9F => "SME to SME specific",
            0xC0..=0xDF => "SC specific",
            _ => "reserved",
        }
    }
}

impl fmt::Display for Iei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:02X}", self.0)
    }
}

/// Octets a concatenation reference takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceWidth {
    /// One octet: element 0x00, six header octets in all.
    #[default]
    Eight,
    /// Two octets: element 0x08, seven header octets in all.
    Sixteen,
}

/// Place of a part in its message; always 1 ≤ sequence ≤ total (3GPP 23.040, 9.2.3.24.1 and 9.2.3.24.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Concatenation {
    reference: u16,
    width: ReferenceWidth,
    total: u8,
    sequence: u8,
}

impl Concatenation {
    /// `None` when total or sequence is 0, sequence exceeds total, or the reference is too wide.
    pub fn new(reference: u16, width: ReferenceWidth, total: u8, sequence: u8) -> Option<Self> {
        let fits = width == ReferenceWidth::Sixteen || reference <= 0xFF;
        let valid = fits && 1 <= sequence && sequence <= total;
        valid.then_some(Self { reference, width, total, sequence })
    }

    /// Number all parts of one message share.
    pub fn reference(self) -> u16 {
        self.reference
    }

    /// Octets the reference takes on the wire.
    pub fn width(self) -> ReferenceWidth {
        self.width
    }

    /// Parts of the whole message.
    pub fn total(self) -> u8 {
        self.total
    }

    /// This part, counted from 1.
    pub fn sequence(self) -> u8 {
        self.sequence
    }

    pub(super) fn from_element(element: InformationElement<'_>) -> Option<Self> {
        match (element.iei, element.data) {
            (Iei::CONCATENATION_8_BIT, &[reference, total, sequence]) => {
                Self::new(u16::from(reference), ReferenceWidth::Eight, total, sequence)
            }
            (Iei::CONCATENATION_16_BIT, &[high, low, total, sequence]) => {
                Self::new(u16::from_be_bytes([high, low]), ReferenceWidth::Sixteen, total, sequence)
            }
            _ => None,
        }
    }
}

/// Application ports (3GPP 23.040, 9.2.3.24.3 and 9.2.3.24.4), whatever their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ports {
    /// One octet each.
    Eight {
        /// Port the message is for.
        destination: u8,
        /// Port it came from.
        originator: u8,
    },
    /// Two octets each.
    Sixteen {
        /// Port the message is for.
        destination: u16,
        /// Port it came from.
        originator: u16,
    },
}

impl Ports {
    pub(super) fn from_element(element: InformationElement<'_>) -> Option<Self> {
        match (element.iei, element.data) {
            (Iei::PORTS_8_BIT, &[destination, originator]) => Some(Self::Eight { destination, originator }),
            (Iei::PORTS_16_BIT, &[d1, d2, o1, o2]) => Some(Self::Sixteen {
                destination: u16::from_be_bytes([d1, d2]),
                originator: u16::from_be_bytes([o1, o2]),
            }),
            _ => None,
        }
    }
}
