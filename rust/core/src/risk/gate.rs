//! The gate itself: what it knows, and how it judges.
use std::sync::Arc;

use super::ask::{Ask, Target};
use super::fingerprint::fingerprint;
use super::limits::Limits;
use super::lines::{Exposure, Lines};
use super::orders::{Bound, Order, Orders, Terms};
use super::quick_hash::QuickMap;
use super::rate::Pace;
use super::rules::{EVALUATED_OF_A_CANCEL, RULES, Rule};
use super::standing::{Permit, Standing};
use super::verdict::{Approved, Judgement, Outcome, Reservation, Verdict, Why};
use crate::calendar::Calendar;
use crate::day::Day;
use crate::payload::strategy::{IntentKind, Signal};
use crate::payload::world::LatchState;
use crate::portfolio::Portfolio;
use crate::terms::{Exchange, Overflow};

/// Most signals of one day whose verdicts are kept. Beyond it nothing passes: a signal that came twice could not be
/// told from a new one.
pub const INTENTS_MAX: usize = 1 << 21;

/// Room for a usual day's, so that none of its verdicts waits for a larger table.
const INTENTS_USUAL: usize = 8_192;

/// The first verdict on a signal, and the order that came of it.
#[derive(Clone, Debug)]
pub(super) struct First {
    /// Of the signal: the same id with another signal in it is not the same intent.
    pub fingerprint: u64,
    pub judgement: Judgement,
    pub order: Option<u32>,
}

/// R07 of an id that came before with another signal in it.
const ANOTHER_SIGNAL: Verdict = Verdict {
    evaluated: 1 << 7,
    refused: 1 << 7,
    first: Some((
        7,
        Why::Said("its intent id came before with another signal"),
    )),
};

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
pub struct Reading {
    pub standing: Standing,
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
    pub(super) permit: Permit,
    pub(super) feed_up: bool,
    /// Machine time of execution's last heartbeat; none has come yet.
    pub(super) execution_beat_ns: Option<i64>,
    pub(super) lines: Lines,
    pub(super) orders: Orders,
    pub(super) reserved: Reserved,
    pub(super) strategies: QuickMap<Box<str>, u32>,
    pub(super) strategy_orders: Vec<i64>,
    pub(super) firsts: QuickMap<u128, First>,
    /// Modifies that an earlier process passed and execution has not begun with.
    pub(super) recalled: QuickMap<u128, Terms>,
    pub(super) funds: Option<Funds>,
    pub(super) pace: Pace,
    pub(super) portfolio: Portfolio,
    /// Line of each position.
    pub(super) position_lines: Vec<u32>,
    pub(super) trades: QuickMap<Box<str>, ()>,
}

impl Default for Gate {
    /// A gate that is HALTED, knows of no instrument, has no limits and no funds; its calendar is the shipped one.
    fn default() -> Self {
        Self {
            allowed: Allowed::default(),
            calendar: Calendar::shipped(),
            permit: Permit::default(),
            feed_up: true, // a tick that is fresh proves it; one that is not is refused by its age
            execution_beat_ns: None,
            lines: Lines::default(),
            orders: Orders::default(),
            reserved: Reserved::default(),
            strategies: QuickMap::default(),
            strategy_orders: Vec::new(),
            firsts: QuickMap::with_capacity_and_hasher(INTENTS_USUAL, Default::default()),
            recalled: QuickMap::default(),
            funds: None,
            pace: Pace::default(),
            portfolio: Portfolio::default(),
            position_lines: Vec::new(),
            trades: QuickMap::default(),
        }
    }
}

impl Gate {
    /// Judges one signal and, if it passes, reserves its worst case. The same intent again gets the first answer again;
    /// its id with another signal in it is refused.
    pub fn judge(
        &mut self,
        signal: &Signal<'_>,
        intent: u128,
        now_ns: i64,
        mono_ns: i64,
    ) -> Judgement {
        self.judge_by(RULES.iter(), signal, intent, now_ns, mono_ns)
    }

    /// Judges by rules in an order of the caller's: for the proof that the order changes nothing but the reason.
    pub(super) fn judge_by<'r>(
        &mut self,
        rules: impl Iterator<Item = &'r Rule>,
        signal: &Signal<'_>,
        intent: u128,
        now_ns: i64,
        mono_ns: i64,
    ) -> Judgement {
        let fingerprint = fingerprint(signal);
        if let Some(first) = self.firsts.get(&intent) {
            return if first.fingerprint == fingerprint {
                first.judgement.clone()
            } else {
                Judgement::Blocked(ANOTHER_SIGNAL)
            };
        }
        let day = Day::at(now_ns);
        let (judgement, order) = if signal.intent == IntentKind::Cancel {
            self.pace.take(false, day, mono_ns);
            let verdict = Verdict {
                evaluated: EVALUATED_OF_A_CANCEL,
                ..Verdict::default()
            };
            (
                Judgement::Approved(Approved::new(verdict, Reservation::default())),
                None,
            )
        } else {
            self.watch_loss(day);
            self.judge_order(rules, signal, intent, now_ns, mono_ns)
        };
        if intent != 0 && self.firsts.len() < INTENTS_MAX {
            self.firsts.insert(
                intent,
                First {
                    fingerprint,
                    judgement: judgement.clone(),
                    order,
                },
            );
        }
        judgement
    }

    /// Takes over a verdict of an earlier process, which nothing can judge again: it stands, its order holds back what it
    /// held back, and it counts in the pace. What became of the order, execution's events will tell.
    pub(super) fn recall(
        &mut self,
        signal: &Signal<'_>,
        intent: u128,
        judgement: Judgement,
        now_ns: i64,
        mono_ns: i64,
    ) {
        if self.firsts.contains_key(&intent) {
            return;
        }
        let order = match &judgement {
            Judgement::Blocked(_) => None,
            Judgement::Approved(approved) => {
                // An entry that made a position smaller counts as an entry: the pace may be a little tight.
                let entry = matches!(signal.intent, IntentKind::Enter | IntentKind::Modify);
                self.pace.take(entry, Day::at(now_ns), mono_ns);
                self.recall_order(signal, intent, approved.reservation())
            }
        };
        let first = First {
            fingerprint: fingerprint(signal),
            judgement,
            order,
        };
        self.firsts.insert(intent, first);
    }

    fn recall_order(
        &mut self,
        signal: &Signal<'_>,
        intent: u128,
        held: &Reservation,
    ) -> Option<u32> {
        let exchange = Exchange::parse(signal.exchange)?;
        let units = held
            .quantity
            .checked_mul(exchange.multiplier().unwrap_or(1))
            .filter(|units| *units > 0)?;
        let terms = Terms {
            quantity: signal.quantity,
            limit_e4: signal.price_e4,
            price_e4: (held.value_e4 / units).saturating_add(i64::from(held.value_e4 % units != 0)),
            margin_e4: held.margin_e4,
        };
        if signal.intent == IntentKind::Modify {
            // Which order it changes is known by its tag, and tags by execution's events alone.
            self.recalled.insert(intent, terms);
            return None;
        }
        let token = u32::try_from(signal.instrument_token).ok()?;
        let line = self
            .lines
            .find_or_add(token, exchange, signal.tradingsymbol);
        let strategy = self.strategy(signal.strategy);
        let at = self.orders.add(Order {
            strategy,
            line: line as u32,
            product: signal.product,
            side: signal.action.side()?,
            terms,
            pending: None,
            filled: 0,
            settled: None,
            unknown: false,
            own: true,
            bound: Bound::default(),
        });
        self.rebind(at);
        Some(at as u32)
    }

    /// Execution has begun with a modify that an earlier process passed.
    pub(super) fn recall_modify(&mut self, tag: &str, intent: u128) {
        let Some(terms) = self.recalled.remove(&intent) else {
            return;
        };
        if let Some(at) = self.orders.find(tag, "") {
            self.orders.get_mut(at).pending = Some(terms);
            self.rebind(at);
            if let Some(first) = self.firsts.get_mut(&intent) {
                first.order = Some(at as u32);
            }
        }
    }

    /// The day's loss limit was reached, as an earlier process has said.
    pub(super) fn recall_loss(&mut self, now_ns: i64) {
        self.permit.lose(Day::at(now_ns));
    }

    /// The answer, and the order that was reserved.
    fn judge_order<'r>(
        &mut self,
        rules: impl Iterator<Item = &'r Rule>,
        signal: &Signal<'_>,
        intent: u128,
        now_ns: i64,
        mono_ns: i64,
    ) -> (Judgement, Option<u32>) {
        let ask = Ask::new(self, signal, intent, now_ns, mono_ns);
        let mut verdict = Verdict::default();
        let (mut asked, mut all) = (0u64, 0u64);
        for rule in rules {
            verdict.note(rule.number, rule.judge(&ask));
            asked += 1;
            all |= 1 << rule.number;
        }
        let passes =
            verdict.refused == 0 && verdict.evaluated == all && asked == RULES.len() as u64;
        let approved = match &ask.order {
            Some(order) if passes => ask
                .terms(order)
                .ok()
                .map(|terms| (Accepted::new(&ask, order, terms), ask.day)),
            _ => None,
        };
        let Some((accepted, day)) = approved else {
            return (Judgement::Blocked(verdict), None);
        };
        self.reserve(accepted, day, mono_ns, signal.strategy, verdict)
    }

    fn reserve(
        &mut self,
        accepted: Accepted,
        day: Day,
        mono_ns: i64,
        strategy: &str,
        mut verdict: Verdict,
    ) -> (Judgement, Option<u32>) {
        let Accepted {
            entry,
            terms,
            target,
            order,
        } = accepted;
        self.pace.take(entry, day, mono_ns);
        let at = match target {
            Some(at) => {
                self.orders.get_mut(at).pending = Some(terms);
                at
            }
            None => {
                let strategy = self.strategy(strategy);
                self.orders.add(Order { strategy, ..order })
            }
        };
        self.rebind(at);
        if let Some(fault) = self.permit.fault() {
            // It could not be added up after all: nothing leaves any more.
            verdict.note(54, Outcome::Refuse(Why::Quoted(fault.into())));
            return (Judgement::Blocked(verdict), None);
        }
        let Bound {
            quantity,
            value_e4,
            margin_e4,
            ..
        } = self.orders.get(at).bound;
        let approved = Approved::new(
            verdict,
            Reservation {
                quantity,
                value_e4,
                margin_e4,
            },
        );
        (Judgement::Approved(approved), Some(at as u32))
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
            self.permit
                .fail("the sum of what orders hold back left its range");
        }
    }

    fn try_rebind(&mut self, at: usize) -> Result<(), Overflow> {
        let line_at = self.orders.get(at).line as usize;
        let order = self.orders.get_mut(at);
        let line = self.lines.get_mut(line_at);
        let (was, now) = (order.bound, order.worst(line.multiplier())?);
        order.bound = now;
        let waiting = line.held[order.product as usize].on_its_way(order.side);
        *waiting = waiting
            .checked_add(now.quantity)
            .and_then(|sum| sum.checked_sub(was.quantity))
            .ok_or(Overflow)?;
        let opened = i64::from(now.open) - i64::from(was.open);
        line.open_orders += opened;
        self.strategy_orders[order.strategy as usize] += opened;
        self.reserved.open_orders += opened;
        self.reserved.value_e4 += i128::from(now.value_e4) - i128::from(was.value_e4);
        self.reserved.margin_e4 += i128::from(now.margin_e4) - i128::from(was.margin_e4);
        self.lines.reckon(line_at)
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
            self.permit.lose(day);
        }
    }

    pub fn limits(&self) -> &Limits {
        &self.allowed.limits
    }

    pub fn portfolio(&self) -> &Portfolio {
        &self.portfolio
    }

    /// Instrument token and mark of a position, by its index in the portfolio. (A flat one's own mark rests.)
    pub fn quote_of(&self, position: usize) -> (u32, i64) {
        let line = self.lines.get(self.position_lines[position] as usize);
        (line.instrument.token, line.mark_e4)
    }

    pub fn standing(&self, now_ns: i64) -> Standing {
        self.permit.standing(Day::at(now_ns))
    }

    /// The rule or the fault that takes back a permission for good: the day's loss (R44), or numbers out of range.
    pub fn tripped(&self, now_ns: i64) -> Option<&str> {
        self.permit
            .fault()
            .or_else(|| self.permit.lost(Day::at(now_ns)).then_some("R44"))
    }

    /// Why the gate trusts nothing any more, if so.
    pub fn fault(&self) -> Option<&str> {
        self.permit.fault()
    }

    pub fn exposure(&self) -> &Exposure {
        &self.lines.total
    }

    pub fn reading(&self, now_ns: i64) -> Reading {
        Reading {
            standing: self.standing(now_ns),
            gross_e4: self.portfolio.gross_e4(),
            charges_e4: self.portfolio.charges_e4(),
            reserved_e4: i64::try_from(self.reserved.value_e4).unwrap_or(i64::MAX),
            open_orders: self.reserved.open_orders,
        }
    }
}

/// What is to be reserved, once nothing borrows the gate any more.
struct Accepted {
    entry: bool,
    terms: Terms,
    /// The order that a modify names.
    target: Option<usize>,
    order: Order,
}

impl Accepted {
    fn new(ask: &Ask<'_>, order: &super::ask::Order<'_>, terms: Terms) -> Self {
        let instrument = order.instrument;
        let line = ask
            .gate
            .lines
            .by_token(instrument.token)
            .expect("it was found by its token");
        let target = match ask.target {
            Target::Order(_) => ask.gate.orders.find(ask.signal.order, ""),
            Target::None | Target::Missing => None,
        };
        Self {
            entry: !ask.reduces,
            terms,
            target,
            order: Order {
                strategy: 0,
                line: line as u32,
                product: order.product,
                side: order.side,
                terms,
                pending: None,
                filled: 0,
                settled: None,
                unknown: false,
                own: true,
                bound: Bound::default(),
            },
        }
    }
}

fields! {
    First { fingerprint, judgement, order }
    Funds { available_e4, utilised_e4, spent_e4, spent_before_e4 }
    Reserved { value_e4, margin_e4, open_orders }
    Scope { latch, strategy, symbol }
    Allowed { limits, scopes, outside_closing_auction }
    Gate {
        allowed,
        calendar, permit, feed_up,
        execution_beat_ns, lines, orders, reserved, strategies, strategy_orders, firsts, recalled, funds, pace, portfolio,
        position_lines, trades,
    }
}
