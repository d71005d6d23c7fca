//! The exchange whole, as its users meet it.

use proptest::prelude::*;

use crate::calendar::clock::{HOUR_NS, MINUTE_NS, OPEN_NS, SECOND_NS, at_ns};
use crate::exchange::market::instruments::decimal;
use crate::exchange::market::path::frozen;
use crate::exchange::market::simulated::Market;
use crate::exchange::orders::order::{OrderStatus, book_id};
use crate::exchange::refusal::Refusal;
use crate::exchange::rules::Rules;
use crate::exchange::state::Exchange;
use crate::exchange::tests::exchanges::{DAY, exchange_of, moving, still};
use crate::exchange::views::json_value::Value;
use crate::exchange::views::orders;
use crate::exchange::views::portfolio;
use crate::terms::{self, OrderType, Side};

const FUTURE: &str = "NIFTY26NOVFUT";

fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = pairs
        .iter()
        .map(|(k, v)| ((*k).into(), (*v).into()))
        .collect();
    let rest = [
        ("exchange", "NSE"),
        ("tradingsymbol", "INFY"),
        ("transaction_type", "BUY"),
        ("quantity", "10"),
    ];
    all.extend(rest.map(|(k, v)| (k.into(), v.into())));
    all.extend([("product", "MIS"), ("order_type", "LIMIT")].map(|(k, v)| (k.into(), v.into())));
    all
}

/// Places an order that must be taken; its index.
fn place(exchange: &mut Exchange, account: usize, pairs: &[(&str, &str)]) -> usize {
    let now_ns = exchange.now_ns();
    let id = exchange
        .place_form(account, "regular", &fields(pairs), now_ns)
        .expect("taken");
    exchange.find(account, &id).expect("in the book")
}

/// The message of an order that must be refused; and nothing has changed.
fn refused(exchange: &mut Exchange, pairs: &[(&str, &str)]) -> (u16, &'static str, String) {
    let (now_ns, orders) = (exchange.now_ns(), exchange.orders.len());
    exchange.take_frames();
    let refusal = exchange
        .place_form(0, "regular", &fields(pairs), now_ns)
        .expect_err("refused");
    assert_eq!(
        (exchange.orders.len(), exchange.take_frames().len()),
        (orders, 0)
    );
    (refusal.status, refusal.error_type, refusal.message)
}

fn states(exchange: &Exchange, index: usize) -> Vec<&'static str> {
    exchange.orders[index]
        .history
        .iter()
        .map(|state| state.status.name())
        .collect()
}

fn level(exchange: &Exchange, side: Side) -> (i64, i64) {
    let listing = &exchange.market.listings[exchange
        .market
        .by_symbol(crate::terms::Exchange::Nse, "INFY")
        .expect("listed")];
    let level = listing.depth(side)[0];
    (level.price_e4, level.quantity)
}

fn rupees(e4: i64) -> String {
    crate::exchange::market::instruments::decimal(e4)
}

#[test]
fn a_limit_order_rests_is_modified_and_cancelled_with_its_whole_chain() {
    let mut exchange = still(Rules::strict_2026());
    let (bid_e4, _) = level(&exchange, Side::Buy);
    let index = place(
        &mut exchange,
        0,
        &[("price", &rupees(bid_e4 - 10_000)), ("tag", "t1")],
    );
    let id = exchange.orders[index].id.clone();
    let now_ns = exchange.now_ns();

    let change = [
        ("price".into(), rupees(bid_e4 - 20_000)),
        ("quantity".into(), "20".into()),
    ];
    exchange
        .modify_it(0, &id, &change, now_ns)
        .expect("modified");
    exchange.cancel_it(0, &id, now_ns).expect("cancelled");

    assert_eq!(
        states(&exchange, index),
        [
            "PUT ORDER REQ RECEIVED",
            "VALIDATION PENDING",
            "OPEN PENDING",
            "OPEN",
            "MODIFY VALIDATION PENDING",
            "MODIFY PENDING",
            "MODIFIED",
            "OPEN",
            "CANCEL PENDING",
            "CANCELLED"
        ]
    );
    let order = &exchange.orders[index].now;
    assert_eq!((order.quantity, order.filled, order.cancelled), (20, 0, 20));
    let said: Vec<_> = exchange
        .take_frames()
        .iter()
        .map(|f| f.data.get("status").cloned())
        .collect();
    assert_eq!(
        said,
        [Some(Value::from("UPDATE")), Some(Value::from("CANCELLED"))],
        "placing says nothing"
    );
    assert_eq!(
        exchange
            .cancel_it(0, &id, now_ns)
            .expect_err("over")
            .error_type,
        "OrderException"
    );
}

#[test]
fn a_protected_market_order_becomes_a_limit_and_says_so() {
    let mut exchange = still(Rules::strict_2026());
    let (ask_e4, _) = level(&exchange, Side::Sell);
    let index = place(
        &mut exchange,
        0,
        &[
            ("order_type", "MARKET"),
            ("market_protection", "2"),
            ("tag", "mine"),
        ],
    );

    let order = &exchange.orders[index];
    assert_eq!(
        (order.now.status, order.now.order_type),
        (OrderStatus::Complete, OrderType::Limit)
    );
    assert_eq!(order.now.average_e4(), ask_e4);
    assert!(order.now.price_e4 > ask_e4);
    assert_eq!(order.tags, ["mine", "mktp", "mktp:2.00"]);
    assert_eq!(
        states(&exchange, index).last_chunk::<2>(),
        Some(&["OPEN PENDING", "COMPLETE"])
    );
}

#[test]
fn a_large_order_is_filled_in_parts_and_its_rest_stands_first_in_line() {
    let mut exchange = still(Rules::strict_2026());
    let (ask_e4, quantity) = level(&exchange, Side::Sell);
    let wanted = (quantity + 7).to_string();
    let index = place(
        &mut exchange,
        0,
        &[("price", &rupees(ask_e4)), ("quantity", &wanted)],
    );
    let order = &exchange.orders[index].now;
    assert_eq!(
        (order.status, order.filled, order.left()),
        (OrderStatus::Open, quantity, 7)
    );

    let sell = [
        ("transaction_type", "SELL"),
        ("price", &rupees(ask_e4)),
        ("quantity", "10"),
    ];
    let other = place(&mut exchange, 1, &sell);

    assert_eq!(exchange.orders[index].now.status, OrderStatus::Complete);
    assert_eq!(
        (
            exchange.orders[other].now.filled,
            exchange.orders[other].now.left()
        ),
        (7, 3)
    );
    let [.., first, second] = &exchange.executions[..] else {
        panic!("two executions of one trade")
    };
    assert_eq!(
        (first.trade_id, first.price_e4),
        (second.trade_id, second.price_e4)
    );
}

#[test]
fn immediate_or_cancel_leaves_nothing_standing() {
    let mut exchange = still(Rules::strict_2026());
    let (ask_e4, quantity) = level(&exchange, Side::Sell);
    let wanted = (quantity + 5).to_string();

    let index = place(
        &mut exchange,
        0,
        &[
            ("price", &rupees(ask_e4)),
            ("quantity", &wanted),
            ("validity", "IOC"),
        ],
    );

    let order = &exchange.orders[index].now;
    assert_eq!(
        (order.status, order.filled, order.cancelled),
        (OrderStatus::Cancelled, quantity, 5)
    );
    let missed = place(
        &mut exchange,
        0,
        &[("price", &rupees(ask_e4 - 100_000)), ("validity", "IOC")],
    );
    assert_eq!(
        states(&exchange, missed)[2..],
        ["OPEN PENDING", "OPEN", "CANCELLED"]
    );
}

#[test]
fn a_ttl_order_ends_when_its_minutes_are_over() {
    let mut exchange = still(Rules::strict_2026());
    let (bid_e4, _) = level(&exchange, Side::Buy);
    let index = place(
        &mut exchange,
        0,
        &[
            ("price", &rupees(bid_e4 - 10_000)),
            ("validity", "TTL"),
            ("validity_ttl", "2"),
        ],
    );
    let placed_ns = exchange.now_ns();

    exchange.advance(placed_ns + 2 * MINUTE_NS - SECOND_NS);
    assert_eq!(exchange.orders[index].now.status, OrderStatus::Open);
    exchange.advance(placed_ns + 2 * MINUTE_NS);

    assert_eq!(exchange.orders[index].now.status, OrderStatus::Cancelled);
}

#[test]
fn stops_wait_for_the_streets_prints() {
    let mut exchange = moving(4);
    let last_e4 = exchange.market.listings[exchange
        .market
        .by_symbol(crate::terms::Exchange::Nse, "INFY")
        .unwrap()]
    .day
    .last_e4;
    let price = |ticks: i64| rupees(last_e4 + ticks * 1000);
    let above = place(
        &mut exchange,
        0,
        &[
            ("order_type", "SL"),
            ("trigger_price", &price(5)),
            ("price", &price(9)),
        ],
    );
    let sell = [
        ("transaction_type", "SELL"),
        ("order_type", "SL-M"),
        ("trigger_price", &price(-5)),
    ];
    let below = place(
        &mut exchange,
        1,
        &[&sell[..], &[("market_protection", "-1")]].concat(),
    );
    assert!(
        [above, below]
            .iter()
            .all(|&index| exchange.orders[index].waits())
    );

    exchange.advance(exchange.now_ns() + HOUR_NS);

    for index in [above, below] {
        let states = states(&exchange, index);
        assert_eq!(
            states[2..5],
            ["OPEN PENDING", "TRIGGER PENDING", "OPEN"],
            "{states:?}"
        );
        assert_eq!(states.last(), Some(&"COMPLETE"), "{states:?}");
    }
    assert_eq!(exchange.orders[below].now.order_type, OrderType::Limit);
    assert!(
        exchange.orders[below]
            .tags
            .contains(&"mktp:0.50".to_string())
    );
}

#[test]
fn a_stop_on_the_wrong_side_is_a_400_today_and_was_a_rejected_row_before() {
    let wrong = |exchange: &Exchange| {
        let (bid_e4, _) = level(exchange, Side::Buy);
        (rupees(bid_e4 - 50_000), rupees(bid_e4))
    };
    let mut strict = still(Rules::strict_2026());
    let (trigger, price) = wrong(&strict);
    let stop = [
        ("order_type", "SL"),
        ("trigger_price", trigger.as_str()),
        ("price", price.as_str()),
    ];
    let (status, error_type, message) = refused(&mut strict, &stop);
    assert_eq!((status, error_type), (400, "InputException"));
    assert!(
        message.starts_with("Trigger price for stoploss buy orders should be higher"),
        "{message}"
    );

    let mut legacy = still(Rules::legacy());
    let index = place(&mut legacy, 0, &stop);
    assert_eq!(
        states(&legacy, index),
        ["PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "REJECTED"]
    );
    assert!(legacy.orders[index].now.message.is_some());
}

#[test]
fn every_check_at_the_door_answers_in_kites_words_and_changes_nothing() {
    let mut exchange = still(Rules::strict_2026());
    let (bid_e4, _) = level(&exchange, Side::Buy);
    let price = rupees(bid_e4);
    let nfo = [
        ("exchange", "NFO"),
        ("tradingsymbol", FUTURE),
        ("product", "NRML"),
        ("price", "26000"),
    ];
    let nfo = |quantity: &'static str| [&nfo[..], &[("quantity", quantity)]].concat();
    let cases = vec![
        (
            vec![("tradingsymbol", "NOPE"), ("price", "1")],
            "InputException",
            "The instrument you are placing an order for has either expired or does not exist.",
        ),
        (
            vec![("tradingsymbol", "NIFTY 50"), ("price", "1")],
            "InputException",
            "NIFTY 50 is an index and cannot be traded.",
        ),
        (
            vec![("product", "NRML"), ("price", &price)],
            "InputException",
            "Invalid `product`.",
        ),
        (vec![], "InputException", "Invalid `price`."),
        (
            vec![("price", "1500.03")],
            "InputException",
            "Tick size for this instrument is 0.1. Kindly enter price in the multiple of tick size for this instrument.",
        ),
        (
            vec![("price", "1800")],
            "InputException",
            "Price exceeds circuit limits for the instrument. Place an order within the daily range.",
        ),
        (
            vec![("order_type", "MARKET")],
            "InputException",
            "Market orders without market protection are not allowed via API. Please set market protection or use a Limit order.",
        ),
        (
            vec![("order_type", "SL-M"), ("trigger_price", "1600")],
            "InputException",
            "Market orders without market protection are not allowed via API. Please set market protection or use a Limit order.",
        ),
        (
            vec![("price", &price), ("quantity", "100000")],
            "MarginException",
            "Insufficient funds. Required margin is",
        ),
        (
            vec![
                ("price", &price),
                ("product", "CNC"),
                ("transaction_type", "SELL"),
                ("quantity", "101"),
            ],
            "HoldingException",
            "Insufficient stock holding or there are pending sell orders for this stock. Check the orderbook.",
        ),
        (
            vec![("price", &price), ("disclosed_quantity", "11")],
            "InputException",
            "Invalid `disclosed_quantity`.",
        ),
        (
            nfo("66"),
            "InputException",
            "Quantity should be in multiples of 65.",
        ),
        (
            nfo("1820"),
            "InputException",
            "Quantity exceeds the freeze quantity of 1800: one order can have at most 1755.",
        ),
    ];
    for (pairs, error_type, message) in cases {
        let (status, found_type, found) = refused(&mut exchange, &pairs);
        assert_eq!((status, found_type), (400, error_type), "{found}");
        assert!(found.starts_with(message), "{found}");
    }
}

#[test]
fn shares_in_the_demat_account_can_be_sold_once() {
    let mut exchange = still(Rules::strict_2026());
    let (bid_e4, _) = level(&exchange, Side::Buy);
    let sell = |quantity| {
        [
            ("product", "CNC"),
            ("transaction_type", "SELL"),
            ("quantity", quantity),
        ]
    };
    place(
        &mut exchange,
        0,
        &[&sell("60")[..], &[("price", &rupees(bid_e4))]].concat(),
    );
    place(
        &mut exchange,
        0,
        &[&sell("40")[..], &[("price", &rupees(bid_e4 + 100_000))]].concat(),
    );

    let again = refused(
        &mut exchange,
        &[&sell("1")[..], &[("price", &rupees(bid_e4))]].concat(),
    );

    assert_eq!(again.1, "HoldingException");
    assert_eq!(
        exchange.accounts[0].free_shares(exchange.orders[0].listing),
        40
    );
    assert_eq!(
        exchange.accounts[0]
            .position(
                exchange.orders[0].listing,
                crate::terms::Product::Cnc.into(),
                1
            )
            .quantity(),
        -60
    );
}

#[test]
fn without_protection_legacy_sweeps_the_book_and_rests_where_it_last_traded() {
    let mut exchange = still(Rules::legacy());
    exchange.accounts[0].cash_e4 *= 100;
    let listing = exchange
        .market
        .by_symbol(crate::terms::Exchange::Nse, "INFY")
        .expect("listed");
    let depth = 1 + exchange.market.listings[listing].total(Side::Sell);
    let worst_e4 = exchange.market.listings[listing].depth(Side::Sell)[4].price_e4;

    let index = place(
        &mut exchange,
        0,
        &[("order_type", "MARKET"), ("quantity", &depth.to_string())],
    );

    let order = &exchange.orders[index].now;
    assert_eq!(
        (order.status, order.price_e4),
        (OrderStatus::Open, worst_e4)
    );
    assert!(order.left() >= 1);
}

#[test]
fn the_26th_modification_is_refused_and_a_cancel_still_works() {
    let mut exchange = still(Rules::strict_2026());
    let (bid_e4, _) = level(&exchange, Side::Buy);
    let index = place(&mut exchange, 0, &[("price", &rupees(bid_e4 - 100_000))]);
    let (id, now_ns) = (exchange.orders[index].id.clone(), exchange.now_ns());
    let change = |n: i64| [("quantity".into(), (10 + n).to_string())];
    for n in 0..25 {
        exchange
            .modify_it(0, &id, &change(n), now_ns)
            .expect("within the cap");
    }

    let refusal = exchange
        .modify_it(0, &id, &change(30), now_ns)
        .expect_err("beyond it");

    assert_eq!(
        refusal.message,
        "Maximum allowed order modifications exceeded."
    );
    exchange
        .cancel_it(0, &id, now_ns)
        .expect("a cancel is no modification");
}

#[test]
fn an_account_never_trades_with_itself() {
    let mut exchange = still(Rules::strict_2026());
    let (bid_e4, _) = level(&exchange, Side::Buy);
    let inside = rupees(bid_e4 + 1000);
    place(&mut exchange, 0, &[("price", &inside)]);

    let index = place(
        &mut exchange,
        0,
        &[("transaction_type", "SELL"), ("price", &inside)],
    );

    assert_eq!(exchange.orders[index].now.status, OrderStatus::Cancelled);
    assert!(exchange.executions.is_empty());
}

#[test]
fn nobody_sees_or_touches_anothers_order() {
    let mut exchange = still(Rules::strict_2026());
    let (bid_e4, _) = level(&exchange, Side::Buy);
    let index = place(&mut exchange, 0, &[("price", &rupees(bid_e4 - 10_000))]);
    let (id, now_ns) = (exchange.orders[index].id.clone(), exchange.now_ns());

    assert_eq!(exchange.find(1, &id), None);
    assert!(
        exchange.cancel_it(1, &id, now_ns).is_err()
            && exchange.modify_it(1, &id, &[], now_ns).is_err()
    );
    assert_eq!(orders::orders(&exchange, 1), Value::List(vec![]));
    assert_eq!(exchange.orders[index].now.status, OrderStatus::Open);
}

#[test]
fn a_request_that_claims_a_later_time_comes_right_before_the_next_cut() {
    let mut exchange = still(Rules::strict_2026());
    let (bid_e4, _) = level(&exchange, Side::Buy);
    let next_ns = exchange.market.next_cut_ns();

    exchange
        .place_form(
            0,
            "regular",
            &fields(&[("price", &rupees(bid_e4))]),
            next_ns + HOUR_NS,
        )
        .expect("taken");

    assert_eq!(exchange.now_ns(), next_ns - 1);
}

#[derive(Clone, Debug)]
enum Deed {
    Place {
        account: usize,
        buy: bool,
        ticks: i64,
        quantity: i64,
        kind: u8,
    },
    Modify {
        which: usize,
        ticks: i64,
        quantity: i64,
    },
    Cancel {
        which: usize,
    },
    Wait {
        seconds: i64,
    },
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let place = (0_usize..3, any::<bool>(), -6_i64..7, 1_i64..400, 0_u8..6).prop_map(
        |(account, buy, ticks, quantity, kind)| Deed::Place {
            account,
            buy,
            ticks,
            quantity,
            kind,
        },
    );
    let modify =
        (0_usize..40, -6_i64..7, 1_i64..400).prop_map(|(which, ticks, quantity)| Deed::Modify {
            which,
            ticks,
            quantity,
        });
    let cancel = (0_usize..40).prop_map(|which| Deed::Cancel { which });
    let wait = (1_i64..20).prop_map(|seconds| Deed::Wait { seconds });
    prop::collection::vec(
        prop_oneof![5 => place, 2 => modify, 1 => cancel, 2 => wait],
        1..60,
    )
}

/// Carries the deeds out; some are refused, as they should be.
fn act(exchange: &mut Exchange, deeds: &[Deed]) {
    let listing = exchange
        .market
        .by_symbol(crate::terms::Exchange::Nse, "INFY")
        .expect("listed");
    for deed in deeds {
        let now_ns = exchange.now_ns();
        let last_e4 = exchange.market.listings[listing].day.last_e4;
        let price = |ticks: i64| rupees(last_e4 + ticks * 1000);
        match *deed {
            Deed::Place {
                account,
                buy,
                ticks,
                quantity,
                kind,
            } => {
                let (price, beyond) = (price(ticks), price(if buy { 8 } else { -8 }));
                let quantity = quantity.to_string();
                let side = if buy { "BUY" } else { "SELL" };
                let common = [("transaction_type", side), ("quantity", quantity.as_str())];
                let rest: &[(&str, &str)] = match kind {
                    0 => &[("order_type", "MARKET"), ("market_protection", "-1")],
                    1 => &[
                        ("order_type", "SL"),
                        ("trigger_price", &price),
                        ("price", &beyond),
                    ],
                    2 => &[
                        ("order_type", "SL-M"),
                        ("trigger_price", &price),
                        ("market_protection", "1"),
                    ],
                    3 => &[("price", &price), ("validity", "IOC")],
                    _ => &[("price", &price)],
                };
                let _ = exchange.place_form(
                    account,
                    "regular",
                    &fields(&[&common[..], rest].concat()),
                    now_ns + 1,
                );
            }
            Deed::Modify {
                which,
                ticks,
                quantity,
            } => {
                if let Some((account, id)) = exchange
                    .orders
                    .get(which)
                    .map(|o| (o.account, o.id.clone()))
                {
                    let change = [
                        ("price".into(), price(ticks)),
                        ("quantity".into(), quantity.to_string()),
                    ];
                    let _ = exchange.modify_it(account, &id, &change, now_ns + 1);
                }
            }
            Deed::Cancel { which } => {
                if let Some((account, id)) = exchange
                    .orders
                    .get(which)
                    .map(|o| (o.account, o.id.clone()))
                {
                    let _ = exchange.cancel_it(account, &id, now_ns + 1);
                }
            }
            Deed::Wait { seconds } => {
                exchange.advance(now_ns + seconds * SECOND_NS);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Quantity and money are conserved, no order trades through its limit, and the market's face does not move.
    #[test]
    fn whatever_users_do_quantity_and_money_are_conserved(seed in 0_u64..50, deeds in deeds()) {
        let mut exchange = moving(seed);
        act(&mut exchange, &deeds);

        for (index, order) in exchange.orders.iter().enumerate() {
            let mine: Vec<_> = exchange.executions.iter().filter(|e| e.order == index).collect();
            prop_assert_eq!(mine.iter().map(|e| e.quantity).sum::<i64>(), order.now.filled);
            prop_assert_eq!(mine.iter().map(|e| e.quantity * e.price_e4).sum::<i64>(), order.now.value_e4);
            prop_assert!(order.now.left() >= 0);
            prop_assert_eq!(order.now.left() > 0 && order.now.status != OrderStatus::Rejected, !order.now.status.terminal());
            let open = exchange.accounts[order.account].open.contains(&index);
            prop_assert_eq!(open, !order.now.status.terminal());
            let standing = exchange.market.listings[order.listing].standing(index as u64 * 2 + 1);
            prop_assert_eq!(standing, if open && !order.waits() { order.now.left() } else { 0 });
            prop_assert!(order.history.windows(2).all(|pair| pair[0].filled <= pair[1].filled));
        }
        for execution in &exchange.executions {
            // Against the limit in force when it traded, which is one of those the order ever had.
            let order = &exchange.orders[execution.order];
            let within = |limit_e4: i64| order.side.sign() * (limit_e4 - execution.price_e4) >= 0;
            prop_assert!(order.history.iter().any(|state| state.price_e4 > 0 && within(state.price_e4)));
        }
        for account in 0..3 {
            let owner = &exchange.accounts[account];
            let mine = exchange.executions.iter().filter(|e| exchange.orders[e.order].account == account);
            let cash_e4: i64 = mine.map(|e| -exchange.orders[e.order].side.sign() * e.quantity * e.price_e4).sum();
            let booked_e4: i64 = owner.positions.values().map(|p| p.realised_e4 - p.open.value_e4).sum();
            prop_assert_eq!(cash_e4, booked_e4, "realised − cost of what is open = sold − bought");
            let blocked = exchange.blocked_now(account);
            prop_assert!(blocked.total_e4() >= 0);
        }
        let mut alone = moving(seed);
        alone.advance(exchange.now_ns());
        for (with, without) in exchange.market.listings.iter().zip(&alone.market.listings) {
            prop_assert_eq!(with.day, without.day);
            prop_assert_eq!(with.depth(Side::Buy), without.depth(Side::Buy));
            prop_assert_eq!(with.depth(Side::Sell), without.depth(Side::Sell));
        }
    }

    /// The same requests at the same times make the same books, ids and trades.
    #[test]
    fn the_same_day_happens_twice(seed in 0_u64..50, deeds in deeds()) {
        let (mut one, mut other) = (moving(seed), moving(seed));
        act(&mut one, &deeds);
        act(&mut other, &deeds);
        for account in 0..3 {
            prop_assert_eq!(orders::orders(&one, account), orders::orders(&other, account));
            prop_assert_eq!(orders::trades(&one, account), orders::trades(&other, account));
            prop_assert_eq!(portfolio::positions(&one, account), portfolio::positions(&other, account));
        }
        prop_assert_eq!(one.take_frames(), other.take_frames());
    }
}

#[test]
fn windows_of_reads_follow_the_clock_also_past_a_cut_that_never_comes_and_before_the_first() {
    let (previous_close, path) = frozen(1, at_ns(DAY, OPEN_NS));
    let market = Market::new(DAY, previous_close, path, 1, SECOND_NS);
    let mut exchange = exchange_of(market, Rules::strict_2026());
    let now_ns = at_ns(DAY, OPEN_NS);
    let mut reads = |at_ns: i64| {
        (0..20)
            .filter(|_| {
                exchange
                    .admit_read("K", crate::exchange::orders::limits::Read::Other, at_ns)
                    .is_ok()
            })
            .count()
    };

    assert_eq!(reads(now_ns), 10);
    assert_eq!(reads(now_ns + 5 * SECOND_NS), 10);
    assert_eq!(reads(now_ns + 5 * SECOND_NS + 1), 0);
    let hours_before_ns = now_ns - 10_000 * SECOND_NS;
    assert_eq!(reads(hours_before_ns), 10);
    assert_eq!(reads(hours_before_ns + SECOND_NS), 10);
}

#[test]
fn windows_of_writes_follow_the_clock_and_what_was_admitted_once_is_admitted_again() {
    let limited = || {
        let (previous_close, path) = frozen(1, at_ns(DAY, OPEN_NS));
        let market = Market::new(DAY, previous_close, path, 1, SECOND_NS);
        exchange_of(market, Rules::strict_2026())
    };
    let now_ns = at_ns(DAY, OPEN_NS);
    let writes = |exchange: &mut Exchange, at_ns: i64| {
        let (bid_e4, _) = level(exchange, Side::Buy);
        let order = fields(&[("price", &rupees(bid_e4 - 100_000))]);
        (0..15)
            .filter(|_| exchange.place_form(0, "regular", &order, at_ns).is_ok())
            .count()
    };
    let mut exchange = limited();

    assert_eq!(writes(&mut exchange, now_ns), 10);
    assert_eq!(writes(&mut exchange, now_ns + 5 * SECOND_NS), 10);
    assert_eq!(exchange.now_ns(), exchange.market.next_cut_ns() - 1); // the market has not moved

    let mut again = limited();
    again.replaying(true);
    assert_eq!(writes(&mut again, now_ns), 15);
    again.replaying(false);
    assert_eq!(writes(&mut again, now_ns), 0);
}

/// A LIMIT order that stands becomes a stop on its owner's wish: it leaves the book and waits for its trigger.
#[test]
fn a_limit_order_becomes_a_stop_where_the_rules_let_it() {
    for may in [true, false] {
        let mut exchange = still(Rules {
            modify_to_stop: may,
            ..Rules::strict_2026()
        });
        let now_ns = exchange.now_ns();
        let listing = exchange
            .market
            .by_symbol(terms::Exchange::Nse, "INFY")
            .expect("listed");
        let last_e4 = exchange.market.listings[listing].day.last_e4 / 1_000 * 1_000;
        let rupees = |away: i64| decimal(last_e4 + away * 10_000);
        let pairs = [
            ("order_type", "LIMIT"),
            ("price", &rupees(-20)),
            ("transaction_type", "BUY"),
        ];
        let id = exchange
            .place_form(0, "regular", &fields(&pairs), now_ns)
            .expect("taken");
        let index = exchange.find(0, &id).expect("in the book");
        let change = [
            ("order_type", "SL"),
            ("trigger_price", &rupees(20)),
            ("price", &rupees(21)),
        ]
        .map(|(name, text)| (name.to_owned(), text.to_owned()));

        let changed = exchange.modify_form(0, "regular", &id, &change, now_ns);

        let (order, standing) = (
            &exchange.orders[index].now,
            exchange.market.listings[listing].standing(book_id(index)),
        );
        if may {
            changed.expect("taken");
            assert_eq!((order.status, standing), (OrderStatus::TriggerPending, 0));
            assert_eq!(exchange.stops, [index]);
            exchange
                .cancel(0, "regular", &id, now_ns)
                .expect("it waits");
        } else {
            assert_eq!(changed, Err(Refusal::invalid("order_type")));
            assert_eq!(
                (order.status, standing),
                (OrderStatus::Open, order.quantity)
            );
        }
    }
}
