//! Money and shares behind the orders of an account.

use super::checks::{Asked, check_shares, rupees};
use super::floor::Floor;
use super::margin::Tied;
use super::order::Order;
use super::refusal::Refusal;
use super::stakes::Asking;
use crate::terms::{Product, Side};

impl Floor {
    /// Is there money, or are there shares, for this order? `instead_of` names the order that it replaces.
    pub(super) fn check_cover(
        &self,
        account: usize,
        listing: usize,
        asked: &Asked,
        instead_of: Option<usize>,
    ) -> Result<(), Refusal> {
        let (instrument, last_e4) = self.instrument(listing);
        let filled = instead_of.map_or(0, |order| self.orders[order].now.filled);
        let quantity = asked.quantity - filled;
        if asked.side == Side::Sell && asked.product == Product::Cnc {
            let selling = self
                .open_orders(account, instead_of)
                .filter(|o| {
                    o.listing == listing && o.product == Product::Cnc && o.side == Side::Sell
                })
                .map(|o| o.now.left())
                .sum();
            check_shares(&self.accounts[account], listing, quantity, selling).map_err(
                |refusal| Refusal {
                    status: self.rules.holding_status,
                    ..refusal
                },
            )?;
        }
        let mut stakes = self.stakes(account, instead_of);
        let reference = self.market.reference(listing);
        let available_e4 = self.funds_e4(account) - self.tied(&stakes).total_e4();
        let before_e4 = self.tied_on(&stakes, reference).total_e4();
        let order = Asking {
            listing,
            held: asked.held,
            side: asked.side,
            quantity,
            price_e4: asked.dearest_e4(instrument, last_e4, &self.rules.protection),
        };
        stakes.ask(self, &order);
        let required_e4 = self.tied_on(&stakes, reference).total_e4() - before_e4;
        // An order that ties up nothing more passes even when there is nothing left: it may be the way out.
        if required_e4 > 0 && required_e4 > available_e4 {
            return Err(Refusal::margin(format!(
                "Insufficient funds. Required margin is {} but available margin is {}.",
                rupees(required_e4),
                rupees(available_e4.max(0))
            )));
        }
        Ok(())
    }

    /// Opening cash and what the day has realised, less what it has cost.
    pub fn funds_e4(&self, account: usize) -> i64 {
        let account = &self.accounts[account];
        account.cash_e4 + account.realised_e4() - account.costs_e4()
    }

    /// What an account's positions and open orders tie up.
    pub fn tied_now(&self, account: usize) -> Tied {
        self.tied(&self.stakes(account, None))
    }

    pub(super) fn open_orders(
        &self,
        account: usize,
        but: Option<usize>,
    ) -> impl Iterator<Item = &Order> {
        self.accounts[account]
            .open
            .iter()
            .filter(move |&&order| Some(order) != but)
            .map(|&order| &self.orders[order])
    }
}
