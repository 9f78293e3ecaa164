//! Joining the parts of long messages in bounded memory (3GPP 23.040, 9.2.3.24.1).

mod limits;

use core::hash::Hash;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

pub use limits::{Counts, Limits, Load};

use crate::udh::Concatenation;

/// Parts that wait for the rest of their message.
///
/// `K` tells messages apart and should hold the account, both addresses, the reference, its width and the total
/// (3GPP 23.040, 9.2.3.24.1). `G` is who answers for the room a message takes, such as the account: each group has
/// limits of its own, so one that sends parts without end drops its own messages first. `P` is a part as the caller
/// keeps it; the octets of its slice are what is counted.
///
/// No more than the [`Limits`] is ever held, keys and room inside `P` beyond its slice apart: cut a part
/// out of a larger buffer before offering it. To make room, and when its time is up, the oldest message is dropped,
/// counted, and handed back with its parts, which a relay that has answered for them must still send on.
#[derive(Debug)]
pub struct Reassembly<G, K, P = Vec<u8>> {
    limits: Limits,
    /// Keys are shared with `by_age`, since their addresses can take more room than a part.
    messages: HashMap<Arc<K>, Message<G, P>>,
    /// Keys by age: serial numbers grow with each new message.
    by_age: BTreeMap<u64, Arc<K>>,
    groups: HashMap<G, Group>,
    held: Load,
    next_serial: u64,
    counts: Counts,
}

/// What became of a part, and of others because of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered<G, K, P> {
    /// What became of the part.
    pub outcome: Outcome<P>,
    /// Messages given up before or to make room, oldest first; nearly always none.
    pub dropped: Vec<Dropped<G, K, P>>,
}

/// What became of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<P> {
    /// It was the last one missing: all parts in order.
    Complete(Vec<P>),
    /// It is held; more are missing.
    Waiting {
        /// Parts still missing.
        missing: u8,
    },
    /// The same part is held already; the one held stays.
    Duplicate(P),
    /// It is not held, and the table is as before: the part is the caller's to deal with.
    Refused(P, Refusal),
}

/// Why a part is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// Its message alone would pass a limit, even with everything else dropped.
    TooLarge,
    /// Parts held under the same key belong to a message of another number of parts.
    TotalDiffers,
}

/// A message given up incomplete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped<G, K, P> {
    /// Group it was counted in.
    pub group: G,
    /// Its key.
    pub key: K,
    /// Parts the whole would have had.
    pub total: u8,
    /// The parts that came, with their sequence numbers, in order.
    pub parts: Vec<(u8, P)>,
    /// Why it was given up.
    pub cause: DropCause,
}

/// Why a message was given up incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropCause {
    /// Its parts did not all come within the time limit.
    Time,
    /// It was the oldest of its group, and the group had reached a limit.
    GroupRoom,
    /// It was the oldest of all, and the table had reached a limit.
    Room,
}

impl<G: Eq + Hash + Clone, K: Eq + Hash + Clone, P: AsRef<[u8]>> Reassembly<G, K, P> {
    /// Holds nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            messages: HashMap::new(),
            by_age: BTreeMap::new(),
            groups: HashMap::new(),
            held: Load::default(),
            next_serial: 0,
            counts: Counts::default(),
        }
    }

    /// Takes a part that arrived at `now`, counted from any moment that stays the same; parts may come in any order.
    ///
    /// A part that repeats after its message was complete starts a new message, which time then drops.
    pub fn offer(
        &mut self,
        group: G,
        key: K,
        place: Concatenation,
        part: P,
        now: Duration,
    ) -> Offered<G, K, P> {
        let mut dropped = self.expire(now);
        let outcome = match self.position(&key, place) {
            Ok(at) => self.admit(Arrival { group, key, place, at, part, now }, &mut dropped),
            Err(Misfit::Duplicate) => {
                self.counts.duplicates += 1;
                Outcome::Duplicate(part)
            }
            Err(Misfit::Total) => self.refuse(part, Refusal::TotalDiffers),
        };
        Offered { outcome, dropped }
    }

    /// Gives up messages whose first part came longer ago than the time limit, oldest first.
    pub fn expire(&mut self, now: Duration) -> Vec<Dropped<G, K, P>> {
        let mut dropped = Vec::new();
        while self.next_deadline().is_some_and(|deadline| deadline <= now) {
            let oldest = self.by_age.first_key_value().map(|(_, key)| Arc::clone(key));
            dropped.extend(oldest.and_then(|key| self.drop_message(key, DropCause::Time)));
        }
        dropped
    }

    /// When [`expire`](Self::expire) will next have something to give up; `None` while nothing is held.
    pub fn next_deadline(&self) -> Option<Duration> {
        let (_, key) = self.by_age.first_key_value()?;
        self.messages.get(key).map(|message| message.since.saturating_add(self.limits.time))
    }

    /// What is held now; never above the limits.
    pub fn held(&self) -> Load {
        self.held
    }

    /// What is held now for one group.
    pub fn held_for(&self, group: &G) -> Load {
        self.groups.get(group).map_or_else(Load::default, |group| group.held)
    }

    /// What has happened since the start.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Where a part goes among those of its message.
    fn position(&self, key: &K, place: Concatenation) -> Result<usize, Misfit> {
        let Some(message) = self.messages.get(key) else { return Ok(0) };
        if message.total != place.total() {
            return Err(Misfit::Total);
        }
        match message.parts.binary_search_by_key(&place.sequence(), |&(sequence, _)| sequence) {
            Ok(_) => Err(Misfit::Duplicate),
            Err(at) => Ok(at),
        }
    }

    fn admit(&mut self, mut new: Arrival<G, K, P>, dropped: &mut Vec<Dropped<G, K, P>>) -> Outcome<P> {
        let message = self.messages.get(&new.key);
        let missing = new.place.total() - message.map_or(0, |message| message.parts.len() as u8) - 1;
        if missing == 0 {
            return self.complete(new);
        }
        let size = Load { messages: 0, parts: 1, octets: new.part.as_ref().len() };
        let alone = message.map_or(Load { messages: 1, ..Load::default() }, Message::held) + size;
        // A message that could never be whole within the limits is not begun; its last part is never held.
        let whole = Load { parts: usize::from(new.place.total()) - 1, ..alone };
        if !self.limits.allow(whole) || !self.limits.allow_group(whole) {
            return self.refuse(new.part, Refusal::TooLarge);
        }
        let (serial, added) = match message {
            Some(message) => {
                // Where a message is counted is settled by its first part.
                new.group = message.group.clone();
                (message.serial, size)
            }
            None => (self.next_serial, Load { messages: 1, ..size }),
        };
        self.make_room(serial, &new.group, added, dropped);
        self.hold(new, serial, added);
        Outcome::Waiting { missing }
    }

    fn complete(&mut self, new: Arrival<G, K, P>) -> Outcome<P> {
        self.counts.completed += 1;
        let mut parts = self.remove(&new.key).map_or_else(Vec::new, |message| message.parts);
        parts.insert(new.at, (new.place.sequence(), new.part));
        Outcome::Complete(parts.into_iter().map(|(_, part)| part).collect())
    }

    fn refuse(&mut self, part: P, refusal: Refusal) -> Outcome<P> {
        self.counts.refused += 1;
        Outcome::Refused(part, refusal)
    }

    /// Drops the oldest messages but that of `serial` until `added` fits, first within the group, then in all.
    fn make_room(&mut self, serial: u64, group: &G, added: Load, dropped: &mut Vec<Dropped<G, K, P>>) {
        while !self.limits.allow_group(self.held_for(group) + added) {
            let serials = self.groups.get(group).map(|group| &group.serials);
            let oldest = serials.and_then(|serials| serials.iter().copied().find(|&other| other != serial));
            let key = oldest.and_then(|oldest| self.by_age.get(&oldest).map(Arc::clone));
            let Some(key) = key else { break };
            dropped.extend(self.drop_message(key, DropCause::GroupRoom));
        }
        while !self.limits.allow(self.held + added) {
            let oldest = self.by_age.iter().find(|&(&other, _)| other != serial);
            let Some(key) = oldest.map(|(_, key)| Arc::clone(key)) else { break };
            dropped.extend(self.drop_message(key, DropCause::Room));
        }
    }

    fn hold(&mut self, new: Arrival<G, K, P>, serial: u64, added: Load) {
        let part = (new.place.sequence(), new.part);
        if let Some(message) = self.messages.get_mut(&new.key) {
            message.octets += added.octets;
            message.parts.insert(new.at, part);
        } else {
            self.next_serial += 1;
            let key = Arc::new(new.key);
            self.by_age.insert(serial, Arc::clone(&key));
            let message = Message {
                serial,
                group: new.group.clone(),
                since: new.now,
                total: new.place.total(),
                octets: added.octets,
                parts: Vec::from([part]),
            };
            self.messages.insert(key, message);
        }
        self.held = self.held + added;
        let group = self.groups.entry(new.group).or_default();
        group.held = group.held + added;
        group.serials.insert(serial);
    }

    fn drop_message(&mut self, key: Arc<K>, cause: DropCause) -> Option<Dropped<G, K, P>> {
        let message = self.remove(&key)?;
        match cause {
            DropCause::Time => self.counts.dropped_by_time += 1,
            DropCause::GroupRoom => self.counts.dropped_for_group_room += 1,
            DropCause::Room => self.counts.dropped_for_room += 1,
        }
        let Message { group, total, parts, .. } = message;
        Some(Dropped { group, key: Arc::unwrap_or_clone(key), total, parts, cause })
    }

    fn remove(&mut self, key: &K) -> Option<Message<G, P>> {
        let message = self.messages.remove(key)?;
        let gone = message.held();
        self.by_age.remove(&message.serial);
        self.held = self.held - gone;
        if let Some(group) = self.groups.get_mut(&message.group) {
            group.held = group.held - gone;
            group.serials.remove(&message.serial);
            if group.serials.is_empty() {
                self.groups.remove(&message.group);
            }
        }
        Some(message)
    }
}

/// Parts of one message so far.
#[derive(Debug)]
struct Message<G, P> {
    serial: u64,
    group: G,
    /// When the first part came.
    since: Duration,
    total: u8,
    octets: usize,
    /// Sequence number and part, ascending. Grows as parts come: room for the total could be 255 times too much.
    parts: Vec<(u8, P)>,
}

impl<G, P> Message<G, P> {
    fn held(&self) -> Load {
        Load { messages: 1, parts: self.parts.len(), octets: self.octets }
    }
}

#[derive(Debug, Default)]
struct Group {
    held: Load,
    /// Its messages, oldest first.
    serials: BTreeSet<u64>,
}

/// A part on its way in.
struct Arrival<G, K, P> {
    group: G,
    key: K,
    place: Concatenation,
    /// Position among the parts held of its message.
    at: usize,
    part: P,
    now: Duration,
}

enum Misfit {
    Duplicate,
    Total,
}
