//! What a user asks of the exchange: to place, modify or cancel an order.

use crate::exchange::orders::asked::Asked;
use crate::exchange::orders::order::{Order, OrderStatus, book_id};
use crate::exchange::orders::order_latency::Transit;
use crate::exchange::orders::request::{ModifyOrder, PlaceOrder};
use crate::exchange::orders::sessions;
use crate::exchange::orders::variety::Variety;
use crate::exchange::refusal::Refusal;
use crate::exchange::state::Exchange;

impl Exchange {
    /// A new order: its id.
    pub fn place(
        &mut self,
        account: usize,
        placing: PlaceOrder,
        at_ns: i64,
    ) -> Result<String, Refusal> {
        self.hear(at_ns);
        self.admit(account, true)?;
        let listing = self
            .market
            .by_symbol(placing.exchange, &placing.tradingsymbol)
            .ok_or_else(|| {
                Refusal::input("The instrument you are placing an order for has either expired or does not exist.")
            })?;
        let asked = Asked::from(&placing);
        let (instrument, last_e4) = self.instrument(listing);
        asked.check(instrument, last_e4, &self.rules)?;
        self.check_variety(account, listing, &placing)?;
        self.check_funds(account, listing, &asked, None)?;

        let index = self.put(account, listing, &placing);
        match placing.fault {
            None => self.send(index),
            Some(fault) => self.begin_order_fault(index, fault),
        }
        self.follow();
        Ok(self.orders[index].id.clone())
    }

    /// A new order in the broker's book, under a new id.
    pub(in crate::exchange) fn put(
        &mut self,
        account: usize,
        listing: usize,
        placing: &PlaceOrder,
    ) -> usize {
        let id = self.ids.order(self.now_ns);
        let index = self.orders.len();
        let mut order = Order::new(id.clone(), account, listing, placing, self.now_ns);
        order.becomes(OrderStatus::PutOrderReqReceived);
        self.by_id.insert(id, index);
        self.accounts[account].orders.push(index);
        self.accounts[account].open.push(index);
        self.orders.push(order);
        index
    }

    /// An order goes on to the exchange, or waits at the broker's until there is one.
    pub(in crate::exchange) fn send(&mut self, index: usize) {
        let order = &mut self.orders[index];
        if order.variety == Variety::Amo {
            order.becomes(OrderStatus::AmoReqReceived);
            self.say(index, None);
        } else {
            self.begin_transit(index, Transit::Broker);
        }
    }

    /// An open order becomes another.
    pub fn modify(
        &mut self,
        account: usize,
        variety: &str,
        order_id: &str,
        change: ModifyOrder,
        at_ns: i64,
    ) -> Result<(), Refusal> {
        self.hear(at_ns);
        self.admit(account, false)?;
        let index = self.open_order(account, variety, order_id, "modified")?;
        if let Some(why) = &self.halted {
            return Err(Refusal::order(why.clone()));
        }
        if self.orders[index].modifications >= self.rules.modifications_max {
            return Err(Refusal::order(
                "Maximum allowed order modifications exceeded.",
            ));
        }
        let asked = self.changed(index, &change)?;
        let listing = self.orders[index].listing;
        let (instrument, last_e4) = self.instrument(listing);
        asked.check(instrument, last_e4, &self.rules)?;
        let validity = change.validity.unwrap_or(self.orders[index].now.validity);
        if !self.orders[index].kept() {
            sessions::check(&self.market.listings[listing], &asked, validity)?;
        }
        self.check_funds(account, listing, &asked, Some(index))?;
        self.carry_out(index, asked, change);
        self.follow();
        Ok(())
    }

    /// An open order ends.
    pub fn cancel(
        &mut self,
        account: usize,
        variety: &str,
        order_id: &str,
        at_ns: i64,
    ) -> Result<(), Refusal> {
        if self.is_cover_stop(account, order_id) {
            return self.exit_cover(account, variety, order_id, at_ns);
        }
        let index = self.begin_cancel(account, variety, order_id, at_ns)?;
        let order = &self.orders[index];
        let never_sent = order.variety == Variety::Amo && order.now.exchange_order_id.is_none();
        if never_sent {
            let apart = self.rules.amo_cancelled_apart;
            let status = match apart {
                true => OrderStatus::CancelledAmo,
                false => OrderStatus::Cancelled,
            };
            self.end(index, status, None);
        } else {
            self.begin_transit(index, Transit::Cancellation);
        }
        self.follow();
        Ok(())
    }

    /// The stop of a cover order is not cancelled but sent at once: its position would be left bare.
    fn exit_cover(
        &mut self,
        account: usize,
        variety: &str,
        order_id: &str,
        at_ns: i64,
    ) -> Result<(), Refusal> {
        self.hear(at_ns);
        self.admit(account, false)?;
        let index = self.open_order(account, variety, order_id, "cancelled")?;
        if let Some(why) = &self.halted {
            return Err(Refusal::order(why.clone()));
        }
        self.stops.retain(|&stop| stop != index);
        self.trigger(index);
        Ok(())
    }

    fn is_cover_stop(&self, account: usize, order_id: &str) -> bool {
        self.find(account, order_id).is_some_and(|index| {
            let order = &self.orders[index];
            order.variety == Variety::CoverStop && order.waits()
        })
    }

    /// The same, but the order fills while the request is under way. One that waits for its trigger cannot.
    pub fn cancel_too_late(
        &mut self,
        account: usize,
        variety: &str,
        order_id: &str,
        at_ns: i64,
    ) -> Result<(), Refusal> {
        let waits = self
            .find(account, order_id)
            .is_some_and(|index| self.orders[index].waits());
        let index = self.begin_cancel(account, variety, order_id, at_ns)?;
        self.market.listings[self.orders[index].listing].withdraw(book_id(index));
        if waits {
            self.end(index, OrderStatus::Cancelled, None);
        } else {
            self.fill_in_spite(index);
        }
        self.follow();
        Ok(())
    }

    fn begin_cancel(
        &mut self,
        account: usize,
        variety: &str,
        order_id: &str,
        at_ns: i64,
    ) -> Result<usize, Refusal> {
        self.hear(at_ns);
        self.admit(account, false)?;
        let index = self.open_order(account, variety, order_id, "cancelled")?;
        let now_ns = self.now_ns;
        let order = &mut self.orders[index];
        order.now.asked_ns = now_ns;
        order.becomes(OrderStatus::CancelPending);
        Ok(index)
    }

    fn open_order(
        &self,
        account: usize,
        variety: &str,
        order_id: &str,
        deed: &str,
    ) -> Result<usize, Refusal> {
        let index = self
            .find(account, order_id)
            .filter(|&index| self.orders[index].variety.name() == variety)
            .ok_or_else(Refusal::unknown_order)?;
        let status = self.orders[index].now.status;
        let changing =
            status == OrderStatus::PutOrderReqReceived || self.under_way.has_request(index);
        if status.terminal() || changing {
            return Err(Refusal {
                error_type: self.rules.closed_order_error_type,
                ..Refusal::order(format!(
                    "Order cannot be {deed} as it is already executed or undergoing change."
                ))
            });
        }
        Ok(index)
    }
}
