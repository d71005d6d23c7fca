//! What must be fast and right in kitev3, without Python: no clock, no socket and no random number that was not handed in.
#![deny(unsafe_code)]

/// What events carry: every payload's fields, by position. First, since others use its macros.
#[macro_use]
pub mod payload;
/// Dated facts of India's exchanges: days, sessions, expiries, lots, freeze quantities, bands, fees.
pub mod calendar;
/// Order book, matching and the synthetic market that quotes around a path.
pub mod exchange;
/// Indicators, streaming and batch from one definition each.
pub mod indicators;
/// The Kite WebSocket's frames: encode, decode, tick batches.
pub mod kite;
/// Bars by time, ticks, volume and value.
pub mod market;
/// The little msgpack that the core reads and writes by itself.
pub mod msgpack;
/// What an order is known by at the broker.
pub mod orders;
/// Positions, profit and loss, charges, in exact integers.
pub mod portfolio;
/// Seeded randomness: the same on every machine.
pub mod random;
/// Rules that an order passes before it may reach the exchange.
pub mod risk;
/// The runtime of the process loop: sequence, decode, tape, dispatch.
pub mod runtime;
/// The append-only record of what a process heard and said.
pub mod tape;
/// The words of the trade: exchange, side, product, order type.
pub mod terms;

pub use calendar::day;
