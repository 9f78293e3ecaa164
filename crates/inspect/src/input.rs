//! PDUs as people paste them: hexadecimal, base64, JSON.

use core::fmt;

use bytes::Bytes;
use smppkit_wire::Header;

use crate::defect::Defect;
use crate::encode::{EncodeError, encode};

/// Octets that came as text, and how they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Hexadecimal digits, in any grouping.
    Hex(Bytes),
    /// Base64, of either alphabet.
    Base64(Bytes),
    /// A JSON object in the form of [`Dissection::json`](crate::Dissection::json).
    Json(Bytes),
}

/// Text that is no PDU in any of these forms.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputError {
    /// A character that neither hexadecimal nor base64 has.
    Character {
        /// The character.
        found: char,
        /// Its place in the text, in octets from 0.
        at: usize,
    },
    /// An odd number of hexadecimal digits.
    OddDigits {
        /// How many.
        digits: usize,
    },
    /// Base64 that stops inside a group.
    Base64Length {
        /// Characters, padding left out.
        characters: usize,
    },
    /// JSON that cannot be read.
    JsonSyntax(String),
    /// JSON that describes no PDU.
    Json(EncodeError),
}

impl Input {
    /// Finds out which form a text has, and reads it. Hexadecimal digits may come with `0x`, and with spaces, colons,
    /// commas or dashes between them.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        Self::read(text.trim()).map_err(|error| match error {
            InputError::Character { found, at } => {
                InputError::Character { found, at: at + text.len() - text.trim_start().len() }
            }
            error => error,
        })
    }

    fn read(text: &str) -> Result<Self, InputError> {
        if text.starts_with('{') {
            let json =
                serde_json::from_str(text).map_err(|error| InputError::JsonSyntax(error.to_string()))?;
            return encode(&json).map(|octets| Self::Json(octets.into())).map_err(InputError::Json);
        }
        match octets_of_hex(text) {
            Ok(octets) => Ok(Self::Hex(octets.into())),
            Err(error @ InputError::OddDigits { .. }) => Err(error),
            // Nearly any word is base64: only what can be a PDU is taken for it. The rest are slips in hexadecimal.
            Err(error) if !text.starts_with("AA") => Err(error),
            Err(error) => match base64(text) {
                Ok(octets) if octets.len() >= Header::OCTETS => Ok(Self::Base64(octets.into())),
                Err(other @ InputError::Base64Length { .. }) => Err(other),
                _ => Err(error),
            },
        }
    }

    /// The octets.
    pub const fn octets(&self) -> &Bytes {
        match self {
            Self::Hex(octets) | Self::Base64(octets) | Self::Json(octets) => octets,
        }
    }
}

impl InputError {
    /// As a defect, so that a stream of lines has an answer for each.
    pub fn defect(&self) -> Defect {
        let offset = match self {
            Self::Character { at, .. } => Some(*at),
            _ => None,
        };
        let field = match self {
            Self::Json(error) => error.key.clone(),
            _ => None,
        };
        Defect::input(self.to_string(), field, offset)
    }
}

/// Octets of hexadecimal digits, in any grouping.
pub fn octets_of_hex(text: &str) -> Result<Vec<u8>, InputError> {
    let mut octets = Vec::with_capacity(text.len() / 2);
    let (mut half, mut digits) = (None, 0);
    let start = if text.starts_with("0x") || text.starts_with("0X") { 2 } else { 0 };
    let mut characters = text.char_indices().skip(start).peekable();
    while let Some((at, found)) = characters.next() {
        if let Some(digit) = found.to_digit(16) {
            // `0x` in front of each octet, as in a program's source.
            let prefix = found == '0' && half.is_none() && matches!(characters.peek(), Some((_, 'x' | 'X')));
            if prefix {
                characters.next();
                continue;
            }
            digits += 1;
            half = match half {
                None => Some(digit as u8),
                Some(high) => {
                    octets.push(high << 4 | digit as u8);
                    None
                }
            };
        } else if !found.is_ascii_whitespace() && !matches!(found, ':' | ',' | '-') {
            return Err(InputError::Character { found, at });
        }
    }
    if half.is_some() { Err(InputError::OddDigits { digits }) } else { Ok(octets) }
}

/// Octets of base64, padded or not, of the standard or the URL alphabet.
fn base64(text: &str) -> Result<Vec<u8>, InputError> {
    let mut octets = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut group, mut characters) = (0_u32, 0_u32, 0);
    for (at, found) in text.trim_end_matches(['=', '\n', '\r', ' ']).char_indices() {
        let six = match found {
            'A'..='Z' => found as u32 - 'A' as u32,
            'a'..='z' => found as u32 - 'a' as u32 + 26,
            '0'..='9' => found as u32 - '0' as u32 + 52,
            '+' | '-' => 62,
            '/' | '_' => 63,
            _ if found.is_ascii_whitespace() => continue,
            _ => return Err(InputError::Character { found, at }),
        };
        characters += 1;
        group = (group << 6 | six) & 0xFFFF;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            octets.push((group >> bits) as u8);
        }
    }
    if characters % 4 == 1 { Err(InputError::Base64Length { characters }) } else { Ok(octets) }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character { found, at } => {
                write!(
                    f,
                    "character {found:?} at {at} is no hexadecimal digit, nor is the whole base64 or JSON"
                )
            }
            Self::OddDigits { digits } => write!(f, "{digits} hexadecimal digits are an odd number"),
            Self::Base64Length { characters } => {
                write!(f, "{characters} characters of base64 stop inside a group")
            }
            Self::JsonSyntax(error) => write!(f, "JSON cannot be read: {error}"),
            Self::Json(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for InputError {}

#[cfg(test)]
mod tests {
    use super::*;

    const PDU: [u8; 16] = [0, 0, 0, 16, 0, 0, 0, 21, 0, 0, 0, 0, 0, 0, 0, 7];

    fn octets(text: &str) -> Vec<u8> {
        Input::parse(text).unwrap().octets().to_vec()
    }

    #[test]
    fn hexadecimal_in_any_grouping() {
        assert_eq!(octets("00000010000000150000000000000007"), PDU);
        assert_eq!(octets("0x00000010 00000015 00000000 00000007\n"), PDU);
        assert_eq!(octets("00:00:00:10:00:00:00:15:00:00:00:00:00:00:00:07"), PDU);
        assert_eq!(octets("0x00, 0x00,0x00,0x10,0,0,0,0,0,0,15,00000000 00000007"), PDU);
    }

    #[test]
    fn base64_and_json() {
        assert_eq!(octets("AAAAEAAAABUAAAAAAAAABw=="), PDU);
        assert_eq!(octets("AAAAEAAAABUAAAAAAAAABw"), PDU);
        assert_eq!(octets(r#"{"command": "enquire_link", "sequence_number": 7}"#), PDU);
    }

    #[test]
    fn faults_are_named() {
        let odd = Input::parse("000").unwrap_err();
        assert_eq!(odd, InputError::OddDigits { digits: 3 });
        let slip = Input::parse("000000100g0000150000000000000007?").unwrap_err();
        assert_eq!(slip, InputError::Character { found: 'g', at: 9 });
        assert_eq!(slip.defect().offset, Some(9));
        assert!(matches!(Input::parse("zzzz"), Err(InputError::Character { found: 'z', at: 0 })));
        // Found by fuzzing: places counted from the first character that is no white space.
        assert_eq!(Input::parse("\x0c \0"), Err(InputError::Character { found: '\0', at: 2 }));
        assert!(matches!(Input::parse("{"), Err(InputError::JsonSyntax(_))));
    }
}
