//! How one field is read, written and shown. All knowledge of octets is here.
//!
//! A PDU is an ordered list of fields and nothing more, so a rule about octets is written once,
//! in the type of the field that obeys it.

mod cstr;
mod int;
mod list;
mod octets;
mod time;

pub use cstr::{CStr, CStrError};
pub use list::{CountedList, DestAddress, DestAddresses, ListError, MessageIds, UnsuccessSme, UnsuccessSmes};
pub use octets::{ShortMessage, TooLong};
pub(crate) use time::yymmddhhmmss;
pub use time::{FinalDate, Time, TimeError, TimeValue};

use core::fmt;
use std::borrow::Cow;

use bytes::Bytes;

use crate::dialect::Dialect;
use crate::error::{BodyError, Fault};
use crate::frame::Frame;
use crate::header::Header;
use crate::observe::{Observer, Shown, Value};
use crate::pdu::FieldDef;
use crate::status::CommandStatus;
use crate::version::Version;

/// One field of a PDU: everything that is known of its octets.
pub trait Field: Sized + Default {
    /// How it looks on the wire, for forms and references.
    const KIND: Kind;
    /// What it is about.
    const SUBJECT: Subject = Subject::Control;
    /// The values that are worth a choice in a form; those of bit fields are single bits.
    const NAMED: &'static [u32] = &[];
    /// The fields of an entry, where it is a list of them.
    const PARTS: &'static [&'static FieldDef] = &[];

    /// What the specification calls a value.
    fn meaning(value: u32) -> Option<Cow<'static, str>> {
        let _ = value;
        None
    }

    /// Reads one, telling the observer.
    fn read<O: Observer>(r: &mut Reader<'_, O>, def: &'static FieldDef) -> Result<Self, BodyError>;

    /// Writes one. A value of the type can always be written.
    fn write(&self, w: &mut Writer<'_>);

    /// Takes the value from a record that has it under the field's name; absent means default.
    fn from_record(def: &'static FieldDef, record: &Value) -> Result<Self, ValueError>;

    /// Whether the value is one the version allows.
    fn check(&self, def: &'static FieldDef, version: Version, dialect: &Dialect) -> Result<(), Fault> {
        let _ = (def, version, dialect);
        Ok(())
    }
}

/// How a field looks on the wire (SMPP 5.0, 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An unsigned integer of so many octets, big-endian.
    Int(u8),
    /// Characters and a NUL; so many octets at most, the NUL counted.
    CStr(u8),
    /// A lone NUL, or 16 characters and a NUL.
    Time,
    /// One octet of count, named, then so many octets or items.
    Counted {
        /// The name of the count.
        count: &'static str,
        /// What is counted.
        what: &'static str,
    },
    /// TLVs up to the end of the PDU.
    Tlvs,
}

/// What a field is about, for colours and groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Who sends, or who gets it.
    Address,
    /// How it is to be handled, and all that is none of the others.
    Control,
    /// When.
    Time,
    /// User data.
    Text,
    /// TLVs.
    Tlvs,
}

/// Reads the fields of one PDU, bounded by the PDU.
#[derive(Debug)]
pub struct Reader<'a, O> {
    octets: &'a [u8],
    tail: &'a [u8],
    /// What the octets are a part of: the field types share it.
    pub(crate) run: &'a Bytes,
    at: usize,
    /// The version the peers speak.
    pub version: Version,
    /// What is forgiven.
    pub dialect: &'a Dialect,
    /// The places of this PDU in the TLV table.
    pub places: u16,
    /// Told what is read.
    pub observer: &'a mut O,
}

impl<'a, O: Observer> Reader<'a, O> {
    /// Over a whole PDU, standing behind its header.
    pub fn new(frame: &Frame<'a>, version: Version, dialect: &'a Dialect, observer: &'a mut O) -> Self {
        let (octets, tail, run) = (frame.octets(), frame.tail(), frame.run());
        Self { octets, tail, run, at: Header::OCTETS, version, dialect, places: 0, observer }
    }

    /// Over octets of one field, by themselves.
    pub(crate) fn over(run: &'a Bytes, at: usize, dialect: &'a Dialect, observer: &'a mut O) -> Self {
        Self { octets: run, tail: run, run, at, version: Version::V50, dialect, places: 0, observer }
    }

    /// Where the next octet stands, from the start of the PDU.
    #[inline]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// What is left of the PDU.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.octets.get(self.at..).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn room(&self) -> &'a [u8] {
        self.tail.get(self.at..).unwrap_or_default()
    }

    /// Passes over octets that were looked at in [`rest`](Self::rest).
    #[inline]
    pub fn skip(&mut self, octets: usize) {
        self.at += octets;
    }

    /// The next `N` octets.
    #[inline]
    pub fn take<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let octets = self.rest().first_chunk::<N>()?;
        self.at += N;
        Some(octets)
    }

    /// Shares octets of the PDU.
    #[inline]
    pub fn share(&self, octets: &'a [u8]) -> Bytes {
        share(self.run, octets)
    }

    /// The fault that a field at the current place has.
    #[cold]
    pub fn fault(&self, def: &FieldDef, fault: Fault) -> BodyError {
        self.fault_at(def.name, self.at, fault, def.status)
    }

    /// A fault with everything said. A PDU that ends too soon has a code of its own
    /// (SMPP 3.4, 4.3), whatever the field.
    #[cold]
    pub fn fault_at(&self, field: &'static str, at: usize, fault: Fault, status: CommandStatus) -> BodyError {
        let status = match fault {
            Fault::Missing | Fault::Excess | Fault::TlvBeforeV34 => CommandStatus::ESME_RINVCMDLEN,
            Fault::TlvStream => CommandStatus::ESME_RINVTLVSTREAM,
            Fault::TlvLength(_) => CommandStatus::ESME_RINVTLVLEN,
            _ => status,
        };
        BodyError { field, at, fault, status }
    }
}

/// Shares octets of a run.
#[inline]
pub(crate) fn share(run: &Bytes, octets: &[u8]) -> Bytes {
    if octets.is_empty() { Bytes::new() } else { run.slice_ref(octets) }
}

/// Writes fields behind each other.
#[derive(Debug)]
pub struct Writer<'a> {
    /// Where the octets go.
    pub out: &'a mut Vec<u8>,
    /// The version of the peer: no TLV goes out below 3.4, none of 5.0's to 3.4.
    pub version: Version,
}

/// A value given for a field that the field cannot have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError {
    /// The field.
    pub field: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl ValueError {
    pub(crate) fn new(field: &str, problem: impl Into<String>) -> Self {
        Self { field: field.to_owned(), problem: problem.into() }
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.problem)
    }
}

impl std::error::Error for ValueError {}

/// Octets out of a value: octets as they are, text as hexadecimal digits.
pub(crate) fn octets_from(name: &str, value: &Value) -> Result<Bytes, ValueError> {
    match value {
        Value::Octets(octets) => Ok(octets.clone()),
        Value::Text(hex) => hex_octets(hex)
            .ok_or_else(|| ValueError::new(name, "is not an even number of hexadecimal digits")),
        _ => Err(ValueError::new(name, "must be a string of hexadecimal digits")),
    }
}

fn hex_octets(hex: &str) -> Option<Bytes> {
    let digits = hex.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |octet: u8| (octet as char).to_digit(16).map(|digit| digit as u8);
    digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// An integer out of a value: a number, or text that is one (decimal or `0x` hexadecimal).
pub(crate) fn int_from(name: &str, value: &Value, max: u32) -> Result<u32, ValueError> {
    let number = match value {
        Value::Int(number) => Some(*number),
        Value::Text(text) => match text.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        },
        _ => None,
    };
    number
        .filter(|number| *number <= max)
        .ok_or_else(|| ValueError::new(name, format!("must be an integer from 0 to {max}")))
}

/// What a field shows when it has nothing to explain.
pub(crate) fn plain(value: Value) -> Shown {
    Shown::plain(value)
}
