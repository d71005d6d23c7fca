//! Frame to batch, without state: the same bytes always give the same ticks, so a tape can be read again.
use super::batch::{BATCH_TICKS_MAX, Sections, TickBatch};
use super::kind::TickKind;
use super::packet::Packet;
use super::segment::Divisors;

/// What a frame held besides its ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCounts {
    /// Frames of one byte: the line lives, nothing traded.
    pub heartbeats: u64,
    /// Packets of a length that is none of the five; skipped.
    pub unknown: u64,
    /// Frames that end before the packets they announce; the whole ones are kept.
    pub truncated: u64,
    /// Frames with bytes after the packets they announce.
    pub trailing: u64,
    /// Packets beyond [`BATCH_TICKS_MAX`]; dropped.
    pub excess: u64,
}

impl FrameCounts {
    /// All that should not have been there.
    pub fn errors(&self) -> u64 {
        self.unknown + self.truncated + self.trailing + self.excess
    }

    pub fn add(&mut self, other: &Self) {
        self.heartbeats += other.heartbeats;
        self.unknown += other.unknown;
        self.truncated += other.truncated;
        self.trailing += other.trailing;
        self.excess += other.excess;
    }
}

/// A frame's good ticks, and its counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    pub batch: TickBatch,
    pub counts: FrameCounts,
}

/// Decodes a binary frame. Total: a bad packet is counted and never costs the good ones around it.
pub fn decode(frame: &[u8], divisors: &Divisors) -> Decoded {
    let (count, sections, counts) = survey(frame);
    let mut batch = TickBatch::zeros(count, sections);
    let mut columns = batch.columns_mut();
    let packets = Packets::new(frame).filter_map(Packet::parse);
    for (index, packet) in packets.take(count).enumerate() {
        packet.read(divisors, &mut columns, index);
    }
    Decoded { batch, counts }
}

/// Walks the lengths alone, so that the batch is allocated once and at its size.
fn survey(frame: &[u8]) -> (usize, Sections, FrameCounts) {
    let mut counts = FrameCounts::default();
    if frame.len() == 1 {
        counts.heartbeats = 1;
        return (0, Sections::BASE, counts);
    }
    let mut packets = Packets::new(frame);
    let (mut count, mut sections) = (0, Sections::BASE);
    for body in packets.by_ref() {
        match TickKind::from_packet_bytes(body.len()) {
            None => counts.unknown += 1,
            Some(_) if count == BATCH_TICKS_MAX => counts.excess += 1,
            Some(kind) => {
                count += 1;
                sections = sections.union(Sections::of(kind));
            }
        }
    }
    counts.truncated = u64::from(packets.announced > 0 || frame.is_empty());
    counts.trailing = u64::from(packets.announced == 0 && !packets.rest.is_empty());
    (count, sections, counts)
}

/// The bodies of a frame's packets, up to the first that is not wholly there.
struct Packets<'a> {
    /// Still to come, by the frame's own word.
    announced: u16,
    rest: &'a [u8],
}

impl<'a> Packets<'a> {
    fn new(frame: &'a [u8]) -> Self {
        match frame.split_first_chunk() {
            Some((count, rest)) => Self {
                announced: u16::from_be_bytes(*count),
                rest,
            },
            None => Self {
                announced: 0,
                rest: &[],
            },
        }
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.announced == 0 {
            return None;
        }
        let (length, rest) = self.rest.split_first_chunk()?;
        let (body, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        self.announced -= 1;
        self.rest = rest;
        Some(body)
    }
}
