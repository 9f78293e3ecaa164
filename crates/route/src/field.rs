//! Fields that patterns are written for.

use smppkit_wire::Version;
use smppkit_wire::value::{DataCoding, Npi, Ton};

use crate::condition::version_number;
use crate::facts::Facts;
use crate::limits::Budget;
use crate::number::{Meaning, Numbers, is_name};
use crate::rule::Rule;
use crate::written::Patterns;

/// A field that is a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextField {
    Destination,
    Source,
    Account,
    Connector,
    ServiceType,
}

impl TextField {
    /// Those first that tell most messages apart.
    pub(crate) const ALL: [Self; 5] =
        [Self::Destination, Self::Source, Self::Account, Self::Connector, Self::ServiceType];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Destination => "destination_addr",
            Self::Source => "source_addr",
            Self::Account => "account",
            Self::Connector => "connector",
            Self::ServiceType => "service_type",
        }
    }

    pub(crate) const fn of(self, rule: &Rule) -> &Patterns {
        match self {
            Self::Destination => &rule.destination_addr,
            Self::Source => &rule.source_addr,
            Self::Account => &rule.account,
            Self::Connector => &rule.connector,
            Self::ServiceType => &rule.service_type,
        }
    }

    pub(crate) const fn value<'a>(self, facts: &Facts<'a>) -> Option<&'a str> {
        match self {
            Self::Destination => Some(facts.destination.addr),
            Self::Source => Some(facts.source.addr),
            Self::Account => facts.account,
            Self::Connector => facts.connector,
            Self::ServiceType => Some(facts.service_type),
        }
    }
}

/// A field that is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberField {
    SourceTon,
    SourceNpi,
    DestTon,
    DestNpi,
    DataCoding,
    EsmClass,
    MessageType,
    ProtocolId,
    PriorityFlag,
    RegisteredDelivery,
    Version,
    Octets,
    Parts,
}

/// What bits 5-2 of esm_class say (SMPP 5.0, 4.7.12).
const MESSAGE_TYPES: [(u32, &str); 6] = [
    (0, "normal"),
    (1, "delivery receipt"),
    (2, "delivery acknowledgement"),
    (4, "user acknowledgement"),
    (6, "conversation abort"),
    (8, "intermediate notification"),
];

impl NumberField {
    pub(crate) const ALL: [Self; 13] = [
        Self::SourceTon,
        Self::SourceNpi,
        Self::DestTon,
        Self::DestNpi,
        Self::DataCoding,
        Self::EsmClass,
        Self::MessageType,
        Self::ProtocolId,
        Self::PriorityFlag,
        Self::RegisteredDelivery,
        Self::Version,
        Self::Octets,
        Self::Parts,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SourceTon => "source_addr_ton",
            Self::SourceNpi => "source_addr_npi",
            Self::DestTon => "dest_addr_ton",
            Self::DestNpi => "dest_addr_npi",
            Self::DataCoding => "data_coding",
            Self::EsmClass => "esm_class",
            Self::MessageType => "message_type",
            Self::ProtocolId => "protocol_id",
            Self::PriorityFlag => "priority_flag",
            Self::RegisteredDelivery => "registered_delivery",
            Self::Version => "version",
            Self::Octets => "octets",
            Self::Parts => "parts",
        }
    }

    pub(crate) const fn of(self, rule: &Rule) -> &Patterns {
        match self {
            Self::SourceTon => &rule.source_addr_ton,
            Self::SourceNpi => &rule.source_addr_npi,
            Self::DestTon => &rule.dest_addr_ton,
            Self::DestNpi => &rule.dest_addr_npi,
            Self::DataCoding => &rule.data_coding,
            Self::EsmClass => &rule.esm_class,
            Self::MessageType => &rule.message_type,
            Self::ProtocolId => &rule.protocol_id,
            Self::PriorityFlag => &rule.priority_flag,
            Self::RegisteredDelivery => &rule.registered_delivery,
            Self::Version => &rule.version,
            Self::Octets => &rule.octets,
            Self::Parts => &rule.parts,
        }
    }

    pub(crate) fn value(self, facts: &Facts<'_>) -> Option<u32> {
        let octet = match self {
            Self::SourceTon => facts.source.ton.0,
            Self::SourceNpi => facts.source.npi.0,
            Self::DestTon => facts.destination.ton.0,
            Self::DestNpi => facts.destination.npi.0,
            Self::DataCoding => facts.data_coding.0,
            Self::EsmClass => facts.esm_class.0,
            Self::MessageType => facts.esm_class.0 >> 2 & 0x0F,
            Self::ProtocolId => facts.protocol_id,
            Self::PriorityFlag => facts.priority_flag,
            Self::RegisteredDelivery => facts.registered_delivery.0,
            Self::Version => return facts.version.map(version_number),
            Self::Octets => return facts.octets,
            Self::Parts => return facts.parts.map(u32::from),
        };
        Some(u32::from(octet))
    }

    /// A number with what it means, for people.
    pub(crate) fn shown(self, number: u32) -> String {
        match self.meaning(number) {
            Some(meaning) if self == Self::Version => meaning.to_owned(),
            Some(meaning) => format!("{number} ({meaning})"),
            None => number.to_string(),
        }
    }

    pub(crate) fn numbers(self, patterns: &Patterns, budget: &mut Budget) -> Result<Numbers, String> {
        let named = |text: &str| match self {
            Self::Version => text.parse().map(version_number).into_iter().collect(),
            _ => (0..=u32::from(u8::MAX))
                .filter(|&number| self.meaning(number).is_some_and(|meaning| is_name(text, meaning)))
                .collect(),
        };
        let (example, highest) = match self {
            Self::SourceTon | Self::DestTon => ("0 to 255, or a name such as international", 255),
            Self::SourceNpi | Self::DestNpi => ("0 to 255, or a name such as ISDN", 255),
            Self::DataCoding => ("0 to 255, or a name such as UCS-2", 255),
            Self::MessageType => ("0 to 15, or a name such as normal or delivery receipt", 15),
            Self::Version => ("3.3, 3.4 or 5.0, or a range such as 3.4..", 255),
            Self::Octets => ("a number, or a range such as ..140", u32::MAX),
            Self::Parts => ("a number, or a range such as 2..", 65_535),
            _ => ("0 to 255, or a range such as 1..3", 255),
        };
        Numbers::new(patterns, &Meaning { named: &named, example, highest }, budget)
    }

    fn meaning(self, number: u32) -> Option<&'static str> {
        let octet = u8::try_from(number).ok()?;
        match self {
            Self::SourceTon | Self::DestTon => Ton(octet).meaning(),
            Self::SourceNpi | Self::DestNpi => Npi(octet).meaning(),
            Self::DataCoding => DataCoding(octet).meaning(),
            Self::MessageType => {
                MESSAGE_TYPES.iter().find(|(value, _)| *value == number).map(|(_, name)| *name)
            }
            Self::Version => {
                let version = Version::ALL.into_iter().find(|&version| version_number(version) == number);
                version.map(Version::name)
            }
            _ => None,
        }
    }
}
