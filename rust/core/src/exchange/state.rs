//! The exchange whole: the market, the accounts, their orders, and the time.
//!
//! What it does is a function of the market, the seed, and the requests with the market times at which they came.

use std::collections::{HashMap, VecDeque};

use crate::exchange::account::{Account, CASH_E4, Holding};
use crate::exchange::market::instruments::Instrument;
use crate::exchange::market::simulated::Market;
use crate::exchange::orders::gtt::Gtts;
use crate::exchange::orders::ids::Ids;
use crate::exchange::orders::limits::ReadPace;
use crate::exchange::orders::order::Order;
use crate::exchange::orders::order_fault::Due;
use crate::exchange::orders::order_latency::Transits;
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
    /// What is between broker and exchange.
    pub under_way: Transits,
    /// Why the exchange has halted its market, if it has.
    pub(in crate::exchange) halted: Option<String>,
    /// All triggers of the day, oldest first.
    pub gtts: Gtts,
}

impl Exchange {
    /// An exchange at the open of the market's day, with a fresh account for each user.
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
            under_way: Transits::default(),
            gtts: Gtts::default(),
            halted: None,
        };
        for user in users {
            let holdings = first_holdings(&exchange.market);
            exchange.users.insert(user.clone(), exchange.accounts.len());
            exchange
                .accounts
                .push(Account::new(user.clone(), CASH_E4, holdings));
        }
        exchange
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

    pub(in crate::exchange) fn instrument(&self, listing: usize) -> (&Instrument, i64) {
        let listing = &self.market.listings[listing];
        (&listing.instrument, listing.day.last_e4)
    }
}

/// The two holdings that every fresh account has.
fn first_holdings(market: &Market) -> Vec<Holding> {
    [("INFY", 100, 14_125_000), ("SBIN", 200, 7_612_000)]
        .into_iter()
        .filter_map(|(symbol, quantity, average_e4)| {
            let listing = market.by_symbol(terms::Exchange::Nse, symbol)?;
            Some(Holding {
                listing,
                quantity,
                average_e4,
                used: 0,
            })
        })
        .collect()
}
