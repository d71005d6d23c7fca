//! Stops wait until a price of the market maker reaches their trigger.

use crate::exchange::market::simulated::Market;
use crate::exchange::matching::price_protection::BEYOND;
use crate::exchange::orders::order::{Order, OrderStatus};
use crate::exchange::state::Exchange;
use crate::terms::{OrderType, Side};

impl Exchange {
    /// Stops whose trigger the market maker's prints of this step have reached go into the book, oldest first.
    pub(in crate::exchange) fn trigger_stops(&mut self) {
        for index in reached(&self.stops, &self.orders, &self.market) {
            self.stops.retain(|&stop| stop != index);
            self.trigger(index);
        }
    }

    pub(in crate::exchange) fn trigger(&mut self, index: usize) {
        let order = &self.orders[index];
        let asked = order.asked();
        let (instrument, last_e4) = self.instrument(order.listing);
        let protected = asked.protected(instrument, last_e4, &self.rules.protection);
        let now_ns = self.now_ns;
        let order = &mut self.orders[index];
        if asked.order_type == OrderType::SlM {
            order.now.order_type = OrderType::Market;
            order.protect(protected);
        }
        order.acknowledge(now_ns);
        order.becomes(OrderStatus::Open);
        let order = &self.orders[index];
        let priced = order.now.order_type != OrderType::Market;
        let limit = (order.listing, order.side, order.now.price_e4);
        if priced && self.market.is_too_far(&self.rules, limit, now_ns) {
            return self.reject(index, BEYOND);
        }
        self.enter(index, Some("UPDATE"));
    }
}

/// Those that the prints of this step have reached, oldest first.
pub(in crate::exchange) fn reached(
    stops: &[usize],
    orders: &[Order],
    market: &Market,
) -> Vec<usize> {
    stops
        .iter()
        .copied()
        .filter(|&index| {
            let order = &orders[index];
            let (low_e4, high_e4) = market.listings[order.listing].prints_e4;
            match order.side {
                Side::Buy => high_e4 >= order.now.trigger_e4,
                Side::Sell => low_e4 <= order.now.trigger_e4,
            }
        })
        .collect()
}
