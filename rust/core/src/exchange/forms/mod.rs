//! What clients send, read into what the exchange takes: the only place that knows a form.

/// Orders for the calculators.
pub mod calculators;
/// A position under another product.
pub mod conversion;
/// Fields by their names.
pub mod form;
/// Triggers.
pub mod gtt;
/// The request for candles.
pub mod history;
/// What is to go wrong with an order.
pub mod order_fault;
/// To place, modify and slice.
pub mod orders;
