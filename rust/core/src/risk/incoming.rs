//! Payloads as the gate takes them: words instead of texts, numbers in their range.
use super::events::{Carried, Fill, Update};
use super::gate::{Allowed, Scope};
use super::instrument::Instrument;
use super::limits::{Column, Limits};
use crate::day::Day;
use crate::payload::world::{LatchState, RiskLimits};
use crate::payload::{Payload, PayloadError, execution, marketdata};
use crate::terms::{Exchange, InstrumentKind, Product};

type Read<T> = Result<T, PayloadError>;

/// A word of the trade, or which field has none.
fn word<T>(topic: &str, field: &str, text: &str, parse: impl Fn(&str) -> Option<T>) -> Read<T> {
    parse(text).ok_or_else(|| {
        PayloadError::refused(topic, field, format!("{text:?} is no word that is known"))
    })
}

fn token(topic: &str, token: i64) -> Read<u32> {
    u32::try_from(token).map_err(|_| {
        let what = format!("{token} is no token of 32 bits");
        PayloadError::refused(topic, "instrument_token", what)
    })
}

/// Cover and bracket orders, which others may place, are intraday.
fn held_as(product: &str) -> Option<Product> {
    match product {
        "CO" | "BO" => Some(Product::Mis),
        _ => Product::parse(product),
    }
}

/// 32 hex digits; anything else is 0, which no rule passes.
pub fn intent_id(text: &str) -> u128 {
    if text.len() == 32 {
        u128::from_str_radix(text, 16).unwrap_or(0)
    } else {
        0
    }
}

/// None when its exchange is none that is known: nothing trades there.
pub fn instrument(row: &marketdata::Instrument<'_>) -> Read<Option<Instrument>> {
    const TOPIC: &str = "marketdata.instrument";
    let Some(exchange) = Exchange::parse(row.exchange) else {
        return Ok(None);
    };
    let kind = match row.segment {
        "INDICES" => InstrumentKind::Index,
        _ => word(
            TOPIC,
            "instrument_type",
            row.instrument_type,
            InstrumentKind::parse,
        )?,
    };
    let products = row.products.iter().filter_map(|name| Product::parse(name));
    Ok(Some(Instrument {
        kind,
        of_index: Instrument::is_index_name(row.name),
        expiry: Day::parse(row.expiry),
        strike_e4: row.strike_e4,
        tick_e4: row.tick_size_e4,
        lot: row.lot_size,
        freeze: row.freeze_quantity,
        products: products.fold(0, |bits, product| bits | Instrument::product_bit(product)),
        lower_e4: row.lower_circuit_e4,
        upper_e4: row.upper_circuit_e4,
        previous_close_e4: row.previous_close_e4,
        file_day: Day::parse(row.file_date),
        ..Instrument::unknown(
            token(TOPIC, row.instrument_token)?,
            exchange,
            row.tradingsymbol,
        )
    }))
}

pub fn update<'a>(topic: &str, row: &execution::OrderUpdate<'a>) -> Read<Update<'a>> {
    Ok(Update {
        tag: row.tag,
        order_id: row.order_id,
        exchange: word(topic, "exchange", row.exchange, Exchange::parse)?,
        tradingsymbol: row.tradingsymbol,
        token: token(topic, row.instrument_token)?,
        side: row.side,
        product: word(topic, "product", row.product, held_as)?,
        quantity: row.quantity,
        filled: row.filled_quantity,
        price_e4: row.price_e4,
        is_final: row.r#final,
        strategy: row.strategy,
    })
}

pub fn fill<'a>(topic: &str, row: &execution::Fill<'a>) -> Read<Fill<'a>> {
    Ok(Fill {
        tag: row.tag,
        order_id: row.order_id,
        trade_id: row.trade_id,
        exchange: word(topic, "exchange", row.exchange, Exchange::parse)?,
        tradingsymbol: row.tradingsymbol,
        token: token(topic, row.instrument_token)?,
        side: row.side,
        product: word(topic, "product", row.product, held_as)?,
        quantity: row.quantity,
        price_e4: row.price_e4,
        strategy: row.strategy,
    })
}

pub fn carried<'a>(topic: &str, row: &execution::Carried<'a>) -> Read<Carried<'a>> {
    Ok(Carried {
        exchange: word(topic, "exchange", row.exchange, Exchange::parse)?,
        tradingsymbol: row.tradingsymbol,
        token: token(topic, row.instrument_token)?,
        product: word(topic, "product", row.product, held_as)?,
        quantity: row.quantity,
        average_e4: row.average_price_e4,
    })
}

/// The rows that can be read; what is wrong with the first that cannot goes to *wrong*.
pub fn each<T, U>(
    rows: &[T],
    wrong: &mut Option<PayloadError>,
    read: impl Fn(&T) -> Read<U>,
) -> Vec<U> {
    let one = |row| match read(row) {
        Ok(read) => Some(read),
        Err(error) => {
            wrong.get_or_insert(error);
            None
        }
    };
    rows.iter().filter_map(one).collect()
}

/// Why a payload of `world.limits` cannot be taken, in words for the owner.
pub fn check_limits(payload: &[u8]) -> Result<(), String> {
    let read = RiskLimits::decode(payload).map_err(|error| error.to_string())?;
    allowed(&read).map(|_| ()).map_err(|(_, what)| what)
}

/// What the owner allows, if every name is known and nothing stands above its ceiling; else the field, and what is wrong.
pub fn allowed(read: &RiskLimits<'_>) -> Result<Allowed, (&'static str, String)> {
    let column = if read.live {
        Column::Live
    } else {
        Column::Kitesim
    };
    let mut limits = Limits::default();
    for (name, value) in read.limits.iter() {
        limits
            .set(name, value, column)
            .map_err(|error| ("limits", error.to_string()))?;
    }
    let mut scopes = Vec::new();
    for (latch, field, names) in [
        (LatchState::Halted, "halted", &read.halted),
        (LatchState::Reducing, "reducing", &read.reducing),
    ] {
        for name in names {
            scopes.push(match name.split_once(':') {
                None => Scope::strategy(name, latch),
                Some((exchange, symbol)) => {
                    let known = Exchange::parse(exchange);
                    let what = || format!("{name}: {exchange:?} is no exchange that is known");
                    let exchange = known.ok_or_else(|| (field, what()))?;
                    Scope::symbol(exchange, symbol, latch)
                }
            });
        }
    }
    let outside = read.outside_closing_auction.iter();
    Ok(Allowed {
        limits,
        scopes,
        outside_closing_auction: outside.map(|name| Box::from(*name)).collect(),
    })
}
