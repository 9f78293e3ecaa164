//! Alphabets of one octet per character: IA5 and three parts of ISO 8859.

use crate::gsm7::Unencodable;

/// An alphabet in which one octet is one character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Charset {
    /// IA5, that is ASCII: 0x00 to 0x7F.
    Ascii,
    /// ISO 8859-1: every octet is the code point of the same value.
    Latin1,
    /// ISO 8859-5: Latin and Cyrillic.
    Cyrillic,
    /// ISO 8859-8: Latin and Hebrew.
    Hebrew,
}

impl Charset {
    /// Character of an octet, `None` where the alphabet has none.
    pub fn character(self, octet: u8) -> Option<char> {
        // All four agree on the controls and ASCII; the ISO parts also on 0x80 to 0xA0.
        if octet < 0x80 || self != Self::Ascii && octet <= 0xA0 {
            return Some(char::from(octet));
        }
        match self {
            Self::Ascii => None,
            Self::Latin1 => Some(char::from(octet)),
            Self::Cyrillic => cyrillic(octet),
            Self::Hebrew => hebrew(octet),
        }
    }

    /// Octet of a character, `None` when the alphabet lacks it.
    pub fn octet(self, character: char) -> Option<u8> {
        let same = u8::try_from(character).ok();
        if let Some(octet) = same.filter(|&octet| self.character(octet) == Some(character)) {
            return Some(octet);
        }
        let code_point = u32::from(character);
        let octet = match self {
            Self::Ascii | Self::Latin1 => return None,
            Self::Cyrillic => match code_point {
                0x00A7 => 0xFD,
                0x2116 => 0xF0,
                _ => u8::try_from(code_point.checked_sub(0x0360)?).ok()?,
            },
            Self::Hebrew => match code_point {
                0x00D7 => 0xAA,
                0x00F7 => 0xBA,
                0x2017 => 0xDF,
                0x200E => 0xFD,
                0x200F => 0xFE,
                _ => u8::try_from(code_point.checked_sub(0x04F0)?).ok()?,
            },
        };
        (self.character(octet) == Some(character)).then_some(octet)
    }

    /// Appends the octets of `text`, or says which characters have none and leaves `octets` as it was.
    pub fn encode(self, text: &str, octets: &mut Vec<u8>) -> Result<(), Unencodable> {
        let start = octets.len();
        octets.reserve(text.len());
        for (index, character) in text.chars().enumerate() {
            let Some(octet) = self.octet(character) else {
                octets.truncate(start);
                return Err(Unencodable::list(text, index, |character| self.octet(character).is_some()));
            };
            octets.push(octet);
        }
        Ok(())
    }

    /// Appends the characters of `octets`; answers how many had none and became U+FFFD.
    pub fn decode(self, octets: &[u8], text: &mut String) -> usize {
        let mut replaced = 0;
        text.reserve(octets.len());
        for &octet in octets {
            let character = self.character(octet);
            replaced += usize::from(character.is_none());
            text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        replaced
    }
}

/// ISO 8859-5 above 0xA0: the Unicode block shifted by 0x360, except for three signs.
fn cyrillic(octet: u8) -> Option<char> {
    match octet {
        0xAD => Some('\u{AD}'),
        0xF0 => Some('\u{2116}'),
        0xFD => Some('\u{A7}'),
        _ => char::from_u32(u32::from(octet) + 0x0360),
    }
}

/// ISO 8859-8 above 0xA0: Latin-1 signs, 27 letters, two direction marks, and gaps.
fn hebrew(octet: u8) -> Option<char> {
    match octet {
        0xAA => Some('\u{D7}'),
        0xBA => Some('\u{F7}'),
        0xA2..=0xBE => Some(char::from(octet)),
        0xDF => Some('\u{2017}'),
        0xE0..=0xFA => char::from_u32(u32::from(octet) + 0x04F0),
        0xFD => Some('\u{200E}'),
        0xFE => Some('\u{200F}'),
        _ => None,
    }
}
