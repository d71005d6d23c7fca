//! Market days: calendar dates in India, where there is one time zone and no summer time.
use std::fmt;

pub const DAY_NS: i64 = 86_400 * 1_000_000_000;
/// How far India's clock is ahead of UTC, all the year.
pub const IST_NS: i64 = (5 * 60 + 30) * 60 * 1_000_000_000;

/// A date in India, as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(pub i32);

impl Day {
    /// The day of a calendar date. Howard Hinnant's `days_from_civil`, good for every date of the Gregorian calendar.
    pub const fn of(year: i32, month: u32, day: u32) -> Self {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let year_of_era = year - era * 400;
        let month_from_march = (month as i32 + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + day as i32 - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self(era * 146_097 + day_of_era - 719_468)
    }

    /// The day in India at a time, nanoseconds UTC.
    pub const fn at(ts_ns: i64) -> Self {
        Self(ts_ns.saturating_add(IST_NS).div_euclid(DAY_NS) as i32)
    }

    /// `YYYY-MM-DD`, or none when the text is not a date that exists.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let number = |from: usize, to: usize| {
            bytes[from..to].iter().try_fold(0u32, |sum, b| {
                b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0'))
            })
        };
        let (year, month, day) = (number(0, 4)? as i32, number(5, 7)?, number(8, 10)?);
        let made = (1..=12)
            .contains(&month)
            .then(|| Self::of(year, month, day))?;
        (made.civil() == (year, month, day)).then_some(made)
    }

    /// (year, month, day of the month).
    pub const fn civil(self) -> (i32, u32, u32) {
        let days = self.0 + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days - era * 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
        let month = (if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        }) as u32;
        (
            year_of_era + era * 400 + if month <= 2 { 1 } else { 0 },
            month,
            day,
        )
    }

    /// Monday is 0.
    pub const fn weekday(self) -> i32 {
        // 1970-01-01 was a Thursday.
        (self.0 + 3).rem_euclid(7)
    }

    /// Saturday or Sunday.
    pub const fn is_weekend(self) -> bool {
        self.weekday() >= 5
    }
}

impl fmt::Display for Day {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(out, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::{SECOND_NS, time_of_day_ns};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_days() {
        assert_eq!(Day::of(1970, 1, 1), Day(0));
        assert_eq!(Day::of(2026, 11, 19).to_string(), "2026-11-19");
        assert!(Day::of(2026, 11, 22).is_weekend() && Day::of(2026, 11, 21).is_weekend());
        assert!(!Day::of(2026, 11, 20).is_weekend() && !Day::of(2026, 11, 23).is_weekend());
    }

    #[test]
    fn the_day_turns_at_midnight_in_india() {
        let midnight_ns = 1_763_490_600 * SECOND_NS; // 2025-11-18 18:30 UTC

        assert_eq!(Day::at(midnight_ns - 1).to_string(), "2025-11-18");
        assert_eq!(Day::at(midnight_ns).to_string(), "2025-11-19");
        assert_eq!(
            (time_of_day_ns(midnight_ns - 1), time_of_day_ns(midnight_ns)),
            (DAY_NS - 1, 0)
        );
    }

    #[test]
    fn text_that_is_no_date_is_refused() {
        for text in [
            "",
            "2026-02-30",
            "2026-13-01",
            "2026-1-1",
            "20261119",
            "2026-11-1x",
            "2026-11-00",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_day_reads_back_as_itself(days in 0i32..100_000) {
            prop_assert_eq!(Day::parse(&Day(days).to_string()), Some(Day(days)));
        }
    }
}
