//! Numbers of contracts by name and date: lots, freeze quantities, bands.
use super::table::{BadRow, Dated, Row};

/// The largest single order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freeze {
    Units(i64),
    Lots(i64),
}

impl Freeze {
    pub const fn units(self, lot: i64) -> i64 {
        match self {
            Self::Units(units) => units,
            Self::Lots(lots) => lots.saturating_mul(lot),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (number, lots) = match text.strip_suffix(" lots") {
            Some(number) => (number, true),
            None => (text, false),
        };
        let number = number.parse().ok().filter(|number| *number > 0)?;
        Some(if lots {
            Self::Lots(number)
        } else {
            Self::Units(number)
        })
    }
}

/// Whole numbers above 0.
pub fn numbers(rows: &[&Row]) -> Result<Dated<i64>, BadRow> {
    let value = |row: &Row| {
        let number = row.value.parse().ok().filter(|number| *number > 0);
        number.ok_or_else(|| row.bad("a whole number above 0"))
    };
    Dated::read(rows, value)
}

pub fn freezes(rows: &[&Row]) -> Result<Dated<Freeze>, BadRow> {
    let value = |row: &Row| {
        Freeze::parse(&row.value).ok_or_else(|| row.bad("units as in 1800, or lots as in 40 lots"))
    };
    Dated::read(rows, value)
}
