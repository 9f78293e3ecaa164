//! Messages by number: a ring of the latest, and those beyond it that still wait for something.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use super::message::Message;

/// A bounded memory of messages. Numbers are given out one after another.
#[derive(Debug)]
pub(crate) struct Table {
    ring: VecDeque<Message>,
    /// The number of the ring's front.
    base: u32,
    kept: HashMap<u32, Message>,
    limits: TableLimits,
    /// User data of all messages.
    octets: usize,
    /// User data of those that are kept beyond the ring.
    kept_octets: usize,
}

/// How much is remembered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableLimits {
    /// Messages in the ring.
    pub(crate) ring: usize,
    /// Messages beyond it that wait for something.
    pub(crate) kept: usize,
    /// User data, in the ring and beyond it alike.
    pub(crate) octets: usize,
}

impl Table {
    pub(crate) fn new(first: u32, limits: TableLimits) -> Self {
        Self { ring: VecDeque::new(), base: first, kept: HashMap::new(), limits, octets: 0, kept_octets: 0 }
    }

    /// Keeps so much from the next message on.
    pub(crate) fn set_limits(&mut self, limits: TableLimits) {
        self.limits = limits;
    }

    /// The number the next message gets.
    pub(crate) fn next(&self) -> u32 {
        self.base.wrapping_add(self.ring.len() as u32)
    }

    /// Whether another message that waits for something would be too many.
    pub(crate) fn is_full(&self) -> bool {
        self.kept.len() >= self.limits.kept || self.kept_octets >= self.limits.octets
    }

    /// Takes the next message; forgets, or sets aside, the oldest.
    pub(crate) fn push(&mut self, message: Message) {
        self.octets += message.user_data.len();
        self.ring.push_back(message);
        while self.ring.len() > self.limits.ring.max(1)
            || (self.octets - self.kept_octets > self.limits.octets && self.ring.len() > 1)
        {
            let number = self.base;
            self.base = self.base.wrapping_add(1);
            let Some(message) = self.ring.pop_front() else { return };
            if message.pending {
                self.kept_octets += message.user_data.len();
                self.kept.insert(number, message);
            } else {
                self.octets -= message.user_data.len();
            }
        }
    }

    /// Gives a message another text.
    pub(crate) fn set_user_data(&mut self, number: u32, user_data: Bytes) {
        let kept = self.kept.contains_key(&number);
        let Some(message) = self.get_mut(number) else { return };
        let (before, after) = (message.user_data.len(), user_data.len());
        message.user_data = user_data;
        self.octets = self.octets + after - before;
        if kept {
            self.kept_octets = self.kept_octets + after - before;
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
        if let Some(message) = self.kept.remove(&number) {
            self.octets -= message.user_data.len();
            self.kept_octets -= message.user_data.len();
        }
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
