//! What is between broker and exchange, and how long it takes: each transit takes its time of the market, and none by
//! default.

use crate::exchange::orders::asked::Asked;
use crate::exchange::orders::request::ModifyOrder;
use crate::exchange::rules::Latencies;

/// Where an order, or a request of its owner, is going.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) enum Transit {
    /// From the request to the broker's checks.
    Broker,
    /// Through the checks.
    Checks,
    /// To the exchange.
    Exchange,
    /// Into the exchange's book.
    Book,
    /// A modification, to the exchange.
    Modification { asked: Asked, change: ModifyOrder },
    /// A cancellation, to the exchange.
    Cancellation,
}

/// One that has begun.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct UnderWay {
    pub order: usize,
    pub ends_ns: i64,
    pub transit: Transit,
}

/// All that have begun, in the order in which they began; few at a time.
#[derive(Default)]
pub struct Transits(Vec<UnderWay>);

impl Transits {
    /// When the next one ends; none is under way: never.
    pub fn next_ns(&self) -> Option<i64> {
        self.0.iter().map(|way| way.ends_ns).min()
    }

    pub(in crate::exchange) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::exchange) fn begin(&mut self, way: UnderWay) {
        self.0.push(way);
    }

    /// Ends the next one that ends up to this time.
    pub(in crate::exchange) fn end_next(&mut self, to_ns: i64) -> Option<UnderWay> {
        let ends_ns = self.next_ns().filter(|&ends_ns| ends_ns <= to_ns)?;
        let first = self.0.iter().position(|way| way.ends_ns == ends_ns)?;
        Some(self.0.remove(first))
    }

    /// Whether a request for the order is under way: until it has arrived there cannot be another.
    pub(in crate::exchange) fn has_request(&self, order: usize) -> bool {
        let mut mine = self.0.iter().filter(|way| way.order == order);
        mine.any(|way| !matches!(way.transit, Transit::Book))
    }

    /// Whether the exchange has the order, but not yet in its book.
    pub(in crate::exchange) fn is_before_the_book(&self, order: usize) -> bool {
        let mut mine = self.0.iter().filter(|way| way.order == order);
        mine.any(|way| matches!(way.transit, Transit::Book))
    }
}

impl Latencies {
    pub(in crate::exchange) fn of(&self, transit: Transit) -> i64 {
        match transit {
            Transit::Broker => self.broker_ns,
            Transit::Checks => self.checks_ns,
            Transit::Exchange => self.exchange_ns,
            Transit::Book => self.book_ns,
            Transit::Modification { .. } => self.modification_ns,
            Transit::Cancellation => self.cancellation_ns,
        }
    }

    /// Whether a new order takes any time to the exchange.
    pub(in crate::exchange) fn any(&self) -> bool {
        self.broker_ns + self.checks_ns + self.exchange_ns > 0
    }
}
