//! What positions and open orders block, instrument by instrument: shares by a table of percentages, bought options at
//! their premium. What contracts of one underlying tie up together is the scan's (`scan.rs`).

use crate::exchange::margin::scan::{MOST_E4, rounded_up};
use crate::exchange::rules::MarginRates;
use crate::terms::{InstrumentKind, Product};

/// Delivery and premium are paid in full.
const WHOLE_BP: i64 = 10_000;

/// Money blocked, by the names that Kite gives its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockedMargin {
    pub delivery_e4: i64,
    pub span_e4: i64,
    pub exposure_e4: i64,
    /// Paid for options less what short ones have brought, so it may be less than nothing.
    pub premium_e4: i64,
    /// What is lost, but not realised, on what is not paid in full.
    pub m2m_e4: i64,
}

impl BlockedMargin {
    pub fn total_e4(&self) -> i64 {
        let parts = [
            self.delivery_e4,
            self.span_e4,
            self.exposure_e4,
            self.premium_e4,
            self.m2m_e4,
        ];
        parts.into_iter().fold(0, i64::saturating_add)
    }

    pub fn plus(self, other: Self) -> Self {
        Self {
            delivery_e4: self.delivery_e4.saturating_add(other.delivery_e4),
            span_e4: self.span_e4.saturating_add(other.span_e4),
            exposure_e4: self.exposure_e4.saturating_add(other.exposure_e4),
            premium_e4: self.premium_e4.saturating_add(other.premium_e4),
            m2m_e4: self.m2m_e4.saturating_add(other.m2m_e4),
        }
    }
}

/// A quantity on one side and what it costs. Wider than any request, so that no sum of them overflows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side {
    pub quantity: i128,
    pub value_e4: i128,
}

impl Side {
    pub fn add(&mut self, quantity: i128, value_e4: i128) {
        self.quantity += quantity;
        self.value_e4 += value_e4;
    }
}

/// What an account has of one instrument under one product, and what its open orders may make of it.
#[derive(Clone, Copy, Debug)]
pub struct MarginPosition {
    pub listing: usize,
    pub kind: InstrumentKind,
    pub product: Product,
    /// Open quantity, negative when short, and its cost with the same sign.
    pub open: Side,
    pub buys: Side,
    pub sells: Side,
}

impl MarginPosition {
    /// What shares tie up: the dearer of the two worst cases, all buys trade and no sale, or the other way round.
    pub fn delivery_e4(&self, rates: &MarginRates) -> i64 {
        let (_, bought_e4) = left_over(self.open, self.buys);
        let open = Side {
            quantity: -self.open.quantity,
            value_e4: -self.open.value_e4,
        };
        let (_, sold_e4) = left_over(open, self.sells);
        let (long_bp, short_bp) = match self.product {
            Product::Mis => (rates.intraday_bp, rates.intraday_bp),
            // Shares sold from the demat account are themselves the cover.
            Product::Mtf => (rates.funded_bp, 0),
            Product::Cnc | Product::Nrml => (WHOLE_BP, 0),
        };
        share(bought_e4, long_bp).max(share(sold_e4, short_bp))
    }

    /// The premium of an option that is bought, or may be.
    pub fn paid_e4(&self) -> i64 {
        share(left_over(self.open, self.buys).1, WHOLE_BP)
    }

    /// The premium that a short option has brought. It is the account's, while the scan counts what it would cost to
    /// buy the option back.
    pub fn received_e4(&self) -> i64 {
        // Rounded down where the others are rounded up.
        i64::try_from(-self.open.value_e4.min(0)).map_or(MOST_E4, |e4| e4.min(MOST_E4))
    }

    /// What it has gained on a price; what is paid in full is nobody else's risk, and has no such gain.
    pub fn gained_e4(&self, last_e4: i64, multiplier: i64) -> i128 {
        let marked = match self.kind {
            InstrumentKind::Future => true,
            InstrumentKind::Cash => matches!(self.product, Product::Mis | Product::Mtf),
            _ => false,
        };
        if !marked {
            return 0;
        }
        self.open.quantity * i128::from(last_e4) * i128::from(multiplier) - self.open.value_e4
    }
}

/// What stands on a side once its orders have traded, and its value, 0 of nothing: those that close the other side
/// first cost nothing.
fn left_over(open: Side, orders: Side) -> (i128, i128) {
    let quantity = open.quantity + orders.quantity;
    if quantity <= 0 {
        return (0, 0);
    }
    if open.quantity >= 0 {
        return (quantity, open.value_e4 + orders.value_e4);
    }
    (quantity, orders.value_e4 * quantity / orders.quantity)
}

fn share(value_e4: i128, bp: i64) -> i64 {
    rounded_up(value_e4 * i128::from(bp), 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn position(
        kind: InstrumentKind,
        product: Product,
        open: i64,
        buys: i64,
        sells: i64,
    ) -> MarginPosition {
        let side = |quantity: i64| Side {
            quantity: i128::from(quantity),
            value_e4: i128::from(quantity) * 1_000_000,
        };
        MarginPosition {
            listing: 0,
            kind,
            product,
            open: side(open),
            buys: side(buys),
            sells: side(sells),
        }
    }

    fn blocked(product: Product, open: i64, buys: i64, sells: i64) -> i64 {
        position(InstrumentKind::Cash, product, open, buys, sells).delivery_e4(&MarginRates::USUAL)
    }

    #[test]
    fn what_a_hundred_rupees_tie_up() {
        assert_eq!(blocked(Product::Cnc, 0, 1, 0), 1_000_000);
        assert_eq!(blocked(Product::Mtf, 0, 1, 0), 500_000);
        assert_eq!(blocked(Product::Mis, 0, 1, 0), 200_000);
        assert_eq!(blocked(Product::Mis, 0, 0, 1), 200_000);
        assert_eq!(blocked(Product::Cnc, 0, 0, 1), 0);
    }

    #[test]
    fn closing_a_position_ties_up_nothing_more() {
        assert_eq!(
            blocked(Product::Mis, 10, 0, 10),
            blocked(Product::Mis, 10, 0, 0)
        );
        assert_eq!(
            blocked(Product::Mis, -10, 10, 0),
            blocked(Product::Mis, -10, 0, 0)
        );
        assert_eq!(blocked(Product::Mis, -10, 25, 0), 15 * 200_000);
    }

    #[test]
    fn an_option_is_paid_in_full_and_a_short_one_has_brought_its_premium() {
        let premium = |open, buys, sells| {
            let position = position(InstrumentKind::Call, Product::Nrml, open, buys, sells);
            (position.paid_e4(), position.received_e4())
        };

        assert_eq!(premium(3, 2, 0), (5_000_000, 0));
        assert_eq!(premium(-3, 2, 0), (0, 3_000_000));
        assert_eq!(premium(-3, 5, 0), (2_000_000, 3_000_000));
        assert_eq!(premium(0, 0, 4), (0, 0), "an order has brought nothing yet");
    }

    #[test]
    fn only_what_is_not_paid_in_full_is_marked_to_the_market() {
        let gained = |kind, product| {
            let position = position(kind, product, -10, 0, 0);
            position.gained_e4(1_100_000, 2)
        };

        assert_eq!(gained(InstrumentKind::Future, Product::Nrml), -12_000_000);
        assert_eq!(gained(InstrumentKind::Cash, Product::Mis), -12_000_000);
        assert_eq!(gained(InstrumentKind::Cash, Product::Cnc), 0);
        assert_eq!(gained(InstrumentKind::Put, Product::Nrml), 0);
    }

    proptest! {
        #[test]
        fn an_order_never_sets_money_free(open in -500_i64..500, buys in 0_i64..500, sells in 0_i64..500, more in 1_i64..500) {
            for product in [Product::Cnc, Product::Mis, Product::Mtf] {
                let before = blocked(product, open, buys, sells);
                prop_assert!(before >= 0);
                prop_assert!(blocked(product, open, buys + more, sells) >= before);
                prop_assert!(blocked(product, open, buys, sells + more) >= before);
            }
        }
    }
}
