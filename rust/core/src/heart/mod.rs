//! The heart of the process loop, live and stepped alike: check, sequence, tape, dispatch.

/// Market time from machine time.
pub mod clock;
/// Event ids, computed and never stored.
pub mod event_id;
/// The 80 bytes that a message says about itself.
pub mod header;
