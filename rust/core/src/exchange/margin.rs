//! What positions and open orders tie up: a table of percentages, in the manner of a broker's, not SPAN.

use crate::terms::{Kind, Product};

/// Percentages of value, in hundredths of a percent. Sources: delivery and premium are paid in full; intraday shares
/// at the least that peak-margin rules allow (20 %); the rest is of the usual size, and made up.
const DELIVERY_BP: i128 = 10_000;
const INTRADAY_BP: i128 = 2_000;
const FUNDED_BP: i128 = 5_000;
const SPAN_BP: i128 = 1_000;
const EXPOSURE_BP: i128 = 200;

/// Money tied up, by the names that Kite gives its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tied {
    pub delivery_e4: i64,
    pub span_e4: i64,
    pub exposure_e4: i64,
    pub premium_e4: i64,
}

impl Tied {
    pub fn total_e4(&self) -> i64 {
        self.delivery_e4 + self.span_e4 + self.exposure_e4 + self.premium_e4
    }

    pub fn plus(self, other: Self) -> Self {
        Self {
            delivery_e4: self.delivery_e4 + other.delivery_e4,
            span_e4: self.span_e4 + other.span_e4,
            exposure_e4: self.exposure_e4 + other.exposure_e4,
            premium_e4: self.premium_e4 + other.premium_e4,
        }
    }
}

/// A quantity on one side and what it costs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Side {
    pub quantity: i64,
    pub value_e4: i128,
}

/// What one instrument and product may come to if every open order of one side trades.
#[derive(Clone, Copy, Debug)]
pub struct Exposure {
    pub kind: Kind,
    pub product: Product,
    /// Open quantity, negative when short, and its cost with the same sign.
    pub open: Side,
    pub buys: Side,
    pub sells: Side,
    /// A short option is measured by its underlying.
    pub underlying_e4: i64,
}

impl Exposure {
    /// The dearer of the two worst cases: all buys trade and no sale, or the other way round.
    pub fn tied(&self) -> Tied {
        let long = self.long();
        let short = self.short();
        if long.total_e4() >= short.total_e4() {
            long
        } else {
            short
        }
    }

    fn long(&self) -> Tied {
        let (quantity, value_e4) = left_over(self.open, self.buys);
        if quantity <= 0 {
            return Tied::default();
        }
        match (self.kind, self.product) {
            (Kind::Call | Kind::Put, _) => Tied {
                premium_e4: share(value_e4, DELIVERY_BP),
                ..Tied::default()
            },
            (Kind::Future, _) => futures(value_e4),
            (_, Product::Mis) => Tied {
                delivery_e4: share(value_e4, INTRADAY_BP),
                ..Tied::default()
            },
            (_, Product::Mtf) => Tied {
                delivery_e4: share(value_e4, FUNDED_BP),
                ..Tied::default()
            },
            _ => Tied {
                delivery_e4: share(value_e4, DELIVERY_BP),
                ..Tied::default()
            },
        }
    }

    fn short(&self) -> Tied {
        let open = Side {
            quantity: -self.open.quantity,
            value_e4: -self.open.value_e4,
        };
        let (quantity, value_e4) = left_over(open, self.sells);
        if quantity <= 0 {
            return Tied::default();
        }
        match (self.kind, self.product) {
            (Kind::Call | Kind::Put, _) => {
                futures(i128::from(quantity) * i128::from(self.underlying_e4))
            }
            (Kind::Future, _) => futures(value_e4),
            (_, Product::Mis) => Tied {
                delivery_e4: share(value_e4, INTRADAY_BP),
                ..Tied::default()
            },
            // Shares sold from the demat account are themselves the cover.
            _ => Tied::default(),
        }
    }
}

/// What stands on a side once its orders have traded: those that close the other side first cost nothing.
fn left_over(open: Side, orders: Side) -> (i64, i128) {
    let quantity = open.quantity + orders.quantity;
    if open.quantity >= 0 {
        return (quantity, open.value_e4 + orders.value_e4);
    }
    if quantity <= 0 || orders.quantity == 0 {
        return (quantity, 0);
    }
    (
        quantity,
        orders.value_e4 * i128::from(quantity) / i128::from(orders.quantity),
    )
}

fn futures(value_e4: i128) -> Tied {
    Tied {
        span_e4: share(value_e4, SPAN_BP),
        exposure_e4: share(value_e4, EXPOSURE_BP),
        ..Tied::default()
    }
}

fn share(value_e4: i128, bp: i128) -> i64 {
    // Rounded up: a margin is never a paisa short. What no 64 bits hold is more than anyone has.
    i64::try_from((value_e4 * bp + 9_999) / 10_000).unwrap_or(i64::MAX / 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exposure(kind: Kind, product: Product, open: i64, buys: i64, sells: i64) -> Exposure {
        let side = |quantity: i64| Side {
            quantity,
            value_e4: i128::from(quantity) * 1_000_000,
        };
        Exposure {
            kind,
            product,
            open: side(open),
            buys: side(buys),
            sells: side(sells),
            underlying_e4: 260_000_000,
        }
    }

    fn total(kind: Kind, product: Product, open: i64, buys: i64, sells: i64) -> i64 {
        exposure(kind, product, open, buys, sells).tied().total_e4()
    }

    #[test]
    fn what_a_hundred_rupees_tie_up() {
        assert_eq!(total(Kind::Cash, Product::Cnc, 0, 1, 0), 1_000_000);
        assert_eq!(total(Kind::Cash, Product::Mis, 0, 1, 0), 200_000);
        assert_eq!(total(Kind::Cash, Product::Mis, 0, 0, 1), 200_000);
        assert_eq!(total(Kind::Cash, Product::Cnc, 0, 0, 1), 0);
        assert_eq!(total(Kind::Future, Product::Nrml, 0, 1, 0), 120_000);
        assert_eq!(total(Kind::Call, Product::Nrml, 0, 1, 0), 1_000_000);
        assert_eq!(total(Kind::Call, Product::Nrml, 0, 0, 1), 31_200_000);
    }

    #[test]
    fn closing_a_position_ties_up_nothing_more() {
        assert_eq!(
            total(Kind::Cash, Product::Mis, 10, 0, 10),
            total(Kind::Cash, Product::Mis, 10, 0, 0)
        );
        assert_eq!(
            total(Kind::Cash, Product::Mis, -10, 10, 0),
            total(Kind::Cash, Product::Mis, -10, 0, 0)
        );
        assert_eq!(total(Kind::Cash, Product::Mis, -10, 25, 0), 15 * 200_000);
    }

    proptest! {
        #[test]
        fn an_order_never_sets_money_free(open in -500_i64..500, buys in 0_i64..500, sells in 0_i64..500, more in 1_i64..500) {
            for (kind, product) in [(Kind::Cash, Product::Mis), (Kind::Future, Product::Nrml), (Kind::Put, Product::Nrml)] {
                let before = total(kind, product, open, buys, sells);
                prop_assert!(before >= 0);
                prop_assert!(total(kind, product, open, buys + more, sells) >= before);
                prop_assert!(total(kind, product, open, buys, sells + more) >= before);
            }
        }
    }
}
