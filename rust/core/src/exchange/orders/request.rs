//! What a user may ask for of an order, in numbers and words.

use crate::exchange::market::instruments::Instrument;
use crate::exchange::orders::order_fault::OrderFault;
use crate::exchange::orders::variety::Variety;
use crate::terms::{Exchange, OrderType, Product, Side, Validity};

/// No order is larger: what is left of 64 bits holds every sum of money that follows.
pub const QUANTITY_MAX: i64 = 100_000_000;
pub const PRICE_E4_MAX: i64 = 10_000_000 * 10_000;

/// How far from the last price a MARKET or SL-M order may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// `0` or absent.
    None,
    /// `-1`: the broker's table.
    Auto,
    /// Hundredths of a percent.
    BasisPoints(i64),
}

/// A new order as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceOrder {
    pub variety: Variety,
    pub exchange: Exchange,
    pub tradingsymbol: String,
    pub side: Side,
    /// Of an iceberg that of its first leg.
    pub quantity: i64,
    pub product: Product,
    pub order_type: OrderType,
    pub price_e4: i64,
    pub trigger_e4: i64,
    pub validity: Validity,
    pub ttl_minutes: i64,
    pub disclosed_quantity: i64,
    pub protection: Protection,
    pub tag: Option<String>,
    /// What the broker adds to the tag.
    pub tags: Vec<String>,
    /// The exchange's number of the algorithm that sends it, which clients since 2026 may name.
    pub algo_id: Option<String>,
    /// What is to go wrong with it.
    pub fault: Option<OrderFault>,
}

impl PlaceOrder {
    /// A regular order for the day, at the market and without protection: what else is wanted is said beside it.
    pub fn market(instrument: &Instrument, side: Side, quantity: i64, product: Product) -> Self {
        Self {
            variety: Variety::Regular,
            exchange: instrument.exchange,
            tradingsymbol: instrument.tradingsymbol.clone(),
            side,
            quantity,
            product,
            order_type: OrderType::Market,
            price_e4: 0,
            trigger_e4: 0,
            validity: Validity::Day,
            ttl_minutes: 0,
            disclosed_quantity: 0,
            protection: Protection::None,
            tag: None,
            tags: Vec::new(),
            algo_id: None,
            fault: None,
        }
    }
}

/// What to change of an order; none: as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModifyOrder {
    pub quantity: Option<i64>,
    pub price_e4: Option<i64>,
    pub trigger_e4: Option<i64>,
    pub order_type: Option<OrderType>,
    pub validity: Option<Validity>,
    pub disclosed_quantity: Option<i64>,
    pub protection: Option<Protection>,
}

/// Whether an order of that type has a limit of its own.
pub fn priced(order_type: OrderType) -> bool {
    matches!(order_type, OrderType::Limit | OrderType::Sl)
}

/// Whether it waits for a trigger.
pub fn triggered(order_type: OrderType) -> bool {
    matches!(order_type, OrderType::Sl | OrderType::SlM)
}

/// The price and the trigger that an order of that type has: what it has no use for is dropped.
pub fn normalised(order_type: OrderType, price_e4: i64, trigger_e4: i64) -> (i64, i64) {
    (
        if priced(order_type) { price_e4 } else { 0 },
        if triggered(order_type) { trigger_e4 } else { 0 },
    )
}
