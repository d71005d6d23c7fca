//! What contracts are worth on their underlying, and how an index is published.

use crate::calendar::clock::{CLOSE_NS, at_ns};
use crate::exchange::market::instruments::{Instrument, RUPEE_E4};
use crate::exchange::market::options::{black_76, years_between};
use crate::terms::InstrumentKind;

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
    let call = instrument.kind == InstrumentKind::Call;
    black_76(future, strike, volatility, years, call).max(0.01)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::clock::{HOUR_NS, OPEN_NS};
    use crate::day::Day;
    use crate::exchange::market::universe::{Universe, universe_of};

    const LAST_DAY: Day = Day::of(2026, 11, 23);

    fn options() -> Vec<Instrument> {
        let rows = universe_of(Universe::House, LAST_DAY, 26_010.0, 26_040.0);
        let rows = rows.into_iter().map(|row| row.instrument);
        rows.filter(|row| row.kind.is_option()).collect()
    }

    proptest! {
        /// Through the last day, its last second and the hours after it.
        #[test]
        fn an_option_of_the_last_day_is_worth_what_it_leaves_and_its_time(
            which in 0_usize..10, volatility in 0.03_f64..2.0, underlying in 20_000.0_f64..32_000.0, after_open in 0_i64..12 * HOUR_NS,
        ) {
            let row = &options()[which];
            let strike = row.strike_e4 as f64 / RUPEE_E4 as f64;
            let over = if row.kind == InstrumentKind::Call { underlying - strike } else { strike - underlying };
            let now_ns = at_ns(LAST_DAY, OPEN_NS + after_open);
            let value = option_value(row, volatility, underlying, now_ns);
            prop_assert!(value.is_finite());
            prop_assert!(value >= over.max(0.01) - forward(underlying, now_ns, row) + underlying - 1e-6);
            if after_open >= CLOSE_NS - OPEN_NS {
                prop_assert_eq!(value, over.max(0.01));
            }
        }
    }
}
