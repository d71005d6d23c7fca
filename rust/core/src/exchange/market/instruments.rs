//! An instrument of the simulated day, and the file that lists them.

use std::fmt::Write;

use crate::day::Day;
use crate::terms::{Exchange, InstrumentKind};

/// One rupee.
pub const RUPEE_E4: i64 = 10_000;

/// One row of the instruments file, with what the file does not say: freeze quantity, band, previous close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    pub token: u32,
    pub tradingsymbol: String,
    /// The company, or a derivative's underlying.
    pub name: String,
    pub exchange: Exchange,
    pub kind: InstrumentKind,
    pub expiry: Option<Day>,
    /// 0 when there is none.
    pub strike_e4: i64,
    pub tick_e4: i64,
    pub lot: i64,
    /// Units that one of an order's quantity stands for. Currency and commodities are ordered by the lot, and the
    /// file gives their lot as 1.
    pub multiplier: i64,
    /// The largest single order; 0: no such limit.
    pub freeze_quantity: i64,
    pub previous_close_e4: i64,
    /// Orders below are refused; 0: no band.
    pub lower_e4: i64,
    pub upper_e4: i64,
}

impl Instrument {
    pub fn exchange_token(&self) -> u32 {
        self.token >> 8
    }

    /// Kite's `segment` column.
    pub fn segment(&self) -> &'static str {
        match self.kind {
            InstrumentKind::Index => "INDICES",
            InstrumentKind::Cash => self.exchange.name(),
            InstrumentKind::Future => match self.exchange {
                Exchange::Bfo => "BFO-FUT",
                Exchange::Cds => "CDS-FUT",
                Exchange::Bcd => "BCD-FUT",
                Exchange::Mcx => "MCX-FUT",
                Exchange::Nco => "NCO-FUT",
                Exchange::Nse | Exchange::Bse | Exchange::Nfo => "NFO-FUT",
            },
            InstrumentKind::Call | InstrumentKind::Put => "NFO-OPT",
        }
    }

    pub fn tradable(&self) -> bool {
        self.kind != InstrumentKind::Index
    }

    /// The largest multiple of the lot that one order may have; none: unlimited.
    pub fn order_quantity_max(&self) -> Option<i64> {
        (self.freeze_quantity > 0).then(|| self.freeze_quantity / self.lot * self.lot)
    }

    /// The nearest price on the tick grid, at least one tick.
    pub fn on_tick(&self, price: f64) -> i64 {
        let ticks = (price * RUPEE_E4 as f64 / self.tick_e4 as f64).round() as i64;
        ticks.max(1) * self.tick_e4
    }

    /// Whether the day's band holds this price.
    pub fn in_band(&self, price_e4: i64) -> bool {
        self.upper_e4 == 0 || (self.lower_e4..=self.upper_e4).contains(&price_e4)
    }
}

/// Kite's instruments file of these rows, as `GET /instruments` gives it. `last_price` is the previous close: the
/// file is made before the market opens.
pub fn instruments_csv<'a>(rows: impl Iterator<Item = &'a Instrument>) -> String {
    let mut csv = String::from(
        "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,\
         instrument_type,segment,exchange\n",
    );
    for row in rows {
        writeln!(
            csv,
            "{},{},{},{},{},{},{},{},{},{},{},{}",
            row.token,
            row.exchange_token(),
            row.tradingsymbol,
            row.name,
            decimal(row.previous_close_e4),
            row.expiry.map(|day| day.to_string()).unwrap_or_default(),
            decimal(row.strike_e4),
            decimal(row.tick_e4),
            row.lot,
            instrument_type(row.kind),
            row.segment(),
            row.exchange,
        )
        .expect("a string takes all that is written to it");
    }
    csv
}

/// Kite's `instrument_type`: an index is an `EQ` of the segment INDICES.
pub(in crate::exchange) fn instrument_type(kind: InstrumentKind) -> &'static str {
    if kind == InstrumentKind::Index {
        InstrumentKind::Cash.name()
    } else {
        kind.name()
    }
}

/// `1573.15`, `26000`, `-0.05`: rupees without trailing zeros.
pub fn decimal(price_e4: i64) -> String {
    let sign = if price_e4 < 0 { "-" } else { "" };
    let (whole, part) = (
        price_e4.unsigned_abs() / RUPEE_E4 as u64,
        price_e4.unsigned_abs() % RUPEE_E4 as u64,
    );
    let digits = format!("{part:04}");
    match digits.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        part => format!("{sign}{whole}.{part}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::market::universe::{Universe, universe_of};

    #[test]
    fn the_file_has_kites_columns_and_never_a_blank_number() {
        let day = Day::parse("2026-11-19").expect("a day");
        let listed = universe_of(Universe::House, day, 26_010.0, 26_040.0);
        let csv = instruments_csv(listed.iter().map(|row| &row.instrument));
        let mut lines = csv.lines();

        assert_eq!(
            lines.next(),
            Some(
                "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,\
                 instrument_type,segment,exchange"
            )
        );
        assert_eq!(
            lines.next(),
            Some("256265,1001,NIFTY 50,NIFTY 50,26010,,0,0,0,EQ,INDICES,NSE")
        );
        assert!(csv.contains("\n408065,1594,INFY,INFOSYS,1523,,0,0.1,1,EQ,NSE,NSE\n"));
        assert!(csv.contains(
            "\n10189826,39804,NIFTY26NOV25950CE,NIFTY,0,2026-11-23,25950,0.05,65,CE,NFO-OPT,NFO\n"
        ));
    }

    #[test]
    fn decimals_have_no_trailing_zeros() {
        let cases = [
            (0, "0"),
            (15_731_500, "1573.15"),
            (-500, "-0.05"),
            (10_000, "1"),
            (25, "0.0025"),
        ];
        for (price_e4, text) in cases {
            assert_eq!(decimal(price_e4), text);
        }
    }
}
