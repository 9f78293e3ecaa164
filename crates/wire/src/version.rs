//! The three published versions of SMPP, as one ordered type.

use core::fmt;
use core::str::FromStr;

/// A protocol version that two peers speak with each other.
///
/// On the wire it is declared in `interface_version` and `sc_interface_version`
/// ([`InterfaceVersion`](crate::value::InterfaceVersion)); here it is what both have agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Version {
    /// SMPP 3.3: no TLVs, no transceiver, message_ids of at most 8 characters.
    V33,
    /// SMPP 3.4: TLVs, transceiver, data_sm, outbind, alert_notification.
    V34,
    /// SMPP 5.0: broadcast, congestion_state, 255-octet messages.
    #[default]
    V50,
}

impl Version {
    /// All versions, oldest first.
    pub const ALL: [Self; 3] = [Self::V33, Self::V34, Self::V50];

    /// The name people write: `3.3`, `3.4`, `5.0`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V33 => "3.3",
            Self::V34 => "3.4",
            Self::V50 => "5.0",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        match text {
            "3.3" | "33" | "0x33" => Ok(Self::V33),
            "3.4" | "34" | "0x34" => Ok(Self::V34),
            "5.0" | "5" | "50" | "0x50" => Ok(Self::V50),
            _ => Err(UnknownVersion),
        }
    }
}

/// The text names no version of SMPP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownVersion;

impl fmt::Display for UnknownVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("protocol version is not one of 3.3, 3.4, 5.0")
    }
}

impl std::error::Error for UnknownVersion {}
