//! The gate: state in, order in, verdict out, every rule's result kept. Fail closed: unknown, missing, stale or
//! overflowing means no order.
//!
//! All rules look at every order; the evaluation order (stages A to K, inside a stage by number) only decides which
//! refusal is named. So permuting rules changes the reason, never the verdict.

mod ask;
mod events;
mod gate;
mod instrument;
/// What the owner allows: capital and limits, and the hard ceilings above them.
pub mod limits;
mod lines;
/// What an order binds of the account's money.
pub mod margins;
mod mean;
/// Signals and verdicts as they are on the wire.
pub mod message;
mod orders;
mod quick_hash;
mod rate;
mod rules;
mod standing;
mod verdict;

#[cfg(test)]
mod gate_test;

pub use events::{Carried, Fill, Update};
pub use gate::{Gate, Reading};
pub use instrument::Instrument;
pub use limits::{Column, LimitError, Limits};
pub use orders::{Intent, Signal, Verb};
pub use rules::{RULES, Rule};
pub use standing::{Latch, Standing};
pub use verdict::{Approved, Judgement, Reservation, Verdict, Why};
