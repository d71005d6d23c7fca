//! The kinds of values that a rule may have, each as TOML has it and back.

use super::trading::Window;
use crate::calendar::clock::{DAY_NS, HOUR_NS, MINUTE_NS};
use crate::day::Day;

/// A rule's value, as TOML has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    Flag(bool),
    Whole(i64),
    Wholes(Vec<i64>),
    Text(String),
}

pub(super) struct Flag;

impl Flag {
    pub(super) const WANTED: &str = "true or false";

    pub(super) fn given(flag: bool) -> Given {
        Given::Flag(flag)
    }

    pub(super) fn taken(given: &Given) -> Result<bool, &'static str> {
        match given {
            Given::Flag(flag) => Ok(*flag),
            _ => Err(Self::WANTED),
        }
    }
}

pub(super) struct Whole;

impl Whole {
    pub(super) const WANTED: &str = "a whole number that is not negative, nor too large for it";

    pub(super) fn given(number: impl TryInto<i64>) -> Given {
        let number = number.try_into();
        Given::Whole(number.unwrap_or_else(|_| unreachable!("no rule is a number above 2^63")))
    }

    pub(super) fn taken(given: &Given) -> Result<i64, &'static str> {
        match given {
            Given::Whole(number @ 0..) => Ok(*number),
            _ => Err(Self::WANTED),
        }
    }
}

pub(super) struct Wholes;

impl Wholes {
    pub(super) fn given(numbers: Vec<i64>) -> Given {
        Given::Wholes(numbers)
    }

    pub(super) fn taken(given: &Given) -> Result<Vec<i64>, &'static str> {
        match given {
            Given::Wholes(numbers) if numbers.iter().all(|number| *number >= 0) => {
                Ok(numbers.clone())
            }
            _ => Err("whole numbers that are not negative"),
        }
    }
}

pub(super) struct Text;

impl Text {
    pub(super) fn given(text: String) -> Given {
        Given::Text(text)
    }

    pub(super) fn taken(given: &Given) -> Result<String, &'static str> {
        match given {
            Given::Text(text) => Ok(text.clone()),
            _ => Err("text"),
        }
    }
}

/// An `error_type`.
pub(super) struct ErrorType;

impl ErrorType {
    pub(super) const WANTED: &str = "one of Kite's error types";
    const ALL: [&str; 10] = [
        "DataException",
        "GeneralException",
        "HoldingException",
        "InputException",
        "MarginException",
        "NetworkException",
        "OrderException",
        "PermissionException",
        "TokenException",
        "UserException",
    ];

    pub(super) fn given(kind: &str) -> Given {
        Given::Text(kind.to_owned())
    }

    pub(super) fn taken(given: &Given) -> Result<&'static str, &'static str> {
        let text = Text::taken(given)?;
        let known = Self::ALL.into_iter().find(|kind| *kind == text);
        known.ok_or(Self::WANTED)
    }
}

/// A time of the day: `HH:MM`.
pub(super) struct Time;

impl Time {
    pub(super) const WANTED: &str = "a time of the form 06:00";

    pub(super) fn text(ns: i64) -> String {
        format!("{:02}:{:02}", ns / HOUR_NS, ns % HOUR_NS / MINUTE_NS)
    }

    pub(super) fn parse(text: &str) -> Option<i64> {
        let (hour, minute) = text.split_once(':')?;
        let two = |digits: &str| {
            let digits = (digits.len() == 2).then_some(digits)?;
            digits.parse::<u8>().ok().map(i64::from)
        };
        let ns = two(hour)? * HOUR_NS + two(minute).filter(|minute| *minute < 60)? * MINUTE_NS;
        (ns < DAY_NS).then_some(ns)
    }

    pub(super) fn given(ns: i64) -> Given {
        Given::Text(Self::text(ns))
    }

    pub(super) fn taken(given: &Given) -> Result<i64, &'static str> {
        Self::parse(&Text::taken(given)?).ok_or(Self::WANTED)
    }
}

/// A day: `YYYY-MM-DD`.
pub(super) struct Date;

impl Date {
    pub(super) fn given(day: Day) -> Given {
        Given::Text(day.to_string())
    }

    pub(super) fn taken(given: &Given) -> Result<Day, &'static str> {
        Day::parse(&Text::taken(given)?).ok_or("a date of the form 2026-07-06")
    }
}

/// An amount in paise.
pub(super) struct Paise;

impl Paise {
    pub(super) const WANTED: &str = Whole::WANTED;
    const E4: i64 = 100;

    pub(super) fn given(e4: i64) -> Given {
        Given::Whole(e4 / Self::E4)
    }

    pub(super) fn taken(given: &Given) -> Result<i64, &'static str> {
        let paise = Whole::taken(given)?;
        paise.checked_mul(Self::E4).ok_or(Whole::WANTED)
    }
}

/// From one time of the day to another: `HH:MM-HH:MM`.
pub(super) struct Span;

impl Span {
    pub(super) fn given(window: Window) -> Given {
        let times = [window.from_ns, window.until_ns].map(Time::text);
        Given::Text(times.join("-"))
    }

    pub(super) fn taken(given: &Given) -> Result<Window, &'static str> {
        let text = Text::taken(given)?;
        let times = text
            .split_once('-')
            .and_then(|(from, until)| Some((Time::parse(from)?, Time::parse(until)?)));
        let (from_ns, until_ns) = times.ok_or("two times of the form 16:00-08:58")?;
        Ok(Window { from_ns, until_ns })
    }
}
