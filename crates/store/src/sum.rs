//! The checksum of what lies on the disk.

/// One lane of XXH64, eight octets a step. Each step can be undone, so whatever is changed within one
/// step's octets changes the sum for certain. A CRC-32 by tables took nearly twice as long.
#[derive(Debug)]
pub(crate) struct Sum(u64);

impl Sum {
    pub(crate) fn new() -> Self {
        Self(PRIME_2)
    }

    pub(crate) fn number(&mut self, number: Option<i64>) {
        self.eight(number.unwrap_or(NONE).cast_unsigned());
    }

    pub(crate) fn octets(&mut self, octets: Option<&[u8]>) {
        self.number(octets.and_then(|octets| i64::try_from(octets.len()).ok()));
        let (eights, rest) = octets.unwrap_or_default().as_chunks::<8>();
        for eight in eights {
            self.eight(u64::from_le_bytes(*eight));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            for (to, from) in last.iter_mut().zip(rest) {
                *to = *from;
            }
            self.eight(u64::from_le_bytes(last));
        }
    }

    fn eight(&mut self, octets: u64) {
        let mixed = self.0.wrapping_add(octets.wrapping_mul(PRIME_2));
        self.0 = mixed.rotate_left(31).wrapping_mul(PRIME_1);
    }

    pub(crate) fn value(&self) -> i64 {
        self.0.cast_signed()
    }
}

const PRIME_1: u64 = 0x9E37_79B1_85EB_CA87;
const PRIME_2: u64 = 0xC2B2_AE3D_27D4_EB4F;
/// Stands for NULL: no length, and no time that a caller would name.
const NONE: i64 = i64::MIN;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_noticed_and_the_sum_stays_what_it_was() {
        let of = |octets: &[u8]| {
            let mut sum = Sum::new();
            sum.octets(Some(octets));
            sum.value()
        };
        let octets: Vec<u8> = (0..99).collect();
        // Files of today must be read tomorrow.
        assert_eq!(of(&octets), 5_532_017_228_902_368_003);
        for bit in 0..8 * octets.len() {
            let mut flipped = octets.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(of(&flipped), of(&octets), "bit {bit}");
        }
    }

    #[test]
    fn octets_cannot_move_from_one_column_to_the_next() {
        let of = |parts: [Option<&[u8]>; 2]| {
            let mut sum = Sum::new();
            for part in parts {
                sum.octets(part);
            }
            sum.value()
        };
        let all = [
            of([Some(b"ab"), Some(b"c")]),
            of([Some(b"a"), Some(b"bc")]),
            of([Some(b"abc"), Some(b"")]),
            of([Some(b"abc"), None]),
        ];
        assert!(all.iter().enumerate().all(|(n, sum)| !all[..n].contains(sum)));
    }
}
