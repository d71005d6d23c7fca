//! Triggers, in Kite's shapes.

use crate::calendar::clock::{DAY_NS, stamp};
use crate::exchange::orders::gtt::{Gtt, GttLeg};
use crate::exchange::state::Exchange;
use crate::exchange::views::json_value::{Value, object};

/// `GET /gtt/triggers`
pub fn gtts(exchange: &Exchange, account: usize) -> Value {
    let mine = exchange.gtts.0.iter().filter(|gtt| gtt.account == account);
    mine.map(|gtt| row(exchange, gtt)).collect()
}

/// `GET /gtt/triggers/{id}`
pub fn row(exchange: &Exchange, gtt: &Gtt) -> Value {
    let instrument = &exchange.market.listings[gtt.listing].instrument;
    let triggers = gtt.legs.iter();
    let mut condition = object! {
        exchange: instrument.exchange.name(),
        last_price: Value::Rupees(gtt.last_e4),
        tradingsymbol: instrument.tradingsymbol.clone(),
        trigger_values: triggers.clone().map(|leg| Value::Rupees(leg.trigger_e4())).collect::<Vec<_>>(),
        instrument_token: instrument.token,
    };
    if gtt.kind.trails() {
        let points = triggers.map(|leg| Value::Rupees(leg.asked.trail_e4));
        condition.set("trailing_points", points.collect::<Vec<_>>());
    }
    object! {
        id: gtt.id,
        user_id: exchange.accounts[gtt.account].user.clone(),
        parent_trigger: Value::Null,
        r#type: gtt.kind.name(),
        created_at: stamp(gtt.created_ns),
        updated_at: stamp(gtt.updated_ns),
        expires_at: stamp(gtt.created_ns + exchange.rules.triggers.life_days * DAY_NS),
        status: gtt.status.name(),
        condition: condition,
        orders: gtt.legs.iter().map(|leg| leg_row(exchange, gtt, leg)).collect::<Vec<_>>(),
        meta: Value::Null,
    }
}

fn leg_row(exchange: &Exchange, gtt: &Gtt, leg: &GttLeg) -> Value {
    let instrument = &exchange.market.listings[gtt.listing].instrument;
    let mut row = object! {
        exchange: instrument.exchange.name(),
        tradingsymbol: instrument.tradingsymbol.clone(),
        transaction_type: leg.asked.side.name(),
        quantity: leg.asked.quantity,
        order_type: leg.asked.order_type.name(),
        product: leg.asked.product.name(),
        price: Value::Rupees(leg.price_e4()),
    };
    let result = leg.result.as_ref().map(|outcome| {
        let mut result = row.clone();
        let (status, order_id, reason) = match &outcome.order {
            Ok(order_id) => ("success", order_id.clone(), String::new()),
            Err(reason) => ("failed", String::new(), reason.clone()),
        };
        result.set("account_id", exchange.accounts[gtt.account].user.clone());
        result.set("validity", "DAY");
        result.set("meta", "{}");
        result.set("timestamp", stamp(outcome.at_ns));
        result.set("triggered_at", Value::Rupees(outcome.print_e4));
        result.set(
            "order_result",
            object! { status: status, order_id: order_id, rejection_reason: reason },
        );
        result
    });
    row.set("result", result);
    row
}
