//! Which rules may be for a message, without asking all of them.

use core::hash::{BuildHasherDefault, Hasher};
use std::collections::HashMap;

use crate::condition::Condition;
use crate::facts::Facts;
use crate::field::TextField;

/// Rules by how an address or name begins. Each rule stands under one field only, the first of [`FIELDS`] in which
/// all its patterns begin with something; under none if there is no such field.
#[derive(Debug, Default)]
pub(crate) struct Index {
    fields: [Beginnings; FIELDS.len()],
    /// Rules that may be for any message.
    rest: Vec<u32>,
}

#[derive(Debug, Default)]
struct Beginnings {
    rules: HashMap<Box<[u8]>, Vec<u32>, BuildHasherDefault<Fnv>>,
    /// Bit `n`: there are beginnings of `n` octets.
    lengths: u32,
}

/// Rules that may be for one message, in their order.
pub(crate) struct Candidates<'t> {
    /// Each in order; a rule may stand in several.
    lists: [&'t [u32]; LISTS],
    count: usize,
}

/// Those that tell most messages apart come first.
const FIELDS: [TextField; 4] =
    [TextField::Destination, TextField::Source, TextField::Account, TextField::Connector];
/// Octets of a beginning that count: all of a telephone number (E.164 has 15 digits at most).
const DEPTH: usize = 15;
const LISTS: usize = FIELDS.len() * DEPTH + 1;

impl Index {
    /// Adds a rule behind all that are there.
    pub(crate) fn add(&mut self, rule: u32, conditions: &[Condition]) {
        let known: Vec<_> = conditions.iter().filter_map(Condition::beginnings).collect();
        let best = FIELDS.iter().enumerate().find_map(|(at, field)| {
            known.iter().find(|(known, _)| known == field).map(|(_, beginnings)| (at, beginnings))
        });
        match best {
            Some((at, beginnings)) => {
                for beginning in beginnings {
                    self.fields[at].add(rule, beginning.as_bytes());
                }
            }
            None => self.rest.push(rule),
        }
    }

    pub(crate) fn candidates<'t>(&'t self, facts: &Facts<'_>) -> Candidates<'t> {
        let mut candidates = Candidates { lists: [&[]; LISTS], count: 0 };
        candidates.add(&self.rest);
        for (field, beginnings) in FIELDS.iter().zip(&self.fields) {
            if let Some(text) = field.value(facts) {
                beginnings.look_up(text.as_bytes(), &mut candidates);
            }
        }
        candidates
    }
}

impl Beginnings {
    fn add(&mut self, rule: u32, beginning: &[u8]) {
        let beginning = beginning.get(..DEPTH).unwrap_or(beginning);
        self.lengths |= 1 << beginning.len();
        let rules = self.rules.entry(beginning.into()).or_default();
        if rules.last() != Some(&rule) {
            rules.push(rule);
        }
    }

    fn look_up<'t>(&'t self, text: &[u8], candidates: &mut Candidates<'t>) {
        let mut lengths = self.lengths;
        while lengths != 0 {
            let Some(beginning) = text.get(..lengths.trailing_zeros() as usize) else { return };
            lengths &= lengths - 1;
            if let Some(rules) = self.rules.get(beginning) {
                candidates.add(rules);
            }
        }
    }
}

impl<'t> Candidates<'t> {
    fn add(&mut self, rules: &'t [u32]) {
        if !rules.is_empty() {
            self.lists[self.count] = rules;
            self.count += 1;
        }
    }
}

impl Iterator for Candidates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let lists = &mut self.lists[..self.count];
        let next = lists.iter().filter_map(|list| list.first().copied()).min()?;
        for list in lists {
            if let Some((first, rest)) = list.split_first()
                && *first == next
            {
                *list = rest;
            }
        }
        Some(next as usize)
    }
}

/// FNV-1a: short keys, and what is in the map comes from the configuration, so that nobody can choose collisions.
#[derive(Debug)]
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, octets: &[u8]) {
        for &octet in octets {
            self.write_u8(octet);
        }
    }

    fn write_u8(&mut self, octet: u8) {
        self.0 = (self.0 ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01B3);
    }

    /// The length of a key, which is below [`DEPTH`] and needs one step only.
    fn write_usize(&mut self, length: usize) {
        self.write_u8(length as u8);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
