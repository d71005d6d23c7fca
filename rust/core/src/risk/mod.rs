//! The gate: state in, order in, verdict out, every rule's result kept. Fail closed: unknown, missing, stale or
//! overflowing means no order.
//!
//! All rules look at every order; the evaluation order (stages A to K, inside a stage by number) only decides which
//! refusal is named. So permuting rules changes the reason, never the verdict.

mod ask;
mod events;
mod fingerprint;
mod gate;
/// The gate as a service.
pub mod handler;
mod instrument;
/// What the owner allows: capital and limits, and the hard ceilings above them.
pub mod limits;
mod lines;
/// What an order binds of the account's money.
pub mod margins;
mod mean;
mod orders;
mod quick_hash;
mod rate;
mod reading;
mod rules;
mod saying;
mod standing;
mod verdict;

#[cfg(test)]
mod gate_test;

pub use events::{Carried, Fill, Update};
pub use gate::{Allowed, Gate, Reading};
pub use instrument::Instrument;
pub use limits::{Column, LimitError, Limits};
pub use reading::check_limits;
pub use rules::{EVALUATED_OF_A_CANCEL, RULES, Rule};
pub use standing::Standing;
pub use verdict::{Approved, Judgement, Reservation, Verdict, Why};
