//! Which PDUs are meant: conditions on their fields and TLVs, by the names of the wire tables.
//!
//! ```
//! use smppkit_inspect::{Facts, Filter, Wanted};
//! use smppkit_wire::{Body, field::ShortMessage, pdu::table::SubmitSm};
//!
//! let filter: Filter = serde_json::from_value(serde_json::json!({
//!     "destination_addr": "4477*", "text": "/hello/i", "data_coding": [0, 1],
//! }))?;
//! let body: Body = SubmitSm {
//!     destination_addr: "447700900123".parse()?,
//!     short_message: ShortMessage::new(&b"Hello"[..])?,
//!     ..SubmitSm::default()
//! }.into();
//! let facts = Facts::of_body(&body, &Wanted::by(&[&filter]));
//! assert!(filter.holds(&facts));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod facts;
mod pattern;

pub use facts::{Facts, Wanted};
pub use pattern::{BadPattern, Pattern};

use core::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smppkit_wire::Tag;
use smppkit_wire::field::Kind;
use smppkit_wire::pdu::TABLE;
use smppkit_wire::tlv::table::TABLE as TLV_TABLE;

/// Conditions that all have to hold. In files and JSON a table: names of fields, of TLVs (or their tags, `0x1400`),
/// or [`NAMES`](Self::NAMES); each with a [`Pattern`], or a list of them of which one has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    name: Name,
    either: Vec<Pattern>,
}

/// What a condition looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// A field or TLV of the tables, the header's fields, or one of [`Filter::NAMES`].
    Known(&'static str),
    /// A TLV by its tag.
    Tag(Tag),
}

/// A condition that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadFilter {
    name: String,
    why: String,
}

impl Filter {
    /// What may be looked at besides fields and TLVs: the name of the PDU; its text, decoded; and what only the
    /// session knows.
    pub const NAMES: &'static [&'static str] = &[
        "command",
        "text",
        "direction",
        "smsc",
        "connector",
        "session",
        "bind_mode",
        "interface_version",
        "peer",
    ];
    /// The header's fields.
    const HEADER: &'static [&'static str] =
        &["command_length", "command_id", "command_status", "sequence_number"];

    /// Adds a condition.
    pub fn and(&mut self, name: &str, pattern: Pattern) -> Result<(), BadFilter> {
        self.and_either(name, vec![pattern])
    }

    /// Whether there is no condition, so that everything is meant.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Whether all conditions hold.
    pub fn holds(&self, facts: &Facts) -> bool {
        self.conditions.iter().all(|condition| {
            let mut seen = false;
            let mut held = false;
            for fact in facts.named(condition.name) {
                seen = true;
                held |= condition
                    .either
                    .iter()
                    .any(|pattern| pattern.holds(&fact.value, fact.meaning.as_deref()));
            }
            // What is not there is not anything: only a negated condition holds for it.
            let absent = smppkit_wire::observe::Value::List(Vec::new());
            if seen { held } else { condition.either.iter().any(|pattern| pattern.holds(&absent, None)) }
        })
    }

    fn and_either(&mut self, name: &str, either: Vec<Pattern>) -> Result<(), BadFilter> {
        let known = Name::parse(name).map_err(|why| BadFilter { name: name.to_owned(), why })?;
        self.conditions.push(Condition { name: known, either });
        Ok(())
    }

    fn names(&self) -> impl Iterator<Item = Name> {
        self.conditions.iter().map(|condition| condition.name)
    }
}

impl Name {
    fn parse(name: &str) -> Result<Self, String> {
        if let Some(hex) = name.strip_prefix("0x") {
            return u16::from_str_radix(hex, 16)
                .map(|tag| Self::Tag(Tag(tag)))
                .map_err(|_| "is no tag: want 0x and up to four hexadecimal digits".to_owned());
        }
        Self::all()
            .find(|known| *known == name)
            .map(Self::Known)
            .ok_or_else(|| format!("is no field, TLV or tag{}", crate::encode::nearest(name, Self::all())))
    }

    fn all() -> impl Iterator<Item = &'static str> {
        let fields = TABLE.iter().flat_map(|def| def.fields);
        let fields = fields.filter(|field| field.kind != Kind::Tlvs);
        // The fields of a list's entries have the names that they have elsewhere, and these.
        let parts = ["dl_name", "error_status_code"];
        (Filter::HEADER.iter().chain(Filter::NAMES).copied())
            .chain(fields.map(|field| field.name))
            .chain(TLV_TABLE.iter().map(|def| def.name))
            .chain(parts)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Conditions)
    }
}

struct Conditions;

impl<'de> Visitor<'de> for Conditions {
    type Value = Filter;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of conditions, such as { destination_addr = \"4477*\" }")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Filter, A::Error> {
        let mut filter = Filter::default();
        while let Some(name) = map.next_key::<String>()? {
            let Either(either) = map.next_value()?;
            filter.and_either(&name, either).map_err(A::Error::custom)?;
        }
        Ok(filter)
    }
}

/// One pattern or several.
struct Either(Vec<Pattern>);

impl<'de> Deserialize<'de> for Either {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Patterns;

        impl<'de> Visitor<'de> for Patterns {
            type Value = Either;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, or a list of them")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Either, E> {
                text.parse().map(|pattern| Either(vec![pattern])).map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Either, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Either, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Either, A::Error> {
                let mut either = Vec::new();
                while let Some(Either(one)) = items.next_element()? {
                    either.extend(one);
                }
                if either.is_empty() {
                    return Err(A::Error::custom("an empty list holds for nothing: leave the condition out"));
                }
                Ok(Either(either))
            }
        }

        deserializer.deserialize_any(Patterns)
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.conditions.len()))?;
        for Condition { name, either } in &self.conditions {
            let either: Vec<String> = either.iter().map(Pattern::to_string).collect();
            match either.as_slice() {
                [only] => map.serialize_entry(&name.to_string(), only)?,
                several => map.serialize_entry(&name.to_string(), several)?,
            }
        }
        map.end()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(name) => f.write_str(name),
            Self::Tag(tag) => write!(f, "0x{:04X}", tag.0),
        }
    }
}

impl BadFilter {
    /// What is wrong with it, without its name.
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl fmt::Display for BadFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.name, self.why)
    }
}

impl std::error::Error for BadFilter {}

#[cfg(test)]
mod tests;
