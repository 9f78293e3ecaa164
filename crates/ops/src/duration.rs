//! Times and sizes as an operator writes them.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// A length of time such as `500ms`, `1.5s`, `2m`, `1h` or `1d`; a bare number is seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(pub Duration);

/// A number of octets such as `1024`, `10 kB` or `64 MiB`: k, M and G are powers of 1000, with an `i`
/// of 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Size(pub u64);

/// Text that is no [`Span`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanError {
    /// What was read instead.
    pub text: String,
}

/// Text that is no [`Size`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeError {
    /// What was read instead.
    pub text: String,
}

impl Span {
    /// Of whole seconds.
    pub const fn secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// Of milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }
}

impl Size {
    /// Of units of 1024 octets.
    pub const fn kib(kib: u64) -> Self {
        Self(kib * 1024)
    }

    /// Of units of 1024 × 1024 octets.
    pub const fn mib(mib: u64) -> Self {
        Self(mib * 1024 * 1024)
    }

    /// As a length in memory; the longest there is where this one does not fit.
    pub fn octets(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let read = || {
            let (number, unit) = split(text)?;
            let unit = SPANS.iter().find(|(name, _)| *name == unit).map(|(_, nanos)| *nanos)?;
            let nanos = number.times(unit)?;
            let secs = u64::try_from(nanos / NANOS).ok()?;
            Some(Self(Duration::new(secs, (nanos % NANOS) as u32)))
        };
        read().ok_or_else(|| SpanError { text: text.to_owned() })
    }
}

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let read = || {
            let (number, unit) = split(text)?;
            let unit = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1;
            u64::try_from(number.times(u128::from(unit))?).ok().map(Self)
        };
        read().ok_or_else(|| SizeError { text: text.to_owned() })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        match (secs, nanos) {
            (0, 0) => f.write_str("0s"),
            (_, 0) if secs % 86_400 == 0 => write!(f, "{}d", secs / 86_400),
            (_, 0) if secs % 3_600 == 0 => write!(f, "{}h", secs / 3_600),
            (_, 0) if secs % 60 == 0 => write!(f, "{}m", secs / 60),
            (_, 0) => write!(f, "{secs}s"),
            (0, _) if nanos % 1_000_000 == 0 => write!(f, "{}ms", nanos / 1_000_000),
            _ => {
                let fraction = format!("{nanos:09}");
                write!(f, "{secs}.{}s", fraction.trim_end_matches('0'))
            }
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |unit: &&(&str, u64)| unit.1 > 1 && self.0 != 0 && self.0.is_multiple_of(unit.1);
        match SIZES.iter().find(fits) {
            Some((name, octets)) => write!(f, "{} {name}", self.0 / octets),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Display for SpanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a time such as 500ms, 1s, 2m, 1h", self.text)
    }
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a size such as 1024, 10 kB, 64 MiB", self.text)
    }
}

impl std::error::Error for SpanError {}
impl std::error::Error for SizeError {}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expecting = "a time such as \"500ms\", \"1s\", \"2m\", \"1h\"";
        deserializer.deserialize_any(Text { expecting })?.parse().map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expecting = "a size such as 1024, \"10 kB\", \"64 MiB\"";
        deserializer.deserialize_any(Text { expecting })?.parse().map_err(de::Error::custom)
    }
}

impl PartialSchema for Span {
    fn schema() -> RefOr<Schema> {
        let description = "A length of time: 500ms, 1.5s, 2m, 1h, 1d; a bare number is seconds.";
        text_schema("span", description, "30s")
    }
}

impl PartialSchema for Size {
    fn schema() -> RefOr<Schema> {
        let description = "A number of octets: 1024, 10 kB, 64 MiB; k, M and G are powers of 1000, \
                           with an i of 1024.";
        text_schema("size", description, "64 MiB")
    }
}

impl ToSchema for Span {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Span")
    }
}

impl ToSchema for Size {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Size")
    }
}

fn text_schema(format: &str, description: &str, example: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::Custom(format.to_owned())))
        .description(Some(description))
        .examples([example])
        .into()
}

/// A number with up to nine digits behind its point, exact.
struct Decimal {
    digits: u128,
    scale: u128,
}

impl Decimal {
    /// Many times the unit, or nothing where the answer is not whole.
    fn times(&self, unit: u128) -> Option<u128> {
        let product = self.digits.checked_mul(unit)?;
        product.is_multiple_of(self.scale).then(|| product / self.scale)
    }
}

/// A number, and the unit behind it.
fn split(text: &str) -> Option<(Decimal, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || whole.len() > 20 || fraction.len() > 9 {
        return None;
    }
    let digits = format!("{whole}{fraction}").parse().ok()?;
    Some((Decimal { digits, scale: 10_u128.pow(fraction.len() as u32) }, unit.trim_start()))
}

/// A string or a number, as text.
struct Text {
    expecting: &'static str,
}

impl de::Visitor<'_> for Text {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

const NANOS: u128 = 1_000_000_000;

/// Units of a time, in nanoseconds.
const SPANS: [(&str, u128); 6] = [
    ("", NANOS),
    ("ms", 1_000_000),
    ("s", NANOS),
    ("m", 60 * NANOS),
    ("h", 3_600 * NANOS),
    ("d", 86_400 * NANOS),
];

/// Units of a size, in octets; the first that divides one is how it is written.
const SIZES: [(&str, u64); 10] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
    ("", 1),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let cases = [
            ("500ms", 500_000_000),
            ("1s", 1_000_000_000),
            ("1.5s", 1_500_000_000),
            ("2m", 120_000_000_000),
            ("0.5 h", 1_800_000_000_000),
            ("1d", 86_400_000_000_000),
            ("30", 30_000_000_000),
            ("0", 0),
            ("0.000000001s", 1),
        ];
        for (text, nanos) in cases {
            assert_eq!(text.parse(), Ok(Span(Duration::from_nanos(nanos))), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused_with_its_text() {
        for text in ["", "s", "1x", "-1s", "1.s", ".5s", "1.5.5s", "1e3", "1s 2", "1S", "0.0000000001s"] {
            assert_eq!(text.parse::<Span>(), Err(SpanError { text: text.to_owned() }));
        }
        let error = "1x".parse::<Span>().unwrap_err();
        assert_eq!(error.to_string(), "\"1x\" is not a time such as 500ms, 1s, 2m, 1h");
        assert!("99999999999999999999d".parse::<Span>().is_err());
    }

    #[test]
    fn times_survive_a_round_trip() {
        let cases = [
            (0, "0s"),
            (1, "0.000000001s"),
            (500_000_000, "500ms"),
            (1_500_000_000, "1.5s"),
            (61_000_000_000, "61s"),
            (120_000_000_000, "2m"),
            (7_200_000_000_000, "2h"),
            (172_800_000_000_000, "2d"),
        ];
        for (nanos, text) in cases {
            let span = Span(Duration::from_nanos(nanos));
            assert_eq!(span.to_string(), text);
            assert_eq!(text.parse(), Ok(span));
            let json = serde_json::to_string(&span).unwrap();
            assert_eq!(json, format!("{text:?}"));
            assert_eq!(serde_json::from_str::<Span>(&json).unwrap(), span);
        }
        assert_eq!(Span(Duration::MAX).to_string().parse(), Ok(Span(Duration::MAX)));
    }

    #[test]
    fn sizes_survive_a_round_trip() {
        let cases = [
            (0, "0"),
            (1023, "1023"),
            (1024, "1 KiB"),
            (10_000, "10 kB"),
            (64 << 20, "64 MiB"),
            (1 << 30, "1 GiB"),
            (2_000_000, "2 MB"),
            (u64::MAX, "18446744073709551615"),
        ];
        for (octets, text) in cases {
            assert_eq!(Size(octets).to_string(), text);
            assert_eq!(text.parse(), Ok(Size(octets)));
        }
        assert_eq!("1.5 KiB".parse(), Ok(Size(1536)));
        assert_eq!("10kb".parse(), Ok(Size(10_000)));
        assert_eq!("7 B".parse(), Ok(Size(7)));
        let error = "64 MiBs".parse::<Size>().unwrap_err();
        assert_eq!(error.to_string(), "\"64 MiBs\" is not a size such as 1024, 10 kB, 64 MiB");
        assert!("0.5 B".parse::<Size>().is_err());
        assert!("18446744073709551616".parse::<Size>().is_err());
    }

    #[test]
    fn bare_numbers_are_taken_where_text_is() {
        assert_eq!(serde_json::from_str::<Span>("1.5").unwrap(), Span::millis(1500));
        assert_eq!(serde_json::from_str::<Size>("1024").unwrap(), Size::kib(1));
        let error = serde_json::from_str::<Span>("true").unwrap_err().to_string();
        assert!(error.contains("expected a time such as \"500ms\""), "{error}");
    }

    #[test]
    fn schemas_are_strings_with_an_example() {
        let schema = serde_json::to_value(Span::schema()).unwrap();
        assert_eq!(schema["type"], "string");
        assert_eq!(schema["examples"][0], "30s");
        assert_eq!(serde_json::to_value(Size::schema()).unwrap()["examples"][0], "64 MiB");
    }
}
