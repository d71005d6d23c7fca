//! What holds of the gate as a whole, under any course of events.
use std::collections::HashMap;

use proptest::prelude::*;

use super::gate::{CachedVerdict, Gate};
use super::instrument::Instrument;
use super::instruments::Exposure;
use super::limits::{CEILINGS, Column, Limits};
use super::rate::Pace;
use super::rules::RULES;
use super::trading_state::TradingState;
use super::verdict::Judgement;
use super::{Fill, Update};
use crate::day::Day;
use crate::kite::{Tick, TickBatch};
use crate::payload::execution::Verb;
use crate::payload::strategy::{Action, IntentKind, Signal};
use crate::payload::world::LatchState;
use crate::payload::{List, Table, decode, encode};
use crate::terms::{Exchange, InstrumentKind, OrderType, Product, Side, Validity};

const SECOND_NS: i64 = 1_000_000_000;
const NOW_NS: i64 = 1_795_062_600 * SECOND_NS; // 2026-11-19 10:00 in India
const MONO_NS: i64 = 1_000 * SECOND_NS;
const DAY: Day = Day::of(2026, 11, 19);
const LAST_E4: i64 = 15_000_000;
const POSITION_MAX: i64 = 60;
const TOKENS: [u32; 2] = [408_065, 738_561];
const SYMBOLS: [&str; 2] = ["INFY", "RELIANCE"];

fn limits() -> Limits {
    let mut limits = Limits::default();
    for ceiling in CEILINGS {
        limits
            .set(ceiling.name, ceiling.kitesim, Column::Kitesim)
            .unwrap();
    }
    limits
        .set("position_quantity_max", POSITION_MAX, Column::Kitesim)
        .unwrap();
    limits.set("open_orders_max", 12, Column::Kitesim).unwrap();
    limits
        .set("entry_age_ms_max", 5_000, Column::Kitesim)
        .unwrap();
    limits
}

fn share(at: usize) -> Instrument {
    Instrument {
        kind: InstrumentKind::Cash,
        tick_e4: 500,
        lot: 1,
        freeze: 99_999,
        products: 0xff,
        lower_e4: LAST_E4 / 2,
        upper_e4: LAST_E4 * 2,
        previous_close_e4: LAST_E4,
        file_day: Some(DAY),
        ..Instrument::unknown(TOKENS[at], Exchange::Nse, SYMBOLS[at])
    }
}

/// What one order of the account is to its broker.
#[derive(Clone)]
struct Live {
    tag: String,
    at: usize,
    side: Side,
    product: Product,
    quantity: i64,
    filled: i64,
    done: bool,
}

/// A gate, its clock, and the broker's side of what it passed.
#[derive(Clone)]
struct Course {
    gate: Gate,
    mono_ns: i64,
    intents: u128,
    trades: u64,
    live: Vec<Live>,
    /// True positions, as the broker has them.
    held: HashMap<(usize, Product), i64>,
}

#[derive(Clone, Debug)]
struct Step {
    kind: u8,
    at: usize,
    sells: bool,
    intraday: bool,
    quantity: i64,
    ticks_away: i64,
    pick: usize,
}

fn steps(count: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (
        0u8..12,
        0usize..2,
        any::<bool>(),
        any::<bool>(),
        1i64..50,
        -40i64..40,
        0usize..1000,
    );
    let step = step.prop_map(
        |(kind, at, sells, intraday, quantity, ticks_away, pick)| Step {
            kind,
            at,
            sells,
            intraday,
            quantity,
            ticks_away,
            pick,
        },
    );
    prop::collection::vec(step, 0..count)
}

impl Course {
    fn new() -> Self {
        let mut gate = Gate::default();
        gate.allowed.limits = limits();
        (0..2).for_each(|at| gate.on_instrument(share(at)));
        gate.on_latch(LatchState::Active, NOW_NS);
        gate.on_reconciled(true);
        gate.on_funds(1_000_000_000_000, 0);
        let holdings = (0..2).map(|at| (Exchange::Nse, SYMBOLS[at], TOKENS[at], 1_000));
        gate.on_holdings(holdings);
        let held = HashMap::new();
        let mut course = Self {
            gate,
            mono_ns: MONO_NS,
            intents: 0,
            trades: 0,
            live: Vec::new(),
            held,
        };
        course.tick(-31, LAST_E4);
        course.tick(0, LAST_E4);
        course
    }

    fn tick(&mut self, second: i64, last_e4: i64) {
        self.gate.on_execution_beat(self.mono_ns);
        let exchange_ns = NOW_NS + second * SECOND_NS;
        let ticks = TOKENS.map(|token| Tick {
            exchange_ns,
            ..Tick::new(token, last_e4)
        });
        self.gate.on_ticks(
            &TickBatch::from_ticks(&ticks).unwrap(),
            NOW_NS,
            self.mono_ns,
        );
    }

    fn signal(&self, step: &Step) -> Signal<'static> {
        Signal {
            strategy: ["cross", "dip"][step.pick % 2],
            exchange: "NSE",
            tradingsymbol: SYMBOLS[step.at],
            instrument_token: TOKENS[step.at].into(),
            action: if step.sells {
                Action::Sell
            } else {
                Action::Buy
            },
            intent: if step.pick.is_multiple_of(3) {
                IntentKind::Exit
            } else {
                IntentKind::Enter
            },
            quantity: step.quantity,
            order_type: OrderType::Limit,
            price_e4: LAST_E4 + step.ticks_away * 500,
            trigger_price_e4: 0,
            product: if step.intraday {
                Product::Mis
            } else {
                Product::Cnc
            },
            validity: Validity::Day,
            confidence: 1.0,
            data: List::default(),
            data_ts_ns: 0,
            reason: "",
            indicators: Table::default(),
            deadline_ns: self.mono_ns + SECOND_NS,
            order: "",
            market_protection_bp: 0,
        }
    }

    fn judge(&mut self, signal: &Signal<'_>) -> Judgement {
        self.intents += 1;
        self.gate.judge(signal, self.intents, NOW_NS, self.mono_ns)
    }

    fn step(&mut self, step: &Step) {
        match step.kind {
            0..=4 => self.ask(step),
            5 => self.modify(step),
            6..=8 => self.trade(step),
            9 => self.finish(step),
            10 => self.refuse(step),
            _ => {
                self.mono_ns += SECOND_NS * 2;
                self.tick(0, LAST_E4 + step.ticks_away * 500);
            }
        }
    }

    fn ask(&mut self, step: &Step) {
        let signal = self.signal(step);
        if self.judge(&signal).is_approved() {
            let tag = format!("K{}", self.live.len());
            self.gate.on_intent(&tag, self.intents);
            let (side, product) = (signal.action.side().unwrap(), signal.product);
            self.live.push(Live {
                tag,
                at: step.at,
                side,
                product,
                quantity: signal.quantity,
                filled: 0,
                done: false,
            });
        }
    }

    /// The broker may take the change, or turn it down; until it says so nobody knows.
    fn modify(&mut self, step: &Step) {
        let Some(live) = self.pick(step) else { return };
        let order = self.live[live].clone();
        let signal = Signal {
            intent: IntentKind::Modify,
            order: &order.tag,
            action: match order.side {
                Side::Buy => Action::Buy,
                Side::Sell => Action::Sell,
            },
            product: order.product,
            tradingsymbol: SYMBOLS[order.at],
            instrument_token: TOKENS[order.at].into(),
            ..self.signal(step)
        };
        if self.judge(&signal).is_approved() {
            match step.intraday {
                true => self.live[live].quantity = signal.quantity,
                false => self.gate.on_reject(&order.tag, "", 0, Verb::Modify),
            }
            self.show(live, signal.price_e4);
        }
    }

    fn pick(&self, step: &Step) -> Option<usize> {
        let open: Vec<usize> = (0..self.live.len())
            .filter(|at| !self.live[*at].done)
            .collect();
        (!open.is_empty()).then(|| open[step.pick % open.len()])
    }

    fn trade(&mut self, step: &Step) {
        let Some(at) = self.pick(step) else { return };
        let order = &mut self.live[at];
        let quantity = step.quantity.min(order.quantity - order.filled);
        if quantity <= 0 {
            return;
        }
        order.filled += quantity;
        *self.held.entry((order.at, order.product)).or_default() += order.side.sign() * quantity;
        self.trades += 1;
        let (tag, trade_id) = (order.tag.clone(), self.trades.to_string());
        let (side, product, of) = (order.side, order.product, order.at);
        let fill = Fill {
            tag: &tag,
            order_id: &tag,
            trade_id: &trade_id,
            exchange: Exchange::Nse,
            tradingsymbol: SYMBOLS[of],
            token: TOKENS[of],
            side,
            product,
            quantity,
            price_e4: LAST_E4 + step.ticks_away * 500,
            strategy: "",
        };
        self.gate.on_fill(&fill, NOW_NS);
        self.gate.on_fill(&fill, NOW_NS); // told twice, booked once
    }

    /// The rest is cancelled, or all is filled.
    fn finish(&mut self, step: &Step) {
        if let Some(at) = self.pick(step) {
            self.live[at].done = true;
            self.show(at, LAST_E4);
        }
    }

    fn refuse(&mut self, step: &Step) {
        if let Some(at) = self.pick(step)
            && self.live[at].filled == 0
        {
            self.live[at].done = true;
            let tag = self.live[at].tag.clone();
            self.gate.on_reject(&tag, "", 0, Verb::Place);
        }
    }

    fn show(&mut self, at: usize, price_e4: i64) {
        let order = self.live[at].clone();
        self.gate.on_update(&Update {
            tag: &order.tag,
            order_id: &order.tag,
            exchange: Exchange::Nse,
            tradingsymbol: SYMBOLS[order.at],
            token: TOKENS[order.at],
            side: order.side,
            product: order.product,
            quantity: order.quantity,
            filled: order.filled,
            price_e4,
            is_final: order.done,
            strategy: "cross",
        });
    }
}

fn after(steps: &[Step]) -> Course {
    let mut course = Course::new();
    steps.iter().for_each(|step| course.step(step));
    course
}

/// All that the gate knows but the verdicts it keeps.
fn knowledge(gate: &Gate) -> String {
    format!(
        "{:?}",
        Gate {
            verdicts: Default::default(),
            ..gate.clone()
        }
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_position_never_leaves_its_limit(all in steps(80)) {
        let mut course = Course::new();
        for step in &all {
            course.step(step);

            for at in 0..2 {
                let gross: i64 = [Product::Cnc, Product::Mis]
                    .iter()
                    .map(|product| course.held.get(&(at, *product)).copied().unwrap_or(0).abs())
                    .sum();
                prop_assert!(gross <= POSITION_MAX, "{gross} after {step:?}");
            }
        }
    }

    #[test]
    fn nothing_but_cancels_passes_while_halted(all in steps(40), last in steps(12)) {
        let mut course = after(&all);
        course.gate.on_kill();

        for step in &last {
            let signal = course.signal(step);
            prop_assert!(!course.judge(&signal).is_approved());
            let cancel = Signal { intent: IntentKind::Cancel, ..signal };
            prop_assert!(course.judge(&cancel).is_approved());
        }
    }

    #[test]
    fn the_order_of_the_rules_changes_the_reason_and_never_the_verdict(
        all in steps(40),
        last in steps(2),
        order in Just((0..RULES.len()).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let course = after(&all);
        for step in &last {
            let (mut straight, mut shuffled) = (course.clone(), course.clone());
            let signal = course.signal(step);
            let one = straight.judge(&signal);
            let rules = order.iter().map(|at| &RULES[*at]);
            let other = shuffled.gate.judge_by(rules, &signal, course.intents + 1, NOW_NS, course.mono_ns);

            prop_assert_eq!(one.is_approved(), other.is_approved());
            prop_assert_eq!(one.verdict().evaluated, other.verdict().evaluated);
            prop_assert_eq!(one.verdict().refused, other.verdict().refused);
            prop_assert_eq!(knowledge(&straight.gate), knowledge(&shuffled.gate));
        }
    }

    #[test]
    fn a_tighter_limit_never_lets_more_pass(
        all in steps(40),
        last in steps(6),
        tightened in 0..CEILINGS.len(),
        to in prop_oneof![Just(0i64), 1i64..200, 1i64..100_000_000_000],
    ) {
        let course = after(&all);
        let name = CEILINGS[tightened].name;
        for step in &last {
            let (mut wide, mut tight) = (course.clone(), course.clone());
            let mut limits = limits();
            let now = current(&limits, name);
            limits.set(name, to.min(now), Column::Kitesim).unwrap();
            tight.gate.allowed.limits = limits;
            let signal = course.signal(step);

            prop_assert!(wide.judge(&signal).is_approved() || !tight.judge(&signal).is_approved(), "{name}");
        }
    }

    #[test]
    fn a_refusal_changes_nothing(all in steps(40), last in steps(8)) {
        let mut course = after(&all);
        for step in &last {
            let before = knowledge(&course.gate);
            let signal = course.signal(step);
            if !course.judge(&signal).is_approved() {
                prop_assert_eq!(knowledge(&course.gate), before);
            }
        }
    }

    #[test]
    fn the_same_intent_is_answered_and_reserved_once(all in steps(40), last in steps(4)) {
        let mut course = after(&all);
        for step in &last {
            let signal = course.signal(step);
            let first = course.judge(&signal);
            let knew = knowledge(&course.gate);
            course.mono_ns += SECOND_NS * 100;
            let again = course.gate.judge(&signal, course.intents, NOW_NS, course.mono_ns);

            let other = Signal { price_e4: signal.price_e4 + 500, ..signal.clone() };
            let other = course.gate.judge(&other, course.intents, NOW_NS, course.mono_ns);

            prop_assert_eq!(first, again);
            prop_assert!(!other.is_approved());
            prop_assert_eq!(knowledge(&course.gate), knew);
        }
    }

    #[test]
    fn the_sums_are_those_of_the_orders(all in steps(80)) {
        let course = after(&all);
        let gate = &course.gate;
        let orders: Vec<_> = gate.verdicts.values().filter_map(|CachedVerdict { order, .. }| *order).collect();
        let mut orders: Vec<usize> = orders.into_iter().map(|at| at as usize).collect();
        orders.sort_unstable();
        orders.dedup(); // a modify names the order that it changes
        let bound: Vec<_> = orders.iter().map(|at| gate.orders.get(*at).worst(1).unwrap()).collect();
        let exposure = TOKENS.iter().fold(Exposure::default(), |sum, token| {
            let instrument = gate.instruments.get(gate.instruments.by_token(*token).unwrap());
            sum.plus(instrument.exposure_with(Product::Cnc, instrument.of(Product::Cnc), instrument.mark_e4).unwrap()).unwrap()
        });

        prop_assert_eq!(gate.reserved.open_orders, bound.iter().filter(|one| one.open).count() as i64);
        prop_assert_eq!(gate.reserved.value_e4, bound.iter().map(|one| i128::from(one.value_e4)).sum::<i128>());
        prop_assert_eq!(gate.reserved.margin_e4, bound.iter().map(|one| i128::from(one.margin_e4)).sum::<i128>());
        prop_assert_eq!(gate.strategy_orders.iter().sum::<i64>(), gate.reserved.open_orders);
        prop_assert_eq!(gate.instruments.total, exposure);
        prop_assert_eq!(gate.fault(), None);
    }

    #[test]
    fn numbers_of_any_size_are_refused_and_never_panic(
        quantity: i64, price_e4: i64, trigger_price_e4: i64, deadline_ns: i64, token: i64, protection: i64,
        mono_ns: i64, words in (0usize..4, 0usize..4, 0usize..3, 0usize..2), known: bool,
    ) {
        let mut course = Course::new();
        let step = Step { kind: 0, at: 0, sells: words.3 == 1, intraday: false, quantity, ticks_away: 0, pick: 1 };
        let signal = Signal {
            quantity,
            price_e4,
            trigger_price_e4,
            deadline_ns,
            instrument_token: if known { TOKENS[0].into() } else { token },
            order_type: OrderType::ALL[words.0],
            product: Product::ALL[words.1],
            validity: Validity::ALL[words.2],
            market_protection_bp: protection,
            ..course.signal(&step)
        };

        let judgement = course.gate.judge(&signal, 1, NOW_NS, mono_ns);

        // One of 2^64 quantities below the limit would be an order; everything else must be refused.
        prop_assert!(!judgement.is_approved() || (1..=POSITION_MAX).contains(&quantity));
        prop_assert_eq!(course.gate.fault(), None);
    }

    #[test]
    fn an_account_of_any_size_halts_the_gate_and_never_panics(
        quantity: i64, price_e4: i64, filled: i64, is_final: bool, sells: bool,
    ) {
        let mut course = Course::new();
        let side = if sells { Side::Sell } else { Side::Buy };
        for token in [TOKENS[0], 9] {
            let update = Update {
                tag: "", order_id: "1", exchange: Exchange::Nse, tradingsymbol: SYMBOLS[0], token, side,
                product: Product::Mis, quantity, filled, price_e4, is_final, strategy: "",
            };
            course.gate.on_update(&update);
            let fill = Fill {
                tag: "", order_id: "1", trade_id: "1", exchange: Exchange::Nse, tradingsymbol: SYMBOLS[0], token,
                side, product: Product::Mis, quantity, price_e4, strategy: "",
            };
            course.gate.on_fill(&fill, NOW_NS);
        }
        course.tick(1, LAST_E4);

        let summary = course.gate.summary(NOW_NS);
        prop_assert!(course.gate.fault().is_none() || summary.trading_state == super::TradingState::Halted);
    }
}

fn current(limits: &Limits, name: &str) -> i64 {
    // The limits are wide, so that the smallest value that cannot be set below tells what is set.
    let mut probe = limits.clone();
    let ceiling = CEILINGS
        .iter()
        .find(|ceiling| ceiling.name == name)
        .unwrap()
        .kitesim;
    for value in [POSITION_MAX, 12, 5_000, ceiling] {
        probe
            .set(name, value.min(ceiling), Column::Kitesim)
            .unwrap();
        if probe == *limits {
            return value.min(ceiling);
        }
    }
    unreachable!("{name} is set to none of the values above")
}

#[test]
fn the_days_loss_is_latched_although_the_price_recovers() {
    let mut course = Course::new();
    let mut limits = limits();
    limits
        .set("capital_e4", 1_000_000_000, Column::Kitesim)
        .unwrap(); // 1 lakh: 2 % is 2,000 rupees
    limits
        .set("daily_loss_bp_max", 200, Column::Kitesim)
        .unwrap();
    limits
        .set("gross_pct_max", 1_000_000, Column::Kitesim)
        .unwrap();
    course.gate.allowed.limits = limits;
    let buy = Step {
        kind: 0,
        at: 0,
        sells: false,
        intraday: true,
        quantity: 50,
        ticks_away: 0,
        pick: 1,
    };
    course.step(&buy);
    course.step(&Step {
        kind: 6,
        pick: 0,
        ..buy.clone()
    });
    course.step(&Step {
        kind: 9,
        pick: 0,
        ..buy.clone()
    });
    assert_eq!(course.gate.tripped(NOW_NS), None);

    course.tick(1, LAST_E4 - 400_000); // 50 x 40 rupees
    course.tick(2, LAST_E4);

    assert_eq!(course.gate.tripped(NOW_NS), Some("R44"));
    course.mono_ns += SECOND_NS;
    let entry = course.signal(&buy);
    let refused = course.judge(&entry);
    assert!(!refused.is_approved() && refused.verdict().refused & 1 << 44 != 0);
    let exit = Signal {
        action: Action::Sell,
        intent: IntentKind::Exit,
        ..course.signal(&buy)
    };
    assert!(course.judge(&exit).is_approved());
    course.gate.on_latch(LatchState::Halted, NOW_NS);
    course.gate.on_latch(LatchState::Active, NOW_NS);
    course.gate.on_arm(NOW_NS);
    let entry = course.signal(&buy);
    assert!(!course.judge(&entry).is_approved());
}

#[test]
fn an_intent_without_an_id_is_refused() {
    let mut course = Course::new();
    let step = Step {
        kind: 0,
        at: 0,
        sells: false,
        intraday: true,
        quantity: 1,
        ticks_away: 0,
        pick: 1,
    };
    let signal = course.signal(&step);

    let judgement = course.gate.judge(&signal, 0, NOW_NS, course.mono_ns);

    assert_eq!(judgement.verdict().refused, 1 << 7);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_gate_goes_on_from_its_snapshot_as_the_one_it_was_taken_of(all in steps(60), more in steps(20)) {
        let mut course = after(&all);
        let snapshot = encode(&course.gate);
        let mut restored = course.clone();
        restored.gate = decode("snapshot", &snapshot).unwrap();

        prop_assert_eq!(&encode(&restored.gate), &snapshot);
        for step in &more {
            course.step(step);
            restored.step(step);
            prop_assert_eq!(encode(&restored.gate), encode(&course.gate));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn another_day_begins_with_nothing_of_the_last_ones_orders(all in steps(60), more in steps(20)) {
        let tomorrow_ns = NOW_NS + 86_400 * SECOND_NS;
        let mut course = after(&all);
        course.gate.begin_day();

        prop_assert_eq!(course.gate.trading_state(tomorrow_ns), TradingState::Halted);
        course.gate.on_latch(LatchState::Halted, tomorrow_ns);
        course.gate.on_latch(LatchState::Active, tomorrow_ns);
        prop_assert_eq!(course.gate.trading_state(tomorrow_ns), TradingState::Reconciling);

        // From here on it is as a gate that has never traded, but for the pace, which is the machine's time.
        let mut new = Course::new();
        new.gate.on_gap(&[]);
        course.gate.pace = Pace::default();
        course.gate.execution_beat_ns = new.gate.execution_beat_ns;
        let mono_ns = course.mono_ns;
        course = Course { gate: course.gate, ..Course::new() };
        for one in [&mut course, &mut new] {
            one.mono_ns = mono_ns;
            one.gate.on_latch(LatchState::Halted, NOW_NS);
            one.gate.on_latch(LatchState::Active, NOW_NS);
            one.gate.on_reconciled(true);
            one.gate.on_funds(1_000_000_000_000, 0);
            one.tick(-31, LAST_E4);
            one.tick(0, LAST_E4);
            more.iter().for_each(|step| one.step(step));
        }
        prop_assert_eq!(encode(&course.gate), encode(&new.gate));
    }
}
