//! The check by which execution knows that an approval is the gate's: keyed, over the message whole.
//!
//! The key is made for a run and is the gate's and execution's alone. An approval is a message like any other on a bus that every
//! process of the user can write to; without the check any of them could place orders.
use super::keyed::{Keyed, same};
use crate::msgpack::Writer;

/// Hexadecimal, of 16 bytes: the last field of the message.
pub const CHECK_CHARS: usize = 32;
/// How msgpack begins a text of that length.
const TEXT_HEAD: [u8; 2] = [0xd9, CHECK_CHARS as u8];
/// How it writes a text without a character.
const EMPTY: u8 = 0xa0;

/// The key of a run's approvals.
#[derive(Clone)]
pub struct ApprovalKey(Keyed);

impl ApprovalKey {
    /// None for a key that could be guessed.
    pub fn new(key: &[u8]) -> Option<ApprovalKey> {
        Keyed::new(key).map(ApprovalKey)
    }

    /// The check of a message, of which everything before it is given.
    pub fn check(&self, before: &[u8]) -> String {
        let digest = self.0.digest(before);
        digest[..CHECK_CHARS / 2]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// A message whose last field is a text without a character, with its check there.
    pub fn seal(&self, mut message: Vec<u8>) -> Vec<u8> {
        assert!(
            message.pop() == Some(EMPTY),
            "the last field is the check, and still empty"
        );
        let check = self.check(&message);
        let mut writer = Writer(message);
        writer.text(&check);
        writer.0
    }

    /// Whether a whole message ends with its check.
    pub fn bears(&self, message: &[u8]) -> bool {
        let Some((before, check)) = message.split_last_chunk::<CHECK_CHARS>() else {
            return false;
        };
        let Some((before, head)) = before.split_last_chunk::<2>() else {
            return false;
        };
        *head == TEXT_HEAD && same(self.check(before).as_bytes(), check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn signed(key: &ApprovalKey, before: &[u8]) -> Vec<u8> {
        key.seal([before, &[EMPTY]].concat())
    }

    proptest! {
        #[test]
        fn a_message_bears_its_check_and_no_other_does(
            before in prop::collection::vec(any::<u8>(), 1..300),
            at in any::<prop::sample::Index>(),
            change in 1u8..,
        ) {
            let (key, other) = (ApprovalKey::new(&[7; 32]).unwrap(), ApprovalKey::new(&[8; 32]).unwrap());
            let message = signed(&key, &before);
            let mut altered = message.clone();
            altered[at.index(message.len())] ^= change;

            prop_assert!(key.bears(&message));
            prop_assert!(!key.bears(&altered));
            prop_assert!(!other.bears(&message));
            prop_assert!(!key.bears(&message[..message.len() - 1]));
        }

        #[test]
        fn any_bytes_are_judged(bytes: Vec<u8>) {
            prop_assert!(!ApprovalKey::new(&[7; 32]).unwrap().bears(&bytes));
        }
    }
}
