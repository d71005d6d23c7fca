//! What becomes of orders of every variety.

use proptest::prelude::*;

use super::amo::{AmoHours, Window};
use super::dates::{DAY_NS, HOUR_NS, MINUTE_NS, OPEN_NS, SECOND_NS, at_ns};
use super::floor::Floor;
use super::held::Held;
use super::hours::Hours;
use super::market::{Market, Opening};
use super::path::Synthetic;
use super::rules::Rules;
use super::test_floors::{DAY, filled, floor_of, moving, still, unlimited};
use super::universe::Universe;
use super::views;
use crate::portfolio::{Executed, charges};
use crate::terms::{Exchange, Kind, Product};

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

fn place(floor: &mut Floor, variety: &str, pairs: &[(&str, &str)]) -> usize {
    let now_ns = floor.now_ns();
    let id = floor
        .place(0, variety, &form(pairs), now_ns)
        .expect("taken");
    floor.find(0, &id).expect("in the book")
}

fn refused(floor: &mut Floor, variety: &str, pairs: &[(&str, &str)]) -> String {
    let (now_ns, orders) = (floor.now_ns(), floor.orders.len());
    let refusal = floor
        .place(0, variety, &form(pairs), now_ns)
        .expect_err("refused");
    assert_eq!(floor.orders.len(), orders);
    refusal.message
}

fn infy(floor: &Floor) -> usize {
    floor
        .market
        .by_symbol(Exchange::Nse, "INFY")
        .expect("listed")
}

/// The last price and so many rupees.
fn near(floor: &Floor, rupees: i64) -> String {
    let last_e4 = floor.market.listings[infy(floor)].day.last_e4;
    let tick_e4 = floor.market.listings[infy(floor)].instrument.tick_e4;
    super::instruments::decimal((last_e4 / tick_e4 * tick_e4) + rupees * 10_000)
}

fn held(floor: &Floor) -> i64 {
    held_under(floor, Held::As(Product::Mis))
}

fn held_under(floor: &Floor, held: Held) -> i64 {
    floor.accounts[0]
        .positions
        .get(&(infy(floor), held))
        .map_or(0, crate::portfolio::Position::quantity)
}

fn status(floor: &Floor, index: usize) -> &'static str {
    floor.orders[index].now.status.text()
}

fn states(floor: &Floor, index: usize) -> Vec<&'static str> {
    let history = &floor.orders[index].history;
    history.iter().map(|state| state.status.text()).collect()
}

#[test]
fn each_leg_of_an_iceberg_that_trades_brings_the_next() {
    let mut floor = still(Rules::strict_2026());
    let price = near(&floor, 10);

    let first = place(
        &mut floor,
        "iceberg",
        &[
            ("price", &price),
            ("iceberg_legs", "3"),
            ("iceberg_quantity", "4"),
        ],
    );

    let quantities: Vec<i64> = floor.orders.iter().map(|o| o.now.filled).collect();
    assert_eq!((first, quantities, held(&floor)), (0, vec![4, 4, 2], 10));
    let rows = format!("{:?}", views::orders(&floor, 0));
    assert!(rows.contains("remaining_quantity"), "{rows}");
}

#[test]
fn an_iceberg_whose_leg_is_cancelled_sends_no_other() {
    let mut floor = still(Rules::strict_2026());
    let price = near(&floor, -10);
    let first = place(
        &mut floor,
        "iceberg",
        &[
            ("price", &price),
            ("iceberg_legs", "2"),
            ("iceberg_quantity", "5"),
        ],
    );
    let (id, now_ns) = (floor.orders[first].id.clone(), floor.now_ns());
    let smaller = [("quantity".to_owned(), "3".to_owned())];
    assert!(floor.modify(0, &id, &smaller, now_ns).is_err());

    floor.cancel(0, &id, now_ns).expect("cancelled");

    assert_eq!(floor.orders.len(), 1);
}

#[test]
fn an_iceberg_asks_for_legs_that_make_up_its_quantity() {
    let mut floor = still(Rules::strict_2026());
    let price = near(&floor, -10);
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
        assert_eq!(refused(&mut floor, "iceberg", &fields), message);
    }
}

#[test]
fn a_cover_orders_stop_follows_its_entry_and_leaving_it_closes_the_position() {
    let mut floor = still(Rules::strict_2026());
    let (price, stop) = (near(&floor, 10), near(&floor, -20));
    let entry = place(
        &mut floor,
        "co",
        &[("price", &price), ("trigger_price", &stop)],
    );
    assert_eq!(status(&floor, entry), "COMPLETE");
    let follower = floor.orders[1].clone();
    assert_eq!(follower.parent.as_ref(), Some(&floor.orders[entry].id));
    assert_eq!(
        (status(&floor, 1), follower.now.quantity),
        ("TRIGGER PENDING", 10)
    );
    assert_eq!(
        (held_under(&floor, Held::Cover), held(&floor)),
        (10, 0),
        "a position of its own"
    );
    let shown = format!("{:?}", views::positions(&floor, 0));
    assert!(
        shown.contains("\"CO\"") && !shown.contains("\"MIS\""),
        "{shown}"
    );

    let now_ns = floor.now_ns();
    floor.cancel(0, &follower.id, now_ns).expect("left");

    assert_eq!(
        (status(&floor, 1), held_under(&floor, Held::Cover)),
        ("COMPLETE", 0)
    );
    assert_eq!(floor.tied_now(0).total_e4(), 0);
}

#[test]
fn a_cover_order_without_a_stop_on_the_losing_side_is_refused() {
    let mut floor = still(Rules::strict_2026());
    let (price, above) = (near(&floor, -5), near(&floor, 5));

    let none = refused(&mut floor, "co", &[("price", &price)]);
    let wrong = refused(
        &mut floor,
        "co",
        &[("price", &price), ("trigger_price", &above)],
    );
    let delivery = refused(
        &mut floor,
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
    let mut floor = still(Rules::legacy());
    let (price, other) = (near(&floor, 10), near(&floor, 5));
    let index = place(&mut floor, "amo", &[("price", &price)]);
    let (id, now_ns) = (floor.orders[index].id.clone(), floor.now_ns());
    floor.advance(now_ns + 10 * SECOND_NS);

    let change = [("price".to_owned(), other)];
    floor.modify(0, &id, &change, now_ns).expect("modified");
    floor.cancel(0, &id, now_ns).expect("cancelled");

    assert_eq!(
        states(&floor, index),
        [
            "PUT ORDER REQ RECEIVED",
            "AMO REQ RECEIVED",
            "MODIFY AMO REQ RECEIVED",
            "AMO REQ RECEIVED",
            "CANCEL PENDING",
            "CANCELLED"
        ]
    );
    assert_eq!(held(&floor), 0);
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
    let mut floor = Floor::new(market, rules, &["A".to_owned()]);
    let (price, trigger) = (near(&floor, 2), near(&floor, 1));
    let limit = place(&mut floor, "amo", &[("price", &price)]);
    let stop = place(
        &mut floor,
        "amo",
        &[
            ("price", &price),
            ("trigger_price", &trigger),
            ("order_type", "SL"),
        ],
    );
    assert_eq!(status(&floor, limit), "AMO REQ RECEIVED");

    floor.advance(at_ns(DAY, OPEN_NS - 10 * MINUTE_NS));
    assert!(states(&floor, limit).contains(&"OPEN PENDING"));
    assert_eq!(
        status(&floor, stop),
        "AMO REQ RECEIVED",
        "an auction takes no stops"
    );

    floor.advance(at_ns(DAY, OPEN_NS + SECOND_NS));
    assert_ne!(status(&floor, stop), "AMO REQ RECEIVED");
}

/// A day that everybody waits for since seven.
fn early(rules: Rules) -> Floor {
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
    let mut floor = Floor::new(market, unlimited(rules), &["A".to_owned()]);
    floor.accounts[0].cash_e4 *= 100;
    floor
}

#[test]
fn orders_of_the_night_go_to_each_exchange_when_it_takes_them() {
    let mut floor = early(Rules::strict_2026());
    floor.advance(at_ns(DAY, 8 * HOUR_NS));
    assert_eq!(floor.now_ns(), at_ns(DAY, 8 * HOUR_NS));
    let (price, trigger) = (near(&floor, 2), near(&floor, 1));
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
        (place(&mut floor, "amo", &[limit]), nine),
        (place(&mut floor, "amo", &market), nine),
        (place(&mut floor, "amo", &stop), at_ns(DAY, OPEN_NS)),
        (
            place(&mut floor, "amo", &[limit, ("validity", "IOC")]),
            at_ns(DAY, OPEN_NS),
        ),
        (
            place(&mut floor, "amo", &[limit, ("disclosed_quantity", "5")]),
            at_ns(DAY, OPEN_NS),
        ),
        (
            place(&mut floor, "amo", &contract("NFO", "NIFTY26DECFUT", "65")),
            at_ns(DAY, OPEN_NS),
        ),
        (
            place(
                &mut floor,
                "amo",
                &contract("NFO", "NIFTY26NOV26000CE", "65"),
            ),
            at_ns(DAY, OPEN_NS),
        ),
        (
            place(&mut floor, "amo", &contract("CDS", "USDINR26NOVFUT", "1")),
            nine,
        ),
        (
            place(&mut floor, "amo", &contract("MCX", "CRUDEOIL26DECFUT", "1")),
            nine,
        ),
    ];
    floor.take_frames();

    for at in [nine - SECOND_NS, nine, at_ns(DAY, OPEN_NS)] {
        floor.advance(at);
        for &(index, released_ns) in &expected {
            assert_eq!(
                status(&floor, index) == "AMO REQ RECEIVED",
                at < released_ns,
                "order {index} at {at}"
            );
        }
    }
    floor.advance(at_ns(DAY, OPEN_NS) + MINUTE_NS);
    for (index, _) in expected {
        let shown = states(&floor, index);
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
    let frames = floor.take_frames();
    assert!(!frames.is_empty(), "what they trade is told");
}

#[test]
fn derivatives_are_taken_after_hours_until_ten_past_nine_and_shares_until_two_to() {
    let mut floor = early(Rules::strict_2026());
    let future = [
        ("exchange", "NFO"),
        ("tradingsymbol", "NIFTY26DECFUT"),
        ("quantity", "65"),
        ("product", "NRML"),
        ("order_type", "MARKET"),
        ("market_protection", "-1"),
    ];
    let price = near(&floor, 2);
    floor.advance(at_ns(DAY, 8 * HOUR_NS + 57 * MINUTE_NS));
    place(&mut floor, "amo", &[("price", &price)]);
    floor.advance(at_ns(DAY, 8 * HOUR_NS + 58 * MINUTE_NS));
    refused(&mut floor, "amo", &[("price", &price)]);
    floor.advance(at_ns(DAY, 9 * HOUR_NS + 9 * MINUTE_NS));
    let index = place(&mut floor, "amo", &future);
    floor.advance(at_ns(DAY, 9 * HOUR_NS + 11 * MINUTE_NS));
    refused(&mut floor, "amo", &future);
    floor.advance(at_ns(DAY, OPEN_NS));
    assert_eq!(status(&floor, index), "COMPLETE");
}

#[test]
fn an_order_cancelled_before_it_was_sent_is_shown_as_the_setting_says() {
    for (apart, shown) in [(false, "CANCELLED"), (true, "CANCELLED AMO")] {
        let mut floor = early(Rules {
            amo_cancelled_apart: apart,
            ..Rules::strict_2026()
        });
        floor.advance(at_ns(DAY, 8 * HOUR_NS));
        let price = near(&floor, 2);
        let kept = place(&mut floor, "amo", &[("price", &price)]);
        let low = near(&floor, -60);
        let sent = place(&mut floor, "amo", &[("price", &low)]);
        let ids = [kept, sent].map(|index| floor.orders[index].id.clone());
        let now_ns = floor.now_ns();
        floor.cancel(0, &ids[0], now_ns).expect("cancelled");
        floor.advance(at_ns(DAY, 9 * HOUR_NS + MINUTE_NS));
        let now_ns = floor.now_ns();
        floor.cancel(0, &ids[1], now_ns).expect("cancelled");

        assert_eq!(
            (status(&floor, kept), status(&floor, sent)),
            (shown, "CANCELLED")
        );
        assert_eq!(floor.orders[kept].now.cancelled, 10);
    }
}

#[test]
fn after_market_orders_are_refused_while_the_market_is_open() {
    let mut floor = still(Rules::strict_2026());
    let price = near(&floor, -10);

    let message = refused(&mut floor, "amo", &[("price", &price)]);

    assert_eq!(
        message,
        "AMO orders are not allowed while the markets are open."
    );
}

#[test]
fn an_auctions_order_stands_outside_the_book_until_it_is_cancelled() {
    let mut floor = still(Rules::strict_2026());
    let number = floor.market.listings[infy(&floor)]
        .instrument
        .exchange_token()
        .to_string();
    let low = near(&floor, -20);
    let fields = |number| {
        [
            ("transaction_type", "SELL"),
            ("product", "CNC"),
            ("price", low.as_str()),
            ("auction_number", number),
        ]
    };
    assert_eq!(
        refused(&mut floor, "auction", &fields("1")),
        "Invalid `auction_number`."
    );

    let index = place(&mut floor, "auction", &fields(&number));
    let (id, now_ns) = (floor.orders[index].id.clone(), floor.now_ns());
    floor.advance(now_ns + 5 * SECOND_NS);
    assert_eq!(status(&floor, index), "OPEN");
    floor.cancel(0, &id, now_ns).expect("cancelled");

    assert!(floor.executions.is_empty());
    assert_eq!(status(&floor, index), "CANCELLED");
}

#[test]
fn the_broker_closes_intraday_positions_and_orders_at_its_time_and_takes_no_more() {
    let mut floor = floor_of(dated(at_ns(DAY, OPEN_NS)), unlimited(Rules::strict_2026()));
    floor.advance(at_ns(DAY, OPEN_NS + 5 * SECOND_NS));
    let entry = near(&floor, 10);
    place(&mut floor, "regular", &[("price", &entry)]);
    let (low, stop) = (near(&floor, -60), near(&floor, -120));
    let resting = place(&mut floor, "regular", &[("price", &low)]);
    place(
        &mut floor,
        "co",
        &[("price", &entry), ("trigger_price", &stop)],
    );
    assert_eq!((held(&floor), held_under(&floor, Held::Cover)), (10, 10));

    let due_ns = super::squareoff::SquareOff::KITE.shares_ns;
    floor.advance(at_ns(DAY, due_ns - SECOND_NS));
    assert_ne!(held(&floor), 0);
    assert_ne!(held_under(&floor, Held::Cover), 0);
    floor.advance(at_ns(DAY, due_ns + SECOND_NS));

    assert_eq!((held(&floor), status(&floor, resting)), (0, "CANCELLED"));
    assert_eq!(held_under(&floor, Held::Cover), 0);
    assert!(floor.accounts[0].open.is_empty());
    let by_broker = floor.orders.iter().filter(|order| order.squares_off);
    let fees_e4: Vec<i64> = by_broker
        .map(|order| {
            let value_e4 = order.now.value_e4;
            let executed = Executed {
                exchange: Exchange::Nse,
                kind: Kind::Cash,
                product: Product::Mis,
                side: order.side,
                turnover_e4: value_e4,
            };
            order.charges_e4 - charges(&executed, DAY).expect("in the tables").total_e4()
        })
        .collect();
    assert!(!fees_e4.is_empty());
    assert!(
        fees_e4.iter().all(|fee_e4| (fee_e4 - 59_0000).abs() <= 1),
        "50 rupees and GST an order: {fees_e4:?}"
    );
    let charged_e4: i64 = floor.orders.iter().map(|order| order.charges_e4).sum();
    assert_eq!(floor.accounts[0].charges_e4, charged_e4);
    assert_eq!(
        refused(&mut floor, "regular", &[("price", &low)]),
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
        let mut floor = moving(seed);
        let price = near(&floor, away);
        let numbers = [quantity, legs, leg].map(|number| number.to_string());
        let fields = form(&[
            ("price", price.as_str()), ("quantity", numbers[0].as_str()),
            ("iceberg_legs", numbers[1].as_str()), ("iceberg_quantity", numbers[2].as_str()),
        ]);
        let now_ns = floor.now_ns();
        prop_assume!(floor.place(0, "iceberg", &fields, now_ns).is_ok());

        for step in 1..60 {
            floor.advance(now_ns + step * SECOND_NS);
            let alive = floor.orders.iter().filter(|order| !order.now.status.terminal()).count();
            let traded: i64 = floor.orders.iter().map(|order| order.now.filled).sum();
            prop_assert!(alive <= 1 && traded <= quantity);
            prop_assert_eq!(traded, held(&floor));
            prop_assert!(alive == 1 || traded == quantity || floor.orders.iter().any(|order| order.now.status.text() == "REJECTED"));
        }
    }
}
