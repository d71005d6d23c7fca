//! Contracts by their day: ticks as the exchanges set them, and the symbols that bear them.

use crate::calendar::{Day, Expiry};
use crate::exchange::market::instruments::RUPEE_E4;
use crate::terms::{Exchange, InstrumentKind};

/// An index with derivatives.
#[derive(Clone, Copy, Debug)]
pub struct IndexContracts {
    /// What its contracts are called.
    pub name: &'static str,
    pub exchange: Exchange,
    pub strike_step: i64,
    /// Weekly options; one index an exchange has them.
    pub weekly: bool,
}

pub const NIFTY: IndexContracts = IndexContracts {
    name: "NIFTY",
    exchange: Exchange::Nfo,
    strike_step: 50,
    weekly: true,
};

pub const BANKNIFTY: IndexContracts = IndexContracts {
    name: "BANKNIFTY",
    exchange: Exchange::Nfo,
    strike_step: 100,
    weekly: false,
};

pub const SENSEX: IndexContracts = IndexContracts {
    name: "SENSEX",
    exchange: Exchange::Bfo,
    strike_step: 100,
    weekly: true,
};

impl IndexContracts {
    /// What the calendar knows them by.
    pub fn key(&self) -> String {
        format!("{}:{}", self.exchange, self.name)
    }
}

/// The day on which NSE made its ticks depend on the price.
const GRADED_TICKS: Day = Day::of(2025, 4, 15);

/// NSE cash and stock futures, by the last close of the month.
pub fn share_tick_e4(day: Day, close: f64) -> i64 {
    match close {
        // One paisa below 250 rupees since the summer of 2024.
        c if day < GRADED_TICKS => 100 + 400 * i64::from(c >= 250.0 || day < Day::of(2024, 6, 10)),
        c if c < 250.0 => 100,
        c if c < 1000.0 => 500,
        c if c < 5000.0 => 1000,
        c if c < 10_000.0 => 5000,
        c if c < 20_000.0 => 10_000,
        _ => 50_000,
    }
}

/// Index futures.
pub fn index_future_tick_e4(day: Day, close: f64) -> i64 {
    match close {
        c if day < GRADED_TICKS || c <= 15_000.0 => 500,
        c if c <= 30_000.0 => 1000,
        _ => 2000,
    }
}

/// Index options: five paise.
pub const INDEX_OPTION_TICK_E4: i64 = 500;

/// Options on a share: a paisa below 250 rupees since 2025-11-03.
pub fn stock_option_tick_e4(day: Day, close: f64) -> i64 {
    if close < 250.0 && day >= Day::of(2025, 11, 3) {
        100
    } else {
        500
    }
}

/// Between two strikes of a share's options, 1/10,000 rupee: about a fiftieth of the price, on a round number.
pub fn stock_strike_step_e4(close: f64) -> i64 {
    match close {
        c if c < 250.0 => 25_000,
        c if c < 500.0 => 5 * RUPEE_E4,
        c if c < 1000.0 => 10 * RUPEE_E4,
        c if c < 2500.0 => 20 * RUPEE_E4,
        c if c < 5000.0 => 50 * RUPEE_E4,
        c if c < 10_000.0 => 100 * RUPEE_E4,
        _ => 200 * RUPEE_E4,
    }
}

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

/// `NIFTY26NOVFUT`
pub fn future_symbol(name: &str, expiry: Day) -> String {
    let (year, month, _) = expiry.civil();
    format!("{name}{:02}{}FUT", year % 100, MONTHS[month as usize - 1])
}

/// `NIFTY26NOV26000CE` of a month's last expiry, `NIFTY26D0126000CE` of another.
pub fn option_symbol(name: &str, expiry: Expiry, strike_e4: i64, kind: InstrumentKind) -> String {
    let (year, month, day) = expiry.day.civil();
    let when = if expiry.monthly {
        format!("{:02}{}", year % 100, MONTHS[month as usize - 1])
    } else {
        let month = b"123456789OND"[month as usize - 1] as char;
        format!("{:02}{month}{day:02}", year % 100)
    };
    let strike = crate::exchange::market::instruments::decimal(strike_e4);
    format!("{name}{when}{strike}{}", kind.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_follow_price_and_date() {
        let new = Day::of(2026, 11, 19);
        let tick = |close| share_tick_e4(new, close);
        assert_eq!(
            [
                172.0, 250.0, 1000.0, 5000.0, 10_000.0, 19_999.0, 20_000.0, 25_000.0
            ]
            .map(tick),
            [100, 500, 1000, 5000, 10_000, 10_000, 50_000, 50_000]
        );
        assert_eq!(share_tick_e4(Day::of(2022, 11, 24), 172.0), 500);
        assert_eq!(share_tick_e4(Day::of(2024, 7, 1), 172.0), 100);
        assert_eq!(share_tick_e4(Day::of(2024, 7, 1), 3000.0), 500);
        assert_eq!(index_future_tick_e4(new, 58_500.0), 2000);
        assert_eq!(index_future_tick_e4(Day::of(2022, 11, 24), 18_300.0), 500);
        assert_eq!(stock_option_tick_e4(new, 172.0), 100);
        assert_eq!(stock_option_tick_e4(Day::of(2025, 11, 2), 172.0), 500);
    }

    #[test]
    fn a_strike_of_half_a_rupee_keeps_its_half() {
        let expiry = Expiry {
            day: Day::of(2026, 12, 29),
            monthly: true,
        };
        assert_eq!(
            option_symbol("TATASTEEL", expiry, 1_725_000, InstrumentKind::Put),
            "TATASTEEL26DEC172.5PE"
        );
    }
}
