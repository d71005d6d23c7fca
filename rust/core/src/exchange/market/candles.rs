//! Candles: minutes as the market printed them, and longer ones made of minutes.

use crate::calendar::clock::{CLOSE_NS, MINUTE_NS, OPEN_NS, at_ns};
use crate::day::Day;

/// What an instrument did from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candle {
    pub start_ns: i64,
    pub open_e4: i64,
    pub high_e4: i64,
    pub low_e4: i64,
    pub close_e4: i64,
    pub volume: i64,
    /// Open interest at its end.
    pub oi: i64,
}

impl Candle {
    /// Goes on with a later one.
    fn join(&mut self, later: &Candle) {
        self.high_e4 = self.high_e4.max(later.high_e4);
        self.low_e4 = self.low_e4.min(later.low_e4);
        self.close_e4 = later.close_e4;
        self.volume += later.volume;
        self.oi = later.oi;
    }
}

/// How long a candle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    Minutes(i64),
    Day,
}

impl Interval {
    /// Kite's words; `hour` is one that older programs use.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "minute" => Self::Minutes(1),
            "3minute" => Self::Minutes(3),
            "5minute" => Self::Minutes(5),
            "10minute" => Self::Minutes(10),
            "15minute" => Self::Minutes(15),
            "30minute" => Self::Minutes(30),
            "60minute" | "hour" => Self::Minutes(60),
            "day" => Self::Day,
            _ => return None,
        })
    }

    /// The start of the candle that a time lies in. Candles of a day are counted from the open, not from midnight.
    pub fn start_of(self, time_ns: i64) -> i64 {
        let day = Day::at(time_ns);
        match self {
            Self::Day => at_ns(day, 0),
            Self::Minutes(minutes) => {
                let open_ns = at_ns(day, OPEN_NS);
                let length_ns = minutes * MINUTE_NS;
                open_ns + (time_ns - open_ns).div_euclid(length_ns) * length_ns
            }
        }
    }

    /// Candles of this length out of shorter ones, which are in order.
    pub fn gather(self, shorter: &[Candle]) -> Vec<Candle> {
        let mut longer: Vec<Candle> = Vec::new();
        for candle in shorter {
            let start_ns = self.start_of(candle.start_ns);
            match longer.last_mut().filter(|last| last.start_ns == start_ns) {
                Some(last) => last.join(candle),
                None => longer.push(Candle {
                    start_ns,
                    ..*candle
                }),
            }
        }
        longer
    }
}

/// The minutes of the day so far, one for each in which something was printed.
#[derive(Clone, Debug, Default)]
pub struct Minutes(Vec<Candle>);

impl Minutes {
    /// A print at a time. The one at the close itself is the last of the minute before.
    pub fn print(&mut self, price_e4: i64, quantity: i64, oi: i64, time_ns: i64) {
        let at_the_close = time_ns == at_ns(Day::at(time_ns), CLOSE_NS);
        let candle = Candle {
            start_ns: Interval::Minutes(1).start_of(time_ns - i64::from(at_the_close)),
            open_e4: price_e4,
            high_e4: price_e4,
            low_e4: price_e4,
            close_e4: price_e4,
            volume: quantity,
            oi,
        };
        match self
            .0
            .last_mut()
            .filter(|last| last.start_ns == candle.start_ns)
        {
            Some(last) => last.join(&candle),
            None => self.0.push(candle),
        }
    }

    /// A minute that is over, as it is remembered; what was printed in it is part of that.
    pub fn close(&mut self, candle: Candle) {
        if self
            .0
            .last()
            .is_some_and(|last| last.start_ns == candle.start_ns)
        {
            self.0.pop();
        }
        self.0.push(candle);
    }

    pub fn all(&self) -> &[Candle] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(minutes: i64) -> i64 {
        at_ns(Day::of(2026, 11, 19), OPEN_NS) + minutes * MINUTE_NS
    }

    #[test]
    fn prints_of_a_minute_are_one_candle_and_the_close_is_in_the_last() {
        let mut minutes = Minutes::default();
        for (price_e4, time_ns) in [
            (100, at(0)),
            (120, at(0) + 1),
            (90, at(1) - 1),
            (95, at(374)),
            (99, at(375)),
        ] {
            minutes.print(price_e4, 10, 7, time_ns);
        }

        let shown: Vec<_> = minutes
            .all()
            .iter()
            .map(|c| {
                (
                    c.start_ns, c.open_e4, c.high_e4, c.low_e4, c.close_e4, c.volume,
                )
            })
            .collect();
        assert_eq!(
            shown,
            [(at(0), 100, 120, 90, 90, 30), (at(374), 95, 99, 95, 99, 20)]
        );
    }

    #[test]
    fn an_hour_begins_at_a_quarter_past() {
        assert_eq!(Interval::Minutes(60).start_of(at(59)), at(0));
        assert_eq!(Interval::Minutes(60).start_of(at(60)), at(60));
        assert_eq!(
            Interval::Day.start_of(at(60)),
            at_ns(Day::of(2026, 11, 19), 0)
        );
    }

    proptest! {
        #[test]
        fn longer_candles_hold_what_the_shorter_ones_hold(
            prints in prop::collection::vec((1_i64..1000, 0_i64..100, 0_i64..375), 1..200),
            length in prop::sample::select(vec![3_i64, 5, 10, 15, 30, 60]),
        ) {
            let mut prints = prints;
            prints.sort_by_key(|&(_, _, minute)| minute);
            let mut minutes = Minutes::default();
            for &(price_e4, quantity, minute) in &prints {
                minutes.print(price_e4, quantity, 0, at(minute));
            }
            for interval in [Interval::Minutes(length), Interval::Day] {
                let longer = interval.gather(minutes.all());
                prop_assert_eq!(longer.iter().map(|c| c.volume).sum::<i64>(), prints.iter().map(|p| p.1).sum::<i64>());
                prop_assert_eq!(longer.iter().map(|c| c.high_e4).max(), prints.iter().map(|p| p.0).max());
                prop_assert_eq!(longer.iter().map(|c| c.low_e4).min(), prints.iter().map(|p| p.0).min());
                prop_assert_eq!(longer[0].open_e4, prints[0].0);
                prop_assert_eq!(longer.last().expect("some").close_e4, prints.last().expect("some").0);
                prop_assert!(longer.windows(2).all(|pair| pair[0].start_ns < pair[1].start_ns));
            }
        }
    }
}
