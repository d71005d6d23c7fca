//! One trader at the exchange: money, shares, positions, and the orders that are still open.

use std::collections::BTreeMap;

use crate::exchange::orders::limits::OrderPace;
use crate::exchange::orders::position_product::PositionProduct;
use crate::portfolio::Position;

/// A fresh account's money: ten lakh.
pub const CASH_E4: i64 = 1_000_000 * 10_000;

/// Shares in the demat account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    pub listing: usize,
    pub quantity: i64,
    pub average_e4: i64,
    /// Sold today.
    pub used: i64,
}

/// An account. Positions are keyed by listing and what they are held under, in this order.
#[derive(Clone, Debug, Default)]
pub struct Account {
    pub user: String,
    pub cash_e4: i64,
    pub holdings: Vec<Holding>,
    pub positions: BTreeMap<(usize, PositionProduct), Position>,
    /// What its executed orders have cost.
    pub charges_e4: i64,
    /// What options that ended today have been taxed.
    pub exercise_tax_e4: i64,
    /// Its orders of the day, and those of them that are not over, by index.
    pub orders: Vec<usize>,
    pub open: Vec<usize>,
    pub pace: OrderPace,
}

impl Account {
    pub fn new(user: String, cash_e4: i64, holdings: Vec<Holding>) -> Self {
        Self {
            user,
            cash_e4,
            holdings,
            ..Self::default()
        }
    }

    /// Gains and losses of what has been closed today.
    pub fn realised_e4(&self) -> i64 {
        self.positions
            .values()
            .map(|position| position.realised_e4)
            .sum()
    }

    /// What the day has taken besides losses.
    pub fn costs_e4(&self) -> i64 {
        self.charges_e4 + self.exercise_tax_e4
    }

    /// Opening cash and what the day has realised, less what it has cost.
    pub fn funds_e4(&self) -> i64 {
        self.cash_e4 + self.realised_e4() - self.costs_e4()
    }

    /// A position, new if there is none; `multiplier` is the instrument's.
    pub fn position(
        &mut self,
        listing: usize,
        held: PositionProduct,
        multiplier: i64,
    ) -> &mut Position {
        self.positions
            .entry((listing, held))
            .or_insert_with(|| Position::new(multiplier))
    }

    /// Shares in the demat account that have not been sold today.
    pub fn free_shares(&self, listing: usize) -> i64 {
        self.holdings
            .iter()
            .filter(|h| h.listing == listing)
            .map(|h| h.quantity - h.used)
            .sum()
    }
}
