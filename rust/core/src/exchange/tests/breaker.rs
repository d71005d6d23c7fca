//! A day on which the index falls too far.

use crate::calendar::clock::{HOUR_NS, MINUTE_NS, OPEN_NS, SECOND_NS, at_ns};
use crate::exchange::hours::{Hours, Phase};
use crate::exchange::market::listing::Listing;
use crate::exchange::market::path::{Path, Point, Synthetic};
use crate::exchange::market::simulated::{Market, Opening};
use crate::exchange::market::universe::Universe;
use crate::exchange::rules::Rules;
use crate::exchange::state::Exchange;
use crate::exchange::tests::exchanges::{DAY, filled, unlimited};
use crate::terms;

const CLOSE: f64 = 26_000.0;

fn at(hour: i64, minute: i64) -> i64 {
    at_ns(DAY, hour * HOUR_NS + minute * MINUTE_NS)
}

/// A point a second: the close, and from each time on so many percent beside it.
fn driven(moves: &[(i64, f64)]) -> Path {
    let moves = moves.to_vec();
    let seconds = (at_ns(DAY, OPEN_NS)..=at(15, 30)).step_by(SECOND_NS as usize);
    Box::new(seconds.map(move |time_ns| {
        let last = moves.iter().rev().find(|(from_ns, _)| *from_ns <= time_ns);
        let percent = last.map_or(0.0, |(_, percent)| *percent);
        Point {
            time_ns,
            value: CLOSE * (1.0 + percent / 100.0) + (time_ns / SECOND_NS % 7) as f64 * 0.05,
        }
    }))
}

fn market(path: Path, hours: Hours, universe: Universe) -> Market {
    Market::open(Opening {
        day: DAY,
        previous_close: CLOSE,
        path,
        seed: 9,
        step_ns: SECOND_NS,
        universe,
        hours,
        open_ns: at(9, 0),
    })
}

fn exchange(moves: &[(i64, f64)]) -> Exchange {
    let mut rules = unlimited(Rules::strict_2026());
    rules.square_off = None;
    let users = ["A".to_owned()];
    Exchange::new(
        market(driven(moves), Hours::Dated, Universe::Full),
        rules,
        &users,
    )
}

fn find<'a>(market: &'a Market, symbol: &str) -> &'a Listing {
    let exchanges = [
        terms::Exchange::Nse,
        terms::Exchange::Nfo,
        terms::Exchange::Cds,
    ];
    let listing = exchanges
        .into_iter()
        .find_map(|exchange| market.by_symbol(exchange, symbol));
    &market.listings[listing.expect("listed")]
}

const SYMBOLS: [&str; 5] = [
    "NIFTY 50",
    "INFY",
    "NIFTY26NOVFUT",
    "NIFTY26NOV26000PE",
    "USDINR26NOVFUT",
];

fn phases(market: &Market) -> [Phase; 5] {
    SYMBOLS.map(|symbol| find(market, symbol).phase)
}

const OPEN: [Phase; 5] = [Phase::Continuous; 5];
const HALTED: [Phase; 5] = [
    Phase::Halt,
    Phase::Halt,
    Phase::Halt,
    Phase::Halt,
    Phase::Continuous,
];

fn order(exchange: &mut Exchange, pairs: &[(&str, &str)]) -> Result<usize, String> {
    let rest = [
        ("exchange", "NSE"),
        ("tradingsymbol", "INFY"),
        ("transaction_type", "BUY"),
        ("quantity", "10"),
        ("product", "CNC"),
        ("order_type", "LIMIT"),
    ];
    let form = filled(pairs, &rest);
    let now_ns = exchange.now_ns();
    let placed = exchange.place_form(0, "regular", &form, now_ns);
    let id = placed.map_err(|refusal| refusal.message)?;
    Ok(exchange.find(0, &id).expect("in the book"))
}

/// A sale that waits for far more than the day brings.
const HIGH: [(&str, &str); 2] = [("transaction_type", "SELL"), ("price", "1650")];

#[test]
fn ten_percent_before_one_oclock_halt_shares_and_derivatives_for_an_hour_with_its_auction() {
    let mut exchange = exchange(&[(at(11, 23) + 10 * SECOND_NS, -10.5)]);
    exchange.advance(at(11, 0));
    let resting = order(&mut exchange, &HIGH).expect("taken");
    exchange.advance(at(11, 24) - SECOND_NS);
    assert_eq!(phases(&exchange.market), OPEN, "from the next minute on");

    exchange.advance(at(11, 24));
    assert_eq!(phases(&exchange.market), HALTED);
    let state = &exchange.orders[resting].now;
    assert_eq!(state.status.name(), "CANCELLED");
    let why = state.message.as_deref().expect("it says why");
    assert!(why.contains("circuit breaker"), "{why}");
    let refusal = order(&mut exchange, &HIGH).expect_err("halted");
    assert!(refusal.contains("circuit breaker"), "{refusal}");
    let (index, volume) = (
        find(&exchange.market, "NIFTY 50").day,
        find(&exchange.market, "INFY").day.volume,
    );
    let dollars = find(&exchange.market, "USDINR26NOVFUT").day.volume;

    exchange.advance(at(12, 9) - SECOND_NS);
    assert_eq!(phases(&exchange.market), HALTED);
    assert_eq!(find(&exchange.market, "NIFTY 50").day, index);
    assert_eq!(find(&exchange.market, "INFY").day.volume, volume);
    assert!(find(&exchange.market, "USDINR26NOVFUT").day.volume > dollars);

    exchange.advance(at(12, 10));
    let gathering = Phase::Gathering {
        market_orders: true,
    };
    let mut expected = HALTED;
    (expected[1], expected[2]) = (gathering, gathering);
    assert_eq!(phases(&exchange.market), expected);
    // The best that may be bid: whoever sells in the auction sells to it.
    let price = crate::exchange::market::instruments::decimal(
        find(&exchange.market, "INFY").instrument.upper_e4,
    );
    let bids = order(&mut exchange, &[("price", &price)]).expect("an auction takes it");

    exchange.advance(at(12, 20));
    assert_eq!(exchange.orders[bids].now.status.name(), "COMPLETE");
    assert_eq!(phases(&exchange.market)[1..3], [Phase::Pause, Phase::Pause]);

    exchange.advance(at(12, 24));
    assert_eq!(phases(&exchange.market), OPEN);
    exchange.advance(at(12, 25));
    assert!(find(&exchange.market, "INFY").day.volume > volume);
    exchange.advance(at(15, 16));
    assert_eq!(
        phases(&exchange.market)[1],
        Phase::Pause,
        "the closing auction"
    );
}

#[test]
fn what_has_fallen_further_meanwhile_is_halted_again_and_twenty_percent_end_the_day() {
    let moves = [(at(11, 23), -10.5), (at(12, 0), -15.5), (at(14, 30), -20.5)];
    let mut market = market(driven(&moves), Hours::Dated, Universe::Full);
    let mut go = |to_ns: i64| {
        while market.next_cut_ns() <= to_ns {
            market.leap(to_ns);
            market.step(&mut Vec::new());
        }
        phases(&market)
    };

    assert_eq!(go(at(12, 24)), OPEN);
    assert_eq!(go(at(12, 25)), HALTED, "for an hour and three quarters");
    assert_eq!(go(at(14, 10) - SECOND_NS), HALTED);
    assert_eq!(go(at(14, 25)), OPEN);
    let mut closed = [Phase::Closed; 5];
    closed[4] = Phase::Continuous;
    assert_eq!(go(at(14, 31)), closed);
    assert_eq!(go(at(15, 52)), closed, "no session follows");
    let infy = find(&market, "INFY");
    assert_eq!(infy.closed_e4(), Some(infy.day.last_e4));
}

#[test]
fn a_rise_halts_too_but_ten_percent_after_half_past_two_do_not() {
    let mut risen = exchange(&[(at(13, 30), 11.0)]);
    risen.advance(at(13, 31));
    assert_eq!(phases(&risen.market), HALTED);
    risen.advance(at(14, 1));
    assert_eq!(
        phases(&risen.market),
        OPEN,
        "a quarter of an hour and the auction"
    );

    let mut late = exchange(&[(at(14, 30), -11.0)]);
    late.advance(at(14, 45));
    assert_eq!(phases(&late.market), OPEN);
}

#[test]
fn only_a_market_that_keeps_hours_is_halted() {
    for hours in [Hours::Plain, Hours::Always] {
        let mut market = market(driven(&[(at(9, 17), -12.0)]), hours, Universe::Full);
        while market.next_cut_ns() <= at(9, 20) {
            market.step(&mut Vec::new());
        }
        assert_eq!(phases(&market), OPEN);
    }
}

#[test]
fn a_halt_comes_at_the_same_moment_whether_the_market_leaps_or_not() {
    // It looks over the edge for a second, between two minutes that nobody watches, and falls an hour later.
    let moves = [
        (at(10, 30) + 30 * SECOND_NS, -10.2),
        (at(10, 30) + 31 * SECOND_NS, -9.0),
        (at(12, 24), -16.0),
    ];
    let run = |leaps: bool| {
        let mut market = market(driven(&moves), Hours::Dated, Universe::House);
        while market.next_cut_ns() <= at(14, 50) {
            if leaps {
                market.leap(at(14, 50));
            }
            market.step(&mut Vec::new());
        }
        market
    };
    let (stepped, leapt) = (run(false), run(true));

    for (one, other) in stepped.listings.iter().zip(&leapt.listings) {
        let symbol = &one.instrument.tradingsymbol;
        assert_eq!((one.phase, one.day), (other.phase, other.day), "{symbol}");
        assert_eq!(one.minutes.all(), other.minutes.all(), "{symbol}");
    }
}

#[test]
fn no_ordinary_day_comes_near_the_breaker() {
    for seed in 0..200 {
        let (close, path) = Synthetic::new(seed, DAY, SECOND_NS);
        let far = path.map(|point| (point.value / close - 1.0).abs());
        let furthest = far.fold(0.0, f64::max);
        assert!(furthest < 0.06, "seed {seed}: {furthest}");
    }
}
