//! What a TLV's value is in Rust, and tags that know it.

use core::marker::PhantomData;

use super::{Tag, TlvKind};
use crate::status::CommandStatus;
use crate::value::{InterfaceVersion, MessageState};

/// A tag whose value has a known type: `tlvs.get(tag::message_state)`.
#[derive(Debug)]
pub struct Known<T> {
    tag: Tag,
    value: PhantomData<fn() -> T>,
}

impl<T> Known<T> {
    /// A vendor's TLV may be made known, too: `Known::<u16>::new(Tag(0x1401))`.
    pub const fn new(tag: Tag) -> Self {
        Self { tag, value: PhantomData }
    }

    /// The tag alone.
    pub const fn tag(self) -> Tag {
        self.tag
    }
}

impl<T> Clone for Known<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Known<T> {}

/// A type that a TLV's octets are read as.
pub trait TlvType {
    /// How it is shown.
    const KIND: TlvKind;
    /// The values that are worth a choice in a form.
    const NAMED: &'static [u32] = &[];
    /// What reading gives.
    type Value<'a>;

    /// Reads the value's octets; `None` when they have the wrong length.
    fn read(octets: &[u8]) -> Option<Self::Value<'_>>;
    /// Writes the value's octets.
    fn write(value: Self::Value<'_>, out: &mut Vec<u8>);

    /// What the specification calls a value.
    fn meaning(value: u32) -> Option<&'static str> {
        let _ = value;
        None
    }
}

/// A C-Octet String in a TLV, without its NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlvText<'a>(pub &'a [u8]);

impl TlvText<'_> {
    /// The characters, each octet the Latin-1 character of that number.
    pub fn to_text(self) -> String {
        self.0.iter().map(|&octet| char::from(octet)).collect()
    }
}

/// A TLV's value as octets.
#[derive(Debug)]
pub struct Octets;

/// A TLV's value as a C-Octet String.
#[derive(Debug)]
pub struct Text;

macro_rules! int_tlv {
    ($($Type:ty, $int:ty, $wrap:expr, $unwrap:expr, $meaning:expr, $named:expr;)*) => {$(
        impl TlvType for $Type {
            const KIND: TlvKind = TlvKind::Int;
            const NAMED: &'static [u32] = $named;
            type Value<'a> = $Type;

            #[inline]
            fn read(octets: &[u8]) -> Option<Self> {
                const WIDTH: usize = size_of::<$int>();
                // Short forms are widened: broadcast_rep_num comes with 1 octet from some peers.
                let mut wide = [0; WIDTH];
                wide.get_mut(WIDTH.checked_sub(octets.len())?..)?.copy_from_slice(octets);
                if octets.is_empty() { None } else { Some($wrap(<$int>::from_be_bytes(wide))) }
            }

            fn write(value: Self, out: &mut Vec<u8>) {
                out.extend_from_slice(&$unwrap(value).to_be_bytes());
            }

            fn meaning(value: u32) -> Option<&'static str> {
                $meaning(<$int>::try_from(value).ok()?)
            }
        }
    )*};
}

int_tlv! {
    u8, u8, |v| v, |v: u8| v, |_| None, &[];
    u16, u16, |v| v, |v: u16| v, |_| None, &[];
    u32, u32, |v| v, |v: u32| v, |_| None, &[];
    MessageState, u8, MessageState, |v: MessageState| v.0, |v| MessageState(v).meaning(), MessageState::NAMED;
    InterfaceVersion, u8, InterfaceVersion, |v: InterfaceVersion| v.0, |v| InterfaceVersion(v).meaning(), InterfaceVersion::NAMED;
    CommandStatus, u32, CommandStatus, |v: CommandStatus| v.0, |v| CommandStatus(v).name(), &[];
}

impl TlvType for Octets {
    const KIND: TlvKind = TlvKind::Octets;
    type Value<'a> = &'a [u8];

    fn read(octets: &[u8]) -> Option<&[u8]> {
        Some(octets)
    }

    fn write(value: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(value);
    }
}

impl TlvType for Text {
    const KIND: TlvKind = TlvKind::Text;
    type Value<'a> = TlvText<'a>;

    fn read(octets: &[u8]) -> Option<TlvText<'_>> {
        let end = octets.iter().position(|&octet| octet == 0).unwrap_or(octets.len());
        octets.get(..end).map(TlvText)
    }

    fn write(value: TlvText<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(value.0);
        out.push(0);
    }
}
