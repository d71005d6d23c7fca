//! Frames to batches, with what was seen before: flags and counts.
use super::batch::TickBatch;
use super::decode::{FrameCounts, decode};
use super::sanity::{Sanity, SanityCounts};
use super::segment::Divisors;

/// A feed's decoder. Its state is what makes a tick untrustworthy, and counts.
#[derive(Debug, Default)]
pub struct Decoder {
    divisors: Divisors,
    sanity: Sanity,
    counts: FrameCounts,
    frames: u64,
    batches: u64,
    ticks: u64,
    /// Whether times are compared with the machine's clock: once somebody has told it.
    pub believes_clock: bool,
}

impl Decoder {
    pub fn new(divisors: Divisors) -> Self {
        Self {
            divisors,
            ..Self::default()
        }
    }

    /// A frame's good ticks, flagged. `now_ns` is market time by the machine's clock.
    pub fn decode(&mut self, frame: &[u8], now_ns: i64) -> TickBatch {
        let mut decoded = decode(frame, &self.divisors);
        let now_ns = self.believes_clock.then_some(now_ns);
        self.sanity.check(&mut decoded.batch, now_ns);
        self.counts.add(&decoded.counts);
        self.frames += 1;
        self.batches += u64::from(!decoded.batch.is_empty());
        self.ticks += decoded.batch.len() as u64;
        decoded.batch
    }

    /// Forgets all instruments' times: a new day. Counts stay.
    pub fn clear(&mut self) {
        self.sanity.clear();
    }

    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Frames that had a good tick.
    pub fn batches(&self) -> u64 {
        self.batches
    }

    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    pub fn frame_counts(&self) -> &FrameCounts {
        &self.counts
    }

    pub fn flagged(&self) -> SanityCounts {
        self.sanity.counts()
    }
}
