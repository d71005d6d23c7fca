//! What the sessions of the day allow an order, and what they end.

use crate::exchange::hours::Phase;
use crate::exchange::market::instruments::decimal;
use crate::exchange::market::listing::Listing;
use crate::exchange::market::simulated::PhaseChange;
use crate::exchange::orders::asked::Asked;
use crate::exchange::refusal::Refusal;
use crate::exchange::state::Exchange;
use crate::terms::{OrderType, Product, Validity};

/// Whether the exchange takes such an order now. An auction takes no stops, no immediate orders and none that hide
/// their quantity; after a time it takes no market orders either.
pub fn check(listing: &Listing, asked: &Asked, validity: Validity) -> Result<(), Refusal> {
    match listing.phase {
        Phase::Continuous => Ok(()),
        Phase::PostClose => check_post_close(listing, asked, validity),
        Phase::Closed => Err(Refusal::order(
            "Markets are closed right now. Use GTT or AMO orders to place the order.",
        )),
        Phase::Pause => Err(Refusal::order(
            "Orders are currently not allowed: the exchange is between two sessions.",
        )),
        Phase::Halt => Err(Refusal::order(
            "Trading is halted by the market-wide circuit breaker: no orders are taken.",
        )),
        Phase::Gathering { market_orders } => {
            if asked.triggered() || validity == Validity::Ioc || asked.disclosed_quantity > 0 {
                return Err(Refusal::order(
                    "SL, SL-M, IOC and disclosed quantity orders are not allowed in a call auction.",
                ));
            }
            // One with protection has a limit of its own.
            if asked.order_type == OrderType::Market && !market_orders {
                return Err(Refusal::order("Market orders are currently not allowed."));
            }
            Ok(())
        }
    }
}

/// After the close shares are bought and sold for delivery, at the closing price: by market orders, or by limits that
/// name it.
fn check_post_close(listing: &Listing, asked: &Asked, validity: Validity) -> Result<(), Refusal> {
    let closing_e4 = listing.closing_e4();
    if asked.triggered() || validity == Validity::Ioc || asked.disclosed_quantity > 0 {
        return Err(Refusal::order(
            "SL, SL-M, IOC and disclosed quantity orders are not allowed in the post-close session.",
        ));
    }
    if asked.product == Product::Mis {
        return Err(Refusal::order(
            "MIS orders are not allowed in the post-close session.",
        ));
    }
    if asked.order_type == OrderType::Limit && asked.price_e4 != closing_e4 {
        return Err(Refusal::order(format!(
            "In the post-close session orders are taken at the closing price alone, which is {}.",
            decimal(closing_e4)
        )));
    }
    Ok(())
}

impl Exchange {
    /// What a change of phase does to open orders: the end of continuous trading before an auction takes stops and hidden
    /// quantities out, the end of the day and a halt everything.
    pub(in crate::exchange) fn turn(&mut self, turn: PhaseChange) {
        let over = self.open_orders_where(|order| {
            let special = order.waits() || order.now.disclosed_quantity > 0;
            let ends = match turn.after {
                Phase::Closed | Phase::Halt => true,
                Phase::Pause | Phase::Gathering { .. } => {
                    special && turn.before == Phase::Continuous
                }
                Phase::Continuous | Phase::PostClose => false,
            };
            ends && order.listing == turn.listing && !order.kept()
        });
        let why = if turn.after == Phase::Halt {
            "Cancelled by the exchange: the market-wide circuit breaker has halted trading."
        } else {
            "Cancelled by the exchange at the end of the session."
        };
        for index in over {
            self.withdraw(index, Some(why.into()));
        }
        if turn.after == Phase::Closed {
            self.settle(turn.listing);
        }
        if matches!(turn.after, Phase::Continuous | Phase::Gathering { .. }) {
            self.release(turn.listing);
        }
    }
}
