//! The instruments of the simulated day: real names, today's contracts, and the file that lists them.

use std::fmt::Write;

use super::dates::{Expiry, monthly_expiry, weekly_expiry};
use crate::day::Day;
use crate::terms::{Exchange, Kind};

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
    pub kind: Kind,
    pub expiry: Option<Day>,
    /// 0 when there is none.
    pub strike_e4: i64,
    pub tick_e4: i64,
    pub lot: i64,
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
            Kind::Index => "INDICES",
            Kind::Cash => self.exchange.name(),
            Kind::Future => "NFO-FUT",
            Kind::Call | Kind::Put => "NFO-OPT",
        }
    }

    pub fn tradable(&self) -> bool {
        self.kind != Kind::Index
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

/// A share of the simulated day.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    pub symbol: &'static str,
    pub name: &'static str,
    pub exchange_token: u32,
    pub exchange: Exchange,
    /// A plausible close of late 2026, in rupees.
    pub close: f64,
    /// How it moves with the index.
    pub beta: f64,
    /// Its own volatility of a year, beside the index's.
    pub volatility: f64,
    /// Shares traded on an ordinary day.
    pub volume: f64,
}

const fn share(
    symbol: &'static str,
    name: &'static str,
    exchange_token: u32,
    close: f64,
    beta: f64,
    volatility: f64,
    volume: f64,
) -> Share {
    Share {
        symbol,
        name,
        exchange_token,
        exchange: Exchange::Nse,
        close,
        beta,
        volatility,
        volume,
    }
}

/// Real names and NSE tokens; the prices are made up.
pub const SHARES: [Share; 9] = [
    share(
        "RELIANCE",
        "RELIANCE INDUSTRIES",
        2885,
        1482.0,
        1.05,
        0.14,
        9.0e6,
    ),
    share("HDFCBANK", "HDFC BANK", 1333, 1004.0, 0.95, 0.12, 1.6e7),
    share("ICICIBANK", "ICICI BANK", 4963, 1376.0, 1.0, 0.13, 1.0e7),
    share("INFY", "INFOSYS", 1594, 1523.0, 0.85, 0.17, 6.0e6),
    share(
        "TCS",
        "TATA CONSULTANCY SERV LT",
        11536,
        3068.0,
        0.75,
        0.15,
        2.2e6,
    ),
    share(
        "SBIN",
        "STATE BANK OF INDIA",
        3045,
        884.0,
        1.15,
        0.15,
        9.0e6,
    ),
    share("ITC", "ITC", 1660, 407.0, 0.6, 0.12, 1.1e7),
    share("TATASTEEL", "TATA STEEL", 3499, 172.0, 1.3, 0.2, 2.6e7),
    // The same share at the other exchange, which has far less business in it.
    Share {
        symbol: "SBIN",
        name: "STATE BANK OF INDIA",
        exchange_token: 500_112,
        exchange: Exchange::Bse,
        close: 884.0,
        beta: 1.15,
        volatility: 0.15,
        volume: 4.0e5,
    },
];

pub const NIFTY_TOKEN: u32 = token(1001, INDICES);
pub const BANK_TOKEN: u32 = token(1016, INDICES);
/// NIFTY BANK stands at this multiple of NIFTY 50 at the previous close.
pub const BANK_OF_NIFTY: f64 = 2.25;
pub const BANK_BETA: f64 = 1.1;
pub const BANK_VOLATILITY: f64 = 0.07;

/// NIFTY's lot since the January 2026 contracts.
const NIFTY_LOT: i64 = 65;
/// Largest single NIFTY order, NSE, from 2026-08-03. It is revised monthly.
const NIFTY_FREEZE: i64 = 1800;
const STRIKE_STEP: i64 = 50;
/// Strikes on each side of the money.
const STRIKES_BESIDE: i64 = 2;
/// F&O tokens are given out anew for each contract; these are of our own making.
const FUTURE_TOKEN: u32 = 36_100;
const OPTION_TOKEN: u32 = 39_804;
/// The day's band of shares and futures around the previous close.
const BAND_PERCENT: i64 = 10;

/// The last byte of a token says where its instrument trades.
const NSE: u32 = 1;
const NFO: u32 = 2;
const BSE: u32 = 4;
const INDICES: u32 = 9;

const fn token(exchange_token: u32, segment: u32) -> u32 {
    exchange_token * 256 + segment
}

/// The instruments of a day: 2 indices, one NIFTY future, the options around the money, the shares, in this order.
/// `previous_close` and `open` are NIFTY 50's, in rupees.
pub fn instruments_of(day: Day, previous_close: f64, open: f64) -> Vec<Instrument> {
    let mut rows = vec![
        index("NIFTY 50", NIFTY_TOKEN, previous_close),
        index("NIFTY BANK", BANK_TOKEN, previous_close * BANK_OF_NIFTY),
    ];
    rows.push(future(monthly_expiry(day), previous_close));
    let at_the_money = (open / STRIKE_STEP as f64).round() as i64 * STRIKE_STEP;
    let expiry = weekly_expiry(day);
    for place in -STRIKES_BESIDE..=STRIKES_BESIDE {
        let strike = at_the_money + place * STRIKE_STEP;
        for kind in [Kind::Call, Kind::Put] {
            let number =
                OPTION_TOKEN + 2 * (place + STRIKES_BESIDE) as u32 + u32::from(kind == Kind::Put);
            rows.push(option(expiry, strike, kind, number));
        }
    }
    rows.extend(SHARES.iter().map(equity));
    rows
}

fn index(symbol: &str, token: u32, close: f64) -> Instrument {
    Instrument {
        token,
        tradingsymbol: symbol.into(),
        name: symbol.into(),
        exchange: Exchange::Nse,
        kind: Kind::Index,
        expiry: None,
        strike_e4: 0,
        tick_e4: 0,
        lot: 0,
        freeze_quantity: 0,
        // An index is published to five paise.
        previous_close_e4: (close * 20.0).round() as i64 * 500,
        lower_e4: 0,
        upper_e4: 0,
    }
}

fn equity(share: &Share) -> Instrument {
    let tick_e4 = share_tick_e4(share.close);
    let previous_close_e4 = (share.close * RUPEE_E4 as f64).round() as i64;
    with_band(Instrument {
        token: token(
            share.exchange_token,
            if share.exchange == Exchange::Bse {
                BSE
            } else {
                NSE
            },
        ),
        tradingsymbol: share.symbol.into(),
        name: share.name.into(),
        exchange: share.exchange,
        kind: Kind::Cash,
        expiry: None,
        strike_e4: 0,
        tick_e4,
        lot: 1,
        freeze_quantity: 0,
        previous_close_e4,
        lower_e4: 0,
        upper_e4: 0,
    })
}

fn future(expiry: Expiry, index_close: f64) -> Instrument {
    let (year, month, _) = expiry.day.civil();
    let mut row = Instrument {
        token: token(FUTURE_TOKEN, NFO),
        tradingsymbol: format!("NIFTY{:02}{}FUT", year % 100, MONTHS[month as usize - 1]),
        name: "NIFTY".into(),
        exchange: Exchange::Nfo,
        kind: Kind::Future,
        expiry: Some(expiry.day),
        strike_e4: 0,
        tick_e4: index_future_tick_e4(index_close),
        lot: NIFTY_LOT,
        freeze_quantity: NIFTY_FREEZE,
        previous_close_e4: 0,
        lower_e4: 0,
        upper_e4: 0,
    };
    row.previous_close_e4 = row.on_tick(index_close);
    with_band(row)
}

fn option(expiry: Expiry, strike: i64, kind: Kind, exchange_token: u32) -> Instrument {
    let (year, month, day) = expiry.day.civil();
    let when = if expiry.monthly {
        format!("{:02}{}", year % 100, MONTHS[month as usize - 1])
    } else {
        format!(
            "{:02}{}{day:02}",
            year % 100,
            b"123456789OND"[month as usize - 1] as char
        )
    };
    Instrument {
        token: token(exchange_token, NFO),
        tradingsymbol: format!("NIFTY{when}{strike}{}", kind.name()),
        name: "NIFTY".into(),
        exchange: Exchange::Nfo,
        kind,
        expiry: Some(expiry.day),
        strike_e4: strike * RUPEE_E4,
        tick_e4: 500,
        lot: NIFTY_LOT,
        freeze_quantity: NIFTY_FREEZE,
        // The market prices the contract and sets its close and band.
        previous_close_e4: 0,
        lower_e4: 0,
        upper_e4: 0,
    }
}

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

/// The band of ±10 % around the previous close, drawn in to the tick grid.
fn with_band(mut row: Instrument) -> Instrument {
    let width = row.previous_close_e4 * BAND_PERCENT / 100;
    row.lower_e4 = (row.previous_close_e4 - width + row.tick_e4 - 1) / row.tick_e4 * row.tick_e4;
    row.upper_e4 = (row.previous_close_e4 + width) / row.tick_e4 * row.tick_e4;
    row
}

/// NSE cash, from 2025-04-15, by the last close of the month.
fn share_tick_e4(close: f64) -> i64 {
    match close {
        c if c < 250.0 => 100,
        c if c < 1000.0 => 500,
        c if c < 5000.0 => 1000,
        c if c < 10_000.0 => 5000,
        c if c < 20_000.0 => 10_000,
        _ => 50_000,
    }
}

/// Index futures, from 2025-04-15.
fn index_future_tick_e4(close: f64) -> i64 {
    match close {
        c if c <= 15_000.0 => 500,
        c if c <= 30_000.0 => 1000,
        _ => 2000,
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
fn instrument_type(kind: Kind) -> &'static str {
    if kind == Kind::Index {
        Kind::Cash.name()
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

    fn rows() -> Vec<Instrument> {
        instruments_of(Day::parse("2026-11-19").expect("a day"), 26_010.0, 26_040.0)
    }

    #[test]
    fn tokens_are_the_real_ones() {
        let token = |symbol: &str, exchange| {
            let rows = rows();
            rows.iter()
                .find(|row| row.tradingsymbol == symbol && row.exchange == exchange)
                .map(|row| row.token)
        };

        assert_eq!(token("NIFTY 50", Exchange::Nse), Some(256_265));
        assert_eq!(token("NIFTY BANK", Exchange::Nse), Some(260_105));
        assert_eq!(token("INFY", Exchange::Nse), Some(408_065));
        assert_eq!(token("SBIN", Exchange::Bse), Some(128_028_676));
        assert_eq!(token("NIFTY26NOV25950CE", Exchange::Nfo), Some(10_189_826));
    }

    #[test]
    fn tokens_and_symbols_are_unique() {
        let rows = rows();
        let mut tokens: Vec<_> = rows.iter().map(|row| row.token).collect();
        let mut symbols: Vec<_> = rows
            .iter()
            .map(|row| (row.exchange, &row.tradingsymbol))
            .collect();
        tokens.sort_unstable();
        tokens.dedup();
        symbols.sort_unstable();
        symbols.dedup();

        assert_eq!((tokens.len(), symbols.len()), (rows.len(), rows.len()));
    }

    #[test]
    fn contracts_bear_the_names_of_their_expiry() {
        let symbols: Vec<_> = rows().into_iter().map(|row| row.tradingsymbol).collect();
        assert!(
            symbols.contains(&"NIFTY26NOVFUT".into())
                && symbols.contains(&"NIFTY26NOV26050PE".into())
        );

        let weekly = instruments_of(Day::parse("2026-11-27").expect("a day"), 26_010.0, 26_040.0);
        let symbols: Vec<_> = weekly.into_iter().map(|row| row.tradingsymbol).collect();
        assert!(
            symbols.contains(&"NIFTY26DECFUT".into())
                && symbols.contains(&"NIFTY26D0126050PE".into())
        );
    }

    #[test]
    fn ticks_lots_and_freeze_quantities_are_those_of_2026() {
        let rows = rows();
        let of = |symbol: &str| {
            rows.iter()
                .find(|row| row.tradingsymbol == symbol)
                .expect("listed")
        };

        assert_eq!(
            (
                of("INFY").tick_e4,
                of("SBIN").tick_e4,
                of("TATASTEEL").tick_e4
            ),
            (1000, 500, 100)
        );
        let future = of("NIFTY26NOVFUT");
        assert_eq!(
            (future.tick_e4, future.lot, future.order_quantity_max()),
            (1000, 65, Some(1755))
        );
        assert_eq!(of("NIFTY26NOV26050CE").tick_e4, 500);
        assert_eq!(of("INFY").order_quantity_max(), None);
    }

    #[test]
    fn the_file_has_kites_columns_and_never_a_blank_number() {
        let rows = rows();
        let csv = instruments_csv(rows.iter());
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
