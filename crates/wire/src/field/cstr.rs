//! C-Octet Strings: characters, then one NUL (SMPP 5.0, 3.1).

use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;

use super::{Field, Kind, Reader, ValueError, Writer, plain};
use crate::dialect::Dialect;
use crate::error::{BodyError, Fault};
use crate::observe::{Observer, Value};
use crate::pdu::FieldDef;
use crate::version::Version;

/// A C-Octet String of at most `N` octets, its NUL counted, held inline.
///
/// The specifications say ASCII; real peers put other octets into alphanumeric senders, so any
/// octet but NUL is kept.
///
/// ```
/// use smppkit_wire::field::CStr;
/// let system_id: CStr<16> = "SMPP3TEST".parse().unwrap();
/// assert_eq!(system_id.as_octets(), b"SMPP3TEST");
/// assert!("sixteen-letters!".parse::<CStr<16>>().is_err(), "no room for the NUL");
/// ```
#[derive(Clone, Copy)]
#[repr(align(8))]
pub struct CStr<const N: usize> {
    /// Characters, a NUL, then octets that mean nothing.
    octets: [u8; N],
    /// Characters before the NUL; always below `N`.
    len: u8,
}

/// Text that cannot be a C-Octet String.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CStrError {
    /// More characters than fit; the most that do.
    TooLong(usize),
    /// A NUL inside, or a character beyond U+00FF.
    Character(char),
}

impl<const N: usize> CStr<N> {
    /// No characters: one NUL on the wire.
    pub const EMPTY: Self = Self { octets: [0; N], len: 0 };

    /// From characters, without a NUL.
    pub fn new(characters: &[u8]) -> Result<Self, CStrError> {
        let mut new = Self::EMPTY;
        if characters.contains(&0) {
            return Err(CStrError::Character('\0'));
        }
        match new.octets.get_mut(..characters.len()) {
            Some(room) if characters.len() < N => room.copy_from_slice(characters),
            _ => return Err(CStrError::TooLong(N - 1)),
        }
        new.len = characters.len() as u8;
        Ok(new)
    }

    /// The characters, without the NUL.
    #[inline]
    pub fn as_octets(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The characters as text when they are ASCII or UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        core::str::from_utf8(self.as_octets()).ok()
    }

    /// The characters as text, each octet the Latin-1 character of that number.
    pub fn to_text(&self) -> String {
        self.as_octets().iter().map(|&octet| char::from(octet)).collect()
    }

    /// Characters before the NUL.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there are no characters.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Reads one from the front of octets: the string, or the fault. `room` begins with the same
    /// octets and may go on behind the PDU.
    #[inline(always)]
    pub(super) fn read_from(rest: &[u8], room: &[u8]) -> Result<Self, Fault> {
        let window = rest.get(..N).unwrap_or(rest);
        let Some(len) = window.iter().position(|&octet| octet == 0) else {
            return Err(Self::fault(rest.len()));
        };
        Ok(Self { octets: copy(room), len: len as u8 })
    }

    #[cold]
    fn fault(left: usize) -> Fault {
        match left {
            0 => Fault::Missing,
            left if left < N => Fault::Unterminated,
            _ => Fault::TooLong { limit: N as u16 },
        }
    }

    /// The string in a record under a name; absent means empty.
    pub(super) fn named(name: &str, record: &Value) -> Result<Self, ValueError> {
        match record.named(name) {
            None => Ok(Self::EMPTY),
            Some(Value::Text(text)) => {
                text.parse().map_err(|error: CStrError| ValueError::new(name, error.to_string()))
            }
            Some(Value::Int(number)) => Self::new(number.to_string().as_bytes())
                .map_err(|error| ValueError::new(name, error.to_string())),
            Some(_) => Err(ValueError::new(name, "must be a string")),
        }
    }
}

/// The whole room at once where it is there: a copy of fixed size costs less than one of the
/// string's length. What it takes of the next PDU is never looked at.
#[inline(always)]
fn copy<const N: usize>(room: &[u8]) -> [u8; N] {
    match room.first_chunk::<N>() {
        Some(room) => *room,
        None => copy_short(room),
    }
}

#[cold]
fn copy_short<const N: usize>(room: &[u8]) -> [u8; N] {
    let mut octets = [0; N];
    octets.iter_mut().zip(room).for_each(|(to, from)| *to = *from);
    octets
}

impl<const N: usize> Field for CStr<N> {
    const KIND: Kind = Kind::CStr(N as u8);

    #[inline(always)]
    fn read<O: Observer>(r: &mut Reader<'_, O>, def: &'static FieldDef) -> Result<Self, BodyError> {
        let at = r.at();
        let string = Self::read_from(r.rest(), r.room()).map_err(|fault| r.fault(def, fault))?;
        r.skip(string.len() + 1);
        r.observer.field(def.name, at..at + string.len() + 1, || plain(Value::Text(string.to_text())));
        Ok(string)
    }

    #[inline]
    fn write(&self, w: &mut Writer<'_>) {
        // The whole room, cut to length and ended: a copy of fixed size costs less.
        let start = w.out.len();
        w.out.extend_from_slice(&self.octets);
        w.out.truncate(start + usize::from(self.len) + 1);
    }

    fn from_record(def: &'static FieldDef, record: &Value) -> Result<Self, ValueError> {
        Self::named(def.name, record)
    }

    fn check(&self, def: &'static FieldDef, version: Version, _: &Dialect) -> Result<(), Fault> {
        match def.limit(version) {
            Some(limit) if self.len() >= usize::from(limit) => Err(Fault::TooLong { limit }),
            _ => Ok(()),
        }
    }
}

impl<const N: usize> Default for CStr<N> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize> PartialEq for CStr<N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_octets() == other.as_octets()
    }
}

impl<const N: usize> Eq for CStr<N> {}

impl<const N: usize> PartialEq<str> for CStr<N> {
    fn eq(&self, other: &str) -> bool {
        self.as_octets() == other.as_bytes()
    }
}

impl<const N: usize> PartialEq<&str> for CStr<N> {
    fn eq(&self, other: &&str) -> bool {
        self.as_octets() == other.as_bytes()
    }
}

impl<const N: usize> Hash for CStr<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_octets().hash(state);
    }
}

impl<const N: usize> fmt::Debug for CStr<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.as_octets().escape_ascii())
    }
}

impl<const N: usize> fmt::Display for CStr<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_octets().escape_ascii())
    }
}

impl<const N: usize> FromStr for CStr<N> {
    type Err = CStrError;

    fn from_str(text: &str) -> Result<Self, CStrError> {
        let octets: Vec<u8> = text
            .chars()
            .map(|c| u8::try_from(c).map_err(|_| CStrError::Character(c)))
            .collect::<Result<_, _>>()?;
        Self::new(&octets)
    }
}

impl fmt::Display for CStrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(limit) => write!(f, "is longer than {limit} octets"),
            Self::Character(c) => write!(f, "has a character that cannot be sent: {c:?}"),
        }
    }
}

impl std::error::Error for CStrError {}
