//! The gate itself: what it knows, and what its orders add up to.
use std::sync::Arc;

use super::instruments::{Exposure, Instruments};
use super::limits::Limits;
use super::orders::{Orders, Terms};
use super::quick_hash::QuickMap;
use super::rate::Pace;
use super::trading_state::{Authority, TradingState};
use super::verdict::Judgement;
use crate::calendar::Calendar;
use crate::day::Day;
use crate::payload::world::LatchState;
use crate::portfolio::Portfolio;
use crate::terms::{Exchange, Overflow};

/// Most signals of one day whose verdicts are kept. Beyond it nothing passes: a signal that came twice could not be
/// told from a new one.
pub const INTENTS_MAX: usize = 1 << 21;

/// Room for a usual day's, so that none of its verdicts waits for a larger table.
const INTENTS_USUAL: usize = 8_192;

pub(super) const OUT_OF_RANGE: &str = "a position, price or trade left the range of exact numbers";

/// The first verdict on a signal, and the order that came of it.
#[derive(Clone, Debug)]
pub(super) struct CachedVerdict {
    /// Of the signal: the same id with another signal in it is not the same intent.
    pub fingerprint: u64,
    pub judgement: Judgement,
    pub order: Option<u32>,
}

/// What the broker says is available and used, and what has been bound since it said so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Funds {
    pub available_e4: i64,
    pub utilised_e4: i64,
    /// Margin of what was filled since the newest answer, and between the one before and it: an answer may have been
    /// on its way while a trade was made.
    pub spent_e4: i64,
    pub spent_before_e4: i64,
}

/// What all orders hold back together.
#[derive(Clone, Debug, Default)]
pub(super) struct Reserved {
    pub value_e4: i128,
    pub margin_e4: i128,
    pub open_orders: i64,
}

/// A strategy or a symbol that has a latch of its own.
#[derive(Clone, Debug)]
pub struct Scope {
    pub latch: LatchState,
    pub strategy: Box<str>,
    pub symbol: Option<(Exchange, Box<str>)>,
}

/// What the owner allows.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    pub limits: Limits,
    pub scopes: Vec<Scope>,
    /// Shares (EXCHANGE:SYMBOL) that trade on when the closing auction begins.
    pub outside_closing_auction: Vec<Box<str>>,
}

impl Scope {
    pub fn strategy(name: &str, latch: LatchState) -> Self {
        Self {
            latch,
            strategy: name.into(),
            symbol: None,
        }
    }

    pub fn symbol(exchange: Exchange, tradingsymbol: &str, latch: LatchState) -> Self {
        Self {
            latch,
            strategy: "".into(),
            symbol: Some((exchange, tradingsymbol.into())),
        }
    }
}

/// How the gate stands: what people are shown.
#[derive(Clone, Debug)]
pub struct GateSummary {
    pub trading_state: TradingState,
    pub gross_e4: i64,
    pub charges_e4: i64,
    pub reserved_e4: i64,
    pub open_orders: i64,
}

/// Passes orders that every rule passes, and holds back their worst case until they are final.
///
/// It has no clock: *now* is handed in twice, as market time (`now_ns`, sessions and days) and as machine time
/// (`mono_ns`, ages and pace). Its reservations change by execution's events only.
#[derive(Clone, Debug)]
pub struct Gate {
    pub(super) allowed: Allowed,
    pub(super) calendar: Arc<Calendar>,
    pub(super) authority: Authority,
    pub(super) feed_up: bool,
    /// Machine time of execution's last heartbeat; none has come yet.
    pub(super) execution_beat_ns: Option<i64>,
    pub(super) instruments: Instruments,
    pub(super) orders: Orders,
    pub(super) reserved: Reserved,
    pub(super) strategies: QuickMap<Box<str>, u32>,
    pub(super) strategy_orders: Vec<i64>,
    pub(super) verdicts: QuickMap<u128, CachedVerdict>,
    /// Modifies that an earlier process passed and execution has not begun with.
    pub(super) recalled: QuickMap<u128, Terms>,
    pub(super) funds: Option<Funds>,
    pub(super) pace: Pace,
    pub(super) portfolio: Portfolio,
    /// Instrument of each position.
    pub(super) position_instruments: Vec<u32>,
    pub(super) trades: QuickMap<Box<str>, ()>,
}

impl Default for Gate {
    /// A gate that is HALTED, knows of no instrument, has no limits and no funds; its calendar is the shipped one.
    fn default() -> Self {
        Self {
            allowed: Allowed::default(),
            calendar: Calendar::shipped(),
            authority: Authority::default(),
            feed_up: true, // a tick that is fresh proves it; one that is not is refused by its age
            execution_beat_ns: None,
            instruments: Instruments::default(),
            orders: Orders::default(),
            reserved: Reserved::default(),
            strategies: QuickMap::default(),
            strategy_orders: Vec::new(),
            verdicts: QuickMap::with_capacity_and_hasher(INTENTS_USUAL, Default::default()),
            recalled: QuickMap::default(),
            funds: None,
            pace: Pace::default(),
            portfolio: Portfolio::default(),
            position_instruments: Vec::new(),
            trades: QuickMap::default(),
        }
    }
}

impl Gate {
    /// A sum that has left its range halts the gate: its numbers cannot be trusted any more.
    pub(super) fn check(&mut self, fits: Result<(), Overflow>) {
        if fits.is_err() {
            self.authority.fail(OUT_OF_RANGE);
        }
    }

    pub(super) fn strategy(&mut self, name: &str) -> u32 {
        if let Some(at) = self.strategies.get(name) {
            return *at;
        }
        let at = self.strategy_orders.len() as u32;
        self.strategies.insert(name.into(), at);
        self.strategy_orders.push(0);
        at
    }

    /// Open orders of a strategy.
    pub(super) fn open_orders_of(&self, strategy: &str) -> i64 {
        self.strategies
            .get(strategy)
            .map_or(0, |at| self.strategy_orders[*at as usize])
    }

    /// Brings the sums up to date after anything of one order has changed. A number that leaves its range halts the
    /// gate: what it adds up to cannot be trusted any more.
    pub(super) fn rebind(&mut self, at: usize) {
        if self.try_rebind(at).is_err() {
            self.authority
                .fail("the sum of what orders hold back left its range");
        }
    }

    fn try_rebind(&mut self, at: usize) -> Result<(), Overflow> {
        let instrument_at = self.orders.get(at).instrument as usize;
        let order = self.orders.get_mut(at);
        let instrument = self.instruments.get_mut(instrument_at);
        let (was, now) = (order.bound, order.worst(instrument.multiplier())?);
        order.bound = now;
        let waiting = instrument.held[order.product as usize].on_its_way(order.side);
        *waiting = waiting
            .checked_add(now.quantity)
            .and_then(|sum| sum.checked_sub(was.quantity))
            .ok_or(Overflow)?;
        let opened = i64::from(now.open) - i64::from(was.open);
        instrument.open_orders += opened;
        self.strategy_orders[order.strategy as usize] += opened;
        self.reserved.open_orders += opened;
        self.reserved.value_e4 += i128::from(now.value_e4) - i128::from(was.value_e4);
        self.reserved.margin_e4 += i128::from(now.margin_e4) - i128::from(was.margin_e4);
        self.instruments.reckon(instrument_at)
    }

    /// Latches the day's loss once it is reached.
    pub(super) fn watch_loss(&mut self, day: Day) {
        let (Some(capital_e4), Some(bp)) =
            (self.limits().capital_e4, self.limits().daily_loss_bp_max)
        else {
            return;
        };
        let lost = match self.portfolio.day_net_e4() {
            Ok(net_e4) => i128::from(net_e4) * 10_000 <= -(i128::from(capital_e4) * i128::from(bp)),
            Err(Overflow) => true,
        };
        // A limit of 0 stops entries at the first loss, not before anything was traded.
        if lost && self.portfolio.day_net_e4() != Ok(0) {
            self.authority.lose(day);
        }
    }

    /// Another trading day. The broker's orders, trades and positions of the last one are over: what was carried comes with the
    /// day's first book, and nothing passes before it has been compared. What the account holds, what the owner allows and
    /// the latch stand; a kill holds until somebody arms.
    pub fn begin_day(&mut self) {
        let last = std::mem::take(self);
        let mut instruments = last.instruments;
        instruments.begin_day();
        *self = Self {
            allowed: last.allowed,
            calendar: last.calendar,
            authority: last.authority.of_another_day(),
            feed_up: last.feed_up,
            execution_beat_ns: last.execution_beat_ns,
            instruments,
            pace: last.pace,
            ..Self::default()
        };
    }

    pub fn limits(&self) -> &Limits {
        &self.allowed.limits
    }

    pub fn portfolio(&self) -> &Portfolio {
        &self.portfolio
    }

    /// Instrument token and mark of a position, by its index in the portfolio. (A flat one's own mark rests.)
    pub fn quote_of(&self, position: usize) -> (u32, i64) {
        let instrument = self
            .instruments
            .get(self.position_instruments[position] as usize);
        (instrument.row.token, instrument.mark_e4)
    }

    pub fn trading_state(&self, now_ns: i64) -> TradingState {
        self.authority.trading_state(Day::at(now_ns))
    }

    /// The rule or the fault that takes back a permission for good: the day's loss (R44), or numbers out of range.
    pub fn tripped(&self, now_ns: i64) -> Option<&str> {
        self.authority
            .fault()
            .or_else(|| self.authority.lost(Day::at(now_ns)).then_some("R44"))
    }

    /// Why the gate trusts nothing any more, if so.
    pub fn fault(&self) -> Option<&str> {
        self.authority.fault()
    }

    pub fn exposure(&self) -> &Exposure {
        &self.instruments.total
    }

    pub fn summary(&self, now_ns: i64) -> GateSummary {
        GateSummary {
            trading_state: self.trading_state(now_ns),
            gross_e4: self.portfolio.gross_e4(),
            charges_e4: self.portfolio.charges_e4(),
            reserved_e4: i64::try_from(self.reserved.value_e4).unwrap_or(i64::MAX),
            open_orders: self.reserved.open_orders,
        }
    }
}

fields! {
    CachedVerdict { fingerprint, judgement, order }
    Funds { available_e4, utilised_e4, spent_e4, spent_before_e4 }
    Reserved { value_e4, margin_e4, open_orders }
    Scope { latch, strategy, symbol }
    Allowed { limits, scopes, outside_closing_auction }
    Gate {
        allowed,
        calendar, authority, feed_up,
        execution_beat_ns, instruments, orders, reserved, strategies, strategy_orders, verdicts, recalled, funds, pace, portfolio,
        position_instruments, trades,
    }
}
