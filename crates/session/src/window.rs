//! Requests sent and not yet answered, by sequence_number.
//!
//! Numbers are given out one after another and most answers come in order, so a ring indexed by
//! the distance from its oldest number finds an answer's request at once. Requests that stay
//! unanswered while the ring moves on are set aside, which bounds the ring whatever the peer does.

use std::collections::VecDeque;
use std::time::Instant;

/// A request on its way.
#[derive(Debug)]
pub(crate) struct Slot<T> {
    /// Whose it is.
    pub(crate) purpose: Purpose<T>,
    /// Its command_id, which the answer's must match.
    pub(crate) command_id: u32,
    /// When it was sent.
    pub(crate) sent: Instant,
    /// When it counts as failed.
    pub(crate) deadline: Option<Instant>,
}

/// Whose request it is.
#[derive(Debug)]
pub(crate) enum Purpose<T> {
    /// The application's, with what it gave.
    Application(T),
    /// A bind.
    Bind,
    /// An unbind.
    Unbind,
    /// An enquire_link.
    EnquireLink,
}

/// All requests on their way.
#[derive(Debug)]
pub(crate) struct Window<T> {
    /// From `base` on, one place for each number given out; taken ones are `None`.
    ring: VecDeque<Option<Slot<T>>>,
    /// The number of the ring's front.
    base: u32,
    /// Older than the ring, oldest first.
    stragglers: Vec<(u32, Slot<T>)>,
    /// The application's requests among all.
    in_flight: u32,
    next: u32,
}

/// The highest sequence_number; after it comes 1, never 0 (SMPP 5.0, 4.7.24).
pub(crate) const HIGHEST: u32 = 0x7FFF_FFFF;
/// Places beyond which the ring sets its oldest request aside.
const RING_LIMIT: usize = 4_096;

impl<T> Window<T> {
    pub(crate) const fn new(first: u32) -> Self {
        Self { ring: VecDeque::new(), base: first, stragglers: Vec::new(), in_flight: 0, next: first }
    }

    /// Goes on from another number; without effect while requests are on their way.
    pub(crate) fn go_on_from(&mut self, next: u32) {
        if self.ring.is_empty() && self.stragglers.is_empty() {
            self.next = next.clamp(1, HIGHEST);
        }
    }

    /// The application's requests that wait.
    pub(crate) const fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// The next number, for a PDU that gets no answer.
    pub(crate) fn skip(&mut self) -> u32 {
        let number = self.number();
        self.ring.push_back(None);
        self.trim();
        number
    }

    /// Remembers a request and gives it its number.
    pub(crate) fn insert(&mut self, slot: Slot<T>) -> u32 {
        let number = self.number();
        self.in_flight += u32::from(matches!(slot.purpose, Purpose::Application(_)));
        self.ring.push_back(Some(slot));
        self.trim();
        number
    }

    /// The request that an answer belongs to.
    pub(crate) fn take(&mut self, number: u32) -> Option<Slot<T>> {
        // A straggler's number may have come round again and been passed over: its place is empty.
        let in_ring = self.ring.get_mut(distance(self.base, number)).and_then(Option::take);
        let slot = if let Some(slot) = in_ring {
            slot
        } else {
            let at = self.stragglers.iter().position(|(straggler, _)| *straggler == number)?;
            self.stragglers.remove(at).1
        };
        self.in_flight -= u32::from(matches!(slot.purpose, Purpose::Application(_)));
        self.trim();
        Some(slot)
    }

    /// What command waits under a number.
    pub(crate) fn command_id(&self, number: u32) -> Option<u32> {
        let in_ring = self.ring.get(distance(self.base, number)).and_then(Option::as_ref);
        let straggling = || self.stragglers.iter().find(|(straggler, _)| *straggler == number);
        in_ring.or_else(|| straggling().map(|(_, slot)| slot)).map(|slot| slot.command_id)
    }

    /// When the oldest request fails. All wait equally long, so none fails before it.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let oldest = self.stragglers.first().map(|(_, slot)| slot);
        oldest.or_else(|| self.ring.front().and_then(Option::as_ref))?.deadline
    }

    /// The oldest request, if its time has come.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Slot<T>> {
        if self.deadline()? > now {
            return None;
        }
        let number = self.stragglers.first().map_or(self.base, |(number, _)| *number);
        self.take(number)
    }

    /// The oldest request, whatever its time: for when the session ends.
    pub(crate) fn pop(&mut self) -> Option<Slot<T>> {
        let number = self.stragglers.first().map_or(self.base, |(number, _)| *number);
        self.take(number)
    }

    /// Gives out a number: never 0, never one that a straggler still has.
    fn number(&mut self) -> u32 {
        loop {
            let number = self.next;
            self.next = if number >= HIGHEST { 1 } else { number + 1 };
            if self.ring.is_empty() {
                self.base = number;
            }
            if !self.stragglers.iter().any(|(straggler, _)| *straggler == number) {
                return number;
            }
            if !self.ring.is_empty() {
                self.ring.push_back(None);
            }
        }
    }

    /// Drops answered places from the front, and sets the oldest request aside when the ring is long.
    fn trim(&mut self) {
        loop {
            let long = self.ring.len() > RING_LIMIT;
            let Some(front) = self.ring.front_mut() else { return };
            if front.is_some() && !long {
                return;
            }
            if let Some(slot) = front.take() {
                self.stragglers.push((self.base, slot));
            }
            self.ring.pop_front();
            self.base = if self.base >= HIGHEST { 1 } else { self.base + 1 };
        }
    }
}

/// How many numbers lie from one to another, around the top.
const fn distance(from: u32, to: u32) -> usize {
    if to == 0 || to > HIGHEST {
        return usize::MAX;
    }
    (if to >= from { to - from } else { to + (HIGHEST - from) }) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn slot(now: Instant, token: u32) -> Slot<u32> {
        Slot {
            purpose: Purpose::Application(token),
            command_id: 4,
            sent: now,
            deadline: Some(now + Duration::from_secs(1)),
        }
    }

    fn token(slot: Option<Slot<u32>>) -> Option<u32> {
        match slot?.purpose {
            Purpose::Application(token) => Some(token),
            _ => None,
        }
    }

    #[test]
    fn numbers_wrap_from_the_top_to_one_and_answers_still_match() {
        let now = Instant::now();
        let mut window = Window::new(HIGHEST - 1);
        let numbers: Vec<u32> = (0..4).map(|n| window.insert(slot(now, n))).collect();
        assert_eq!(numbers, [HIGHEST - 1, HIGHEST, 1, 2]);
        for (at, number) in numbers.iter().enumerate().rev() {
            assert_eq!(token(window.take(*number)), Some(at as u32));
        }
        assert_eq!(window.in_flight(), 0);
        assert!(window.take(0).is_none() && window.take(u32::MAX).is_none());
    }

    #[test]
    fn an_unanswered_request_is_set_aside_and_its_number_not_given_twice() {
        let now = Instant::now();
        let mut window = Window::new(1);
        let forgotten = window.insert(slot(now, 7));
        for n in 0..3 * RING_LIMIT as u32 {
            let number = window.insert(slot(now, n));
            assert!(window.take(number).is_some());
            assert!(window.ring.len() <= RING_LIMIT + 1);
        }
        window.next = forgotten;
        assert_ne!(window.insert(slot(now, 8)), forgotten);
        assert_eq!(window.in_flight(), 2);
        assert_eq!(token(window.take(forgotten)), Some(7));
    }

    #[test]
    fn a_straggler_whose_number_comes_round_again_can_still_be_answered_and_expire() {
        let now = Instant::now();
        let mut window = Window::new(1);
        let forgotten = window.insert(slot(now, 7));
        for _ in 0..RING_LIMIT {
            let number = window.insert(slot(now, 0));
            window.take(number);
        }
        // Half a day later: the numbers have gone round, and one request is waiting as they pass.
        window.next = HIGHEST;
        window.insert(slot(now, 8));
        window.insert(slot(now, 9));
        assert_eq!(window.command_id(forgotten), Some(4));
        assert_eq!(token(window.pop()), Some(7));
        assert_eq!((token(window.pop()), token(window.pop())), (Some(8), Some(9)));
        assert!(window.pop().is_none() && window.in_flight() == 0);
    }

    #[test]
    fn the_oldest_expires_first() {
        let now = Instant::now();
        let mut window = Window::new(1);
        window.insert(slot(now, 1));
        window.insert(slot(now + Duration::from_millis(500), 2));
        let later = now + Duration::from_secs(1);
        assert_eq!(token(window.expire(later)), Some(1));
        assert_eq!(token(window.expire(later)), None);
        assert_eq!(window.deadline(), Some(later + Duration::from_millis(500)));
    }
}
