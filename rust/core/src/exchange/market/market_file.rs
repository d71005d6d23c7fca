//! A market file: lines of time and value, or bars of a minute.

use crate::calendar::clock::{MINUTE_NS, OPEN_NS, SECOND_NS, at_ns};
use crate::day::Day;
use crate::exchange::market::path::Point;
use crate::exchange::market::recorded::{
    BadLine, Bar, BarDay, FILE_POINTS_MAX, Recorded, Recording, TWO_COLUMNS,
};

const BARS_HEADER: &str = "Instrument,Date,Time,Open,High,Low,Close";
const SEVEN_COLUMNS: &str =
    "bars of NIFTY: Instrument,Date,Time,Open,High,Low,Close (YYYYMMDD, HH:MM, IST, rupees)";

/// Reads a day of `time,value` lines, with or without a header, or days of minute bars, by their header.
pub fn read_file(text: &str) -> Result<Recording, BadLine> {
    let text = text.trim_start_matches('\u{feff}');
    if text
        .lines()
        .next()
        .is_some_and(|line| line.trim().eq_ignore_ascii_case(BARS_HEADER))
    {
        return read_bars(text);
    }
    read_ticks(text).map(|first| Recording {
        first,
        days: Vec::new(),
    })
}

fn read_ticks(text: &str) -> Result<Recorded, BadLine> {
    let mut day = None;
    let mut previous_close = None;
    let mut last_ns = i64::MIN;
    let mut points = Vec::new();
    let mut first = true;
    for (index, line) in text.lines().enumerate() {
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

/// Reads days of minute bars. What lies outside 09:15 to 15:30 is passed over.
fn read_bars(text: &str) -> Result<Recording, BadLine> {
    let mut days: Vec<BarDay> = Vec::new();
    let mut last_ns = i64::MIN;
    let mut last_close = None;
    for (index, line) in text.lines().enumerate().skip(1) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let bad = |found: String| BadLine {
            line: index + 1,
            found,
            wanted: SEVEN_COLUMNS,
        };
        let bar = bar_of(line).map_err(bad)?;
        if bar.start_ns <= last_ns {
            return Err(bad("a bar that is not after the one above it".into()));
        }
        last_ns = bar.start_ns;
        if index > FILE_POINTS_MAX {
            return Err(bad(format!("more than {FILE_POINTS_MAX} bars")));
        }
        let day = Day::at(bar.start_ns);
        let open_ns = at_ns(day, OPEN_NS);
        if (open_ns..open_ns + 375 * MINUTE_NS).contains(&bar.start_ns) {
            if days.last().is_none_or(|last| last.day != day) {
                days.push(BarDay {
                    day,
                    previous_close: last_close.unwrap_or(bar.open),
                    bars: Vec::new(),
                });
            }
            days.last_mut().expect("just pushed").bars.push(bar);
        }
        last_close = Some(bar.close);
    }
    let first = days.first().map(BarDay::walk).ok_or(BadLine {
        line: 0,
        found: "no bar from 09:15 to 15:30".into(),
        wanted: SEVEN_COLUMNS,
    })?;
    Ok(Recording { first, days })
}

fn bar_of(line: &str) -> Result<Bar, String> {
    let columns: Vec<&str> = line.split(',').map(str::trim).collect();
    let [name, date, time, rest @ ..] = &columns[..] else {
        return Err(format!("{} columns ({})", columns.len(), shortened(line)));
    };
    let &[open, high, low, close] = rest else {
        return Err(format!("{} columns ({})", columns.len(), shortened(line)));
    };
    if !matches!(*name, "NIFTY" | "NIFTY 50") {
        return Err(format!("bars of {}", shortened(name)));
    }
    let dashed = match (date.get(..4), date.get(4..6), date.get(6..)) {
        (Some(year), Some(month), Some(day)) if date.len() == 8 => format!("{year}-{month}-{day}"),
        _ => (*date).to_owned(),
    };
    let start_ns = time_of(&format!("{dashed} {time}:00"))
        .ok_or_else(|| format!("the time {} {}", shortened(date), shortened(time)))?;
    let number = |text: &str| {
        let value: Option<f64> = text.parse().ok();
        let value = value.filter(|value| *value > 0.0 && *value < 1e7);
        value.ok_or_else(|| format!("the value {}", shortened(text)))
    };
    let bar = Bar {
        start_ns,
        open: number(open)?,
        high: number(high)?,
        low: number(low)?,
        close: number(close)?,
    };
    if bar.low > bar.open.min(bar.close) || bar.high < bar.open.max(bar.close) {
        return Err(format!(
            "a bar outside its own high and low ({})",
            shortened(line)
        ));
    }
    Ok(bar)
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

    #[test]
    fn a_file_begins_at_the_open_and_may_have_a_header() {
        let plain = "2022-11-24 09:00:21,18365.3\n2022-11-24 09:15:00,18326.1\r\n2022-11-24 09:15:01,18327\n";
        let headed = format!("time,value\n{plain}");

        let recording = read_file(plain).expect("a good file");
        let recorded = recording.first();

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
        assert_eq!(read_file(&headed), Ok(recording.clone()));
    }

    #[test]
    fn every_fault_of_a_file_is_named_with_its_line() {
        let cases = [
            ("Instrument,Date,Time,Close\n", 1, "4 columns"),
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

    const BARS: &str = "Instrument,Date,Time,Open,High,Low,Close\n\
        NIFTY,20240101,09:15,21727.75,21737.35,21701.80,21712.00\n\
        NIFTY,20240101,09:16,21711.50,21720.00,21695.35,21718.65\n\
        NIFTY,20240101,15:31,21742.00,21742.00,21742.00,21742.00\n\
        NIFTY,20240102,09:15,21751.35,21755.60,21716.85,21720.00\n";

    #[test]
    fn a_walk_through_bars_keeps_every_bars_four_values() {
        let recording = read_file(BARS).expect("bars");
        let first = recording.first();

        assert_eq!(
            recording.days().collect::<Vec<_>>(),
            [Day::of(2024, 1, 1), Day::of(2024, 1, 2)]
        );
        assert_eq!((first.points.len(), first.previous_close), (120, 21_727.75));
        for (minute, wanted) in first.points.chunks(60).zip([
            (21_727.75, 21_737.35, 21_701.80, 21_712.0),
            (21_711.5, 21_720.0, 21_695.35, 21_718.65),
        ]) {
            let values: Vec<f64> = minute.iter().map(|point| point.value).collect();
            let high = values.iter().copied().fold(f64::MIN, f64::max);
            let low = values.iter().copied().fold(f64::MAX, f64::min);
            assert_eq!((values[0], high, low, values[59]), wanted);
        }
        let second = recording.of_day(Day::of(2024, 1, 2)).expect("held");
        assert_eq!((second.previous_close, second.points.len()), (21_742.0, 60));
        let refusal = recording.of_day(Day::of(2024, 1, 3)).expect_err("not held");
        assert!(refusal.ends_with("holds no such day from 2024-01-01 to 2024-01-02"));
    }

    #[test]
    fn every_fault_of_a_bar_is_named_with_its_line() {
        for (line, found) in [
            ("BANKNIFTY,20240101,09:15,1,1,1,1", "bars of \"BANKNIFTY\""),
            ("NIFTY,20240101,09:15,1,1,1", "6 columns"),
            ("NIFTY,2024010,09:15,1,1,1,1", "the time"),
            ("NIFTY,20240101,9:15,1,1,1,1", "the time"),
            ("NIFTY,20240101,09:15,1,1,1,nan", "the value \"nan\""),
            (
                "NIFTY,20240101,09:15,1,2,3,2",
                "outside its own high and low",
            ),
            ("NIFTY,20240101,08:15,1,1,1,1", "no bar from 09:15"),
        ] {
            let text = format!("{BARS_HEADER}\n{line}\n");
            let bad = read_file(&text).expect_err(line);
            assert!(bad.to_string().contains(found), "{line}: {bad}");
        }
        let twice = format!("{BARS}NIFTY,20240102,09:15,1,1,1,1\n");
        assert_eq!(read_file(&twice).expect_err("not in order").line, 6);
    }

    #[test]
    fn ticks_are_a_day_when_they_are_in_order_and_of_one() {
        let at = |seconds: i64| at_ns(Day::of(2026, 11, 19), OPEN_NS) + seconds * SECOND_NS;
        let day = Recording::of_ticks([(at(-1), 259_000_000), (at(0), 260_000_000)].into_iter());

        let day = day.expect("a day");
        assert_eq!(day.first().previous_close, 25_900.0);
        assert_eq!(day.first().points.len(), 1);
        for ticks in [
            vec![],
            vec![(at(-1), 1)],
            vec![(at(0), 0)],
            vec![(at(1), 1), (at(0), 1)],
            vec![(at(0), 1), (at(86_400), 1)],
        ] {
            assert!(Recording::of_ticks(ticks.into_iter()).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_day_or_a_named_fault(text in "[ -~\n\u{e9}]{0,200}", bars: bool) {
            let text = if bars { format!("{BARS_HEADER}\n{text}") } else { text };
            if let Err(bad) = read_file(&text) {
                prop_assert!(bad.line <= text.lines().count());
            }
        }
    }
}
