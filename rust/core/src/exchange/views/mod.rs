//! What the exchange knows, in Kite's shapes.

/// What orders would block and cost.
pub mod calculators;
/// What the socket shows: subscriptions and frames.
pub mod feed;
/// Triggers.
pub mod gtt;
/// The request for candles.
pub mod history;
/// Holdings shorter, summed up, and what of them is in auction.
pub mod holdings;
/// The instruments file as JSON.
pub mod instruments;
/// Answers before they are JSON or Python.
pub mod json_value;
/// Orders and trades.
pub mod orders;
/// The whole exchange at a glance, for who runs it.
pub mod overview;
/// Positions, holdings, funds.
pub mod portfolio;
/// Quotes.
pub mod quotes;
/// The book of orders as JSON.
pub mod rows;
