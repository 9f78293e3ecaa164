//! Points of one step each, the oldest given up for the newest.

use std::collections::VecDeque;

use super::{Key, Kind};

/// So many points at most.
#[derive(Debug)]
pub(super) struct Ring {
    step_ms: i64,
    points: u16,
    kept: VecDeque<Point>,
}

/// What was seen in one step.
#[derive(Debug)]
struct Point {
    /// Steps since 1970.
    step: i64,
    /// Of each key: the sum or the most, and of how many samples.
    seen: Vec<(f64, u32)>,
}

impl Ring {
    pub(super) const fn new(step_ms: i64, points: u16) -> Self {
        Self { step_ms, points, kept: VecDeque::new() }
    }

    pub(super) const fn step_ms(&self) -> i64 {
        self.step_ms
    }

    pub(super) fn take(&mut self, unix_ms: i64, sample: &[Option<f64>], keys: &[Key]) {
        let step = unix_ms.div_euclid(self.step_ms);
        // A wall clock that is turned back goes on in the newest step.
        if self.kept.back().is_none_or(|newest| newest.step < step) {
            self.kept.push_back(Point { step, seen: vec![(0.0, 0); keys.len()] });
        }
        let oldest = step - i64::from(self.points);
        while self.kept.front().is_some_and(|point| point.step <= oldest) {
            self.kept.pop_front();
        }
        let Some(newest) = self.kept.back_mut() else { return };
        for ((value, key), (seen, samples)) in sample.iter().zip(keys).zip(&mut newest.seen) {
            let Some(value) = value else { continue };
            *seen = match key.kind {
                Kind::Rate => *seen + value,
                Kind::Level if *samples > 0 => seen.max(*value),
                Kind::Level => *value,
            };
            *samples += 1;
        }
    }

    /// The first point's moment, and of each key a value for each point.
    pub(super) fn lines(&self, keys: &[Key]) -> (i64, Vec<Vec<Option<f64>>>) {
        let newest = self.kept.back().map_or(0, |point| point.step);
        let first = newest + 1 - i64::from(self.points);
        let mut lines = vec![vec![None; usize::from(self.points)]; keys.len()];
        for point in &self.kept {
            let Ok(at) = usize::try_from(point.step - first) else { continue };
            for ((line, key), &(seen, samples)) in lines.iter_mut().zip(keys).zip(&point.seen) {
                let mean = (seen / f64::from(samples.max(1)) * 100.0).round() / 100.0;
                let value = if key.kind == Kind::Rate { mean } else { seen };
                if let Some(room) = line.get_mut(at).filter(|_| samples > 0) {
                    *room = Some(value);
                }
            }
        }
        (first * self.step_ms, lines)
    }
}
