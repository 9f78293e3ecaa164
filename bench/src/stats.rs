//! Medians, spreads and latencies.

use serde::Serialize;

/// Several measurements of one thing.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of at least one measurement.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
        let half = values.len() / 2;
        let median =
            if values.len() % 2 == 1 { at(half) } else { f64::midpoint(at(half.wrapping_sub(1)), at(half)) };
        Self { median, min: at(0), max: at(values.len().wrapping_sub(1)) }
    }

    /// `median (min–max)`, each written by `write`.
    pub(crate) fn show(&self, write: impl Fn(f64) -> String) -> String {
        format!("{} ({}–{})", write(self.median), write(self.min), write(self.max))
    }
}

/// Durations sorted into buckets, each 1/32 of its power of two wide.
#[derive(Debug, Clone)]
pub(crate) struct Latencies {
    buckets: Vec<u64>,
}

const STEPS_LOG2: u32 = 5;
const STEPS: u64 = 1 << STEPS_LOG2;
/// Enough for any `u64`.
const BUCKETS: usize = (64 - STEPS_LOG2 as usize + 1) * STEPS as usize;

impl Default for Latencies {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS] }
    }
}

impl Latencies {
    #[inline]
    pub(crate) fn add(&mut self, ns: u64) {
        if let Some(bucket) = self.buckets.get_mut(bucket_of(ns)) {
            *bucket += 1;
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (into, from) in self.buckets.iter_mut().zip(&other.buckets) {
            *into += from;
        }
    }

    /// The latency in microseconds that this share of all stay below; 0 when there are none.
    pub(crate) fn micros(&self, share: f64) -> f64 {
        let total: u64 = self.buckets.iter().sum();
        let wanted = (total as f64 * share).ceil() as u64;
        let mut passed = 0;
        for (at, count) in self.buckets.iter().enumerate() {
            passed += count;
            if *count > 0 && passed >= wanted {
                return lower_end(at) as f64 / 1e3;
            }
        }
        0.0
    }
}

fn bucket_of(ns: u64) -> usize {
    let exponent = ns.max(1).ilog2();
    if exponent < STEPS_LOG2 {
        return ns as usize;
    }
    let shift = exponent - STEPS_LOG2;
    ((u64::from(shift) * STEPS) + (ns >> shift)) as usize
}

fn lower_end(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * STEPS {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    (bucket - shift * STEPS) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_begins_at_most_a_32nd_below_what_is_in_it() {
        for ns in
            (0..64).map(|bit| 1_u64 << bit).chain([0, 3, 31, 32, 33, 63, 64, 65, 999, 123_456_789, u64::MAX])
        {
            let low = lower_end(bucket_of(ns));
            assert!(low <= ns && ns - low <= ns / 32, "{ns} {low}");
        }
    }

    #[test]
    fn percentiles_are_those_of_what_was_added() {
        let mut latencies = Latencies::default();
        (1..=100).for_each(|us| latencies.add(us * 1_000));
        assert!((48.0..=50.0).contains(&latencies.micros(0.5)));
        assert!((96.0..=99.0).contains(&latencies.micros(0.99)));
        assert!(Latencies::default().micros(0.5) < 1e-9);
    }

    #[test]
    fn a_spread_is_median_min_and_max() {
        let spread = Spread::of([3.0, 1.0, 2.0, 10.0]);
        assert_eq!(spread.show(|value| format!("{value:.1}")), "2.5 (1.0–10.0)");
    }
}
