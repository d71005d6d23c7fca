//! How positions end: square-off, expiry, auctions of what was not delivered, conversion.

/// The auction of what was not delivered.
pub mod buy_in;
/// Positions from one product to another.
pub mod conversion;
/// The end of a contract.
pub mod expiry;
/// What the broker closes before the day ends.
pub mod square_off;
