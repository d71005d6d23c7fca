//! What the exchange does with an order that reaches it: it waits, stands, trades or is rejected.

use crate::calendar::clock::MINUTE_NS;
use crate::exchange::hours::Phase;
use crate::exchange::market::simulated::Market;
use crate::exchange::matching::book::{Limit, Rest};
use crate::exchange::matching::price_protection::BEYOND;
use crate::exchange::orders::asked::Asked;
use crate::exchange::orders::order::{Order, OrderStatus, book_id};
use crate::exchange::orders::order_latency::Transit;
use crate::exchange::orders::variety::Variety;
use crate::exchange::state::Exchange;
use crate::terms::{OrderType, Side, Validity};

impl Exchange {
    /// The broker looks at a new order once more: by now a stop may be on the wrong side.
    pub(in crate::exchange) fn accept(&mut self, index: usize) {
        self.orders[index].becomes(OrderStatus::ValidationPending);
        let order = &self.orders[index];
        let asked = order.asked();
        let (_, last_e4) = self.instrument(order.listing);
        // The stop of a cover order belongs to a position that is there: however the market stands, it is taken.
        let bare = order.variety == Variety::CoverStop;
        if !bare && asked.stop_on_wrong_side(last_e4) {
            return self.reject(index, asked.wrong_side(last_e4));
        }
        self.begin_transit(index, Transit::Checks);
    }

    /// The broker hands it on.
    pub(in crate::exchange) fn pass_on(&mut self, index: usize) {
        let asked = self.orders[index].asked();
        self.price(index, &asked);
        self.orders[index].becomes(OrderStatus::OpenPending);
        self.begin_transit(index, Transit::Exchange);
    }

    /// The exchange's first answer: it waits, it stands, it trades, or it is rejected.
    pub(in crate::exchange) fn arrive(&mut self, index: usize) {
        let order = &self.orders[index];
        let asked = order.asked();
        let listing = &self.market.listings[order.listing];
        // At the door it was open: the session has ended on the way.
        let too_late =
            self.rules.latencies.any() && matches!(listing.phase, Phase::Closed | Phase::Pause);
        let number = self.ids.exchange_order(listing.instrument.exchange);
        let now_ns = self.now_ns;
        let order = &mut self.orders[index];
        order.now.exchange_order_id = Some(number);
        order.acknowledge(now_ns);
        if let Some(why) = self.halted.clone() {
            return self.reject(index, why);
        }
        if too_late {
            return self.reject(index, "Rejected by the exchange: the session has ended.");
        }
        if !asked.unpriced() && !asked.triggered() {
            let limit = (order.listing, order.side, order.now.price_e4);
            if self.market.is_too_far(&self.rules, limit, now_ns) {
                return self.reject(index, BEYOND);
            }
        }
        let order = &mut self.orders[index];
        if order.now.validity == Validity::Ttl {
            order.expires_ns = Some(now_ns + order.ttl_minutes * MINUTE_NS);
        }
        if asked.triggered() {
            order.becomes(OrderStatus::TriggerPending);
            self.stops.push(index);
            self.say(index, None);
            return;
        }
        if self.rules.latencies.book_ns > 0 {
            self.opens(index);
            if self.rules.open_frames {
                self.say(index, None);
            }
        }
        self.begin_transit(index, Transit::Book);
    }

    /// It comes into the book, where it may trade at once.
    pub(in crate::exchange) fn enter_first(&mut self, index: usize) {
        let standing = self.rules.open_frames && self.orders[index].now.status != OrderStatus::Open;
        self.enter(index, standing.then_some("OPEN"));
    }

    /// A MARKET order gets the limit that stands for it, if there is one: its protection's, or the only price of the
    /// session.
    pub(in crate::exchange) fn price(&mut self, index: usize, asked: &Asked) {
        if asked.order_type != OrderType::Market {
            return;
        }
        let order = &mut self.orders[index];
        let listing = &self.market.listings[order.listing];
        order.protect(asked.protected(
            &listing.instrument,
            listing.day.last_e4,
            &self.rules.protection,
        ));
        if let Some(price_e4) = listing.only_price_e4() {
            (order.now.order_type, order.now.price_e4) = (OrderType::Limit, price_e4);
        }
    }

    /// Sends what is left of an order into the book. Every change of it is said; that it merely stands only if
    /// `standing` has a word for that.
    pub(in crate::exchange) fn enter(&mut self, index: usize, standing: Option<&'static str>) {
        if self.stands_outside(index) {
            self.opens(index);
            if standing.is_some() {
                self.say(index, standing);
            }
            return;
        }
        let said = self.frames.len();
        let unpriced = self.orders[index].asked().unpriced();
        let immediate = unpriced || self.orders[index].now.validity == Validity::Ioc;
        let mut rest = self.take(index, self.market.worst_e4(&self.orders[index]), immediate);
        if let (Rest::Dropped(_), true, Validity::Day | Validity::Ttl) =
            (rest, unpriced, self.orders[index].now.validity)
        {
            rest = self.rest_of_market_order(index);
        }
        match rest {
            Rest::Filled => {}
            Rest::Standing(_) => self.opens(index),
            Rest::Dropped(_) => {
                self.opens(index);
                self.end(index, OrderStatus::Cancelled, None);
            }
            Rest::Prevented(_) => self.prevent(index),
        }
        if standing.is_some() && self.frames.len() == said {
            self.say(index, standing);
        }
    }

    /// An order ends before it meets one of the same client.
    pub(in crate::exchange) fn prevent(&mut self, index: usize) {
        let why =
            "Cancelled by the exchange: it would have traded with an order of the same client.";
        self.end(index, OrderStatus::Cancelled, Some(why.into()));
    }

    /// What is left of an order, as a book takes it.
    pub(in crate::exchange) fn limit(&self, index: usize, price_e4: i64) -> Limit {
        let order = &self.orders[index];
        Limit {
            id: book_id(index),
            owner: order.account as u32 + 1,
            side: order.side,
            price_e4,
            quantity: order.now.left(),
        }
    }

    pub(in crate::exchange) fn take(
        &mut self,
        index: usize,
        price_e4: i64,
        immediate: bool,
    ) -> Rest {
        let limit = self.limit(index, price_e4);
        let mut trades = Vec::new();
        let listing = &mut self.market.listings[self.orders[index].listing];
        let rest = listing.take(limit, immediate, &mut trades);
        for trade in &trades {
            self.book_trade(trade);
        }
        rest
    }

    /// What the book could not fill of a MARKET order without protection stands at the price it last traded at.
    fn rest_of_market_order(&mut self, index: usize) -> Rest {
        let (_, last_e4) = self.instrument(self.orders[index].listing);
        let traded = self
            .executions
            .last()
            .filter(|execution| execution.order == index);
        let price_e4 = traded.map_or(last_e4, |execution| execution.price_e4);
        let order = &mut self.orders[index];
        (order.now.order_type, order.now.price_e4) = (OrderType::Limit, price_e4);
        self.take(index, price_e4, false)
    }

    pub(in crate::exchange) fn opens(&mut self, index: usize) {
        if self.orders[index].now.status != OrderStatus::Open {
            self.orders[index].becomes(OrderStatus::Open);
        }
    }

    /// It is at the exchange, but the book does not have it: it is offered elsewhere, or will be rejected.
    pub(in crate::exchange) fn stands_outside(&self, index: usize) -> bool {
        matches!(self.orders[index].variety, Variety::Auction { .. })
            || self.under_way.is_before_the_book(index)
            || self.order_faults.iter().any(|due| due.order == index)
    }
}

impl Market {
    /// The worst price an order may trade at. An unprotected MARKET order goes to the end of the day's band.
    pub(in crate::exchange) fn worst_e4(&self, order: &Order) -> i64 {
        if !order.asked().unpriced() {
            return order.now.price_e4;
        }
        let instrument = &self.listings[order.listing].instrument;
        match order.side {
            Side::Buy => instrument.upper_e4,
            Side::Sell => instrument.lower_e4,
        }
    }
}
