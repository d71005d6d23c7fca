//! Days, the clock of the exchange (IST) and its trading days.

use crate::day::Day;

pub const SECOND_NS: i64 = 1_000_000_000;
pub const MINUTE_NS: i64 = 60 * SECOND_NS;
pub const HOUR_NS: i64 = 60 * MINUTE_NS;
pub const DAY_NS: i64 = 24 * HOUR_NS;
/// IST is UTC + 5:30, all the year.
pub const IST_NS: i64 = 5 * HOUR_NS + 30 * MINUTE_NS;
/// Continuous trading begins.
pub const OPEN_NS: i64 = 9 * HOUR_NS + 15 * MINUTE_NS;
/// The index's last value, at which contracts on it are settled.
pub const CLOSE_NS: i64 = 15 * HOUR_NS + 30 * MINUTE_NS;

/// UTC nanoseconds of a time of a day in IST.
pub fn at_ns(day: Day, time_of_day_ns: i64) -> i64 {
    i64::from(day.0) * DAY_NS + time_of_day_ns - IST_NS
}

/// False on weekends and on the holidays that the table knows.
pub fn trades(day: Day) -> bool {
    weekday(day) < 5 && !HOLIDAYS.contains(&day.civil())
}

/// This day, or the last trading day before it.
pub fn trading_day_back(mut day: Day) -> Day {
    while !trades(day) {
        day = Day(day.0 - 1);
    }
    day
}

const THURSDAY: i32 = 3;

/// Monday is 0.
pub fn weekday(day: Day) -> u32 {
    (day.0 + 3).rem_euclid(7) as u32
}

/// NSE's weekday holidays of 2026. Other years have none here: their contracts only expire a day late.
const HOLIDAYS: [(i32, u32, u32); 16] = [
    (2026, 1, 15),
    (2026, 1, 26),
    (2026, 3, 3),
    (2026, 3, 26),
    (2026, 3, 31),
    (2026, 4, 3),
    (2026, 4, 14),
    (2026, 5, 1),
    (2026, 5, 28),
    (2026, 6, 26),
    (2026, 9, 14),
    (2026, 10, 2),
    (2026, 10, 20),
    (2026, 11, 10),
    (2026, 11, 24),
    (2026, 12, 25),
];

/// An expiry of NSE's index derivatives, and whether it is its month's last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    pub day: Day,
    pub monthly: bool,
}

/// Derivatives of NSE expire on Tuesdays since 2025-09-01, on Thursdays before.
fn expiry_weekday(week: Day) -> u32 {
    if week >= Day::of(2025, 9, 1) { 1 } else { 3 }
}

/// The first weekly expiry on `day` or after it.
pub fn weekly_expiry(day: Day) -> Expiry {
    // A holiday moves an expiry back, perhaps to before `day`: then the next week's counts.
    (0..4)
        .map(|weeks| nominal(Day(day.0 + 7 * weeks)))
        .map(|nominal| Expiry {
            day: trading_day_back(nominal),
            monthly: last_of_month(nominal),
        })
        .find(|expiry| expiry.day >= day)
        .expect("no four weeks are all holidays")
}

/// The next expiries from `day` on, one a week.
pub fn weekly_expiries(day: Day, count: usize) -> Vec<Expiry> {
    expiries(day).take(count).collect()
}

/// The next expiries from `day` on that are their month's last.
pub fn monthly_expiries(day: Day, count: usize) -> Vec<Expiry> {
    expiries(day)
        .filter(|expiry| expiry.monthly)
        .take(count)
        .collect()
}

fn expiries(day: Day) -> impl Iterator<Item = Expiry> {
    let next = |expiry: &Expiry| Some(weekly_expiry(Day(expiry.day.0 + 1)));
    std::iter::successors(Some(weekly_expiry(day)), next)
}

/// The next expiries from `day` on of the dollar's futures: two working days before the month's last.
pub fn currency_expiries(day: Day, count: usize) -> Vec<Expiry> {
    expiries_by_month(day, count, |first_of_next| {
        let mut last = trading_day_back(Day(first_of_next.0 - 1));
        for _ in 0..2 {
            last = trading_day_back(Day(last.0 - 1));
        }
        last
    })
}

/// The next expiries from `day` on of BSE's monthly contracts: the last Thursday. So it is since 2025-09-01; the
/// weekdays of before are not here.
pub fn thursday_expiries(day: Day, count: usize) -> Vec<Expiry> {
    expiries_by_month(day, count, |first_of_next| {
        let last = Day(first_of_next.0 - 1);
        let since_thursday = (weekday(last) as i32 - THURSDAY).rem_euclid(7);
        trading_day_back(Day(last.0 - since_thursday))
    })
}

/// The next expiries from `day` on of crude oil's futures: about the 19th, the last trading day up to it. MCX names the
/// day of each contract in its own calendar, which is not here.
pub fn crude_expiries(day: Day, count: usize) -> Vec<Expiry> {
    expiries_by_month(day, count, |first_of_next| {
        let (year, month, _) = Day(first_of_next.0 - 1).civil();
        trading_day_back(Day::of(year, month, 19))
    })
}

/// `of` names a month's expiry, given the first day of the month after it.
fn expiries_by_month(day: Day, count: usize, of: impl Fn(Day) -> Day) -> Vec<Expiry> {
    let (year, month, _) = day.civil();
    (0..)
        .map(|later: i32| {
            let months = year * 12 + month as i32 + later;
            of(Day::of(
                months.div_euclid(12),
                months.rem_euclid(12) as u32 + 1,
                1,
            ))
        })
        .filter(|expiry| *expiry >= day)
        .map(|day| Expiry { day, monthly: true })
        .take(count)
        .collect()
}

/// The expiry weekday on or after `day`, before holidays are looked at.
fn nominal(day: Day) -> Day {
    Day(day.0 + (expiry_weekday(day) as i32 - weekday(day) as i32).rem_euclid(7))
}

fn last_of_month(nominal: Day) -> bool {
    Day(nominal.0 + 7).civil().1 != nominal.civil().1
}

/// `2026-11-19 09:20:00` in IST: the form of every time in Kite's answers.
pub fn stamp(time_ns: i64) -> String {
    format!("{} {}", Day::at(time_ns), time_of_day(time_ns))
}

/// `09:20:00` in IST.
pub fn time_of_day(time_ns: i64) -> String {
    let seconds = (time_ns + IST_NS).rem_euclid(DAY_NS) / SECOND_NS;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    #[test]
    fn november_2026_expires_on_monday_because_its_last_tuesday_is_a_holiday() {
        let expiry = weekly_expiry(day("2026-11-19"));

        assert_eq!(
            expiry,
            Expiry {
                day: day("2026-11-23"),
                monthly: true
            }
        );
        assert_eq!(monthly_expiries(day("2026-11-19"), 1), [expiry]);
    }

    #[test]
    fn a_contract_that_expires_today_is_the_next_to_expire() {
        let november = Expiry {
            day: day("2026-11-23"),
            monthly: true,
        };
        assert_eq!(weekly_expiry(november.day), november);
        assert_eq!(monthly_expiries(november.day, 1), [november]);
        let december = Expiry {
            day: day("2026-12-01"),
            monthly: false,
        };
        // Its own day, a Tuesday, is a holiday: by then it is over.
        assert_eq!(weekly_expiry(day("2026-11-24")), december);
        assert_eq!(weekly_expiry(december.day), december);
    }

    #[test]
    fn every_holiday_on_a_tuesday_moves_an_expiry_to_the_trading_day_before() {
        for (holiday, expiry) in [
            ("2026-03-03", "2026-03-02"),
            ("2026-03-31", "2026-03-30"),
            ("2026-04-14", "2026-04-13"),
            ("2026-10-20", "2026-10-19"),
            ("2026-11-10", "2026-11-09"),
            ("2026-11-24", "2026-11-23"),
        ] {
            assert_eq!(weekly_expiry(day(expiry)).day, day(expiry));
            assert!(weekly_expiry(day(holiday)).day > day(holiday));
        }
    }

    #[test]
    fn before_september_2025_expiries_fell_on_thursday() {
        assert_eq!(
            weekly_expiry(day("2022-11-22")),
            Expiry {
                day: day("2022-11-24"),
                monthly: true
            }
        );
        assert_eq!(
            weekly_expiry(day("2022-11-25")),
            Expiry {
                day: day("2022-12-01"),
                monthly: false
            }
        );
    }

    #[test]
    fn dollars_and_oil_expire_by_their_own_calendars() {
        let days = |expiries: Vec<Expiry>| {
            expiries
                .into_iter()
                .map(|expiry| expiry.day.to_string())
                .collect::<Vec<_>>()
        };

        assert_eq!(
            days(currency_expiries(day("2026-11-19"), 3)),
            ["2026-11-26", "2026-12-29", "2027-01-27"]
        );
        assert_eq!(
            days(crude_expiries(day("2026-11-19"), 2)),
            ["2026-11-19", "2026-12-18"]
        );
        assert_eq!(days(crude_expiries(day("2026-12-18"), 1)), ["2026-12-18"]);
        assert_eq!(
            days(currency_expiries(day("2026-11-26"), 1)),
            ["2026-11-26"]
        );
    }

    #[test]
    fn times_are_shown_in_ist() {
        let nine_twenty = at_ns(day("2026-11-19"), 9 * HOUR_NS + 20 * MINUTE_NS);

        assert_eq!(nine_twenty, 1_795_060_200 * SECOND_NS);
        assert_eq!(stamp(nine_twenty), "2026-11-19 09:20:00");
        assert_eq!(Day::at(nine_twenty), day("2026-11-19"));
    }

    proptest! {
        #[test]
        fn an_expiry_is_a_trading_day_not_before_the_day(days in 18_000_i32..22_000) {
            let expiry = weekly_expiry(Day(days));
            prop_assert!(expiry.day >= Day(days) && trades(expiry.day));
            prop_assert!(expiry.day.0 - days <= 14);
        }
    }
}
