//! Ways to write text into a message, and how much of it one part holds.

use crate::charset::Charset;
use crate::gsm7::{self, Encoder, Unencodable};
use crate::language::Shifts;
use crate::{septets, ucs2};

/// One way to write text as octets of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// GSM 7-bit with these tables, unpacked: one septet in each octet, as SMPP carries it.
    Gsm7(Shifts),
    /// One octet per character.
    Octets(Charset),
    /// UTF-16, most significant octet first.
    Ucs2,
}

impl Encoding {
    /// GSM 7-bit default alphabet and extension table.
    pub const GSM7: Self = Self::Gsm7(Shifts::DEFAULT);
    /// ISO 8859-1.
    pub const LATIN1: Self = Self::Octets(Charset::Latin1);

    /// SMPP value to announce it with; 0 for GSM 7-bit, right where that is the MC's default alphabet.
    pub fn data_coding(self) -> u8 {
        match self {
            Self::Gsm7(_) => 0x00,
            Self::Octets(Charset::Ascii) => 0x01,
            Self::Octets(Charset::Latin1) => 0x03,
            Self::Octets(Charset::Cyrillic) => 0x06,
            Self::Octets(Charset::Hebrew) => 0x07,
            Self::Ucs2 => 0x08,
        }
    }

    /// Tables a header must announce; the default for anything but GSM 7-bit.
    pub fn shifts(self) -> Shifts {
        match self {
            Self::Gsm7(shifts) => shifts,
            Self::Octets(_) | Self::Ucs2 => Shifts::DEFAULT,
        }
    }

    /// Appends the octets of `text`, or says which characters do not fit and leaves `octets` as it was.
    pub fn encode(self, text: &str, octets: &mut Vec<u8>) -> Result<(), Unencodable> {
        match self {
            Self::Gsm7(shifts) => gsm7::encode(text, shifts, octets),
            Self::Octets(charset) => charset.encode(text, octets),
            Self::Ucs2 => {
                ucs2::encode(text, octets);
                Ok(())
            }
        }
    }

    /// Units a part of 140 octets holds behind a header of `header_octets` (UDHL counted in): septets, octets or
    /// UTF-16 code units (3GPP 23.040, 9.2.3.24.1).
    pub fn capacity(self, header_octets: usize) -> usize {
        self.unit().capacity(PART_OCTETS, header_octets)
    }

    pub(crate) fn unit(self) -> Unit {
        match self {
            Self::Gsm7(_) => Unit::Septet,
            Self::Octets(_) => Unit::Octet,
            Self::Ucs2 => Unit::Utf16,
        }
    }

    /// Prepares to ask for the units of many characters.
    pub(crate) fn costs(self) -> Costs {
        match self {
            Self::Gsm7(shifts) => Costs::Septets(Encoder::new(shifts)),
            Self::Octets(charset) => Costs::Octets(charset),
            Self::Ucs2 => Costs::CodeUnits,
        }
    }

    /// Units of the whole text, or the characters that do not fit.
    pub(crate) fn units(self, text: &str) -> Result<usize, Unencodable> {
        let costs = self.costs();
        let mut units = 0;
        for (index, character) in text.chars().enumerate() {
            match costs.of(character) {
                Some(cost) => units += cost,
                None => {
                    return Err(Unencodable::list(text, index, |character| costs.of(character).is_some()));
                }
            }
        }
        Ok(units)
    }
}

/// Answers how many units one character takes, `None` when it does not fit.
#[derive(Clone, Copy)]
pub(crate) enum Costs {
    Septets(Encoder),
    Octets(Charset),
    CodeUnits,
}

impl Costs {
    pub(crate) fn of(self, character: char) -> Option<usize> {
        match self {
            Self::Septets(encoder) => encoder.cost(character),
            Self::Octets(charset) => charset.octet(character).map(|_| 1),
            Self::CodeUnits => Some(character.len_utf16()),
        }
    }
}

/// What text is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Septet,
    Octet,
    Utf16,
}

impl Unit {
    /// Units that fit beside a header on the air interface, where septets are packed.
    pub(crate) fn capacity(self, octets: usize, header_octets: usize) -> usize {
        match self {
            Self::Septet => septets::capacity(octets, header_octets),
            Self::Octet => octets.saturating_sub(header_octets),
            Self::Utf16 => octets.saturating_sub(header_octets) / 2,
        }
    }

    /// Octets of so many units in an SMPP field, where septets are not packed.
    pub(crate) fn field_octets(self, units: usize) -> usize {
        match self {
            Self::Septet | Self::Octet => units,
            Self::Utf16 => units * 2,
        }
    }

    /// Octets of so many units on the air interface.
    pub(crate) fn air_octets(self, units: usize) -> usize {
        match self {
            Self::Septet => (units * 7).div_ceil(8),
            Self::Octet | Self::Utf16 => self.field_octets(units),
        }
    }
}

/// User data of one message on the air interface (3GPP 23.040, 9.2.3.24).
pub(crate) const PART_OCTETS: usize = 140;
