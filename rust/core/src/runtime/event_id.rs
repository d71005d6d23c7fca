//! An event's id: computed from who said it and its number, stored nowhere, so a replay gives the same.
use sha2::{Digest, Sha256};

/// A UUID of version 8 has 122 free bits: 74 of them name (account, source, epoch), the lowest 48 are `seq`.
const SEQ_BITS: u32 = 48;
pub const SEQ_MAX: u64 = (1 << SEQ_BITS) - 1;
const VERSION_8: u128 = 0x8 << 76;
const VARIANT: u128 = 0b10 << 62;

/// Who speaks, in one epoch: the part of the id that all its events share. Hashed once, then kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventIdPrefix(u128);

impl EventIdPrefix {
    pub fn new(account: &str, source: &str, epoch: u32) -> EventIdPrefix {
        let digest = Sha256::new()
            .chain_update(account.as_bytes())
            .chain_update([0])
            .chain_update(source.as_bytes())
            .chain_update([0])
            .chain_update(epoch.to_le_bytes())
            .finalize();
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        let hash = u128::from_be_bytes(first) >> (128 - 74);
        let (a, b, c) = (hash >> 26, (hash >> 14) & 0xfff, hash & 0x3fff);
        EventIdPrefix(a << 80 | VERSION_8 | b << 64 | VARIANT | c << SEQ_BITS)
    }

    /// The id of this id_prefix's event number `seq`, as a UUID's 128 bits.
    pub fn event_id(self, seq: u64) -> u128 {
        assert!(seq <= SEQ_MAX, "seq {seq} is beyond 48 bits");
        self.0 | u128::from(seq)
    }
}

/// The number that an event id ends with.
pub fn seq_of(event_id: u128) -> u64 {
    (event_id as u64) & SEQ_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_is_a_uuid_of_version_8_and_ends_with_its_number(account: String, source: String, epoch: u32, seq in 0..=SEQ_MAX) {
            let id = EventIdPrefix::new(&account, &source, epoch).event_id(seq);

            prop_assert_eq!(id >> 76 & 0xf, 8);
            prop_assert_eq!(id >> 62 & 0b11, 0b10);
            prop_assert_eq!(seq_of(id), seq);
        }
    }

    #[test]
    fn account_source_and_epoch_each_make_another_speaker() {
        let id_prefixes = [
            EventIdPrefix::new("kitesim-KS0001", "strategy", 1),
            EventIdPrefix::new("kitesim-KS0002", "strategy", 1),
            EventIdPrefix::new("kitesim-KS0001", "strategy.2", 1),
            EventIdPrefix::new("kitesim-KS0001", "strategy", 2),
        ];

        for (i, one) in id_prefixes.iter().enumerate() {
            for other in &id_prefixes[i + 1..] {
                assert_ne!(one.event_id(7), other.event_id(7));
            }
        }
    }

    #[test]
    fn an_id_never_changes_between_versions() {
        // The journal of every past day joins on these: a change here is a break with all of them.
        assert_eq!(
            EventIdPrefix::new("kitesim-KS0001", "strategy", 1).event_id(1),
            0x3d42145d_72178b2c_864e0000_00000001
        );
    }
}
