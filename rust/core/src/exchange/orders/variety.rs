//! The varieties of an order: what the broker does with it besides handing it to the exchange.

use crate::exchange::orders::form::Form;
use crate::exchange::orders::position_product::PositionProduct;
use crate::exchange::refusal::Refusal;
use crate::exchange::rules::Rules;
use crate::terms::{OrderType, Product, Side, Validity};

/// Legs that an iceberg has at least.
pub const LEGS_MIN: i64 = 2;

/// Where an iceberg is: only one of its legs is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Legs {
    /// This one, counted from 1, and how many there are.
    pub leg: i64,
    pub legs: i64,
    pub leg_quantity: i64,
    pub total: i64,
}

impl Legs {
    /// What the legs after this one are to trade.
    pub fn after(&self) -> i64 {
        (self.total - self.leg * self.leg_quantity).max(0)
    }

    /// The next leg and its quantity; none after the last.
    pub fn next(self) -> Option<(Self, i64)> {
        let quantity = self.after().min(self.leg_quantity);
        let next = Self {
            leg: self.leg + 1,
            ..self
        };
        (quantity > 0).then_some((next, quantity))
    }
}

/// What kind of order it is at the broker's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variety {
    Regular,
    /// Kept by the broker until the exchange takes orders.
    Amo,
    /// An entry that its stop follows as soon as it has traded.
    Cover {
        stop_e4: i64,
    },
    /// The stop of a cover order.
    CoverStop,
    Iceberg(Legs),
    /// Offered to the buyers of a settlement auction, not to the book.
    Auction {
        number: String,
    },
}

impl Variety {
    /// As Kite names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Amo => "amo",
            Self::Cover { .. } | Self::CoverStop => "co",
            Self::Iceberg(_) => "iceberg",
            Self::Auction { .. } => "auction",
        }
    }

    /// What an order of this variety and product trades into: a cover order has a position of its own.
    pub fn held(&self, product: Product) -> PositionProduct {
        match self {
            Self::Cover { .. } | Self::CoverStop => PositionProduct::Cover,
            _ => PositionProduct::As(product),
        }
    }

    /// Reads what a variety asks of the form besides what every order does. `quantity` is that of the whole.
    pub(in crate::exchange) fn read(
        name: &str,
        form: &Form,
        asked: &Terms,
        rules: &Rules,
    ) -> Result<Self, Refusal> {
        match name {
            "regular" => Ok(Self::Regular),
            "amo" => Ok(Self::Amo),
            "co" => cover(form, asked),
            "iceberg" => iceberg(form, asked, rules.iceberg_legs_max),
            "auction" => auction(form, asked),
            _ => Err(Refusal::invalid("variety")),
        }
    }
}

/// What of an order its variety looks at.
pub(in crate::exchange) struct Terms {
    pub side: Side,
    pub product: Product,
    pub order_type: OrderType,
    pub validity: Validity,
    pub quantity: i64,
}

fn cover(form: &Form, asked: &Terms) -> Result<Variety, Refusal> {
    if asked.product != Product::Mis {
        return Err(Refusal::invalid("product"));
    }
    if !matches!(asked.order_type, OrderType::Market | OrderType::Limit) {
        return Err(Refusal::invalid("order_type"));
    }
    let stop_e4 = form.price("trigger_price")?.filter(|&e4| e4 > 0);
    let stop_e4 = stop_e4.ok_or_else(|| Refusal::invalid("trigger_price"))?;
    Ok(Variety::Cover { stop_e4 })
}

fn iceberg(form: &Form, asked: &Terms, legs_max: i64) -> Result<Variety, Refusal> {
    if asked.order_type != OrderType::Limit {
        return Err(Refusal::invalid("order_type"));
    }
    if asked.validity == Validity::Ioc {
        return Err(Refusal::invalid("validity"));
    }
    let legs = form.integer("iceberg_legs")?.unwrap_or(0);
    if !(LEGS_MIN..=legs_max).contains(&legs) {
        return Err(Refusal::invalid("iceberg_legs"));
    }
    // The last leg may be the smallest, but it trades something.
    let leg_quantity = form.integer("iceberg_quantity")?.unwrap_or(0);
    let fits = (1..=asked.quantity).contains(&leg_quantity)
        && (asked.quantity + leg_quantity - 1) / leg_quantity == legs;
    if !fits {
        return Err(Refusal::invalid("iceberg_quantity"));
    }
    Ok(Variety::Iceberg(Legs {
        leg: 1,
        legs,
        leg_quantity,
        total: asked.quantity,
    }))
}

fn auction(form: &Form, asked: &Terms) -> Result<Variety, Refusal> {
    if asked.side != Side::Sell {
        return Err(Refusal::invalid("transaction_type"));
    }
    if asked.order_type != OrderType::Limit {
        return Err(Refusal::invalid("order_type"));
    }
    if asked.product != Product::Cnc {
        return Err(Refusal::invalid("product"));
    }
    let number = form.text("auction_number");
    let number = number.ok_or_else(|| Refusal::invalid("auction_number"))?;
    Ok(Variety::Auction {
        number: number.to_owned(),
    })
}
