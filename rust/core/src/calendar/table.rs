//! The text of the tables: a line is a row, its first word the table.
use std::ops::RangeInclusive;

use super::day::Day;
use crate::terms::words;

const HEADER: &str = "table,key,value,valid_from,valid_to,provisional,source";
/// The last day that is ever asked for.
const FOR_EVER: Day = Day(i32::MAX);

/// A row that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected {wanted}")]
pub struct BadRow {
    /// Counted from 1.
    pub line: usize,
    pub wanted: String,
}

impl BadRow {
    pub fn new(line: usize, wanted: impl Into<String>) -> Self {
        let wanted = wanted.into();
        Self { line, wanted }
    }
}

words! {
    /// What a row is about.
    Table {
        Day = "day",
        Phases = "phases",
        SquareOff = "square off",
        Expiry = "expiry",
        Lot = "lot",
        Freeze = "freeze",
        Band = "band",
        TransactionTax = "transaction tax",
        StampDuty = "stamp duty",
        ExchangeCharge = "exchange charge",
        Brokerage = "brokerage",
        Levy = "levy",
    }
}

/// A fact and the days on which it holds, both included.
#[derive(Clone, Debug)]
pub struct Row {
    pub line: usize,
    pub table: Table,
    pub key: String,
    pub value: String,
    pub from: Day,
    pub to: Day,
    pub provisional: bool,
}

impl Row {
    /// Why its value is none of the table's.
    pub fn bad(&self, wanted: &str) -> BadRow {
        BadRow::new(self.line, format!("{wanted}, not {:?}", self.value))
    }
}

/// All rows of a text; its comments, empty lines and header are none.
pub fn rows(text: &str) -> Result<Vec<Row>, BadRow> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#') && *line != HEADER)
        .map(|(number, line)| row(number, line))
        .collect()
}

fn row(line: usize, text: &str) -> Result<Row, BadRow> {
    let bad = |wanted: String| BadRow::new(line, wanted);
    // What is after the sixth comma is prose.
    let cells: Vec<&str> = text.splitn(7, ',').map(str::trim).collect();
    let &[name, key, value, from, to, provisional, source] = cells.as_slice() else {
        return Err(bad(format!("the seven columns {HEADER}")));
    };
    let unknown = || bad(format!("one of {}, not {name:?}", Table::names()));
    let table = Table::parse(name).ok_or_else(unknown)?;
    if key.is_empty() || value.is_empty() || source.is_empty() {
        return Err(bad("a key, a value and a source".into()));
    }
    let date = |text: &str| {
        Day::parse(text).ok_or_else(|| bad(format!("a date YYYY-MM-DD, not {text:?}")))
    };
    let from = date(from)?;
    let to = if to.is_empty() { FOR_EVER } else { date(to)? };
    if to < from {
        return Err(bad(format!("a valid_to not before {from}")));
    }
    let provisional = match provisional {
        "" => false,
        "yes" => true,
        _ => {
            return Err(bad(format!(
                "yes or nothing as provisional, not {provisional:?}"
            )));
        }
    };
    Ok(Row {
        line,
        table,
        key: key.into(),
        value: value.into(),
        from,
        to,
        provisional,
    })
}

/// What holds for a key on a day: the last row that names both.
#[derive(Clone, Debug)]
pub struct Dated<T>(Vec<Entry<T>>);

#[derive(Clone, Debug)]
struct Entry<T> {
    key: String,
    from: Day,
    to: Day,
    value: T,
}

impl<T> Dated<T> {
    /// Values by `EXCHANGE:NAME`; `EXCHANGE:*` is every name there, and `*` everything.
    pub fn read(rows: &[&Row], value: impl Fn(&Row) -> Result<T, BadRow>) -> Result<Self, BadRow> {
        let entry = |row: &&Row| {
            Ok(Entry {
                key: row.key.clone(),
                from: row.from,
                to: row.to,
                value: value(row)?,
            })
        };
        rows.iter().map(entry).collect::<Result<_, _>>().map(Self)
    }

    pub fn of(&self, key: &str, day: Day) -> Option<&T> {
        let newest_first = self.0.iter().rev();
        let named = newest_first.filter(|entry| entry.from <= day && day <= entry.to);
        named
            .filter(|entry| names(&entry.key, key))
            .map(|entry| &entry.value)
            .next()
    }

    /// What there is for a key, newest row first: for one who asks for many days.
    pub fn of_key(&self, key: &str) -> Vec<(RangeInclusive<Day>, &T)> {
        let mine = self.0.iter().rev().filter(|entry| names(&entry.key, key));
        mine.map(|entry| (entry.from..=entry.to, &entry.value))
            .collect()
    }
}

fn names(pattern: &str, key: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => key.starts_with(start),
        None => pattern == key,
    }
}
