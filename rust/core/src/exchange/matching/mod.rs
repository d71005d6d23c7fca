//! Orders meet: the price-time book, the call auction, limit price protection.

/// One price for all: the call auction.
pub mod auction;
/// Price-time order book with partial fills.
pub mod book;
/// What the exchange takes for too far from the market.
pub mod price_protection;
/// What was paid of late.
pub mod recent_trades;
/// Users' orders for one instrument.
pub mod users_orders;
