//! Orders and trades, in Kite's shapes.

use crate::calendar::clock::{stamp, time_of_day};
use crate::exchange::orders::autoslice::Sliced;
use crate::exchange::orders::order::{Order, OrderState};
use crate::exchange::orders::request::Protection;
use crate::exchange::orders::variety::Variety;
use crate::exchange::refusal::Refusal;
use crate::exchange::state::Exchange;
use crate::exchange::state::Execution;
use crate::exchange::views::json_value::{Value, object};

/// `GET /orders`: the latest state of every order of the day.
pub fn orders(exchange: &Exchange, account: usize) -> Value {
    let orders = &exchange.accounts[account].orders;
    orders
        .iter()
        .map(|&index| book_row(exchange, &exchange.orders[index]))
        .collect()
}

/// `GET /orders/{order_id}`: every state, oldest first.
pub fn history(exchange: &Exchange, index: usize) -> Value {
    let order = &exchange.orders[index];
    order
        .history
        .iter()
        .map(|state| history_row(exchange, order, state))
        .collect()
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

fn history_row(exchange: &Exchange, order: &Order, state: &OrderState) -> Value {
    let instrument = &exchange.market.listings[order.listing].instrument;
    object! {
        placed_by: exchange.accounts[order.account].user.clone(),
        order_id: order.id.clone(),
        exchange_order_id: state.exchange_order_id.clone(),
        parent_order_id: order.parent.clone(),
        status: state.status.name(),
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

/// The answer to a placement with `autoslice`: of each slice its order's id, or why there is none.
pub fn sliced(sliced: Sliced) -> Value {
    let mut answer = object! { order_id: sliced.order_id };
    if !sliced.slices.is_empty() {
        let children = sliced.slices.into_iter().map(|slice| match slice {
            Ok(order_id) => object! { order_id: order_id },
            Err(Refusal { status, error_type, message }) => {
                let code = u32::from(status);
                let data = Value::Null;
                object! { error: object! { code: code, error_type: error_type, message: message, data: data } }
            }
        });
        answer.set("children", children.collect::<Value>());
    }
    answer
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

fn protection(protection: Protection) -> Value {
    match protection {
        Protection::None => Value::Int(0),
        Protection::Auto => Value::Int(-1),
        Protection::BasisPoints(bp) => Value::Rupees(bp * 100),
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
        .collect()
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
