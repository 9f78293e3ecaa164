//! In which order the targets of a rule are tried.

use core::hash::Hasher as _;

use serde::Serialize;

use crate::facts::Facts;
use crate::index::Fnv;
use crate::limits::TARGETS_LIMIT;
use crate::rule::{StickyBy, Strategy, Target};

/// What the caller knows about targets. All by name, at the moment of the choice.
pub trait Targets {
    /// Whether there is such a target. One that is gone is never chosen.
    fn exists(&self, name: &str) -> bool {
        let _ = name;
        true
    }

    /// Whether it can be sent to now.
    fn is_up(&self, name: &str) -> bool;

    /// Whether its throughput and window leave room for a message now.
    fn has_room(&self, name: &str) -> bool {
        let _ = name;
        true
    }

    /// Messages in flight and queued for it.
    fn load(&self, name: &str) -> u32 {
        let _ = name;
        0
    }
}

/// Where a rule sends to.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) ways: Vec<Way>,
    pub(crate) strategy: Strategy,
    pub(crate) sticky_by: Vec<StickyBy>,
    pub(crate) up_only: bool,
    pub(crate) spill: bool,
}

#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) name: Box<str>,
    pub(crate) weight: u32,
    pub(crate) cost: f64,
    /// Of the name.
    hash: u64,
}

/// How a target stands at the moment of the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Takes messages.
    Usable,
    /// Has no room, and the rule spills.
    Full,
    /// Is down, and the rule passes over targets that are.
    Down,
    /// Has weight 0.
    Drained,
    /// Does not exist.
    Gone,
}

/// How those that stand alike are put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    AsListed,
    ByCost,
    ByTurn,
    ByWeight,
    ByLoad,
    /// By a key that is the same for messages that go one way.
    ByKey(u64),
}

/// Places in [`Sending::ways`], in the order to try them: usable ones, full ones, those that are down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    at: [u8; TARGETS_LIMIT],
    len: u8,
}

impl Way {
    pub(crate) fn new(target: Target) -> Self {
        let Target { name, weight, cost } = target;
        Self { weight, cost: cost.unwrap_or_default(), hash: hash([name.as_bytes()]), name: name.into() }
    }
}

impl Sending {
    pub(crate) fn order(&self, facts: &Facts<'_>, targets: &dyn Targets, dice: u64) -> Places {
        let how = self.how(facts);
        let (mut usable, mut full, mut down) = (Places::NONE, Places::NONE, Places::NONE);
        for (at, way) in self.ways.iter().enumerate() {
            match self.standing(way, facts, targets) {
                Standing::Usable => usable.push(at as u8),
                Standing::Full => full.push(at as u8),
                Standing::Down => down.push(at as u8),
                Standing::Drained | Standing::Gone => {}
            }
        }
        for alike in [&mut usable, &mut full, &mut down] {
            self.arrange(alike.as_mut(), how, targets, dice);
        }
        for at in full.as_ref().iter().chain(down.as_ref()) {
            usable.push(*at);
        }
        usable
    }

    pub(crate) fn standing(&self, way: &Way, facts: &Facts<'_>, targets: &dyn Targets) -> Standing {
        let spill = || self.spill && !self.keeps_together(facts);
        match &*way.name {
            _ if way.weight == 0 => Standing::Drained,
            name if !targets.exists(name) => Standing::Gone,
            name if self.up_only && !targets.is_up(name) => Standing::Down,
            name if spill() && !targets.has_room(name) => Standing::Full,
            _ => Standing::Usable,
        }
    }

    /// Whether other messages are to go the same way. What has room changes from one to the next.
    pub(crate) fn keeps_together(&self, facts: &Facts<'_>) -> bool {
        self.strategy == Strategy::Sticky || reference(facts).is_some()
    }

    pub(crate) fn how(&self, facts: &Facts<'_>) -> How {
        match (self.strategy, reference(facts)) {
            (Strategy::Failover, _) => How::AsListed,
            (Strategy::LeastCost, _) => How::ByCost,
            (Strategy::Sticky, _) => How::ByKey(self.sticky_key(facts)),
            (_, Some(reference)) => How::ByKey(message_key(facts, reference)),
            (Strategy::RoundRobin, None) => How::ByTurn,
            (Strategy::Weighted, None) => How::ByWeight,
            (Strategy::LeastBusy, None) => How::ByLoad,
        }
    }

    fn sticky_key(&self, facts: &Facts<'_>) -> u64 {
        let all = [StickyBy::Account, StickyBy::Source, StickyBy::Destination];
        let by = if self.sticky_by.is_empty() { &all[..] } else { &self.sticky_by };
        let part = |wanted: StickyBy, octets| if by.contains(&wanted) { octets } else { &[][..] };
        hash([
            part(StickyBy::Account, origin(facts)),
            part(StickyBy::Source, facts.source.addr.as_bytes()),
            part(StickyBy::Destination, facts.destination.addr.as_bytes()),
        ])
    }

    fn arrange(&self, alike: &mut [u8], how: How, targets: &dyn Targets, dice: u64) {
        if alike.len() < 2 {
            return;
        }
        let way = |at: u8| &self.ways[usize::from(at)];
        match how {
            How::AsListed => {}
            How::ByCost => sort(alike, |at| way(at).cost),
            How::ByTurn => alike.rotate_left((dice % alike.len() as u64) as usize),
            How::ByWeight => self.draw(alike, dice),
            How::ByLoad => {
                // Of those that are alike in load, each has its turn.
                alike.rotate_left((dice % alike.len() as u64) as usize);
                sort(alike, |at| f64::from(targets.load(&way(at).name)) / f64::from(way(at).weight));
            }
            How::ByKey(key) => sort(alike, |at| {
                // Rendezvous hashing with weights: when a target comes or goes, only its own messages move.
                let chance = (mix(key ^ way(at).hash) >> 32) as u32;
                let chance = (f64::from(chance) + 1.0) / (f64::from(u32::MAX) + 2.0);
                -chance.ln() / f64::from(way(at).weight)
            }),
        }
    }

    /// One after the other by weight, none twice.
    fn draw(&self, alike: &mut [u8], mut dice: u64) {
        let weight = |at: u8| u64::from(self.ways[usize::from(at)].weight);
        let mut rest = alike;
        while rest.len() > 1 {
            let mut left = dice % rest.iter().map(|&at| weight(at)).sum::<u64>();
            let drawn = rest.iter().position(|&at| {
                let here = left < weight(at);
                left = left.saturating_sub(weight(at));
                here
            });
            rest.swap(0, drawn.unwrap_or(0));
            rest = &mut rest[1..];
            dice = mix(dice);
        }
    }
}

impl Places {
    const NONE: Self = Self { at: [0; TARGETS_LIMIT], len: 0 };

    fn push(&mut self, at: u8) {
        self.at[usize::from(self.len)] = at;
        self.len += 1;
    }

    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.at[..usize::from(self.len)]
    }
}

impl AsRef<[u8]> for Places {
    fn as_ref(&self) -> &[u8] {
        &self.at[..usize::from(self.len)]
    }
}

/// The lowest first; those alike stay in their order. Each is asked once, and nothing is allocated.
fn sort(places: &mut [u8], key: impl Fn(u8) -> f64) {
    let mut keys = [0.0; TARGETS_LIMIT];
    for end in 0..places.len() {
        let (place, its_key) = (places[end], key(places[end]));
        let mut at = end;
        while at > 0 && keys[at - 1] > its_key {
            keys[at] = keys[at - 1];
            places[at] = places[at - 1];
            at -= 1;
        }
        keys[at] = its_key;
        places[at] = place;
    }
}

/// The reference of a message in several parts.
fn reference(facts: &Facts<'_>) -> Option<u16> {
    facts.concatenation.filter(|&(_, total)| total > 1).map(|(reference, _)| reference)
}

/// What the parts of one message have in common.
fn message_key(facts: &Facts<'_>, reference: u16) -> u64 {
    let addresses = [facts.source.addr.as_bytes(), facts.destination.addr.as_bytes()];
    hash([origin(facts), addresses[0], addresses[1], &reference.to_be_bytes()])
}

/// Where a message comes from.
fn origin<'a>(facts: &Facts<'a>) -> &'a [u8] {
    facts.account.or(facts.connector).unwrap_or_default().as_bytes()
}

fn hash<const N: usize>(texts: [&[u8]; N]) -> u64 {
    let mut hasher = Fnv::default();
    for text in texts {
        hasher.write(text);
        // No address holds it: "ab" and "c" are not "a" and "bc".
        hasher.write_u8(0);
    }
    mix(hasher.finish())
}

/// Each bit of the input changes half of those of the output (the last steps of SplitMix64).
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}
