//! What margins are made of: how far the scan looks, by class of underlying, and the percentages of shares.
//!
//! The clearing house scales six standard deviations of each underlying; its published floors stand here for them, so
//! a nervous underlying ties up less than it does in truth. "Usual size" marks a number that no document at hand gives.
//! A broker changes them as it likes, so all of them are rules that can be set.

/// A class's numbers, in hundredths of a percent (`_bp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
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
}

impl Rates {
    /// Range, volatility, calendar, exposure, short option.
    pub fn listed(&self) -> [i64; 5] {
        [
            self.price_range_bp,
            self.volatility_range_bp,
            self.calendar_bp,
            self.exposure_bp,
            self.short_option_bp,
        ]
    }

    /// The same from a list. None where a spread between expiries would cost as much as its legs, or one goes beyond
    /// the whole price.
    pub fn from_list(list: [i64; 5]) -> Option<Self> {
        let [
            price_range_bp,
            volatility_range_bp,
            calendar_bp,
            exposure_bp,
            short_option_bp,
        ] = list;
        let fit = list.iter().all(|bp| (0..=10_000).contains(bp)) && calendar_bp < price_range_bp;
        fit.then_some(Self {
            price_range_bp,
            volatility_range_bp,
            calendar_bp,
            exposure_bp,
            short_option_bp,
        })
    }
}

/// The rates of every class, and of shares that are not paid in full, of their value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginRates {
    /// Shares held for the day, long or short.
    pub intraday_bp: i64,
    /// Shares that the broker funds a part of.
    pub funded_bp: i64,
    pub index: Rates,
    pub stock: Rates,
    pub currency: Rates,
    pub commodity: Rates,
}

impl MarginRates {
    /// Sources. Intraday: the least that peak-margin rules allow. Index and stock: NSE Clearing, SPAN risk parameters,
    /// equity derivatives (2024), for range, volatility and calendar. Currency: the same for USDINR, calendar of
    /// 500 rupees a lot. Everything else, all of commodities with it: usual size.
    pub const USUAL: Self = Self {
        intraday_bp: 2_000,
        funded_bp: 5_000,
        index: Rates {
            price_range_bp: 930,
            volatility_range_bp: 400,
            calendar_bp: 175,
            exposure_bp: 200,
            short_option_bp: 300,
        },
        stock: Rates {
            price_range_bp: 1_420,
            volatility_range_bp: 1_000,
            calendar_bp: 220,
            exposure_bp: 350,
            short_option_bp: 750,
        },
        currency: Rates {
            price_range_bp: 150,
            volatility_range_bp: 300,
            calendar_bp: 60,
            exposure_bp: 100,
            short_option_bp: 150,
        },
        commodity: Rates {
            price_range_bp: 1_500,
            volatility_range_bp: 1_000,
            calendar_bp: 400,
            exposure_bp: 100,
            short_option_bp: 750,
        },
    };
}
