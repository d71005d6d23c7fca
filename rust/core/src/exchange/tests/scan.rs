//! The scan's promises, over drawn portfolios of futures, calls and puts of three expiries.

use std::sync::LazyLock;

use proptest::prelude::*;

use crate::calendar::clock::{OPEN_NS, at_ns};
use crate::day::Day;
use crate::exchange::margin::scan::{Leg, Outcomes, Scanned, scan};
use crate::exchange::market::instruments::Instrument;
use crate::exchange::rules::{MarginRates, Rates};
use crate::terms::{Exchange, InstrumentKind};

const TODAY: Day = Day::of(2026, 11, 19);
const PRICE_E4: i64 = 260_000_000;
const EXPIRIES: [Day; 3] = [
    Day::of(2026, 11, 24),
    Day::of(2026, 12, 29),
    Day::of(2027, 1, 27),
];
const STRIKES: [i64; 7] = [23_000, 25_000, 25_800, 26_000, 26_200, 27_000, 29_000];
const LOT: i64 = 65;

fn rates() -> &'static Rates {
    &MarginRates::USUAL.index
}

/// A contract of nothing: (kind, expiry, strike) and its outcomes.
fn contract(kind: InstrumentKind, expiry: Day, strike: i64) -> Leg {
    let outcomes = if kind == InstrumentKind::Future {
        Outcomes::of_future(PRICE_E4, rates())
    } else {
        let option = Instrument {
            token: 1,
            tradingsymbol: String::new(),
            name: String::new(),
            exchange: Exchange::Nfo,
            kind,
            expiry: Some(expiry),
            strike_e4: strike * 10_000,
            tick_e4: 500,
            lot: LOT,
            multiplier: 1,
            freeze_quantity: 0,
            previous_close_e4: 0,
            lower_e4: 0,
            upper_e4: 0,
        };
        Outcomes::of_option(&option, 0.13, PRICE_E4, rates(), at_ns(TODAY, OPEN_NS))
    };
    Leg {
        kind,
        expiry,
        open: 0,
        buys: 0,
        sells: 0,
        outcomes,
    }
}

static CONTRACTS: LazyLock<Vec<Leg>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for expiry in EXPIRIES {
        all.push(contract(InstrumentKind::Future, expiry, 0));
        for strike in STRIKES {
            all.push(contract(InstrumentKind::Call, expiry, strike));
            all.push(contract(InstrumentKind::Put, expiry, strike));
        }
    }
    all
});

const FIRST: usize = 0;
const A_MONTH: usize = 1 + 2 * STRIKES.len();

/// Where a contract stands in the list.
fn at(kind: InstrumentKind, month: usize, strike: i64) -> usize {
    let place = STRIKES.iter().position(|&known| known == strike);
    let of_strike = |side: usize| 1 + 2 * place.expect("listed") + side;
    month * A_MONTH
        + match kind {
            InstrumentKind::Future => FIRST,
            InstrumentKind::Call => of_strike(0),
            _ => of_strike(1),
        }
}

/// Open lots by contract.
type Portfolio = Vec<(usize, i64)>;

fn legs(portfolio: &Portfolio) -> Vec<Leg> {
    let mut legs: Vec<(usize, Leg)> = Vec::new();
    for &(contract, lots) in portfolio {
        let units = i128::from(lots * LOT);
        match legs.iter_mut().find(|(known, _)| *known == contract) {
            Some((_, leg)) => leg.open += units,
            None => {
                let leg = Leg {
                    open: units,
                    ..CONTRACTS[contract]
                };
                legs.push((contract, leg));
            }
        }
    }
    legs.into_iter().map(|(_, leg)| leg).collect()
}

fn scanned(portfolio: &Portfolio) -> Scanned {
    scan(legs(portfolio), PRICE_E4, rates())
}

fn total(portfolio: &Portfolio) -> i64 {
    let of = scanned(portfolio);
    of.span_e4 + of.exposure_e4
}

/// What a portfolio takes of somebody's money: the short options' premiums have come in.
fn needed(portfolio: &Portfolio) -> i64 {
    let received: i64 = legs(portfolio)
        .iter()
        .filter(|leg| leg.open < 0)
        .map(|leg| (-leg.open) as i64 * leg.outcomes.now_e4)
        .sum();
    total(portfolio) - received
}

fn with(portfolio: &Portfolio, more: &Portfolio) -> Portfolio {
    [&portfolio[..], &more[..]].concat()
}

fn portfolios() -> impl Strategy<Value = Portfolio> {
    prop::collection::vec((0..3 * A_MONTH, -20_i64..=20), 0..9)
}

fn futures() -> impl Strategy<Value = Portfolio> {
    prop::collection::vec((0..3_usize, -20_i64..=20), 0..6)
        .prop_map(|months| months.into_iter().map(|(m, q)| (m * A_MONTH, q)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn it_is_never_negative(portfolio in portfolios()) {
        let of = scanned(&portfolio);
        prop_assert!(of.span_e4 >= 0 && of.exposure_e4 >= 0, "{of:?}");
    }

    #[test]
    fn a_bought_option_never_raises_it(
        portfolio in portfolios(), month in 0..3_usize, place in 1..A_MONTH, lots in 1_i64..50,
    ) {
        let hedged = with(&portfolio, &vec![(month * A_MONTH + place, lots)]);
        let (before, after) = (scanned(&portfolio), scanned(&hedged));
        prop_assert!(after.span_e4 <= before.span_e4, "{before:?} {after:?}");
        prop_assert!(after.exposure_e4 <= before.exposure_e4, "{before:?} {after:?}");
    }

    /// The other way up to the size, in any month: a closing trade or a calendar spread.
    #[test]
    fn an_opposite_future_never_raises_it(portfolio in futures(), month in 0..3_usize, part in 0.0_f64..=1.0) {
        let net: i64 = portfolio.iter().map(|(_, lots)| lots).sum();
        let opposite = -(net as f64 * part).round() as i64;
        let hedged = with(&portfolio, &vec![(month * A_MONTH, opposite)]);
        prop_assert!(total(&hedged) <= total(&portfolio));
    }

    /// Of whatever kind it is, what gains the other way needs no exposure of its own up to the size.
    #[test]
    fn an_opposite_direction_never_raises_the_exposure(portfolio in futures(), month in 0..3_usize, part in 0.0_f64..=1.0) {
        let net: i64 = portfolio.iter().map(|(_, lots)| lots).sum();
        let kind = if net > 0 { InstrumentKind::Call } else { InstrumentKind::Put };
        let sold = -(net.abs() as f64 * part).round() as i64;
        // One expiry's futures close each other; those of several stand in both directions.
        let apart = portfolio.iter().all(|(_, lots)| lots.signum() * net.signum() >= 0);
        prop_assume!(apart);
        let funded = with(&portfolio, &vec![(at(kind, month, 26_000), sold)]);
        prop_assert!(scanned(&funded).exposure_e4 <= scanned(&portfolio).exposure_e4);
    }

    #[test]
    fn two_together_never_need_more_than_each_for_itself(one in portfolios(), other in portfolios()) {
        let (both, a, b) = (scanned(&with(&one, &other)), scanned(&one), scanned(&other));
        prop_assert!(both.span_e4 <= a.span_e4 + b.span_e4, "{both:?} {a:?} {b:?}");
        prop_assert!(both.exposure_e4 <= a.exposure_e4 + b.exposure_e4, "{both:?} {a:?} {b:?}");
    }

    #[test]
    fn the_order_of_the_legs_is_all_the_same(portfolio in portfolios(), by in 0_usize..9) {
        let mut turned = legs(&portfolio);
        if !turned.is_empty() {
            let by = by % turned.len();
            turned.rotate_left(by);
            turned.reverse();
        }
        prop_assert_eq!(scan(turned, PRICE_E4, rates()), scanned(&portfolio));
    }

    #[test]
    fn an_order_never_sets_money_free(
        portfolio in portfolios(), contract in 0..3 * A_MONTH, lots in 1_i128..30, buys: bool, waiting in 0_i128..30,
    ) {
        let mut before = legs(&with(&portfolio, &vec![(contract, 0)]));
        let place = before.iter().position(|leg| {
            leg.outcomes == CONTRACTS[contract].outcomes && leg.expiry == CONTRACTS[contract].expiry && leg.kind == CONTRACTS[contract].kind
        });
        let place = place.expect("put there");
        before[place].sells = waiting;
        let mut after = before.clone();
        if buys { after[place].buys += lots } else { after[place].sells += lots }
        let (before, after) = (scan(before, PRICE_E4, rates()), scan(after, PRICE_E4, rates()));
        prop_assert!(after.span_e4 >= before.span_e4 && after.exposure_e4 >= before.exposure_e4);
    }

    /// An order is taken for what it would tie up traded: whichever orders trade, it was enough.
    #[test]
    fn open_orders_tie_up_the_worst_that_may_come_of_them(
        portfolio in portfolios(),
        orders in prop::collection::vec((0..3 * A_MONTH, -9_i64..=9, any::<bool>()), 0..6),
    ) {
        let mut waiting = legs(&with(&portfolio, &orders.iter().map(|(c, _, _)| (*c, 0)).collect()));
        let mut held = portfolio.clone();
        let mut premiums = 0;
        for &(contract, lots, trades) in &orders {
            let known = &CONTRACTS[contract];
            let leg = waiting.iter_mut().find(|leg| {
                (leg.kind, leg.expiry, leg.outcomes) == (known.kind, known.expiry, known.outcomes)
            });
            let leg = leg.expect("put there");
            let units = i128::from(lots * LOT);
            if lots > 0 { leg.buys += units } else { leg.sells -= units }
            if trades {
                held.push((contract, lots));
                if known.kind != InstrumentKind::Future && lots < 0 {
                    premiums += -lots * LOT * known.outcomes.now_e4;
                }
            }
        }
        let (waiting, traded) = (scan(waiting, PRICE_E4, rates()), scanned(&held));
        prop_assert!(traded.span_e4 - premiums <= waiting.span_e4, "{traded:?} {waiting:?}");
        prop_assert!(traded.exposure_e4 <= waiting.exposure_e4, "{traded:?} {waiting:?}");
    }

    #[test]
    fn no_quantity_is_too_large_for_it(
        portfolio in prop::collection::vec((0..3 * A_MONTH, i64::MIN / 100..i64::MAX / 100), 1..9),
    ) {
        let of = scanned(&portfolio);
        prop_assert!(of.span_e4 >= 0 && of.exposure_e4 >= 0);
    }
}

#[test]
fn a_future_ties_up_its_range_and_its_exposure() {
    let of = scanned(&vec![(at(InstrumentKind::Future, 0, 0), 1)]);

    assert_eq!(of.span_e4, 65 * PRICE_E4 / 10_000 * 930);
    assert_eq!(of.exposure_e4, 65 * PRICE_E4 / 10_000 * 200);
    assert_eq!(of, scanned(&vec![(at(InstrumentKind::Future, 0, 0), -1)]));
}

#[test]
fn a_bought_option_ties_up_nothing_but_its_premium() {
    for kind in [InstrumentKind::Call, InstrumentKind::Put] {
        assert_eq!(scanned(&vec![(at(kind, 0, 26_000), 7)]), Scanned::default());
    }
}

#[test]
fn a_short_straddle_needs_less_than_its_two_legs() {
    let (call, put) = (
        at(InstrumentKind::Call, 0, 26_000),
        at(InstrumentKind::Put, 0, 26_000),
    );
    let legs = needed(&vec![(call, -1)]) + needed(&vec![(put, -1)]);
    let straddle = needed(&vec![(call, -1), (put, -1)]);

    assert!(straddle < legs * 7 / 10, "{straddle} {legs}");
    assert!(straddle > legs / 3, "one side of it can still lose");
}

#[test]
fn a_spread_is_bounded_by_its_width() {
    let units = LOT * 10_000;
    let bull = vec![
        (at(InstrumentKind::Call, 0, 26_000), 1),
        (at(InstrumentKind::Call, 0, 26_200), -1),
    ];
    let bear = vec![
        (at(InstrumentKind::Call, 0, 26_000), -1),
        (at(InstrumentKind::Call, 0, 26_200), 1),
    ];

    assert_eq!(
        scanned(&bull).span_e4,
        0,
        "the bought one covers the sold one"
    );
    let span_e4 = scanned(&bear).span_e4;
    assert!((150 * units..=200 * units).contains(&span_e4), "{span_e4}");
    assert!(needed(&bear) < needed(&vec![(at(InstrumentKind::Call, 0, 26_200), -1)]));
}

#[test]
fn an_iron_condor_needs_a_wing_and_not_two_strangles() {
    let condor = vec![
        (at(InstrumentKind::Put, 0, 25_000), 1),
        (at(InstrumentKind::Put, 0, 25_800), -1),
        (at(InstrumentKind::Call, 0, 26_200), -1),
        (at(InstrumentKind::Call, 0, 27_000), 1),
    ];
    let strangle = vec![
        (at(InstrumentKind::Put, 0, 25_800), -1),
        (at(InstrumentKind::Call, 0, 26_200), -1),
    ];
    let span_e4 = scanned(&condor).span_e4;

    assert!(span_e4 <= 800 * LOT * 10_000, "one wing at most: {span_e4}");
    assert!(span_e4 * 2 < scanned(&strangle).span_e4);
}

#[test]
fn a_calendar_is_cheaper_than_a_naked_leg_and_dearer_than_nothing() {
    let future = |month, lots| (at(InstrumentKind::Future, month, 0), lots);
    let calendar = scanned(&vec![future(0, 1), future(1, -1)]);
    let naked = scanned(&vec![future(0, 1)]);

    assert_eq!(calendar.span_e4, 65 * PRICE_E4 / 10_000 * 175);
    assert!(calendar.span_e4 < naked.span_e4);
    assert_eq!(calendar.exposure_e4, naked.exposure_e4);

    let (near, far) = (
        at(InstrumentKind::Call, 0, 26_000),
        at(InstrumentKind::Call, 1, 26_000),
    );
    assert!(total(&vec![(near, -1), (far, 1)]) < total(&vec![(near, -1)]));
}

#[test]
fn far_out_short_options_are_charged_the_least_there_is() {
    let far = vec![(at(InstrumentKind::Put, 0, 23_000), -1)];
    let least_e4 = 65 * PRICE_E4 / 10_000 * 300;

    assert_eq!(scanned(&far).span_e4, least_e4);
    let funded = with(&far, &vec![(at(InstrumentKind::Put, 0, 25_000), 1)]);
    assert_eq!(scanned(&funded).span_e4, 0);
}

#[test]
fn a_conversion_is_next_to_riskless() {
    let conversion = vec![
        (at(InstrumentKind::Future, 0, 0), 1),
        (at(InstrumentKind::Put, 0, 26_000), 1),
        (at(InstrumentKind::Call, 0, 26_000), -1),
    ];
    let of = scanned(&conversion);

    assert_eq!(
        of.span_e4,
        65 * PRICE_E4 / 10_000 * 300,
        "the least for the call, which no bought call stands against"
    );
}
