//! What strategies say.
use super::{List, Table};
use crate::terms::{OrderType, Product, Side, Validity, words};

words! {
    /// What a signal does; HOLD is no order.
    Action { Buy = "BUY", Sell = "SELL", Hold = "HOLD" }
}

words! {
    /// What a signal wants.
    IntentKind { Enter = "enter", Exit = "exit", Modify = "modify", Cancel = "cancel" }
}

spelled!(Action, IntentKind, OrderType, Product, Side, Validity);

impl Action {
    /// None to hold.
    pub const fn side(self) -> Option<Side> {
        match self {
            Self::Buy => Some(Side::Buy),
            Self::Sell => Some(Side::Sell),
            Self::Hold => None,
        }
    }
}

records! {
    /// The events of one topic that a decision used.
    DataRange<'a> {
        source: &'a str,
        epoch: i64,
        first_topic_seq: i64,
        last_topic_seq: i64,
        topic: &'a str,
    }

    /// An intent: enter, exit, modify or cancel.
    Signal<'a>: "strategy.signal" {
        strategy: &'a str,
        exchange: &'a str,
        tradingsymbol: &'a str,
        instrument_token: i64,
        action: Action,
        intent: IntentKind,
        quantity: i64,
        order_type: OrderType,
        price_e4: i64,
        trigger_price_e4: i64,
        product: Product,
        validity: Validity,
        confidence: f64,
        /// Machine time.
        deadline_ns: i64,
        data: List<'a, DataRange<'a>>,
        data_ts_ns: i64,
        reason: &'a str,
        indicators: Table<'a, f64>,
        /// The tag that a modify or a cancel names.
        order: &'a str,
        /// Hundredths of a percent; -1: the broker's own table.
        market_protection_bp: i64,
    }
}
