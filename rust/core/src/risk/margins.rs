//! What an order binds of the account's money: a dated table of percentages. The broker's own calculator has the last
//! word; this one is on the high side, so that an order which passes here is not refused there.
use super::instrument::Instrument;
use crate::day::Day;
use crate::terms::{InstrumentKind, Overflow, Product, Side, product};

/// What binds alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Shares paid in full.
    Delivery,
    Intraday,
    IndexFuture,
    StockFuture,
    /// The premium is paid in full.
    BoughtOption,
    /// In percent of strike, the premium on top.
    SoldIndexOption,
    SoldStockOption,
}

/// Hundredths of a percent from a day on.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    pub from: Day,
    pub class: Class,
    pub bp: i64,
    pub source: &'static str,
}

const FIRST: Day = Day::of(2022, 1, 1);
const PEAK_MARGIN: &str = "peak margin rules: five times at most";
const HOUSE: &str = "house figure, above SPAN and exposure of quiet markets";

pub const SHARES: &[Share] = &[
    Share {
        from: FIRST,
        class: Class::Delivery,
        bp: 10_000,
        source: "paid in full",
    },
    Share {
        from: FIRST,
        class: Class::Intraday,
        bp: 2_000,
        source: PEAK_MARGIN,
    },
    Share {
        from: FIRST,
        class: Class::IndexFuture,
        bp: 1_500,
        source: HOUSE,
    },
    Share {
        from: FIRST,
        class: Class::StockFuture,
        bp: 2_500,
        source: HOUSE,
    },
    Share {
        from: FIRST,
        class: Class::BoughtOption,
        bp: 10_000,
        source: "paid in full",
    },
    Share {
        from: FIRST,
        class: Class::SoldIndexOption,
        bp: 1_500,
        source: HOUSE,
    },
    Share {
        from: FIRST,
        class: Class::SoldStockOption,
        bp: 2_500,
        source: HOUSE,
    },
];

impl Class {
    /// None for an index, which binds nothing because nobody can trade it.
    pub const fn of(
        kind: InstrumentKind,
        of_index: bool,
        product: Product,
        side: Side,
    ) -> Option<Self> {
        match (kind, side) {
            (InstrumentKind::Cash, _) if matches!(product, Product::Mis) => Some(Self::Intraday),
            (InstrumentKind::Cash, _) => Some(Self::Delivery),
            (InstrumentKind::Future, _) => Some(if of_index {
                Self::IndexFuture
            } else {
                Self::StockFuture
            }),
            (InstrumentKind::Call | InstrumentKind::Put, Side::Buy) => Some(Self::BoughtOption),
            (InstrumentKind::Call | InstrumentKind::Put, Side::Sell) if of_index => {
                Some(Self::SoldIndexOption)
            }
            (InstrumentKind::Call | InstrumentKind::Put, Side::Sell) => Some(Self::SoldStockOption),
            (InstrumentKind::Index, _) => None,
        }
    }
}

/// Why a margin cannot be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMargin {
    /// The table does not cover the day or the instrument.
    NotInTable,
    Overflow,
}

impl From<Overflow> for NoMargin {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}

/// Margin of an order in 1/10,000 rupee, rounded up.
pub fn required_e4(
    instrument: &Instrument,
    held_as: Product,
    side: Side,
    quantity: i64,
    price_e4: i64,
    day: Day,
) -> Result<i64, NoMargin> {
    let class = Class::of(instrument.kind, instrument.of_index, held_as, side)
        .ok_or(NoMargin::NotInTable)?;
    let multiplier = instrument
        .exchange
        .multiplier()
        .ok_or(NoMargin::NotInTable)?;
    let row = SHARES
        .iter()
        .filter(|share| share.class == class && share.from <= day)
        .max_by_key(|share| share.from);
    let bp = row.ok_or(NoMargin::NotInTable)?.bp;
    let value_e4 = product(quantity, price_e4, multiplier)?;
    match class {
        // What is sold for delivery is there to be delivered: R18 sees to it.
        Class::Delivery if matches!(side, Side::Sell) => Ok(0),
        Class::SoldIndexOption | Class::SoldStockOption => {
            let strike_e4 = share_up(product(quantity, instrument.strike_e4, multiplier)?, bp)?;
            Ok(strike_e4.checked_add(value_e4).ok_or(Overflow)?)
        }
        _ => Ok(share_up(value_e4, bp)?),
    }
}

fn share_up(value_e4: i64, bp: i64) -> Result<i64, Overflow> {
    // Dividing 128 bits costs 20 ns; all but absurd orders fit 64.
    if let Some(scaled) = value_e4
        .checked_mul(bp)
        .and_then(|scaled| scaled.checked_add(9_999))
    {
        return Ok(scaled.div_euclid(10_000));
    }
    let share = (i128::from(value_e4) * i128::from(bp) + 9_999).div_euclid(10_000);
    i64::try_from(share).map_err(|_| Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::Exchange;

    const DAY: Day = Day::of(2026, 11, 19);

    fn margin(
        exchange: Exchange,
        kind: InstrumentKind,
        held_as: Product,
        side: Side,
        quantity: i64,
        rupees: i64,
    ) -> i64 {
        let strike_e4 = 260_000_000;
        let instrument = Instrument {
            exchange,
            kind,
            of_index: true,
            strike_e4,
            ..Instrument::unknown(1, exchange, "X")
        };
        required_e4(&instrument, held_as, side, quantity, rupees * 10_000, DAY).unwrap() / 10_000
    }

    #[test]
    fn each_class_binds_its_share() {
        use Exchange::{Nfo, Nse};
        assert_eq!(
            margin(Nse, InstrumentKind::Cash, Product::Cnc, Side::Buy, 10, 1500),
            15_000
        );
        assert_eq!(
            margin(
                Nse,
                InstrumentKind::Cash,
                Product::Cnc,
                Side::Sell,
                10,
                1500
            ),
            0
        );
        assert_eq!(
            margin(
                Nse,
                InstrumentKind::Cash,
                Product::Mis,
                Side::Sell,
                10,
                1500
            ),
            3_000
        );
        assert_eq!(
            margin(
                Nfo,
                InstrumentKind::Future,
                Product::Nrml,
                Side::Sell,
                65,
                26_000
            ),
            253_500
        );
        assert_eq!(
            margin(Nfo, InstrumentKind::Call, Product::Nrml, Side::Buy, 65, 100),
            6_500
        );
        assert_eq!(
            margin(Nfo, InstrumentKind::Put, Product::Nrml, Side::Sell, 65, 100),
            253_500 + 6_500
        );
    }

    #[test]
    fn a_fraction_binds_the_next_unit() {
        assert_eq!(
            (share_up(1, 1), share_up(10_000, 1), share_up(10_001, 1)),
            (Ok(1), Ok(1), Ok(2))
        );
        assert_eq!(share_up(i64::MAX, 10_000), Ok(i64::MAX)); // by 128 bits
        assert_eq!(share_up(i64::MAX, 20_000), Err(Overflow));
    }
}
