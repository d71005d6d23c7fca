//! The runtime of the process loop, live and stepped alike: check, sequence, tape, dispatch.

/// Reading what a source said from its tape.
pub mod archive;
/// Market time from machine time.
pub mod clock;
/// What a runtime counts.
pub mod counters;
/// What a handler or its runtime cannot do.
pub mod error;
/// Event ids, computed and never stored.
pub mod event_id;
/// Gaps and late joining.
mod gap_fill;
/// A service's own part.
pub mod handler;
/// The 96 bytes that a message says about itself.
pub mod header;
/// Runtimes of one machine, driven stepped.
pub mod kernel;
/// What a handler says, on its way out.
pub mod outbox;
/// The tape that a service writes.
pub mod own_tape;
/// The runtime itself.
#[allow(clippy::module_inception)] // the module is its parts; this is the thing
pub mod runtime;
/// Heartbeats.
pub mod watermarks;

/// The numbers of what a service says.
pub mod numbers;
/// Before, in and after the session.
pub mod phase;
/// A range of a source's tape by request.
pub mod range;
/// What EPOCH, SNAPSHOT, IN_REF and OUT_REF hold.
pub mod record;
/// Coming back after a stop.
pub mod recover;
/// What has been applied of each source.
pub mod sequence;
/// Who a runtime is and whom it hears.
pub mod setup;
#[cfg(test)]
mod tests;
