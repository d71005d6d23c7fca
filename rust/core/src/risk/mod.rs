//! The gate: state in, order in, verdict out, every rule's result kept. Fail closed: unknown, missing, stale or
//! overflowing means no order.
//!
//! All rules look at every order; the evaluation order (stages A to K, inside a stage by number) only decides which
//! refusal is named. So permuting rules changes the reason, never the verdict.

mod events;
mod fingerprint;
mod gate;
/// The gate as a service.
pub mod handler;
mod incoming;
mod instrument;
mod instruments;
mod judging;
/// What the owner allows: capital and limits, and the hard ceilings above them.
pub mod limits;
/// What an order binds of the account's money.
pub mod margins;
mod order_context;
mod orders;
mod outgoing;
mod quick_hash;
mod rate;
mod recall;
mod reference_price;
mod rules;
mod trading_state;
mod verdict;

#[cfg(test)]
mod gate_test;

pub use events::{Carried, Fill, Update};
pub use gate::{Allowed, Gate, GateSummary};
pub use incoming::check_limits;
pub use instrument::Instrument;
pub use limits::{Column, LimitError, Limits};
pub use rules::{EVALUATED_OF_A_CANCEL, RULES, Rule};
pub use trading_state::TradingState;
pub use verdict::{Approved, Judgement, Reservation, Verdict, Why};
