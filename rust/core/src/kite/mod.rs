//! Kite's binary ticks: packets to columns and back.
//!
//! A frame is `u16 count`, then per packet `u16 length` and its body, big-endian. [`decode`] is total: any bytes give
//! ticks or a counted error. What everybody uses afterwards is the [`TickBatch`], whose memory is also its wire form.

/// The column batch of ticks, and its wire form.
pub mod batch;
/// Frame to batch, without state.
pub mod decode;
/// Frames to batches, with what was seen before.
pub mod decoder;
/// Ticks to frame.
pub mod encode;
/// Packet kinds, subscription modes and their lengths.
pub mod kind;
/// The five packet layouts, read and written.
mod packet;
/// What makes a tick untrustworthy, per instrument.
pub mod sanity;
/// The price divisor of each exchange segment.
pub mod segment;
/// One tick, all its fields.
pub mod tick;

pub use batch::{BATCH_TICKS_MAX, BatchError, FRAME_BYTES_MAX, Sections, TickBatch};
pub use decode::{Decoded, FrameCounts, decode};
pub use decoder::Decoder;
pub use encode::{EncodeError, encode_frame};
pub use kind::{Mode, TickKind};
pub use sanity::{Sanity, SanityCounts, TickFlags};
pub use segment::Divisors;
pub use tick::{DEPTH_LEVELS, Tick};

#[cfg(test)]
mod frame_tests;
#[cfg(test)]
pub(crate) mod strategies;
