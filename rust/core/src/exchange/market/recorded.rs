//! Real days from a file: lines of time and value, or bars of a minute.

use crate::calendar::clock::{OPEN_NS, SECOND_NS, at_ns};
use crate::day::Day;
use crate::exchange::market::path::{Path, Point};

/// The most that a market file may hold: a point each 250 ms of a day and a half, or six years of minutes.
pub const FILE_POINTS_MAX: usize = 600_000;

/// A real day of NIFTY 50.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub day: Day,
    /// In a file of one day its first value stands in for it.
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

pub(super) const TWO_COLUMNS: &str =
    "two columns, time (YYYY-MM-DD HH:MM:SS, IST) and value in rupees";

/// What a file holds: one day of values, or days of bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    pub(super) first: Recorded,
    /// Days of bars, oldest first; of a file of values none.
    pub(super) days: Vec<BarDay>,
}

/// A day of bars and the close before it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BarDay {
    pub day: Day,
    pub previous_close: f64,
    pub bars: Vec<Bar>,
}

/// What the index did in a minute, in rupees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bar {
    pub start_ns: i64,
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
}

impl Recording {
    /// The only day, or the first.
    pub fn first(&self) -> &Recorded {
        &self.first
    }

    pub fn days(&self) -> impl Iterator<Item = Day> + '_ {
        let one = self.days.is_empty().then_some(self.first.day);
        one.into_iter().chain(self.days.iter().map(|day| day.day))
    }

    /// One of its days; the error says which it has.
    pub fn of_day(&self, day: Day) -> Result<Recorded, String> {
        if self.first.day == day {
            return Ok(self.first.clone());
        }
        match (
            self.days.iter().find(|held| held.day == day),
            self.days.last(),
        ) {
            (Some(held), _) => Ok(held.walk()),
            (None, Some(last)) => Err(format!(
                "the clock starts on {day}, the market file holds no such day from {} to {}",
                self.first.day, last.day
            )),
            (None, None) => Err(format!(
                "the clock starts on {day}, the market file is of {}",
                self.first.day
            )),
        }
    }

    /// A day of ticks: times in ns UTC, in order, and values in 1/10,000 rupee. What comes before 09:15 gives the
    /// previous close.
    pub fn of_ticks(ticks: impl Iterator<Item = (i64, i64)>) -> Result<Self, BadLine> {
        let wrong = |found: String, wanted| BadLine {
            line: 0,
            found,
            wanted,
        };
        let mut first: Option<Recorded> = None;
        let mut last_ns = i64::MIN;
        for (time_ns, value_e4) in ticks {
            let value = value_e4 as f64 / 1e4;
            if value_e4 <= 0 || time_ns < last_ns {
                return Err(wrong(
                    format!("the tick {value} at {time_ns}"),
                    "values above 0 and times in order",
                ));
            }
            last_ns = time_ns;
            let day = Day::at(time_ns);
            let recorded = first.get_or_insert_with(|| Recorded {
                day,
                previous_close: value,
                points: Vec::new(),
            });
            if recorded.day != day {
                return Err(wrong(format!("{} and {day}", recorded.day), "one day"));
            }
            if time_ns >= at_ns(day, OPEN_NS) {
                recorded.points.push(Point { time_ns, value });
            }
            if recorded.points.len() > FILE_POINTS_MAX {
                return Err(wrong(
                    format!("more than {FILE_POINTS_MAX} ticks"),
                    "one day of at most four ticks a second",
                ));
            }
        }
        match first {
            Some(first) if !first.points.is_empty() => Ok(Self {
                first,
                days: Vec::new(),
            }),
            _ => Err(wrong("no tick at or after 09:15".into(), "a day of ticks")),
        }
    }
}

/// Within a minute the index goes from the open to the nearer of the two ends' opposite, to the other end, to the
/// close: a minute that rose fell first. At these seconds.
const TURNS_S: [i64; 4] = [0, 17, 41, 59];

impl BarDay {
    /// The day second by second.
    pub fn walk(&self) -> Recorded {
        let mut points = Vec::with_capacity(self.bars.len() * 60);
        for bar in &self.bars {
            let (first, second) = if bar.close >= bar.open {
                (bar.low, bar.high)
            } else {
                (bar.high, bar.low)
            };
            let values = [bar.open, first, second, bar.close];
            for leg in 0..3 {
                let (from_s, to_s) = (TURNS_S[leg], TURNS_S[leg + 1]);
                let last = if leg == 2 { to_s } else { to_s - 1 };
                for second in from_s..=last {
                    let part = (second - from_s) as f64 / (to_s - from_s) as f64;
                    points.push(Point {
                        time_ns: bar.start_ns + second * SECOND_NS,
                        value: values[leg] * (1.0 - part) + values[leg + 1] * part,
                    });
                }
            }
        }
        Recorded {
            day: self.day,
            previous_close: self.previous_close,
            points,
        }
    }
}
