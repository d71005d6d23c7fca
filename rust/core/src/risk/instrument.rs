//! An instrument as of today: the row of the instruments file, with freeze quantity and today's band.
use crate::day::Day;
use crate::terms::{Exchange, InstrumentKind, Product};

/// Underlyings that are indices: their derivatives settle in cash, bind less and have a narrower collar.
const INDICES: &[&str] = &[
    "NIFTY",
    "BANKNIFTY",
    "FINNIFTY",
    "MIDCPNIFTY",
    "NIFTYNXT50",
    "SENSEX",
    "BANKEX",
    "SENSEX50",
];

#[derive(Clone, Debug)]
pub struct Instrument {
    pub token: u32,
    pub exchange: Exchange,
    pub tradingsymbol: Box<str>,
    pub kind: InstrumentKind,
    /// Its underlying is an index.
    pub of_index: bool,
    pub expiry: Option<Day>,
    pub strike_e4: i64,
    pub tick_e4: i64,
    pub lot: i64,
    /// 0: none known.
    pub freeze: i64,
    /// One bit per product that the broker takes for it.
    pub products: u8,
    /// Today's band; 0: none known.
    pub lower_e4: i64,
    pub upper_e4: i64,
    pub previous_close_e4: i64,
    /// Of the instruments file; none for what was seen in the account and never in the file.
    pub file_day: Option<Day>,
    /// Its close is made by the closing auction.
    pub closing_auction: bool,
}

impl Instrument {
    /// What the account holds and no file has told of: it counts in every exposure, and no order in it passes.
    pub fn unknown(token: u32, exchange: Exchange, tradingsymbol: &str) -> Self {
        Self {
            token,
            exchange,
            tradingsymbol: tradingsymbol.into(),
            kind: kind_by_symbol(exchange, tradingsymbol),
            of_index: false,
            expiry: None,
            strike_e4: 0,
            tick_e4: 0,
            lot: 0,
            freeze: 0,
            products: 0,
            lower_e4: 0,
            upper_e4: 0,
            previous_close_e4: 0,
            file_day: None,
            closing_auction: true,
        }
    }

    pub const fn product_bit(product: Product) -> u8 {
        1 << product as u8
    }

    pub fn takes(&self, product: Product) -> bool {
        self.products & Self::product_bit(product) != 0
    }

    /// Whether it is named as EXCHANGE:SYMBOL.
    pub fn is_one_of(&self, names: &[Box<str>]) -> bool {
        names.iter().any(|name| {
            let key = name.split_once(':');
            key == Some((self.exchange.name(), &self.tradingsymbol))
        })
    }

    pub fn is_index_name(name: &str) -> bool {
        INDICES.contains(&name)
    }
}

/// Kite's symbols of derivatives end in FUT, CE or PE.
fn kind_by_symbol(exchange: Exchange, symbol: &str) -> InstrumentKind {
    match exchange {
        _ if exchange.is_cash() => InstrumentKind::Cash,
        _ if symbol.ends_with("CE") => InstrumentKind::Call,
        _ if symbol.ends_with("PE") => InstrumentKind::Put,
        _ => InstrumentKind::Future,
    }
}

fields! {
    Instrument {
        token, exchange, tradingsymbol, kind, of_index, expiry, strike_e4, tick_e4, lot, freeze, products, lower_e4,
        upper_e4, previous_close_e4, file_day, closing_auction,
    }
}
