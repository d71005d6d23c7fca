//! The exchange whole: the market, the accounts, their orders, and the time.
//!
//! What it does is a function of the market, the seed, and the requests with the market times at which they came.

use std::collections::{HashMap, VecDeque};

use crate::exchange::orders::order_latency::UnderWay;

use crate::exchange::account::{Account, CASH_E4, Holding};
use crate::exchange::market::instruments::Instrument;
use crate::exchange::market::simulated::{Hit, Market};
use crate::exchange::orders::gtt::Gtt;
use crate::exchange::orders::ids::Ids;
use crate::exchange::orders::limits::ReadPace;
use crate::exchange::orders::order::Order;
use crate::exchange::orders::order_fault::Due;
use crate::exchange::orders::sessions;
use crate::exchange::orders::variety::Variety;
use crate::exchange::rules::Rules;
use crate::exchange::views::json_value::Value;
use crate::terms;

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

/// All that the exchange knows at one moment.
pub struct Exchange {
    pub market: Market,
    pub rules: Rules,
    pub accounts: Vec<Account>,
    pub orders: Vec<Order>,
    pub executions: Vec<Execution>,
    pub(in crate::exchange) users: HashMap<String, usize>,
    pub(in crate::exchange) by_id: HashMap<String, usize>,
    /// Stops that wait for their trigger, oldest first.
    pub(in crate::exchange) stops: Vec<usize>,
    /// Orders that have ended and that others may follow.
    pub(in crate::exchange) ended: VecDeque<usize>,
    /// The time of the day up to which the broker has closed positions.
    pub(in crate::exchange) squared_ns: i64,
    /// The time up to which auctions of what was not delivered have been held.
    pub(in crate::exchange) auctioned_ns: i64,
    pub(in crate::exchange) readers: HashMap<String, ReadPace>,
    pub(in crate::exchange) ids: Ids,
    pub(in crate::exchange) now_ns: i64,
    /// The latest time that a request has claimed: limits count by it, since it goes on when the market stands.
    pub(in crate::exchange) claimed_ns: i64,
    /// Requests are those of before a crash: they were all admitted once.
    pub(in crate::exchange) replaying: bool,
    pub(in crate::exchange) frames: Vec<OrderFrame>,
    /// What has gone wrong with orders and will end; few at a time.
    pub(in crate::exchange) order_faults: Vec<Due>,
    /// What is between broker and exchange, in the order in which it began; few at a time.
    pub(in crate::exchange) under_way: Vec<UnderWay>,
    /// Why the exchange has halted its market, if it has.
    pub(in crate::exchange) halted: Option<String>,
    /// All triggers of the day, oldest first.
    pub(in crate::exchange) gtts: Vec<Gtt>,
}

impl Exchange {
    /// A exchange at the open of the market's day, with a fresh account for each user.
    pub fn new(market: Market, rules: Rules, users: &[String]) -> Self {
        assert!(
            users.len() <= USERS_MAX,
            "more users than an exchange may have"
        );
        let ids = Ids::new(rules.order_ids);
        let mut exchange = Self {
            now_ns: market.now_ns(),
            claimed_ns: market.now_ns(),
            replaying: false,
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
            auctioned_ns: 0,
            readers: HashMap::new(),
            ids,
            frames: Vec::new(),
            order_faults: Vec::new(),
            under_way: Vec::new(),
            gtts: Vec::new(),
            halted: None,
        };
        for user in users {
            let holdings = exchange.first_holdings();
            exchange.users.insert(user.clone(), exchange.accounts.len());
            exchange
                .accounts
                .push(Account::new(user.clone(), CASH_E4, holdings));
        }
        exchange
    }

    /// The two holdings that every fresh account has.
    fn first_holdings(&self) -> Vec<Holding> {
        [("INFY", 100, 14_125_000), ("SBIN", 200, 7_612_000)]
            .into_iter()
            .filter_map(|(symbol, quantity, average_e4)| {
                let listing = self.market.by_symbol(terms::Exchange::Nse, symbol)?;
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

    /// Steps the market over every cut up to this time; how many there were. What is under way arrives in between.
    pub fn advance(&mut self, to_ns: i64) -> usize {
        let mut steps = 0;
        // Whoever asked for it looks at the last step, and an order of his at what was paid a while before.
        let looked_at_ns = to_ns - self.looked_back_ns();
        while self.market.next_cut_ns() <= to_ns {
            self.end_transits(self.market.next_cut_ns() - 1);
            if self.nobody_waits() {
                self.market.leap(looked_at_ns);
            }
            if self.market.next_cut_ns() < looked_at_ns && self.only_orders_wait() {
                self.step_watched();
            } else {
                self.step();
            }
            steps += 1;
        }
        self.market.catch_up();
        self.end_transits(to_ns);
        steps
    }

    /// Whether no order, trigger or square-off of anybody waits: then a stretch of the market can be passed without
    /// looking at its steps.
    fn nobody_waits(&self) -> bool {
        self.order_faults.is_empty()
            && self.under_way.is_empty()
            && !self.awaits_square_off()
            && self.accounts.iter().all(|account| account.open.is_empty())
            && !self.gtts.iter().any(Gtt::is_active)
    }

    /// Whether nothing is due at the next cut whatever the market does: then orders and triggers wait for their own
    /// instruments alone.
    fn only_orders_wait(&self) -> bool {
        let cut_ns = self.market.next_cut_ns();
        self.order_faults.is_empty()
            && self.under_way.is_empty()
            && !self.squares_off_by(cut_ns)
            && self.waiting_orders().all(|order| {
                !matches!(order.variety, Variety::Auction { .. })
                    && order
                        .expires_ns
                        .is_none_or(|expires_ns| expires_ns > cut_ns)
            })
    }

    fn waiting_orders(&self) -> impl Iterator<Item = &Order> {
        let open = self.accounts.iter().flat_map(|account| &account.open);
        open.map(|&index| &self.orders[index])
    }

    /// A step at which only the instruments of waiting orders and triggers are looked at, unless something comes of it.
    fn step_watched(&mut self) {
        let triggers = self.gtts.iter().filter(|gtt| gtt.is_active());
        let waited_for: Vec<usize> = self
            .waiting_orders()
            .map(|order| order.listing)
            .chain(triggers.map(Gtt::listing))
            .collect();
        self.market.watch(&waited_for);
        let mut hits = Vec::new();
        self.market.step_watched(&mut hits);
        if !hits.is_empty() || !self.reached_stops().is_empty() || self.fires_gtts() {
            self.market.catch_up();
        }
        self.after_step(hits);
    }

    pub(in crate::exchange) fn step(&mut self) {
        let mut hits = Vec::new();
        self.market.step(&mut hits);
        self.after_step(hits);
    }

    fn after_step(&mut self, hits: Vec<Hit>) {
        self.now_ns = self.market.now_ns();
        for hit in hits {
            self.book_trade(&hit.trade);
        }
        for turn in self.market.take_turns() {
            sessions::turn(self, turn);
        }
        self.square_off();
        self.hold_auctions();
        self.trigger_stops();
        self.fire_gtts();
        self.expire();
        self.end_order_faults();
        self.follow();
    }

    /// Time goes on to a request's, but never past a cut that has not been made: a request that comes while the
    /// market is late is as late as the market.
    pub(in crate::exchange) fn hear(&mut self, at_ns: i64) {
        self.claimed_ns = at_ns.max(self.claimed_ns);
        let now_ns = at_ns.min(self.market.next_cut_ns() - 1).max(self.now_ns);
        self.end_transits(now_ns);
        self.now_ns = now_ns;
    }

    /// Halts the market, saying why, or lets it go on. While it is halted nothing trades, new orders are rejected with
    /// those words, none is modified, and cancelling works.
    pub fn halt(&mut self, why: Option<String>) {
        self.market.halted = why.is_some();
        self.halted = why;
    }

    pub(in crate::exchange) fn instrument(&self, listing: usize) -> (&Instrument, i64) {
        let listing = &self.market.listings[listing];
        (&listing.instrument, listing.day.last_e4)
    }
}
