//! Holdings in fewer words: the compact list, the sum, what can be sold in the auction; and the range of a trigger.

use crate::exchange::state::Exchange;
use crate::exchange::views::json_value::{Value, object};
use crate::exchange::views::portfolio;
use crate::exchange::views::quotes;

/// `GET /portfolio/holdings/compact`
pub fn compact(exchange: &Exchange, account: usize) -> Value {
    let rows = exchange.accounts[account].holdings.iter().map(|holding| {
        let instrument = &exchange.market.listings[holding.listing].instrument;
        object! {
            exchange: instrument.exchange.name(),
            tradingsymbol: instrument.tradingsymbol.clone(),
            instrument_token: instrument.token,
            t1_quantity: 0_i64,
            quantity: holding.quantity - holding.used,
        }
    });
    rows.collect()
}

/// `GET /portfolio/holdings/summary`: what all of it cost, is worth, and has gained since then and today.
pub fn summary(exchange: &Exchange, account: usize) -> Value {
    let (mut invested_e4, mut current_e4, mut yesterday_e4) = (0, 0, 0);
    for holding in &exchange.accounts[account].holdings {
        let listing = &exchange.market.listings[holding.listing];
        let free = holding.quantity - holding.used;
        invested_e4 += free * holding.average_e4;
        current_e4 += free * listing.day.last_e4;
        yesterday_e4 += free * listing.instrument.previous_close_e4;
    }
    object! {
        total_pnl: Value::Rupees(current_e4 - invested_e4),
        total_pnl_percent: percent(current_e4 - invested_e4, invested_e4),
        today_pnl: Value::Rupees(current_e4 - yesterday_e4),
        today_pnl_percent: percent(current_e4 - yesterday_e4, yesterday_e4),
        invested_amount: Value::Rupees(invested_e4),
        current_value: Value::Rupees(current_e4),
    }
}

fn percent(gain_e4: i64, of_e4: i64) -> Value {
    if of_e4 == 0 {
        return Value::Int(0);
    }
    Value::Number(gain_e4 as f64 / of_e4 as f64 * 100.0)
}

/// `GET /portfolio/holdings/auctions`: until it has been held, each holding can be offered in today's auction of its
/// share, whose number is the share's exchange token.
pub fn auctions(exchange: &Exchange, account: usize) -> Value {
    if exchange.auctions_over() {
        return Value::List(Vec::new());
    }
    let Value::List(mut rows) = portfolio::holdings(exchange, account) else {
        unreachable!("holdings are a list")
    };
    for (row, holding) in rows.iter_mut().zip(&exchange.accounts[account].holdings) {
        let instrument = &exchange.market.listings[holding.listing].instrument;
        row.set("auction_number", instrument.exchange_token().to_string());
    }
    Value::List(rows)
}

/// `GET /instruments/trigger_range/…`: within the day's band, a cover order's trigger may be anywhere.
pub fn trigger_range(exchange: &Exchange, names: &[String]) -> Value {
    quotes::by_name(exchange, names, |listing| {
        object! {
            instrument_token: listing.instrument.token,
            lower: Value::Rupees(listing.instrument.lower_e4),
            upper: Value::Rupees(listing.instrument.upper_e4),
        }
    })
}
