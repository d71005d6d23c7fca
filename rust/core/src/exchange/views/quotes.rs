//! Quotes, in Kite's shapes.

use crate::calendar::clock::stamp;
use crate::exchange::market::listing::Listing;
use crate::exchange::matching::book::Level;
use crate::exchange::state::Exchange;
use crate::exchange::views::json_value::{Value, object};
use crate::terms::{self, Side};

/// Instruments in one request: `/quote`, and `/quote/ohlc` and `/quote/ltp`.
pub const QUOTES_MAX: usize = 500;
pub const LTPS_MAX: usize = 1_000;

/// How much of a quote is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    Quote,
    Ohlc,
    Ltp,
}

/// `GET /quote…`, keyed by the names asked for, `NSE:INFY` or a token. Unknown ones are absent.
pub fn quotes(exchange: &Exchange, names: &[String], depth: Depth) -> Value {
    by_name(exchange, names, |listing| quote(exchange, listing, depth))
}

/// An object with what is said of each instrument that is known, keyed as asked.
pub fn by_name(exchange: &Exchange, names: &[String], say: impl Fn(&Listing) -> Value) -> Value {
    let known = names
        .iter()
        .filter_map(|name| Some((name.clone().into(), say(find(exchange, name)?))));
    Value::Object(known.collect())
}

fn find<'a>(exchange: &'a Exchange, name: &str) -> Option<&'a Listing> {
    let index = match name.split_once(':') {
        Some((name, symbol)) => exchange
            .market
            .by_symbol(terms::Exchange::parse(name)?, symbol)?,
        None => exchange.market.by_token(name.parse().ok()?)?,
    };
    Some(&exchange.market.listings[index])
}

fn quote(exchange: &Exchange, listing: &Listing, depth: Depth) -> Value {
    let (instrument, day) = (&listing.instrument, &listing.day);
    let ohlc = object! {
        open: Value::Rupees(day.open_e4),
        high: Value::Rupees(day.high_e4),
        low: Value::Rupees(day.low_e4),
        close: Value::Rupees(instrument.previous_close_e4),
    };
    let last_price = Value::Rupees(day.last_e4);
    match depth {
        Depth::Ltp => object! { instrument_token: instrument.token, last_price: last_price },
        Depth::Ohlc => {
            object! { instrument_token: instrument.token, last_price: last_price, ohlc: ohlc }
        }
        Depth::Quote => object! {
            instrument_token: instrument.token,
            timestamp: stamp(exchange.market.now_ns()),
            last_trade_time: (day.last_trade_ns > 0).then(|| stamp(day.last_trade_ns)),
            last_price: last_price,
            last_quantity: day.last_quantity,
            buy_quantity: listing.total(Side::Buy),
            sell_quantity: listing.total(Side::Sell),
            volume: day.volume,
            average_price: Value::Rupees(day.average_e4()),
            oi: day.oi,
            oi_day_high: day.oi_high,
            oi_day_low: day.oi_low,
            net_change: Value::Rupees(day.last_e4 - instrument.previous_close_e4),
            lower_circuit_limit: Value::Rupees(instrument.lower_e4),
            upper_circuit_limit: Value::Rupees(instrument.upper_e4),
            ohlc: ohlc,
            depth: object! { buy: levels(listing, Side::Buy), sell: levels(listing, Side::Sell) },
        },
    }
}

/// Always five rows; empty levels are zeros.
fn levels(listing: &Listing, side: Side) -> Vec<Value> {
    let level = |Level {
                     price_e4,
                     quantity,
                     orders,
                 }: Level| {
        object! { price: Value::Rupees(price_e4), quantity: quantity, orders: orders }
    };
    listing.depth(side).map(level).into()
}
