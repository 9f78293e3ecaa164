//! GSM 7-bit alphabets: text to unpacked septets, one per octet, and back (3GPP 23.038, 6.2.1).

mod locking;
mod reverse;
mod single;

use core::fmt;

use crate::language::{Language, Shifts};
use reverse::Reverse;

/// Escape to the extension or single shift table (3GPP 23.038, 6.2.1).
pub const ESC: u8 = 0x1B;

/// Appends the septets of `text`, or says which characters have none.
///
/// Every octet written is below 0x80. On an error `septets` is left as it was.
pub fn encode(text: &str, shifts: Shifts, septets: &mut Vec<u8>) -> Result<(), Unencodable> {
    let encoder = Encoder::new(shifts);
    let start = septets.len();
    septets.reserve(text.len());
    for (index, character) in text.chars().enumerate() {
        match encoder.code(character) {
            Some(Code::Basic(septet)) => septets.push(septet),
            Some(Code::Escaped(septet)) => septets.extend([ESC, septet]),
            None => {
                septets.truncate(start);
                let fits = |character| encoder.code(character).is_some();
                return Err(Unencodable::list(text, index, fits));
            }
        }
    }
    Ok(())
}

/// Appends the characters of unpacked septets; answers how many had none and became U+FFFD.
///
/// A code the single shift table lacks shows the character of the table in use at that code; an escape followed by
/// an escape or by nothing shows a space (3GPP 23.038, 6.2.1.1). An octet above 0x7F is no septet and has no
/// character.
pub fn decode(septets: &[u8], shifts: Shifts, text: &mut String) -> usize {
    let basic = locking::TABLES[shifts.locking.table()];
    let escaped = single::TABLES[shifts.single.table()];
    let mut replaced = 0;
    text.reserve(septets.len());
    let mut rest = septets.iter();
    while let Some(&septet) = rest.next() {
        let unit = if septet == ESC {
            match rest.next() {
                None | Some(&ESC) => u16::from(b' '),
                Some(&code) => match entry(escaped, code) {
                    0 => entry(basic, code),
                    unit => unit,
                },
            }
        } else {
            entry(basic, septet)
        };
        match char::from_u32(u32::from(unit)) {
            Some('\0') | None => {
                replaced += 1;
                text.push(char::REPLACEMENT_CHARACTER);
            }
            Some(character) => text.push(character),
        }
    }
    replaced
}

/// Septets a character takes under these tables: 1, 2 with an escape, or `None` when neither table has it.
pub fn cost(character: char, shifts: Shifts) -> Option<usize> {
    Encoder::new(shifts).cost(character)
}

/// Character of the locking (or default) table at a code; `None` for an unused code, the escape, or 0x80 and above.
pub fn locking_character(language: Language, code: u8) -> Option<char> {
    character(locking::TABLES[language.table()], code)
}

/// Character of the single shift (or extension) table at a code; `None` where the table in use shows through.
pub fn single_character(language: Language, code: u8) -> Option<char> {
    character(single::TABLES[language.table()], code)
}

/// Characters an encoding has no code for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unencodable {
    /// Each such character with its index, counted in characters, in order.
    pub characters: Vec<(usize, char)>,
}

impl Unencodable {
    /// Lists what does not fit, given that nothing before `first` (counted in characters) is at fault.
    pub(crate) fn list(text: &str, first: usize, fits: impl Fn(char) -> bool) -> Self {
        let rest = text.chars().enumerate().skip(first);
        Self { characters: rest.filter(|&(_, character)| !fits(character)).collect() }
    }
}

impl fmt::Display for Unencodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.characters.first() {
            Some((index, character)) => write!(
                f,
                "{} characters do not fit the encoding, first {character:?} at {index}",
                self.characters.len()
            ),
            None => f.write_str("no character at fault"),
        }
    }
}

impl core::error::Error for Unencodable {}

/// Looks characters up in one pair of tables.
#[derive(Clone, Copy)]
pub(crate) struct Encoder {
    basic: &'static Reverse,
    escaped: &'static Reverse,
}

impl Encoder {
    pub(crate) fn new(shifts: Shifts) -> Self {
        Self { basic: &LOCKING[shifts.locking.table()], escaped: &SINGLE[shifts.single.table()] }
    }

    fn code(self, character: char) -> Option<Code> {
        let basic = self.basic.code(character).map(Code::Basic);
        basic.or_else(|| self.escaped.code(character).map(Code::Escaped))
    }

    pub(crate) fn cost(self, character: char) -> Option<usize> {
        self.code(character).map(|code| match code {
            Code::Basic(_) => 1,
            Code::Escaped(_) => 2,
        })
    }
}

/// Languages, one bit each, whose locking and whose single shift table hold a character.
pub(crate) fn languages_with(character: char) -> (u16, u16) {
    let bits = |tables: &[Reverse; 14]| {
        let held = tables.iter().enumerate().filter(|(_, table)| table.code(character).is_some());
        held.fold(0, |bits, (language, _)| bits | 1 << language)
    };
    (bits(&LOCKING), bits(&SINGLE))
}

enum Code {
    Basic(u8),
    Escaped(u8),
}

/// UTF-16 code unit of each code, 0 where there is no character.
type Table = [u16; 128];

fn entry(table: &Table, code: u8) -> u16 {
    table.get(usize::from(code)).copied().unwrap_or(0)
}

fn character(table: &Table, code: u8) -> Option<char> {
    char::from_u32(u32::from(entry(table, code))).filter(|&character| character != '\0')
}

static LOCKING: [Reverse; 14] = reverse::all(&locking::TABLES);
static SINGLE: [Reverse; 14] = reverse::all(&single::TABLES);
