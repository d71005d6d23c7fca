//! Orders that go wrong on purpose, and the halt of the market.

use super::dates::SECOND_NS;
use super::floor::Floor;
use super::order::Status;
use super::rules::Rules;
use super::test_floors::{filled, still};

/// Places ten INFY to buy; its id and index. A price of `None` is the best offer and trades at once.
fn place(floor: &mut Floor, away_e4: i64, mishap: &[(&str, &str)]) -> (String, usize) {
    let listing = floor
        .market
        .by_symbol(crate::terms::Exchange::Nse, "INFY")
        .expect("listed");
    let price_e4 = floor.market.listings[listing].day.last_e4 / 1_000 * 1_000 + away_e4;
    let price = format!("{}", price_e4 as f64 / 1e4);
    let rest = [
        ("exchange", "NSE"),
        ("tradingsymbol", "INFY"),
        ("transaction_type", "BUY"),
        ("quantity", "10"),
        ("product", "MIS"),
        ("order_type", "LIMIT"),
        ("price", &price),
    ];
    let fields = filled(mishap, &rest);
    let now_ns = floor.now_ns();
    let id = floor.place(0, "regular", &fields, now_ns).expect("taken");
    let index = floor.find(0, &id).expect("in the book");
    (id, index)
}

const NEAR_E4: i64 = 50_000;
const AWAY_E4: i64 = -500_000;

fn statuses(floor: &Floor, index: usize) -> Vec<Status> {
    let history = floor.orders[index].history.iter();
    history.map(|state| state.status).collect()
}

#[test]
fn a_stuck_order_moves_neither_by_itself_nor_by_its_owner_until_its_time() {
    let mut floor = still(Rules::legacy());
    let (id, index) = place(
        &mut floor,
        NEAR_E4,
        &[("mishap", "stuck"), ("mishap_ms", "3000")],
    );
    let begun_ns = floor.now_ns();

    floor.advance(begun_ns + 2 * SECOND_NS);
    assert_eq!(statuses(&floor, index), [Status::PutOrderReqReceived]);
    let now_ns = floor.now_ns();
    assert!(floor.cancel(0, &id, now_ns).is_err() && floor.modify(0, &id, &[], now_ns).is_err());
    assert!(floor.tied_now(0).total_e4() > 0, "its money is tied up");

    floor.advance(begun_ns + 3 * SECOND_NS);
    assert_eq!(
        statuses(&floor, index)[1..],
        [
            Status::ValidationPending,
            Status::OpenPending,
            Status::Complete
        ]
    );
}

#[test]
fn an_order_rejected_after_its_acknowledgement_never_traded_and_frees_its_money() {
    let mut floor = still(Rules::legacy());
    let fields = [
        ("mishap", "rejected"),
        ("mishap_ms", "1000"),
        ("mishap_message", "16388 : No"),
    ];
    let (_, index) = place(&mut floor, NEAR_E4, &fields);
    assert_eq!(floor.orders[index].now.status, Status::Open);
    assert!(floor.orders[index].now.exchange_order_id.is_some());

    floor.advance(floor.now_ns() + SECOND_NS);

    assert_eq!(
        statuses(&floor, index)[1..],
        [
            Status::ValidationPending,
            Status::OpenPending,
            Status::Open,
            Status::Rejected
        ]
    );
    assert_eq!(
        floor.orders[index].now.message.as_deref(),
        Some("16388 : No")
    );
    assert!(floor.executions.is_empty() && floor.tied_now(0).total_e4() == 0);
}

#[test]
fn a_rejection_finds_the_order_wherever_its_owner_has_brought_it() {
    let mut floor = still(Rules::legacy());
    let fields = [("mishap", "rejected"), ("mishap_ms", "5000")];
    let ((gone, _), (moved, index)) = (
        place(&mut floor, AWAY_E4, &fields),
        place(&mut floor, AWAY_E4, &fields),
    );
    let now_ns = floor.now_ns();
    floor.cancel(0, &gone, now_ns).expect("open");
    let smaller = [("quantity".to_owned(), "5".to_owned())];
    floor.modify(0, &moved, &smaller, now_ns).expect("open");

    floor.advance(now_ns + 5 * SECOND_NS);

    assert_eq!(floor.orders[index].now.status, Status::Rejected);
    assert_eq!(floor.tied_now(0).total_e4(), 0);
}

#[test]
fn a_cancellation_that_loses_the_race_finds_the_order_complete() {
    let mut floor = still(Rules::legacy());
    let (id, index) = place(&mut floor, AWAY_E4, &[]);
    let now_ns = floor.now_ns();

    floor.cancel_too_late(0, &id, now_ns).expect("taken");

    let order = &floor.orders[index];
    assert_eq!(
        statuses(&floor, index)[4..],
        [
            Status::CancelPending,
            Status::NotCancelled,
            Status::Complete
        ]
    );
    assert_eq!(
        (order.now.filled, order.now.average_e4()),
        (10, order.now.price_e4)
    );
    assert_eq!(floor.executions.len(), 1);
    assert!(floor.cancel(0, &id, now_ns).is_err(), "it is over");
}

#[test]
fn in_a_halt_nothing_trades_and_one_can_only_cancel() {
    let mut floor = still(Rules::legacy());
    let (id, index) = place(&mut floor, AWAY_E4, &[]);
    floor.halt(Some("The market is halted.".into()));

    let (_, late) = place(&mut floor, NEAR_E4, &[]);
    floor.advance(floor.now_ns() + 10 * SECOND_NS);

    assert_eq!(
        statuses(&floor, late)[1..],
        [
            Status::ValidationPending,
            Status::OpenPending,
            Status::Rejected
        ]
    );
    let now_ns = floor.now_ns();
    assert!(floor.modify(0, &id, &[], now_ns).is_err());
    floor.cancel(0, &id, now_ns).expect("one may get out");
    assert_eq!(floor.orders[index].now.status, Status::Cancelled);
    assert!(floor.executions.is_empty());

    floor.halt(None);
    let (_, after) = place(&mut floor, NEAR_E4, &[]);
    assert_eq!(floor.orders[after].now.status, Status::Complete);
}
