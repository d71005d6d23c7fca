//! Orders that the broker sends by itself: the next leg of an iceberg, the stop of a cover order, what the exchange
//! was closed for.

use crate::exchange::hours::{Phase, Segment};
use crate::exchange::orders::order::OrderStatus;
use crate::exchange::orders::request::{PlaceOrder, Protection};
use crate::exchange::orders::sessions;
use crate::exchange::orders::variety::{Legs, Variety};
use crate::exchange::state::Exchange;
use crate::terms::{OrderType, Validity};

impl Exchange {
    /// Sends what follows from the orders that have ended since the last call. What is sent may end at once too.
    pub(in crate::exchange) fn follow(&mut self) {
        while let Some(index) = self.ended.pop_front() {
            let order = &self.orders[index];
            let open = self.market.listings[order.listing].phase != Phase::Closed;
            match order.variety {
                Variety::Iceberg(legs) if open && order.now.status == OrderStatus::Complete => {
                    self.send_next_leg(index, legs);
                }
                Variety::Cover { stop_e4 } if open && order.now.filled > 0 => {
                    self.send_stop(index, stop_e4);
                }
                _ => {}
            }
        }
    }

    /// The next leg has the price of the one that has traded, and is checked for itself: money that was there for
    /// the first may be gone.
    fn send_next_leg(&mut self, before: usize, legs: Legs) {
        let Some((legs, quantity)) = legs.next() else {
            return;
        };
        let placing = PlaceOrder {
            quantity,
            variety: Variety::Iceberg(legs),
            ..self.again(before)
        };
        let tags = self.orders[before].tags.clone();
        let funded = self.funded(before, &placing);
        let index = self.put(
            self.orders[before].account,
            self.orders[before].listing,
            &placing,
        );
        self.orders[index].tags = tags;
        match funded {
            Ok(()) => self.send(index),
            Err(refusal) => {
                self.orders[index].becomes(OrderStatus::ValidationPending);
                self.reject(index, refusal.message);
            }
        }
    }

    /// As much as the entry has traded is to be stopped. Nobody asked it for a protection, so where the rules
    /// want one it is the broker's own.
    fn send_stop(&mut self, entry: usize, stop_e4: i64) {
        let order = &self.orders[entry];
        let (account, listing, parent) = (order.account, order.listing, order.id.clone());
        let placing = PlaceOrder {
            side: order.side.opposite(),
            quantity: order.now.filled,
            order_type: OrderType::SlM,
            price_e4: 0,
            trigger_e4: stop_e4,
            validity: Validity::Day,
            disclosed_quantity: 0,
            protection: match self.rules.protection_required {
                true => Protection::Auto,
                false => Protection::None,
            },
            variety: Variety::CoverStop,
            ..self.again(entry)
        };
        let index = self.put(account, listing, &placing);
        self.orders[index].parent = Some(parent);
        self.send(index);
    }

    /// The form that an order would be asked for with as it stands now.
    fn again(&self, index: usize) -> PlaceOrder {
        let order = &self.orders[index];
        let instrument = &self.market.listings[order.listing].instrument;
        PlaceOrder {
            variety: order.variety.clone(),
            order_type: order.now.order_type,
            price_e4: order.now.price_e4,
            trigger_e4: order.now.trigger_e4,
            validity: order.now.validity,
            ttl_minutes: order.ttl_minutes,
            disclosed_quantity: order.now.disclosed_quantity,
            protection: order.protection,
            tag: order.tag.clone(),
            algo_id: order.algo_id.clone(),
            ..PlaceOrder::market(instrument, order.side, order.now.quantity, order.product)
        }
    }

    /// Hands the orders of an instrument that waited for its exchange to it, as far as it takes them now.
    pub(in crate::exchange) fn release(&mut self, listing: usize) {
        let row = &self.market.listings[listing];
        // Of derivatives they go to the exchange when it trades; the auction before is not theirs.
        let early = row.segment == Segment::Future && row.phase != Phase::Continuous;
        if early || self.rules.amo_hours.is_none() {
            return;
        }
        for index in self.open_orders_where(|order| order.listing == listing && order.kept()) {
            let order = &self.orders[index];
            let (asked, validity) = (order.asked(), order.now.validity);
            if sessions::check(&self.market.listings[listing], &asked, validity).is_ok() {
                self.accept(index);
            }
        }
    }
}
