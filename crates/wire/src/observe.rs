//! Watching a PDU being read, field by field: what dissection, JSON and forms are made from.
//!
//! The reader tells an [`Observer`] each field's name, octets and value as it goes. Servers
//! observe with `()`, for which all of this compiles to nothing.

use core::ops::Range;
use std::borrow::Cow;

use bytes::Bytes;

use crate::tlv::{Tag, TlvDef};

/// A field's value, apart from how it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// An integer of 1, 2 or 4 octets.
    Int(u32),
    /// A C-Octet String without its NUL; each octet is the Latin-1 character of that number.
    Text(String),
    /// Octets with a length of their own.
    Octets(Bytes),
    /// The items of a counted list.
    List(Vec<Value>),
    /// Named values, in order.
    Record(Vec<(String, Value)>),
}

impl Value {
    /// The value under a name, when this is a record that has it.
    pub fn named(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Record(entries) => entries.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// One field as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The value.
    pub value: Value,
    /// What the specification calls this value, e.g. `international`.
    pub meaning: Option<Cow<'static, str>>,
}

impl Shown {
    /// A value that needs no explanation.
    pub const fn plain(value: Value) -> Self {
        Self { value, meaning: None }
    }
}

/// One TLV as it was read. Offsets count from the start of the PDU.
#[derive(Debug, Clone)]
pub struct TlvSeen {
    /// Its tag.
    pub tag: Tag,
    /// Its row in the table, if it has one.
    pub def: Option<&'static TlvDef>,
    /// Its name in this PDU.
    pub name: Option<&'static str>,
    /// Where tag, length and value stand.
    pub octets: Range<usize>,
    /// The value's octets.
    pub value: Bytes,
}

/// Told what is read, in order. Every method does nothing unless overridden.
pub trait Observer {
    /// A field, or the count in front of a list.
    #[inline]
    fn field(&mut self, name: &'static str, octets: Range<usize>, shown: impl FnOnce() -> Shown) {
        let _ = (name, octets, shown);
    }

    /// A list begins; its items' fields follow, each item between [`item`](Self::item) calls.
    #[inline]
    fn list(&mut self, name: &'static str) {
        let _ = name;
    }

    /// The next item of the list begins.
    #[inline]
    fn item(&mut self) {}

    /// The list is over.
    #[inline]
    fn list_end(&mut self, octets: Range<usize>) {
        let _ = octets;
    }

    /// A TLV, known or not.
    #[inline]
    fn tlv(&mut self, seen: impl FnOnce() -> TlvSeen) {
        let _ = seen;
    }
}

impl Observer for () {}
