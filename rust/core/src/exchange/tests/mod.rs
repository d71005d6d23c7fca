//! The exchange as its users meet it, and its parts by drawn orders.

mod book;
mod breaker;
mod deferred_steps;
mod exchange;
pub(in crate::exchange) mod exchanges;
mod expiry;
mod flow;
mod gtt;
mod market;
mod order_fault;
mod order_latency;
mod scan;
mod sessions;
mod universe;
mod variety;
