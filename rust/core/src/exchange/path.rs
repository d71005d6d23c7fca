//! Where the index goes. The market is an iterator of prices, whatever their source.

use super::dates::{CLOSE_NS, DAY_NS, IST_NS, OPEN_NS, SECOND_NS, at_ns};
use super::rng::Stream;
use crate::day::Day;

/// NIFTY 50 at a time, in rupees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub time_ns: i64,
    pub value: f64,
}

/// A day's path: points in order of time. Of a frozen market it is one point.
pub type Path = Box<dyn Iterator<Item = Point> + Send + Sync>;

/// The most that a market file may hold: a point each 250 ms of a day and a half.
pub const FILE_POINTS_MAX: usize = 600_000;

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
    let time_of_day_ns = (time_ns + IST_NS).rem_euclid(DAY_NS);
    let part = ((time_of_day_ns - OPEN_NS) as f64 / (CLOSE_NS - OPEN_NS) as f64).clamp(0.0, 1.0);
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
        let mut stream = Stream::new(seed, "NIFTY 50");
        let previous_close = 26_000.0 * (1.0 + 0.015 * (2.0 * stream.unit() - 1.0));
        let value = previous_close * (1.0 + 0.003 * stream.normal());
        let (next_ns, close_ns) = (at_ns(day, OPEN_NS), at_ns(day, CLOSE_NS));
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
        // The index cannot leave its market-wide breaker, and no float ever reaches zero.
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

/// A real day, read from a file of time and value.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub day: Day,
    /// Stands in for the previous close, which such a file does not hold: its first value.
    pub previous_close: f64,
    /// From 09:15 on.
    pub points: Vec<Point>,
}

impl Recorded {
    pub fn path(self) -> Path {
        Box::new(self.points.into_iter())
    }
}

/// What is wrong with a market file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Counted from 1; 0 when the whole file is meant.
    pub line: usize,
    pub found: String,
    pub wanted: &'static str,
}

impl std::fmt::Display for BadLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.line > 0 {
            write!(
                f,
                "line {}: {}; wanted {}",
                self.line, self.found, self.wanted
            )
        } else {
            write!(f, "{}; wanted {}", self.found, self.wanted)
        }
    }
}

const TWO_COLUMNS: &str = "two columns, time (YYYY-MM-DD HH:MM:SS, IST) and value in rupees";

/// Reads a day of `time,value` lines, with or without a header.
pub fn read_file(text: &str) -> Result<Recorded, BadLine> {
    let mut day = None;
    let mut previous_close = None;
    let mut last_ns = i64::MIN;
    let mut points = Vec::new();
    let mut first = true;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let bad = |found: String, wanted| BadLine {
            line: index + 1,
            found,
            wanted,
        };
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let columns: Vec<&str> = line
            .split(',')
            .map(|column| column.trim().trim_matches('"'))
            .collect();
        let header =
            std::mem::take(&mut first) && !columns[0].starts_with(|c: char| c.is_ascii_digit());
        let [time, value] = columns[..] else {
            return Err(bad(
                format!("{} columns ({})", columns.len(), shortened(line)),
                TWO_COLUMNS,
            ));
        };
        if header {
            continue;
        }
        let time_ns = time_of(time)
            .ok_or_else(|| bad(format!("the time {}", shortened(time)), TWO_COLUMNS))?;
        let value: f64 = value
            .parse()
            .map_err(|_| bad(format!("the value {}", shortened(value)), TWO_COLUMNS))?;
        if !(value > 0.0 && value < 1e7) {
            return Err(bad(
                format!("the value {value}"),
                "a value above 0 and below 1 crore",
            ));
        }
        if time_ns < last_ns {
            return Err(bad(
                format!("{time}, which is before the line above it"),
                "times in order",
            ));
        }
        last_ns = time_ns;
        if *day.get_or_insert(Day::at(time_ns)) != Day::at(time_ns) {
            return Err(bad(format!("{time}, a second day"), "one day a file"));
        }
        previous_close.get_or_insert(value);
        if time_ns >= at_ns(Day::at(time_ns), OPEN_NS) {
            points.push(Point { time_ns, value });
        }
        if points.len() > FILE_POINTS_MAX {
            return Err(bad(
                format!("more than {FILE_POINTS_MAX} points"),
                "one day of at most four points a second",
            ));
        }
    }
    match (day, previous_close) {
        (Some(day), Some(previous_close)) if !points.is_empty() => Ok(Recorded {
            day,
            previous_close,
            points,
        }),
        _ => Err(BadLine {
            line: 0,
            found: "no value at or after 09:15".into(),
            wanted: TWO_COLUMNS,
        }),
    }
}

/// `YYYY-MM-DD HH:MM:SS[.fraction][+05:30]` in UTC nanoseconds; `T` may stand for the space.
fn time_of(text: &str) -> Option<i64> {
    let text = text
        .strip_suffix("+05:30")
        .or_else(|| text.strip_suffix("+0530"))
        .unwrap_or(text);
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let clock = rest.strip_prefix(' ').or_else(|| rest.strip_prefix('T'))?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let digits = |part: &str| {
        part.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| part.parse::<i64>().ok())
            .flatten()
    };
    let (hours, minutes, seconds) = match clock.len() {
        8 if &clock.as_bytes()[2..3] == b":" && &clock.as_bytes()[5..6] == b":" => (
            digits(clock.get(..2)?)?,
            digits(clock.get(3..5)?)?,
            digits(clock.get(6..)?)?,
        ),
        _ => return None,
    };
    if hours > 23 || minutes > 59 || seconds > 59 || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let nanoseconds = digits(fraction)? * 10_i64.pow(9 - fraction.len() as u32);
    let time_of_day_ns = ((hours * 60 + minutes) * 60 + seconds) * SECOND_NS + nanoseconds;
    Some(at_ns(Day::parse(date)?, time_of_day_ns))
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("\"{short}\"")
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

    #[test]
    fn a_file_begins_at_the_open_and_may_have_a_header() {
        let plain = "2022-11-24 09:00:21,18365.3\n2022-11-24 09:15:00,18326.1\r\n2022-11-24 09:15:01,18327\n";
        let headed = format!("time,value\n{plain}");

        let recorded = read_file(plain).expect("a good file");

        assert_eq!(recorded.day, Day::of(2022, 11, 24));
        assert_eq!(recorded.previous_close, 18_365.3);
        assert_eq!(
            recorded
                .points
                .iter()
                .map(|point| point.value)
                .collect::<Vec<_>>(),
            [18_326.1, 18_327.0]
        );
        assert_eq!(read_file(&headed), Ok(recorded));
    }

    #[test]
    fn every_fault_of_a_file_is_named_with_its_line() {
        let cases = [
            ("Instrument,Date,Time,Open,High,Low,Close\n", 1, "7 columns"),
            ("time,value\n2022-11-24 09:15:00,1,2,3,4\n", 2, "5 columns"),
            ("2022-11-24 09:15:00,18326\nx,18326\n", 2, "the time \"x\""),
            ("2022-11-24 09:15:00,abc\n", 1, "the value \"abc\""),
            ("2022-11-24 09:15:00,-1\n", 1, "the value -1"),
            ("2022-11-24 09:15:00,inf\n", 1, "the value inf"),
            ("2022-11-24 09:15:00,NaN\n", 1, "the value NaN"),
            (
                "2022-11-24 09:15:05,1\n2022-11-24 09:15:04,1\n",
                2,
                "before the line above",
            ),
            (
                "2022-11-24 09:15:05,1\n2022-11-25 09:15:04,1\n",
                2,
                "a second day",
            ),
            ("2022-11-24 09:10:05,1\n", 0, "no value at or after 09:15"),
            ("", 0, "no value at or after 09:15"),
            ("2022-11-24 24:15:05,1\n", 1, "the time"),
            ("2022-11-24 09:15,1\n", 1, "the time"),
        ];
        for (text, line, found) in cases {
            let bad = read_file(text).expect_err(text);
            assert_eq!(bad.line, line, "{text}: {bad}");
            assert!(bad.to_string().contains(found), "{text}: {bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_day_or_a_named_fault(text in "[ -~\n\u{e9}]{0,200}") {
            if let Err(bad) = read_file(&text) {
                prop_assert!(bad.line <= text.lines().count());
            }
        }

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
