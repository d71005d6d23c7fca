//! Days, the clock of the exchange (IST) and its trading days.

pub const SECOND_NS: i64 = 1_000_000_000;
pub const MINUTE_NS: i64 = 60 * SECOND_NS;
pub const HOUR_NS: i64 = 60 * MINUTE_NS;
pub const DAY_NS: i64 = 24 * HOUR_NS;
/// IST is UTC + 5:30, all the year.
pub const IST_NS: i64 = 5 * HOUR_NS + 30 * MINUTE_NS;
/// Continuous trading begins.
pub const OPEN_NS: i64 = 9 * HOUR_NS + 15 * MINUTE_NS;
/// The index's last value, and the settlement of contracts that expire.
pub const CLOSE_NS: i64 = 15 * HOUR_NS + 30 * MINUTE_NS;

/// A calendar day, as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub i32);

impl Date {
    /// The day of a year, month and day; none if there is no such day.
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        if !(1..=12).contains(&month)
            || !(1900..=2200).contains(&year)
            || day < 1
            || day > days_in(year, month)
        {
            return None;
        }
        // Days from civil, with March as the first month so that the leap day comes last.
        let y = i64::from(if month <= 2 { year - 1 } else { year });
        let era = y.div_euclid(400);
        let year_of_era = y.rem_euclid(400);
        let day_of_year = i64::from((153 * ((month + 9) % 12) + 2) / 5 + day - 1);
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Some(Self((era * 146_097 + day_of_era - 719_468) as i32))
    }

    /// The day, in IST, of a time in UTC nanoseconds.
    pub fn of(time_ns: i64) -> Self {
        Self((time_ns + IST_NS).div_euclid(DAY_NS) as i32)
    }

    /// Year, month, day.
    pub fn civil(self) -> (i32, u32, u32) {
        let z = i64::from(self.0) + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        } as u32;
        let year = (year_of_era + era * 400) as i32 + i32::from(month <= 2);
        (year, month, day)
    }

    /// `YYYY-MM-DD`, or nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let number = |part: &str| {
            part.bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| part.parse().ok())
                .flatten()
        };
        Self::new(
            number(text.get(0..4)?)? as i32,
            number(text.get(5..7)?)?,
            number(text.get(8..10)?)?,
        )
    }

    /// Monday is 0.
    pub fn weekday(self) -> u32 {
        (self.0 + 3).rem_euclid(7) as u32
    }

    pub fn plus(self, days: i32) -> Self {
        Self(self.0 + days)
    }

    /// UTC nanoseconds of a time of this day in IST.
    pub fn at_ns(self, time_of_day_ns: i64) -> i64 {
        i64::from(self.0) * DAY_NS + time_of_day_ns - IST_NS
    }

    /// False on weekends and on the holidays that the table knows.
    pub fn trades(self) -> bool {
        self.weekday() < 5 && !HOLIDAYS.contains(&self.civil())
    }

    /// This day, or the last trading day before it.
    pub fn trading_day_back(self) -> Self {
        let mut day = self;
        while !day.trades() {
            day = day.plus(-1);
        }
        day
    }

    /// `2026-11-19`
    pub fn text(self) -> String {
        let (year, month, day) = self.civil();
        format!("{year:04}-{month:02}-{day:02}")
    }
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

fn days_in(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// An expiry of NSE's index derivatives, and whether it is its month's last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    pub date: Date,
    pub monthly: bool,
}

/// Derivatives of NSE expire on Tuesdays since 2025-09-01, on Thursdays before.
fn expiry_weekday(week: Date) -> u32 {
    if week >= Date::new(2025, 9, 1).expect("a day") {
        1
    } else {
        3
    }
}

/// The first weekly expiry after `day`. A contract that ends on the day itself would have to be settled in the
/// evening, which this market does not do; so on expiry day the next one is listed.
pub fn weekly_expiry(day: Date) -> Expiry {
    // A holiday moves an expiry back, perhaps to `day` or before it: then the next week's counts.
    (0..4)
        .map(|weeks| nominal(day.plus(1 + 7 * weeks)))
        .map(|nominal| Expiry {
            date: nominal.trading_day_back(),
            monthly: last_of_month(nominal),
        })
        .find(|expiry| expiry.date > day)
        .expect("no four weeks are all holidays")
}

/// The first monthly expiry after `day`.
pub fn monthly_expiry(day: Date) -> Expiry {
    let mut expiry = weekly_expiry(day);
    while !expiry.monthly {
        expiry = weekly_expiry(expiry.date.plus(1));
    }
    expiry
}

/// The expiry weekday on or after `day`, before holidays are looked at.
fn nominal(day: Date) -> Date {
    day.plus((expiry_weekday(day) as i32 - day.weekday() as i32).rem_euclid(7))
}

fn last_of_month(nominal: Date) -> bool {
    nominal.plus(7).civil().1 != nominal.civil().1
}

/// `2026-11-19 09:20:00` in IST: the form of every time in Kite's answers.
pub fn stamp(time_ns: i64) -> String {
    format!("{} {}", Date::of(time_ns).text(), time_of_day(time_ns))
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

    fn day(text: &str) -> Date {
        Date::parse(text).expect("a day")
    }

    #[test]
    fn november_2026_expires_on_monday_because_its_last_tuesday_is_a_holiday() {
        let expiry = weekly_expiry(day("2026-11-19"));

        assert_eq!(
            expiry,
            Expiry {
                date: day("2026-11-23"),
                monthly: true
            }
        );
        assert_eq!(monthly_expiry(day("2026-11-19")), expiry);
    }

    #[test]
    fn a_contract_that_expires_today_is_no_longer_listed() {
        assert_eq!(
            weekly_expiry(day("2026-11-23")),
            Expiry {
                date: day("2026-12-01"),
                monthly: false
            }
        );
        assert_eq!(
            monthly_expiry(day("2026-11-23")),
            Expiry {
                date: day("2026-12-29"),
                monthly: true
            }
        );
    }

    #[test]
    fn before_september_2025_expiries_fell_on_thursday() {
        assert_eq!(
            weekly_expiry(day("2022-11-22")),
            Expiry {
                date: day("2022-11-24"),
                monthly: true
            }
        );
        assert_eq!(
            weekly_expiry(day("2022-11-24")),
            Expiry {
                date: day("2022-12-01"),
                monthly: false
            }
        );
    }

    #[test]
    fn times_are_shown_in_ist() {
        let nine_twenty = day("2026-11-19").at_ns(9 * HOUR_NS + 20 * MINUTE_NS);

        assert_eq!(nine_twenty, 1_795_060_200 * SECOND_NS);
        assert_eq!(stamp(nine_twenty), "2026-11-19 09:20:00");
        assert_eq!(Date::of(nine_twenty), day("2026-11-19"));
    }

    #[test]
    fn no_such_day_is_none() {
        for text in [
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "26-01-01",
            "2026/01/01",
            "2026-1-011",
            "+026-01-01",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
        assert!(Date::parse("2028-02-29").is_some());
    }

    proptest! {
        #[test]
        fn days_and_their_names_are_the_same_thing(days in -20_000_i32..80_000) {
            let date = Date(days);
            let (year, month, day) = date.civil();
            prop_assert_eq!(Date::new(year, month, day), Some(date));
            prop_assert_eq!(Date::parse(&date.text()), Some(date));
        }

        #[test]
        fn an_expiry_is_a_trading_day_after_the_day(days in 18_000_i32..22_000) {
            let expiry = weekly_expiry(Date(days));
            prop_assert!(expiry.date > Date(days) && expiry.date.trades());
            prop_assert!(expiry.date.0 - days <= 14);
        }
    }
}
