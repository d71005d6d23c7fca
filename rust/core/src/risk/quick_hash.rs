//! A hash of a few nanoseconds for keys that are ours or the broker's: nobody floods us with collisions.
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

pub type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<QuickHasher>>;

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Folds 8 bytes at a time by one multiplication. No map of it is ever iterated, so its order shows nowhere.
#[derive(Clone, Copy, Default)]
pub struct QuickHasher(u64);

impl Hasher for QuickHasher {
    fn write(&mut self, bytes: &[u8]) {
        let length = bytes.len();
        if length > 8 {
            let (words, _) = bytes[..length - 1].as_chunks::<8>();
            for word in words {
                self.write_u64(u64::from_le_bytes(*word));
            }
        }
        // Spread over all bits, so that no byte of the text can stand for another length.
        self.write_u64(last_word(bytes) ^ (length as u64).wrapping_mul(FACTOR));
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        let mixed = (self.0.rotate_left(23) ^ value).wrapping_mul(FACTOR);
        // The map takes its bucket from the low bits, and multiplication mixes upwards only.
        self.0 = mixed ^ (mixed >> 32);
    }

    fn write_u128(&mut self, value: u128) {
        self.write_u64(value as u64);
        self.write_u64((value >> 64) as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The last bytes, eight at most, as a number: by loads of fixed size, since copying a few bytes costs more.
#[inline]
fn last_word(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    if let Some(last) = bytes.last_chunk::<8>() {
        u64::from_le_bytes(*last)
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
    } else if let (Some(first), Some(last)) = (bytes.first(), bytes.last()) {
        u64::from(*first) | u64::from(bytes[length / 2]) << 8 | u64::from(*last) << 16
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn keys_that_differ_little_hash_apart() {
        let build = BuildHasherDefault::<QuickHasher>::default();
        let tokens: HashSet<u64> = (0..10_000u32)
            .map(|n| build.hash_one(n * 256 + 1))
            .collect();
        let low_bits: HashSet<u64> = tokens.iter().map(|hash| hash & 0xffff).collect();
        let tags: HashSet<u64> = (0..10_000)
            .map(|n| build.hash_one(format!("K01001{n:06}00")))
            .collect();

        let texts: HashSet<u64> = (0..40).map(|n| build.hash_one("a".repeat(n))).collect();
        let last: HashSet<u64> = (1..40)
            .map(|n| build.hash_one("a".repeat(n) + "b"))
            .collect();

        assert_eq!((tokens.len(), tags.len()), (10_000, 10_000));
        assert_eq!(
            (texts.len(), last.len(), texts.is_disjoint(&last)),
            (40, 39, true)
        );
        assert!(low_bits.len() > 9_000, "{}", low_bits.len());
    }
}
