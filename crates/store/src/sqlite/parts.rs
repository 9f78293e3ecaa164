//! A map that grows bit by bit.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

/// A hash map in parts. When a map grows it moves all it has at once: a hundred thousand messages held a commit up for 40
/// ms. Here one part grows at a time, as the parts are of different sizes, from one share of the whole to nearly two.
#[derive(Debug)]
pub(super) struct Parts<K, V, S> {
    hasher: S,
    maps: Vec<Part<K, V, S>>,
    len: usize,
}

/// One of them, and how many entries it has room for when none was ever removed.
#[derive(Debug)]
struct Part<K, V, S> {
    map: HashMap<K, V, S>,
    room: usize,
}

impl<K: Eq + Hash, V, S: BuildHasher + Clone> Part<K, V, S> {
    /// Makes room where there is none. A map does not use again all the places of what was removed, and in the end doubles
    /// though as much leaves it as comes: over ten minutes all of them did. One that is not full is made anew as large as it was.
    fn make_room(&mut self) {
        if self.map.len() < self.map.capacity() {
            return;
        }
        if self.map.len() < self.room / 8 * 7 {
            let fresh = HashMap::with_capacity_and_hasher(self.room, self.map.hasher().clone());
            let old = std::mem::replace(&mut self.map, fresh);
            self.map.extend(old);
        } else {
            self.map.reserve(1);
        }
        self.room = self.map.capacity();
    }
}

impl<K, V, S: Clone + Default> Default for Parts<K, V, S> {
    fn default() -> Self {
        let hasher = S::default();
        let part = |_| Part { map: HashMap::with_hasher(hasher.clone()), room: 0 };
        let maps = (0..PARTS).map(part).collect();
        Self { hasher, maps, len: 0 }
    }
}

impl<K: Eq + Hash, V, S: BuildHasher + Clone> Parts<K, V, S> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.maps.get(self.part(key))?.map.get(key)
    }

    pub(super) fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let part = self.part(key);
        self.maps.get_mut(part)?.map.get_mut(key)
    }

    pub(super) fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let part = self.part(&key);
        let part = self.maps.get_mut(part)?;
        part.make_room();
        let old = part.map.insert(key, value);
        self.len += usize::from(old.is_none());
        old
    }

    pub(super) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let part = self.part(key);
        let old = self.maps.get_mut(part)?.map.remove(key)?;
        self.len -= 1;
        Some(old)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.maps.iter().flat_map(|part| part.map.keys())
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.maps.iter().flat_map(|part| part.map.values())
    }

    /// By bits of the hash that a part itself looks at last.
    fn part<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        let slot = (self.hasher.hash_one(key) >> 32) as usize % SLOTS;
        usize::from(PART_OF[slot])
    }
}

const PARTS: usize = 64;
/// Values of the hash that are told apart.
const SLOTS: usize = 1 << 10;

/// The first part gets 64 shares, the next 65, the last 127: each grows at another size of the whole.
const PART_OF: [u8; SLOTS] = {
    let mut part_of = [0; SLOTS];
    let whole = PARTS * PARTS + PARTS * (PARTS - 1) / 2;
    let (mut slot, mut part, mut end) = (0, 0, PARTS);
    while slot < SLOTS {
        while slot * whole / SLOTS >= end {
            part += 1;
            end += PARTS + part as usize;
        }
        part_of[slot] = part;
        slot += 1;
    }
    part_of
};

#[cfg(test)]
mod tests {
    use super::super::hash::{IdHasher, Seeded};
    use super::*;
    use std::hash::BuildHasherDefault;

    fn capacities<K, V, S>(parts: &Parts<K, V, S>) -> Vec<usize> {
        parts.maps.iter().map(|part| part.map.capacity()).collect()
    }

    /// Entries moved by the worst of so many insertions in a row.
    fn most_moved<K: Eq + Hash, S: BuildHasher + Clone + Default>(keys: impl Iterator<Item = K>) -> usize {
        let mut parts = Parts::<K, u64, S>::default();
        let mut worst = 0;
        let mut keys = keys.peekable();
        while keys.peek().is_some() {
            let before = capacities(&parts);
            for key in keys.by_ref().take(100) {
                parts.insert(key, 0);
            }
            let after = capacities(&parts);
            let moved = parts.maps.iter().zip(before.iter().zip(after));
            let moved =
                moved.filter(|(_, (before, after))| *before < after).map(|(part, _)| part.map.len()).sum();
            worst = worst.max(moved);
        }
        worst
    }

    #[test]
    fn a_hundred_insertions_move_few_of_a_hundred_thousand() {
        let numbers = most_moved::<u64, BuildHasherDefault<IdHasher>>(0..100_000);
        let texts = most_moved::<String, Seeded>((0..100_000).map(|n| format!("{n:08x}")));
        assert!(numbers < 8_000 && texts < 8_000, "{numbers} and {texts} entries moved");
    }

    #[test]
    fn as_much_coming_as_leaving_makes_it_no_larger() {
        let mut parts = Parts::<u64, u64, BuildHasherDefault<IdHasher>>::default();
        let mut rooms = Vec::new();
        for n in 0..240_000 {
            parts.insert(n, n);
            if n >= 12_000 {
                parts.remove(&(n - 12_000));
            }
            if n % 12_000 == 0 {
                rooms.push(parts.maps.iter().map(|part| part.room).sum::<usize>());
            }
        }
        let (second, last) = (rooms[2], rooms[19]);
        assert!(10 * last <= 11 * second, "{rooms:?}");
    }

    #[test]
    fn it_is_a_map() {
        let mut parts = Parts::<u64, u64, BuildHasherDefault<IdHasher>>::default();
        assert!((0..1_000).all(|n| parts.insert(n, n).is_none()));
        assert_eq!(parts.insert(7, 70), Some(7));
        assert_eq!((parts.len(), parts.get(&7)), (1_000, Some(&70)));
        assert_eq!((parts.remove(&7), parts.get(&7)), (Some(70), None));
        assert_eq!((parts.len(), parts.remove(&7), parts.contains_key(&7)), (999, None, false));
        *parts.get_mut(&8).unwrap() += 1;
        assert_eq!(parts.values().sum::<u64>(), 999 * 1_000 / 2 - 7 + 1);
        assert_eq!(parts.keys().count(), 999);
    }

    #[test]
    fn the_last_part_is_nearly_twice_the_first() {
        let count = |part| PART_OF.iter().map(|of| usize::from(*of == part)).sum::<usize>();
        assert!((10..=11).contains(&count(0)) && (20..=22).contains(&count(63)), "{PART_OF:?}");
    }
}
