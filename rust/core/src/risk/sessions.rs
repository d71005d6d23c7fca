//! When what may trade: one dated table of hours per list of instruments, and the days on which nothing trades.
//!
//! A day or a list that the table does not cover has no hours, and nothing passes. Currency and commodities are not in
//! it yet: their contracts' units are not in the instruments file either (`Exchange::multiplier`).
use crate::day::Day;
use crate::terms::{Exchange, Kind};

/// Instruments that share their hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Shares whose close is made by the closing auction: those that have derivatives.
    ClosingAuction,
    /// All other shares.
    Equity,
    EquityDerivatives,
}

impl List {
    /// None for what cannot be traded here.
    pub const fn of(exchange: Exchange, kind: Kind, closing_auction: bool) -> Option<Self> {
        match (exchange, kind) {
            (Exchange::Nse | Exchange::Bse, Kind::Cash) if closing_auction => {
                Some(Self::ClosingAuction)
            }
            (Exchange::Nse | Exchange::Bse, Kind::Cash) => Some(Self::Equity),
            (Exchange::Nfo | Exchange::Bfo, Kind::Future | Kind::Call | Kind::Put) => {
                Some(Self::EquityDerivatives)
            }
            _ => None,
        }
    }
}

/// The hours of one list from a day on, in seconds of the day in India. A time that is named `until` is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    pub from: Day,
    pub list: List,
    /// Continuous trading.
    pub open: i64,
    pub entry_until: i64,
    pub exit_until: i64,
    /// Intraday positions: last entry, our own square-off, and the broker's, which costs a fee.
    pub mis_entry_until: i64,
    pub mis_square_off: i64,
    pub broker_square_off: i64,
    pub source: &'static str,
}

const fn at(hour: i64, minute: i64) -> i64 {
    hour * 3600 + minute * 60
}

/// Ours is this much earlier than the broker's, and intraday entries end this much before ours.
const SQUARE_OFF_MARGIN: i64 = 5 * 60;

const fn hours(
    from: Day,
    list: List,
    close: i64,
    broker_square_off: i64,
    source: &'static str,
) -> Hours {
    let mis_square_off = broker_square_off - SQUARE_OFF_MARGIN;
    Hours {
        from,
        list,
        open: at(9, 15),
        entry_until: close,
        exit_until: close,
        mis_entry_until: mis_square_off - SQUARE_OFF_MARGIN,
        mis_square_off,
        broker_square_off,
        source,
    }
}

/// From here the table knows the days on which the exchanges were closed.
pub const FIRST: Day = Day::of(2022, 1, 1);
pub const LAST: Day = Day::of(2026, 12, 31);
const AUGUST_2026: Day = Day::of(2026, 8, 3);

const BEFORE: &str =
    "hours of NSE until 2026-08-02; square-off times of the broker's support pages";
const AUCTION: &str = "closing auction from 2026-08-03, continuous until 15:15; square-off 15:10 is a guess before it";
const DERIVATIVES: &str =
    "NSE circular 3e707d93: continuous until 15:40; square-off of the broker's support pages";

pub const HOURS: &[Hours] = &[
    hours(FIRST, List::ClosingAuction, at(15, 30), at(15, 20), BEFORE),
    hours(
        AUGUST_2026,
        List::ClosingAuction,
        at(15, 15),
        at(15, 10),
        AUCTION,
    ),
    hours(FIRST, List::Equity, at(15, 30), at(15, 20), BEFORE),
    hours(
        FIRST,
        List::EquityDerivatives,
        at(15, 30),
        at(15, 25),
        BEFORE,
    ),
    hours(
        AUGUST_2026,
        List::EquityDerivatives,
        at(15, 40),
        at(15, 25),
        DERIVATIVES,
    ),
];

/// Weekdays without a session. 2026: NSE's list; the evening sessions of Diwali are not in the table, so they refuse.
/// Earlier years serve replays of recorded days and are recalled.
pub const HOLIDAYS: &[Day] = &[
    Day::of(2022, 1, 26),
    Day::of(2022, 3, 1),
    Day::of(2022, 3, 18),
    Day::of(2022, 4, 14),
    Day::of(2022, 4, 15),
    Day::of(2022, 5, 3),
    Day::of(2022, 8, 9),
    Day::of(2022, 8, 15),
    Day::of(2022, 8, 31),
    Day::of(2022, 10, 5),
    Day::of(2022, 10, 24),
    Day::of(2022, 10, 26),
    Day::of(2022, 11, 8),
    Day::of(2023, 1, 26),
    Day::of(2023, 3, 7),
    Day::of(2023, 3, 30),
    Day::of(2023, 4, 4),
    Day::of(2023, 4, 7),
    Day::of(2023, 4, 14),
    Day::of(2023, 5, 1),
    Day::of(2023, 6, 29),
    Day::of(2023, 8, 15),
    Day::of(2023, 9, 19),
    Day::of(2023, 10, 2),
    Day::of(2023, 10, 24),
    Day::of(2023, 11, 14),
    Day::of(2023, 11, 27),
    Day::of(2023, 12, 25),
    Day::of(2024, 1, 22),
    Day::of(2024, 1, 26),
    Day::of(2024, 3, 8),
    Day::of(2024, 3, 25),
    Day::of(2024, 3, 29),
    Day::of(2024, 4, 11),
    Day::of(2024, 4, 17),
    Day::of(2024, 5, 1),
    Day::of(2024, 5, 20),
    Day::of(2024, 6, 17),
    Day::of(2024, 7, 17),
    Day::of(2024, 8, 15),
    Day::of(2024, 10, 2),
    Day::of(2024, 11, 1),
    Day::of(2024, 11, 15),
    Day::of(2024, 11, 20),
    Day::of(2024, 12, 25),
    Day::of(2025, 2, 26),
    Day::of(2025, 3, 14),
    Day::of(2025, 3, 31),
    Day::of(2025, 4, 10),
    Day::of(2025, 4, 14),
    Day::of(2025, 4, 18),
    Day::of(2025, 5, 1),
    Day::of(2025, 8, 15),
    Day::of(2025, 8, 27),
    Day::of(2025, 10, 2),
    Day::of(2025, 10, 21),
    Day::of(2025, 10, 22),
    Day::of(2025, 11, 5),
    Day::of(2025, 12, 25),
    Day::of(2026, 1, 15),
    Day::of(2026, 1, 26),
    Day::of(2026, 3, 3),
    Day::of(2026, 3, 26),
    Day::of(2026, 3, 31),
    Day::of(2026, 4, 3),
    Day::of(2026, 4, 14),
    Day::of(2026, 5, 1),
    Day::of(2026, 5, 28),
    Day::of(2026, 6, 26),
    Day::of(2026, 9, 14),
    Day::of(2026, 10, 2),
    Day::of(2026, 10, 20),
    Day::of(2026, 11, 10),
    Day::of(2026, 11, 24),
    Day::of(2026, 12, 25),
];

/// Saturdays with a whole session: 2024-01-20 in place of the 22nd, and the budget's day of 2025. Recalled.
pub const SPECIAL_SESSIONS: &[Day] = &[Day::of(2024, 1, 20), Day::of(2025, 2, 1)];

/// Whether the exchanges are open on that day at all. A day outside the table is not.
pub fn is_trading_day(day: Day) -> bool {
    let covered = FIRST <= day && day <= LAST;
    covered
        && (!day.is_weekend() || SPECIAL_SESSIONS.contains(&day))
        && HOLIDAYS.binary_search(&day).is_err()
}

/// The hours of a list on a day; none when it does not trade, or the table does not say.
pub fn hours_on(day: Day, list: List) -> Option<&'static Hours> {
    if !is_trading_day(day) {
        return None;
    }
    HOURS
        .iter()
        .filter(|hours| hours.list == list && hours.from <= day)
        .max_by_key(|hours| hours.from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holidays_are_weekdays_in_order() {
        assert!(HOLIDAYS.is_sorted_by(|a, b| a < b));
        assert!(HOLIDAYS.iter().all(|day| !day.is_weekend()));
        assert!(SPECIAL_SESSIONS.iter().all(|day| day.is_weekend()));
    }

    #[test]
    fn a_day_outside_the_table_has_no_hours() {
        for day in [
            "2021-12-31",
            "2027-01-01",
            "2026-11-21",
            "2026-11-22",
            "2026-11-24",
            "2026-12-25",
        ] {
            let day = Day::parse(day).unwrap();
            assert_eq!(hours_on(day, List::EquityDerivatives), None, "{day}");
        }
    }

    #[test]
    fn the_hours_of_a_day_are_those_then_in_force() {
        let closes = |day: &str, list| {
            hours_on(Day::parse(day).unwrap(), list).map(|h| (h.open, h.exit_until))
        };

        for day in [
            "2022-09-30",
            "2022-11-01",
            "2022-11-24",
            "2024-06-03",
            "2026-07-31",
        ] {
            for list in [List::ClosingAuction, List::Equity, List::EquityDerivatives] {
                assert_eq!(
                    closes(day, list),
                    Some((at(9, 15), at(15, 30))),
                    "{day} {list:?}"
                );
            }
        }
        assert_eq!(
            closes("2026-08-03", List::ClosingAuction),
            Some((at(9, 15), at(15, 15)))
        );
        assert_eq!(
            closes("2026-11-19", List::Equity),
            Some((at(9, 15), at(15, 30)))
        );
        assert_eq!(
            closes("2026-11-19", List::EquityDerivatives),
            Some((at(9, 15), at(15, 40)))
        );
    }

    #[test]
    fn our_square_off_comes_five_minutes_before_the_brokers_and_inside_the_session() {
        for hours in HOURS {
            assert!(hours.broker_square_off - hours.mis_square_off >= 5 * 60);
            assert!(
                hours.open < hours.mis_entry_until && hours.mis_entry_until < hours.mis_square_off
            );
            assert!(hours.broker_square_off < hours.exit_until);
        }
    }
}
