//! Orders that go wrong on purpose, and the halt of the market.

use crate::calendar::clock::SECOND_NS;
use crate::exchange::orders::order::OrderStatus;
use crate::exchange::rules::Rules;
use crate::exchange::state::Exchange;
use crate::exchange::tests::exchanges::{filled, still};

/// Places ten INFY to buy; its id and index. A price of `None` is the best offer and trades at once.
fn place(exchange: &mut Exchange, away_e4: i64, order_fault: &[(&str, &str)]) -> (String, usize) {
    let listing = exchange
        .market
        .by_symbol(crate::terms::Exchange::Nse, "INFY")
        .expect("listed");
    let price_e4 = exchange.market.listings[listing].day.last_e4 / 1_000 * 1_000 + away_e4;
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
    let fields = filled(order_fault, &rest);
    let now_ns = exchange.now_ns();
    let id = exchange
        .place_form(0, "regular", &fields, now_ns)
        .expect("taken");
    let index = exchange.find(0, &id).expect("in the book");
    (id, index)
}

const NEAR_E4: i64 = 50_000;
const AWAY_E4: i64 = -500_000;

fn statuses(exchange: &Exchange, index: usize) -> Vec<OrderStatus> {
    let history = exchange.orders[index].history.iter();
    history.map(|state| state.status).collect()
}

#[test]
fn a_stuck_order_moves_neither_by_itself_nor_by_its_owner_until_its_time() {
    let mut exchange = still(Rules::legacy());
    let (id, index) = place(
        &mut exchange,
        NEAR_E4,
        &[("order_fault", "stuck"), ("order_fault_ms", "3000")],
    );
    let begun_ns = exchange.now_ns();

    exchange.advance(begun_ns + 2 * SECOND_NS);
    assert_eq!(
        statuses(&exchange, index),
        [OrderStatus::PutOrderReqReceived]
    );
    let now_ns = exchange.now_ns();
    assert!(
        exchange.cancel_it(0, &id, now_ns).is_err()
            && exchange.modify_it(0, &id, &[], now_ns).is_err()
    );
    assert!(
        exchange.blocked_now(0).total_e4() > 0,
        "its money is blocked up"
    );

    exchange.advance(begun_ns + 3 * SECOND_NS);
    assert_eq!(
        statuses(&exchange, index)[1..],
        [
            OrderStatus::ValidationPending,
            OrderStatus::OpenPending,
            OrderStatus::Complete
        ]
    );
}

#[test]
fn an_order_rejected_after_its_acknowledgement_never_traded_and_frees_its_money() {
    let mut exchange = still(Rules::legacy());
    let fields = [
        ("order_fault", "rejected"),
        ("order_fault_ms", "1000"),
        ("order_fault_message", "16388 : No"),
    ];
    let (_, index) = place(&mut exchange, NEAR_E4, &fields);
    assert_eq!(exchange.orders[index].now.status, OrderStatus::Open);
    assert!(exchange.orders[index].now.exchange_order_id.is_some());

    exchange.advance(exchange.now_ns() + SECOND_NS);

    assert_eq!(
        statuses(&exchange, index)[1..],
        [
            OrderStatus::ValidationPending,
            OrderStatus::OpenPending,
            OrderStatus::Open,
            OrderStatus::Rejected
        ]
    );
    assert_eq!(
        exchange.orders[index].now.message.as_deref(),
        Some("16388 : No")
    );
    assert!(exchange.executions.is_empty() && exchange.blocked_now(0).total_e4() == 0);
}

#[test]
fn a_rejection_finds_the_order_wherever_its_owner_has_brought_it() {
    let mut exchange = still(Rules::legacy());
    let fields = [("order_fault", "rejected"), ("order_fault_ms", "5000")];
    let ((gone, _), (moved, index)) = (
        place(&mut exchange, AWAY_E4, &fields),
        place(&mut exchange, AWAY_E4, &fields),
    );
    let now_ns = exchange.now_ns();
    exchange.cancel_it(0, &gone, now_ns).expect("open");
    let smaller = [("quantity".to_owned(), "5".to_owned())];
    exchange
        .modify_it(0, &moved, &smaller, now_ns)
        .expect("open");

    exchange.advance(now_ns + 5 * SECOND_NS);

    assert_eq!(exchange.orders[index].now.status, OrderStatus::Rejected);
    assert_eq!(exchange.blocked_now(0).total_e4(), 0);
}

#[test]
fn a_cancellation_that_loses_the_race_finds_the_order_complete() {
    let mut exchange = still(Rules::legacy());
    let (id, index) = place(&mut exchange, AWAY_E4, &[]);
    let now_ns = exchange.now_ns();

    exchange
        .cancel_too_late(0, "regular", &id, now_ns)
        .expect("taken");

    let order = &exchange.orders[index];
    assert_eq!(
        statuses(&exchange, index)[4..],
        [
            OrderStatus::CancelPending,
            OrderStatus::NotCancelled,
            OrderStatus::Complete
        ]
    );
    assert_eq!(
        (order.now.filled, order.now.average_e4()),
        (10, order.now.price_e4)
    );
    assert_eq!(exchange.executions.len(), 1);
    assert!(exchange.cancel_it(0, &id, now_ns).is_err(), "it is over");
}

#[test]
fn in_a_halt_nothing_trades_and_one_can_only_cancel() {
    let mut exchange = still(Rules::legacy());
    let (id, index) = place(&mut exchange, AWAY_E4, &[]);
    exchange.halt(Some("The market is halted.".into()));

    let (_, late) = place(&mut exchange, NEAR_E4, &[]);
    exchange.advance(exchange.now_ns() + 10 * SECOND_NS);

    assert_eq!(
        statuses(&exchange, late)[1..],
        [
            OrderStatus::ValidationPending,
            OrderStatus::OpenPending,
            OrderStatus::Rejected
        ]
    );
    let now_ns = exchange.now_ns();
    assert!(exchange.modify_it(0, &id, &[], now_ns).is_err());
    exchange.cancel_it(0, &id, now_ns).expect("one may get out");
    assert_eq!(exchange.orders[index].now.status, OrderStatus::Cancelled);
    assert!(exchange.executions.is_empty());

    exchange.halt(None);
    let (_, after) = place(&mut exchange, NEAR_E4, &[]);
    assert_eq!(exchange.orders[after].now.status, OrderStatus::Complete);
}
