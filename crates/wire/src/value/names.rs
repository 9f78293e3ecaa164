//! Octets whose values are a list of names.

use super::named_octet;
use crate::version::Version;

named_octet! {
    /// Type of number (SMPP 5.0, 4.7.1). Other values are reserved.
    Ton {
        /// Not known.
        UNKNOWN = 0 "unknown",
        /// Country code first, without `+` or `00`.
        INTERNATIONAL = 1 "international",
        /// Without the country code.
        NATIONAL = 2 "national",
        /// Of the network itself.
        NETWORK_SPECIFIC = 3 "network specific",
        /// A subscriber number.
        SUBSCRIBER_NUMBER = 4 "subscriber number",
        /// Letters and digits; on GSM at most 11.
        ALPHANUMERIC = 5 "alphanumeric",
        /// A short code.
        ABBREVIATED = 6 "abbreviated",
    }
}

named_octet! {
    /// Numbering plan indicator (SMPP 5.0, 4.7.2). Other values are reserved.
    Npi {
        /// Not known.
        UNKNOWN = 0 "unknown",
        /// Telephone numbers, E.163/E.164.
        ISDN = 1 "ISDN (E.163/E.164)",
        /// Data, X.121.
        DATA = 3 "data (X.121)",
        /// Telex, F.69.
        TELEX = 4 "telex (F.69)",
        /// Land mobile, E.212.
        LAND_MOBILE = 6 "land mobile (E.212)",
        /// National.
        NATIONAL = 8 "national",
        /// Private.
        PRIVATE = 9 "private",
        /// ERMES paging.
        ERMES = 10 "ERMES",
        /// Internet address.
        INTERNET = 14 "Internet (IP)",
        /// WAP client id.
        WAP_CLIENT_ID = 18 "WAP client id",
    }
}

named_octet! {
    /// What has become of a message (SMPP 5.0, 4.7.15).
    MessageState {
        /// Waits for its schedule_delivery_time; 5.0 only.
        SCHEDULED = 0 "SCHEDULED",
        /// On its way.
        ENROUTE = 1 "ENROUTE",
        /// Delivered.
        DELIVERED = 2 "DELIVERED",
        /// Its validity_period has passed.
        EXPIRED = 3 "EXPIRED",
        /// Cancelled.
        DELETED = 4 "DELETED",
        /// Cannot be delivered.
        UNDELIVERABLE = 5 "UNDELIVERABLE",
        /// Read on behalf of the subscriber.
        ACCEPTED = 6 "ACCEPTED",
        /// Invalid.
        UNKNOWN = 7 "UNKNOWN",
        /// Rejected.
        REJECTED = 8 "REJECTED",
        /// Accepted, not sent on purpose; 5.0 only.
        SKIPPED = 9 "SKIPPED",
    }
}

/// TON and NPI of an address as people write it: letters are alphanumeric; `+` or more than eight digits
/// international; fewer are a short code.
pub fn address_kind(address: &str) -> (Ton, Npi) {
    let digits = address.strip_prefix('+').unwrap_or(address);
    if digits.is_empty() || digits.bytes().any(|octet| !octet.is_ascii_digit()) {
        (Ton::ALPHANUMERIC, Npi::UNKNOWN)
    } else if address.starts_with('+') || digits.len() > 8 {
        (Ton::INTERNATIONAL, Npi::ISDN)
    } else {
        (Ton::UNKNOWN, Npi::ISDN)
    }
}

impl MessageState {
    /// Whether nothing more happens to the message.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::SCHEDULED | Self::ENROUTE | Self::UNKNOWN)
    }

    /// The seven letters of a receipt's `stat:` (SMPP 3.4, Appendix B; vendors' for the rest).
    pub const fn receipt_word(self) -> &'static str {
        match self {
            Self::SCHEDULED => "SCHEDLD",
            Self::ENROUTE => "ENROUTE",
            Self::DELIVERED => "DELIVRD",
            Self::EXPIRED => "EXPIRED",
            Self::DELETED => "DELETED",
            Self::UNDELIVERABLE => "UNDELIV",
            Self::ACCEPTED => "ACCEPTD",
            Self::REJECTED => "REJECTD",
            Self::SKIPPED => "SKIPPED",
            _ => "UNKNOWN",
        }
    }
}

named_octet! {
    /// interface_version of a bind, sc_interface_version of its answer (SMPP 5.0, 4.7.13).
    InterfaceVersion {
        /// SMPP 3.3; so is every value below it.
        V33 = 0x33 "3.3",
        /// SMPP 3.4.
        V34 = 0x34 "3.4",
        /// SMPP 5.0.
        V50 = 0x50 "5.0",
    }
}

impl InterfaceVersion {
    /// The version it stands for. Reserved values count as the highest version not above them.
    pub const fn version(self) -> Version {
        match self.0 {
            0x00..=0x33 => Version::V33,
            0x34..=0x4F => Version::V34,
            0x50..=0xFF => Version::V50,
        }
    }
}

impl From<Version> for InterfaceVersion {
    fn from(version: Version) -> Self {
        match version {
            Version::V33 => Self::V33,
            Version::V34 => Self::V34,
            Version::V50 => Self::V50,
        }
    }
}
