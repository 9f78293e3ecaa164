//! What came and went: the latest PDUs of all sessions, as octets, in bounded memory.
//!
//! Sessions only copy their octets in here, a batch at a time, into one ring. All looking into them, by
//! filters, streams and waits, is done by whoever asks, at its own pace.

mod capture;
mod entry;
mod party;
mod pdus;
mod ring;
mod row;
mod trail;

pub use entry::{Entry, time};
pub use party::{BoundAs, LastError, Party, Place, Vitals};
pub use pdus::{Pdus, routes};
pub use row::{Answered, Row};
pub use trail::{Trail, Trails};

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::Notify;
use utoipa::ToSchema;

use ring::Ring;

/// When something passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// For people.
    pub unix_ms: i64,
    /// For how long things took.
    pub mono: Instant,
}

/// The record: the latest PDUs, as octets, up to a limit.
#[derive(Debug)]
pub struct Record {
    inside: Mutex<Inside>,
    /// Moments count from here.
    began: Instant,
    /// Told of each batch.
    news: Notify,
    /// The number that the next PDU gets, for those who only want to know.
    next: AtomicU64,
    limit_octets: usize,
}

#[derive(Debug)]
struct Inside {
    ring: Ring,
    runs: VecDeque<Run>,
    next: u64,
    /// Octets ever taken.
    taken: u64,
}

/// PDUs of one session that came, or went, together.
#[derive(Debug, Clone)]
struct Run {
    party: Arc<Party>,
    direction: Direction,
    unix_ms: i64,
    /// Since the record began.
    elapsed: Duration,
    /// The number of its first PDU.
    number: u64,
    /// Octets taken before it.
    at: u64,
    pdus: u32,
    octets: u32,
}

/// Which way a PDU went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Towards us.
    In,
    /// Away from us.
    Out,
}

impl Direction {
    /// `in` or `out`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// What a reader gets.
#[derive(Debug)]
pub struct Read {
    /// The PDUs, the oldest first.
    pub entries: Vec<Entry>,
    /// Where to go on.
    pub next: u64,
    /// PDUs from where it wanted to begin that are forgotten.
    pub missed: u64,
}

impl Record {
    /// Keeps so many octets; with none, nothing is recorded.
    pub fn new(limit_octets: usize, now: Instant) -> Self {
        let inside = Inside { ring: Ring::new(limit_octets), runs: VecDeque::new(), next: 1, taken: 0 };
        Self {
            inside: Mutex::new(inside),
            began: now,
            news: Notify::new(),
            next: AtomicU64::new(1),
            limit_octets,
        }
    }

    /// Whether it keeps anything.
    pub const fn is_on(&self) -> bool {
        self.limit_octets > 0
    }

    /// Whole PDUs behind each other, which are looked at for how the session does.
    pub fn take(&self, party: &Arc<Party>, direction: Direction, at: At, octets: &[u8]) {
        let pdus = count(octets, |command_id, status| party.note(direction, at, command_id, status));
        self.push(party, direction, at, octets, pdus);
    }

    /// Whole PDUs behind each other: so many of them.
    pub fn push(&self, party: &Arc<Party>, direction: Direction, at: At, octets: &[u8], pdus: u32) {
        if octets.len() + size_of::<Run>() > self.limit_octets || octets.is_empty() {
            return;
        }
        let elapsed = at.mono.saturating_duration_since(self.began);
        let mut inside = self.inside();
        let inside = &mut *inside;
        // A batch of one short PDU takes more room here than in the ring: both count.
        let room = |inside: &Inside| {
            let taken = inside.ring.len() + octets.len() + (inside.runs.len() + 1) * size_of::<Run>();
            inside.ring.has_room(octets.len()) && taken <= self.limit_octets
        };
        while !room(inside) {
            let Some(oldest) = inside.runs.pop_front() else { break };
            inside.ring.forget(oldest.octets as usize);
        }
        inside.ring.push(octets);
        let number = inside.next;
        inside.next += u64::from(pdus);
        inside.runs.push_back(Run {
            party: Arc::clone(party),
            direction,
            unix_ms: at.unix_ms,
            elapsed,
            number,
            at: inside.taken,
            pdus,
            octets: octets.len() as u32,
        });
        inside.taken += octets.len() as u64;
        self.next.store(inside.next, Ordering::Release);
        self.news.notify_waiters();
    }

    /// The number that the next PDU gets.
    pub fn next(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    /// One PDU; nothing when it is forgotten, or has not come.
    pub fn one(&self, number: u64) -> Option<Entry> {
        let entries = self.read(number, 1).entries;
        entries.into_iter().next().filter(|entry| entry.number == number)
    }

    /// Resolves when something new comes after it was made.
    pub fn news(&self) -> tokio::sync::futures::Notified<'_> {
        self.news.notified()
    }

    /// PDUs from a number on, about so many at most: whole batches are read.
    pub fn read(&self, from: u64, limit: usize) -> Read {
        let inside = self.inside();
        let first = inside.runs.front().map_or(inside.next, |run| run.number);
        let missed = first.saturating_sub(from);
        let begin = inside.runs.partition_point(|run| run.number + u64::from(run.pdus) <= from);
        let oldest = inside.runs.front().map_or(0, |run| run.at);
        let mut taken = Vec::new();
        let mut pdus = 0;
        for run in inside.runs.range(begin..) {
            if pdus >= limit {
                break;
            }
            pdus += run.pdus as usize;
            let at = (run.at - oldest) as usize;
            taken.push((run.clone(), inside.ring.copy(at, run.octets as usize)));
        }
        let next = taken.last().map_or(inside.next.max(from), |(run, _)| run.number + u64::from(run.pdus));
        drop(inside);
        let mut entries = Vec::with_capacity(pdus);
        for (run, octets) in taken {
            split(&run, &octets.into(), from, &mut entries);
        }
        Read { entries, next, missed }
    }

    /// The number of the first PDU that passed at or after a moment, in milliseconds since 1970, as far as the clock
    /// was not set back.
    pub fn at(&self, unix_ms: i64) -> u64 {
        let inside = self.inside();
        let run = inside.runs.partition_point(|run| run.unix_ms < unix_ms);
        inside.runs.get(run).map_or(inside.next, |run| run.number)
    }

    /// The number of the oldest PDU that is kept.
    pub fn first(&self) -> u64 {
        let inside = self.inside();
        inside.runs.front().map_or(inside.next, |run| run.number)
    }

    /// Forgets all. Numbers go on.
    pub fn reset(&self) {
        let mut inside = self.inside();
        inside.runs.clear();
        inside.ring.clear();
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many PDUs there are in octets; what is none at the end, made so on purpose, counts as one.
pub fn count(octets: &[u8], mut each: impl FnMut(u32, u32)) -> u32 {
    let mut pdus = 0;
    let mut rest = octets;
    while !rest.is_empty() {
        pdus += 1;
        let whole = smppkit_wire::Header::read(rest)
            .map(|header| (header, header.command_length as usize))
            .filter(|(_, length)| (smppkit_wire::Header::OCTETS..=rest.len()).contains(length));
        let Some((header, length)) = whole else { break };
        each(header.command_id, header.command_status.0);
        rest = rest.get(length..).unwrap_or_default();
    }
    pdus
}

fn split(run: &Run, octets: &Bytes, from: u64, entries: &mut Vec<Entry>) {
    let mut at = 0;
    let mut number = run.number;
    while at < octets.len() {
        let rest = octets.get(at..).unwrap_or_default();
        let length = smppkit_wire::Header::read(rest)
            .map(|header| header.command_length as usize)
            .filter(|length| (smppkit_wire::Header::OCTETS..=rest.len()).contains(length))
            .unwrap_or(rest.len());
        if number >= from {
            entries.push(Entry {
                number,
                unix_ms: run.unix_ms,
                elapsed: run.elapsed,
                party: Arc::clone(&run.party),
                direction: run.direction,
                octets: octets.slice(at..at + length),
            });
        }
        at += length;
        number += 1;
    }
}

#[cfg(test)]
mod tests;
