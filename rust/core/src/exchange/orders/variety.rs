//! The varieties of an order: what the broker does with it besides handing it to the exchange.

use crate::exchange::orders::position_product::PositionProduct;
use crate::terms::Product;

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
}
