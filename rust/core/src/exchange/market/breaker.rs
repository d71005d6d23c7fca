//! The market-wide circuit breaker: when the index has gone too far from its previous close, nobody trades for a while.
//!
//! SEBI's table of September 2013, exchange circular 85/2013: levels are of the previous close, either way; all open
//! orders are cancelled at the halt; trading comes back through a call auction. It holds for shares and their
//! derivatives, and those of the index; not for currency and commodities.

use crate::calendar::clock::{HOUR_NS, MINUTE_NS};

/// Percent of the previous close.
const LEVELS: [i64; 3] = [10, 15, 20];

/// What a level does at a time of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Too late in the day for it.
    None,
    /// Then a call auction follows.
    For(i64),
    RestOfDay,
}

/// How many levels a value has reached.
pub fn levels_reached(previous_close_e4: i64, value_e4: i64) -> usize {
    let moved_e4 = (value_e4 - previous_close_e4).abs();
    LEVELS
        .iter()
        .filter(|percent| moved_e4 * 100 >= *percent * previous_close_e4)
        .count()
}

/// The halt for so many levels reached at a time of the day.
pub fn halt_of(levels: usize, time_of_day_ns: i64) -> Halt {
    let before = |hour: i64, minute: i64| time_of_day_ns < hour * HOUR_NS + minute * MINUTE_NS;
    match levels {
        0 => Halt::None,
        1 if before(13, 0) => Halt::For(45 * MINUTE_NS),
        1 if before(14, 30) => Halt::For(15 * MINUTE_NS),
        1 => Halt::None,
        2 if before(13, 0) => Halt::For(105 * MINUTE_NS),
        2 if before(14, 0) => Halt::For(45 * MINUTE_NS),
        _ => Halt::RestOfDay,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halts_are_as_long_as_the_table_says() {
        let minutes = |levels, hour: i64, minute: i64| match halt_of(
            levels,
            hour * HOUR_NS + minute * MINUTE_NS,
        ) {
            Halt::None => 0,
            Halt::For(ns) => ns / MINUTE_NS,
            Halt::RestOfDay => i64::MAX,
        };

        let at = |levels| {
            [
                (9, 15),
                (12, 59),
                (13, 0),
                (13, 59),
                (14, 0),
                (14, 29),
                (14, 30),
                (15, 20),
            ]
            .map(|(hour, minute)| minutes(levels, hour, minute))
        };
        assert_eq!(at(1), [45, 45, 15, 15, 15, 15, 0, 0]);
        let day = i64::MAX;
        assert_eq!(at(2), [105, 105, 45, 45, day, day, day, day]);
        assert_eq!(at(3), [day; 8]);
    }

    #[test]
    fn levels_are_of_the_previous_close_either_way() {
        let reached = |value_e4| levels_reached(260_000_000, value_e4);

        assert_eq!(reached(286_000_000 - 500), 0);
        assert_eq!(reached(286_000_000), 1);
        assert_eq!(reached(234_000_000), 1);
        assert_eq!(reached(221_000_000), 2);
        assert_eq!(reached(312_000_000), 3);
    }

    proptest! {
        #[test]
        fn who_goes_further_reaches_no_less(close in 1_i64..400_000_000, near in 0_i64..400_000_000, more in 0_i64..100_000_000) {
            prop_assert!(levels_reached(close, close + near) <= levels_reached(close, close + near + more));
        }
    }
}
