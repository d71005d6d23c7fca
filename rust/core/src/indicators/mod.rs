//! Indicators: one definition each, from which the streaming and the batch form are both made.
//!
//! `update` takes one input, `batch` takes columns; any mixture of the two over the same inputs gives the same bits,
//! because both run the same arithmetic in the same blocks, counted from where the warm-up ended.
//!
//! An input that is not a number (NaN, an infinity, or beyond [`LARGEST`]) answers NaN and starts the warm-up anew:
//! what was computed over a hole is not a value that anyone may trade on. Nothing but NaN comes out before the
//! warm-up is over.

mod adx;
mod atr;
mod bollinger;
mod columns;
mod decay;
mod declaration;
mod donchian;
mod ema;
mod engine;
mod extrema;
mod macd;
mod recursion;
mod rsi;
mod slots;
mod sma;
mod smoothing;
#[cfg(test)]
mod split_tests;
mod stochastic;
mod supertrend;
mod vwap;
mod window;
mod wma;

pub use adx::Adx;
pub use atr::Atr;
pub use bollinger::Bollinger;
pub use declaration::{Declaration, KINDS, Kind, TIME};
pub use donchian::Donchian;
pub use ema::Ema;
pub use engine::{Alone, Bars, IndicatorEngine, Ticks, UnevenColumns};
pub use macd::Macd;
pub use rsi::Rsi;
pub use sma::Sma;
pub use stochastic::Stochastic;
pub use supertrend::Supertrend;
pub use vwap::SessionVwap;
pub use wma::Wma;

/// The longest period, as in TA-Lib. It bounds what one declaration can take in memory.
pub const PERIOD_MAX: usize = 100_000;

/// Inputs beyond this count as not a number, so that no square, sum or product of clean inputs ever overflows.
pub const LARGEST: f64 = 1e100;

/// What every indicator can do: `M` numbers in, `K` numbers out.
pub trait Indicator<const M: usize, const K: usize> {
    /// How many clean inputs it takes until the first value comes out.
    fn warmup(&self) -> usize;

    /// Takes the next input; NaN until the warm-up is over.
    fn update(&mut self, input: [f64; M]) -> [f64; K];

    /// Takes the next inputs, column by column, and writes what `update` would have answered to each.
    ///
    /// # Panics
    /// When the columns differ in length: the caller has checked it.
    fn batch(&mut self, inputs: [&[f64]; M], outputs: [&mut [f64]; K]);

    /// Forgets all inputs; the warm-up begins anew.
    fn reset(&mut self);
}

/// A parameter outside what its indicator allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} must be {allowed}, not {got}")]
pub struct BadParameter {
    pub name: &'static str,
    pub allowed: String,
    pub got: String,
}

/// `got` if it is between `least` and [`PERIOD_MAX`].
fn period(name: &'static str, least: usize, got: i64) -> Result<usize, BadParameter> {
    match usize::try_from(got) {
        Ok(length) if (least..=PERIOD_MAX).contains(&length) => Ok(length),
        _ => Err(BadParameter {
            name,
            allowed: whole_numbers(least),
            got: got.to_string(),
        }),
    }
}

fn whole_numbers(least: usize) -> String {
    format!("a whole number from {least} to {PERIOD_MAX}")
}

/// `got` if it is a multiplier of a deviation: finite, not negative, and not absurd.
fn multiplier(name: &'static str, got: f64) -> Result<f64, BadParameter> {
    const MULTIPLIER_MAX: f64 = 1e6;
    if (0.0..=MULTIPLIER_MAX).contains(&got) {
        return Ok(got);
    }
    Err(BadParameter {
        name,
        allowed: format!("a number from 0 to {MULTIPLIER_MAX}"),
        got: got.to_string(),
    })
}

/// The greater one; written as a comparison because `f64::max` spends instructions on NaN, which never gets here.
#[inline(always)]
fn greater(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The lesser one.
#[inline(always)]
fn lesser(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}
