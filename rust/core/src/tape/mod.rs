//! The tape: an append-only, memory-mapped record of what one service heard and said on one market day.
//!
//! ```text
//! <dir>/<day>.<nnn>.tape   segments, zeros after the last record
//! <dir>/<day>.synced       how far the tape is known to be on the disk; held locked by its one writer
//!
//! segment  u64 magic | u32 segment number | u32 CRC of the record before it | records …
//! record   u32 length | u8 kind | 3 zeros | i64 mono_ns | content | zeros to 4 mod 8 | u32 CRC
//! ```
//!
//! All integers are little-endian. *Length* counts head and content, so it is never zero; it is stored last, with release order,
//! in one word with the kind: a zero there means "nothing yet". The CRC32C covers the record from its length to the end of its
//! padding and is seeded with the CRC of the record before it, the day's first with that of the day's name: a record that is
//! changed, moved, left out or put under another day breaks the chain at its place. The four bytes before any record are the seed
//! that it needs, so reading can begin at every position. An end mark closes a segment that has a successor.
//!
//! Content is bytes here; the heart of the process loop gives it meaning. Nothing of the machine, the process or the wall clock is in a
//! segment, so the same appends give the same bytes.

/// SHA-256 over finished blocks of a tape, so that its past can be anchored elsewhere.
pub mod chain;
/// Market days as names of files.
pub mod day;
/// Reading a service's days one after another.
pub mod days;
/// What a tape lies on.
pub mod disk;
/// What can go wrong with a tape.
pub mod error;
/// The mapped memory of a segment: the only unsafe code of the core.
mod map;
/// The sidecar that says how far a tape has been synced.
mod note;
/// Records in order, also while they are being written.
pub mod reader;
/// The layout of a record.
pub mod record;
/// What a writer does with the tape of a process that was killed or lost its power.
mod recovery;
/// Segment files: made of zeros, taken into use, trimmed.
mod segment;
/// A disk in memory that can lose its power.
pub mod simulated;
/// Segments made ahead of need.
mod spare;
/// From the page cache to the disk.
pub mod sync;
/// Appending.
pub mod writer;

pub use chain::{Anchor, Chain, ChainBroken};
pub use day::Day;
pub use days::Days;
pub use disk::{Disk, Folder};
pub use error::{Corrupt, TapeError};
pub use reader::Reader;
pub use record::{Kind, Position, Record};
pub use recovery::Recovered;
pub use sync::SyncHandle;
pub use writer::{Options, Writer};

/// Tapes made, broken and opened again.
#[cfg(test)]
mod tests;
