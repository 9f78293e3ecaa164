//! What a number has to be.

use crate::limits::Budget;
use crate::written::{Patterns, cut};

/// Patterns for one number.
#[derive(Debug)]
pub(crate) struct Numbers {
    any: Vec<Range>,
    none: Vec<Range>,
    /// Whether there are no plain patterns.
    open: bool,
}

/// From the first to the second, both included.
type Range = (u32, u32);

/// What names and numbers a field has.
pub(crate) struct Meaning<'a> {
    /// The numbers that a name stands for; none where it is no name.
    pub(crate) named: &'a dyn Fn(&str) -> Vec<u32>,
    /// Some names, for who wrote none of them.
    pub(crate) example: &'a str,
    /// The highest number.
    pub(crate) highest: u32,
}

impl Numbers {
    pub(crate) fn new(
        patterns: &Patterns,
        meaning: &Meaning<'_>,
        budget: &mut Budget,
    ) -> Result<Self, String> {
        budget.take_patterns(patterns.0.len())?;
        let mut new = Self { any: Vec::new(), none: Vec::new(), open: true };
        for pattern in &patterns.0 {
            let (plain, negated) = match pattern.strip_prefix('!') {
                Some(rest) => (rest, true),
                None => (pattern.as_str(), false),
            };
            new.open &= negated;
            let ranges = meaning.ranges(plain.trim())?;
            if negated { new.none.extend(ranges) } else { new.any.extend(ranges) }
        }
        Ok(new)
    }

    /// Whether they hold for a number, or for there being none.
    pub(crate) fn hold(&self, number: Option<u32>) -> bool {
        let Some(number) = number else { return self.open };
        let within = |&(low, high): &Range| low <= number && number <= high;
        (self.open || self.any.iter().any(within)) && !self.none.iter().any(within)
    }
}

impl Meaning<'_> {
    fn ranges(&self, text: &str) -> Result<Vec<Range>, String> {
        let values = (self.named)(text);
        if !values.is_empty() {
            return Ok(values.into_iter().map(|value| (value, value)).collect());
        }
        if let Some((low, high)) = text.split_once("..")
            && !(low.is_empty() && high.is_empty())
        {
            let low = if low.is_empty() { 0 } else { self.number(low)? };
            let high = if high.is_empty() { self.highest } else { self.number(high)? };
            return if low > high {
                Err(format!("{text:?} ends before it begins"))
            } else {
                Ok(vec![(low, high)])
            };
        }
        self.number(text).map(|number| vec![(number, number)])
    }

    fn number(&self, text: &str) -> Result<u32, String> {
        if let Some(&named) = (self.named)(text).first() {
            return Ok(named);
        }
        let number = match text.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => text.parse(),
        };
        match number {
            Ok(number) if number <= self.highest => Ok(number),
            Ok(number) => Err(format!("{number} is above {}, the highest there is", self.highest)),
            Err(_) => Err(format!("{:?} is none; write {}", cut(text), self.example)),
        }
    }
}

/// Whether a name is that of a value: in either case, `_` or `-` for a space, what stands in brackets left out.
pub(crate) fn is_name(name: &str, meaning: &str) -> bool {
    let short = meaning.split(" (").next().unwrap_or(meaning);
    [meaning, short].iter().any(|meaning| {
        let plain = |octet: u8| match octet {
            b'_' | b'-' => b' ',
            other => other.to_ascii_lowercase(),
        };
        name.bytes().map(plain).eq(meaning.bytes().map(plain))
    })
}
