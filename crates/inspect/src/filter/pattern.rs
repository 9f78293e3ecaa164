//! What a value has to be.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use regex::Regex;
use smppkit_wire::observe::Value;

/// A condition on one value, as people write it.
///
/// | written | holds for |
/// | --- | --- |
/// | `1234` | exactly that: a number, a text, or octets in hexadecimal |
/// | `4477*`, `44?7` | `*` any characters, `?` one |
/// | `/^44[0-9]+$/`, `/stop/i` | a regular expression that finds something; `i` in either case |
/// | `100..199`, `100..`, `..199` | numbers and digit strings from one to the other, both included |
/// | `!4477*` | whatever the rest does not hold for |
///
/// A number may be written as the specification calls it: `DELIVERED`, `ESME_RTHROTTLED`.
#[derive(Debug, Clone)]
pub struct Pattern {
    written: String,
    negated: bool,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Exact(String, Option<u32>),
    Glob(String),
    /// Shared: a compiled expression is large.
    Regex(Arc<Regex>),
    Range(Option<u128>, Option<u128>),
}

/// The text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPattern {
    pattern: String,
    why: String,
}

/// Octets of a pattern; the work for one match grows with it.
const PATTERN_LIMIT_OCTETS: usize = 1_000;
/// Octets of a compiled expression: patterns come from files and over REST.
const REGEX_LIMIT_OCTETS: usize = 1 << 20;

impl Pattern {
    /// Whether it holds for a value; `meaning` is what the specification calls the value.
    pub fn holds(&self, value: &Value, meaning: Option<&str>) -> bool {
        let holds = match value {
            Value::Int(number) => self.holds_for_number(*number, meaning),
            Value::Text(text) => self.holds_for_text(text),
            Value::Octets(octets) => self.holds_for_text(&crate::printable::hex(octets)),
            Value::List(items) => items.iter().any(|item| self.finds(item)),
            Value::Record(entries) => entries.iter().any(|(_, value)| self.finds(value)),
        };
        holds != self.negated
    }

    /// Whether it holds for a text.
    pub fn holds_for(&self, text: &str) -> bool {
        self.holds_for_text(text) != self.negated
    }

    /// As [`holds`](Self::holds), before negation.
    fn finds(&self, value: &Value) -> bool {
        self.holds(value, None) != self.negated
    }

    fn holds_for_number(&self, number: u32, meaning: Option<&str>) -> bool {
        match &self.test {
            Test::Exact(_, Some(wanted)) => *wanted == number,
            Test::Exact(wanted, None) => {
                meaning.is_some_and(|meaning| meaning.eq_ignore_ascii_case(wanted.as_str()))
            }
            Test::Range(..) => self.in_range(u128::from(number)),
            Test::Glob(_) | Test::Regex(_) => {
                self.holds_for_text(&number.to_string())
                    || meaning.is_some_and(|meaning| self.holds_for_text(meaning))
            }
        }
    }

    fn holds_for_text(&self, text: &str) -> bool {
        match &self.test {
            Test::Exact(wanted, _) => wanted == text,
            Test::Glob(glob) => globs(glob.as_bytes(), text.as_bytes()),
            Test::Regex(regex) => regex.is_match(text),
            Test::Range(..) => {
                let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
                digits && text.parse().is_ok_and(|number| self.in_range(number))
            }
        }
    }

    fn in_range(&self, number: u128) -> bool {
        match self.test {
            Test::Range(low, high) => {
                low.is_none_or(|low| low <= number) && high.is_none_or(|high| number <= high)
            }
            _ => false,
        }
    }
}

/// Whether a text is of a form with `*` and `?`: both read once, going back to the last `*` only.
fn globs(glob: &[u8], text: &[u8]) -> bool {
    let (mut g, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match glob.get(g) {
            Some(b'*') => {
                star = Some((g, t));
                g += 1;
            }
            Some(octet) if *octet == b'?' || Some(octet) == text.get(t) => {
                g += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    g = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    glob.get(g..).unwrap_or_default().iter().all(|octet| *octet == b'*')
}

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        if text.len() > PATTERN_LIMIT_OCTETS {
            let pattern = text.chars().take(20).chain("...".chars()).collect();
            return Err(BadPattern {
                pattern,
                why: format!("it is longer than {PATTERN_LIMIT_OCTETS} octets"),
            });
        }
        let (negated, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let test = Test::parse(rest).map_err(|why| BadPattern { pattern: text.to_owned(), why })?;
        Ok(Self { written: text.to_owned(), negated, test })
    }
}

impl Test {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some((expression, flags)) = text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
            let ignore_case = match flags {
                "" => false,
                "i" => true,
                _ => return Err(format!("{flags:?} is no flag: there is only i, for either case")),
            };
            let regex = regex::RegexBuilder::new(expression)
                .case_insensitive(ignore_case)
                .size_limit(REGEX_LIMIT_OCTETS)
                .build();
            let regex = regex.map_err(|error| one_line(&error.to_string()))?;
            return Ok(Self::Regex(Arc::new(regex)));
        }
        if let Some((low, high)) = text.split_once("..")
            && let (Ok(low), Ok(high)) = (bound(low), bound(high))
            && (low.is_some() || high.is_some())
        {
            if let (Some(low), Some(high)) = (low, high)
                && low > high
            {
                return Err("ends before it begins".to_owned());
            }
            return Ok(Self::Range(low, high));
        }
        if text.contains(['*', '?']) {
            return Ok(Self::Glob(text.to_owned()));
        }
        let number = match text.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        };
        Ok(Self::Exact(text.to_owned(), number))
    }
}

/// A number, or nothing where there is no bound.
fn bound(text: &str) -> Result<Option<u128>, core::num::ParseIntError> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

/// The last line of a message says what is wrong; those before it draw a picture.
fn one_line(message: &str) -> String {
    message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Pattern {}

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no pattern: {}", self.pattern, self.why)
    }
}

impl std::error::Error for BadPattern {}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pattern: &str, text: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().holds(&Value::Text(text.to_owned()), None)
    }

    fn number(pattern: &str, number: u32, meaning: Option<&str>) -> bool {
        pattern.parse::<Pattern>().unwrap().holds(&Value::Int(number), meaning)
    }

    #[test]
    fn texts_are_matched_whole_by_prefix_by_expression_by_range_and_not() {
        for (pattern, yes, no) in [
            ("4477", "4477", "44770"),
            ("4477*", "447700900123", "447"),
            ("*99", "447799", "4477990"),
            ("4*0?1", "44770091", "4477009"),
            ("/^44[0-9]+$/", "4477", "+4477"),
            ("/stop/i", "please STOP now", "go"),
            ("447700900000..447700900999", "447700900500", "447700901000"),
            ("100..", "100", "99"),
            ("!4477*", "4670", "4477"),
            ("", "", "4"),
        ] {
            assert!(text(pattern, yes), "{pattern} holds for {yes}");
            assert!(!text(pattern, no), "{pattern} does not hold for {no}");
        }
        assert!(!text("1..5", "three") && text("!1..5", "three"));
    }

    #[test]
    fn numbers_are_matched_by_value_in_either_base_and_by_name() {
        assert!(number("8", 8, None) && number("0x08", 8, None) && !number("8", 9, None));
        assert!(number("2..4", 3, None) && !number("2..4", 5, None));
        assert!(number("DELIVERED", 2, Some("DELIVERED")) && number("delivered", 2, Some("DELIVERED")));
        assert!(!number("DELIVERED", 3, Some("EXPIRED")));
        assert!(number("ESME_RT*", 88, Some("ESME_RTHROTTLED")));
    }

    #[test]
    fn octets_are_matched_in_hexadecimal() {
        let value = Value::Octets(bytes::Bytes::from_static(&[0x05, 0x00, 0x03]));
        assert!("050003".parse::<Pattern>().unwrap().holds(&value, None));
        assert!("0500*".parse::<Pattern>().unwrap().holds(&value, None));
    }

    #[test]
    fn what_is_no_pattern_is_named() {
        let error = "/a(/".parse::<Pattern>().unwrap_err().to_string();
        assert!(error.starts_with("\"/a(/\" is no pattern: ") && error.contains("unclosed group"), "{error}");
        assert!("/a/x".parse::<Pattern>().unwrap_err().to_string().contains("no flag"));
        assert!("9..1".parse::<Pattern>().is_err());
        // Compiled, it would take gigabytes.
        assert!("/(((a{100}){100}){100}){100}/".parse::<Pattern>().is_err());
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let glob = "a*".repeat(30) + "b";
        assert!(!globs(glob.as_bytes(), "a".repeat(5_000).as_bytes()));
    }
}
