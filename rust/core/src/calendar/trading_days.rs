//! Days on which a segment trades.
use super::day::Day;
use super::sessions::Segment;
use super::table::{BadRow, Row};

/// Most days between the first and the last that a table covers: two hundred years.
const DAYS_MAX: i64 = 73_000;
/// Beside the bits of the segments: the tables know the day.
const COVERED: u16 = 1 << 15;

/// One word a day from the first that a row covers on.
#[derive(Clone, Debug)]
pub struct TradingDays {
    first: Day,
    words: Vec<u16>,
}

impl TradingDays {
    /// Each row is laid over those before it.
    pub fn read(rows: &[&Row]) -> Result<Self, BadRow> {
        let first = rows.iter().map(|row| row.from).min().unwrap_or(Day(0));
        let mut days = Self {
            first,
            words: Vec::new(),
        };
        for row in rows {
            days.lay(row)?;
        }
        Ok(days)
    }

    fn lay(&mut self, row: &Row) -> Result<(), BadRow> {
        let segments = match row.key.as_str() {
            "*" => Segment::ALL.iter().map(|segment| segment.bit()).sum(),
            name => Segment::parse(name)
                .map(Segment::bit)
                .ok_or_else(|| BadRow::new(row.line, Segment::wanted(name)))?,
        };
        let (from, to) = (self.place(row.from), self.place(row.to));
        if to >= DAYS_MAX {
            return Err(BadRow::new(row.line, "a valid_to within two hundred years"));
        }
        if self.words.len() <= to as usize {
            self.words.resize(to as usize + 1, 0);
        }
        for at in from..=to {
            let word = &mut self.words[at as usize];
            let trades = match row.value.as_str() {
                "weekdays" => !Day(self.first.0 + at as i32).is_weekend(),
                "open" => true,
                "closed" => false,
                _ => return Err(row.bad("weekdays, open or closed")),
            };
            // A holiday alone says nothing of a year that no row covers.
            if row.value != "closed" {
                *word |= COVERED;
            }
            *word = if trades {
                *word | segments
            } else {
                *word & !segments
            };
        }
        Ok(())
    }

    fn place(&self, day: Day) -> i64 {
        i64::from(day.0) - i64::from(self.first.0)
    }

    fn word(&self, day: Day) -> u16 {
        let place = usize::try_from(self.place(day)).ok();
        place
            .and_then(|at| self.words.get(at))
            .copied()
            .unwrap_or(0)
    }

    pub fn covers(&self, day: Day) -> bool {
        self.word(day) & COVERED != 0
    }

    pub fn trades(&self, day: Day, segment: Segment) -> bool {
        self.word(day) & segment.bit() != 0
    }

    /// This day, or the last one before it that trades; none when a day comes first that nobody knows.
    pub fn back(&self, day: Day, segment: Segment) -> Option<Day> {
        let days = (0..).map(|before| Day(day.0 - before));
        days.take_while(|day| self.covers(*day))
            .find(|day| self.trades(*day, segment))
    }
}
