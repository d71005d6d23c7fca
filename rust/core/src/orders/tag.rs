//! The tag by which our order is known at the broker: 20 characters, base 36.
//!
//! ```text
//! K  S S  E E E  N N N N N N  L  A  C C C C C C
//! |  |    |      |            |  |  check: keyed, over the 14 characters before it
//! |  |    |      |            |  attempt
//! |  |    |      |            leg of a plan
//! |  |    |      sequence within the epoch
//! |  |    epoch of the account
//! |  strategy's code
//! version
//! ```
//!

pub use super::keyed::KEY_BYTES_MIN;
use super::keyed::{Keyed, same};

pub const TAG_CHARS: usize = 20;
const VERSION: u8 = b'K';
const CHECK_CHARS: usize = 6;
const BODY_CHARS: usize = TAG_CHARS - CHECK_CHARS;
const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// Name and width of each field, in the tag's order.
const FIELDS: [(&str, usize); 5] = [
    ("strategy", 2),
    ("epoch", 3),
    ("sequence", 6),
    ("leg", 1),
    ("attempt", 1),
];
const _: () = {
    let (mut width, mut at) = (1, 0);
    while at < FIELDS.len() {
        width += FIELDS[at].1;
        at += 1;
    }
    assert!(width == BODY_CHARS);
};

/// What a tag says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagId {
    pub strategy: u64,
    pub epoch: u64,
    pub sequence: u64,
    pub leg: u64,
    pub attempt: u64,
}

impl TagId {
    fn values(&self) -> [u64; FIELDS.len()] {
        [
            self.strategy,
            self.epoch,
            self.sequence,
            self.leg,
            self.attempt,
        ]
    }
}

/// A field that is too large for its place: tags would repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {value} does not fit {width} base-36 digits")]
pub struct DoesNotFit {
    pub field: &'static str,
    pub value: u64,
    pub width: usize,
}

/// Makes and reads the tags of one account. With another key no tag is ours.
#[derive(Clone)]
pub struct Tags(Keyed);

impl Tags {
    /// None for a key shorter than [`KEY_BYTES_MIN`]: it could be guessed.
    pub fn new(key: &[u8]) -> Option<Tags> {
        Keyed::new(key).map(Tags)
    }

    /// The 20 characters.
    ///
    /// # Errors
    /// [`DoesNotFit`] names the field: that is our bug.
    pub fn encode(&self, tag: &TagId) -> Result<[u8; TAG_CHARS], DoesNotFit> {
        let mut text = [VERSION; TAG_CHARS];
        let mut at = 1;
        for ((field, width), value) in FIELDS.into_iter().zip(tag.values()) {
            if !write_base36(value, &mut text[at..at + width]) {
                return Err(DoesNotFit {
                    field,
                    value,
                    width,
                });
            }
            at += width;
        }
        let check = self.check(&text[..BODY_CHARS]);
        text[BODY_CHARS..].copy_from_slice(&check);
        Ok(text)
    }

    /// What a text says, if it is a tag that this account's key made.
    pub fn decode(&self, text: &[u8]) -> Option<TagId> {
        let text: &[u8; TAG_CHARS] = text.try_into().ok()?;
        let (body, check) = text.split_at(BODY_CHARS);
        if !same(&self.check(body), check) || body[0] != VERSION {
            return None;
        }
        let (mut values, mut at) = ([0; FIELDS.len()], 1);
        for ((_, width), value) in FIELDS.into_iter().zip(&mut values) {
            *value = read_base36(&body[at..at + width])?;
            at += width;
        }
        let [strategy, epoch, sequence, leg, attempt] = values;
        Some(TagId {
            strategy,
            epoch,
            sequence,
            leg,
            attempt,
        })
    }

    fn check(&self, body: &[u8]) -> [u8; CHECK_CHARS] {
        let digest = self.0.digest(body);
        let (first, _) = digest.split_first_chunk().expect("a digest has 32 bytes");
        let mut check = [0; CHECK_CHARS];
        write_base36(
            u64::from_be_bytes(*first) % 36u64.pow(CHECK_CHARS as u32),
            &mut check,
        );
        check
    }
}

/// Fills *digits*, the highest first; false when the value needs more of them.
fn write_base36(mut value: u64, digits: &mut [u8]) -> bool {
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(value % 36) as usize];
        value /= 36;
    }
    value == 0
}

fn read_base36(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = DIGITS.iter().position(|known| known == digit)?;
        Some(value * 36 + digit as u64)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tag() -> impl Strategy<Value = TagId> {
        (
            0..1_296u64,
            0..46_656u64,
            0..2_176_782_336u64,
            0..36u64,
            0..36u64,
        )
            .prop_map(|(strategy, epoch, sequence, leg, attempt)| TagId {
                strategy,
                epoch,
                sequence,
                leg,
                attempt,
            })
    }

    proptest! {
        #[test]
        fn a_tag_says_what_was_put_into_it(tag in tag(), key in proptest::collection::vec(any::<u8>(), 16..100)) {
            let tags = Tags::new(&key).unwrap();

            let text = tags.encode(&tag).unwrap();

            prop_assert_eq!(tags.decode(&text), Some(tag));
        }

        #[test]
        fn any_bytes_are_a_tag_of_ours_or_none(text in proptest::collection::vec(any::<u8>(), 0..30)) {
            let tags = Tags::new(&[7; 32]).unwrap();

            if let Some(tag) = tags.decode(&text) {
                prop_assert_eq!(tags.encode(&tag).unwrap().to_vec(), text);
            }
        }
    }

    #[test]
    fn a_field_that_does_not_fit_is_named() {
        let tag = TagId {
            strategy: 0,
            epoch: 46_656,
            sequence: 0,
            leg: 0,
            attempt: 0,
        };

        let refused = Tags::new(&[7; 32]).unwrap().encode(&tag);

        assert_eq!(
            refused.unwrap_err().to_string(),
            "epoch 46656 does not fit 3 base-36 digits"
        );
    }

    #[test]
    fn a_short_key_is_none() {
        assert!(Tags::new(&[7; 15]).is_none());
    }
}
