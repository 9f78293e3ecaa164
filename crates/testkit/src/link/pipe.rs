//! One direction of a connection.

use core::time::Duration;
use std::collections::VecDeque;
use std::time::Instant;

use crate::chance::Chance;

/// Octets on their way, in order, cut anywhere.
#[derive(Debug)]
pub(super) struct Pipe {
    delay: Duration,
    chunk_octets: u64,
    chunks: VecDeque<(Instant, Vec<u8>)>,
    /// The writer has ended.
    pub(super) closed: bool,
}

impl Pipe {
    pub(super) const fn new(delay: Duration, chunk_octets: u64) -> Self {
        Self { delay, chunk_octets, chunks: VecDeque::new(), closed: false }
    }

    /// Puts octets on their way.
    pub(super) fn write(&mut self, now: Instant, mut octets: &[u8], chance: &mut Chance) {
        while !octets.is_empty() {
            let length = 1 + chance.below(self.chunk_octets) as usize;
            let (chunk, rest) = octets.split_at(length.min(octets.len()));
            octets = rest;
            let delay = Duration::from_micros(chance.below(self.delay.as_micros() as u64 + 1));
            // A stream: nothing overtakes what was written before.
            let due = self.chunks.back().map_or(now + delay, |(before, _)| (*before).max(now + delay));
            self.chunks.push_back((due, chunk.to_vec()));
        }
    }

    /// What has arrived.
    pub(super) fn read(&mut self, now: Instant) -> Vec<u8> {
        let mut octets = Vec::new();
        while self.next().is_some_and(|due| due <= now) {
            octets.extend(self.chunks.pop_front().into_iter().flat_map(|(_, chunk)| chunk));
        }
        octets
    }

    /// When more arrives.
    pub(super) fn next(&self) -> Option<Instant> {
        self.chunks.front().map(|(due, _)| *due)
    }

    /// Whether the writer has ended and everything has arrived.
    pub(super) fn is_over(&self) -> bool {
        self.closed && self.chunks.is_empty()
    }
}
