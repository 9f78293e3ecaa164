//! User data header: the elements in front of a message's text (3GPP 23.040, 9.2.3.24).

mod build;
mod element;

use core::fmt;

pub use build::{HeaderTooLong, UdhBuilder};
pub use element::{Concatenation, Iei, InformationElement, Ports, ReferenceWidth};

use crate::language::{Language, Shifts};

/// A header found well-formed at the start of user data.
///
/// Its views follow the rules for repeats: an element that may occur once counts as it was last seen, and one whose
/// data make no sense is ignored (3GPP 23.040, 9.2.3.24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Udh<'a> {
    /// What follows UDHL.
    elements: &'a [u8],
}

impl<'a> Udh<'a> {
    /// Takes the header off user data; answers it with the octets after it.
    ///
    /// On an error the whole user data is to be treated as opaque.
    pub fn parse(user_data: &'a [u8]) -> Result<(Self, &'a [u8]), MalformedUdh> {
        let (&udhl, rest) = user_data.split_first().ok_or(MalformedUdh::Missing)?;
        let Some((elements, body)) = rest.split_at_checked(usize::from(udhl)) else {
            return Err(MalformedUdh::BeyondData { udhl, available: rest.len() });
        };
        let mut left = elements;
        while !left.is_empty() {
            let at = 1 + elements.len() - left.len();
            (_, left) = InformationElement::split(left).ok_or(MalformedUdh::ElementBeyondHeader { at })?;
        }
        Ok((Self { elements }, body))
    }

    /// Elements in the order sent, unknown ones included.
    pub fn elements(self) -> impl Iterator<Item = InformationElement<'a>> + Clone {
        let mut left = self.elements;
        core::iter::from_fn(move || {
            let (element, rest) = InformationElement::split(left)?;
            left = rest;
            Some(element)
        })
    }

    /// Octets of the whole header, UDHL counted in.
    pub fn octets(self) -> usize {
        1 + self.elements.len()
    }

    /// Which part of which message this is; the last valid element decides, whichever its reference width.
    pub fn concatenation(self) -> Option<Concatenation> {
        self.elements().filter_map(Concatenation::from_element).last()
    }

    /// Application ports; the last valid element decides, whichever its port width.
    pub fn ports(self) -> Option<Ports> {
        self.elements().filter_map(Ports::from_element).last()
    }

    /// Shift tables announced; the default where none is.
    pub fn shifts(self) -> Shifts {
        let last = |iei| {
            let data = self.elements().filter(|element| element.iei == iei).map(|element| element.data);
            let ids = data.filter_map(|data| <[u8; 1]>::try_from(data).ok());
            ids.last().map_or(Language::DEFAULT, |[id]| Language(id))
        };
        Shifts { locking: last(Iei::LOCKING_SHIFT), single: last(Iei::SINGLE_SHIFT) }
    }
}

/// Why user data marked as having a header has none that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MalformedUdh {
    /// The user data are empty, so there is not even a UDHL.
    Missing,
    /// UDHL counts more octets than follow it.
    BeyondData {
        /// Octets UDHL asks for.
        udhl: u8,
        /// Octets that follow it.
        available: usize,
    },
    /// An element runs over the end of the header.
    ElementBeyondHeader {
        /// Offset of the element from UDHL.
        at: usize,
    },
}

impl fmt::Display for MalformedUdh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("user data have no octet for UDHL"),
            Self::BeyondData { udhl, available } => {
                write!(f, "UDHL is {udhl} but {available} octets follow")
            }
            Self::ElementBeyondHeader { at } => {
                write!(f, "information element at octet {at} runs over the end of the header")
            }
        }
    }
}

impl core::error::Error for MalformedUdh {}
