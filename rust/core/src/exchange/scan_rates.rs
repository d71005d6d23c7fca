//! How far the margin scan looks, by class of underlying and date, with sources.
//!
//! The clearing house scales six standard deviations of each underlying; its published floors stand here for them, so
//! a nervous underlying ties up less than it does in truth. "Usual size" marks a number that no document at hand gives.

use super::instruments::Instrument;
use crate::day::Day;
use crate::terms::{Exchange, Kind};

/// Underlyings that are scanned alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Index,
    Stock,
    Currency,
    Commodity,
}

impl Class {
    /// Of a contract by what it is a contract on.
    pub fn of(contract: &Instrument, reference: &Instrument) -> Self {
        match contract.exchange {
            Exchange::Cds | Exchange::Bcd => Self::Currency,
            Exchange::Mcx | Exchange::Nco => Self::Commodity,
            _ if reference.kind == Kind::Index => Self::Index,
            _ => Self::Stock,
        }
    }
}

/// A class's numbers from a day on, in hundredths of a percent (`_bp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    pub from: Day,
    pub class: Class,
    /// How far the underlying's price is moved.
    pub price_range_bp: i64,
    /// How far a year's volatility is moved, as a part of one: 400 is from 12 % to 16 %.
    pub volatility_range_bp: i64,
    /// What a future costs against one of another expiry, of the underlying's price. Less than the price range.
    pub calendar_bp: i64,
    /// On top of the scan, of the notional value.
    pub exposure_bp: i64,
    /// The least for short options that no bought ones stand against, of the notional value.
    pub short_option_bp: i64,
    pub source: &'static str,
}

const FIRST: Day = Day::of(2020, 1, 1);

pub const RATES: &[Rates] = &[
    Rates {
        from: FIRST,
        class: Class::Index,
        price_range_bp: 930,
        volatility_range_bp: 400,
        calendar_bp: 175,
        exposure_bp: 200,
        short_option_bp: 300,
        source: "NSE Clearing, SPAN risk parameters, equity derivatives (2024): range, volatility, calendar; exposure and short option: usual size",
    },
    Rates {
        from: FIRST,
        class: Class::Stock,
        price_range_bp: 1_420,
        volatility_range_bp: 1_000,
        calendar_bp: 220,
        exposure_bp: 350,
        short_option_bp: 750,
        source: "NSE Clearing, SPAN risk parameters, equity derivatives (2024): range, volatility, calendar; exposure and short option: usual size",
    },
    Rates {
        from: FIRST,
        class: Class::Currency,
        price_range_bp: 150,
        volatility_range_bp: 300,
        calendar_bp: 60,
        exposure_bp: 100,
        short_option_bp: 150,
        source: "NSE Clearing, currency derivatives parameters for USDINR (2024): range, volatility, calendar (500 rupees a lot); the rest: usual size",
    },
    Rates {
        from: FIRST,
        class: Class::Commodity,
        price_range_bp: 1_500,
        volatility_range_bp: 1_000,
        calendar_bp: 400,
        exposure_bp: 100,
        short_option_bp: 750,
        source: "usual size",
    },
];

impl Rates {
    /// Those in force on a day; before the first row, the first row's.
    pub fn of(class: Class, day: Day) -> &'static Self {
        let rows = || RATES.iter().filter(|row| row.class == class);
        rows()
            .filter(|row| row.from <= day)
            .max_by_key(|row| row.from)
            .or_else(|| rows().min_by_key(|row| row.from))
            .expect("every class has its rates")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_between_expiries_always_costs_less_than_its_legs() {
        for row in RATES {
            assert!(
                0 < row.calendar_bp && row.calendar_bp < row.price_range_bp,
                "{row:?}"
            );
            assert!(row.exposure_bp > 0 && row.short_option_bp > 0 && !row.source.is_empty());
        }
    }

    #[test]
    fn every_class_has_rates_on_every_day() {
        for class in [
            Class::Index,
            Class::Stock,
            Class::Currency,
            Class::Commodity,
        ] {
            for day in [Day::of(2015, 1, 1), Day::of(2026, 11, 19)] {
                assert_eq!(Rates::of(class, day).class, class);
            }
        }
    }
}
