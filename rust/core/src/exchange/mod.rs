//! A local exchange: what it lists, how its market moves, who trades there and what that costs them.

/// One trader: money, shares, positions.
pub mod account;
/// What clients send, read into what the exchange takes.
pub mod forms;
/// Sessions by date: pre-open, continuous, closing auction.
pub mod hours;
/// What positions and orders block, and what trades cost.
pub mod margin;
/// How prices come about: what is listed, the index path, the market maker, candles.
pub mod market;
/// Orders meet: the price-time book, the call auction, limit price protection.
pub mod matching;
/// Orders at the broker and on their way, in all varieties.
pub mod orders;
/// Requests turned away, in Kite's words.
pub mod refusal;
/// What differs between profiles.
pub mod rules;
/// How positions end: square-off, expiry, auctions of what was not delivered, conversion.
pub mod settlement;
/// The exchange whole: market, accounts, orders and time.
pub mod state;
/// Time goes on.
mod steps;
/// What the exchange knows, in Kite's shapes.
pub mod views;

#[cfg(test)]
mod tests;
