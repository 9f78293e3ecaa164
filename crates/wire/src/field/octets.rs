//! short_message with the sm_length in front of it.

use core::fmt;

use bytes::Bytes;

use super::{Field, Kind, Reader, Subject, ValueError, Writer, octets_from, plain};
use crate::dialect::Dialect;
use crate::error::{BodyError, Fault};
use crate::observe::{Observer, Value};
use crate::pdu::FieldDef;
use crate::version::Version;

/// User data of at most 255 octets; on the wire one octet of length, then the octets.
///
/// No terminator: an included NUL is counted like any other octet (SMPP 5.0, 4.7.26).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ShortMessage(Bytes);

/// More octets than the field can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl ShortMessage {
    /// The most that its length octet can say.
    pub const LIMIT_OCTETS: usize = 255;
    const SM_LENGTH: &'static str = "sm_length";

    /// From octets.
    pub fn new(octets: impl Into<Bytes>) -> Result<Self, TooLong> {
        let octets = octets.into();
        if octets.len() > Self::LIMIT_OCTETS { Err(TooLong) } else { Ok(Self(octets)) }
    }

    /// The octets, shared.
    pub const fn octets(&self) -> &Bytes {
        &self.0
    }

    /// A copy that keeps nothing else alive: for what is stored longer than the PDU is handled.
    #[must_use]
    pub fn detached(&self) -> Self {
        if self.0.is_empty() { Self::default() } else { Self(Bytes::copy_from_slice(&self.0)) }
    }
}

impl core::ops::Deref for ShortMessage {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Field for ShortMessage {
    const KIND: Kind = Kind::Counted { count: Self::SM_LENGTH, what: "octets" };
    const SUBJECT: Subject = Subject::Text;

    #[inline(always)]
    fn read<O: Observer>(r: &mut Reader<'_, O>, def: &'static FieldDef) -> Result<Self, BodyError> {
        let at = r.at();
        let Some(&[length]) = r.take::<1>() else {
            return Err(r.fault_at(Self::SM_LENGTH, at, Fault::Missing, def.status));
        };
        let length = usize::from(length);
        r.observer.field(Self::SM_LENGTH, at..at + 1, || plain(Value::Int(length as u32)));
        let Some(octets) = r.rest().get(..length) else {
            return Err(r.fault_at(Self::SM_LENGTH, at, Fault::Short, def.status));
        };
        let octets = r.share(octets);
        r.skip(length);
        r.observer.field(def.name, at + 1..at + 1 + length, || plain(Value::Octets(octets.clone())));
        Ok(Self(octets))
    }

    #[inline]
    fn write(&self, w: &mut Writer<'_>) {
        w.out.push(self.0.len() as u8);
        w.out.extend_from_slice(&self.0);
    }

    fn from_record(def: &'static FieldDef, record: &Value) -> Result<Self, ValueError> {
        let Some(value) = record.named(def.name) else {
            return Ok(Self::default());
        };
        Self::new(octets_from(def.name, value)?).map_err(|_| {
            ValueError::new(def.name, "is longer than 255 octets; put it into the TLV message_payload")
        })
    }

    fn check(&self, def: &'static FieldDef, version: Version, _: &Dialect) -> Result<(), Fault> {
        match def.limit(version) {
            Some(limit) if self.0.len() > usize::from(limit) => Err(Fault::TooLong { limit }),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("longer than 255 octets")
    }
}

impl std::error::Error for TooLong {}
