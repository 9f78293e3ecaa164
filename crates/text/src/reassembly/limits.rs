//! How much may be held, how much is, and what was given up.

use core::ops::{Add, Sub};
use core::time::Duration;

/// How much a [`Reassembly`](super::Reassembly) may hold, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most in all. Default 65,536 messages, as many parts and 16 MiB: with what a map adds for each, under 64 MiB.
    pub all: Load,
    /// Most for one group. Default a quarter of that, so that it takes four hostile accounts to press out the rest.
    pub group: Load,
    /// Longest wait from the first part to the last. Default one hour: a part that is retried by its sender
    /// comes within that, and the next use of an 8-bit reference towards the same destination mostly does not.
    pub time: Duration,
}

impl Limits {
    pub(super) fn allow(&self, held: Load) -> bool {
        held.within(self.all)
    }

    pub(super) fn allow_group(&self, held: Load) -> bool {
        held.within(self.group)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            all: Load { messages: 65_536, parts: 65_536, octets: 16 << 20 },
            group: Load { messages: 16_384, parts: 16_384, octets: 4 << 20 },
            time: Duration::from_secs(3600),
        }
    }
}

/// An amount of waiting parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Incomplete messages.
    pub messages: usize,
    /// Parts of them.
    pub parts: usize,
    /// Octets of those parts.
    pub octets: usize,
}

impl Load {
    fn within(self, limit: Self) -> bool {
        self.messages <= limit.messages && self.parts <= limit.parts && self.octets <= limit.octets
    }
}

impl Add for Load {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            messages: self.messages.saturating_add(other.messages),
            parts: self.parts.saturating_add(other.parts),
            octets: self.octets.saturating_add(other.octets),
        }
    }
}

impl Sub for Load {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            messages: self.messages.saturating_sub(other.messages),
            parts: self.parts.saturating_sub(other.parts),
            octets: self.octets.saturating_sub(other.octets),
        }
    }
}

/// What a [`Reassembly`](super::Reassembly) has done since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages completed.
    pub completed: u64,
    /// Parts ignored because the same part was held.
    pub duplicates: u64,
    /// Parts not held.
    pub refused: u64,
    /// Messages dropped because their time was up.
    pub dropped_by_time: u64,
    /// Messages dropped to make room in their group.
    pub dropped_for_group_room: u64,
    /// Messages dropped to make room in all.
    pub dropped_for_room: u64,
}
