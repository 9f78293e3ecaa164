//! Values as people write them in rules: one or several, text or number.

use core::fmt;
use std::collections::BTreeMap;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One pattern or a list of them: one of the plain ones has to hold, if there are any, and none of those
/// after `!`. `["44*", "!4477*"]` is 44 without 4477.
///
/// | written | holds for |
/// | --- | --- |
/// | `1234` | exactly that |
/// | `4477*`, `44?7` | `*` any characters, `?` one |
/// | `/^44[0-9]+$/`, `/stop/i` | a regular expression that finds something; `i` in either case |
/// | `100..199`, `100..`, `..199` | numbers and digit strings from one to the other, both included |
/// | `!4477*` | whatever the rest does not hold for |
///
/// A `*`, `?` or `!` that is meant itself is written in an expression: `/^\*100#$/`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patterns(pub Vec<String>);

/// What a TLV has to be: there (`true`), not there (`false`), or of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlvWish {
    /// Whether it is there.
    Present(bool),
    /// It is there and its value holds: numbers as numbers, texts as texts, octets in hexadecimal.
    Value(Patterns),
}

/// TLVs by name or by tag, such as `0x1400`.
pub type TlvWishes = BTreeMap<String, TlvWish>;

impl Patterns {
    /// Whether there is no condition.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Patterns {
    fn from(pattern: &str) -> Self {
        Self(vec![pattern.to_owned()])
    }
}

/// For people: all of a few, the first of many.
impl fmt::Display for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        for (at, pattern) in self.0.iter().take(SHOWN).enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{}", cut(pattern))?;
        }
        match self.0.len() {
            0..=SHOWN => Ok(()),
            all => write!(f, ", and {} more", all - SHOWN),
        }
    }
}

impl fmt::Display for TlvWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present(true) => f.write_str("there"),
            Self::Present(false) => f.write_str("not there"),
            Self::Value(patterns) => patterns.fmt(f),
        }
    }
}

/// The beginning of a long text, on one line.
pub(crate) fn cut(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut shown: String =
        text.chars().take(SHOWN).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

/// A text or a number, as text: a status, for one.
pub(crate) fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Patterns::deserialize(deserializer)?.0.as_slice() {
        [one] => Ok(Some(one.clone())),
        _ => Err(D::Error::custom("want one text or number, not a list")),
    }
}

/// Takes what a [`Patterns`] or a [`TlvWish`] is written as.
struct Written {
    /// Whether `true` and `false` are something.
    flags: bool,
}

impl<'de> Visitor<'de> for Written {
    type Value = TlvWish;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, or a list of them")?;
        if self.flags { f.write_str(", or true for there and false for not there") } else { Ok(()) }
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<TlvWish, E> {
        Ok(TlvWish::Value(text.into()))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<TlvWish, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<TlvWish, E> {
        self.visit_str(&number.to_string())
    }

    /// A version without its quotes: 3.4.
    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<TlvWish, E> {
        self.visit_str(&format!("{number:?}"))
    }

    fn visit_bool<E: serde::de::Error>(self, flag: bool) -> Result<TlvWish, E> {
        if self.flags {
            Ok(TlvWish::Present(flag))
        } else {
            Err(E::invalid_type(serde::de::Unexpected::Bool(flag), &self))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<TlvWish, A::Error> {
        let mut patterns = Vec::new();
        while let Some(Patterns(one)) = items.next_element()? {
            patterns.extend(one);
        }
        if patterns.is_empty() {
            return Err(A::Error::custom("an empty list holds for nothing: leave the condition out"));
        }
        Ok(TlvWish::Value(Patterns(patterns)))
    }
}

impl<'de> Deserialize<'de> for Patterns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(Written { flags: false })? {
            TlvWish::Value(patterns) => Ok(patterns),
            TlvWish::Present(_) => Err(D::Error::custom("want a text, a number, or a list of them")),
        }
    }
}

impl Serialize for Patterns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for TlvWish {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written { flags: true })
    }
}

impl Serialize for TlvWish {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Present(there) => there.serialize(serializer),
            Self::Value(patterns) => patterns.serialize(serializer),
        }
    }
}
