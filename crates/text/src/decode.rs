//! Received octets to something a person can read, whatever they are.

use core::fmt::Write as _;

use crate::charset::Charset;
use crate::data_coding::{Alphabet, Interpretation};
use crate::language::Shifts;
use crate::septets::{self, Extent};
use crate::udh::{MalformedUdh, Udh};
use crate::{gsm7, ucs2};

/// What data_coding 0 means at a peer; SMPP leaves it to the MC (SMPP 5.0, 4.7.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum McDefault {
    /// GSM 7-bit, one septet in each octet: what most MCs mean.
    #[default]
    GsmUnpacked,
    /// GSM 7-bit, packed as on the air interface; found on a few MCs.
    GsmPacked,
    /// ISO 8859-1.
    Latin1,
    /// ASCII.
    Ascii,
}

/// Text made of received octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text, or hexadecimal digits, as `fidelity` says. May hold control characters.
    pub text: String,
    /// How far `text` can be trusted.
    pub fidelity: Fidelity,
}

impl Decoded {
    /// Whether some octets had no character.
    pub fn is_lossy(&self) -> bool {
        matches!(self.fidelity, Fidelity::Lossy { .. })
    }
}

/// How a decoded text relates to its octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fidelity {
    /// Every octet has its meaning in the alphabet.
    Exact,
    /// Some octets had no character in the alphabet and became U+FFFD.
    Lossy {
        /// How many.
        replaced: usize,
    },
    /// Binary, or an alphabet not known here: the text is two hexadecimal digits for each octet.
    Hexadecimal,
}

/// Text of a message body: the octets after any header, or those of all parts joined.
///
/// `shifts` are the tables its header announced and count for GSM 7-bit only. Never fails: what is not text, or is
/// in an alphabet without tables here (Japanese, Korean, reserved values), comes back as ASCII when every octet is
/// printable ASCII, else as hexadecimal. GSM 7-bit named by a message class or indication is packed when
/// `mc_default` is packed. Packed text that follows a header needs [`decode_user_data`], which knows the fill bits.
pub fn decode(octets: &[u8], data_coding: u8, mc_default: McDefault, shifts: Shifts) -> Decoded {
    decode_behind(0, octets, data_coding, mc_default, shifts)
}

/// Message as received: its header, if it has one, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserData<'a> {
    /// `None` without a header; an error when one was promised and is malformed.
    pub udh: Option<Result<Udh<'a>, MalformedUdh>>,
    /// Octets after the header; all of them when it is missing or malformed.
    pub body: &'a [u8],
    /// Text of the body under the tables the header announces; hexadecimal when the header is malformed.
    pub decoded: Decoded,
}

/// Takes user data apart that start with a header, when `udhi` says so, and decodes the rest.
pub fn decode_user_data(
    user_data: &[u8],
    udhi: bool,
    data_coding: u8,
    mc_default: McDefault,
) -> UserData<'_> {
    if !udhi {
        let decoded = decode(user_data, data_coding, mc_default, Shifts::DEFAULT);
        return UserData { udh: None, body: user_data, decoded };
    }
    match Udh::parse(user_data) {
        Ok((udh, body)) => {
            let decoded = decode_behind(udh.octets(), body, data_coding, mc_default, udh.shifts());
            UserData { udh: Some(Ok(udh)), body, decoded }
        }
        Err(malformed) => {
            UserData { udh: Some(Err(malformed)), body: user_data, decoded: hexadecimal(user_data) }
        }
    }
}

fn decode_behind(
    header_octets: usize,
    octets: &[u8],
    data_coding: u8,
    mc_default: McDefault,
    shifts: Shifts,
) -> Decoded {
    let packed = mc_default == McDefault::GsmPacked;
    let gsm7 = |text: &mut String| {
        if packed {
            gsm7::decode(&septets::unpack(octets, header_octets, Extent::Unknown), shifts, text)
        } else {
            gsm7::decode(octets, shifts, text)
        }
    };
    let mut text = String::new();
    let replaced = match (Interpretation::of(data_coding).alphabet, mc_default) {
        (Alphabet::Ascii, _) | (Alphabet::McDefault, McDefault::Ascii) => {
            Charset::Ascii.decode(octets, &mut text)
        }
        (Alphabet::Latin1, _) | (Alphabet::McDefault, McDefault::Latin1) => {
            Charset::Latin1.decode(octets, &mut text)
        }
        (Alphabet::Gsm7 | Alphabet::McDefault, _) => gsm7(&mut text),
        (Alphabet::Cyrillic, _) => Charset::Cyrillic.decode(octets, &mut text),
        (Alphabet::Hebrew, _) => Charset::Hebrew.decode(octets, &mut text),
        (Alphabet::Ucs2, _) => ucs2::decode(octets, &mut text),
        (Alphabet::Binary, _) => return hexadecimal(octets),
        _ if octets.iter().all(|octet| matches!(octet, b' '..=b'~' | b'\r' | b'\n')) => {
            Charset::Ascii.decode(octets, &mut text)
        }
        _ => return hexadecimal(octets),
    };
    let fidelity = if replaced == 0 { Fidelity::Exact } else { Fidelity::Lossy { replaced } };
    Decoded { text, fidelity }
}

fn hexadecimal(octets: &[u8]) -> Decoded {
    let mut text = String::with_capacity(octets.len() * 2);
    for octet in octets {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
    }
    Decoded { text, fidelity: Fidelity::Hexadecimal }
}
