//! Orders whose way takes time.

use proptest::prelude::*;

use crate::calendar::clock::{OPEN_NS, SECOND_NS, at_ns};
use crate::exchange::market::path::Synthetic;
use crate::exchange::market::simulated::Market;
use crate::exchange::orders::order::OrderStatus;
use crate::exchange::rules::{Latencies, Rules};
use crate::exchange::state::Exchange;
use crate::exchange::tests::exchanges::{DAY, exchange_of, still, unlimited};

const MS_NS: i64 = 1_000_000;
const SLOW: Latencies = Latencies {
    broker_ns: 10 * MS_NS,
    checks_ns: 20 * MS_NS,
    exchange_ns: 30 * MS_NS,
    book_ns: 40 * MS_NS,
    modification_ns: 50 * MS_NS,
    cancellation_ns: 60 * MS_NS,
};

fn slow(latencies: Latencies) -> Rules {
    Rules {
        latencies,
        ..Rules::strict_2026()
    }
}

fn form(side: &str, quantity: &str, price: &str) -> Vec<(String, String)> {
    [
        ("exchange", "NSE"),
        ("tradingsymbol", "INFY"),
        ("transaction_type", side),
        ("product", "MIS"),
        ("order_type", "LIMIT"),
        ("quantity", quantity),
        ("price", price),
    ]
    .map(|(name, text)| (name.into(), text.into()))
    .into()
}

fn infy_e4(exchange: &Exchange) -> i64 {
    let listing = exchange
        .market
        .by_symbol(crate::terms::Exchange::Nse, "INFY")
        .expect("listed");
    exchange.market.listings[listing].day.last_e4
}

/// A price so many rupees from the last one.
fn beside(exchange: &Exchange, rupees: i64) -> String {
    let price_e4 = infy_e4(exchange) / 1_000 * 1_000 + rupees * 10_000;
    format!("{}", price_e4 as f64 / 1e4)
}

fn place(exchange: &mut Exchange, rupees: i64, at_ns: i64) -> (String, usize) {
    let price = beside(exchange, rupees);
    let id = exchange
        .place_form(0, "regular", &form("BUY", "10", &price), at_ns)
        .expect("taken");
    let index = exchange.find(0, &id).expect("in the book");
    (id, index)
}

/// The history: each state with the ms after the start at which it is first seen, when everybody looks each ms.
fn watched(exchange: &mut Exchange, index: usize, ms: i64) -> Vec<(i64, OrderStatus)> {
    let start_ns = exchange.now_ns();
    let mut seen = Vec::new();
    for at in 0..=ms {
        exchange.advance(start_ns + at * MS_NS);
        for state in &exchange.orders[index].history[seen.len()..] {
            seen.push((at, state.status));
        }
    }
    seen
}

#[test]
fn each_hop_takes_its_time() {
    let mut exchange = still(slow(SLOW));
    let now_ns = exchange.now_ns();
    let (_, index) = place(&mut exchange, 5, now_ns);

    assert_eq!(
        watched(&mut exchange, index, 200),
        [
            (0, OrderStatus::PutOrderReqReceived),
            (10, OrderStatus::ValidationPending),
            (30, OrderStatus::OpenPending),
            (60, OrderStatus::Open),
            (100, OrderStatus::Complete),
        ]
    );
    assert_eq!(exchange.executions[0].at_ns, now_ns + 100 * MS_NS);
}

#[test]
fn without_latencies_an_order_is_complete_when_it_is_answered() {
    let mut exchange = still(Rules::strict_2026());
    let now_ns = exchange.now_ns();
    let (_, index) = place(&mut exchange, 5, now_ns);

    assert_eq!(exchange.orders[index].now.status, OrderStatus::Complete);
    assert_eq!(exchange.under_way.next_ns(), None);
}

#[test]
fn modifications_and_cancellations_are_under_way_too() {
    let mut exchange = still(slow(SLOW));
    let now_ns = exchange.now_ns();
    let (id, index) = place(&mut exchange, -20, now_ns);
    exchange.advance(now_ns + 100 * MS_NS);

    let change: Vec<(String, String)> = vec![("quantity".into(), "7".into())];
    exchange
        .modify_it(0, &id, &change, now_ns + 100 * MS_NS)
        .expect("taken");
    assert_eq!(exchange.orders[index].now.quantity, 10);
    let again = exchange.modify_it(0, &id, &change, now_ns + 120 * MS_NS);
    assert_eq!(again.expect_err("one is under way").status, 400);
    exchange.advance(now_ns + 150 * MS_NS);
    assert_eq!(
        (
            exchange.orders[index].now.status,
            exchange.orders[index].now.quantity
        ),
        (OrderStatus::Open, 7)
    );

    exchange
        .cancel_it(0, &id, now_ns + 150 * MS_NS)
        .expect("taken");
    assert_eq!(
        exchange.orders[index].now.status,
        OrderStatus::CancelPending
    );
    exchange.advance(now_ns + 210 * MS_NS);
    assert_eq!(exchange.orders[index].now.status, OrderStatus::Cancelled);
    assert_eq!(exchange.under_way.next_ns(), None);
}

/// Another user's order takes this one while its cancellation is under way.
#[test]
fn what_trades_before_its_cancellation_arrives_was_not_cancelled() {
    let mut exchange = still(slow(Latencies {
        cancellation_ns: 60 * MS_NS,
        modification_ns: 60 * MS_NS,
        ..Latencies::default()
    }));
    let now_ns = exchange.now_ns();
    // Better than the market maker's bids, below its offers.
    let (id, index) = place_between(&mut exchange, "BUY");
    exchange.cancel_it(0, &id, now_ns).expect("taken");
    sell_into(&mut exchange, index, "10");

    let states: Vec<OrderStatus> = exchange.orders[index]
        .history
        .iter()
        .map(|s| s.status)
        .collect();
    assert!(states.ends_with(&[
        OrderStatus::CancelPending,
        OrderStatus::NotCancelled,
        OrderStatus::Complete
    ]));
    exchange.advance(now_ns + SECOND_NS);
    assert_eq!(exchange.orders[index].now.status, OrderStatus::Complete);
}

#[test]
fn what_has_traded_too_much_is_not_modified() {
    let mut exchange = still(slow(Latencies {
        modification_ns: 60 * MS_NS,
        ..Latencies::default()
    }));
    let now_ns = exchange.now_ns();
    let (id, index) = place_between(&mut exchange, "BUY");
    let change: Vec<(String, String)> = vec![("quantity".into(), "5".into())];
    exchange.modify_it(0, &id, &change, now_ns).expect("taken");
    sell_into(&mut exchange, index, "6");
    exchange.advance(now_ns + 60 * MS_NS);

    let order = &exchange.orders[index];
    let states: Vec<OrderStatus> = order.history.iter().map(|s| s.status).collect();
    assert!(states.ends_with(&[
        OrderStatus::ModifyPending,
        OrderStatus::NotModified,
        OrderStatus::Open
    ]));
    assert_eq!((order.now.quantity, order.now.filled), (10, 6));
}

/// An order that stands alone at the best price.
fn place_between(exchange: &mut Exchange, side: &str) -> (String, usize) {
    let now_ns = exchange.now_ns();
    let listing = exchange
        .market
        .by_symbol(crate::terms::Exchange::Nse, "INFY")
        .expect("listed");
    let row = &exchange.market.listings[listing];
    let offer_e4 = row.depth(crate::terms::Side::Sell)[0].price_e4;
    let price_e4 = offer_e4 - row.instrument.tick_e4;
    let price = format!("{}", price_e4 as f64 / 1e4);
    let id = exchange
        .place_form(0, "regular", &form(side, "10", &price), now_ns)
        .expect("taken");
    let index = exchange.find(0, &id).expect("in the book");
    assert_eq!(exchange.orders[index].now.status, OrderStatus::Open);
    (id, index)
}

/// Somebody else sells at its price.
fn sell_into(exchange: &mut Exchange, index: usize, quantity: &str) {
    let now_ns = exchange.now_ns();
    let price = format!("{}", exchange.orders[index].now.price_e4 as f64 / 1e4);
    exchange
        .place_form(1, "regular", &form("SELL", quantity, &price), now_ns)
        .expect("taken");
}

fn moving(seed: u64, latencies: Latencies) -> Exchange {
    let (close, path) = Synthetic::new(seed, DAY, SECOND_NS);
    let market = Market::new(DAY, close, Box::new(path), seed, SECOND_NS);
    exchange_of(market, unlimited(slow(latencies)))
}

/// What a user asks for at a time, and whether somebody looks in between.
#[derive(Clone, Debug)]
struct Asked {
    after_ms: i64,
    rupees: i64,
    deed: u8,
}

fn asked() -> impl Strategy<Value = Asked> {
    (0_i64..900, -6_i64..6, 0_u8..4).prop_map(|(after_ms, rupees, deed)| Asked {
        after_ms,
        rupees,
        deed,
    })
}

/// Asks for all of it; with `looking`, market time goes on in steps of a few ms as reads would make it.
fn history(seed: u64, latencies: Latencies, flow: &[Asked], looking: bool) -> String {
    let mut exchange = moving(seed, latencies);
    let mut at_ns = at_ns(DAY, OPEN_NS) + SECOND_NS;
    let mut last: Option<String> = None;
    for asked in flow {
        let until_ns = at_ns + asked.after_ms * MS_NS;
        while looking && at_ns < until_ns {
            at_ns = (at_ns + 7 * MS_NS).min(until_ns);
            exchange.advance(at_ns);
        }
        at_ns = until_ns;
        exchange.advance(at_ns);
        match (asked.deed, &last) {
            (0 | 1, _) | (_, None) => {
                let price = beside(&exchange, asked.rupees);
                last = exchange
                    .place_form(0, "regular", &form("BUY", "3", &price), at_ns)
                    .ok();
            }
            (2, Some(id)) => {
                let price = beside(&exchange, asked.rupees);
                let _ = exchange.modify_it(0, id, &[("price".into(), price)], at_ns);
            }
            (_, Some(id)) => {
                let _ = exchange.cancel_it(0, id, at_ns);
            }
        }
    }
    exchange.advance(at_ns + 10 * SECOND_NS);
    assert_eq!(
        exchange.under_way.next_ns(),
        None,
        "everything has arrived some time"
    );
    for order in &exchange.orders {
        let state = &order.now;
        let pending = state.left();
        assert_eq!(state.quantity, state.filled + state.cancelled + pending);
        if state.status == OrderStatus::Complete {
            assert_eq!(pending, 0);
        }
    }
    format!("{:?}{:?}", exchange.orders, exchange.executions)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// What becomes of requests depends on their times alone, not on who looks in between.
    #[test]
    fn nobodys_looking_changes_anything(
        seed in 0_u64..50,
        flow in prop::collection::vec(asked(), 1..12),
        ms in prop::array::uniform6(0_i64..1500),
    ) {
        let [broker_ns, checks_ns, exchange_ns, book_ns, modification_ns, cancellation_ns] = ms.map(|ms| ms * MS_NS);
        let latencies = Latencies { broker_ns, checks_ns, exchange_ns, book_ns, modification_ns, cancellation_ns };

        prop_assert_eq!(history(seed, latencies, &flow, true), history(seed, latencies, &flow, false));
    }
}
