//! How long something takes: always the same, or by a distribution.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smppkit_ops::Span;

use super::chance::Chance;

/// A time, or how times are spread.
///
/// | written | what it is |
/// | --- | --- |
/// | `1s` | always that |
/// | `1s..5s` | anything from one to the other, each as likely |
/// | `2s+-500ms` | around 2 s with a standard deviation of 500 ms, never below 0 |
/// | `p50=1s p90=3s p100=10s` | half up to 1 s, nine tenths up to 3 s, all up to 10 s; straight between them |
#[derive(Debug, Clone, PartialEq)]
pub enum Delay {
    /// Always the same.
    Fixed(Duration),
    /// From the first to the second.
    Uniform(Duration, Duration),
    /// Mean and standard deviation.
    Normal(Duration, Duration),
    /// Percent and the time it ends at, both rising.
    Percentiles(Vec<(f64, Duration)>),
}

impl Delay {
    /// No time at all.
    pub const NONE: Self = Self::Fixed(Duration::ZERO);

    /// One of the times.
    pub(crate) fn sample(&self, chance: &mut Chance) -> Duration {
        let mut unit = || chance.unit();
        match self {
            Self::Fixed(time) => *time,
            Self::Uniform(low, high) => *low + high.saturating_sub(*low).mul_f64(unit()),
            Self::Normal(mean, deviation) => {
                // The sum of twelve is near enough to the bell, and the same on every machine.
                let bell: f64 = (0..12).map(|_| unit()).sum::<f64>() - 6.0;
                let seconds = mean.as_secs_f64() + bell * deviation.as_secs_f64();
                Duration::from_secs_f64(seconds.max(0.0))
            }
            Self::Percentiles(points) => {
                let percent = unit() * 100.0;
                let (mut from, mut low) = (0.0, Duration::ZERO);
                for (to, high) in points {
                    if percent <= *to {
                        let part = (percent - from) / (to - from);
                        return low + high.saturating_sub(low).mul_f64(part.clamp(0.0, 1.0));
                    }
                    (from, low) = (*to, *high);
                }
                low
            }
        }
    }

    /// The longest it can be; of a bell six deviations above its mean.
    pub fn longest(&self) -> Duration {
        match self {
            Self::Fixed(time) | Self::Uniform(_, time) => *time,
            Self::Normal(mean, deviation) => *mean + *deviation * 6,
            Self::Percentiles(points) => points.last().map_or(Duration::ZERO, |(_, time)| *time),
        }
    }
}

impl From<Duration> for Delay {
    fn from(time: Duration) -> Self {
        Self::Fixed(time)
    }
}

impl FromStr for Delay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        /// A year: what is added to a clock must not run over it.
        const LONGEST: Duration = Duration::from_secs(366 * 86_400);
        let time = |text: &str| {
            let time = text.trim().parse::<Span>().map(|span| span.0).map_err(|error| error.to_string())?;
            if time > LONGEST { Err(format!("{text} is longer than a year")) } else { Ok(time) }
        };
        if text.trim_start().starts_with('p') {
            let mut points = Vec::new();
            for point in text.split_whitespace() {
                let (percent, at) = point
                    .strip_prefix('p')
                    .and_then(|point| point.split_once('='))
                    .ok_or_else(|| format!("{point:?} is no percentile: want p50=1s"))?;
                let percent: f64 = percent.parse().map_err(|_| format!("{percent:?} is no percentage"))?;
                points.push((percent, time(at)?));
            }
            let rising = points.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1);
            let inside = points.iter().all(|(percent, _)| *percent > 0.0 && *percent <= 100.0);
            if !rising || !inside {
                return Err(format!("{text:?}: percentiles must rise, from above p0 to p100 at most"));
            }
            return Ok(Self::Percentiles(points));
        }
        if let Some((low, high)) = text.split_once("..") {
            let (low, high) = (time(low)?, time(high)?);
            if low > high {
                return Err(format!("{text:?} ends before it begins"));
            }
            return Ok(Self::Uniform(low, high));
        }
        if let Some((mean, deviation)) = text.split_once("+-").or_else(|| text.split_once('±')) {
            return Ok(Self::Normal(time(mean)?, time(deviation)?));
        }
        time(text).map(Self::Fixed)
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(time) => Span(*time).fmt(f),
            Self::Uniform(low, high) => write!(f, "{}..{}", Span(*low), Span(*high)),
            Self::Normal(mean, deviation) => write!(f, "{}+-{}", Span(*mean), Span(*deviation)),
            Self::Percentiles(points) => {
                for (at, (percent, time)) in points.iter().enumerate() {
                    let space = if at == 0 { "" } else { " " };
                    write!(f, "{space}p{percent}={}", Span(*time))?;
                }
                Ok(())
            }
        }
    }
}

impl Serialize for Delay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Delay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(text: &str) -> Vec<u128> {
        let mut chance = Chance::of_session(1, b"app", 0);
        let delay: Delay = text.parse().unwrap();
        let mut samples: Vec<u128> = (0..10_000).map(|_| delay.sample(&mut chance).as_millis()).collect();
        samples.sort_unstable();
        samples
    }

    #[test]
    fn each_form_is_spread_as_it_says() {
        let near = |got: u128, wanted: u128| got.abs_diff(wanted) < 60;
        assert!(samples("1s").iter().all(|ms| *ms == 1_000));
        let uniform = samples("1s..5s");
        assert!(uniform[0] >= 1_000 && uniform[9_999] <= 5_000 && near(uniform[5_000], 3_000));
        let normal = samples("2s+-500ms");
        assert!(near(normal[5_000], 2_000) && near(normal[8_413], 2_500), "one deviation holds 84 percent");
        let given = samples("p50=1s p90=3s p100=10s");
        assert!(near(given[5_000], 1_000) && near(given[9_000], 3_000) && given[9_999] <= 10_000);
        assert!(samples("0s+-1s").iter().all(|ms| *ms < 60_000), "never below nothing");
    }

    #[test]
    fn they_are_written_as_they_are_read_and_bad_ones_are_named() {
        for text in ["1s", "100ms..5s", "2s+-500ms", "p50=1s p99.9=10s"] {
            assert_eq!(text.parse::<Delay>().unwrap().to_string(), text);
        }
        for (text, named) in [
            ("soon", "soon"),
            ("5s..1s", "before"),
            ("p50=2s p40=3s", "rise"),
            ("p50", "percentile"),
            ("400d", "year"),
        ] {
            let error = text.parse::<Delay>().unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
