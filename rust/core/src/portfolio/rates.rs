//! What an executed order costs, as tables of dates: rates with the day from which they hold and where they come from.
//!
//! A row holds until the next of the same kind. A day before the first row has no rate, and asking for it says so.
//! "recalled" marks a rate of the past that no document at hand confirms; it serves replays of past days only.
use crate::day::Day;
use crate::terms::{Exchange, Kind, Product};

/// How the tax law and the exchanges sort an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    EquityDelivery,
    EquityIntraday,
    EquityFuture,
    EquityOption,
    CurrencyFuture,
    CurrencyOption,
    CommodityFuture,
    CommodityOption,
}

impl Category {
    /// None for an index, which nobody can trade, and for a cash instrument of a derivatives exchange.
    pub fn of(exchange: Exchange, kind: Kind, product: Product) -> Option<Self> {
        use Exchange::{Bcd, Bfo, Bse, Cds, Mcx, Nco, Nfo, Nse};
        match (exchange, kind) {
            (Nse | Bse, Kind::Cash) if product == Product::Mis => Some(Self::EquityIntraday),
            (Nse | Bse, Kind::Cash) => Some(Self::EquityDelivery),
            (Nfo | Bfo, Kind::Future) => Some(Self::EquityFuture),
            (Nfo | Bfo, Kind::Call | Kind::Put) => Some(Self::EquityOption),
            (Cds | Bcd, Kind::Future) => Some(Self::CurrencyFuture),
            (Cds | Bcd, Kind::Call | Kind::Put) => Some(Self::CurrencyOption),
            (Mcx | Nco, Kind::Future) => Some(Self::CommodityFuture),
            (Mcx | Nco, Kind::Call | Kind::Put) => Some(Self::CommodityOption),
            _ => None,
        }
    }
}

/// A rate in thousand-millionths of turnover: 0.1 % is 1,000,000.
pub type RateE9 = i64;

/// A rate per side of the trade, from a day on.
pub struct PerSide {
    pub from: Day,
    pub category: Category,
    pub buy_e9: RateE9,
    pub sell_e9: RateE9,
    pub source: &'static str,
}

/// What the exchange takes from both sides. The part for its investor fund bears no GST where it is listed apart.
pub struct Transaction {
    pub from: Day,
    pub exchange: Exchange,
    pub category: Category,
    pub rate_e9: RateE9,
    pub fund_e9: RateE9,
    pub source: &'static str,
}

/// What the broker takes for an executed order: a share of turnover, at most a sum; or the sum itself.
pub struct Brokerage {
    pub category: Category,
    pub rate_e9: Option<RateE9>,
    pub most_e4: i64,
}

use Category as C;

/// From here on the tables know every part of an equity order on NSE.
pub const FIRST: Day = Day::of(2022, 1, 1);

const FINANCE_ACT_2026: &str = "Finance Act 2026, NSE circular 2f6e7cf0";
const BEFORE_APRIL_2026: &str = "Finance (No. 2) Act 2024, in force until March 2026";
const FINANCE_ACT_2023: &str = "rates before October 2024";
const RECALLED: &str = "recalled";

const fn tax(
    from: Day,
    category: Category,
    buy_e9: RateE9,
    sell_e9: RateE9,
    source: &'static str,
) -> PerSide {
    PerSide {
        from,
        category,
        buy_e9,
        sell_e9,
        source,
    }
}

/// Securities and commodities transaction tax.
pub const TRANSACTION_TAX: &[PerSide] = &[
    tax(
        FIRST,
        C::EquityDelivery,
        1_000_000,
        1_000_000,
        FINANCE_ACT_2026,
    ),
    tax(FIRST, C::EquityIntraday, 0, 250_000, FINANCE_ACT_2026),
    tax(FIRST, C::EquityFuture, 0, 100_000, RECALLED),
    tax(
        Day::of(2023, 4, 1),
        C::EquityFuture,
        0,
        125_000,
        FINANCE_ACT_2023,
    ),
    tax(
        Day::of(2024, 10, 1),
        C::EquityFuture,
        0,
        200_000,
        BEFORE_APRIL_2026,
    ),
    tax(
        Day::of(2026, 4, 1),
        C::EquityFuture,
        0,
        500_000,
        FINANCE_ACT_2026,
    ),
    tax(FIRST, C::EquityOption, 0, 500_000, RECALLED),
    tax(
        Day::of(2023, 4, 1),
        C::EquityOption,
        0,
        625_000,
        FINANCE_ACT_2023,
    ),
    tax(
        Day::of(2024, 10, 1),
        C::EquityOption,
        0,
        1_000_000,
        BEFORE_APRIL_2026,
    ),
    tax(
        Day::of(2026, 4, 1),
        C::EquityOption,
        0,
        1_500_000,
        FINANCE_ACT_2026,
    ),
    tax(FIRST, C::CurrencyFuture, 0, 0, "no tax on currency"),
    tax(FIRST, C::CurrencyOption, 0, 0, "no tax on currency"),
    tax(
        FIRST,
        C::CommodityFuture,
        0,
        100_000,
        "CTT of non-agricultural contracts",
    ),
    tax(FIRST, C::CommodityOption, 0, 500_000, "CTT"),
];

/// STT on what an exercised option is worth, paid by its holder.
pub struct Exercise {
    pub from: Day,
    pub rate_e9: RateE9,
    pub source: &'static str,
}

pub const EXERCISE_TAX: &[Exercise] = &[
    Exercise {
        from: FIRST,
        rate_e9: 1_250_000,
        source: BEFORE_APRIL_2026,
    },
    Exercise {
        from: Day::of(2026, 4, 1),
        rate_e9: 1_500_000,
        source: FINANCE_ACT_2026,
    },
];

const STAMP_RULES: &str = "Indian Stamp Act as amended, in force since 2020-07-01: buyers only";

/// Stamp duty.
pub const STAMP: &[PerSide] = &[
    tax(FIRST, C::EquityDelivery, 150_000, 0, STAMP_RULES),
    tax(FIRST, C::EquityIntraday, 30_000, 0, STAMP_RULES),
    tax(FIRST, C::EquityFuture, 20_000, 0, STAMP_RULES),
    tax(FIRST, C::EquityOption, 30_000, 0, STAMP_RULES),
    tax(FIRST, C::CurrencyFuture, 1_000, 0, STAMP_RULES),
    tax(FIRST, C::CurrencyOption, 1_000, 0, STAMP_RULES),
    tax(FIRST, C::CommodityFuture, 20_000, 0, STAMP_RULES),
    tax(FIRST, C::CommodityOption, 30_000, 0, STAMP_RULES),
];

const NSE_MARCH_2026: &str =
    "NSE circular f0042baf: 306.99+0.01, 182.99+0.01, 3552+1 rupees a crore";
const NSE_OCTOBER_2024: &str = "totals as from March 2026, the fund's part apart";
const KITE_2023: &str = "Kite's documented contract note of July 2023";
const BROKER_PAGE: &str = "the broker's list of charges, 2024 to 2026";

const fn txn(
    from: Day,
    exchange: Exchange,
    category: Category,
    rate_e9: RateE9,
    fund_e9: RateE9,
    source: &'static str,
) -> Transaction {
    Transaction {
        from,
        exchange,
        category,
        rate_e9,
        fund_e9,
        source,
    }
}

const APRIL_2023: Day = Day::of(2023, 4, 1);
const OCTOBER_2024: Day = Day::of(2024, 10, 1);
const MARCH_2026: Day = Day::of(2026, 3, 1);

/// Exchange transaction charges.
pub const TRANSACTION: &[Transaction] = &[
    txn(FIRST, Exchange::Nse, C::EquityDelivery, 34_500, 0, RECALLED),
    txn(
        APRIL_2023,
        Exchange::Nse,
        C::EquityDelivery,
        32_500,
        1_000,
        KITE_2023,
    ),
    txn(
        OCTOBER_2024,
        Exchange::Nse,
        C::EquityDelivery,
        29_700,
        1_000,
        NSE_OCTOBER_2024,
    ),
    txn(
        MARCH_2026,
        Exchange::Nse,
        C::EquityDelivery,
        30_700,
        0,
        NSE_MARCH_2026,
    ),
    txn(FIRST, Exchange::Nse, C::EquityIntraday, 34_500, 0, RECALLED),
    txn(
        APRIL_2023,
        Exchange::Nse,
        C::EquityIntraday,
        32_500,
        1_000,
        KITE_2023,
    ),
    txn(
        OCTOBER_2024,
        Exchange::Nse,
        C::EquityIntraday,
        29_700,
        1_000,
        NSE_OCTOBER_2024,
    ),
    txn(
        MARCH_2026,
        Exchange::Nse,
        C::EquityIntraday,
        30_700,
        0,
        NSE_MARCH_2026,
    ),
    txn(FIRST, Exchange::Nfo, C::EquityFuture, 20_000, 0, RECALLED),
    txn(
        APRIL_2023,
        Exchange::Nfo,
        C::EquityFuture,
        19_000,
        1_000,
        RECALLED,
    ),
    txn(
        OCTOBER_2024,
        Exchange::Nfo,
        C::EquityFuture,
        17_300,
        1_000,
        NSE_OCTOBER_2024,
    ),
    txn(
        MARCH_2026,
        Exchange::Nfo,
        C::EquityFuture,
        18_300,
        0,
        NSE_MARCH_2026,
    ),
    txn(FIRST, Exchange::Nfo, C::EquityOption, 530_000, 0, RECALLED),
    txn(
        APRIL_2023,
        Exchange::Nfo,
        C::EquityOption,
        500_000,
        5_000,
        KITE_2023,
    ),
    txn(
        OCTOBER_2024,
        Exchange::Nfo,
        C::EquityOption,
        350_300,
        5_000,
        NSE_OCTOBER_2024,
    ),
    txn(
        MARCH_2026,
        Exchange::Nfo,
        C::EquityOption,
        355_300,
        0,
        NSE_MARCH_2026,
    ),
    txn(
        OCTOBER_2024,
        Exchange::Bse,
        C::EquityDelivery,
        37_500,
        0,
        BROKER_PAGE,
    ),
    txn(
        OCTOBER_2024,
        Exchange::Bse,
        C::EquityIntraday,
        37_500,
        0,
        BROKER_PAGE,
    ),
    txn(
        OCTOBER_2024,
        Exchange::Bfo,
        C::EquityFuture,
        0,
        0,
        BROKER_PAGE,
    ),
    txn(
        OCTOBER_2024,
        Exchange::Bfo,
        C::EquityOption,
        325_000,
        0,
        BROKER_PAGE,
    ),
    txn(
        OCTOBER_2024,
        Exchange::Cds,
        C::CurrencyFuture,
        3_500,
        0,
        BROKER_PAGE,
    ),
    txn(
        OCTOBER_2024,
        Exchange::Cds,
        C::CurrencyOption,
        311_000,
        0,
        BROKER_PAGE,
    ),
    txn(
        OCTOBER_2024,
        Exchange::Bcd,
        C::CurrencyFuture,
        4_500,
        0,
        BROKER_PAGE,
    ),
    txn(
        OCTOBER_2024,
        Exchange::Bcd,
        C::CurrencyOption,
        10_000,
        0,
        BROKER_PAGE,
    ),
    txn(
        APRIL_2023,
        Exchange::Mcx,
        C::CommodityFuture,
        26_000,
        0,
        KITE_2023,
    ),
    txn(
        OCTOBER_2024,
        Exchange::Mcx,
        C::CommodityFuture,
        21_000,
        0,
        BROKER_PAGE,
    ),
    txn(
        OCTOBER_2024,
        Exchange::Mcx,
        C::CommodityOption,
        418_000,
        0,
        BROKER_PAGE,
    ),
];

const RUPEES_20_E4: i64 = 20_0000;
const SHARE: Option<RateE9> = Some(300_000);

/// The broker's retail brokerage, unchanged over the tables' years.
pub const BROKERAGE: &[Brokerage] = &[
    Brokerage {
        category: C::EquityDelivery,
        rate_e9: Some(0),
        most_e4: 0,
    },
    Brokerage {
        category: C::EquityIntraday,
        rate_e9: SHARE,
        most_e4: RUPEES_20_E4,
    },
    Brokerage {
        category: C::EquityFuture,
        rate_e9: SHARE,
        most_e4: RUPEES_20_E4,
    },
    Brokerage {
        category: C::EquityOption,
        rate_e9: None,
        most_e4: RUPEES_20_E4,
    },
    Brokerage {
        category: C::CurrencyFuture,
        rate_e9: SHARE,
        most_e4: RUPEES_20_E4,
    },
    Brokerage {
        category: C::CurrencyOption,
        rate_e9: SHARE,
        most_e4: RUPEES_20_E4,
    },
    Brokerage {
        category: C::CommodityFuture,
        rate_e9: SHARE,
        most_e4: RUPEES_20_E4,
    },
    Brokerage {
        category: C::CommodityOption,
        rate_e9: None,
        most_e4: RUPEES_20_E4,
    },
];

/// SEBI's fee: 10 rupees a crore, both sides.
pub const SEBI_E9: RateE9 = 1_000;

/// Goods and services tax on brokerage, transaction charge and SEBI's fee.
pub const GST_PERCENT: i64 = 18;

/// What the broker takes, before GST, for squaring off an intraday position itself.
pub const SQUARE_OFF_E4: i64 = 50_0000;

/// The row in force: the newest that is not after the day.
pub fn in_force<T>(
    rows: &'static [T],
    day: Day,
    fits: impl Fn(&T) -> bool,
    from: impl Fn(&T) -> Day,
) -> Option<&'static T> {
    rows.iter()
        .filter(|row| fits(row) && from(row) <= day)
        .max_by_key(|row| from(row))
}
