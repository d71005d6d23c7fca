//! The margin scan of one underlying: what its contracts lose together in sixteen scenarios, in the manner of SPAN.
//!
//! An option counts in a scenario at all that it is worth there, a future at its change. So the loss is linear in the
//! legs, what is bought can only lower it, and a short option's premium, which has come in as cash, is part of it.
//! A month's gain counts against another month's loss only in part: the rest is the charge for a spread between
//! expiries. All of this keeps three promises, which tests hold it to: it is never negative, a bought option never
//! raises it, and two portfolios together never need more than each for itself.

use crate::day::Day;
use crate::exchange::market::instruments::{Instrument, RUPEE_E4};
use crate::exchange::market::pricing::option_value;
use crate::exchange::rules::Rates;
use crate::terms::InstrumentKind;

/// A move of the price in thirds of its range, of the volatility in whole ranges, and the percentage of the loss that
/// counts.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub thirds: i32,
    pub volatility: i32,
    pub percent: i64,
}

pub const SCENARIOS: usize = 16;

/// Twice the range is beyond what a day is expected to bring; a third of it, about, is to be there.
const EXTREME_PERCENT: i64 = 35;

pub const ALL: [Scenario; SCENARIOS] = all();

const fn all() -> [Scenario; SCENARIOS] {
    let mut all = [Scenario {
        thirds: 6,
        volatility: 0,
        percent: EXTREME_PERCENT,
    }; SCENARIOS];
    let mut at = 0;
    while at < 14 {
        all[at] = Scenario {
            thirds: (at / 2) as i32 - 3,
            volatility: if at % 2 == 0 { 1 } else { -1 },
            percent: 100,
        };
        at += 1;
    }
    all[15].thirds = -6;
    all
}

/// One unit of a contract: what it is worth now and what it adds in each scenario, an option its value there and a
/// future its change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    pub now_e4: i64,
    pub then_e4: [i64; SCENARIOS],
}

impl Outcomes {
    /// Of a future: its underlying's change, in whatever month it ends.
    pub fn of_future(reference_e4: i64, rates: &Rates) -> Self {
        Self {
            now_e4: 0,
            then_e4: ALL.map(|scenario| moved_by(reference_e4, scenario, rates).round() as i64),
        }
    }

    /// Of an option at its own volatility: by the formula that the market prices it with.
    pub fn of_option(
        instrument: &Instrument,
        volatility: f64,
        reference_e4: i64,
        rates: &Rates,
        now_ns: i64,
    ) -> Self {
        let range = rates.volatility_range_bp as f64 / 10_000.0;
        let value_e4 = |by_e4: f64, volatility: f64| {
            let underlying = (reference_e4 as f64 + by_e4) / RUPEE_E4 as f64;
            let value = option_value(instrument, volatility.max(0.01), underlying, now_ns);
            (value * RUPEE_E4 as f64).round() as i64
        };
        Self {
            now_e4: value_e4(0.0, volatility),
            then_e4: ALL.map(|scenario| {
                let shifted = volatility + f64::from(scenario.volatility) * range;
                value_e4(moved_by(reference_e4, scenario, rates), shifted)
            }),
        }
    }
}

fn moved_by(reference_e4: i64, scenario: Scenario, rates: &Rates) -> f64 {
    let range = rates.price_range_bp as f64 / 10_000.0;
    reference_e4 as f64 * range * f64::from(scenario.thirds) / 3.0
}

/// More units than anybody trades; within it no sum of a scan leaves 128 bits.
const UNITS_MAX: i128 = 1_000_000_000_000_000;

/// A contract and what an account has of it: units that are open, negative when short, and units that its open orders
/// may yet buy or sell.
#[derive(Clone, Copy, Debug)]
pub struct Leg {
    pub kind: InstrumentKind,
    pub expiry: Day,
    pub open: i128,
    pub buys: i128,
    pub sells: i128,
    pub outcomes: Outcomes,
}

impl Leg {
    /// What it loses in a scenario if those of its orders trade that make it worse. An option that is sold brings what
    /// it is worth now, one that is bought is paid for apart from here.
    fn loss(&self, scenario: usize) -> i128 {
        let then = i128::from(self.outcomes.then_e4[scenario]);
        let by_sale = (then - i128::from(self.outcomes.now_e4)).max(0);
        let by_purchase = if self.kind == InstrumentKind::Future {
            (-then).max(0)
        } else {
            0
        };
        let ordered = (bounded(self.sells) * by_sale).max(bounded(self.buys) * by_purchase);
        ordered - bounded(self.open) * then
    }

    /// Units short if all that is for sale is sold.
    fn short(&self) -> i128 {
        bounded(self.sells) - bounded(self.open)
    }

    fn long(&self) -> i128 {
        bounded(self.buys) + bounded(self.open)
    }

    /// Whether it can lose anything: a future that stays none and an option that is never short cannot.
    pub fn risky(&self) -> bool {
        match self.kind {
            InstrumentKind::Future => self.open != 0 || self.buys != 0 || self.sells != 0,
            _ => self.short() > 0,
        }
    }
}

fn bounded(units: i128) -> i128 {
    units.clamp(-UNITS_MAX, UNITS_MAX)
}

/// What the legs of one underlying tie up: the scan, and the exposure on top of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    pub span_e4: i64,
    pub exposure_e4: i64,
}

/// Scans the legs of one underlying, each contract once, in any order. `reference_e4` is the underlying's price.
pub fn scan(mut legs: Vec<Leg>, reference_e4: i64, rates: &Rates) -> Scanned {
    legs.sort_by_key(|leg| leg.expiry);
    let least_e4 = part(short_options(&legs), reference_e4, rates.short_option_bp);
    Scanned {
        span_e4: worst_e4(&legs, rates).max(least_e4),
        exposure_e4: part(directed(&legs), reference_e4, rates.exposure_bp),
    }
}

/// The worst scenario's loss, legs in order of expiry.
fn worst_e4(legs: &[Leg], rates: &Rates) -> i64 {
    let whole = i128::from(rates.price_range_bp);
    let offset = whole - i128::from(rates.calendar_bp);
    let loss = |scenario: usize| -> i128 {
        let months = legs.chunk_by(|one, next| one.expiry == next.expiry);
        let losses = months.map(|month| month.iter().map(|leg| leg.loss(scenario)).sum::<i128>());
        let spread: i128 = losses
            .map(|loss| loss * if loss > 0 { whole } else { offset })
            .sum();
        spread * i128::from(ALL[scenario].percent)
    };
    let worst = (0..SCENARIOS).map(loss).max().unwrap_or(0).max(0);
    rounded_up(worst, whole * 100)
}

/// Units in the greater of the two directions: what gains when the underlying rises, and what gains when it falls.
fn directed(legs: &[Leg]) -> i128 {
    let futures = || legs.iter().filter(|leg| leg.kind == InstrumentKind::Future);
    let short_options = |kind| {
        let of_kind = legs.iter().filter(move |leg| leg.kind == kind);
        of_kind.map(|leg| leg.short().max(0)).sum::<i128>()
    };
    let rising =
        futures().map(|leg| leg.long().max(0)).sum::<i128>() + short_options(InstrumentKind::Put);
    let falling =
        futures().map(|leg| leg.short().max(0)).sum::<i128>() + short_options(InstrumentKind::Call);
    rising.max(falling)
}

/// Units of short options beyond the bought ones, on the greater side: only one of the two can end in the money.
fn short_options(legs: &[Leg]) -> i128 {
    let beyond = |kind| {
        let of_kind = legs.iter().filter(move |leg| leg.kind == kind);
        of_kind.map(Leg::short).sum::<i128>().max(0)
    };
    beyond(InstrumentKind::Call).max(beyond(InstrumentKind::Put))
}

fn part(units: i128, price_e4: i64, bp: i64) -> i64 {
    rounded_up(units * i128::from(price_e4) * i128::from(bp), 10_000)
}

/// A margin is never a paisa short, and what no 64 bits hold is more than anyone has.
pub fn rounded_up(amount: i128, divisor: i128) -> i64 {
    i64::try_from((amount + divisor - 1) / divisor).map_or(MOST_E4, |e4| e4.min(MOST_E4))
}

/// More money than there is; sums of a thousand such parts still fit.
pub const MOST_E4: i64 = i64::MAX / 1_024;
