//! What the exchange knows, in the shapes of Kite's answers.

use crate::calendar::clock::{stamp, time_of_day};
use crate::exchange::market::listing::Listing;
use crate::exchange::matching::book::Level;
use crate::exchange::orders::order::{Order, State};
use crate::exchange::orders::variety::Variety;
use crate::exchange::state::Exchange;
use crate::exchange::state::Execution;
use crate::exchange::views::json_value::{Value, object};
use crate::terms::{self, Side};

/// Instruments in one request: `/quote`, and `/quote/ohlc` and `/quote/ltp`.
pub const QUOTES_MAX: usize = 500;
pub const LTPS_MAX: usize = 1_000;

// --- orders ---------------------------------------------------------------------------------------------------

/// `GET /orders`: the latest state of every order of the day.
pub fn orders(exchange: &Exchange, account: usize) -> Value {
    let orders = &exchange.accounts[account].orders;
    orders
        .iter()
        .map(|&index| book_row(exchange, &exchange.orders[index]))
        .collect::<Vec<_>>()
        .into()
}

/// `GET /orders/{order_id}`: every state, oldest first.
pub fn history(exchange: &Exchange, index: usize) -> Value {
    let order = &exchange.orders[index];
    order
        .history
        .iter()
        .map(|state| history_row(exchange, order, state))
        .collect::<Vec<_>>()
        .into()
}

pub(in crate::exchange) fn book_row(exchange: &Exchange, order: &Order) -> Value {
    let mut row = history_row(exchange, order, &order.now);
    row.set("account_id", exchange.accounts[order.account].user.clone());
    row.set("status_message_raw", order.now.message.clone());
    row.set("exchange_update_timestamp", order.now.updated_ns.map(stamp));
    row.set("meta", meta(order));
    if let Variety::Auction { number } = &order.variety {
        row.set("auction_number", number.clone());
    }
    row.set("tags", order.tags.clone());
    if exchange.rules.algo_id_shown {
        row.set("algo_id", order.algo_id.clone());
    }
    row.set("guid", format!("{:016x}", guid(&order.id)));
    row
}

fn history_row(exchange: &Exchange, order: &Order, state: &State) -> Value {
    let instrument = &exchange.market.listings[order.listing].instrument;
    object! {
        placed_by: exchange.accounts[order.account].user.clone(),
        order_id: order.id.clone(),
        exchange_order_id: state.exchange_order_id.clone(),
        parent_order_id: order.parent.clone(),
        status: state.status.text(),
        status_message: state.message.clone(),
        order_timestamp: stamp(state.asked_ns),
        exchange_timestamp: state.exchange_ns.map(stamp),
        variety: order.variety.name(),
        modified: state.modified,
        exchange: instrument.exchange.name(),
        tradingsymbol: instrument.tradingsymbol.clone(),
        instrument_token: instrument.token,
        order_type: state.order_type.name(),
        transaction_type: order.side.name(),
        validity: state.validity.name(),
        validity_ttl: order.ttl_minutes,
        product: order.held().name(),
        quantity: state.quantity,
        disclosed_quantity: state.disclosed_quantity,
        price: Value::Rupees(state.price_e4),
        trigger_price: Value::Rupees(state.trigger_e4),
        average_price: Value::Rupees(state.average_e4()),
        filled_quantity: state.filled,
        pending_quantity: state.pending(),
        cancelled_quantity: state.cancelled,
        // Kite shows 0 of an order whose protection has become its limit.
        market_protection: protection(if exchange.rules.protection_shown {
            order.asked_protection
        } else {
            order.protection
        }),
        tag: order.tag.clone(),
    }
}

/// Where an iceberg is; nothing of any other order.
fn meta(order: &Order) -> Value {
    let Variety::Iceberg(legs) = order.variety else {
        return object! {};
    };
    object! {
        iceberg: object! {
            leg: legs.leg,
            legs: legs.legs,
            leg_quantity: legs.leg_quantity,
            total_quantity: legs.total,
            remaining_quantity: legs.after() + order.now.left(),
        },
    }
}

fn protection(protection: crate::exchange::orders::request::Protection) -> Value {
    match protection {
        crate::exchange::orders::request::Protection::None => Value::Int(0),
        crate::exchange::orders::request::Protection::Auto => Value::Int(-1),
        crate::exchange::orders::request::Protection::BasisPoints(bp) => Value::Rupees(bp * 100),
    }
}

/// Any number will do, as long as it is the order's own: FNV-1a of its id.
fn guid(order_id: &str) -> u64 {
    order_id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The `data` of an order update on the socket. `status` stands in for the order's own.
pub fn order_frame(exchange: &Exchange, index: usize, status: Option<&'static str>) -> Value {
    let order = &exchange.orders[index];
    let mut data = book_row(exchange, order);
    if let Some(status) = status {
        data.set("status", status);
    }
    data.set("user_id", exchange.accounts[order.account].user.clone());
    data.set("unfilled_quantity", order.now.pending());
    data.set("app_id", 1_i64);
    data.set("checksum", "");
    data
}

// --- trades ---------------------------------------------------------------------------------------------------

/// `GET /trades`: one row per fill.
pub fn trades(exchange: &Exchange, account: usize) -> Value {
    rows(exchange, |execution| {
        exchange.orders[execution.order].account == account
    })
}

/// `GET /orders/{order_id}/trades`
pub fn order_trades(exchange: &Exchange, index: usize) -> Value {
    rows(exchange, |execution| execution.order == index)
}

fn rows(exchange: &Exchange, of: impl Fn(&Execution) -> bool) -> Value {
    let fills = exchange.executions.iter().filter(|execution| of(execution));
    fills
        .map(|execution| trade_row(exchange, execution))
        .collect::<Vec<_>>()
        .into()
}

fn trade_row(exchange: &Exchange, execution: &Execution) -> Value {
    let order = &exchange.orders[execution.order];
    let instrument = &exchange.market.listings[order.listing].instrument;
    object! {
        trade_id: execution.trade_id.to_string(),
        order_id: order.id.clone(),
        exchange: instrument.exchange.name(),
        tradingsymbol: instrument.tradingsymbol.clone(),
        instrument_token: instrument.token,
        product: order.held().name(),
        average_price: Value::Rupees(execution.price_e4),
        quantity: execution.quantity,
        exchange_order_id: order.now.exchange_order_id.clone(),
        transaction_type: order.side.name(),
        fill_timestamp: stamp(execution.at_ns),
        // A time without its day, here alone.
        order_timestamp: time_of_day(order.placed_ns),
        exchange_timestamp: stamp(execution.at_ns),
    }
}

// --- portfolio ------------------------------------------------------------------------------------------------

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
    rows.collect::<Vec<_>>().into()
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

// --- quotes ---------------------------------------------------------------------------------------------------

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
