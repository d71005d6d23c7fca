//! Where the index goes. The market is an iterator of prices, whatever their source.

use std::collections::VecDeque;

use crate::calendar::clock::{CLOSE_NS, DAY_NS, IST_NS, OPEN_NS, SECOND_NS, at_ns};
use crate::day::Day;
use crate::random::Stream;

/// NIFTY 50 at a time, in rupees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub time_ns: i64,
    pub value: f64,
}

/// A day's path: points in order of time. Of a frozen market it is one point.
pub type Path = Box<dyn Iterator<Item = Point> + Send + Sync>;

/// A path as it is read: points that were looked at too early go back.
pub struct PathReader {
    back: VecDeque<Point>,
    rest: Path,
}

impl PathReader {
    pub fn of(rest: Path) -> Self {
        Self {
            back: VecDeque::new(),
            rest,
        }
    }

    pub fn peek(&mut self) -> Option<&Point> {
        if self.back.is_empty() {
            self.back.extend(self.rest.next());
        }
        self.back.front()
    }

    pub fn next_if(&mut self, wanted: impl FnOnce(&Point) -> bool) -> Option<Point> {
        self.peek().filter(|point| wanted(point))?;
        self.back.pop_front()
    }

    /// Points that come next again, in their order.
    pub fn put_back(&mut self, points: Vec<Point>) {
        points
            .into_iter()
            .rev()
            .for_each(|point| self.back.push_front(point));
    }
}

/// Seconds of trading in a year of the index.
const YEAR_SECONDS: f64 = 250.0 * 22_500.0;
/// Before nerves and trends, which bring a day to some 13 %.
const ANNUAL_VOLATILITY: f64 = 0.085;
/// News: this many moves a day that are not like the others, of this size (fractions of the price).
const JUMPS_A_DAY: f64 = 5.0;
const JUMP_LEAST: f64 = 0.0006;
const JUMP_MOST: f64 = 0.0025;

/// How lively a time of the day is against the day's mean: much at the open, some at the close, little at noon.
pub fn liveliness(time_ns: i64) -> f64 {
    liveliness_within(time_ns, OPEN_NS, CLOSE_NS)
}

/// The same shape between other times of the day, in IST.
pub fn liveliness_within(time_ns: i64, open_ns: i64, close_ns: i64) -> f64 {
    let time_of_day_ns = (time_ns + IST_NS).rem_euclid(DAY_NS);
    let part = ((time_of_day_ns - open_ns) as f64 / (close_ns - open_ns) as f64).clamp(0.0, 1.0);
    let from_noon = 1.0 - 2.0 * part;
    0.62 + 0.9 * from_noon * from_noon
        + if part < 0.5 {
            0.35 * from_noon * from_noon * from_noon
        } else {
            0.0
        }
}

/// Standard deviation of a fraction of the price over `step_ns`, at a yearly volatility.
pub fn deviation(annual_volatility: f64, step_ns: i64) -> f64 {
    annual_volatility * (step_ns as f64 / SECOND_NS as f64 / YEAR_SECONDS).sqrt()
}

/// A seeded day of NIFTY 50: the liveliness of the hours, calm and nervous stretches, short trends, jumps.
pub struct Synthetic {
    stream: Stream,
    next_ns: i64,
    close_ns: i64,
    step_ns: i64,
    value: f64,
    nerves: f64,
    trend: f64,
}

impl Synthetic {
    /// The day's path with a point each `step_ns` from the open to the close, and its previous close.
    pub fn new(seed: u64, day: Day, step_ns: i64) -> (f64, Self) {
        Self::between(seed, at_ns(day, OPEN_NS), at_ns(day, CLOSE_NS), step_ns)
    }

    /// The same with hours of its own. A `close_ns` of `i64::MAX` is never reached.
    pub fn between(seed: u64, next_ns: i64, close_ns: i64, step_ns: i64) -> (f64, Self) {
        let mut stream = Stream::new(seed, "NIFTY 50");
        let previous_close = 26_000.0 * (1.0 + 0.015 * (2.0 * stream.unit() - 1.0));
        let value = previous_close * (1.0 + 0.003 * stream.normal());
        (
            previous_close,
            Self {
                stream,
                next_ns,
                close_ns,
                step_ns,
                value,
                nerves: 0.0,
                trend: 0.0,
            },
        )
    }

    fn step(&mut self) {
        let seconds = self.step_ns as f64 / SECOND_NS as f64;
        let calm = deviation(ANNUAL_VOLATILITY, self.step_ns) * liveliness(self.next_ns);
        // Nerves come and go within some ten minutes, trends within a minute; both forget at the same rate
        // whatever the step is.
        self.nerves += -self.nerves * (seconds / 600.0).min(1.0)
            + 0.04 * seconds.sqrt() * self.stream.normal();
        self.trend +=
            -self.trend * (seconds / 60.0).min(1.0) + 0.02 * seconds.sqrt() * self.stream.normal();
        let scale = calm * (1.0 + self.nerves).clamp(0.4, 2.5);
        let mut change = scale * (self.stream.normal() + self.trend * seconds.sqrt());
        if self.stream.chance(JUMPS_A_DAY / 22_500.0 * seconds) {
            let size = JUMP_LEAST + (JUMP_MOST - JUMP_LEAST) * self.stream.unit();
            change += if self.stream.chance(0.5) { size } else { -size };
        }
        // No step is as long as the market-wide breaker allows, and no float ever reaches zero.
        self.value *= 1.0 + change.clamp(-0.05, 0.05);
    }
}

impl Iterator for Synthetic {
    type Item = Point;

    fn next(&mut self) -> Option<Point> {
        if self.next_ns > self.close_ns {
            return None;
        }
        let point = Point {
            time_ns: self.next_ns,
            value: self.value,
        };
        self.next_ns += self.step_ns;
        self.step();
        Some(point)
    }
}

/// A market that stands still from a time on: the first value of a seed's day, for ever.
pub fn frozen(seed: u64, from_ns: i64) -> (f64, Path) {
    let (previous_close, path) = Synthetic::new(seed, Day::at(from_ns), SECOND_NS);
    let point = Point {
        time_ns: from_ns,
        value: path.value,
    };
    (previous_close, Box::new(std::iter::once(point)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day() -> Day {
        Day::of(2026, 11, 19)
    }

    #[test]
    fn a_seed_is_a_day_and_another_seed_another() {
        let walk = |seed| {
            Synthetic::new(seed, day(), SECOND_NS)
                .1
                .map(|point| point.value)
                .collect::<Vec<_>>()
        };

        assert_eq!(walk(1), walk(1));
        assert_ne!(walk(1), walk(2));
        assert_eq!(walk(1).len(), 22_501);
    }

    #[test]
    fn a_synthetic_day_has_the_range_of_a_real_one() {
        // NIFTY's daily range is mostly between 0.3 % and 4 %.
        for seed in 0..30 {
            let values: Vec<f64> = Synthetic::new(seed, day(), SECOND_NS)
                .1
                .map(|point| point.value)
                .collect();
            let (low, high) = values
                .iter()
                .fold((f64::MAX, 0.0_f64), |(l, h), &v| (l.min(v), h.max(v)));
            let range = (high - low) / values[0];
            assert!((0.002..0.06).contains(&range), "seed {seed}: {range}");
        }
    }

    #[test]
    fn the_morning_is_livelier_than_noon() {
        let at = |hour: i64| liveliness(at_ns(day(), hour * 3600 * SECOND_NS));
        assert!(at(9) > at(15) && at(15) > at(12) && at(12) > 0.0);
    }

    proptest! {
        #[test]
        fn a_path_goes_forward_and_stays_above_zero(seed: u64, step_ms in 100_i64..5000) {
            let mut last_ns = 0;
            for point in Synthetic::new(seed, day(), step_ms * 1_000_000).1.take(500) {
                prop_assert!(point.time_ns > last_ns && point.value > 1000.0 && point.value.is_finite());
                last_ns = point.time_ns;
            }
        }
    }
}
