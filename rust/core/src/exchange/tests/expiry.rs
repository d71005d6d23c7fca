//! What the last day of a contract does to those who hold it.

use crate::calendar::clock::{HOUR_NS, MINUTE_NS, OPEN_NS, SECOND_NS, at_ns};
use crate::day::Day;
use crate::exchange::forms::form::Fields;
use crate::exchange::forms::gtt::GttForm;
use crate::exchange::hours::Hours;
use crate::exchange::market::listing::Listing;
use crate::exchange::market::path::Synthetic;
use crate::exchange::market::simulated::{Market, Opening};
use crate::exchange::market::universe::Universe;
use crate::exchange::rules::Rules;
use crate::exchange::state::Exchange;
use crate::exchange::tests::exchanges::{filled, unlimited};
use crate::exchange::views::gtt::gtts;
use crate::portfolio::{Position, exercise_tax_e15, to_e4};
use crate::terms::{InstrumentKind, Product};

/// A Monday: the last Tuesday of that November is a holiday.
const LAST_DAY: Day = Day::of(2026, 11, 23);
const FUTURE: &str = "NIFTY26NOVFUT";

fn at(day: Day, hour: i64, minute: i64) -> i64 {
    at_ns(day, hour * HOUR_NS + minute * MINUTE_NS)
}

fn open(universe: Universe, hours: Hours, day: Day, open_ns: i64) -> Exchange {
    let (previous_close, path) = Synthetic::between(4, open_ns, i64::MAX, SECOND_NS);
    let market = Market::open(Opening {
        day,
        previous_close,
        path: Box::new(path),
        seed: 4,
        step_ns: SECOND_NS,
        universe,
        hours,
        open_ns,
    });
    let rules = unlimited(Rules::strict_2026());
    let mut exchange = Exchange::new(market, rules, &["A".to_owned(), "B".to_owned()]);
    exchange.accounts[0].cash_e4 *= 100;
    exchange
}

fn last_day() -> Exchange {
    let mut exchange = open(
        Universe::House,
        Hours::Dated,
        LAST_DAY,
        at_ns(LAST_DAY, OPEN_NS),
    );
    exchange.advance(at(LAST_DAY, 10, 0));
    exchange
}

fn find<'a>(exchange: &'a Exchange, symbol: &str) -> &'a Listing {
    let mut listings = exchange.market.listings.iter();
    let listing = listings.find(|listing| listing.instrument.tradingsymbol == symbol);
    listing.unwrap_or_else(|| panic!("{symbol} is not listed"))
}

fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let rest = [
        ("exchange", "NFO"),
        ("transaction_type", "BUY"),
        ("product", "NRML"),
        ("order_type", "MARKET"),
        ("market_protection", "-1"),
    ];
    filled(pairs, &rest)
}

/// Trades a lot at the market.
fn trade(exchange: &mut Exchange, symbol: &str, side: &str) {
    let lot = find(exchange, symbol).instrument.lot.to_string();
    let now_ns = exchange.now_ns();
    let asked = form(&[
        ("tradingsymbol", symbol),
        ("transaction_type", side),
        ("quantity", &lot),
    ]);
    let id = exchange
        .place_form(0, "regular", &asked, now_ns)
        .expect("taken");
    let order = exchange.find(0, &id).expect("in the book");
    assert_eq!(exchange.orders[order].now.status.name(), "COMPLETE");
}

fn position<'a>(exchange: &'a Exchange, symbol: &str) -> &'a Position {
    let token = find(exchange, symbol).instrument.token;
    let listing = exchange.market.by_token(token).expect("listed");
    &exchange.accounts[0].positions[&(listing, Product::Nrml.into())]
}

/// The chain's options, the lowest strike first.
fn options(exchange: &Exchange, kind: InstrumentKind) -> Vec<String> {
    let rows = exchange
        .market
        .listings
        .iter()
        .map(|listing| &listing.instrument);
    rows.filter(|row| row.kind == kind)
        .map(|row| row.tradingsymbol.clone())
        .collect()
}

#[test]
fn what_is_held_of_a_contract_at_its_end_is_settled_at_the_index() {
    let mut exchange = last_day();
    let (calls, puts) = (
        options(&exchange, InstrumentKind::Call),
        options(&exchange, InstrumentKind::Put),
    );
    for symbol in calls.iter().chain(&puts) {
        let expiry = find(&exchange, symbol).instrument.expiry;
        assert_eq!(expiry, Some(LAST_DAY));
    }
    trade(&mut exchange, &calls[0], "BUY");
    trade(&mut exchange, &puts[4], "SELL");
    trade(&mut exchange, FUTURE, "BUY");

    exchange.advance(at(LAST_DAY, 15, 39));
    assert_eq!(position(&exchange, FUTURE).quantity(), 65);
    let waiting = [calls[0].clone(), puts[4].clone(), FUTURE.to_owned()];
    exchange.advance(at(LAST_DAY, 15, 41));

    let close_e4 = find(&exchange, "NIFTY 50").day.last_e4;
    let mut taxed_e4 = 0;
    for symbol in waiting {
        let row = &find(&exchange, &symbol).instrument;
        let worth_e4 = match row.kind {
            InstrumentKind::Call => (close_e4 - row.strike_e4).max(0),
            InstrumentKind::Put => (row.strike_e4 - close_e4).max(0),
            _ => close_e4,
        };
        let ended = position(&exchange, &symbol);
        assert_eq!(ended.quantity(), 0, "{symbol}");
        let (bought, sold) = (ended.day_bought, ended.day_sold);
        let last = if row.kind == InstrumentKind::Put {
            bought
        } else {
            sold
        };
        assert_eq!(
            (last.quantity, last.value_e4),
            (65, 65 * worth_e4),
            "{symbol}"
        );
        assert_eq!(ended.realised_e4, sold.value_e4 - bought.value_e4);
        if row.kind == InstrumentKind::Call {
            taxed_e4 = to_e4(exercise_tax_e15(
                65 * worth_e4,
                &exchange.market.calendar,
                LAST_DAY,
            ));
        }
    }
    let account = &exchange.accounts[0];
    assert_eq!(account.exercise_tax_e4, taxed_e4);
    assert_eq!(
        exchange.accounts[0].funds_e4(),
        account.cash_e4 + account.realised_e4() - account.charges_e4 - taxed_e4
    );
    assert_eq!(exchange.blocked_now(0).total_e4(), 0);
}

#[test]
fn from_half_past_three_on_an_option_of_the_last_day_trades_at_what_it_leaves() {
    let mut exchange = last_day();
    exchange.advance(at(LAST_DAY, 15, 35));
    let close_e4 = find(&exchange, "NIFTY 50").day.last_e4;

    for symbol in options(&exchange, InstrumentKind::Call) {
        let listing = find(&exchange, &symbol);
        let left_e4 = (close_e4 - listing.instrument.strike_e4).max(500);
        let near_e4 = left_e4 / 500 + 2 * 500;
        assert!(
            (listing.day.last_e4 - left_e4).abs() <= near_e4,
            "{symbol} {} {left_e4}",
            listing.day.last_e4
        );
    }
}

#[test]
fn nothing_waits_for_a_contract_that_has_ended_and_no_order_is_taken() {
    let mut exchange = last_day();
    let far = form(&[
        ("tradingsymbol", FUTURE),
        ("quantity", "65"),
        ("order_type", "LIMIT"),
        ("price", "25000"),
    ]);
    let now_ns = exchange.now_ns();
    let resting = exchange
        .place_form(0, "regular", &far, now_ns)
        .expect("taken");
    let condition: &Fields = &form(&[("tradingsymbol", FUTURE), ("last_price", "26000")]);
    let triggers = ["24500".to_owned()];
    let asked = GttForm {
        kind: "single",
        condition,
        triggers: &triggers,
        trailing: &[],
        orders: std::slice::from_ref(&far),
    };
    let asked = asked.read().expect("a trigger");
    exchange.place_gtt(0, &asked, now_ns).expect("taken");

    exchange.advance(at(LAST_DAY, 15, 41));

    let order = exchange.find(0, &resting).expect("in the book");
    assert_eq!(exchange.orders[order].now.status.name(), "CANCELLED");
    let shown = format!("{:?}", gtts(&exchange, 0));
    assert!(shown.contains("expired"), "{shown}");
    let now_ns = at(LAST_DAY, 15, 50);
    for variety in ["regular", "amo"] {
        let refusal = exchange
            .place_form(0, variety, &far, now_ns)
            .expect_err("it has ended");
        let words = "NIFTY26NOVFUT has expired: its last trading was today.";
        assert_eq!((refusal.status, refusal.message.as_str()), (400, words));
    }
    let refusal = exchange
        .place_gtt(0, &asked, now_ns)
        .expect_err("it is over");
    assert!(refusal.message.contains("has expired"));
}

#[test]
fn a_contract_on_a_share_is_settled_at_the_shares_close() {
    let mut exchange = open(
        Universe::Full,
        Hours::Dated,
        LAST_DAY,
        at_ns(LAST_DAY, OPEN_NS),
    );
    exchange.advance(at(LAST_DAY, 15, 20));
    trade(&mut exchange, "RELIANCE26NOVFUT", "SELL");
    exchange.advance(at(LAST_DAY, 15, 41));

    let close_e4 = find(&exchange, "RELIANCE").closing_e4();
    let ended = position(&exchange, "RELIANCE26NOVFUT");
    assert_eq!(
        (ended.quantity(), ended.day_bought.value_e4),
        (0, 500 * close_e4)
    );
    assert_eq!(find(&exchange, "RELIANCE26DECFUT").instrument.lot, 500);
    assert!(!exchange.market.expired(find(&exchange, "RELIANCE26DECFUT")));
}

#[test]
fn dollars_trade_until_half_past_twelve_on_their_last_day() {
    let day = Day::of(2026, 11, 26);
    let mut exchange = open(Universe::Full, Hours::Dated, day, at(day, 9, 0));
    exchange.advance(at(day, 12, 29));
    let asked = |symbol: &str| {
        form(&[
            ("exchange", "CDS"),
            ("tradingsymbol", symbol),
            ("quantity", "3"),
        ])
    };
    let now_ns = exchange.now_ns();
    for symbol in ["USDINR26NOVFUT", "USDINR26DECFUT"] {
        exchange
            .place_form(0, "regular", &asked(symbol), now_ns)
            .expect("taken");
    }

    exchange.advance(at(day, 12, 31));

    let (ended, other) = (
        position(&exchange, "USDINR26NOVFUT"),
        position(&exchange, "USDINR26DECFUT"),
    );
    let close_e4 = find(&exchange, "USDINR26NOVFUT").closing_e4();
    assert_eq!((ended.quantity(), other.quantity()), (0, 3));
    assert_eq!(ended.day_sold.value_e4, 3 * 1000 * close_e4);
    let now_ns = exchange.now_ns();
    assert!(
        exchange
            .place_form(0, "regular", &asked("USDINR26NOVFUT"), now_ns)
            .is_err()
    );
    exchange
        .place_form(0, "regular", &asked("USDINR26DECFUT"), now_ns)
        .expect("trades until five");
}

#[test]
fn a_market_that_never_closes_settles_nothing_and_begins_without_what_is_over() {
    let start_ns = at(LAST_DAY, 15, 0);
    let mut exchange = open(Universe::House, Hours::Always, LAST_DAY, start_ns);
    exchange.advance(start_ns + MINUTE_NS);
    trade(&mut exchange, FUTURE, "BUY");
    exchange.advance(at(LAST_DAY, 16, 30));

    assert_eq!(position(&exchange, FUTURE).quantity(), 65);
    trade(&mut exchange, FUTURE, "SELL");
    let evening = open(
        Universe::House,
        Hours::Always,
        LAST_DAY,
        at(LAST_DAY, 18, 0),
    );
    let first = evening
        .market
        .listings
        .iter()
        .filter_map(|listing| listing.instrument.expiry)
        .min();
    assert_eq!(first, Some(Day::of(2026, 12, 1)));
}

#[test]
fn a_last_day_that_nobody_watches_ends_as_the_one_that_is_watched() {
    let (mut leapt, mut stepped) = (last_day(), last_day());
    let now_ns = stepped.now_ns();
    let far = form(&[
        ("tradingsymbol", FUTURE),
        ("quantity", "65"),
        ("order_type", "LIMIT"),
        ("price", "24500"),
    ]);
    stepped
        .place_form(0, "regular", &far, now_ns)
        .expect("taken");
    for exchange in [&mut leapt, &mut stepped] {
        exchange.advance(at(LAST_DAY, 15, 45));
    }

    for (one, other) in leapt.market.listings.iter().zip(&stepped.market.listings) {
        assert_eq!(one.day, other.day, "{}", one.instrument.tradingsymbol);
    }
}
