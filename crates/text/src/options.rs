//! What a sender lets the choice of encoding and the splitting do.

use core::fmt;

use crate::encoding::Encoding;
use crate::gsm7::Unencodable;
use crate::udh::{HeaderTooLong, ReferenceWidth, UdhBuilder};

/// How text may be encoded and carried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether national language tables may be chosen; default no, since a phone without them shows other letters.
    pub national_tables: bool,
    /// Whether ISO 8859-1 may be chosen; default no, since networks convert or refuse it as they like.
    pub latin1: bool,
    /// The one encoding to use; default `None`, the smallest allowed.
    pub encoding: Option<Encoding>,
    /// Octets of the concatenation reference; default one.
    pub reference: ReferenceWidth,
    /// How several parts are told to belong together; default a header in each.
    pub carrier: Carrier,
    /// Further elements for the header of every part, such as ports; default none. Concatenation and language
    /// elements are added where needed and do not belong here.
    pub udh: UdhBuilder,
}

/// What tells the parts of a long message, or carries it whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// A concatenation element in the user data header of each part.
    #[default]
    Udh,
    /// The sar_ TLVs: parts hold no concatenation element, the MC makes one.
    ///
    /// Since it does, a part holds no more than with [`Carrier::Udh`] and the same reference width. A message of
    /// several parts can then have no header of its own, so no national tables either: SMPP forbids sar_ TLVs
    /// beside a header.
    Sar,
    /// The message_payload TLV: one part of up to 65,535 octets, which the MC splits as it likes.
    MessagePayload,
}

/// Why text cannot be sent under the options given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SplitError {
    /// The encoding asked for lacks some of the characters.
    Unencodable(Unencodable),
    /// More than the 255 parts a concatenation can count.
    TooManyParts {
        /// Parts the text needs at least.
        at_least: usize,
    },
    /// The whole does not fit message_payload.
    TooLong {
        /// Octets there are for text.
        limit_octets: usize,
    },
    /// The header leaves no room for text.
    HeaderTooLong(HeaderTooLong),
    /// Several parts by sar_ TLVs cannot also have a header, which the options or the encoding ask for.
    SarWithHeader,
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unencodable(unencodable) => unencodable.fmt(f),
            Self::TooManyParts { at_least } => {
                write!(f, "text needs {at_least} parts or more, 255 are possible")
            }
            Self::TooLong { limit_octets } => {
                write!(f, "text is longer than the {limit_octets} octets message_payload has for it")
            }
            Self::HeaderTooLong(header) => header.fmt(f),
            Self::SarWithHeader => f.write_str("several parts by sar_ TLVs cannot have a user data header"),
        }
    }
}

impl core::error::Error for SplitError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unencodable(unencodable) => Some(unencodable),
            Self::HeaderTooLong(header) => Some(header),
            Self::TooManyParts { .. } | Self::TooLong { .. } | Self::SarWithHeader => None,
        }
    }
}

impl From<Unencodable> for SplitError {
    fn from(unencodable: Unencodable) -> Self {
        Self::Unencodable(unencodable)
    }
}

impl From<HeaderTooLong> for SplitError {
    fn from(header: HeaderTooLong) -> Self {
        Self::HeaderTooLong(header)
    }
}
