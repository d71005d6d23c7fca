//! What a verdict costs, and a tick: one JSON line each, beside ten comparisons over the same order.
use std::hint::black_box;
use std::time::Instant;

use kitev3_core::day::Day;
use kitev3_core::kite::{Tick, TickBatch};
use kitev3_core::payload::strategy::{Action, IntentKind, Signal};
use kitev3_core::payload::world::LatchState;
use kitev3_core::payload::{List, Table, encode};
use kitev3_core::risk::handler::GateHandler;
use kitev3_core::risk::limits::CEILINGS;
use kitev3_core::risk::{Allowed, Column, Gate, Instrument, Limits};
use kitev3_core::runtime::handler::{Arrival, Handler};
use kitev3_core::runtime::header::{After, Header, Mode, Source};
use kitev3_core::runtime::outbox::Outbox;
use kitev3_core::terms::{Exchange, InstrumentKind, OrderType, Product, Validity};

const SECOND_NS: i64 = 1_000_000_000;
const NOW_NS: i64 = 1_795_062_600 * SECOND_NS; // 2026-11-19 10:00 in India
const LAST_E4: i64 = 260_000_000;
const TOKENS: u32 = 1_000;
const SYMBOL: &str = "NIFTY26NOVFUT";
const ROUNDS: usize = 25;
const EACH: u128 = 4_000; // a day's entries
const APART_NS: i64 = 200_000; // 5,000 signals a second

fn main() {
    let mut gate = ready();
    let morning = gate.clone();
    let signals: Vec<Signal<'_>> = (0..EACH as i64).map(|n| signal(n % 7 * 1_000)).collect();
    let mut mono_ns = 0;
    let (mut passed, mut refused, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        (gate, mono_ns) = (morning.clone(), 0);
        passed.push(each_ns(EACH, |n| {
            mono_ns += APART_NS;
            let one = &signals[n as usize];
            black_box(
                gate.judge(black_box(one), n + 1, NOW_NS, mono_ns)
                    .is_approved(),
            )
        }));
        refused.push(each_ns(EACH, |n| {
            let one = Signal {
                quantity: 64,
                ..signals[n as usize].clone()
            };
            !black_box(
                gate.judge(black_box(&one), (1 << 64) + n, NOW_NS, mono_ns)
                    .is_approved(),
            )
        }));
        floors.push(each_ns(EACH, |n| {
            ten_comparisons(black_box(&signals[n as usize]), black_box(&LIMITS))
        }));
    }
    say("judge", &passed, &floors);
    say("handle", &handled(), &floors);
    say("judge_refused", &refused, &floors);
    let ticks = ticks();
    let (mut ours, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(each_ns(100, |n| {
            gate.on_ticks(
                black_box(&ticks),
                NOW_NS + n as i64 * SECOND_NS / 10,
                mono_ns,
            );
            true
        }));
        floors.push(each_ns(100, |_| {
            black_box(ticks.last_price_e4().iter().sum::<i64>()) > 0
        }));
    }
    let per_tick = |all: &[f64]| {
        all.iter()
            .map(|ns| ns / f64::from(TOKENS))
            .collect::<Vec<_>>()
    };
    say("tick", &per_tick(&ours), &per_tick(&floors));
}

/// From the bytes of a signal to the bytes of its approval.
fn handled() -> Vec<f64> {
    let handler = GateHandler::with(ready(), ["strategy.signal".to_owned()]);
    let payloads: Vec<_> = (0..7).map(|n| encode(&signal(n * 1_000))).collect();
    let says = ["risk.approved", "risk.blocked", "portfolio.snapshot"];
    let arrival = Arrival {
        topic: "strategy.signal",
        subscription: 0,
        schema: 0,
        header: Header {
            mode: Mode::Sim,
            flags: 0,
            schema: 0,
            epoch: 1,
            sparse_seq: 0,
            seq: 1,
            topic_seq: 1,
            after: After::default(),
            ts_ns: NOW_NS,
            cause: 0,
            source: Source::new("strategy").expect("a short name"),
        },
        payload: &[],
        id: 0,
        mono_ns: 0,
        now_ns: NOW_NS,
    };
    let mut all = Vec::new();
    for round in 0..ROUNDS as u128 {
        let mut morning = handler.clone();
        let mut mono_ns = 0;
        all.push(each_ns(EACH, |n| {
            mono_ns += APART_NS;
            let event = Arrival {
                id: round << 64 | (n + 1),
                payload: black_box(&payloads[n as usize % 7]),
                mono_ns,
                ..arrival
            };
            let mut out = Outbox::detached(&says);
            let done = morning.handle(&event, &mut out);
            done.is_ok() && black_box(out.said())[0].publication == 0
        }));
    }
    all
}

/// Ten limits, as a gate without state would look at them.
const LIMITS: [i64; 10] = [
    1,
    i64::MAX,
    1,
    i64::MAX,
    1,
    i64::MAX,
    1,
    i64::MAX,
    1,
    i64::MAX,
];

fn ten_comparisons(signal: &Signal<'_>, limits: &[i64; 10]) -> bool {
    let value_e4 = signal.quantity * signal.price_e4;
    let looked_at = [
        signal.quantity,
        signal.price_e4,
        value_e4,
        signal.deadline_ns,
        signal.instrument_token,
    ];
    looked_at
        .iter()
        .zip(limits.as_chunks::<2>().0)
        .all(|(have, [least, most])| least <= have && have <= most)
}

fn each_ns(count: u128, mut work: impl FnMut(u128) -> bool) -> f64 {
    let began = Instant::now();
    let good = (0..count).filter(|n| work(*n)).count();
    let ns = began.elapsed().as_nanos() as f64 / count as f64;
    assert_eq!(
        good as u128, count,
        "the bench measures another path than it says"
    );
    ns
}

fn say(name: &str, ours: &[f64], floors: &[f64]) {
    let best = |all: &[f64]| all.iter().copied().fold(f64::INFINITY, f64::min);
    let (ns, floor_ns) = (best(ours), best(floors));
    println!(
        r#"{{"name": "{name}", "ns": {ns:.1}, "floor_ns": {floor_ns:.2}, "ratio": {:.2}}}"#,
        ns / floor_ns
    );
}

fn ready() -> Gate {
    let mut limits = Limits::default();
    for limit in CEILINGS {
        limits
            .set(limit.name, limit.kitesim, Column::Kitesim)
            .expect("its own ceiling");
    }
    let mut gate = Gate::default();
    gate.on_limits(Allowed {
        limits,
        ..Allowed::default()
    });
    for token in 0..TOKENS {
        let symbol = if token == 0 {
            SYMBOL.to_owned()
        } else {
            format!("SHARE{token}")
        };
        let exchange = if token == 0 {
            Exchange::Nfo
        } else {
            Exchange::Nse
        };
        gate.on_instrument(Instrument {
            kind: if token == 0 {
                InstrumentKind::Future
            } else {
                InstrumentKind::Cash
            },
            of_index: true,
            expiry: Some(Day::of(2026, 11, 24)),
            tick_e4: 500,
            lot: 65,
            freeze: 1800,
            products: 0xff,
            lower_e4: LAST_E4 / 2,
            upper_e4: LAST_E4 * 2,
            file_day: Some(Day::at(NOW_NS)),
            ..Instrument::unknown(token * 256 + 2, exchange, &symbol)
        });
    }
    gate.on_latch(LatchState::Active, NOW_NS);
    gate.on_reconciled(true);
    gate.on_execution_beat(0);
    gate.on_funds(i64::MAX / 4, 0);
    gate.on_ticks(&ticks(), NOW_NS - 31 * SECOND_NS, 0);
    gate.on_ticks(&ticks(), NOW_NS, 0);
    gate
}

fn ticks() -> TickBatch {
    let ticks: Vec<Tick> = (0..TOKENS)
        .map(|token| Tick::new(token * 256 + 2, LAST_E4))
        .collect();
    TickBatch::from_ticks(&ticks).expect("fewer than a batch holds")
}

fn signal(away_e4: i64) -> Signal<'static> {
    Signal {
        strategy: "cross",
        exchange: "NFO",
        tradingsymbol: SYMBOL,
        instrument_token: 2,
        action: Action::Buy,
        intent: IntentKind::Enter,
        quantity: 65,
        order_type: OrderType::Limit,
        price_e4: LAST_E4 + away_e4,
        trigger_price_e4: 0,
        product: Product::Nrml,
        validity: Validity::Day,
        confidence: 1.0,
        data: List::default(),
        data_ts_ns: 0,
        reason: "",
        indicators: Table::default(),
        deadline_ns: 60 * SECOND_NS,
        order: "",
        market_protection_bp: 0,
    }
}
