//! Rules as people write them, in a file or over REST.

use core::fmt;

use serde::de::{MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::written::{Patterns, TlvWishes, word};

/// Where some messages go. The first rule whose conditions all hold is the one that counts.
///
/// A condition that is left out holds for every message. What a message does not have (a connector, parts)
/// holds only where all patterns begin with `!`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// What it is called where it is counted and logged; no other rule has it. Default: `route` and its place,
    /// from 1.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Whether it counts. Default: true.
    #[serde(skip_serializing_if = "is_true")]
    pub enabled: bool,

    /// The account that submitted the message, by its system_id. Messages from upstream have none.
    #[serde(skip_serializing_if = "Patterns::is_empty")]
    pub account: Patterns,
    /// The connector that the message came from. Messages of accounts have none: `"*"` is for all messages from
    /// upstream, `"!*"` for all of accounts.
    #[serde(skip_serializing_if = "Patterns::is_empty")]
    pub connector: Patterns,
    /// Who sends it.
    #[serde(alias = "source", skip_serializing_if = "Patterns::is_empty")]
    pub source_addr: Patterns,
    /// Its type of number, by name (`international`, `alphanumeric`) or number.
    #[serde(alias = "source_ton", skip_serializing_if = "Patterns::is_empty")]
    pub source_addr_ton: Patterns,
    /// Its numbering plan, by name (`ISDN`, `national`) or number.
    #[serde(alias = "source_npi", skip_serializing_if = "Patterns::is_empty")]
    pub source_addr_npi: Patterns,
    /// Who is to get it. Prefixes (`44*`) and whole numbers are found at once, however many rules there are.
    #[serde(alias = "destination", skip_serializing_if = "Patterns::is_empty")]
    pub destination_addr: Patterns,
    /// Its type of number, by name or number.
    #[serde(alias = "dest_ton", skip_serializing_if = "Patterns::is_empty")]
    pub dest_addr_ton: Patterns,
    /// Its numbering plan, by name or number.
    #[serde(alias = "dest_npi", skip_serializing_if = "Patterns::is_empty")]
    pub dest_addr_npi: Patterns,
    /// The text, decoded. Each part of a long message is looked at by itself.
    #[serde(skip_serializing_if = "Patterns::is_empty")]
    pub text: Patterns,
    /// data_coding, by name (`UCS-2`, `Latin-1`) or number.
    #[serde(skip_serializing_if = "Patterns::is_empty")]
    pub data_coding: Patterns,
    /// esm_class as a number, all bits together.
    #[serde(skip_serializing_if = "Patterns::is_empty")]
    pub esm_class: Patterns,
    /// Bits 5-2 of esm_class, by name: `normal`, `delivery receipt`, `delivery acknowledgement`,
    /// `user acknowledgement`, `conversation abort`, `intermediate notification`; or as a number, 0 to 15.
    #[serde(skip_serializing_if = "Patterns::is_empty")]
    pub message_type: Patterns,
    /// Whether the message begins with a user data header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udh: Option<bool>,
    /// service_type.
    #[serde(skip_serializing_if = "Patterns::is_empty")]
    pub service_type: Patterns,
    /// protocol_id.
    #[serde(skip_serializing_if = "Patterns::is_empty")]
    pub protocol_id: Patterns,
    /// priority_flag, 0 to 3, or 4 with ANSI-41.
    #[serde(alias = "priority", skip_serializing_if = "Patterns::is_empty")]
    pub priority_flag: Patterns,
    /// registered_delivery as a number, all bits together.
    #[serde(skip_serializing_if = "Patterns::is_empty")]
    pub registered_delivery: Patterns,
    /// Whether a receipt is asked for, on whatever outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wants_receipt: Option<bool>,
    /// TLVs by name or tag: `{ source_port = "5000..5999", "0x1400" = true, its_session_info = false }`. Numbers
    /// and texts as they are, octets and unknown tags in hexadecimal, lower case; `true` for there, `false` for
    /// not there.
    #[serde(skip_serializing_if = "TlvWishes::is_empty")]
    #[schema(value_type = Object)]
    pub tlv: TlvWishes,
    /// The protocol version that the submitter speaks: `3.3`, `3.4`, `5.0`, or a range such as `3.4..`.
    #[serde(skip_serializing_if = "Patterns::is_empty")]
    pub version: Patterns,
    /// Octets of the user data, header included.
    #[serde(skip_serializing_if = "Patterns::is_empty")]
    pub octets: Patterns,
    /// Parts of the whole message, where they are known.
    #[serde(skip_serializing_if = "Patterns::is_empty")]
    pub parts: Patterns,
    /// Hours of the day, `08:00-20:00`, the end not included; `22:00-06:00` goes over midnight. Or hours of some
    /// days, `mon-fri 08:00-20:00`: over midnight they belong to the day on which they begin.
    #[serde(skip_serializing_if = "Patterns::is_empty")]
    pub hours: Patterns,
    /// Days of the week: `mon`, `sat-sun`. Hours over midnight that name no days belong to two of them.
    #[serde(skip_serializing_if = "Patterns::is_empty")]
    pub weekdays: Patterns,
    /// First day, `2026-12-01`, or moment, `2026-12-01 08:00`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// Last day, all of it; or the moment from which it holds no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// What the hours, days and dates are counted in: so far ahead of UTC, such as `+01:00`. The same in summer
    /// and winter. Default: UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,

    /// Where it goes: the name of a target, or a list of names and of tables such as
    /// `{ name = "a", weight = 3, cost = 0.012 }`.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    pub to: Vec<Target>,
    /// Which of them comes first. Default: failover.
    #[serde(skip_serializing_if = "Strategy::is_default")]
    pub strategy: Strategy,
    /// What a sticky choice depends on. Default: account, source and destination.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sticky_by: Vec<StickyBy>,
    /// Whether targets that are down are passed over while another is up. If all are down the message waits for
    /// the first. Default: true.
    #[serde(skip_serializing_if = "is_true")]
    pub up_only: bool,
    /// Whether targets without throughput left are passed over while another has some. Never with sticky, and
    /// never for parts of a long message, which stay together. Default: true.
    #[serde(skip_serializing_if = "is_true")]
    pub spill: bool,
    /// Instead of `to`: the message is refused with this command_status, by name or number.
    #[serde(deserialize_with = "word", skip_serializing_if = "Option::is_none")]
    pub refuse: Option<String>,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            name: String::new(),
            enabled: true,
            account: Patterns::default(),
            connector: Patterns::default(),
            source_addr: Patterns::default(),
            source_addr_ton: Patterns::default(),
            source_addr_npi: Patterns::default(),
            destination_addr: Patterns::default(),
            dest_addr_ton: Patterns::default(),
            dest_addr_npi: Patterns::default(),
            text: Patterns::default(),
            data_coding: Patterns::default(),
            esm_class: Patterns::default(),
            message_type: Patterns::default(),
            udh: None,
            service_type: Patterns::default(),
            protocol_id: Patterns::default(),
            priority_flag: Patterns::default(),
            registered_delivery: Patterns::default(),
            wants_receipt: None,
            tlv: TlvWishes::new(),
            version: Patterns::default(),
            octets: Patterns::default(),
            parts: Patterns::default(),
            hours: Patterns::default(),
            weekdays: Patterns::default(),
            valid_from: None,
            valid_until: None,
            zone: None,
            to: Vec::new(),
            strategy: Strategy::default(),
            sticky_by: Vec::new(),
            up_only: true,
            spill: true,
            refuse: None,
        }
    }
}

/// Which target comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The first in the list; the others in its order.
    #[default]
    Failover,
    /// Each by its weight.
    Weighted,
    /// One after the other.
    RoundRobin,
    /// The cheapest, then the next; all need a cost.
    LeastCost,
    /// The one with the least in flight and queued, for its weight.
    LeastBusy,
    /// Always the same for the same [`StickyBy`], by weight.
    Sticky,
}

/// What a sticky choice depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StickyBy {
    /// The account, or for messages from upstream the connector.
    Account,
    /// Who sends.
    Source,
    /// Who is to get it.
    Destination,
}

/// One way out.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// What the connector or account is called.
    pub name: String,
    /// Its share beside the others' with weighted, sticky and least_busy. 0 takes it out under every strategy, so
    /// that it is emptied. Default: 1.
    pub weight: u32,
    /// What a message costs there, in whatever unit; counts with least_cost only.
    pub cost: Option<f64>,
}

impl Strategy {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Weighted => "weighted",
            Self::RoundRobin => "round_robin",
            Self::LeastCost => "least_cost",
            Self::LeastBusy => "least_busy",
            Self::Sticky => "sticky",
        }
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl From<&str> for Target {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), weight: 1, cost: None }
    }
}

/// A target with more than its name.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    #[serde(default = "one")]
    weight: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<f64>,
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrTable;

        impl<'de> Visitor<'de> for NameOrTable {
            type Value = Target;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, or a table such as { name = \"a\", weight = 3, cost = 0.012 }")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Target, E> {
                Ok(name.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Target, A::Error> {
                let Table { name, weight, cost } = Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Target { name, weight, cost })
            }
        }

        deserializer.deserialize_any(NameOrTable)
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.weight == 1 && self.cost.is_none() {
            return self.name.serialize(serializer);
        }
        Table { name: self.name.clone(), weight: self.weight, cost: self.cost }.serialize(serializer)
    }
}

/// One target, or a list.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Target>, D::Error> {
    struct OneOrMany;

    impl<'de> Visitor<'de> for OneOrMany {
        type Value = Vec<Target>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a name, or a list of names and tables")
        }

        fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Vec<Target>, E> {
            Ok(vec![name.into()])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Target>, A::Error> {
            let mut targets = Vec::new();
            while let Some(target) = items.next_element()? {
                targets.push(target);
            }
            Ok(targets)
        }
    }

    deserializer.deserialize_any(OneOrMany)
}

fn one() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_true(flag: &bool) -> bool {
    *flag
}
