//! Orders on their way between broker and exchange: each hop takes its time of the market, and none by default.
//!
//! A hop ends at a moment that is known when it begins, whoever looks and when; so what comes of requests is still a
//! function of their times. Hops that end at one moment end in the order in which they began.

use super::Floor;
use super::acceptance::acknowledge;
use super::booking::book_id;
use crate::exchange::checks::Asked;
use crate::exchange::form::Modifying;
use crate::exchange::order::Status;
use crate::exchange::price_protection::BEYOND;

/// Where an order, or a request of its owner, is going.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) enum Hop {
    /// From the request to the broker's checks.
    Broker,
    /// Through the checks.
    Checks,
    /// To the exchange.
    Exchange,
    /// Into the exchange's book.
    Book,
    /// A modification, to the exchange.
    Modification { asked: Asked, change: Modifying },
    /// A cancellation, to the exchange.
    Cancellation,
}

/// One that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnderWay {
    order: usize,
    ends_ns: i64,
    hop: Hop,
}

impl Floor {
    /// When the next hop ends; none is under way: never.
    pub fn next_hop_ns(&self) -> Option<i64> {
        self.under_way.iter().map(|way| way.ends_ns).min()
    }

    /// An order begins a hop, which has ended already where hops take no time.
    pub(in crate::exchange) fn begin_hop(&mut self, order: usize, hop: Hop) {
        let takes_ns = self.rules.latencies.of(hop);
        if takes_ns == 0 {
            self.end_hop(order, hop);
        } else {
            self.under_way.push(UnderWay {
                order,
                ends_ns: self.now_ns + takes_ns,
                hop,
            });
        }
    }

    /// Ends the hops that end up to this time, each at its own.
    pub(super) fn end_hops(&mut self, to_ns: i64) {
        while let Some(ends_ns) = self.next_hop_ns().filter(|&ends_ns| ends_ns <= to_ns) {
            let first = self.under_way.iter().position(|way| way.ends_ns == ends_ns);
            let way = self.under_way.remove(first.expect("one of them"));
            self.now_ns = ends_ns.max(self.now_ns);
            if !self.orders[way.order].now.status.terminal() {
                self.end_hop(way.order, way.hop);
                self.follow();
            }
        }
    }

    /// Whether a request for the order is under way: until it has arrived there cannot be another.
    pub(super) fn is_under_way(&self, order: usize) -> bool {
        let mut mine = self.under_way.iter().filter(|way| way.order == order);
        mine.any(|way| !matches!(way.hop, Hop::Book))
    }

    /// Whether the exchange has the order, but not yet in its book.
    pub(super) fn is_before_the_book(&self, order: usize) -> bool {
        let mut mine = self.under_way.iter().filter(|way| way.order == order);
        mine.any(|way| matches!(way.hop, Hop::Book))
    }

    fn end_hop(&mut self, order: usize, hop: Hop) {
        match hop {
            Hop::Broker => self.accept(order),
            Hop::Checks => self.pass_on(order),
            Hop::Exchange => self.arrive(order),
            Hop::Book => self.enter_first(order),
            Hop::Modification { asked, change } => self.modification_arrives(order, asked, change),
            Hop::Cancellation => self.cancellation_arrives(order),
        }
    }

    /// What has traded meanwhile is traded; what has not is taken out.
    fn cancellation_arrives(&mut self, order: usize) {
        let listing = self.orders[order].listing;
        self.market.listings[listing].withdraw(book_id(order));
        self.end(order, Status::Cancelled, None);
    }

    /// The order may have traded, or been triggered, while its modification was under way. Where it cannot become what
    /// was asked for any more, it stays what it is.
    fn modification_arrives(&mut self, index: usize, asked: Asked, change: Modifying) {
        let waits = self.stops.contains(&index);
        self.orders[index].becomes(Status::ModifyPending);
        let order = &self.orders[index];
        let too_far = !asked.unpriced()
            && !asked.triggered()
            && self.is_too_far(order.listing, order.side, asked.price_e4);
        if asked.quantity <= order.now.filled || asked.triggered() && !waits || too_far {
            let now_ns = self.now_ns;
            let order = &mut self.orders[index];
            order.now.message = too_far.then(|| BEYOND.into());
            acknowledge(order, now_ns);
            order.becomes(Status::NotModified);
            order.becomes(match waits {
                true => Status::TriggerPending,
                false => Status::Open,
            });
            self.say(index, Some("UPDATE"));
        } else {
            self.become_modified(index, asked, change, waits);
        }
    }
}
