/// What a record says; the numbers are on disk and never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The process started: its build, schemas and configuration.
    Epoch = 1,
    /// A whole message that was heard.
    In = 2,
    /// A tick batch that was heard, by its number and CRC: the batch itself is on its sender's tape.
    InRef = 3,
    /// What the world said: a frame, a broker's answer, a timer.
    Ext = 4,
    /// A whole message that was said.
    Out = 5,
    /// A tick batch that was said, by its number and CRC: its frame is the EXT before it.
    OutRef = 6,
    /// The service's state.
    Snapshot = 7,
}

impl Kind {
    pub fn from_u8(byte: u8) -> Option<Kind> {
        [
            Kind::Epoch,
            Kind::In,
            Kind::InRef,
            Kind::Ext,
            Kind::Out,
            Kind::OutRef,
            Kind::Snapshot,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == byte)
    }
}

/// A place on a day's tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    pub segment: u32,
    /// Bytes from the start of the segment.
    pub offset: u32,
    /// How many of the day's records lie before it.
    pub number: u64,
}

/// One record, borrowed from the reader's map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    pub position: Position,
    pub kind: Kind,
    /// CLOCK_MONOTONIC at which the process took it, in nanoseconds.
    pub mono_ns: i64,
    pub content: &'a [u8],
}

/// Length, kind and `mono_ns`.
pub(super) const HEAD_BYTES: usize = 16;
pub(super) const CRC_BYTES: usize = 4;
/// Closes a segment that has a successor. It is not numbered and not shown.
pub(super) const END: u8 = 0xFF;
pub(super) const END_BYTES: usize = record_bytes(0);

/// The bytes that a record with so much content takes.
pub(super) const fn record_bytes(content: usize) -> usize {
    (HEAD_BYTES + content + CRC_BYTES).next_multiple_of(8)
}

/// Length and kind, in the one word whose store makes a record visible.
pub(super) fn head_word(content: usize, kind: u8) -> u64 {
    let length = u32::try_from(HEAD_BYTES + content).expect("a record is shorter than its segment");
    u64::from(length) | u64::from(kind) << 32
}

/// A record's content length and kind from its head word; none if no writer can have stored it.
pub(super) fn split_word(word: u64) -> Option<(usize, u8)> {
    let content = (word as u32 as usize).checked_sub(HEAD_BYTES)?;
    (word >> 40 == 0).then_some((content, (word >> 32) as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_number_and_no_other_number_is_a_kind() {
        let known: Vec<u8> = (0..=255)
            .filter_map(Kind::from_u8)
            .map(|kind| kind as u8)
            .collect();
        assert_eq!(known, [1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn a_head_word_says_length_and_kind() {
        assert_eq!(split_word(head_word(200, 4)), Some((200, 4)));
        assert_eq!(split_word(head_word(0, END)), Some((0, END)));
        assert_eq!(split_word(0), None);
        assert_eq!(split_word(15), None);
        assert_eq!(split_word(head_word(200, 4) | 1 << 40), None);
    }

    #[test]
    fn a_record_takes_whole_words() {
        assert_eq!([0, 4, 5, 12, 200].map(record_bytes), [24, 24, 32, 32, 224]);
    }
}
