//! A table with a limit that always has room: the least recently touched makes way.

use core::hash::Hash;
use core::time::Duration;
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

/// What is remembered of each key, until it is forgotten or makes way.
///
/// Entries may be held until an instant: those make way only when there is nothing else, the one
/// whose time is up first going first.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    limit: usize,
    entries: HashMap<K, Entry<V>>,
    /// By when they were touched.
    idle: BTreeMap<Order, K>,
    /// By until when they are held.
    held: BTreeMap<Order, K>,
    touches: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    touched: Order,
    held: Option<Order>,
}

/// An instant, and a number of its own for each touch.
type Order = (Instant, u64);

impl<K: Copy + Eq + Hash, V> Table<K, V> {
    /// With room for so many, 1 at least.
    pub(super) fn new(limit: usize) -> Self {
        let (idle, held) = (BTreeMap::new(), BTreeMap::new());
        Self { limit: limit.max(1), entries: HashMap::new(), idle, held, touches: 0 }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// Writes a value, and holds it until an instant if there is one. Makes room first if needed.
    pub(super) fn touch(&mut self, now: Instant, key: K, value: V, held_until: Option<Instant>) {
        self.remove(&key);
        self.release(now);
        while self.entries.len() >= self.limit {
            self.make_way();
        }
        self.touches += 1;
        let touched = (now, self.touches);
        let held = held_until.filter(|until| *until > now).map(|until| (until, self.touches));
        match held {
            Some(order) => self.held.insert(order, key),
            None => self.idle.insert(touched, key),
        };
        self.entries.insert(key, Entry { value, touched, held });
    }

    pub(super) fn remove(&mut self, key: &K) {
        if let Some(entry) = self.entries.remove(key) {
            match entry.held {
                Some(order) => self.held.remove(&order),
                None => self.idle.remove(&entry.touched),
            };
        }
    }

    /// Forgets what was not touched for so long and is not held.
    pub(super) fn forget(&mut self, now: Instant, after: Duration) {
        self.release(now);
        while let Some((&(touched, _), _)) = self.idle.first_key_value()
            && now.saturating_duration_since(touched) >= after
        {
            self.make_way();
        }
    }

    /// A new limit, at once.
    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit.max(1);
        while self.entries.len() > self.limit {
            self.make_way();
        }
    }

    /// Those whose time is up are held no longer.
    fn release(&mut self, now: Instant) {
        while let Some(first) = self.held.first_entry().filter(|first| first.key().0 <= now) {
            let key = first.remove();
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.held = None;
                self.idle.insert(entry.touched, key);
            }
        }
    }

    fn make_way(&mut self) {
        let first = self.idle.pop_first().or_else(|| self.held.pop_first());
        if let Some((_, key)) = first {
            self.entries.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(table: &Table<u8, ()>) -> Vec<u8> {
        let mut keys: Vec<u8> = table.entries.keys().copied().collect();
        keys.sort_unstable();
        assert_eq!(table.idle.len() + table.held.len(), table.len());
        keys
    }

    #[test]
    fn the_least_recently_touched_makes_way_and_the_held_last() {
        let now = Instant::now();
        let at = |secs| now + Duration::from_secs(secs);
        let mut table = Table::new(3);
        table.touch(at(0), 1, (), Some(at(100)));
        table.touch(at(1), 2, (), None);
        table.touch(at(2), 3, (), None);
        table.touch(at(3), 2, (), None);
        table.touch(at(4), 4, (), Some(at(50)));
        assert_eq!(keys(&table), [1, 2, 4], "3 was the oldest that was not held");
        table.touch(at(5), 5, (), Some(at(60)));
        table.touch(at(6), 6, (), Some(at(70)));
        assert_eq!(keys(&table), [1, 5, 6], "2, then 4, whose time is up first");
        table.touch(at(80), 7, (), None);
        assert_eq!(keys(&table), [1, 6, 7], "5 is held no longer");
        table.set_limit(1);
        assert_eq!(keys(&table), [1]);
    }

    #[test]
    fn what_is_old_is_forgotten_unless_it_is_held() {
        let now = Instant::now();
        let at = |secs| now + Duration::from_secs(secs);
        let mut table = Table::new(9);
        table.touch(at(0), 1, (), Some(at(100)));
        table.touch(at(1), 2, (), None);
        table.touch(at(2), 3, (), None);
        table.forget(at(11), Duration::from_secs(10));
        assert_eq!(keys(&table), [1, 3]);
        table.forget(at(100), Duration::from_secs(10));
        assert_eq!(keys(&table), [0_u8; 0]);
    }
}
