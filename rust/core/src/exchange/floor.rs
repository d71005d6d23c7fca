//! The exchange whole: the market, the accounts, their orders, and the time.
//!
//! What it does is a function of the market, the seed, and the requests with the market times at which they came.

use std::collections::{HashMap, VecDeque};

use super::account::{Account, CASH_E4, Holding};
use super::autoslice;
use super::book::{Limit, Rest, Trade};
use super::checks::Asked;
use super::dates::MINUTE_NS;
use super::form::{Fields, Modifying, Placing, Protection};
use super::gtt::Gtt;
use super::ids::Ids;
use super::limits::{Read, ReadPace};
use super::market::Market;
use super::mishap::{Due, Ends, Mishap};
use super::order::{Order, Status};
use super::refusal::Refusal;
use super::rules::Rules;
use super::sessions;
use super::shape::Value;
use super::variety::Variety;
use super::views;
use crate::terms::{Exchange, OrderType, Product, Side, Validity};

/// Users that one exchange may have.
pub const USERS_MAX: usize = 1_000;

/// One side of one trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    pub trade_id: u64,
    pub order: usize,
    pub price_e4: i64,
    pub quantity: i64,
    pub at_ns: i64,
}

/// An order update for every socket of a user.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderFrame {
    pub user: String,
    pub data: Value,
}

/// The trading floor.
pub struct Floor {
    pub market: Market,
    pub rules: Rules,
    pub accounts: Vec<Account>,
    pub orders: Vec<Order>,
    pub executions: Vec<Execution>,
    users: HashMap<String, usize>,
    by_id: HashMap<String, usize>,
    /// Stops that wait for their trigger, oldest first.
    pub(super) stops: Vec<usize>,
    /// Orders that have ended and that others may follow.
    pub(super) ended: VecDeque<usize>,
    /// The time of the day up to which the broker has closed positions.
    pub(super) squared_ns: i64,
    readers: HashMap<String, ReadPace>,
    ids: Ids,
    pub(super) now_ns: i64,
    /// The latest time that a request has claimed: limits count by it, since it goes on when the market stands.
    claimed_ns: i64,
    /// Requests are those of before a crash: they were all admitted once.
    redoing: bool,
    frames: Vec<OrderFrame>,
    /// What has gone wrong with orders and will end; few at a time.
    mishaps: Vec<Due>,
    /// Why the exchange has halted its market, if it has.
    pub(super) halted: Option<String>,
    /// All triggers of the day, oldest first.
    pub(super) gtts: Vec<Gtt>,
}

impl Floor {
    /// A floor at the open of the market's day, with a fresh account for each user.
    pub fn new(market: Market, rules: Rules, users: &[String]) -> Self {
        assert!(
            users.len() <= USERS_MAX,
            "more users than an exchange may have"
        );
        let ids = Ids::new(rules.order_ids);
        let mut floor = Self {
            now_ns: market.now_ns(),
            claimed_ns: market.now_ns(),
            redoing: false,
            market,
            rules,
            accounts: Vec::new(),
            orders: Vec::new(),
            executions: Vec::new(),
            users: HashMap::new(),
            by_id: HashMap::new(),
            stops: Vec::new(),
            ended: VecDeque::new(),
            squared_ns: 0,
            readers: HashMap::new(),
            ids,
            frames: Vec::new(),
            mishaps: Vec::new(),
            gtts: Vec::new(),
            halted: None,
        };
        for user in users {
            let holdings = floor.first_holdings();
            floor.users.insert(user.clone(), floor.accounts.len());
            floor
                .accounts
                .push(Account::new(user.clone(), CASH_E4, holdings));
        }
        floor
    }

    /// The two holdings that every fresh account has.
    fn first_holdings(&self) -> Vec<Holding> {
        [("INFY", 100, 14_125_000), ("SBIN", 200, 7_612_000)]
            .into_iter()
            .filter_map(|(symbol, quantity, average_e4)| {
                let listing = self.market.by_symbol(Exchange::Nse, symbol)?;
                Some(Holding {
                    listing,
                    quantity,
                    average_e4,
                    used: 0,
                })
            })
            .collect()
    }

    /// Market time: of the last step or request.
    pub fn now_ns(&self) -> i64 {
        self.now_ns
    }

    /// The account of a user, by index.
    pub fn user(&self, user: &str) -> Option<usize> {
        self.users.get(user).copied()
    }

    /// An account's order by its id.
    pub fn find(&self, account: usize, order_id: &str) -> Option<usize> {
        self.by_id
            .get(order_id)
            .copied()
            .filter(|&order| self.orders[order].account == account)
    }

    /// Order updates since the last call, in the order in which they happened.
    pub fn take_frames(&mut self) -> Vec<OrderFrame> {
        std::mem::take(&mut self.frames)
    }

    /// Steps the market over every cut up to this time; how many there were.
    pub fn advance(&mut self, to_ns: i64) -> usize {
        let mut steps = 0;
        while self.market.next_cut_ns() <= to_ns {
            if self.nobody_waits() {
                self.market.leap(to_ns);
            }
            self.step();
            steps += 1;
        }
        steps
    }

    /// Whether no order, trigger or square-off of anybody waits: then a stretch of the market can be passed without
    /// looking at its steps.
    fn nobody_waits(&self) -> bool {
        self.mishaps.is_empty()
            && !self.awaits_square_off()
            && self.accounts.iter().all(|account| account.open.is_empty())
            && !self.gtts.iter().any(Gtt::is_active)
    }

    pub(super) fn step(&mut self) {
        let mut hits = Vec::new();
        self.market.step(&mut hits);
        self.now_ns = self.market.now_ns();
        for hit in hits {
            self.book_trade(&hit.trade);
        }
        for turn in self.market.take_turns() {
            sessions::turn(self, turn);
        }
        self.square_off();
        self.trigger_stops();
        self.fire_gtts();
        self.expire();
        self.end_mishaps();
        self.follow();
    }

    /// Time goes on to a request's, but never past a cut that has not been made: a request that comes while the
    /// market is late is as late as the market.
    pub(super) fn hear(&mut self, at_ns: i64) {
        self.claimed_ns = at_ns.max(self.claimed_ns);
        self.now_ns = at_ns.min(self.market.next_cut_ns() - 1).max(self.now_ns);
    }

    // --- requests ---------------------------------------------------------------------------------------------

    /// `POST /orders/{variety}`: the new order's id.
    pub fn place(
        &mut self,
        account: usize,
        variety: &str,
        fields: &Fields,
        at_ns: i64,
    ) -> Result<String, Refusal> {
        self.place_as(account, variety, fields, at_ns, None)
    }

    /// A slice of an order, under the id that the whole is answered with.
    pub(super) fn place_slice(
        &mut self,
        account: usize,
        variety: &str,
        fields: &Fields,
        at_ns: i64,
        parent: &str,
    ) -> Result<String, Refusal> {
        let tags = autoslice::tags(parent);
        self.place_as(account, variety, fields, at_ns, Some(tags))
    }

    /// An id that no order has or will have.
    pub(super) fn next_order_id(&mut self, at_ns: i64) -> String {
        self.hear(at_ns);
        self.ids.order(self.now_ns)
    }

    fn place_as(
        &mut self,
        account: usize,
        variety: &str,
        fields: &Fields,
        at_ns: i64,
        tags: Option<Vec<String>>,
    ) -> Result<String, Refusal> {
        self.hear(at_ns);
        self.admit(account, true)?;
        let placing = Placing::read(variety, fields)?;
        let mishap = Mishap::of_placing(fields)?;
        let listing = self
            .market
            .by_symbol(placing.exchange, &placing.tradingsymbol)
            .ok_or_else(|| {
                Refusal::input("The instrument you are placing an order for has either expired or does not exist.")
            })?;
        let asked = Asked::from(&placing);
        let (instrument, last_e4) = self.instrument(listing);
        asked.check(instrument, last_e4, &self.rules)?;
        self.check_variety(account, listing, &placing)?;
        self.check_cover(account, listing, &asked, None)?;

        let index = self.put(account, listing, &placing);
        if let Some(tags) = tags {
            self.orders[index].tags = tags;
        }
        match mishap {
            None => self.send(index),
            Some(mishap) => self.begin_mishap(index, mishap),
        }
        self.follow();
        Ok(self.orders[index].id.clone())
    }

    /// A new order in the broker's book, under a new id.
    pub(super) fn put(&mut self, account: usize, listing: usize, placing: &Placing) -> usize {
        let id = self.ids.order(self.now_ns);
        let index = self.orders.len();
        let mut order = Order::new(id.clone(), account, listing, placing, self.now_ns);
        order.becomes(Status::PutOrderReqReceived);
        self.by_id.insert(id, index);
        self.accounts[account].orders.push(index);
        self.accounts[account].open.push(index);
        self.orders.push(order);
        index
    }

    /// An order goes on to the exchange, or waits at the broker's until there is one.
    pub(super) fn send(&mut self, index: usize) {
        let order = &mut self.orders[index];
        if order.variety == Variety::Amo {
            order.becomes(Status::AmoReqReceived);
            self.say(index, None);
        } else {
            let asked = order.asked();
            self.accept(index, &asked);
        }
    }

    /// `PUT /orders/{variety}/{order_id}`
    pub fn modify(
        &mut self,
        account: usize,
        order_id: &str,
        fields: &Fields,
        at_ns: i64,
    ) -> Result<(), Refusal> {
        self.hear(at_ns);
        self.admit(account, false)?;
        let change = Modifying::read(fields)?;
        let index = self.open_order(account, order_id, "modified")?;
        if let Some(why) = &self.halted {
            return Err(Refusal::order(why.clone()));
        }
        if self.orders[index].modifications >= self.rules.modifications_max {
            return Err(Refusal::order(
                "Maximum allowed order modifications exceeded.",
            ));
        }
        let asked = self.changed(index, &change)?;
        let listing = self.orders[index].listing;
        let (instrument, last_e4) = self.instrument(listing);
        asked.check(instrument, last_e4, &self.rules)?;
        let validity = change.validity.unwrap_or(self.orders[index].now.validity);
        if !self.orders[index].kept() {
            sessions::check(&self.market.listings[listing], &asked, validity)?;
        }
        self.check_cover(account, listing, &asked, Some(index))?;
        self.carry_out(index, asked, &change);
        self.follow();
        Ok(())
    }

    /// `DELETE /orders/{variety}/{order_id}`
    pub fn cancel(&mut self, account: usize, order_id: &str, at_ns: i64) -> Result<(), Refusal> {
        if self.is_cover_stop(account, order_id) {
            return self.exit_cover(account, order_id, at_ns);
        }
        let index = self.begin_cancel(account, order_id, at_ns)?;
        self.end(index, Status::Cancelled, None);
        self.follow();
        Ok(())
    }

    /// The stop of a cover order is not cancelled but sent at once: its position would be left bare.
    fn exit_cover(&mut self, account: usize, order_id: &str, at_ns: i64) -> Result<(), Refusal> {
        self.hear(at_ns);
        self.admit(account, false)?;
        let index = self.open_order(account, order_id, "cancelled")?;
        if let Some(why) = &self.halted {
            return Err(Refusal::order(why.clone()));
        }
        self.stops.retain(|&stop| stop != index);
        self.trigger(index);
        Ok(())
    }

    fn is_cover_stop(&self, account: usize, order_id: &str) -> bool {
        self.find(account, order_id).is_some_and(|index| {
            let order = &self.orders[index];
            order.variety == Variety::CoverStop && order.waits()
        })
    }

    /// The same, but the order fills while the request is under way. One that waits for its trigger cannot.
    pub fn cancel_too_late(
        &mut self,
        account: usize,
        order_id: &str,
        at_ns: i64,
    ) -> Result<(), Refusal> {
        let waits = self
            .find(account, order_id)
            .is_some_and(|index| self.orders[index].waits());
        let index = self.begin_cancel(account, order_id, at_ns)?;
        if waits {
            self.end(index, Status::Cancelled, None);
        } else {
            self.fill_in_spite(index);
        }
        self.follow();
        Ok(())
    }

    fn begin_cancel(
        &mut self,
        account: usize,
        order_id: &str,
        at_ns: i64,
    ) -> Result<usize, Refusal> {
        self.hear(at_ns);
        self.admit(account, false)?;
        let index = self.open_order(account, order_id, "cancelled")?;
        let now_ns = self.now_ns;
        let order = &mut self.orders[index];
        order.now.asked_ns = now_ns;
        order.becomes(Status::CancelPending);
        self.market.listings[order.listing].withdraw(book_id(index));
        Ok(index)
    }

    /// A request under an API key that is no order: refused when its kind's window is full. Its windows are
    /// the clock's, whether the market keeps up with it, stands or has ended: nobody's reading stops with the trading.
    pub fn admit_read(&mut self, api_key: &str, read: Read, at_ns: i64) -> Result<(), Refusal> {
        self.hear(at_ns);
        let Some(limits) = &self.rules.limits else {
            return Ok(());
        };
        let pace = self.readers.entry(api_key.to_owned()).or_default();
        pace.admit(at_ns.max(self.now_ns), read, limits)
    }

    /// Halts the market, saying why, or lets it go on. While it is halted nothing trades, new orders are rejected with
    /// those words, none is modified, and cancelling works.
    pub fn halt(&mut self, why: Option<String>) {
        self.market.halted = why.is_some();
        self.halted = why;
    }

    /// Whether the requests to come are those of before a crash. They count, and none is refused for its number.
    pub fn redo(&mut self, redoing: bool) {
        self.redoing = redoing;
    }

    /// A write of an account: refused when a window is full. After a stop market time stands in one second for ever,
    /// and whoever cancels then must not find that second full; so the windows are the clock's, as those of reads are.
    pub(super) fn admit(&mut self, account: usize, placement: bool) -> Result<(), Refusal> {
        let Some(limits) = &self.rules.limits else {
            return Ok(());
        };
        let at_ns = self.claimed_ns.max(self.now_ns);
        let admitted = self.accounts[account].pace.admit(at_ns, placement, limits);
        if self.redoing { Ok(()) } else { admitted }
    }

    fn open_order(&self, account: usize, order_id: &str, deed: &str) -> Result<usize, Refusal> {
        let index = self
            .find(account, order_id)
            .ok_or_else(|| Refusal::order("Couldn't find that `order_id`."))?;
        let status = self.orders[index].now.status;
        if status.terminal() || status == Status::PutOrderReqReceived {
            return Err(Refusal::order(format!(
                "Order cannot be {deed} as it is already executed or undergoing change."
            )));
        }
        Ok(index)
    }

    pub(super) fn instrument(&self, listing: usize) -> (&super::instruments::Instrument, i64) {
        let listing = &self.market.listings[listing];
        (&listing.instrument, listing.day.last_e4)
    }

    // --- an order's life --------------------------------------------------------------------------------------

    /// The exchange's first answer to a new order: it waits, it stands, it trades, or it is rejected.
    pub(super) fn accept(&mut self, index: usize, asked: &Asked) {
        self.orders[index].becomes(Status::ValidationPending);
        let (instrument, last_e4) = self.instrument(self.orders[index].listing);
        let exchange = instrument.exchange;
        let protected = asked.protected(instrument, last_e4);
        // The stop of a cover order belongs to a position that is there: however the market stands, it is taken.
        let bare = self.orders[index].variety == Variety::CoverStop;
        if !bare && asked.stop_on_wrong_side(last_e4) {
            self.end(index, Status::Rejected, Some(asked.wrong_side(last_e4)));
            return;
        }
        let number = self.ids.exchange_order(exchange);
        let now_ns = self.now_ns;
        let order = &mut self.orders[index];
        if asked.order_type == OrderType::Market {
            protect(order, protected);
        }
        order.becomes(Status::OpenPending);
        order.now.exchange_order_id = Some(number);
        acknowledge(order, now_ns);
        if let Some(why) = self.halted.clone() {
            self.end(index, Status::Rejected, Some(why));
            return;
        }
        if order.now.validity == Validity::Ttl {
            order.expires_ns = Some(order.placed_ns + order.ttl_minutes * MINUTE_NS);
        }
        if asked.triggered() {
            order.becomes(Status::TriggerPending);
            self.stops.push(index);
            self.say(index, None);
        } else {
            self.enter(index, self.rules.open_frames.then_some("OPEN"));
        }
    }

    /// Sends what is left of an order into the book. Every change of it is said; that it merely stands only if
    /// `standing` has a word for that.
    pub(super) fn enter(&mut self, index: usize, standing: Option<&'static str>) {
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
        let mut rest = self.take(index, self.limit_e4(&self.orders[index]), immediate);
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
                self.end(index, Status::Cancelled, None);
            }
            Rest::Prevented(_) => {
                let why = "Cancelled by the exchange: it would have traded with an order of the same client.";
                self.end(index, Status::Cancelled, Some(why.into()));
            }
        }
        if standing.is_some() && self.frames.len() == said {
            self.say(index, standing);
        }
    }

    pub(super) fn take(&mut self, index: usize, price_e4: i64, immediate: bool) -> Rest {
        let order = &self.orders[index];
        let limit = Limit {
            id: book_id(index),
            owner: order.account as u32 + 1,
            side: order.side,
            price_e4,
            quantity: order.now.left(),
        };
        let mut trades = Vec::new();
        let rest = self.market.listings[order.listing].take(limit, immediate, &mut trades);
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

    /// Takes an order out of the book for good.
    pub(super) fn withdraw(&mut self, index: usize, message: Option<String>) {
        self.market.listings[self.orders[index].listing].withdraw(book_id(index));
        self.end(index, Status::Cancelled, message);
    }

    pub(super) fn opens(&mut self, index: usize) {
        if self.orders[index].now.status != Status::Open {
            self.orders[index].becomes(Status::Open);
        }
    }

    /// The worst price an order may trade at. An unprotected MARKET order goes to the end of the day's band.
    pub(super) fn limit_e4(&self, order: &Order) -> i64 {
        if !order.asked().unpriced() {
            return order.now.price_e4;
        }
        let (instrument, _) = self.instrument(order.listing);
        match order.side {
            Side::Buy => instrument.upper_e4,
            Side::Sell => instrument.lower_e4,
        }
    }

    /// Books a trade of a shared book for the users who have a part in it.
    fn book_trade(&mut self, trade: &Trade) {
        let trade_id = self.ids.trade();
        for (owner, id) in [
            (trade.resting_owner, trade.resting),
            (trade.incoming_owner, trade.incoming),
        ] {
            if owner != super::book::STREET {
                self.fill(order_index(id), trade_id, trade.price_e4, trade.quantity);
            }
        }
    }

    pub(super) fn fill(&mut self, index: usize, trade_id: u64, price_e4: i64, quantity: i64) {
        let now_ns = self.now_ns;
        self.executions.push(Execution {
            trade_id,
            order: index,
            price_e4,
            quantity,
            at_ns: now_ns,
        });
        let order = &mut self.orders[index];
        order.now.filled += quantity;
        order.now.value_e4 += quantity * price_e4;
        acknowledge(order, now_ns);
        let (account, listing, product, side) =
            (order.account, order.listing, order.product, order.side);
        let complete = order.now.left() == 0;
        let multiplier = self.market.listings[listing].instrument.multiplier;
        let account = &mut self.accounts[account];
        let from_holdings = match (product, side) {
            (Product::Cnc, Side::Sell) => {
                let position = account.position(listing, product, multiplier);
                let bought_today = position.open.quantity.max(0);
                (quantity - bought_today).max(0)
            }
            _ => 0,
        };
        account
            .position(listing, product, multiplier)
            .trade(side, quantity, price_e4)
            .expect("the funds check keeps every sum of money far below 64 bits");
        for holding in account
            .holdings
            .iter_mut()
            .filter(|holding| holding.listing == listing)
        {
            holding.used += from_holdings.min(holding.quantity - holding.used);
        }
        if complete {
            self.end(index, Status::Complete, None);
        } else {
            self.orders[index].becomes(Status::Open);
            self.say(index, Some("UPDATE"));
        }
    }

    /// An order is over.
    pub(super) fn end(&mut self, index: usize, status: Status, message: Option<String>) {
        let now_ns = self.now_ns;
        let order = &mut self.orders[index];
        if status == Status::Cancelled {
            order.now.cancelled = order.now.left();
        }
        if order.now.exchange_order_id.is_some() {
            acknowledge(order, now_ns);
        }
        order.now.message = message;
        order.becomes(status);
        self.accounts[order.account]
            .open
            .retain(|&open| open != index);
        self.stops.retain(|&stop| stop != index);
        self.ended.push_back(index);
        self.say(index, None);
    }

    /// It is at the exchange, but the book does not have it: it is offered elsewhere, or will be rejected.
    pub(super) fn stands_outside(&self, index: usize) -> bool {
        matches!(self.orders[index].variety, Variety::Auction { .. })
            || self.mishaps.iter().any(|due| due.order == index)
    }

    /// Tells the user's sockets. `status` is said in place of the order's own.
    pub(super) fn say(&mut self, index: usize, status: Option<&'static str>) {
        let user = self.accounts[self.orders[index].account].user.clone();
        let data = views::order_frame(self, index, status);
        self.frames.push(OrderFrame { user, data });
    }

    /// Stops whose trigger the street's prints of this step have reached go into the book, oldest first.
    fn trigger_stops(&mut self) {
        let market = &self.market;
        let orders = &self.orders;
        let reached: Vec<usize> = self
            .stops
            .iter()
            .copied()
            .filter(|&index| {
                let order = &orders[index];
                let (low_e4, high_e4) = market.listings[order.listing].prints_e4;
                match order.side {
                    Side::Buy => high_e4 >= order.now.trigger_e4,
                    Side::Sell => low_e4 <= order.now.trigger_e4,
                }
            })
            .collect();
        for index in reached {
            self.stops.retain(|&stop| stop != index);
            self.trigger(index);
        }
    }

    pub(super) fn trigger(&mut self, index: usize) {
        let order = &self.orders[index];
        let asked = order.asked();
        let (instrument, last_e4) = self.instrument(order.listing);
        let protected = asked.protected(instrument, last_e4);
        let now_ns = self.now_ns;
        let order = &mut self.orders[index];
        if asked.order_type == OrderType::SlM {
            order.now.order_type = OrderType::Market;
            protect(order, protected);
        }
        acknowledge(order, now_ns);
        order.becomes(Status::Open);
        self.enter(index, Some("UPDATE"));
    }

    pub(super) fn expire(&mut self) {
        let now_ns = self.now_ns;
        let over: Vec<usize> = self
            .accounts
            .iter()
            .flat_map(|account| &account.open)
            .copied()
            .filter(|&index| {
                self.orders[index]
                    .expires_ns
                    .is_some_and(|expires_ns| expires_ns <= now_ns)
            })
            .collect();
        for index in over {
            self.withdraw(index, None);
        }
    }

    // --- what goes wrong --------------------------------------------------------------------------------------

    fn begin_mishap(&mut self, index: usize, mishap: Mishap) {
        let (after_ns, ends) = match mishap {
            Mishap::Stuck { for_ns } => (for_ns, Ends::Goes),
            Mishap::Rejected { after_ns, message } => {
                self.acknowledge_only(index);
                (after_ns, Ends::Rejected(message))
            }
        };
        self.mishaps.push(Due {
            order: index,
            at_ns: self.now_ns + after_ns,
            ends,
        });
    }

    /// The exchange takes an order and lets it stand, but not in the book.
    fn acknowledge_only(&mut self, index: usize) {
        let exchange = self.instrument(self.orders[index].listing).0.exchange;
        let number = self.ids.exchange_order(exchange);
        let now_ns = self.now_ns;
        let order = &mut self.orders[index];
        order.becomes(Status::ValidationPending);
        order.becomes(Status::OpenPending);
        order.now.exchange_order_id = Some(number);
        acknowledge(order, now_ns);
        self.opens(index);
        if self.rules.open_frames {
            self.say(index, None);
        }
    }

    fn end_mishaps(&mut self) {
        let now_ns = self.now_ns;
        let (over, rest) = std::mem::take(&mut self.mishaps)
            .into_iter()
            .partition(|due: &Due| due.at_ns <= now_ns);
        self.mishaps = rest;
        for due in over {
            self.end_mishap(due);
        }
    }

    fn end_mishap(&mut self, due: Due) {
        let order = &self.orders[due.order];
        if order.now.status.terminal() {
            return;
        }
        match due.ends {
            Ends::Goes => self.send(due.order),
            Ends::Rejected(message) => {
                self.market.listings[order.listing].withdraw(book_id(due.order));
                self.end(due.order, Status::Rejected, Some(message));
            }
        }
    }

    /// A fill of all that is left was under way when the cancellation came. Nobody knows at what price but the
    /// exchange; we take the worst one that its owner agreed to.
    fn fill_in_spite(&mut self, index: usize) {
        self.orders[index].becomes(Status::NotCancelled);
        let (price_e4, left) = {
            let order = &self.orders[index];
            (self.limit_e4(order), order.now.left())
        };
        let trade_id = self.ids.trade();
        self.fill(index, trade_id, price_e4, left);
    }
}

/// A user's order in the books: odd, where the street's are even.
pub(super) fn book_id(index: usize) -> u64 {
    index as u64 * 2 + 1
}

fn order_index(book_id: u64) -> usize {
    (book_id / 2) as usize
}

/// A MARKET order with protection is kept as a LIMIT, and says so in its tags.
pub(super) fn protect(order: &mut Order, protected: Option<(i64, i64)>) {
    let Some((price_e4, bp)) = protected else {
        return;
    };
    order.now.order_type = OrderType::Limit;
    order.now.price_e4 = price_e4;
    order.protection = Protection::None;
    order.tags.retain(|tag| !tag.starts_with("mktp"));
    order
        .tags
        .extend(["mktp".into(), format!("mktp:{}.{:02}", bp / 100, bp % 100)]);
}

pub(super) fn acknowledge(order: &mut Order, now_ns: i64) {
    order.now.exchange_ns = Some(now_ns);
    order.now.updated_ns = Some(now_ns);
}
