//! One order: what was asked, what became of it, and every state it went through.

use crate::exchange::orders::asked::Asked;
use crate::exchange::orders::position_product::PositionProduct;
use crate::exchange::orders::request::{ModifyOrder, PlaceOrder, Protection};
use crate::exchange::orders::variety::Variety;
use crate::terms::{OrderType, Product, Side, Validity, words};

words! {
    /// Kite's states, transient ones included.
    OrderStatus {
        PutOrderReqReceived = "PUT ORDER REQ RECEIVED",
        ValidationPending = "VALIDATION PENDING",
        OpenPending = "OPEN PENDING",
        Open = "OPEN",
        TriggerPending = "TRIGGER PENDING",
        AmoReqReceived = "AMO REQ RECEIVED",
        ModifyAmoReqReceived = "MODIFY AMO REQ RECEIVED",
        ModifyValidationPending = "MODIFY VALIDATION PENDING",
        ModifyPending = "MODIFY PENDING",
        Modified = "MODIFIED",
        NotModified = "NOT MODIFIED",
        CancelPending = "CANCEL PENDING",
        NotCancelled = "NOT CANCELLED",
        Complete = "COMPLETE",
        Cancelled = "CANCELLED",
        /// An order after hours that never went to the exchange, where the broker has a name of its own for that.
        CancelledAmo = "CANCELLED AMO",
        Rejected = "REJECTED",
    }
}

impl OrderStatus {
    /// Nothing follows it.
    pub fn terminal(self) -> bool {
        matches!(
            self,
            Self::Complete | Self::Cancelled | Self::CancelledAmo | Self::Rejected
        )
    }
}

/// An order at one moment: what a row of its history shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderState {
    pub status: OrderStatus,
    pub order_type: OrderType,
    pub quantity: i64,
    pub price_e4: i64,
    pub trigger_e4: i64,
    pub validity: Validity,
    pub disclosed_quantity: i64,
    pub filled: i64,
    pub cancelled: i64,
    pub message: Option<String>,
    /// The exchange's number; none before it has acknowledged the order.
    pub exchange_order_id: Option<String>,
    /// When it was last asked for or changed by its owner.
    pub asked_ns: i64,
    /// When the exchange last acknowledged a request or traded it.
    pub exchange_ns: Option<i64>,
    pub updated_ns: Option<i64>,
    pub modified: bool,
    /// Sum of quantity × price of its trades.
    pub value_e4: i64,
}

impl OrderState {
    /// Volume-weighted price of its trades, 0 before the first.
    pub fn average_e4(&self) -> i64 {
        if self.filled == 0 {
            0
        } else {
            (self.value_e4 + self.filled / 2) / self.filled
        }
    }

    pub fn left(&self) -> i64 {
        self.quantity - self.filled - self.cancelled
    }

    /// What the book shows as pending: nothing of an order that is over.
    pub fn pending(&self) -> i64 {
        if self.status.terminal() {
            0
        } else {
            self.left()
        }
    }
}

/// An order and its history.
#[derive(Clone, Debug)]
pub struct Order {
    pub id: String,
    pub variety: Variety,
    /// The entry that a cover order's stop belongs to.
    pub parent: Option<String>,
    /// Its index among the accounts and among the listings.
    pub account: usize,
    pub listing: usize,
    pub side: Side,
    pub product: Product,
    pub tag: Option<String>,
    /// The tag and what the broker adds to it.
    pub tags: Vec<String>,
    pub protection: Protection,
    /// What its owner asked for, before it became a limit.
    pub asked_protection: Protection,
    pub algo_id: Option<String>,
    pub ttl_minutes: i64,
    /// A TTL order is cancelled then.
    pub expires_ns: Option<i64>,
    pub modifications: u32,
    pub placed_ns: i64,
    /// Sent by the broker to close a position, which has its fee.
    pub squares_off: bool,
    /// What its account has been charged for it.
    pub charges_e4: i64,
    pub now: OrderState,
    pub history: Vec<OrderState>,
}

impl Order {
    pub fn new(
        id: String,
        account: usize,
        listing: usize,
        placing: &PlaceOrder,
        now_ns: i64,
    ) -> Self {
        let asked = Asked::from(placing);
        let state = OrderState {
            status: OrderStatus::PutOrderReqReceived,
            order_type: placing.order_type,
            quantity: placing.quantity,
            price_e4: asked.price_e4,
            trigger_e4: asked.trigger_e4,
            validity: placing.validity,
            disclosed_quantity: placing.disclosed_quantity,
            filled: 0,
            cancelled: 0,
            message: None,
            exchange_order_id: None,
            asked_ns: now_ns,
            exchange_ns: None,
            updated_ns: None,
            modified: false,
            value_e4: 0,
        };
        Self {
            id,
            variety: placing.variety.clone(),
            parent: None,
            account,
            listing,
            side: placing.side,
            product: placing.product,
            tags: placing.tag.iter().chain(&placing.tags).cloned().collect(),
            tag: placing.tag.clone(),
            protection: placing.protection,
            asked_protection: placing.protection,
            algo_id: placing.algo_id.clone(),
            ttl_minutes: placing.ttl_minutes,
            expires_ns: None,
            modifications: 0,
            placed_ns: now_ns,
            squares_off: false,
            charges_e4: 0,
            now: state,
            history: Vec::new(),
        }
    }

    /// Goes into a state and writes it into the history.
    pub fn becomes(&mut self, status: OrderStatus) {
        assert!(
            !self.now.status.terminal(),
            "nothing follows {}",
            self.now.status.name()
        );
        self.now.status = status;
        self.history.push(self.now.clone());
    }

    /// Takes on what its owner has changed.
    pub fn change(&mut self, asked: &Asked, change: &ModifyOrder) {
        self.now.quantity = asked.quantity;
        self.now.price_e4 = asked.price_e4;
        self.now.trigger_e4 = asked.trigger_e4;
        self.now.order_type = asked.order_type;
        self.now.disclosed_quantity = asked.disclosed_quantity;
        self.now.validity = change.validity.unwrap_or(self.now.validity);
        self.now.modified = true;
        if asked.protection != self.protection {
            self.asked_protection = asked.protection;
        }
        self.protection = asked.protection;
    }

    /// The exchange has answered it.
    pub fn acknowledge(&mut self, now_ns: i64) {
        self.now.exchange_ns = Some(now_ns);
        self.now.updated_ns = Some(now_ns);
    }

    /// A MARKET order with protection is kept as a LIMIT, and says so in its tags.
    pub fn protect(&mut self, protected: Option<(i64, i64)>) {
        let Some((price_e4, bp)) = protected else {
            return;
        };
        self.now.order_type = OrderType::Limit;
        self.now.price_e4 = price_e4;
        self.protection = Protection::None;
        self.tags.retain(|tag| !tag.starts_with("mktp"));
        let percent = format!("mktp:{}.{:02}", bp / 100, bp % 100);
        self.tags.extend(["mktp".into(), percent]);
    }

    /// What it trades into.
    pub fn held(&self) -> PositionProduct {
        self.variety.held(self.product)
    }

    /// Waits for its trigger.
    pub fn waits(&self) -> bool {
        self.now.status == OrderStatus::TriggerPending
    }

    /// A stop that the exchange has and that does not wait any more: an order like any other.
    pub fn triggered(&self) -> bool {
        self.now.trigger_e4 > 0 && self.now.exchange_order_id.is_some() && !self.waits()
    }

    /// Kept by the broker until the exchange takes orders.
    pub fn kept(&self) -> bool {
        self.now.status == OrderStatus::AmoReqReceived
    }

    /// What it asks for as it stands now.
    pub fn asked(&self) -> Asked {
        Asked {
            side: self.side,
            product: self.product,
            held: self.held(),
            order_type: match self.now.order_type {
                OrderType::Sl if self.triggered() => OrderType::Limit,
                order_type => order_type,
            },
            quantity: self.now.quantity,
            price_e4: self.now.price_e4,
            trigger_e4: self.now.trigger_e4,
            disclosed_quantity: self.now.disclosed_quantity,
            protection: self.protection,
        }
    }
}

/// A user's order in the books: odd, where the market maker's are even.
pub(in crate::exchange) fn book_id(index: usize) -> u64 {
    index as u64 * 2 + 1
}

/// The order of that number in the books.
pub(in crate::exchange) fn order_index(book_id: u64) -> usize {
    (book_id / 2) as usize
}
