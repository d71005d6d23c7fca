//! The instruments file as JSON, a line each: with the members that Zerodha's own MCP server reads.

use crate::exchange::market::instruments::{Instrument, instrument_type};
use crate::exchange::views::json_value::{Value, object};
use crate::terms::InstrumentKind;

/// `GET /instruments.json` of these rows. What is not known of an instrument here is blank.
pub fn instruments_json<'a>(rows: impl Iterator<Item = &'a Instrument>) -> String {
    let mut lines = String::new();
    for row in rows {
        line(row).write_json(&mut lines);
        lines.push('\n');
    }
    lines
}

fn line(row: &Instrument) -> Value {
    object! {
        id: format!("{}:{}", row.exchange, row.tradingsymbol),
        instrument_token: row.token,
        exchange_token: row.exchange_token(),
        tradingsymbol: row.tradingsymbol.clone(),
        exchange: row.exchange.name(),
        isin: "",
        name: row.name.clone(),
        series: if row.kind == InstrumentKind::Cash { "EQ" } else { "" },
        last_price: Value::Rupees(row.previous_close_e4),
        strike: Value::Rupees(row.strike_e4),
        tick_size: Value::Rupees(row.tick_e4),
        lot_size: row.lot,
        multiplier: row.multiplier,
        instrument_type: instrument_type(row.kind),
        segment: row.segment(),
        delivery_units: "",
        price_units: "",
        freeze_quantity: row.freeze_quantity,
        max_order_quantity: row.order_quantity_max().unwrap_or(0),
        expiry_type: "",
        expiry_date: row.expiry.map(|day| day.to_string()).unwrap_or_default(),
        exercise_start_date: "",
        exercise_end_date: "",
        issue_date: "",
        listing_date: "",
        maturity_date: "",
        lower_circuit_limit: Value::Rupees(row.lower_e4),
        upper_circuit_limit: Value::Rupees(row.upper_e4),
        active: true,
    }
}
