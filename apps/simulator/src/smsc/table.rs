//! Messages by number: a ring of the latest, and those beyond it that still wait for something.

use std::collections::{HashMap, VecDeque};

use super::message::Message;

/// A bounded memory of messages. Numbers are given out one after another.
#[derive(Debug)]
pub(crate) struct Table {
    ring: VecDeque<Message>,
    /// The number of the ring's front.
    base: u32,
    kept: HashMap<u32, Message>,
    ring_limit: usize,
    kept_limit: usize,
}

impl Table {
    pub(crate) fn new(first: u32, ring_limit: usize, kept_limit: usize) -> Self {
        Self {
            ring: VecDeque::new(),
            base: first,
            kept: HashMap::new(),
            ring_limit: ring_limit.max(1),
            kept_limit,
        }
    }

    /// The number the next message gets.
    pub(crate) fn next(&self) -> u32 {
        self.base.wrapping_add(self.ring.len() as u32)
    }

    /// Whether another message that waits for something would be too many.
    pub(crate) fn is_full(&self) -> bool {
        self.kept.len() >= self.kept_limit
    }

    /// Takes the next message; forgets, or sets aside, the oldest.
    pub(crate) fn push(&mut self, message: Message) {
        self.ring.push_back(message);
        while self.ring.len() > self.ring_limit {
            let number = self.base;
            self.base = self.base.wrapping_add(1);
            if let Some(message) = self.ring.pop_front()
                && message.pending
            {
                self.kept.insert(number, message);
            }
        }
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Message> {
        self.ring.get(number.wrapping_sub(self.base) as usize).or_else(|| self.kept.get(&number))
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Message> {
        match self.ring.get_mut(number.wrapping_sub(self.base) as usize) {
            Some(message) => Some(message),
            None => self.kept.get_mut(&number),
        }
    }

    /// Nothing is to happen with it any more.
    pub(crate) fn settle(&mut self, number: u32) {
        if let Some(message) = self.get_mut(number) {
            message.pending = false;
        }
        self.kept.remove(&number);
    }

    /// All messages, the latest first.
    pub(crate) fn latest(&self) -> impl Iterator<Item = &Message> {
        self.ring.iter().rev().chain(self.kept.values())
    }

    /// All messages with their numbers, the oldest of the ring first.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (u32, &Message)> {
        let ring =
            self.ring.iter().enumerate().map(|(at, message)| (self.base.wrapping_add(at as u32), message));
        self.kept.iter().map(|(number, message)| (*number, message)).chain(ring)
    }

    /// How many are remembered.
    pub(crate) fn len(&self) -> usize {
        self.ring.len() + self.kept.len()
    }
}
