//! TLVs: tag, length, value, behind the mandatory fields of a PDU (SMPP 5.0, 4.8).

mod macros;
mod region;
pub mod table;
mod value;

pub use region::{Tlv, Tlvs, TlvsBuilder};
pub use table::tag;
pub use value::{Known, Octets, Text, TlvText, TlvType};

use core::fmt;

use crate::version::Version;

/// The number that says what a TLV is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u16);

impl Tag {
    /// Its row in the table, if it has one.
    #[inline]
    pub fn def(self) -> Option<&'static TlvDef> {
        table::def(self)
    }

    /// Whether it is in the block left to vendors, 0x1400 to 0x3FFF (SMPP 5.0, 4.8.1).
    pub const fn is_vendor(self) -> bool {
        matches!(self.0, 0x1400..=0x3FFF)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.def() {
            Some(def) => f.pad(def.name),
            None => write!(f, "0x{:04X}", self.0),
        }
    }
}

/// One row of the TLV table.
#[derive(Debug)]
pub struct TlvDef {
    /// The tag.
    pub tag: Tag,
    /// The name in SMPP 5.0.
    pub name: &'static str,
    /// The section of SMPP 5.0 that defines it.
    pub section: &'static str,
    /// The oldest version that has it.
    pub since: Version,
    /// What the value is.
    pub kind: TlvKind,
    /// The values that are worth a choice in a form.
    pub named: &'static [u32],
    /// What the specification calls a value.
    pub meaning: fn(u32) -> Option<&'static str>,
    /// The lengths it may have, as ranges.
    pub lengths: &'static [(u16, u16)],
    /// A length that some peers use instead.
    pub odd_length: Option<u16>,
    /// Whether several in one PDU mean something.
    pub repeatable: bool,
    /// The PDUs it has a meaning in, by [`place`].
    pub places: u16,
    /// What it is for.
    pub help: &'static str,
}

impl TlvDef {
    /// Whether a value may have this many octets.
    #[inline]
    pub fn allows_length(&self, octets: usize, odd_too: bool) -> bool {
        self.lengths.iter().any(|&(low, high)| (usize::from(low)..=usize::from(high)).contains(&octets))
            || (odd_too && self.odd_length.is_some_and(|odd| usize::from(odd) == octets))
    }

    /// Its name in a PDU of these places. One tag has two names.
    pub const fn name_in(&self, places: u16) -> &'static str {
        if self.tag.0 == 0x0606 && places & place::BC_RESP != 0 {
            "failed_broadcast_area_identifier"
        } else {
            self.name
        }
    }
}

/// What a TLV's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlvKind {
    /// An unsigned integer, as long as the value.
    Int,
    /// A C-Octet String; its NUL counts in the length, and may be missing in what peers send.
    Text,
    /// Octets.
    Octets,
}

/// Groups of PDUs that share their TLVs (SMPP 5.0, 4.2.4, 4.2.5, 4.3.3, 4.3.4, 4.4.2).
pub mod place {
    macro_rules! places {
        ($($(#[doc = $doc:literal])* $NAME:ident = $bit:literal, $text:literal;)*) => {
            $($(#[doc = $doc])* pub const $NAME: u16 = 1 << $bit;)*

            /// The groups with their bits, for references.
            pub const NAMES: &[(u16, &str)] = &[$((1 << $bit, $text)),*];
        };
    }
    places! {
        /// submit_sm, submit_multi, and data_sm from ESME to MC.
        SUB = 0, "submission";
        /// Their responses.
        SR = 1, "submission response";
        /// deliver_sm, and data_sm from MC to ESME.
        DEL = 2, "delivery";
        /// Their responses.
        DR = 3, "delivery response";
        /// broadcast_sm.
        BC = 4, "broadcast_sm";
        /// broadcast_sm_resp.
        BC_RESP = 5, "broadcast_sm_resp";
        /// query_broadcast_sm.
        QUERY_BC = 6, "query_broadcast_sm";
        /// query_broadcast_sm_resp.
        QUERY_BC_RESP = 7, "query_broadcast_sm_resp";
        /// cancel_broadcast_sm.
        CANCEL_BC = 8, "cancel_broadcast_sm";
        /// replace_sm.
        REPLACE = 9, "replace_sm";
        /// The three bind responses.
        BIND_RESP = 10, "bind responses";
        /// alert_notification.
        ALERT = 11, "alert_notification";
        /// Every response; congestion_state may ride in any (SMPP 5.0, 4.8.4.18).
        ANY_RESP = 12, "any response";
    }
}
