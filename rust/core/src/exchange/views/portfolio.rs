//! Positions, holdings and funds, in Kite's shapes.

use crate::exchange::market::listing::Listing;
use crate::exchange::state::Exchange;
use crate::exchange::views::json_value::{Value, object};

/// `GET /portfolio/positions`. Nothing is carried overnight here, so the day is the whole.
pub fn positions(exchange: &Exchange, account: usize) -> Value {
    let rows: Vec<Value> = exchange.accounts[account]
        .positions
        .iter()
        .map(|(&(listing, held), position)| {
            position_row(&exchange.market.listings[listing], held.name(), position)
        })
        .collect();
    object! { net: rows.clone(), day: rows }
}

fn position_row(
    listing: &Listing,
    product: &'static str,
    position: &crate::portfolio::Position,
) -> Value {
    const BOUNDED: &str = "the funds check keeps every sum of money far below 64 bits";
    let position = crate::portfolio::Position {
        last_e4: listing.day.last_e4,
        ..*position
    };
    let (bought, sold) = (
        position.bought().expect(BOUNDED),
        position.sold().expect(BOUNDED),
    );
    let (day_bought, day_sold) = (position.day_bought, position.day_sold);
    let pnl_e4 = position.pnl_e4().expect(BOUNDED);
    object! {
        tradingsymbol: listing.instrument.tradingsymbol.clone(),
        exchange: listing.instrument.exchange.name(),
        instrument_token: listing.instrument.token,
        product: product,
        quantity: position.quantity(),
        overnight_quantity: position.overnight.quantity,
        multiplier: position.multiplier,
        average_price: Value::Rupees(position.average_e4()),
        close_price: Value::Rupees(position.close_e4),
        last_price: Value::Rupees(position.last_e4),
        value: Value::Rupees(position.value_e4().expect(BOUNDED)),
        pnl: Value::Rupees(pnl_e4),
        m2m: Value::Rupees(position.m2m_e4().expect(BOUNDED)),
        unrealised: Value::Rupees(pnl_e4),
        realised: 0_i64,
        buy_quantity: bought.quantity,
        buy_price: Value::Rupees(bought.price_e4(position.multiplier)),
        buy_value: Value::Rupees(bought.value_e4),
        buy_m2m: Value::Rupees(position.buy_m2m_e4().expect(BOUNDED)),
        sell_quantity: sold.quantity,
        sell_price: Value::Rupees(sold.price_e4(position.multiplier)),
        sell_value: Value::Rupees(sold.value_e4),
        sell_m2m: Value::Rupees(position.sell_m2m_e4().expect(BOUNDED)),
        day_buy_quantity: day_bought.quantity,
        day_buy_price: Value::Rupees(day_bought.price_e4(position.multiplier)),
        day_buy_value: Value::Rupees(day_bought.value_e4),
        day_sell_quantity: day_sold.quantity,
        day_sell_price: Value::Rupees(day_sold.price_e4(position.multiplier)),
        day_sell_value: Value::Rupees(day_sold.value_e4),
    }
}

/// `GET /portfolio/holdings`
pub fn holdings(exchange: &Exchange, account: usize) -> Value {
    let rows = exchange.accounts[account].holdings.iter().map(|holding| {
        let listing = &exchange.market.listings[holding.listing];
        let (last_e4, close_e4) = (listing.day.last_e4, listing.instrument.previous_close_e4);
        let free = holding.quantity - holding.used;
        object! {
            tradingsymbol: listing.instrument.tradingsymbol.clone(),
            exchange: listing.instrument.exchange.name(),
            instrument_token: listing.instrument.token,
            isin: isin(&listing.instrument.tradingsymbol),
            product: "CNC",
            price: 0_i64,
            quantity: free,
            used_quantity: holding.used,
            t1_quantity: 0_i64,
            realised_quantity: free,
            authorised_quantity: 0_i64,
            authorised_date: Value::Null,
            authorisation: object! {},
            opening_quantity: holding.quantity,
            short_quantity: 0_i64,
            collateral_quantity: 0_i64,
            collateral_type: "",
            discrepancy: false,
            average_price: Value::Rupees(holding.average_e4),
            last_price: Value::Rupees(last_e4),
            close_price: Value::Rupees(close_e4),
            pnl: Value::Rupees((last_e4 - holding.average_e4) * free),
            day_change: Value::Rupees(last_e4 - close_e4),
            day_change_percentage: Value::Number((last_e4 - close_e4) as f64 / close_e4 as f64 * 100.0),
            mtf: object! {
                quantity: 0_i64, used_quantity: 0_i64, average_price: 0_i64, value: 0_i64, initial_margin: 0_i64
            },
        }
    });
    rows.collect()
}

/// Of the shares that a fresh account holds.
fn isin(tradingsymbol: &str) -> &'static str {
    match tradingsymbol {
        "INFY" => "INE009A01021",
        "SBIN" => "INE062A01020",
        _ => "",
    }
}

/// `GET /user/margins`: net = live balance = opening balance − debits.
pub fn margins(exchange: &Exchange, account: usize) -> Value {
    let blocked = exchange.blocked_now(account);
    let account = &exchange.accounts[account];
    let realised_e4 = account.realised_e4();
    let unrealised_e4: i64 = account
        .positions
        .iter()
        .map(|(&(listing, _), position)| {
            let last_e4 = exchange.market.listings[listing].day.last_e4;
            position.open.quantity * last_e4 * position.multiplier - position.open.value_e4
        })
        .sum();
    let debits_e4 = blocked.total_e4() - realised_e4 + account.costs_e4();
    let segment = |cash_e4: i64, debits_e4: i64, on: bool| {
        let of = |amount_e4: i64| Value::Rupees(if on { amount_e4 } else { 0 });
        object! {
            enabled: true,
            net: Value::Rupees(cash_e4 - debits_e4),
            available: object! {
                adhoc_margin: 0_i64,
                cash: Value::Rupees(cash_e4),
                opening_balance: Value::Rupees(cash_e4),
                live_balance: Value::Rupees(cash_e4 - debits_e4),
                collateral: 0_i64,
                intraday_payin: 0_i64,
            },
            utilised: object! {
                debits: Value::Rupees(debits_e4),
                exposure: of(blocked.exposure_e4),
                m2m_realised: of(realised_e4),
                m2m_unrealised: of(unrealised_e4),
                option_premium: of(blocked.premium_e4),
                payout: 0_i64,
                span: of(blocked.span_e4),
                holding_sales: 0_i64,
                turnover: 0_i64,
                liquid_collateral: 0_i64,
                stock_collateral: 0_i64,
                delivery: of(blocked.delivery_e4),
            },
        }
    };
    object! { equity: segment(account.cash_e4, debits_e4, true), commodity: segment(0, 0, false) }
}
