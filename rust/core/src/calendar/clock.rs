//! The clock of India: UTC + 5:30, all the year.
use super::day::Day;
pub use super::day::{DAY_NS, IST_NS};

pub const SECOND_NS: i64 = 1_000_000_000;
pub const MINUTE_NS: i64 = 60 * SECOND_NS;
pub const HOUR_NS: i64 = 60 * MINUTE_NS;
/// Continuous trading of shares and of contracts on them begins.
pub const OPEN_NS: i64 = 9 * HOUR_NS + 15 * MINUTE_NS;
/// The index's last value, at which contracts on it are settled.
pub const CLOSE_NS: i64 = 15 * HOUR_NS + 30 * MINUTE_NS;

/// UTC nanoseconds of a time of a day.
pub const fn at_ns(day: Day, time_of_day_ns: i64) -> i64 {
    day.0 as i64 * DAY_NS + time_of_day_ns - IST_NS
}

/// Nanoseconds since midnight at a time, nanoseconds UTC.
pub const fn time_of_day_ns(time_ns: i64) -> i64 {
    time_ns.saturating_add(IST_NS).rem_euclid(DAY_NS)
}

/// The midnight of India that ends the day of a time.
pub const fn day_end_ns(time_ns: i64) -> i64 {
    at_ns(Day(Day::at(time_ns).0.saturating_add(1)), 0)
}

/// `HH:MM` as a time of the day, 24:00 included.
pub fn parse_time(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    let two = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<i64>().ok())?
    };
    let (hour, minute) = (two(hour)?, two(minute)?);
    let time_ns = hour * HOUR_NS + minute * MINUTE_NS;
    (minute < 60 && time_ns <= DAY_NS).then_some(time_ns)
}

/// `2026-11-19 09:20:00`: the form of every time in Kite's answers.
pub fn stamp(time_ns: i64) -> String {
    format!("{} {}", Day::at(time_ns), time_of_day(time_ns))
}

/// `09:20:00`.
pub fn time_of_day(time_ns: i64) -> String {
    let seconds = time_of_day_ns(time_ns) / SECOND_NS;
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

    #[test]
    fn times_are_shown_as_in_india() {
        let nine_twenty = at_ns(Day::of(2026, 11, 19), 9 * HOUR_NS + 20 * MINUTE_NS);

        assert_eq!(nine_twenty, 1_795_060_200 * SECOND_NS);
        assert_eq!(stamp(nine_twenty), "2026-11-19 09:20:00");
        assert_eq!(Day::at(nine_twenty), Day::of(2026, 11, 19));
        let midnight_ns = at_ns(Day::of(2026, 11, 19), 0);
        assert_eq!(day_end_ns(nine_twenty), midnight_ns + DAY_NS);
        assert_eq!(day_end_ns(midnight_ns - 1), midnight_ns);
    }

    #[test]
    fn a_time_of_the_day_has_two_digits_each_and_is_within_the_day() {
        assert_eq!(parse_time("09:15"), Some(OPEN_NS));
        assert_eq!(parse_time("24:00"), Some(DAY_NS));
        for text in [
            "9:15", "09:60", "24:01", "-1:00", "+9:15", "0915", "", "09:15:00",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
