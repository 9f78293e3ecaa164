//! What a text has to be.

use regex::{Regex, RegexBuilder};

use crate::limits::{Budget, PATTERN_LIMIT_OCTETS, REGEX_LIMIT_OCTETS};
use crate::written::{Patterns, cut};

/// Patterns for one text, sorted so that a thousand numbers are looked up and not tried.
#[derive(Debug)]
pub(crate) struct Texts {
    /// Whether there are no plain patterns, so that anything holds that no other pattern excludes.
    open: bool,
    /// In order.
    exact: Vec<Box<str>>,
    /// In order, none of them a prefix of another.
    prefixes: Vec<Box<str>>,
    other: Vec<Test>,
    none: Vec<Test>,
}

#[derive(Debug)]
enum Test {
    Exact(Box<str>),
    Prefix(Box<str>),
    Glob(Box<str>),
    /// Boxed: most tests are small.
    Regex(Box<Regex>),
    Range(Option<Box<str>>, Option<Box<str>>),
}

impl Texts {
    pub(crate) fn new(patterns: &Patterns, budget: &mut Budget) -> Result<Self, String> {
        let mut new =
            Self { open: true, exact: Vec::new(), prefixes: Vec::new(), other: Vec::new(), none: Vec::new() };
        budget.take_patterns(patterns.0.len())?;
        for pattern in &patterns.0 {
            let (plain, negated) = match pattern.strip_prefix('!') {
                Some(rest) => (rest, true),
                None => (pattern.as_str(), false),
            };
            let test = Test::parse(plain, budget)
                .map_err(|why| format!("{:?} is no pattern: {why}", cut(pattern)))?;
            new.open &= negated;
            match test {
                test if negated => new.none.push(test),
                Test::Exact(text) => new.exact.push(text),
                Test::Prefix(prefix) => new.prefixes.push(prefix),
                test => new.other.push(test),
            }
        }
        new.exact.sort_unstable();
        new.prefixes.sort_unstable();
        // In this order whatever a prefix covers follows it.
        new.prefixes.dedup_by(|longer, kept| longer.starts_with(kept.as_ref()));
        Ok(new)
    }

    /// Whether they hold for a text, or for there being none.
    pub(crate) fn hold(&self, text: Option<&str>) -> bool {
        let Some(text) = text else { return self.open };
        let plain = self.open
            || self.exact.binary_search_by(|exact| exact.as_ref().cmp(text)).is_ok()
            || self.has_prefix_of(text)
            || self.other.iter().any(|test| test.holds(text));
        plain && !self.none.iter().any(|test| test.holds(text))
    }

    fn has_prefix_of(&self, text: &str) -> bool {
        let after = self.prefixes.partition_point(|prefix| prefix.as_ref() <= text);
        after.checked_sub(1).is_some_and(|at| text.starts_with(self.prefixes[at].as_ref()))
    }

    /// With what every text begins for which they hold: one of these. `None` where it may begin with anything.
    pub(crate) fn beginnings(&self) -> Option<Vec<&str>> {
        let plain = self.exact.iter().chain(&self.prefixes).map(AsRef::as_ref);
        let beginnings: Vec<&str> = plain.chain(self.other.iter().map(Test::beginning)).collect();
        (!self.open && beginnings.iter().all(|beginning| !beginning.is_empty())).then_some(beginnings)
    }
}

impl Test {
    fn parse(text: &str, budget: &mut Budget) -> Result<Self, String> {
        if text.len() > PATTERN_LIMIT_OCTETS {
            return Err(format!("it is longer than {PATTERN_LIMIT_OCTETS} octets; make several of it"));
        }
        if let Some((expression, flags)) = text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
            budget.take_regex()?;
            return regex(expression, flags).map(|regex| Self::Regex(Box::new(regex)));
        }
        if let Some((low, high)) = text.split_once("..")
            && is_digits(low)
            && is_digits(high)
            && !(low.is_empty() && high.is_empty())
        {
            let bound = |digits: &str| (!digits.is_empty()).then(|| digits.into());
            if !low.is_empty() && !high.is_empty() && by_size(low) > by_size(high) {
                return Err("it ends before it begins".to_owned());
            }
            return Ok(Self::Range(bound(low), bound(high)));
        }
        Ok(match text.find(['*', '?']) {
            None => Self::Exact(text.into()),
            Some(at) if at + 1 == text.len() && text.ends_with('*') => Self::Prefix(text[..at].into()),
            Some(_) => Self::Glob(text.into()),
        })
    }

    fn holds(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact.as_ref() == text,
            Self::Prefix(prefix) => text.starts_with(prefix.as_ref()),
            Self::Glob(glob) => globs(glob, text),
            Self::Regex(regex) => regex.is_match(text),
            Self::Range(low, high) => {
                !text.is_empty()
                    && is_digits(text)
                    && low.as_deref().is_none_or(|low| by_size(low) <= by_size(text))
                    && high.as_deref().is_none_or(|high| by_size(text) <= by_size(high))
            }
        }
    }

    /// With what every text begins for which it holds; empty where that is not known.
    fn beginning(&self) -> &str {
        match self {
            Self::Exact(text) | Self::Prefix(text) => text,
            Self::Glob(glob) => glob.find(['*', '?']).map_or(glob, |at| &glob[..at]),
            Self::Regex(regex) => leading_digits(regex.as_str()),
            Self::Range(Some(low), Some(high)) if low.len() == high.len() => {
                let same = low.bytes().zip(high.bytes()).take_while(|(low, high)| low == high).count();
                &low[..same]
            }
            Self::Range(..) => "",
        }
    }
}

fn regex(expression: &str, flags: &str) -> Result<Regex, String> {
    let ignore_case = match flags {
        "" => false,
        "i" => true,
        _ => return Err(format!("{flags:?} is no flag: there is only i, for either case")),
    };
    let mut builder = RegexBuilder::new(expression);
    builder.case_insensitive(ignore_case);
    builder.size_limit(REGEX_LIMIT_OCTETS).dfa_size_limit(REGEX_LIMIT_OCTETS);
    builder.build().map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("compiled it is larger than {limit} octets; use lower counts in {{}}")
        }
        // The last line says what is wrong; those before it draw a picture.
        error => {
            let message = error.to_string();
            message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    })
}

/// The digits that every text begins with which an expression finds something in: those after `^`, as far as
/// that can be said without reading the expression as the engine does.
fn leading_digits(expression: &str) -> &str {
    let Some(anchored) = expression.strip_prefix('^') else { return "" };
    // `^44|1`: the anchor belongs to the first alternative only. Which `|` stands in a group is plain only
    // where no bracket can be meant literally.
    let mut depth = 0;
    for character in anchored.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            '|' if depth == 0 => return "",
            '[' | '\\' | '#' if anchored.contains('|') => return "",
            _ => {}
        }
    }
    let digits = anchored.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = anchored.split_at(digits);
    match rest.as_bytes().first() {
        // The last digit may be missing, or repeated.
        Some(b'?' | b'*' | b'+' | b'{') => &digits[..digits.len().saturating_sub(1)],
        // With (?x) the expression may go on with spaces before such a sign.
        Some(b' ' | b'#' | b'\t' | b'\n') => "",
        _ => digits,
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|octet| octet.is_ascii_digit())
}

/// Order of digit strings: as numbers, and leading zeros count, as they do in an address.
fn by_size(digits: &str) -> (usize, &str) {
    (digits.len(), digits)
}

/// Whether a text is of a form with `*` and `?`: both read once, going back to the last `*` only.
fn globs(glob: &str, text: &str) -> bool {
    let (glob, text) = (glob.as_bytes(), text.as_bytes());
    let (mut g, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match glob.get(g) {
            Some(b'*') => {
                star = Some((g, t));
                g += 1;
            }
            Some(b'?') => {
                g += 1;
                // One character, however many octets it takes.
                t += 1;
                while text.get(t).is_some_and(|octet| octet & 0xC0 == 0x80) {
                    t += 1;
                }
            }
            Some(octet) if Some(octet) == text.get(t) => {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(patterns: &[&str]) -> Texts {
        let patterns = Patterns(patterns.iter().map(|&pattern| pattern.to_owned()).collect());
        Texts::new(&patterns, &mut Budget::default()).unwrap()
    }

    #[test]
    fn texts_are_matched_whole_by_prefix_by_expression_by_range_and_not() {
        for (pattern, yes, no) in [
            ("4477", "4477", "44770"),
            ("4477*", "447700900123", "447"),
            ("*99", "447799", "4477990"),
            ("4*0?1", "44770091", "4477009"),
            ("a?c", "aéc", "aéec"),
            ("/^44[0-9]+$/", "4477", "+4477"),
            ("/stop/i", "please STOP now", "go"),
            ("447700900000..447700900999", "447700900500", "447700901000"),
            ("447700900000..447700900999", "447700900000", "0447700900500"),
            ("100..", "100", "99"),
            ("..9", "9", "three"),
            ("!4477*", "4670", "4477"),
            ("", "", "4"),
        ] {
            assert!(texts(&[pattern]).hold(Some(yes)), "{pattern} holds for {yes}");
            assert!(!texts(&[pattern]).hold(Some(no)), "{pattern} does not hold for {no}");
        }
    }

    #[test]
    fn of_several_one_has_to_hold_and_none_after_an_exclamation_mark() {
        let some = texts(&["44*", "447*", "1", "2", "49?", "!4477*", "!2"]);
        for yes in ["44", "4478", "448", "1", "491"] {
            assert!(some.hold(Some(yes)), "{yes}");
        }
        for no in ["4477", "44771", "2", "49", "5", ""] {
            assert!(!some.hold(Some(no)), "{no}");
        }
        assert!(!some.hold(None));
        assert!(texts(&["!4477*", "!2"]).hold(None));
    }

    #[test]
    fn beginnings_are_those_of_every_text_that_holds() {
        assert_eq!(texts(&["12", "34*", "5?6", "700..799"]).beginnings(), Some(vec!["12", "34", "5", "7"]));
        assert_eq!(texts(&["12", "*"]).beginnings(), None);
        assert_eq!(texts(&["!12"]).beginnings(), None);
        assert_eq!(texts(&["12..130"]).beginnings(), None, "20 is in between");
        for (expression, beginning) in [
            ("^49(15|16|17)", "49"),
            ("^447[0-9]", "447"),
            ("^447?", "44"),
            ("^447{2}", "44"),
            ("^44|1", ""),
            ("^44[(]|1", ""),
            (r"^44\(|1", ""),
            ("44", ""),
            ("^44 ?", ""),
            ("^(44)", ""),
        ] {
            assert_eq!(leading_digits(expression), beginning, "{expression}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_named() {
        let fault = |pattern: &str| Texts::new(&pattern.into(), &mut Budget::default()).unwrap_err();
        assert!(fault("/a(/").starts_with("\"/a(/\" is no pattern: unclosed group"), "{}", fault("/a(/"));
        assert!(fault("/a/x").contains("no flag"));
        assert!(fault("9..1").contains("ends before it begins"));
        assert!(fault("/(((a{100}){100}){100}){100}/").contains("larger than 1048576 octets"));
        assert!(fault(&"1".repeat(1_001)).contains("longer than 1000 octets"));
    }
}
