//! What contracts are worth on their underlying, and how an index is published.

use super::dates::{CLOSE_NS, at_ns};
use super::instruments::{Instrument, RUPEE_E4};
use super::options::{black_76, years_between};
use crate::terms::Kind;

/// What a future costs to carry, a year.
const CARRY: f64 = 0.065;

/// An index is published to five paise, like the real one.
pub fn published_e4(value: f64) -> i64 {
    (value * 20.0).round() as i64 * 500
}

/// The underlying carried to a contract's expiry.
pub fn forward(underlying: f64, now_ns: i64, instrument: &Instrument) -> f64 {
    underlying * (1.0 + CARRY * years_left(now_ns, instrument))
}

fn years_left(now_ns: i64, instrument: &Instrument) -> f64 {
    instrument
        .expiry
        .map_or(0.0, |expiry| years_between(now_ns, at_ns(expiry, CLOSE_NS)))
}

/// A call or put at a volatility of the year, never less than a paisa.
pub fn option_value(instrument: &Instrument, volatility: f64, underlying: f64, now_ns: i64) -> f64 {
    let strike = instrument.strike_e4 as f64 / RUPEE_E4 as f64;
    let future = forward(underlying, now_ns, instrument);
    let years = years_left(now_ns, instrument);
    let call = instrument.kind == Kind::Call;
    black_76(future, strike, volatility, years, call).max(0.01)
}
