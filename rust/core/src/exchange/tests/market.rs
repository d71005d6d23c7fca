//! The market as the world sees it.

use proptest::prelude::*;

use crate::calendar::clock::{CLOSE_NS, HOUR_NS, MINUTE_NS, OPEN_NS, SECOND_NS, at_ns};
use crate::day::Day;
use crate::exchange::hours::{Hours, Phase};
use crate::exchange::market::candles::Interval;
use crate::exchange::market::day_statistics::DayStatistics;
use crate::exchange::market::listing::Hit;
use crate::exchange::market::market_maker::LEVELS;
use crate::exchange::market::path::{Path, Synthetic, frozen};
use crate::exchange::market::simulated::{Market, Opening};
use crate::exchange::market::universe::Universe;
use crate::exchange::matching::book::{Level, Limit, Rest};
use crate::terms::{Exchange, Side};

const DAY: Day = Day::of(2026, 11, 19);

fn opened(seed: u64, universe: Universe, hours: Hours) -> Market {
    begun(seed, universe, hours, at_ns(DAY, OPEN_NS))
}

fn begun(seed: u64, universe: Universe, hours: Hours, open_ns: i64) -> Market {
    let (previous_close, path) = Synthetic::new(seed, DAY, SECOND_NS);
    Market::open(Opening {
        day: DAY,
        previous_close,
        path: Box::new(path),
        seed,
        step_ns: SECOND_NS,
        universe,
        hours,
        open_ns,
    })
}

fn synthetic(seed: u64) -> Market {
    opened(seed, Universe::House, Hours::Plain)
}

type Shown = (DayStatistics, [Level; LEVELS], [Level; LEVELS], i64);

fn shown(market: &Market) -> Vec<Shown> {
    market
        .listings
        .iter()
        .map(|l| (l.day, l.depth(Side::Buy), l.depth(Side::Sell), l.changed_ns))
        .collect()
}

/// The first instrument of which two markets show something else; none: they agree.
fn difference(one: &Market, other: &Market) -> Option<String> {
    let same = shown(one).into_iter().zip(shown(other));
    let at = same.into_iter().position(|(one, other)| one != other);
    let candles = |market: &Market, at: usize| market.listings[at].minutes.all().to_vec();
    let listed = 0..one.listings.len();
    let at = at.or_else(|| {
        listed
            .into_iter()
            .find(|&at| candles(one, at) != candles(other, at))
    })?;
    let symbol = &one.listings[at].instrument.tradingsymbol;
    let (one, other) = (one.listings[at].day, other.listings[at].day);
    Some(format!("{symbol}: {one:?} {other:?}"))
}

fn run(market: &mut Market, to_ns: i64) {
    while market.next_cut_ns() <= to_ns {
        market.step(&mut Vec::new());
    }
}

fn find(market: &Market, exchange: Exchange, symbol: &str) -> usize {
    market.by_symbol(exchange, symbol).expect("listed")
}

fn sane(market: &Market) {
    for listing in &market.listings {
        let (row, day) = (&listing.instrument, &listing.day);
        if day.open_e4 == 0 {
            assert_eq!(day.volume, 0, "{row:?}");
            continue;
        }
        assert!(
            day.low_e4 > 0 && day.low_e4 <= day.last_e4 && day.last_e4 <= day.high_e4,
            "{row:?} {day:?}"
        );
        if row.tradable() {
            let (bid, ask) = (listing.depth(Side::Buy)[0], listing.depth(Side::Sell)[0]);
            assert!(
                bid.price_e4 < ask.price_e4 || ask.price_e4 == 0,
                "{row:?} {bid:?} {ask:?}"
            );
            assert_eq!(day.last_e4 % row.tick_e4, 0);
            assert_eq!(day.volume % row.lot, 0);
            assert!(row.in_band(day.last_e4), "{row:?} {day:?}");
            assert!(
                (day.low_e4..=day.high_e4).contains(&day.average_e4()),
                "{row:?} {day:?}"
            );
        } else {
            assert_eq!(
                (day.volume, listing.total(Side::Buy)),
                (0, 0),
                "an index does not trade"
            );
        }
    }
}

#[test]
fn a_day_of_the_market_stays_sane() {
    let mut market = synthetic(3);
    let mut hits = Vec::new();
    for _ in 0..3000 {
        market.step(&mut hits);
        sane(&market);
    }
    assert!(hits.is_empty());
    let future = find(&market, Exchange::Nfo, "NIFTY26NOVFUT");
    assert!(market.listings[future].day.volume > 300_000);
}

#[test]
fn the_full_universe_is_as_sane_as_the_small_one() {
    let mut market = opened(4, Universe::Full, Hours::Plain);
    for _ in 0..4 {
        market.leap(market.now_ns() + 50 * MINUTE_NS);
        for _ in 0..5 {
            market.step(&mut Vec::new());
            sane(&market);
        }
    }
}

/// Every print of the day lies in the day's span, and neither volume nor span ever shrinks.
#[test]
fn a_day_only_grows() {
    let mut market = opened(8, Universe::Full, Hours::Plain);
    let mut before = shown(&market);
    for _ in 0..200 {
        market.step(&mut Vec::new());
        let now = shown(&market);
        for ((then, ..), (day, ..)) in before.iter().zip(&now) {
            assert!(day.volume >= then.volume, "{then:?} {day:?}");
            assert!(
                then.open_e4 == 0 || day.high_e4 >= then.high_e4,
                "{then:?} {day:?}"
            );
            assert!(
                then.open_e4 == 0 || day.low_e4 <= then.low_e4,
                "{then:?} {day:?}"
            );
        }
        before = now;
    }
}

#[test]
fn the_future_stays_near_the_index_and_shares_move_with_it() {
    let mut market = synthetic(5);
    for _ in 0..6000 {
        market.step(&mut Vec::new());
    }
    let last =
        |exchange, symbol| market.listings[find(&market, exchange, symbol)].day.last_e4 as f64;

    let (future, index) = (
        last(Exchange::Nfo, "NIFTY26NOVFUT"),
        last(Exchange::Nse, "NIFTY 50"),
    );
    assert!((future / index - 1.0).abs() < 0.003);
    assert!((last(Exchange::Bse, "SBIN") / last(Exchange::Nse, "SBIN") - 1.0).abs() < 0.002);
}

#[test]
fn calls_cost_less_the_higher_their_strike_and_more_the_later_they_end() {
    let mut market = opened(2, Universe::Full, Hours::Plain);
    run(&mut market, at_ns(DAY, OPEN_NS) + 90 * SECOND_NS);
    let mid = |symbol: &str| {
        let listing = &market.listings[find(&market, Exchange::Nfo, symbol)];
        (listing.depth(Side::Buy)[0].price_e4 + listing.depth(Side::Sell)[0].price_e4) / 2
    };

    for step in 0..10 {
        let strike = 25_800 + step * 50;
        let call = |expiry: &str, strike: i64| mid(&format!("NIFTY{expiry}{strike}CE"));
        assert!(call("26NOV", strike) > call("26NOV", strike + 50));
        assert!(call("26NOV", strike) < call("26D01", strike));
        assert!(call("26D01", strike) < call("26DEC", strike));
    }
}

#[test]
fn users_orders_change_nothing_that_is_shown() {
    let (mut alone, mut shared) = (synthetic(9), synthetic(9));
    let mut trades = Vec::new();
    let mut hits = Vec::new();
    for step in 0..400_u64 {
        alone.step(&mut Vec::new());
        shared.step(&mut hits);
        for (index, listing) in shared.listings.iter_mut().enumerate() {
            if !listing.instrument.tradable() {
                continue;
            }
            let order = Limit {
                id: (step * 1000 + index as u64) * 2 + 1,
                owner: 1 + (step % 2) as u32,
                side: if step % 3 == 0 { Side::Buy } else { Side::Sell },
                price_e4: listing.day.last_e4 + (step as i64 % 5 - 2) * listing.instrument.tick_e4,
                quantity: 500,
            };
            listing.take(order, false, &mut trades);
        }
        assert_eq!(difference(&alone, &shared), None);
    }
    assert!(!trades.is_empty() && !hits.is_empty());
}

#[test]
fn a_frozen_market_stands_still_never_ends_and_fills_up_again() {
    let (previous_close, path) = frozen(1, at_ns(DAY, OPEN_NS));
    let mut market = Market::new(DAY, previous_close, path, 1, SECOND_NS);
    market.step(&mut Vec::new());
    let before = shown(&market);
    let index = find(&market, Exchange::Nse, "INFY");
    let ask = market.listings[index].depth(Side::Sell)[0];
    let order = Limit {
        id: 1,
        owner: 1,
        side: Side::Buy,
        price_e4: ask.price_e4,
        quantity: ask.quantity,
    };

    for _ in 0..2 {
        let mut trades = Vec::new();
        let rest = market.listings[index].take(order, true, &mut trades);
        assert_eq!(rest, Rest::Filled);
        market.step(&mut Vec::new());
    }

    assert_eq!(shown(&market), before);
    assert!(!market.ended());
}

#[test]
fn a_path_that_is_over_ends_the_market_and_its_last_value_is_shown() {
    let (mut market, mut last) = (synthetic(1), 0.0);
    for point in Synthetic::new(1, DAY, SECOND_NS).1 {
        last = point.value;
    }
    while !market.ended() {
        market.step(&mut Vec::new());
    }
    assert_eq!(market.now_ns(), at_ns(DAY, CLOSE_NS));
    assert!((market.listings[0].day.last_e4 - (last * 1e4) as i64).abs() < 500);
    sane(&market);
}

#[test]
fn a_file_that_ends_early_ends_the_market_when_it_does_leaps_or_none() {
    let end_ns = at_ns(DAY, OPEN_NS) + 1233 * SECOND_NS;
    let path = || -> Path { Box::new(Synthetic::new(1, DAY, SECOND_NS).1.take(1234)) };
    let mut stepped = Market::new(DAY, 26_000.0, path(), 1, SECOND_NS);
    let mut leapt = Market::new(DAY, 26_000.0, path(), 1, SECOND_NS);

    while !stepped.ended() {
        stepped.step(&mut Vec::new());
    }
    while !leapt.ended() {
        leapt.leap(at_ns(DAY, CLOSE_NS));
        leapt.step(&mut Vec::new());
    }

    assert_eq!((stepped.now_ns(), leapt.now_ns()), (end_ns, end_ns));
    assert_eq!(difference(&stepped, &leapt), None);
}

#[test]
fn a_leap_shows_the_same_as_every_step_of_it() {
    for hours in [Hours::Plain, Hours::Dated] {
        let (mut stepped, mut leapt) = (
            opened(6, Universe::House, hours),
            opened(6, Universe::House, hours),
        );
        for to_ns in [
            10 * HOUR_NS + 7,
            11 * HOUR_NS + 90 * SECOND_NS,
            15 * HOUR_NS + 32 * MINUTE_NS,
        ] {
            let to_ns = at_ns(DAY, to_ns);
            run(&mut stepped, to_ns);
            let mut steps = 0;
            while leapt.next_cut_ns() <= to_ns {
                leapt.leap(to_ns);
                leapt.step(&mut Vec::new());
                steps += 1;
            }
            assert!(steps < 2500, "{steps} steps");
            assert_eq!(difference(&stepped, &leapt), None);
        }
    }
}

#[test]
fn candles_hold_the_days_volume_and_span() {
    let mut market = opened(3, Universe::Full, Hours::Plain);
    market.step(&mut Vec::new());
    market.leap(at_ns(DAY, OPEN_NS) + 200 * MINUTE_NS);
    run(
        &mut market,
        at_ns(DAY, OPEN_NS) + 200 * MINUTE_NS + 20 * SECOND_NS,
    );

    for listing in &market.listings {
        let whole = Interval::Day.gather(listing.minutes.all())[0];
        let day = &listing.day;
        assert_eq!(
            (whole.open_e4, whole.high_e4, whole.low_e4, whole.volume),
            (day.open_e4, day.high_e4, day.low_e4, day.volume),
            "{}",
            listing.instrument.tradingsymbol
        );
    }
}

#[test]
fn the_sessions_of_a_day_open_by_auction_and_close_by_auction() {
    let mut market = opened(11, Universe::Full, Hours::Dated);
    let at = |hour: i64, minute: i64| at_ns(DAY, hour * HOUR_NS + minute * MINUTE_NS);
    let infy = find(&market, Exchange::Nse, "INFY");
    let option = find(&market, Exchange::Nfo, "NIFTY26NOV26000CE");
    let dollar = find(&market, Exchange::Cds, "USDINR26NOVFUT");

    run(&mut market, at(9, 3));
    assert_eq!(
        market.listings[infy].phase,
        Phase::Gathering {
            market_orders: true
        }
    );
    assert_eq!(market.listings[infy].day.open_e4, 0);
    assert_eq!(market.listings[option].phase, Phase::Closed);
    assert!(market.listings[dollar].day.volume > 0);

    // Two users who would meet above the fair price; only one price is made.
    let reference_e4 = market.listings[infy].instrument.previous_close_e4;
    for (id, side, away) in [
        (1, Side::Buy, 20_000),
        (3, Side::Sell, -20_000),
        (5, Side::Buy, -400_000),
    ] {
        let order = Limit {
            id,
            owner: id as u32,
            side,
            price_e4: reference_e4 + away * 10,
            quantity: 50,
        };
        let rest = market.listings[infy].take(order, false, &mut Vec::new());
        assert_eq!(rest, Rest::Standing(50));
    }
    let mut hits = Vec::new();
    while market.next_cut_ns() <= at(9, 12) {
        market.step(&mut hits);
    }
    let open_e4 = market.listings[infy].day.open_e4;
    let trades: Vec<_> = hits
        .iter()
        .map(|hit| match hit {
            Hit::Trade(trade) => *trade,
            Hit::Prevented(_) => panic!("nobody meets himself"),
        })
        .collect();
    let traded: i64 = trades.iter().map(|trade| trade.quantity).sum();
    assert!(open_e4 > 0 && (50..=100).contains(&traded));
    assert!(trades.iter().all(|trade| trade.price_e4 == open_e4));
    assert_eq!(market.listings[infy].standing(5), 50, "waits for the open");

    run(&mut market, at(9, 16));
    assert_eq!(market.listings[infy].standing(5), 50, "in the book");
    assert!(market.listings[infy].depth(Side::Buy)[0].quantity > 0);

    market.leap(at(15, 14));
    run(&mut market, at(15, 21));
    let before = market.listings[infy].day;
    assert_eq!(market.listings[infy].depth(Side::Buy)[0].quantity, 0);
    assert_eq!(market.listings[infy].standing(5), 50, "carried over");
    assert_eq!(market.listings[option].phase, Phase::Continuous);
    run(&mut market, at(15, 31));
    let after = market.listings[infy].day;
    assert!(after.volume > before.volume, "the closing auction");
    assert_eq!(market.listings[infy].phase, Phase::Closed);
    assert_eq!(market.listings[option].phase, Phase::Continuous);
    run(&mut market, at(15, 41));
    assert_eq!(market.listings[option].phase, Phase::Closed);
    sane(&market);
    assert!(!market.ended());
    while !market.ended() {
        market.leap(at(23, 59));
        market.step(&mut Vec::new());
    }
    assert_eq!(market.now_ns(), at(23, 55));
}

#[test]
fn a_dated_market_that_began_before_its_hours_shows_the_same() {
    let at = |hour: i64, minute: i64| at_ns(DAY, hour * HOUR_NS + minute * MINUTE_NS);
    let mut late = begun(3, Universe::House, Hours::Dated, at(11, 0));
    assert_eq!(late.now_ns(), at(9, 0));
    run(&mut late, at(10, 0));
    for open_ns in [at(0, 0) - 5 * MINUTE_NS, at(6, 7), at(8, 59)] {
        let mut early = begun(3, Universe::House, Hours::Dated, open_ns);
        assert_eq!(early.now_ns(), open_ns.max(at(0, 0)));
        run(&mut early, at(10, 0));
        assert_eq!(difference(&late, &early), None);
    }
}

#[test]
fn nothing_trades_on_a_sunday_unless_the_market_is_always_open() {
    let sunday = Day::of(2026, 11, 22);
    let open = |hours: Hours| {
        let open_ns = at_ns(sunday, 3 * HOUR_NS);
        let (previous_close, path) = Synthetic::between(1, open_ns, i64::MAX, SECOND_NS);
        let mut market = Market::open(Opening {
            day: sunday,
            previous_close,
            path: Box::new(path),
            seed: 1,
            step_ns: SECOND_NS,
            universe: Universe::House,
            hours,
            open_ns,
        });
        for _ in 0..100 {
            market.step(&mut Vec::new());
        }
        market
    };

    let closed = open(Hours::Dated);
    assert!(
        closed.ended()
            && closed
                .listings
                .iter()
                .all(|listing| listing.day.volume == 0)
    );
    let always = open(Hours::Always);
    assert!(!always.ended());
    assert!(
        always
            .listings
            .iter()
            .all(|listing| !listing.instrument.tradable() || listing.day.volume > 0)
    );
    assert_eq!(always.now_ns(), at_ns(sunday, 3 * HOUR_NS) + 99 * SECOND_NS);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// The moment decides, not the steps that led to it.
    #[test]
    fn any_leap_is_the_same_as_its_steps(seed: u64, from in 1_i64..5000, more in 1_i64..4000) {
        let (mut stepped, mut leapt) = (synthetic(seed), synthetic(seed));
        let open_ns = at_ns(DAY, OPEN_NS);
        run(&mut stepped, open_ns + (from + more) * SECOND_NS);
        run(&mut leapt, open_ns + from * SECOND_NS);
        leapt.leap(open_ns + (from + more) * SECOND_NS);
        run(&mut leapt, open_ns + (from + more) * SECOND_NS);
        prop_assert_eq!(difference(&stepped, &leapt), None);
    }
}
