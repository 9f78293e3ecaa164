//! What a query asks for: a filter, made of every parameter that is not about the query itself.

use std::time::Duration;

use axum::http::StatusCode;
use smppkit_inspect::{Filter, Pattern};
use smppkit_ops::{Problem, Span};

/// The parameters of a query.
pub type Pairs = Vec<(String, String)>;

/// What is asked for.
#[derive(Debug)]
pub struct Ask {
    /// Which are meant.
    pub filter: Filter,
    /// So many at most.
    pub limit: usize,
    /// Only what came after this number.
    pub after: Option<u64>,
    /// Only what came before this number.
    pub before: Option<u64>,
    /// Only what passed at or after, in milliseconds since 1970.
    pub from_ms: i64,
    /// Only what passed before.
    pub until_ms: i64,
    /// How many have to match.
    pub count: usize,
    /// How long that may take.
    pub timeout: Duration,
}

/// What one answer holds at most.
pub const LIMIT: usize = 1_000;
/// What a query may say about itself, each where its route knows it.
const ABOUT: [&str; 7] = ["limit", "after", "before", "from_ms", "until_ms", "count", "timeout"];
/// What is waited for at most.
const COUNT: usize = 100_000;
/// How long is waited at most.
const TIMEOUT: Duration = Duration::from_secs(300);

impl Ask {
    /// From a query's parameters; `about` are those about the query itself that the route knows. All others are
    /// conditions, on any field or TLV.
    pub fn new(pairs: Pairs, about: &[&str]) -> Result<Self, Problem> {
        Self::read(pairs, about, None)
    }

    /// The same, with these alone as conditions.
    pub fn among(pairs: Pairs, about: &[&str], conditions: &[&str]) -> Result<Self, Problem> {
        Self::read(pairs, about, Some(conditions))
    }

    fn read(pairs: Pairs, about: &[&str], conditions: Option<&[&str]>) -> Result<Self, Problem> {
        let mut ask = Self {
            filter: Filter::default(),
            limit: 100,
            after: None,
            before: None,
            from_ms: i64::MIN,
            until_ms: i64::MAX,
            count: 1,
            timeout: Duration::from_secs(10),
        };
        for (name, value) in pairs {
            let control = ABOUT.contains(&name.as_str());
            let is_among = conditions.is_none_or(|conditions| conditions.contains(&name.as_str()));
            if !about.contains(&name.as_str()) && (control || !is_among) {
                return Err(unknown(&name, "is no parameter of this route", about, conditions));
            }
            match name.as_str() {
                "limit" => ask.limit = number(&name, &value, 1, LIMIT as u64)? as usize,
                "after" => ask.after = Some(number(&name, &value, 0, i64::MAX as u64)?),
                "before" => ask.before = Some(number(&name, &value, 0, i64::MAX as u64)?),
                "from_ms" => ask.from_ms = number(&name, &value, 0, i64::MAX as u64)?.cast_signed(),
                "until_ms" => ask.until_ms = number(&name, &value, 0, i64::MAX as u64)?.cast_signed(),
                "count" => ask.count = number(&name, &value, 0, COUNT as u64)? as usize,
                "timeout" => {
                    let span = value.parse::<Span>().map_err(|error| wrong(&name, &error.to_string()))?;
                    if span.0 > TIMEOUT {
                        return Err(wrong(&name, &format!("is longer than {}", Span(TIMEOUT))));
                    }
                    ask.timeout = span.0;
                }
                // The record blanks it out; a pattern could find it out letter by letter.
                "password" => return Err(wrong(&name, "is not told, and not asked for")),
                _ => {
                    let pattern =
                        value.parse::<Pattern>().map_err(|error| wrong(&name, &error.to_string()))?;
                    ask.filter
                        .and(&name, pattern)
                        .map_err(|error| unknown(&name, error.why(), about, conditions))?;
                }
            }
        }
        Ok(ask)
    }
}

fn number(name: &str, value: &str, least: u64, most: u64) -> Result<u64, Problem> {
    let number = value.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| wrong(name, &format!("{value:?} is no number from {least} to {most}")))
}

/// What there is in its place is said.
fn unknown(name: &str, why: &str, about: &[&str], conditions: Option<&[&str]>) -> Problem {
    let there = [about, conditions.unwrap_or(Filter::NAMES)].concat().join(", ");
    let more = if conditions.is_none() { ", and any field or TLV by its name" } else { "" };
    let detail = format!("{name}: {why}; there are {there}{more}");
    Problem::new(StatusCode::BAD_REQUEST, detail).with("parameter", name)
}

fn wrong(name: &str, why: &str) -> Problem {
    Problem::unprocessable(format!("{name}: {why}")).with("parameter", name)
}
