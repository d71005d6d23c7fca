//! What a user may ask for of an order, in numbers and words.

use crate::exchange::orders::order_fault::OrderFault;
use crate::exchange::orders::variety::Variety;
use crate::terms::{Exchange, OrderType, Product, Side, Validity};

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
    /// 0 unless LIMIT or SL; what else is given is dropped, and so is a trigger unless SL or SL-M.
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
