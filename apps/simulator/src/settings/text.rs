//! Settings that are written as text.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer};
use smppkit_ops::text::OneOrMany;
pub use smppkit_ops::text::Timeout;
pub(super) use smppkit_ops::text::{list, one};
use smppkit_wire::field::{Time, TimeValue};

use crate::rules::{PRESETS, Preset};

/// A moment in UTC, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock(pub i64);

impl FromStr for Clock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no moment such as 2026-11-22T12:00:00Z");
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        if shape != "0000-00-00T00:00:00Z" {
            return Err(wrong());
        }
        // As SMPP writes it: without the century, with tenths and quarters of an hour.
        let smpp = format!("{}000+", digits.get(2..).unwrap_or_default());
        match Time::new(&smpp).ok().and_then(|time| time.value().ok()).flatten() {
            Some(TimeValue::Absolute(unix_ms)) => Ok(Self(unix_ms)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Time::absolute(self.0).as_cstr().to_text();
        let part = |at: usize| text.get(at..at + 2).unwrap_or_default();
        write!(f, "20{}-{}-{}T{}:{}:{}Z", part(0), part(2), part(4), part(6), part(8), part(10))
    }
}

smppkit_ops::serde_by_text! { Clock }

/// A system_id.
pub(super) fn system_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    no_longer("system_id", 15, deserializer)
}

/// A password.
pub(super) fn password<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() > 8 {
        return Err(serde::de::Error::custom("the password is longer than 8 octets"));
    }
    Ok(text)
}

fn no_longer<'de, D: Deserializer<'de>>(
    what: &str,
    octets: usize,
    deserializer: D,
) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() > octets {
        return Err(serde::de::Error::custom(format!("{what} {text:?} is longer than {octets} octets")));
    }
    Ok(text)
}

/// A number that may be missing, and is not 0.
pub(super) fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    match Option::<u32>::deserialize(deserializer)? {
        Some(0) => Err(serde::de::Error::custom("0 is no limit: leave it out where there is none")),
        number => Ok(number),
    }
}

/// Names of presets.
pub(super) fn presets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = OneOrMany::deserialize(deserializer)?.0;
    match names.iter().find(|name| Preset::named(name).is_none()) {
        None => Ok(names),
        Some(unknown) => {
            let known: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
            let message = format!("{unknown:?} is no preset: there are {}", known.join(", "));
            Err(serde::de::Error::custom(message))
        }
    }
}
