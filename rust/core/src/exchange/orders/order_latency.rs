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
