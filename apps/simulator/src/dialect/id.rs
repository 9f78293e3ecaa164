//! Forms of message_ids: a number, written as message centres write theirs.

use std::fmt::{self, Write};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use smppkit_wire::Version;
use smppkit_wire::field::CStr;

/// How a message's number is written as its message_id. Every form reads back exactly what it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum IdForm {
    /// `decimal`: 10 digits.
    Decimal,
    /// `decimal-bare`: without leading zeros.
    DecimalBare,
    /// `padded-N`: decimal, at least N digits, at most 64.
    Padded(u8),
    /// `hex`: 8 digits, capital letters.
    Hex,
    /// `hex-lower`: 8 digits, small letters.
    HexLower,
    /// `hex-bare`: without leading zeros, capital letters.
    HexBare,
    /// `hex-lower-bare`: without leading zeros, small letters.
    HexLowerBare,
    /// `hex-N`: N digits, 9 to 64, small letters. What follows the first 8 is made from them.
    HexLong(u8),
    /// `uuid`: its first 8 digits are the number, the others are made from it.
    Uuid,
    /// `prefixed-ABC`: those letters, at most 8, then 10 decimal digits.
    Prefixed(CStr<9>),
}

impl IdForm {
    /// The form for a session of this version: 3.3 has at most 8 hexadecimal digits.
    #[must_use]
    pub fn in_version(self, version: Version) -> Self {
        if version < Version::V34 { Self::Hex } else { self }
    }

    /// The id of the message with this number.
    pub fn text(self, number: u32) -> CStr<65> {
        // The one that nearly all messages have, without the machinery of the others.
        if self == Self::Decimal {
            let mut digits = [b'0'; 10];
            let mut rest = number;
            for place in digits.iter_mut().rev() {
                *place += (rest % 10) as u8;
                rest /= 10;
            }
            return CStr::new(&digits).expect("ten digits fit");
        }
        let mut id = Characters { octets: [0; 64], len: 0 };
        self.write(number, &mut id).expect("characters that find no room are left out");
        CStr::new(&id.octets[..id.len]).expect("64 characters at most, none of them NUL")
    }

    fn write(self, number: u32, id: &mut Characters) -> fmt::Result {
        match self {
            Self::Decimal => write!(id, "{number:010}"),
            Self::DecimalBare => write!(id, "{number}"),
            Self::Padded(width) => write!(id, "{number:0width$}", width = usize::from(width)),
            Self::Hex => write!(id, "{number:08X}"),
            Self::HexLower => write!(id, "{number:08x}"),
            Self::HexBare => write!(id, "{number:X}"),
            Self::HexLowerBare => write!(id, "{number:x}"),
            Self::HexLong(length) => {
                let noise = |n| noise(number, n);
                write!(
                    id,
                    "{number:08x}{:016x}{:016x}{:016x}{:016x}",
                    noise(0),
                    noise(1),
                    noise(2),
                    noise(3)
                )?;
                id.len = id.len.min(length.into());
                Ok(())
            }
            Self::Uuid => {
                let (a, b) = (noise(number, 0), noise(number, 1));
                // Version 4, variant 1: 8, 9, a or b (RFC 9562, 4.1).
                let (version_4, variant_1) = (0x4000 | (a >> 32) & 0xFFF, 0x8000 | a & 0x3FFF);
                write!(id, "{number:08x}-{:04x}-{version_4:04x}-{variant_1:04x}-{:012x}", a >> 48, b >> 16)
            }
            Self::Prefixed(prefix) => write!(id, "{}{number:010}", prefix.as_str().unwrap_or_default()),
        }
    }

    /// The number of the message with this id, if this form writes it so.
    pub fn parse(self, text: &[u8]) -> Option<u32> {
        let digits = std::str::from_utf8(text).ok()?;
        let number = match self {
            Self::Decimal | Self::DecimalBare | Self::Padded(_) => digits.parse().ok()?,
            Self::Hex | Self::HexLower | Self::HexBare | Self::HexLowerBare => hex(digits)?,
            Self::HexLong(_) | Self::Uuid => hex(digits.get(..8)?)?,
            Self::Prefixed(prefix) => digits.strip_prefix(prefix.as_str()?)?.parse().ok()?,
        };
        // Signs, wrong case and missing zeros all end here.
        (self.text(number).as_octets() == text).then_some(number)
    }
}

/// Room for an id, filled from the left.
struct Characters {
    octets: [u8; 64],
    len: usize,
}

impl fmt::Write for Characters {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (place, octet) in self.octets.iter_mut().skip(self.len).zip(text.bytes()) {
            *place = octet;
            self.len += 1;
        }
        Ok(())
    }
}

fn hex(digits: &str) -> Option<u32> {
    u32::from_str_radix(digits, 16).ok()
}

/// Digits that look like chance, the same for the same number (splitmix64).
fn noise(number: u32, n: u64) -> u64 {
    let mut z = (u64::from(number) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(n << 56);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Text that names no form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdFormError(String);

impl FromStr for IdForm {
    type Err = IdFormError;

    fn from_str(name: &str) -> Result<Self, IdFormError> {
        let wrong = || IdFormError(name.to_owned());
        let width = |text: &str, low: u8| {
            text.parse().ok().filter(|width| (low..=64).contains(width)).ok_or_else(wrong)
        };
        Ok(match name {
            "decimal" => Self::Decimal,
            "decimal-bare" => Self::DecimalBare,
            "hex" => Self::Hex,
            "hex-lower" => Self::HexLower,
            "hex-bare" => Self::HexBare,
            "hex-lower-bare" => Self::HexLowerBare,
            "uuid" => Self::Uuid,
            _ => match name.split_once('-') {
                Some(("padded", digits)) => Self::Padded(width(digits, 1)?),
                Some(("hex", digits)) => Self::HexLong(width(digits, 9)?),
                Some(("prefixed", prefix))
                    if !prefix.is_empty() && prefix.bytes().all(|octet| octet.is_ascii_graphic()) =>
                {
                    Self::Prefixed(CStr::new(prefix.as_bytes()).map_err(|_| wrong())?)
                }
                _ => return Err(wrong()),
            },
        })
    }
}

impl fmt::Display for IdForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decimal => f.write_str("decimal"),
            Self::DecimalBare => f.write_str("decimal-bare"),
            Self::Padded(width) => write!(f, "padded-{width}"),
            Self::Hex => f.write_str("hex"),
            Self::HexLower => f.write_str("hex-lower"),
            Self::HexBare => f.write_str("hex-bare"),
            Self::HexLowerBare => f.write_str("hex-lower-bare"),
            Self::HexLong(length) => write!(f, "hex-{length}"),
            Self::Uuid => f.write_str("uuid"),
            Self::Prefixed(prefix) => write!(f, "prefixed-{}", prefix.to_text()),
        }
    }
}

impl fmt::Display for IdFormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is no form of message_ids; there are {NAMES}", self.0)
    }
}

impl std::error::Error for IdFormError {}

impl TryFrom<String> for IdForm {
    type Error = IdFormError;

    fn try_from(name: String) -> Result<Self, IdFormError> {
        name.parse()
    }
}

impl From<IdForm> for String {
    fn from(form: IdForm) -> Self {
        form.to_string()
    }
}

/// A form, or `none`.
pub(super) mod or_none {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::IdForm;

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(in super::super) fn serialize<S: Serializer>(
        form: &Option<IdForm>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match form {
            Some(form) => form.serialize(to),
            None => "none".serialize(to),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<IdForm>, D::Error> {
        let name = String::deserialize(from)?;
        if name == "none" { Ok(None) } else { name.parse().map(Some).map_err(de::Error::custom) }
    }
}

const NAMES: &str =
    "decimal, decimal-bare, padded-N, hex, hex-lower, hex-bare, hex-lower-bare, hex-N, uuid, prefixed-ABC";

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: [&str; 14] = [
        "decimal",
        "decimal-bare",
        "padded-1",
        "padded-13",
        "padded-64",
        "hex",
        "hex-lower",
        "hex-bare",
        "hex-lower-bare",
        "hex-9",
        "hex-32",
        "hex-64",
        "uuid",
        "prefixed-SAR-1",
    ];

    #[test]
    fn every_form_reads_back_its_own_ids_and_its_name() {
        for name in EVERY {
            let form: IdForm = name.parse().unwrap();
            assert_eq!(form.to_string(), name);
            for number in [0, 1, 9, 0x00AB_CDEF, 1_000_000_000, u32::MAX] {
                assert_eq!(form.parse(form.text(number).as_octets()), Some(number), "{name} {number}");
            }
        }
    }

    #[test]
    fn ids_look_as_they_are_named() {
        let text = |form: &str| form.parse::<IdForm>().unwrap().text(0xB8_BE19).to_text();
        assert_eq!(text("decimal"), "0012107289");
        assert_eq!(text("decimal-bare"), "12107289");
        assert_eq!(text("padded-13"), "0000012107289");
        assert_eq!(text("hex"), "00B8BE19");
        assert_eq!(text("hex-lower-bare"), "b8be19");
        assert_eq!(text("prefixed-SAR-"), "SAR-0012107289");
        assert_eq!(text("hex-32").len(), 32);
        let uuid = text("uuid");
        assert_eq!((uuid.len(), &uuid[..9], &uuid[14..15]), (36, "00b8be19-", "4"));
    }

    #[test]
    fn what_a_form_does_not_write_it_does_not_read() {
        for (form, text) in [
            ("decimal", "1"),
            ("decimal", "+000000001"),
            ("decimal", "4294967296"),
            ("decimal-bare", "01"),
            ("hex", "0000000a"),
            ("hex-bare", "0A"),
            ("uuid", "00000001-0000-4000-8000-000000000000"),
            ("prefixed-X", "0000000001"),
            ("hex", ""),
            ("uuid", "é"),
        ] {
            assert_eq!(form.parse::<IdForm>().unwrap().parse(text.as_bytes()), None, "{form} {text}");
        }
    }

    #[test]
    fn forms_that_are_none_are_named_in_the_error() {
        for name in
            ["", "octal", "padded-0", "padded-65", "hex-8", "prefixed-", "prefixed-a b", "prefixed-123456789"]
        {
            let error = name.parse::<IdForm>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name} is no form")), "{error}");
        }
    }
}
