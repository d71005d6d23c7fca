//! Dated facts of India's exchanges, one table each: the rows that ship with the core, and a user's own laid over them.
//!
//! What no row says is not known, and whoever asks refuses. Rows marked provisional are guesses: only the local
//! exchange, which pretends anyway, reads a calendar with them.

/// Nanoseconds of a day, and the clock of India.
pub mod clock;
/// Numbers of contracts by date: lots, freeze quantities, bands.
mod contracts;
/// Calendar dates in India.
pub mod day;
/// Days on which contracts end.
mod expiries;
/// What an order pays.
mod fees;
/// What a segment does at each time of a day.
mod sessions;
/// The text of the tables, row by row.
mod table;
/// Days on which a segment trades.
mod trading_days;

use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};

pub use contracts::Freeze;
pub use day::Day;
pub use expiries::Expiry;
pub use fees::{Brokerage, Category, Fees};
pub use sessions::{Hours, Phase, PhaseStart, Segment};
pub use table::BadRow;

use expiries::ExpiryRules;
use sessions::{Phases, SquareOffs};
use table::{Dated, Row, Table};
use trading_days::TradingDays;

const SHIPPED: &str = include_str!("shipped.csv");

/// All tables. It does not change while a process lives.
#[derive(Clone, Debug)]
pub struct Calendar {
    days: TradingDays,
    phases: Phases,
    square_offs: SquareOffs,
    expiry_rules: ExpiryRules,
    lots: Dated<i64>,
    freezes: Dated<Freeze>,
    bands: Dated<i64>,
    fees: Fees,
    sha256: [u8; 32],
}

impl Calendar {
    /// The shipped tables without a guess in them.
    pub fn shipped() -> Arc<Self> {
        static SETTLED: OnceLock<Arc<Calendar>> = OnceLock::new();
        Arc::clone(SETTLED.get_or_init(|| Arc::new(Self::known("", false))))
    }

    /// The shipped tables with their guesses, for the local exchange.
    pub fn with_guesses() -> Arc<Self> {
        static GUESSED: OnceLock<Arc<Calendar>> = OnceLock::new();
        Arc::clone(GUESSED.get_or_init(|| Arc::new(Self::known("", true))))
    }

    fn known(own: &str, provisional: bool) -> Self {
        Self::read(own, provisional).expect("the shipped tables are read by a test")
    }

    /// The shipped tables and, after them, a user's `own` in the same form; `provisional` takes the guesses too.
    ///
    /// # Errors
    /// [`BadRow`], with the line of `own` that cannot be read.
    pub fn read(own: &str, provisional: bool) -> Result<Self, BadRow> {
        let mut rows = table::rows(SHIPPED)?;
        rows.extend(table::rows(own)?);
        let of = |table: Table| -> Vec<&Row> {
            let taken = |row: &&Row| row.table == table && (provisional || !row.provisional);
            rows.iter().filter(taken).collect()
        };
        Ok(Self {
            days: TradingDays::read(&of(Table::Day))?,
            phases: Phases::read(&of(Table::Phases))?,
            square_offs: SquareOffs::read(&of(Table::SquareOff))?,
            expiry_rules: ExpiryRules::read(&of(Table::Expiry))?,
            lots: contracts::numbers(&of(Table::Lot))?,
            freezes: contracts::freezes(&of(Table::Freeze))?,
            bands: contracts::numbers(&of(Table::Band))?,
            fees: Fees::read(
                &of(Table::TransactionTax),
                &of(Table::StampDuty),
                &of(Table::ExchangeCharge),
                &of(Table::Brokerage),
                &of(Table::Levy),
            )?,
            sha256: Sha256::new()
                .chain_update(SHIPPED)
                .chain_update(own)
                .finalize()
                .into(),
        })
    }

    /// The SHA-256 of the rows that it was made of: what a tape says of the calendar it was written under.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Whether the tables know the day at all.
    pub fn covers(&self, day: Day) -> bool {
        self.days.covers(day)
    }

    /// Whether a segment trades on that day; not on one outside the tables.
    pub fn trades(&self, day: Day, segment: Segment) -> bool {
        self.days.trades(day, segment)
    }

    /// This day, or the last one before it on which a segment trades; none when the tables end before one is found.
    pub fn trading_day_back(&self, day: Day, segment: Segment) -> Option<Day> {
        self.days.back(day, segment)
    }

    /// A day's phases of a segment, in order; none when it does not trade, or the tables do not say.
    pub fn phases(&self, day: Day, segment: Segment) -> Option<&[PhaseStart]> {
        self.phases
            .of(day, segment)
            .filter(|_| self.trades(day, segment))
    }

    /// Continuous trading of a segment by the hours in force on a day, as times of the day, whether or not that day
    /// trades: bars are for looking at.
    pub fn continuous_ns(&self, day: Day, segment: Segment) -> Option<(i64, i64)> {
        sessions::continuous_ns(self.phases.of(day, segment)?)
    }

    /// Until when orders in a segment may be placed; none when it does not trade, or the tables do not say.
    pub fn hours(&self, day: Day, segment: Segment) -> Option<Hours> {
        let (open_ns, close_ns) = sessions::continuous_ns(self.phases(day, segment)?)?;
        let broker_square_off_ns = self.square_offs.of(day, segment)?;
        Hours::new(open_ns, close_ns, broker_square_off_ns)
    }

    /// The next expiries of a name's contracts from `day` on, at most so many: fewer where the tables end.
    pub fn expiries(&self, key: &str, day: Day, count: usize) -> Vec<Expiry> {
        self.expiry_rules
            .from(&self.days, key, day)
            .take(count)
            .collect()
    }

    /// The same, those alone that are their month's last.
    pub fn monthly_expiries(&self, key: &str, day: Day, count: usize) -> Vec<Expiry> {
        let all = self.expiry_rules.from(&self.days, key, day);
        all.filter(|expiry| expiry.monthly).take(count).collect()
    }

    /// Units in a lot of a contract that ends on `expiry`. `key` is `EXCHANGE:NAME`, here and below.
    pub fn lot(&self, key: &str, expiry: Day) -> Option<i64> {
        self.lots.of(key, expiry).copied()
    }

    /// The largest single order on a day.
    pub fn freeze(&self, key: &str, day: Day) -> Option<Freeze> {
        self.freezes.of(key, day).copied()
    }

    /// What orders cost.
    pub fn fees(&self) -> &Fees {
        &self.fees
    }

    /// How far from its previous close a name may trade on a day, in percent.
    pub fn band_percent(&self, key: &str, day: Day) -> Option<i64> {
        self.bands.of(key, day).copied()
    }
}

#[cfg(test)]
mod tests;
