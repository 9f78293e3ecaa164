//! Cheap hashes for what is looked up with every message. No order of a map is ever relied upon.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Of texts that a peer chooses: every map has a seed of its own, so that no choice of remote ids
/// makes them all fall together.
#[derive(Clone, Debug)]
pub(super) struct Seeded(u64);

impl Default for Seeded {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0))
    }
}

impl BuildHasher for Seeded {
    type Hasher = Mixer;

    fn build_hasher(&self) -> Mixer {
        Mixer(self.0)
    }
}

/// Eight octets a step, each folded in by a multiplication to 128 bits.
#[derive(Debug)]
pub(super) struct Mixer(u64);

impl Mixer {
    fn mix(&mut self, number: u64) {
        let product = u128::from(self.0 ^ number) * u128::from(FACTOR);
        self.0 = (product as u64) ^ ((product >> 64) as u64) ^ number.rotate_left(32);
    }
}

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        let (eights, rest) = octets.as_chunks::<8>();
        for eight in eights {
            self.mix(u64::from_le_bytes(*eight));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        self.mix(u64::from_le_bytes(last) ^ ((octets.len() as u64) << 56));
    }

    fn write_u8(&mut self, number: u8) {
        self.mix(u64::from(number));
    }
}

/// Of our ids, which differ in their low bits: one multiplication spreads them. The same in every run.
#[derive(Debug, Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.write_u64(u64::from(*octet));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

/// Odd, and half of its bits set.
const FACTOR: u64 = 0xA076_1D64_78BD_642F;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn texts_that_differ_little_spread_over_all_buckets() {
        let hash = Seeded::default();
        let texts = (0..20_000_u32).flat_map(|n| [format!("{n:x}"), format!("00000000{n}")]);
        let all: HashSet<String> = texts.collect();
        let hashes: HashSet<u64> = all.iter().map(|text| hash.hash_one(text.as_str())).collect();
        assert_eq!(hashes.len(), all.len());
        let mut buckets = [0_u32; 256];
        for hash in hashes {
            buckets[(hash & 0xFF) as usize] += 1;
            buckets[(hash >> 56) as usize] += 1;
        }
        let mean = u32::try_from(2 * all.len() / 256).unwrap();
        assert!(buckets.iter().all(|count| (mean / 2..mean * 2).contains(count)), "{buckets:?}");
    }

    #[test]
    fn each_map_has_a_seed_of_its_own() {
        assert_ne!(Seeded::default().hash_one("7F"), Seeded::default().hash_one("7F"));
    }
}
