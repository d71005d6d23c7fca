//! What goes wrong with one order on its way: it is stuck at the broker, the exchange takes it and thinks better of it,
//! or its cancellation loses a race. Times are market time.

/// What goes wrong with a new order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderFault {
    /// It stays in PUT ORDER REQ RECEIVED for so long, and cannot be modified or cancelled until then.
    Stuck { for_ns: i64 },
    /// It is acknowledged and stands, where nothing trades with it, until the exchange rejects it.
    Rejected { after_ns: i64, message: String },
}

/// An order fault that has begun and ends at its time.
#[derive(Clone, Debug)]
pub struct Due {
    pub order: usize,
    pub at_ns: i64,
    pub ends: Ends,
}

/// How an order fault ends.
#[derive(Clone, Debug)]
pub enum Ends {
    /// The order goes on its way.
    Goes,
    /// It is rejected, with this message.
    Rejected(String),
}
