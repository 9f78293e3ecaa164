//! Addresses as people write them.

use smppkit_wire::value::{Npi, Ton, address_kind};

/// An address with the TON and NPI that it looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Type of number.
    pub ton: Ton,
    /// Numbering plan.
    pub npi: Npi,
    /// Without the `+`.
    pub digits: String,
}

impl Address {
    /// By its looks: letters make it alphanumeric, a `+` or more than eight digits international.
    pub fn guess(text: &str) -> Self {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let (ton, npi) = address_kind(text);
        Self { ton, npi, digits: digits.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_decide() {
        for (text, ton, digits) in [
            ("+4477", Ton::INTERNATIONAL, "4477"),
            ("447700900123", Ton::INTERNATIONAL, "447700900123"),
            ("12345", Ton::UNKNOWN, "12345"),
            ("smppkit", Ton::ALPHANUMERIC, "smppkit"),
        ] {
            let address = Address::guess(text);
            assert_eq!((address.ton, address.digits.as_str()), (ton, digits), "{text}");
        }
    }
}
