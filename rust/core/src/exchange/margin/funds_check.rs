//! Money and shares behind the orders of an account.

use crate::exchange::account::Account;
use crate::exchange::margin::blocked_margin::BlockedMargin;
use crate::exchange::margin::margin_positions::MarginOrder;
use crate::exchange::orders::asked::Asked;
use crate::exchange::orders::order::Order;
use crate::exchange::refusal::Refusal;
use crate::exchange::state::Exchange;
use crate::terms::{Product, Side};

impl Exchange {
    /// Is there money, or are there shares, for this order? `instead_of` names the order that it replaces.
    pub(in crate::exchange) fn check_funds(
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
        let mut margin_positions = self.margin_positions(account, instead_of);
        let reference = self.market.reference(listing);
        let scale = self.margin_scale();
        let funds_e4 = self.accounts[account].funds_e4();
        let available_e4 = funds_e4 - scale.blocked(&margin_positions).total_e4();
        let before_e4 = scale.blocked_on(&margin_positions, reference).total_e4();
        let order = MarginOrder {
            listing,
            held: asked.held,
            side: asked.side,
            quantity,
            price_e4: asked.dearest_e4(instrument, last_e4, &self.rules.protection),
        };
        margin_positions.ask(&self.market, &order);
        let required_e4 = scale.blocked_on(&margin_positions, reference).total_e4() - before_e4;
        check_margin(required_e4, available_e4)
    }

    /// What an account's positions and open orders tie up.
    pub fn blocked_now(&self, account: usize) -> BlockedMargin {
        self.margin_scale()
            .blocked(&self.margin_positions(account, None))
    }

    pub(in crate::exchange) fn open_orders(
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

/// What ties up nothing more passes even when there is nothing left: it may be the way out.
pub(in crate::exchange) fn check_margin(
    required_e4: i64,
    available_e4: i64,
) -> Result<(), Refusal> {
    if required_e4 <= 0 || required_e4 <= available_e4 {
        return Ok(());
    }
    Err(Refusal::margin(format!(
        "Insufficient funds. Required margin is {} but available margin is {}.",
        rupees(required_e4),
        rupees(available_e4.max(0))
    )))
}

/// Sold for delivery what is not there?
fn check_shares(
    account: &Account,
    listing: usize,
    quantity: i64,
    selling: i64,
) -> Result<(), Refusal> {
    let bought = account
        .positions
        .get(&(listing, Product::Cnc.into()))
        .map_or(0, |position| {
            // Sales out of holdings stand here with a minus; they are counted as used there.
            position.day_bought.quantity
        });
    let sold_of_today = account
        .positions
        .get(&(listing, Product::Cnc.into()))
        .map_or(0, |position| position.day_sold.quantity)
        - account
            .holdings
            .iter()
            .filter(|h| h.listing == listing)
            .map(|h| h.used)
            .sum::<i64>();
    let there = account.free_shares(listing) + bought - sold_of_today;
    if quantity + selling <= there {
        Ok(())
    } else {
        Err(Refusal::holding(
            "Insufficient stock holding or there are pending sell orders for this stock. Check the orderbook.",
        ))
    }
}

/// Rupees with two digits, as the funds message has them.
fn rupees(e4: i64) -> String {
    let paise = (e4.unsigned_abs() + 50) / 100;
    format!(
        "{}{}.{:02}",
        if e4 < 0 { "-" } else { "" },
        paise / 100,
        paise % 100
    )
}
