//! One source address, or a form that several have, as an operator writes it.

use core::fmt;
use core::str::FromStr;

use smppkit_wire::field::CStr;
use smppkit_wire::value::{Npi, Ton, address_kind};

/// A form of source addresses: `[TON[/NPI][/i]:]PATTERN`.
///
/// | written | holds for |
/// | --- | --- |
/// | `SHOP`, `447700900*` | that address, or what begins so, of any type of number |
/// | `alphanumeric:SHOP*` | the same with TON 5 only |
/// | `international/isdn:44*` | TON 1 and NPI 1 only |
/// | `any/i:shop` | `shop`, `SHOP`, `Shop`: ASCII letters in either case |
/// | `abbreviated:?????` | any short code of five |
/// | `alphanumeric:\*\*` | `**` itself; `\\` is one backslash |
///
/// `*` is any octets, none included, `?` one octet. Otherwise octets are what they are, letters in
/// their case too: recipients see `Shop` and `SHOP` as two senders, and so do networks that register
/// them. A TON is `any`, a number, or its name with `_` for a blank, such as `network_specific`; an NPI
/// is a number or its name, such as `isdn`. An address that has a colon needs a TON before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePattern {
    written: Box<str>,
    ton: Option<Ton>,
    npi: Option<Npi>,
    ignore_case: bool,
    pieces: Box<[Piece]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Octet(u8),
    /// `?`
    One,
    /// `*`
    Any,
}

/// One source address: `[TON[/NPI]:]ADDRESS`. Without a TON letters are alphanumeric, more than eight
/// digits international.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// source_addr_ton.
    pub ton: Ton,
    /// source_addr_npi.
    pub npi: Npi,
    /// source_addr, up to 20 octets.
    pub address: CStr<21>,
}

/// Text that is no [`SourcePattern`] or [`Sender`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadSource {
    text: String,
    why: &'static str,
}

impl SourcePattern {
    /// Whether it holds for an address.
    pub fn holds(&self, ton: Ton, npi: Npi, address: &[u8]) -> bool {
        self.kind_holds(ton, npi) && matches(&self.pieces, address, self.ignore_case)
    }

    pub(super) fn kind_holds(&self, ton: Ton, npi: Npi) -> bool {
        self.ton.is_none_or(|wanted| wanted == ton) && self.npi.is_none_or(|wanted| wanted == npi)
    }

    /// The only address it holds for, if there is but one.
    pub(super) fn exact(&self) -> Option<Box<[u8]>> {
        let octet = |piece: &Piece| match piece {
            Piece::Octet(octet) => Some(*octet),
            Piece::One | Piece::Any => None,
        };
        if self.ignore_case { None } else { self.pieces.iter().map(octet).collect() }
    }
}

impl FromStr for SourcePattern {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        let bad = |why| BadSource { text: text.chars().take(80).collect(), why };
        if text.len() > PATTERN_LIMIT_OCTETS {
            return Err(bad("longer than 200 octets"));
        }
        let (kind, pattern) = Kind::split(text).map_err(bad)?;
        let pieces = pieces(pattern).map_err(bad)?;
        if pieces.iter().filter(|piece| **piece != Piece::Any).count() > ADDRESS_LIMIT_OCTETS {
            return Err(bad("for addresses longer than 64 octets, which there are none of"));
        }
        let kind = kind.unwrap_or_default();
        Ok(Self { written: text.into(), ton: kind.ton, npi: kind.npi, ignore_case: kind.ignore_case, pieces })
    }
}

impl FromStr for Sender {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        let bad = |why| BadSource { text: text.chars().take(80).collect(), why };
        let (kind, address) = Kind::split(text).map_err(bad)?;
        let (mut ton, mut npi) = address_kind(address);
        if let Some(kind) = kind {
            if kind.ignore_case {
                return Err(bad("one address, which has one case"));
            }
            ton = kind.ton.ok_or_else(|| bad("one address, which has one type of number"))?;
            npi = kind.npi.unwrap_or(if ton == Ton::ALPHANUMERIC { Npi::UNKNOWN } else { Npi::ISDN });
        }
        if ton == Ton::ALPHANUMERIC && address.len() > ALPHANUMERIC_LIMIT_OCTETS {
            return Err(bad("longer than 11 characters, the most that GSM shows"));
        }
        if address.is_empty() {
            return Err(bad("no address"));
        }
        let address =
            CStr::new(address.as_bytes()).map_err(|_| bad("longer than 20 octets, or with a NUL"))?;
        Ok(Self { ton, npi, address })
    }
}

/// What stands before the colon.
#[derive(Default)]
struct Kind {
    ton: Option<Ton>,
    npi: Option<Npi>,
    ignore_case: bool,
}

impl Kind {
    /// Apart from the rest, if it is there.
    fn split(text: &str) -> Result<(Option<Self>, &str), &'static str> {
        let Some((kind, rest)) = text.split_once(':') else { return Ok((None, text)) };
        let mut words = kind.split('/');
        let ton = words.next().unwrap_or_default();
        let ton = match ton {
            "any" => None,
            _ => Some(named(ton, |value| Ton(value).meaning()).map(Ton).ok_or(UNKNOWN_TON)?),
        };
        let mut kind = Self { ton, ..Self::default() };
        for word in words {
            match word {
                "i" if !kind.ignore_case => kind.ignore_case = true,
                _ if kind.npi.is_none() => {
                    let npi = named(word, |value| Npi(value).meaning());
                    kind.npi = Some(npi.map(Npi).ok_or("with an unknown numbering plan before its colon")?);
                }
                _ => return Err("with more than a TON, an NPI and i before its colon"),
            }
        }
        Ok((Some(kind), rest))
    }
}

/// The octet of a number, or of a name: as the specification has it, up to its parenthesis.
fn named(word: &str, meaning: impl Fn(u8) -> Option<&'static str>) -> Option<u8> {
    let called = |value: &u8| {
        let name = meaning(*value).and_then(|name| name.split(" (").next());
        name.is_some_and(|name| name.replace(' ', "_").eq_ignore_ascii_case(word))
    };
    word.parse().ok().or_else(|| (0..=u8::MAX).find(called))
}

fn pieces(pattern: &str) -> Result<Box<[Piece]>, &'static str> {
    let mut pieces = Vec::new();
    let mut octets = pattern.bytes();
    while let Some(octet) = octets.next() {
        pieces.push(match octet {
            b'*' if pieces.last() == Some(&Piece::Any) => continue,
            b'*' => Piece::Any,
            b'?' => Piece::One,
            b'\\' => match octets.next() {
                Some(octet @ (b'*' | b'?' | b'\\')) => Piece::Octet(octet),
                _ => return Err(r"with a \ before something else than *, ? and \"),
            },
            0 => return Err("with a NUL, which no address has"),
            octet => Piece::Octet(octet),
        });
    }
    Ok(pieces.into())
}

/// Reads both once, and goes back to the last `*` only: the work is the product of their lengths.
fn matches(pieces: &[Piece], address: &[u8], ignore_case: bool) -> bool {
    let (mut p, mut a) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(octet) = address.get(a) {
        let same = match pieces.get(p) {
            Some(Piece::Any) => {
                star = Some((p, a));
                p += 1;
                continue;
            }
            Some(Piece::One) => true,
            Some(Piece::Octet(wanted)) if ignore_case => wanted.eq_ignore_ascii_case(octet),
            Some(Piece::Octet(wanted)) => wanted == octet,
            None => false,
        };
        if same {
            (p, a) = (p + 1, a + 1);
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            (p, a) = (at + 1, from + 1);
        } else {
            return false;
        }
    }
    pieces.get(p..).unwrap_or_default().iter().all(|piece| *piece == Piece::Any)
}

impl fmt::Display for SourcePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// As numbers, which hold for every octet: `5/0:SHOP`.
impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.ton.0, self.npi.0, self.address.to_text())
    }
}

impl fmt::Display for BadSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "source address {:?} is {}", self.text, self.why)
    }
}

impl std::error::Error for BadSource {}

/// Room for the longest address, each octet behind a backslash, and for the longest names.
const PATTERN_LIMIT_OCTETS: usize = 200;
/// The longest source_addr is data_sm's: 65 octets, the NUL included (SMPP 5.0, 4.2.2.1).
const ADDRESS_LIMIT_OCTETS: usize = 64;
/// 3GPP 23.040, 9.1.2.5: an alphanumeric address has 11 characters at most.
const ALPHANUMERIC_LIMIT_OCTETS: usize = 11;
const UNKNOWN_TON: &str =
    "with an unknown type of number before its colon; any: comes before an address that has a colon";

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(pattern: &str, ton: u8, npi: u8, address: &str) -> bool {
        pattern.parse::<SourcePattern>().unwrap().holds(Ton(ton), Npi(npi), address.as_bytes())
    }

    #[test]
    fn patterns_hold_for_their_addresses_kinds_and_cases_only() {
        for (pattern, ton, npi, address, wanted) in [
            ("SHOP", 5, 0, "SHOP", true),
            ("SHOP", 0, 0, "SHOP", true),
            ("SHOP", 5, 0, "SHOPS", false),
            ("SHOP", 5, 0, "SHO", false),
            ("SHOP", 5, 0, "Shop", false),
            ("SHOP", 5, 0, "", false),
            ("alphanumeric:SHOP*", 5, 0, "SHOP24", true),
            ("alphanumeric:SHOP*", 5, 0, "SHOP", true),
            ("alphanumeric:SHOP*", 0, 0, "SHOP24", false),
            ("alphanumeric/i:shop*", 5, 0, "SHoP24", true),
            ("any/i:shop", 0, 0, "SHOP", true),
            ("international:44*", 1, 1, "447700900123", true),
            ("international:44*", 1, 8, "447700900123", true),
            ("international:44*", 2, 1, "447700900123", false),
            ("international:44*", 1, 1, "+447700900123", false),
            ("international/isdn:44*", 1, 8, "447700900123", false),
            ("1/1:44*", 1, 1, "44", true),
            ("network_specific:*", 3, 0, "x", true),
            ("any/land_mobile:*", 0, 6, "x", true),
            ("any/land_mobile:*", 0, 1, "x", false),
            ("any/internet/i:A*", 0, 14, "a1", true),
            ("200:1", 200, 0, "1", true),
            ("abbreviated:?????", 6, 0, "12345", true),
            ("abbreviated:?????", 6, 0, "123456", false),
            ("*9*9", 0, 0, "191929", true),
            ("any:A:B", 5, 0, "A:B", true),
            (r"\*100#", 0, 0, "*100#", true),
            (r"\*100#", 0, 0, "1100#", false),
            ("*", 0, 0, "", true),
            ("", 0, 0, "", true),
            ("", 0, 0, "1", false),
        ] {
            assert_eq!(holds(pattern, ton, npi, address), wanted, "{pattern} {ton}/{npi}:{address}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_named_with_its_fault() {
        for (text, why) in [
            ("alpha:SHOP", "unknown type of number"),
            ("any/foo:SHOP", "unknown numbering plan"),
            ("any/1/1:SHOP", "more than"),
            (r"SH\OP", "with a \\ before"),
            ("SHOP\\", "with a \\ before"),
            (&"1".repeat(65), "longer than 64 octets"),
            (&"*".repeat(201), "longer than 200 octets"),
        ] {
            let error = text.parse::<SourcePattern>().unwrap_err().to_string();
            assert!(error.contains(why) && error.starts_with("source address \""), "{error}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern: SourcePattern = ("*1".repeat(19) + "*2").parse().unwrap();
        assert!(!pattern.holds(Ton(0), Npi(0), "1".repeat(10_000).as_bytes()));
    }

    #[test]
    fn a_sender_is_one_address_with_its_kind() {
        for (text, wanted) in [
            ("SHOP", "5/0:SHOP"),
            ("447700900123", "1/1:447700900123"),
            ("12345", "0/1:12345"),
            ("abbreviated:12345", "6/1:12345"),
            ("5:12345", "5/0:12345"),
            ("national/national:12345", "2/8:12345"),
        ] {
            let sender: Sender = text.parse().unwrap();
            assert_eq!(sender.to_string(), wanted);
            assert_eq!(wanted.parse(), Ok(sender));
        }
        for text in ["", "any:SHOP", "5/i:SHOP", "TWELVE CHARS", "1:123456789012345678901"] {
            assert!(text.parse::<Sender>().is_err(), "{text}");
        }
    }
}
