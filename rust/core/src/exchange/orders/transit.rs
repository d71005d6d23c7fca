//! Orders on their way between broker and exchange.
//!
//! A transit ends at a moment that is known when it begins, whoever looks and when; so what comes of requests is still a
//! function of their times. Transits that end at one moment end in the order in which they began.

use crate::exchange::matching::price_protection::BEYOND;
use crate::exchange::orders::asked::Asked;
use crate::exchange::orders::order::{OrderStatus, book_id};
use crate::exchange::orders::order_latency::{Transit, UnderWay};
use crate::exchange::orders::request::ModifyOrder;
use crate::exchange::state::Exchange;

impl Exchange {
    /// An order begins a transit, which has ended already where transits take no time.
    pub(in crate::exchange) fn begin_transit(&mut self, order: usize, transit: Transit) {
        let takes_ns = self.rules.latencies.of(transit);
        if takes_ns == 0 {
            self.end_transit(order, transit);
        } else {
            self.under_way.begin(UnderWay {
                order,
                ends_ns: self.now_ns + takes_ns,
                transit,
            });
        }
    }

    /// Ends the transits that end up to this time, each at its own.
    pub(in crate::exchange) fn end_transits(&mut self, to_ns: i64) {
        while let Some(way) = self.under_way.end_next(to_ns) {
            self.now_ns = way.ends_ns.max(self.now_ns);
            if !self.orders[way.order].now.status.terminal() {
                self.end_transit(way.order, way.transit);
                self.follow();
            }
        }
    }

    fn end_transit(&mut self, order: usize, transit: Transit) {
        match transit {
            Transit::Broker => self.accept(order),
            Transit::Checks => self.pass_on(order),
            Transit::Exchange => self.arrive(order),
            Transit::Book => self.enter_first(order),
            Transit::Modification { asked, change } => {
                self.modification_arrives(order, asked, change)
            }
            Transit::Cancellation => self.cancellation_arrives(order),
        }
    }

    /// What has traded meanwhile is traded; what has not is taken out.
    fn cancellation_arrives(&mut self, order: usize) {
        let listing = self.orders[order].listing;
        self.market.listings[listing].withdraw(book_id(order));
        self.end(order, OrderStatus::Cancelled, None);
    }

    /// The order may have traded, or been triggered, while its modification was under way. Where it cannot become what
    /// was asked for any more, it stays what it is.
    fn modification_arrives(&mut self, index: usize, asked: Asked, change: ModifyOrder) {
        let waits = self.stops.contains(&index);
        self.orders[index].becomes(OrderStatus::ModifyPending);
        let order = &self.orders[index];
        let too_far = !asked.unpriced()
            && !asked.triggered()
            && self.market.is_too_far(
                &self.rules,
                (order.listing, order.side, asked.price_e4),
                self.now_ns,
            );
        if asked.quantity <= order.now.filled
            || asked.triggered() && !waits && order.triggered()
            || too_far
        {
            let now_ns = self.now_ns;
            let order = &mut self.orders[index];
            order.now.message = too_far.then(|| BEYOND.into());
            order.acknowledge(now_ns);
            order.becomes(OrderStatus::NotModified);
            order.becomes(match waits {
                true => OrderStatus::TriggerPending,
                false => OrderStatus::Open,
            });
            self.say(index, Some("UPDATE"));
        } else {
            self.become_modified(index, asked, change, waits);
        }
    }
}
