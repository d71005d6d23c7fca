//! What became of orders: their names, what the book shows of them, and whose outcome nobody knows.
use crate::payload::execution::Verb;
use crate::risk::gate::{CachedVerdict, Gate};
use crate::risk::orders::{Order, Terms};
use crate::terms::{Exchange, Product, Side};

/// An order as the book shows it. `tag` is empty for one that is not ours.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    pub tag: &'a str,
    pub order_id: &'a str,
    pub exchange: Exchange,
    pub tradingsymbol: &'a str,
    pub token: u32,
    pub side: Side,
    pub product: Product,
    pub quantity: i64,
    pub filled: i64,
    pub price_e4: i64,
    pub is_final: bool,
    pub strategy: &'a str,
}

impl Gate {
    /// Execution has given an approved order its tag.
    pub fn on_intent(&mut self, tag: &str, intent: u128) {
        self.recall_modify(tag, intent);
        if let Some(CachedVerdict {
            order: Some(at), ..
        }) = self.verdicts.get(&intent)
        {
            self.orders.name(*at as usize, tag, "");
        }
    }

    /// The broker has given it an id.
    pub fn on_placed(&mut self, tag: &str, order_id: &str) {
        if let Some(at) = self.orders.find(tag, "") {
            self.orders.name(at, "", order_id);
            self.know(at);
        }
    }

    /// Definitely not an order, or not changed.
    pub fn on_reject(&mut self, tag: &str, order_id: &str, intent: u128, verb: Verb) {
        let named = self
            .verdicts
            .get(&intent)
            .and_then(|cached| cached.order)
            .map(|at| at as usize);
        let Some(at) = named.or_else(|| self.orders.find(tag, order_id)) else {
            return;
        };
        self.know(at);
        let order = self.orders.get_mut(at);
        match verb {
            Verb::Place => {
                order.settled.get_or_insert(order.filled);
                order.pending = None;
            }
            Verb::Modify => order.pending = None,
            Verb::Cancel => return,
        }
        self.rebind(at);
    }

    /// Nobody knows. What it holds back stays held back. While it is not known whether an order is there at all, no
    /// entry in the same instrument passes.
    pub fn on_unknown(&mut self, tag: &str, verb: Verb) {
        if verb == Verb::Place
            && let Some(at) = self.orders.find(tag, "")
        {
            let order = self.orders.get_mut(at);
            if !order.unknown && order.settled.is_none() {
                order.unknown = true;
                self.instruments.get_mut(order.instrument as usize).unknown += 1;
            }
        }
    }

    fn know(&mut self, at: usize) {
        let order = self.orders.get_mut(at);
        if std::mem::take(&mut order.unknown) {
            self.instruments.get_mut(order.instrument as usize).unknown -= 1;
        }
    }

    /// An order as the book shows it, ours or not: all of them count.
    pub fn on_update(&mut self, update: &Update<'_>) {
        let at = match self.orders.find(update.tag, update.order_id) {
            Some(at) => at,
            None if update.is_final && update.filled == 0 => return,
            None => self.adopt(update),
        };
        self.orders.name(at, update.tag, update.order_id);
        self.know(at);
        let order = self.orders.get_mut(at);
        if !update.is_final {
            // The book knows better: a trade came before its order, or one that was given up for absent is there after all.
            order.settled = None;
        }
        match &order.pending {
            Some(new) if update.quantity == new.quantity && update.price_e4 == new.limit_e4 => {
                order.terms = *new;
                order.pending = None;
            }
            // Somebody may have changed it elsewhere: its size is what the book says.
            None => order.terms.quantity = update.quantity,
            Some(_) => {}
        }
        if update.is_final {
            order.settled = Some(update.filled);
            order.pending = None;
        }
        self.rebind(at);
    }

    /// An order that was not asked for here.
    pub(super) fn adopt(&mut self, update: &Update<'_>) -> usize {
        let instrument =
            self.instruments
                .find_or_add(update.token, update.exchange, update.tradingsymbol);
        let mark_e4 = self.instruments.get(instrument).mark_e4;
        let price_e4 = if update.price_e4 > 0 {
            update.price_e4
        } else {
            mark_e4
        };
        let strategy = self.strategy(update.strategy);
        // The broker has blocked its margin, which shows in the funds.
        let terms = Terms {
            quantity: update.quantity,
            limit_e4: update.price_e4,
            price_e4,
            margin_e4: 0,
        };
        let at = (strategy, instrument);
        self.orders
            .add(Order::new(at, update.product, update.side, terms, false))
    }
}
