//! What execution says.
use super::Whole;
use super::risk::Approved;
use crate::terms::{Side, words};

words! {
    /// What was tried at the broker.
    Verb { Place = "place", Modify = "modify", Cancel = "cancel" }
}

words! {
    /// Whose order it is.
    Origin { Own = "own", Orphan = "orphan", External = "external" }
}

spelled!(Verb, Origin);

records! {
    /// What will be sent, under which tag, with the approval whole.
    Intent<'a>: "execution.intent" {
        tag: &'a str,
        epoch: i64,
        approved: Whole<'a, Approved<'a>>,
    }

    /// On the disk before the first byte leaves.
    Sending<'a>: "execution.sending" {
        tag: &'a str,
        attempt: i64,
        epoch: i64,
        verb: Verb,
        order_id: &'a str,
        /// Machine time.
        deadline_ns: i64,
    }

    /// The broker's acknowledgement.
    OrderPlaced<'a>: "execution.order_placed" {
        tag: &'a str,
        order_id: &'a str,
        verb: Verb,
    }

    /// Definitely not an order.
    Reject<'a>: "execution.reject" {
        tag: &'a str,
        intent_id: &'a str,
        sent: bool,
        error_type: &'a str,
        message: &'a str,
        order_id: &'a str,
        verb: Verb,
        strategy: &'a str,
        instrument_token: i64,
    }

    /// Nobody knows.
    UnknownOutcome<'a>: "execution.unknown" {
        tag: &'a str,
        message: &'a str,
        /// Machine time.
        ended_ns: i64,
        verb: Verb,
    }

    /// One order as the book shows it; `tag` is empty for one that is not ours.
    OrderUpdate<'a>: "execution.update" {
        tag: &'a str,
        order_id: &'a str,
        status: &'a str,
        exchange: &'a str,
        tradingsymbol: &'a str,
        instrument_token: i64,
        side: Side,
        product: &'a str,
        order_type: &'a str,
        quantity: i64,
        filled_quantity: i64,
        pending_quantity: i64,
        price_e4: i64,
        trigger_price_e4: i64,
        average_price_e4: i64,
        r#final: bool,
        message: &'a str,
        origin: Origin,
        strategy: &'a str,
    }

    /// One trade of the broker's: the key is (exchange, trade_id).
    Fill<'a>: "execution.fill" {
        tag: &'a str,
        order_id: &'a str,
        trade_id: &'a str,
        exchange: &'a str,
        tradingsymbol: &'a str,
        instrument_token: i64,
        side: Side,
        product: &'a str,
        quantity: i64,
        price_e4: i64,
        traded_ns: i64,
        strategy: &'a str,
    }

    /// What was brought into the day of one position.
    Carried<'a> {
        exchange: &'a str,
        tradingsymbol: &'a str,
        instrument_token: i64,
        product: &'a str,
        quantity: i64,
        average_price_e4: i64,
    }

    /// The whole book as of one read: a position is what was brought in and what was traded.
    Book<'a>: "execution.book" {
        orders: Vec<OrderUpdate<'a>>,
        trades: Vec<Fill<'a>>,
        carried: Vec<Carried<'a>>,
        hash: &'a str,
        read: i64,
    }

    /// Shares in the demat account.
    Holding<'a> {
        exchange: &'a str,
        tradingsymbol: &'a str,
        instrument_token: i64,
        /// Deliverable today.
        quantity: i64,
        average_price_e4: i64,
    }

    /// All holdings.
    Holdings<'a>: "execution.holdings" {
        rows: Vec<Holding<'a>>,
    }

    /// What the broker says is available and used.
    Funds: "execution.funds" {
        available_e4: i64,
        utilised_e4: i64,
    }

    /// Book and tape agree (no mismatch), or do not.
    Reconciled<'a>: "execution.reconciled" {
        book_hash: &'a str,
        orders: i64,
        trades: i64,
        mismatches: Vec<&'a str>,
    }
}
