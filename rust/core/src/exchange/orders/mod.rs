//! Orders at the broker and on their way, in all varieties.

/// What becomes of an order that reaches the exchange.
pub mod acceptance;
/// Who is let in, and how often.
pub mod admission;
/// Orders after hours, and checks by variety.
pub mod amo;
/// What an order asks of its instrument.
pub mod asked;
/// An order above the freeze quantity as several.
pub mod autoslice;
/// Fills, ends, and the word to the order's owner.
pub mod booking;
/// What the broker looks at before an order gets a number.
pub mod checks;
/// Orders that the broker sends by itself.
pub mod child_orders;
/// Orders that go wrong on purpose.
pub mod faulty;
/// Orders that wait for a price at the broker's.
pub mod gtt;
/// Order ids, exchange order ids, trade ids.
pub mod ids;
/// Request limits in windows of market time.
pub mod limits;
/// An order becomes another.
pub mod modifying;
/// One order and every state it went through.
pub mod order;
/// What goes wrong with one order on its way.
pub mod order_fault;
/// How long an order's way takes.
pub mod order_latency;
/// What a position is held under.
pub mod position_product;
/// What a user may ask for.
pub mod request;
/// To place, modify and cancel.
pub mod requests;
/// What the day's sessions allow an order, and end.
pub mod sessions;
/// Stops and their triggers.
pub mod stops;
/// Orders on their way.
mod transit;
/// Triggers are kept and fired.
mod triggers;
/// What the broker does with an order besides handing it on.
pub mod variety;
