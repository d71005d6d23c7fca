//! The end of a trading day: closing prices, and the session at them.

use crate::calendar::clock::{HOUR_NS, MINUTE_NS, OPEN_NS, SECOND_NS, at_ns};
use crate::day::Day;
use crate::exchange::forms::history::wish;
use crate::exchange::hours::{Hours, Phase};
use crate::exchange::market::candles::Interval;
use crate::exchange::market::instruments::{RUPEE_E4, decimal};
use crate::exchange::market::listing::Listing;
use crate::exchange::market::path::Synthetic;
use crate::exchange::market::simulated::{Market, Opening};
use crate::exchange::market::universe::Universe;
use crate::exchange::rules::Rules;
use crate::exchange::state::Exchange;
use crate::exchange::tests::exchanges::{DAY, filled, unlimited};
use crate::exchange::views::history::candles;
use crate::exchange::views::json_value::Value;
use crate::terms;

/// Before the closing auction and the derivatives' ten minutes more.
const JULY: Day = Day::of(2026, 7, 30);

fn at(day: Day, hour: i64, minute: i64) -> i64 {
    at_ns(day, hour * HOUR_NS + minute * MINUTE_NS)
}

fn market(day: Day, seed: u64) -> Market {
    let open_ns = at_ns(day, OPEN_NS);
    let (previous_close, path) = Synthetic::between(seed, open_ns, i64::MAX, SECOND_NS);
    Market::open(Opening {
        day,
        previous_close,
        path: Box::new(path),
        seed,
        step_ns: SECOND_NS,
        universe: Universe::House,
        hours: Hours::Dated,
        open_ns,
    })
}

fn exchange(day: Day, seed: u64, rules: Rules) -> Exchange {
    let users = ["A".to_owned(), "B".to_owned()];
    Exchange::new(market(day, seed), unlimited(rules), &users)
}

fn find<'a>(exchange: &'a Exchange, symbol: &str) -> &'a Listing {
    let of = |at| exchange.market.by_symbol(at, symbol);
    let listing = of(terms::Exchange::Nse).or_else(|| of(terms::Exchange::Nfo));
    &exchange.market.listings[listing.expect("listed")]
}

/// The mean of a stretch of minutes, each at the middle of its span, on the tick grid.
fn mean_e4(listing: &Listing, from_ns: i64, until_ns: i64) -> i64 {
    let within = listing
        .minutes
        .all()
        .iter()
        .filter(|c| (from_ns..until_ns).contains(&c.start_ns));
    let (volume, value) = within.fold((0, 0), |(volume, value), c| {
        let middle = i128::from((c.low_e4 + c.high_e4) / 2);
        (
            volume + i128::from(c.volume),
            value + middle * i128::from(c.volume),
        )
    });
    listing
        .instrument
        .on_tick((value / volume) as f64 / RUPEE_E4 as f64)
}

fn day_close(exchange: &Exchange, symbol: &str) -> Value {
    let fields = ["from", "to"].map(|name| (name.to_owned(), exchange.market.day.to_string()));
    let wish = wish("day", &fields, &exchange.rules).expect("a day");
    let token = find(exchange, symbol).instrument.token.to_string();
    let answer = candles(exchange, &token, &wish).expect("known");
    let Some(Value::List(rows)) = answer.get("candles") else {
        panic!("no candles")
    };
    let Value::List(row) = &rows[0] else {
        panic!("no row")
    };
    row[4].clone()
}

#[test]
fn the_last_half_hour_makes_the_close_of_shares_and_contracts_where_no_auction_does() {
    for (day, share_from, derivatives_from) in
        [(JULY, Some((15, 0)), (15, 0)), (DAY, None, (15, 10))]
    {
        let mut exchange = exchange(day, 5, Rules::strict_2026());
        exchange.advance(at(day, 15, 41));
        let future = if day == JULY {
            "NIFTY26AUGFUT"
        } else {
            "NIFTY26NOVFUT"
        };
        let (hour, minute) = derivatives_from;
        let contract = find(&exchange, future);
        let from_ns = at(day, hour, minute);
        assert_eq!(
            contract.closed_e4(),
            Some(mean_e4(contract, from_ns, from_ns + 30 * MINUTE_NS))
        );
        assert_eq!(
            day_close(&exchange, future),
            Value::Rupees(contract.closing_e4())
        );
        let infy = find(&exchange, "INFY");
        let close_e4 = match share_from {
            Some((hour, minute)) => mean_e4(infy, at(day, hour, minute), at(day, 15, 30)),
            None => infy.day.last_e4,
        };
        assert_eq!(infy.closed_e4(), Some(close_e4));
        assert_eq!(day_close(&exchange, "INFY"), Value::Rupees(close_e4));
        let index = find(&exchange, "NIFTY 50");
        assert_eq!(index.closed_e4(), Some(index.day.last_e4));
    }
}

#[test]
fn the_closing_auction_is_in_the_days_candle() {
    let mut exchange = exchange(DAY, 5, Rules::strict_2026());
    exchange.advance(at(DAY, 15, 31));

    let infy = find(&exchange, "INFY");
    let whole = Interval::Day.gather(infy.minutes.all())[0];
    assert_eq!(whole.volume, infy.day.volume);
    assert_eq!(
        (whole.high_e4, whole.low_e4, whole.close_e4),
        (infy.day.high_e4, infy.day.low_e4, infy.day.last_e4)
    );
}

fn order(exchange: &mut Exchange, account: usize, pairs: &[(&str, &str)]) -> Result<usize, String> {
    let rest = [
        ("exchange", "NSE"),
        ("tradingsymbol", "INFY"),
        ("transaction_type", "BUY"),
        ("quantity", "10"),
        ("product", "CNC"),
        ("order_type", "MARKET"),
        ("market_protection", "-1"),
    ];
    let form = filled(pairs, &rest);
    let now_ns = exchange.now_ns();
    let variety = pairs
        .iter()
        .find(|(key, _)| *key == "variety")
        .map_or("regular", |(_, text)| text);
    let placed = exchange.place_form(account, variety, &form, now_ns);
    let id = placed.map_err(|refusal| refusal.message)?;
    Ok(exchange.find(account, &id).expect("in the book"))
}

#[test]
fn after_the_close_shares_trade_at_the_closing_price_alone() {
    for (day, begins) in [(JULY, (15, 40)), (DAY, (15, 50))] {
        for seed in 0..4 {
            let mut exchange = exchange(day, seed, Rules::strict_2026());
            exchange.advance(at(day, begins.0, begins.1) - SECOND_NS);
            let refusal = order(&mut exchange, 0, &[]).expect_err("between two sessions");
            assert!(refusal.starts_with("Markets are closed"), "{refusal}");

            exchange.advance(at(day, begins.0, begins.1));
            let close_e4 = find(&exchange, "INFY").closing_e4();
            let close = decimal(close_e4);
            let bought = order(&mut exchange, 0, &[]).expect("taken");
            let limits = [("order_type", "LIMIT"), ("price", close.as_str())];
            let sold = [limits[0], limits[1], ("transaction_type", "SELL")];
            let sold = order(&mut exchange, 1, &sold).expect("taken");
            exchange.advance(at(day, 15, 59));

            for index in [bought, sold] {
                let state = &exchange.orders[index].now;
                assert_eq!(state.status.name(), "COMPLETE");
                assert_eq!((state.average_e4(), state.price_e4), (close_e4, close_e4));
            }
        }
    }
}

#[test]
fn the_post_close_session_refuses_what_has_no_place_in_it() {
    let mut exchange = exchange(DAY, 5, Rules::legacy());
    exchange.advance(at(DAY, 15, 52));
    let close_e4 = find(&exchange, "INFY").closing_e4();
    let (close, above) = (decimal(close_e4), decimal(close_e4 + 1000));
    let limit = ("order_type", "LIMIT");
    for (pairs, words) in [
        (vec![limit, ("price", &above)], "the closing price alone"),
        (vec![("validity", "IOC")], "SL, SL-M, IOC"),
        (
            vec![("order_type", "SL-M"), ("trigger_price", &above)],
            "SL, SL-M, IOC",
        ),
        (vec![("product", "MIS")], "MIS orders are not allowed"),
        (
            vec![
                ("variety", "iceberg"),
                limit,
                ("price", &close),
                ("iceberg_legs", "2"),
                ("iceberg_quantity", "5"),
            ],
            "Only regular orders",
        ),
        (
            vec![
                ("exchange", "NFO"),
                ("tradingsymbol", "NIFTY26NOVFUT"),
                ("quantity", "65"),
                ("product", "NRML"),
            ],
            "Markets are closed",
        ),
    ] {
        let refusal = order(&mut exchange, 0, &pairs).expect_err(words);
        assert!(refusal.contains(words), "{refusal}");
    }
    assert!(exchange.orders.is_empty());
}

#[test]
fn what_the_post_close_session_leaves_is_cancelled_at_its_end() {
    let rules = Rules {
        share_quantity_max: 100_000_000, // one order is more than there is
        ..Rules::legacy()
    };
    let mut exchange = exchange(DAY, 5, rules);
    exchange.advance(at(DAY, 15, 51));
    // More than the market maker has at once, on both sides: one of them waits.
    exchange.accounts[0].cash_e4 *= 1_000_000;
    exchange.accounts[1].holdings[0].quantity = 90_000_000;
    let much = ("quantity", "90000000");
    let buys = order(&mut exchange, 0, &[much]).expect("taken");
    exchange.advance(at(DAY, 15, 52));
    let bought = exchange.orders[buys].now.filled;
    exchange.advance(at(DAY, 15, 59));
    assert!(exchange.orders[buys].now.filled >= bought);
    assert_eq!(exchange.orders[buys].now.status.name(), "OPEN");

    exchange.advance(at(DAY, 16, 0));

    assert_eq!(exchange.orders[buys].now.status.name(), "CANCELLED");
    assert_eq!(find(&exchange, "INFY").phase, Phase::Closed);
    let close_e4 = find(&exchange, "INFY").closing_e4();
    assert!(exchange.executions.iter().all(|e| e.price_e4 == close_e4));
    let (mut alone, day) = (exchange_alone(), find(&exchange, "INFY").day);
    alone.advance(at(DAY, 16, 0));
    assert_eq!(find(&alone, "INFY").day, day, "the world is shown the same");
}

fn exchange_alone() -> Exchange {
    exchange(DAY, 5, Rules::legacy())
}

/// Orders in every session of a contract's last day, and what everybody was told of them.
fn a_last_day(seed: u64) -> (Vec<String>, Vec<i64>, String) {
    let day = Day::of(2026, 11, 23);
    let mut exchange = exchange(day, seed, Rules::strict_2026());
    let mut ask = |account, hour, minute, variety: &str, pairs: &[(&str, &str)]| {
        exchange.advance(at(day, hour, minute));
        let mut pairs = pairs.to_vec();
        pairs.push(("variety", variety));
        // What this seed's prices refuse is refused each time.
        let _ = order(&mut exchange, account, &pairs);
    };
    let contract = [
        ("exchange", "NFO"),
        ("tradingsymbol", "NIFTY26NOVFUT"),
        ("quantity", "65"),
        ("product", "NRML"),
    ];
    let sale = [("transaction_type", "SELL")];
    ask(0, 9, 2, "regular", &[]);
    ask(1, 9, 3, "regular", &sale);
    ask(0, 11, 0, "regular", &contract);
    let offer = [
        sale[0],
        ("order_type", "LIMIT"),
        ("price", "1500"),
        ("auction_number", "1594"),
    ];
    ask(1, 14, 0, "auction", &offer);
    ask(0, 15, 21, "regular", &sale);
    ask(1, 15, 22, "regular", &[]);
    ask(0, 15, 51, "regular", &[]);
    ask(1, 15, 52, "regular", &sale);
    exchange.advance(at(day, 16, 0));
    let frames = exchange.take_frames();
    let told = frames.iter().map(|frame| format!("{frame:?}")).collect();
    let funds = vec![
        exchange.accounts[0].funds_e4(),
        exchange.accounts[1].funds_e4(),
    ];
    (told, funds, format!("{:?}", exchange.executions))
}

#[test]
fn the_same_seed_tells_a_whole_day_the_same() {
    let (first, again, other) = (a_last_day(7), a_last_day(7), a_last_day(8));

    assert_eq!(first, again);
    assert!(first.0.len() >= 8, "{}", first.0.len());
    assert_ne!(first.2, other.2);
}
