//! What becomes of orders of every variety.

use proptest::prelude::*;

use crate::calendar::clock::{DAY_NS, HOUR_NS, MINUTE_NS, OPEN_NS, SECOND_NS, at_ns};
use crate::exchange::hours::Hours;
use crate::exchange::market::path::Synthetic;
use crate::exchange::market::simulated::{Market, Opening};
use crate::exchange::market::universe::Universe;
use crate::exchange::orders::position_product::PositionProduct;
use crate::exchange::refusal::Refusal;
use crate::exchange::rules::Rules;
use crate::exchange::rules::{AmoHours, Window};
use crate::exchange::state::Exchange;
use crate::exchange::tests::exchanges::{DAY, exchange_of, filled, moving, still, unlimited};
use crate::exchange::views::orders;
use crate::exchange::views::portfolio;
use crate::portfolio::{Executed, charges};
use crate::terms::{self, InstrumentKind, Product};

/// A market that keeps the hours of its date.
fn dated(open_ns: i64) -> Market {
    let (previous_close, path) = Synthetic::new(3, DAY, SECOND_NS);
    Market::open(Opening {
        day: DAY,
        previous_close,
        path: Box::new(path),
        seed: 3,
        step_ns: SECOND_NS,
        universe: Universe::House,
        hours: Hours::Dated,
        open_ns,
    })
}

fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let rest = [
        ("exchange", "NSE"),
        ("tradingsymbol", "INFY"),
        ("transaction_type", "BUY"),
        ("quantity", "10"),
        ("product", "MIS"),
        ("order_type", "LIMIT"),
    ];
    filled(pairs, &rest)
}

fn place(exchange: &mut Exchange, variety: &str, pairs: &[(&str, &str)]) -> usize {
    let now_ns = exchange.now_ns();
    let id = exchange
        .place_form(0, variety, &form(pairs), now_ns)
        .expect("taken");
    exchange.find(0, &id).expect("in the book")
}

fn refused(exchange: &mut Exchange, variety: &str, pairs: &[(&str, &str)]) -> String {
    let (now_ns, orders) = (exchange.now_ns(), exchange.orders.len());
    let refusal = exchange
        .place_form(0, variety, &form(pairs), now_ns)
        .expect_err("refused");
    assert_eq!(exchange.orders.len(), orders);
    refusal.message
}

fn infy(exchange: &Exchange) -> usize {
    exchange
        .market
        .by_symbol(terms::Exchange::Nse, "INFY")
        .expect("listed")
}

/// The last price and so many rupees.
fn near(exchange: &Exchange, rupees: i64) -> String {
    let last_e4 = exchange.market.listings[infy(exchange)].day.last_e4;
    let tick_e4 = exchange.market.listings[infy(exchange)].instrument.tick_e4;
    crate::exchange::market::instruments::decimal((last_e4 / tick_e4 * tick_e4) + rupees * 10_000)
}

fn held(exchange: &Exchange) -> i64 {
    held_under(exchange, PositionProduct::As(Product::Mis))
}

fn held_under(exchange: &Exchange, held: PositionProduct) -> i64 {
    exchange.accounts[0]
        .positions
        .get(&(infy(exchange), held))
        .map_or(0, crate::portfolio::Position::quantity)
}

fn status(exchange: &Exchange, index: usize) -> &'static str {
    exchange.orders[index].now.status.name()
}

fn states(exchange: &Exchange, index: usize) -> Vec<&'static str> {
    let history = &exchange.orders[index].history;
    history.iter().map(|state| state.status.name()).collect()
}

#[test]
fn each_leg_of_an_iceberg_that_trades_brings_the_next() {
    let mut exchange = still(Rules::strict_2026());
    let price = near(&exchange, 10);

    let first = place(
        &mut exchange,
        "iceberg",
        &[
            ("price", &price),
            ("iceberg_legs", "3"),
            ("iceberg_quantity", "4"),
        ],
    );

    let quantities: Vec<i64> = exchange.orders.iter().map(|o| o.now.filled).collect();
    assert_eq!((first, quantities, held(&exchange)), (0, vec![4, 4, 2], 10));
    let rows = format!("{:?}", orders::orders(&exchange, 0));
    assert!(rows.contains("remaining_quantity"), "{rows}");
}

#[test]
fn an_iceberg_whose_leg_is_cancelled_sends_no_other() {
    let mut exchange = still(Rules::strict_2026());
    let price = near(&exchange, -10);
    let first = place(
        &mut exchange,
        "iceberg",
        &[
            ("price", &price),
            ("iceberg_legs", "2"),
            ("iceberg_quantity", "5"),
        ],
    );
    let (id, now_ns) = (exchange.orders[first].id.clone(), exchange.now_ns());
    let smaller = [("quantity".to_owned(), "3".to_owned())];
    assert!(exchange.modify_it(0, &id, &smaller, now_ns).is_err());

    exchange.cancel_it(0, &id, now_ns).expect("cancelled");

    assert_eq!(exchange.orders.len(), 1);
}

#[test]
fn an_iceberg_asks_for_legs_that_make_up_its_quantity() {
    let mut exchange = still(Rules::strict_2026());
    let price = near(&exchange, -10);
    for (legs, quantity, message) in [
        ("1", "10", "Invalid `iceberg_legs`."),
        ("11", "1", "Invalid `iceberg_legs`."),
        ("2", "4", "Invalid `iceberg_quantity`."),
        ("3", "5", "Invalid `iceberg_quantity`."),
        ("2", "0", "Invalid `iceberg_quantity`."),
    ] {
        let fields = [
            ("price", price.as_str()),
            ("iceberg_legs", legs),
            ("iceberg_quantity", quantity),
        ];
        assert_eq!(refused(&mut exchange, "iceberg", &fields), message);
    }
}

#[test]
fn a_cover_orders_stop_follows_its_entry_and_leaving_it_closes_the_position() {
    let mut exchange = still(Rules::strict_2026());
    let (price, stop) = (near(&exchange, 10), near(&exchange, -20));
    let entry = place(
        &mut exchange,
        "co",
        &[("price", &price), ("trigger_price", &stop)],
    );
    assert_eq!(status(&exchange, entry), "COMPLETE");
    let follower = exchange.orders[1].clone();
    assert_eq!(follower.parent.as_ref(), Some(&exchange.orders[entry].id));
    assert_eq!(
        (status(&exchange, 1), follower.now.quantity),
        ("TRIGGER PENDING", 10)
    );
    assert_eq!(
        (
            held_under(&exchange, PositionProduct::Cover),
            held(&exchange)
        ),
        (10, 0),
        "a position of its own"
    );
    let shown = format!("{:?}", portfolio::positions(&exchange, 0));
    assert!(
        shown.contains("\"CO\"") && !shown.contains("\"MIS\""),
        "{shown}"
    );

    let now_ns = exchange.now_ns();
    exchange.cancel_it(0, &follower.id, now_ns).expect("left");

    assert_eq!(
        (
            status(&exchange, 1),
            held_under(&exchange, PositionProduct::Cover)
        ),
        ("COMPLETE", 0)
    );
    assert_eq!(exchange.blocked_now(0).total_e4(), 0);
}

#[test]
fn a_cover_order_without_a_stop_on_the_losing_side_is_refused() {
    let mut exchange = still(Rules::strict_2026());
    let (price, above) = (near(&exchange, -5), near(&exchange, 5));

    let none = refused(&mut exchange, "co", &[("price", &price)]);
    let wrong = refused(
        &mut exchange,
        "co",
        &[("price", &price), ("trigger_price", &above)],
    );
    let delivery = refused(
        &mut exchange,
        "co",
        &[
            ("price", &price),
            ("product", "CNC"),
            ("trigger_price", "1"),
        ],
    );

    assert_eq!(none, "Invalid `trigger_price`.");
    assert!(wrong.contains("should be lower"), "{wrong}");
    assert_eq!(delivery, "Invalid `product`.");
}

#[test]
fn before_2026_an_after_market_order_rests_at_any_hour_until_it_is_cancelled() {
    let mut exchange = still(Rules::legacy());
    let (price, other) = (near(&exchange, 10), near(&exchange, 5));
    let index = place(&mut exchange, "amo", &[("price", &price)]);
    let (id, now_ns) = (exchange.orders[index].id.clone(), exchange.now_ns());
    exchange.advance(now_ns + 10 * SECOND_NS);

    let change = [("price".to_owned(), other)];
    exchange
        .modify_it(0, &id, &change, now_ns)
        .expect("modified");
    exchange.cancel_it(0, &id, now_ns).expect("cancelled");

    assert_eq!(
        states(&exchange, index),
        [
            "PUT ORDER REQ RECEIVED",
            "AMO REQ RECEIVED",
            "MODIFY AMO REQ RECEIVED",
            "AMO REQ RECEIVED",
            "CANCEL PENDING",
            "CANCELLED"
        ]
    );
    assert_eq!(held(&exchange), 0);
}

#[test]
fn an_after_market_order_goes_to_the_exchange_when_it_opens() {
    let market = dated(at_ns(DAY, OPEN_NS - 30 * MINUTE_NS));
    let any = Window {
        from_ns: 0,
        until_ns: DAY_NS,
    };
    let rules = Rules {
        limits: None,
        amo_hours: Some(AmoHours {
            shares: any,
            ..AmoHours::KITE
        }),
        ..Rules::strict_2026()
    };
    let mut exchange = Exchange::new(market, rules, &["A".to_owned()]);
    let (price, trigger) = (near(&exchange, 2), near(&exchange, 1));
    let limit = place(&mut exchange, "amo", &[("price", &price)]);
    let stop = place(
        &mut exchange,
        "amo",
        &[
            ("price", &price),
            ("trigger_price", &trigger),
            ("order_type", "SL"),
        ],
    );
    assert_eq!(status(&exchange, limit), "AMO REQ RECEIVED");

    exchange.advance(at_ns(DAY, OPEN_NS - 10 * MINUTE_NS));
    assert!(states(&exchange, limit).contains(&"OPEN PENDING"));
    assert_eq!(
        status(&exchange, stop),
        "AMO REQ RECEIVED",
        "an auction takes no stops"
    );

    exchange.advance(at_ns(DAY, OPEN_NS + SECOND_NS));
    assert_ne!(status(&exchange, stop), "AMO REQ RECEIVED");
}

/// A day that everybody waits for since seven.
fn early(rules: Rules) -> Exchange {
    let (previous_close, path) = Synthetic::new(3, DAY, SECOND_NS);
    let market = Market::open(Opening {
        day: DAY,
        previous_close,
        path: Box::new(path),
        seed: 3,
        step_ns: SECOND_NS,
        universe: Universe::Full,
        hours: Hours::Dated,
        open_ns: at_ns(DAY, 7 * HOUR_NS),
    });
    let mut exchange = Exchange::new(market, unlimited(rules), &["A".to_owned()]);
    exchange.accounts[0].cash_e4 *= 100;
    exchange
}

#[test]
fn orders_of_the_night_go_to_each_exchange_when_it_takes_them() {
    let mut exchange = early(Rules::strict_2026());
    exchange.advance(at_ns(DAY, 8 * HOUR_NS));
    assert_eq!(exchange.now_ns(), at_ns(DAY, 8 * HOUR_NS));
    let (price, trigger) = (near(&exchange, 2), near(&exchange, 1));
    let contract = |exchange, symbol, quantity| {
        [
            ("exchange", exchange),
            ("tradingsymbol", symbol),
            ("quantity", quantity),
            ("product", "NRML"),
            ("order_type", "MARKET"),
            ("market_protection", "-1"),
        ]
    };
    let limit = ("price", price.as_str());
    let market = [("order_type", "MARKET"), ("market_protection", "-1")];
    let stop = [("order_type", "SL"), limit, ("trigger_price", &trigger)];
    let nine = at_ns(DAY, 9 * HOUR_NS);
    let expected = [
        (place(&mut exchange, "amo", &[limit]), nine),
        (place(&mut exchange, "amo", &market), nine),
        (place(&mut exchange, "amo", &stop), at_ns(DAY, OPEN_NS)),
        (
            place(&mut exchange, "amo", &[limit, ("validity", "IOC")]),
            at_ns(DAY, OPEN_NS),
        ),
        (
            place(&mut exchange, "amo", &[limit, ("disclosed_quantity", "5")]),
            at_ns(DAY, OPEN_NS),
        ),
        (
            place(
                &mut exchange,
                "amo",
                &contract("NFO", "NIFTY26DECFUT", "65"),
            ),
            at_ns(DAY, OPEN_NS),
        ),
        (
            place(
                &mut exchange,
                "amo",
                &contract("NFO", "NIFTY26NOV26000CE", "65"),
            ),
            at_ns(DAY, OPEN_NS),
        ),
        (
            place(
                &mut exchange,
                "amo",
                &contract("CDS", "USDINR26NOVFUT", "1"),
            ),
            nine,
        ),
        (
            place(
                &mut exchange,
                "amo",
                &contract("MCX", "CRUDEOIL26DECFUT", "1"),
            ),
            nine,
        ),
    ];
    exchange.take_frames();

    for at in [nine - SECOND_NS, nine, at_ns(DAY, OPEN_NS)] {
        exchange.advance(at);
        for &(index, released_ns) in &expected {
            assert_eq!(
                status(&exchange, index) == "AMO REQ RECEIVED",
                at < released_ns,
                "order {index} at {at}"
            );
        }
    }
    exchange.advance(at_ns(DAY, OPEN_NS) + MINUTE_NS);
    for (index, _) in expected {
        let shown = states(&exchange, index);
        assert_eq!(
            shown[..4],
            [
                "PUT ORDER REQ RECEIVED",
                "AMO REQ RECEIVED",
                "VALIDATION PENDING",
                "OPEN PENDING"
            ]
        );
    }
    let frames = exchange.take_frames();
    assert!(!frames.is_empty(), "what they trade is told");
}

#[test]
fn derivatives_are_taken_after_hours_until_ten_past_nine_and_shares_until_two_to() {
    let mut exchange = early(Rules::strict_2026());
    let future = [
        ("exchange", "NFO"),
        ("tradingsymbol", "NIFTY26DECFUT"),
        ("quantity", "65"),
        ("product", "NRML"),
        ("order_type", "MARKET"),
        ("market_protection", "-1"),
    ];
    let price = near(&exchange, 2);
    exchange.advance(at_ns(DAY, 8 * HOUR_NS + 57 * MINUTE_NS));
    place(&mut exchange, "amo", &[("price", &price)]);
    exchange.advance(at_ns(DAY, 8 * HOUR_NS + 58 * MINUTE_NS));
    refused(&mut exchange, "amo", &[("price", &price)]);
    exchange.advance(at_ns(DAY, 9 * HOUR_NS + 9 * MINUTE_NS));
    let index = place(&mut exchange, "amo", &future);
    exchange.advance(at_ns(DAY, 9 * HOUR_NS + 11 * MINUTE_NS));
    refused(&mut exchange, "amo", &future);
    exchange.advance(at_ns(DAY, OPEN_NS));
    assert_eq!(status(&exchange, index), "COMPLETE");
}

#[test]
fn an_order_cancelled_before_it_was_sent_is_shown_as_the_setting_says() {
    for (apart, shown) in [(false, "CANCELLED"), (true, "CANCELLED AMO")] {
        let mut exchange = early(Rules {
            amo_cancelled_apart: apart,
            ..Rules::strict_2026()
        });
        exchange.advance(at_ns(DAY, 8 * HOUR_NS));
        let price = near(&exchange, 2);
        let kept = place(&mut exchange, "amo", &[("price", &price)]);
        let low = near(&exchange, -60);
        let sent = place(&mut exchange, "amo", &[("price", &low)]);
        let ids = [kept, sent].map(|index| exchange.orders[index].id.clone());
        let now_ns = exchange.now_ns();
        exchange.cancel_it(0, &ids[0], now_ns).expect("cancelled");
        exchange.advance(at_ns(DAY, 9 * HOUR_NS + MINUTE_NS));
        let now_ns = exchange.now_ns();
        exchange.cancel_it(0, &ids[1], now_ns).expect("cancelled");

        assert_eq!(
            (status(&exchange, kept), status(&exchange, sent)),
            (shown, "CANCELLED")
        );
        assert_eq!(exchange.orders[kept].now.cancelled, 10);
    }
}

#[test]
fn after_market_orders_are_refused_while_the_market_is_open() {
    let mut exchange = still(Rules::strict_2026());
    let price = near(&exchange, -10);

    let message = refused(&mut exchange, "amo", &[("price", &price)]);

    assert_eq!(
        message,
        "AMO orders are not allowed while the markets are open."
    );
}

#[test]
fn an_auctions_order_stands_outside_the_book_until_it_is_cancelled() {
    let mut exchange = still(Rules::strict_2026());
    let number = exchange.market.listings[infy(&exchange)]
        .instrument
        .exchange_token()
        .to_string();
    let low = near(&exchange, -20);
    let fields = |number| {
        [
            ("transaction_type", "SELL"),
            ("product", "CNC"),
            ("price", low.as_str()),
            ("auction_number", number),
        ]
    };
    assert_eq!(
        refused(&mut exchange, "auction", &fields("1")),
        "Invalid `auction_number`."
    );

    let index = place(&mut exchange, "auction", &fields(&number));
    let (id, now_ns) = (exchange.orders[index].id.clone(), exchange.now_ns());
    exchange.advance(now_ns + 5 * SECOND_NS);
    assert_eq!(status(&exchange, index), "OPEN");
    exchange.cancel_it(0, &id, now_ns).expect("cancelled");

    assert!(exchange.executions.is_empty());
    assert_eq!(status(&exchange, index), "CANCELLED");
}

#[test]
fn the_broker_closes_intraday_positions_and_orders_at_its_time_and_takes_no_more() {
    let mut exchange = exchange_of(dated(at_ns(DAY, OPEN_NS)), unlimited(Rules::strict_2026()));
    exchange.advance(at_ns(DAY, OPEN_NS + 5 * SECOND_NS));
    let entry = near(&exchange, 10);
    place(&mut exchange, "regular", &[("price", &entry)]);
    let (low, stop) = (near(&exchange, -60), near(&exchange, -120));
    let resting = place(&mut exchange, "regular", &[("price", &low)]);
    place(
        &mut exchange,
        "co",
        &[("price", &entry), ("trigger_price", &stop)],
    );
    assert_eq!(
        (
            held(&exchange),
            held_under(&exchange, PositionProduct::Cover)
        ),
        (10, 10)
    );

    let due_ns = crate::exchange::rules::SquareOff::KITE.shares;
    exchange.advance(at_ns(DAY, due_ns - SECOND_NS));
    assert_ne!(held(&exchange), 0);
    assert_ne!(held_under(&exchange, PositionProduct::Cover), 0);
    exchange.advance(at_ns(DAY, due_ns + SECOND_NS));

    assert_eq!(
        (held(&exchange), status(&exchange, resting)),
        (0, "CANCELLED")
    );
    assert_eq!(held_under(&exchange, PositionProduct::Cover), 0);
    assert!(exchange.accounts[0].open.is_empty());
    let by_broker = exchange.orders.iter().filter(|order| order.squares_off);
    let fees_e4: Vec<i64> = by_broker
        .map(|order| {
            let value_e4 = order.now.value_e4;
            let executed = Executed {
                exchange: terms::Exchange::Nse,
                kind: InstrumentKind::Cash,
                product: Product::Mis,
                side: order.side,
                turnover_e4: value_e4,
            };
            order.charges_e4
                - charges(&executed, &exchange.market.calendar, DAY)
                    .expect("in the tables")
                    .total_e4()
        })
        .collect();
    assert!(!fees_e4.is_empty());
    assert!(
        fees_e4.iter().all(|fee_e4| (fee_e4 - 59_0000).abs() <= 1),
        "50 rupees and GST an order: {fees_e4:?}"
    );
    let charged_e4: i64 = exchange.orders.iter().map(|order| order.charges_e4).sum();
    assert_eq!(exchange.accounts[0].charges_e4, charged_e4);
    assert_eq!(
        refused(&mut exchange, "regular", &[("price", &low)]),
        "MIS orders are not allowed after the square-off time."
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// However the market goes, an iceberg never trades more than its total, nor has two legs alive.
    #[test]
    fn an_iceberg_has_one_leg_alive_and_never_trades_more_than_its_whole(
        seed in 0_u64..20, quantity in 2_i64..4_000, legs in 2_i64..=10, away in -3_i64..=3
    ) {
        let leg = (quantity + legs - 1) / legs;
        prop_assume!((quantity + leg - 1) / leg == legs);
        let mut exchange = moving(seed);
        let price = near(&exchange, away);
        let numbers = [quantity, legs, leg].map(|number| number.to_string());
        let fields = form(&[
            ("price", price.as_str()), ("quantity", numbers[0].as_str()),
            ("iceberg_legs", numbers[1].as_str()), ("iceberg_quantity", numbers[2].as_str()),
        ]);
        let now_ns = exchange.now_ns();
        prop_assume!(exchange.place_form(0, "iceberg", &fields, now_ns).is_ok());

        for step in 1..60 {
            exchange.advance(now_ns + step * SECOND_NS);
            let alive = exchange.orders.iter().filter(|order| !order.now.status.terminal()).count();
            let traded: i64 = exchange.orders.iter().map(|order| order.now.filled).sum();
            prop_assert!(alive <= 1 && traded <= quantity);
            prop_assert_eq!(traded, held(&exchange));
            prop_assert!(alive == 1 || traded == quantity || exchange.orders.iter().any(|order| order.now.status.name() == "REJECTED"));
        }
    }
}

/// An order is known under its own variety: a request that names another one means no order.
#[test]
fn an_order_is_modified_and_cancelled_under_its_own_variety_alone() {
    let mut exchange = still(Rules::legacy());
    let now_ns = exchange.now_ns();
    let (limit, stop) = (near(&exchange, -20), near(&exchange, -40));
    let own = [
        ("regular", vec![("price", limit.as_str())]),
        ("amo", vec![("price", limit.as_str())]),
        (
            "co",
            vec![("price", limit.as_str()), ("trigger_price", stop.as_str())],
        ),
        (
            "iceberg",
            vec![
                ("price", limit.as_str()),
                ("iceberg_legs", "2"),
                ("iceberg_quantity", "5"),
            ],
        ),
    ];
    for (variety, pairs) in &own {
        let index = place(&mut exchange, variety, pairs);
        let (id, before) = (
            exchange.orders[index].id.clone(),
            exchange.orders[index].now.clone(),
        );
        let change = [("price".to_owned(), near(&exchange, -19))];

        for other in ["regular", "amo", "co", "iceberg", "auction", "bo"] {
            if other != *variety {
                let refused = Err(Refusal::unknown_order());
                assert_eq!(
                    exchange.modify_form(0, other, &id, &change, now_ns),
                    refused
                );
                assert_eq!(exchange.cancel(0, other, &id, now_ns), refused);
                assert_eq!(exchange.cancel_too_late(0, other, &id, now_ns), refused);
            }
        }
        assert_eq!(exchange.orders[index].now, before);
        exchange
            .modify_form(0, variety, &id, &change, now_ns)
            .expect("its own");
        exchange.cancel(0, variety, &id, now_ns).expect("its own");
    }
}

/// Whatever a modification names, the order keeps what one of its type is placed with, and nothing else.
#[test]
fn a_modified_order_shows_what_one_that_is_placed_so_shows() {
    for (order_type, given) in [
        ("SL-M", ("price", "1234.567")),
        ("LIMIT", ("trigger_price", "1234.567")),
        ("MARKET", ("price", "1234.567")),
    ] {
        let mut exchange = still(Rules::legacy());
        let now_ns = exchange.now_ns();
        let (limit, trigger) = (near(&exchange, -20), near(&exchange, 20));
        let pairs = [
            ("order_type", order_type),
            (
                "price",
                if order_type == "LIMIT" {
                    limit.as_str()
                } else {
                    "0"
                },
            ),
            ("trigger_price", trigger.as_str()),
        ];
        // After hours, so that a MARKET order rests too.
        let placed = place(&mut exchange, "amo", &[&[given], &pairs[..]].concat()[..]);
        let plain = place(&mut exchange, "amo", &pairs);
        let id = exchange.orders[plain].id.clone();
        let change = [(given.0.to_owned(), given.1.to_owned())];

        let changed = exchange.modify_form(0, "amo", &id, &change, now_ns);

        changed.expect("what it has no use for is dropped");
        let shown = |index: usize| {
            let now = &exchange.orders[index].now;
            (now.order_type, now.price_e4, now.trigger_e4)
        };
        assert_eq!(shown(plain), shown(placed), "{order_type}");
    }
}
