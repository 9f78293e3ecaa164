//! Newtypes over the integers of the wire.
//!
//! Not enums: a peer's `0x0F` must survive a round trip. Constants name what the specification
//! names; [`meaning`](Ton::meaning) puts it in words.

mod bits;
mod names;

pub use bits::{DataCoding, EsmClass, MessageMode, MessageType, ReceiptRequest, RegisteredDelivery};
pub use names::{InterfaceVersion, MessageState, Npi, Ton, address_kind};

/// A newtype over one octet whose values have names.
macro_rules! named_octet {
    ($(#[doc = $doc:literal])* $Type:ident { $($(#[doc = $vdoc:literal])* $NAME:ident = $value:literal $text:literal,)* }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $Type(pub u8);

        impl $Type {
            $($(#[doc = $vdoc])* pub const $NAME: Self = Self($value);)*

            /// The values that have names.
            pub const NAMED: &'static [u32] = &[$($value),*];

            /// What the specification calls this value.
            pub const fn meaning(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }
        }

        impl core::fmt::Display for $Type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.meaning() {
                    Some(text) => f.pad(text),
                    None => write!(f, "{:#04x}", self.0),
                }
            }
        }
    };
}
pub(crate) use named_octet;
