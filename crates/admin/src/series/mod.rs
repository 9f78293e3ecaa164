//! How much passed and how fast: a sample a second, kept for a day in less and less detail.

mod answers;
mod ring;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::extract::{FromRef, State};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use smppkit_ops::{Problem, Query};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::answers::Answers;
use self::ring::Ring;
use crate::{Record, Watched};

/// What an app tells once a second.
#[derive(Debug)]
pub struct Series {
    keys: Vec<Key>,
    inside: Mutex<Inside>,
    answers: Mutex<Answers>,
}

/// One line of a chart.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Key {
    /// Its name in JSON.
    #[schema(example = "accepted")]
    pub key: &'static str,
    /// Its name for people.
    #[schema(example = "Accepted")]
    pub label: &'static str,
    /// What it is counted in.
    #[schema(example = "/s")]
    pub unit: &'static str,
    /// What kind it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// So many a second; the app tells how many there ever were. Over a longer time their mean.
    Rate,
    /// How much there is. Over a longer time the most.
    Level,
}

#[derive(Debug)]
struct Inside {
    /// What was told last, and when.
    last: Option<(Instant, Vec<Option<u64>>)>,
    /// The latest sample, and how many there were.
    latest: (u64, i64, Vec<Option<f64>>),
    rings: [Ring; 3],
}

/// How far back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
enum Range {
    /// A quarter of an hour, a point for five seconds.
    #[serde(rename = "15m")]
    Quarter,
    /// An hour, a point for 20 seconds.
    #[serde(rename = "1h")]
    Hour,
    /// A day, a point for a minute.
    #[serde(rename = "24h")]
    Day,
}

/// What every server tells after its own.
const COMMON: &[Key] = &[
    Key { key: "answer_p50_us", label: "Half answered within", unit: "µs", kind: Kind::Level },
    Key { key: "answer_p99_us", label: "99 % answered within", unit: "µs", kind: Kind::Level },
    Key { key: "sessions", label: "Sessions", unit: "", kind: Kind::Level },
];

/// The step of each ring in seconds, and its points.
const RINGS: [(i64, u16); 3] = [(5, 180), (20, 180), (60, 1_440)];

impl Series {
    /// Lines of these keys, and of what every server tells: see [`Series::tell`].
    pub fn of_server(own: &[Key]) -> Self {
        Self::new(&[own, COMMON].concat())
    }

    /// Tells what passed, once a second: of each own key, in their order, as [`Series::take`] says it; then how fast
    /// was answered, by the record, and how many sessions there are.
    pub fn tell(&self, record: &Record, unix_ms: i64, now: Instant, own: &[Option<u64>], sessions: usize) {
        let (half, most) = self.answers.lock().unwrap_or_else(PoisonError::into_inner).look(record);
        self.take(unix_ms, now, &[own, &[half, most, Some(sessions as u64)]].concat());
    }

    /// Lines of these keys.
    pub fn new(keys: &[Key]) -> Self {
        let rings = RINGS.map(|(step_s, points)| Ring::new(step_s * 1_000, points));
        let inside = Inside { last: None, latest: (0, 0, Vec::new()), rings };
        Self { keys: keys.to_vec(), inside: Mutex::new(inside), answers: Mutex::default() }
    }

    /// Takes a sample: of each key, in their order, how many there ever were or how much there is now. Call it once a
    /// second.
    pub fn take(&self, unix_ms: i64, now: Instant, told: &[Option<u64>]) {
        let mut inside = self.inside();
        let inside = &mut *inside;
        let last = inside.last.replace((now, told.to_vec()));
        let sample = self.keys.iter().zip(told).enumerate().map(|(at, (key, told))| match key.kind {
            Kind::Level => told.map(float),
            Kind::Rate => {
                let (since, before) = last.as_ref()?;
                let seconds = now.checked_duration_since(*since)?.as_secs_f64();
                // What was set back begins anew.
                let grown = (*told)?.saturating_sub(before.get(at).copied().flatten()?);
                (seconds > 0.0).then(|| (float(grown) / seconds * 100.0).round() / 100.0)
            }
        });
        let sample: Vec<Option<f64>> = sample.collect();
        for ring in &mut inside.rings {
            ring.take(unix_ms, &sample, &self.keys);
        }
        inside.latest = (inside.latest.0 + 1, unix_ms, sample);
    }

    /// The latest sample, when there is one after the `seen`th; and how many there were.
    pub(crate) fn after(&self, seen: u64) -> (u64, Option<Json>) {
        let inside = self.inside();
        let (samples, unix_ms, values) = &inside.latest;
        if *samples <= seen {
            return (*samples, None);
        }
        let mut item = Map::new();
        item.insert("time_ms".to_owned(), (*unix_ms).into());
        for (key, value) in self.keys.iter().zip(values) {
            item.insert(key.key.to_owned(), number(*value));
        }
        (*samples, Some(Json::Object(item)))
    }

    fn points(&self, range: Range) -> Points {
        let inside = self.inside();
        let at = match range {
            Range::Quarter => 0,
            Range::Hour => 1,
            Range::Day => 2,
        };
        let ring = &inside.rings[at];
        let (start_ms, lines) = ring.lines(&self.keys);
        let lines = self.keys.iter().zip(lines);
        let lines = lines.map(|(key, line)| (key.key.to_owned(), line.into_iter().map(number).collect()));
        Points { step_ms: ring.step_ms(), start_ms, keys: self.keys.clone(), series: lines.collect() }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[allow(clippy::cast_precision_loss, reason = "a chart shows no 16 digits")]
fn float(number: u64) -> f64 {
    number as f64
}

/// A whole number where it is one.
fn number(value: Option<f64>) -> Json {
    match value {
        None => Json::Null,
        Some(value) if value.fract() == 0.0 && value.abs() < 9e15 => (value as i64).into(),
        Some(value) => value.into(),
    }
}

/// Lines of a chart.
#[derive(Debug, Serialize, ToSchema)]
struct Points {
    /// From one point to the next.
    #[schema(example = 5000)]
    step_ms: i64,
    /// The first point's moment, in milliseconds since 1970.
    start_ms: i64,
    keys: Vec<Key>,
    /// By key: a value for each point, nothing where nobody looked.
    #[schema(value_type = Object, example = json!({"accepted": [0, null, 12.5]}))]
    series: Map<String, Json>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HowFar {
    /// `15m` by default.
    #[param(inline)]
    range: Option<Range>,
}

/// The routes, for a router whose state has what is watched.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Watched: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(series))
}

/// How much passed and how fast.
#[utoipa::path(get, path = "/api/v1/series", tag = "live", params(HowFar),
    responses((status = 200, body = Points), (status = 400, body = Problem)))]
async fn series(
    State(watched): State<Watched>,
    Query(far): Query<HowFar>,
) -> smppkit_ops::Json<impl Serialize> {
    smppkit_ops::Json(watched.series.points(far.range.unwrap_or(Range::Quarter)))
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    const KEYS: &[Key] = &[
        Key { key: "accepted", label: "Accepted", unit: "/s", kind: Kind::Rate },
        Key { key: "queued", label: "Queued", unit: "", kind: Kind::Level },
    ];

    /// A sample a second: ten more each, and a level that is the second.
    fn filled(seconds: u32) -> Series {
        let (series, began) = (Series::new(KEYS), Instant::now());
        for second in 0..seconds {
            let told = [Some(u64::from(second) * 10), Some(second.into())];
            let now = began + Duration::from_secs(second.into());
            series.take(1_795_348_800_000 + i64::from(second) * 1_000, now, &told);
        }
        series
    }

    #[test]
    fn rates_are_means_and_levels_the_most_of_each_step() {
        let points = filled(12).points(Range::Quarter);
        assert_eq!((points.step_ms, points.series["accepted"].as_array().unwrap().len()), (5_000, 180));
        let end = |key: &str| points.series[key].as_array().unwrap()[176..].to_vec();
        assert_eq!(end("accepted"), [Json::Null, 10.into(), 10.into(), 10.into()]);
        assert_eq!(end("queued"), [Json::Null, 4.into(), 9.into(), 11.into()]);
        assert_eq!(points.start_ms + 179 * 5_000, 1_795_348_810_000);
    }

    #[test]
    fn a_day_takes_no_more_memory_than_its_points() {
        let series = filled(100_000);
        for (range, points) in [(Range::Quarter, 180), (Range::Hour, 180), (Range::Day, 1_440)] {
            let all = series.points(range);
            let line = all.series["accepted"].as_array().unwrap().clone();
            assert_eq!(line.len(), points);
            assert!(line.iter().all(|value| *value == 10), "{range:?}");
        }
    }

    #[test]
    fn a_counter_that_is_set_back_is_no_negative_rate_and_gaps_are_gaps() {
        let (series, now) = (Series::new(KEYS), Instant::now());
        series.take(0, now, &[Some(100), None]);
        series.take(1_000, now + Duration::from_secs(1), &[Some(0), None]);
        assert_eq!(series.after(1).1.unwrap()["accepted"], 0);
        series.take(60_000, now + Duration::from_secs(60), &[Some(59), None]);
        let line = series.points(Range::Quarter).series["accepted"].as_array().unwrap().clone();
        assert_eq!(line[167..], [&[0.into()][..], &vec![Json::Null; 11], &[1.into()]].concat());
        assert_eq!(series.after(3), (3, None));
    }
}
