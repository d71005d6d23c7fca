//! Flows of orders of every variety by several users, drawn at random: quantity and money are conserved, nobody trades
//! through a better price or past somebody who was there before him, and the same flow happens twice.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::calendar::clock::{MINUTE_NS, OPEN_NS, SECOND_NS, at_ns};
use crate::exchange::hours::{Hours, Phase};
use crate::exchange::market::path::Synthetic;
use crate::exchange::market::simulated::{Market, Opening};
use crate::exchange::market::universe::Universe;
use crate::exchange::matching::book::{Limit, MARKET_MAKER};
use crate::exchange::orders::order::{Order, OrderStatus, book_id};
use crate::exchange::orders::variety::Variety;
use crate::exchange::rules::Rules;
use crate::exchange::state::Exchange;
use crate::exchange::tests::exchanges::{DAY, moving, unlimited};
use crate::exchange::views::orders;
use crate::exchange::views::portfolio;
use crate::terms::{self, InstrumentKind, OrderType, Side, Validity};

const USERS: usize = 3;
/// More than any flow loses: what is refused here is refused for its form.
const CASH_E4: i64 = 10_000_000_000_000;

#[derive(Clone, Debug)]
enum Deed {
    Place {
        account: usize,
        what: usize,
        buy: bool,
        ticks: i64,
        quantity: i64,
        kind: usize,
    },
    Modify {
        which: usize,
        ticks: i64,
        quantity: i64,
    },
    Cancel {
        which: usize,
    },
    Convert {
        account: usize,
        to_delivery: bool,
        quantity: i64,
    },
    Wait {
        seconds: i64,
    },
}

const KINDS: usize = 13;

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let place = (
        0..USERS,
        prop_oneof![4 => Just(0_usize), 1 => Just(1), 1 => Just(2)],
        any::<bool>(),
        -6_i64..7,
        1_i64..400,
        0..KINDS,
    )
        .prop_map(|(account, what, buy, ticks, quantity, kind)| Deed::Place {
            account,
            what,
            buy,
            ticks,
            quantity,
            kind,
        });
    let modify =
        (0_usize..60, -6_i64..7, 1_i64..400).prop_map(|(which, ticks, quantity)| Deed::Modify {
            which,
            ticks,
            quantity,
        });
    let cancel = (0_usize..60).prop_map(|which| Deed::Cancel { which });
    let convert =
        (0..USERS, any::<bool>(), 1_i64..200).prop_map(|(account, to_delivery, quantity)| {
            Deed::Convert {
                account,
                to_delivery,
                quantity,
            }
        });
    let wait =
        prop_oneof![4 => 1_i64..15, 1 => 200_i64..420].prop_map(|seconds| Deed::Wait { seconds });
    prop::collection::vec(
        prop_oneof![9 => place, 2 => modify, 2 => cancel, 1 => convert, 3 => wait],
        1..70,
    )
}

fn rich(mut exchange: Exchange) -> Exchange {
    for account in &mut exchange.accounts {
        account.cash_e4 = CASH_E4;
    }
    exchange
}

/// Half an hour before the exchange opens.
fn before_hours(seed: u64) -> Exchange {
    let (previous_close, path) = Synthetic::new(seed, DAY, SECOND_NS);
    let market = Market::open(Opening {
        day: DAY,
        previous_close,
        path: Box::new(path),
        seed,
        step_ns: SECOND_NS,
        universe: Universe::House,
        hours: Hours::Dated,
        open_ns: at_ns(DAY, OPEN_NS),
    });
    let users: Vec<String> = (0..USERS).map(|number| format!("U{number}")).collect();
    let mut exchange = Exchange::new(market, unlimited(Rules::strict_2026()), &users);
    exchange.advance(at_ns(DAY, OPEN_NS - 30 * MINUTE_NS));
    rich(exchange)
}

/// INFY, NIFTY's future, a call.
fn listing(exchange: &Exchange, what: usize) -> usize {
    let infy = exchange.market.by_symbol(terms::Exchange::Nse, "INFY");
    let of_kind = |kind| {
        let mut all = exchange.market.listings.iter();
        all.position(|row| row.instrument.kind == kind)
    };
    [
        infy,
        of_kind(InstrumentKind::Future),
        of_kind(InstrumentKind::Call),
    ][what]
        .expect("listed")
}

fn rupees(e4: i64) -> String {
    crate::exchange::market::instruments::decimal(e4)
}

fn place(exchange: &mut Exchange, deed: &Deed) {
    let &Deed::Place {
        account,
        what,
        buy,
        ticks,
        quantity,
        kind,
    } = deed
    else {
        unreachable!("only placements are placed")
    };
    let at = listing(exchange, what);
    let row = &exchange.market.listings[at];
    let tick_e4 = row.instrument.tick_e4 * if what == 0 { 1 } else { 20 };
    let near_e4 = row.day.last_e4 / tick_e4 * tick_e4;
    let price = |ticks: i64| rupees((near_e4 + ticks * tick_e4).max(tick_e4));
    let way = if buy { 1 } else { -1 };
    let (limit, beyond, behind) = (price(ticks), price(8 * way), price(-9 * way));
    let lot = row.instrument.lot;
    let most = row.instrument.order_quantity_max();
    let quantity = match (what, kind) {
        (0, _) => quantity,
        // More than one order may have.
        (_, 10) => most.unwrap_or(lot) + lot * (1 + quantity % 9),
        _ => lot * (1 + quantity % 9),
    };
    let third = ((quantity + 2) / 3).to_string();
    let number = row.instrument.exchange_token().to_string();
    let (variety, own): (&str, Vec<(&str, &str)>) = match kind {
        0 => (
            "regular",
            vec![("order_type", "MARKET"), ("market_protection", "-1")],
        ),
        1 => (
            "regular",
            vec![
                ("order_type", "SL"),
                ("trigger_price", &limit),
                ("price", &beyond),
            ],
        ),
        2 => (
            "regular",
            vec![
                ("order_type", "SL-M"),
                ("trigger_price", &limit),
                ("market_protection", "1"),
            ],
        ),
        3 => ("regular", vec![("validity", "IOC")]),
        4 => ("regular", vec![("validity", "TTL"), ("validity_ttl", "1")]),
        5 => (
            "iceberg",
            vec![("iceberg_legs", "3"), ("iceberg_quantity", &third)],
        ),
        6 => ("co", vec![("price", &beyond), ("trigger_price", &behind)]),
        7 => ("amo", vec![]),
        8 => (
            "auction",
            vec![
                ("transaction_type", "SELL"),
                ("product", "CNC"),
                ("auction_number", &number),
            ],
        ),
        9 if what == 0 => ("regular", vec![("product", "CNC")]),
        _ => ("regular", vec![]),
    };
    let quantity = if kind == 8 {
        (quantity % 30 + 1).to_string()
    } else {
        quantity.to_string()
    };
    let (symbol, listed_at) = (
        row.instrument.tradingsymbol.clone(),
        row.instrument.exchange.name(),
    );
    let common = [
        ("transaction_type", if buy { "BUY" } else { "SELL" }),
        ("product", "MIS"),
        ("order_type", "LIMIT"),
        ("price", limit.as_str()),
        ("quantity", quantity.as_str()),
        ("exchange", listed_at),
        ("tradingsymbol", symbol.as_str()),
    ];
    let fields: Vec<(String, String)> = own
        .iter()
        .chain(&common)
        .map(|(name, text)| ((*name).into(), (*text).into()))
        .collect();
    let now_ns = exchange.now_ns();
    let _ = exchange.place_sliced_form(account, variety, &fields, now_ns + 1);
}

/// Carries a deed out; some are refused, as they should be.
fn act(exchange: &mut Exchange, deed: &Deed) {
    let now_ns = exchange.now_ns();
    let of = |exchange: &Exchange, which: usize| {
        let order = exchange.orders.get(which)?;
        Some((order.account, order.id.clone(), order.listing))
    };
    match *deed {
        Deed::Place { .. } => place(exchange, deed),
        Deed::Modify {
            which,
            ticks,
            quantity,
        } => {
            let Some((account, id, listing)) = of(exchange, which) else {
                return;
            };
            let row = &exchange.market.listings[listing];
            let tick_e4 = row.instrument.tick_e4;
            let price_e4 = row.day.last_e4 / tick_e4 * tick_e4 + ticks * tick_e4;
            let lot = row.instrument.lot;
            let change = [
                ("price".into(), rupees(price_e4.max(tick_e4))),
                ("quantity".into(), (quantity * lot).to_string()),
            ];
            let _ = exchange.modify_it(account, &id, &change, now_ns + 1);
        }
        Deed::Cancel { which } => {
            if let Some((account, id, _)) = of(exchange, which) {
                let _ = exchange.cancel_it(account, &id, now_ns + 1);
            }
        }
        Deed::Convert {
            account,
            to_delivery,
            quantity,
        } => {
            let (from, to) = if to_delivery {
                ("MIS", "CNC")
            } else {
                ("CNC", "MIS")
            };
            let fields: Vec<(String, String)> = [
                ("exchange", "NSE"),
                ("tradingsymbol", "INFY"),
                ("transaction_type", "BUY"),
                ("position_type", "day"),
                ("quantity", &quantity.to_string()),
                ("old_product", from),
                ("new_product", to),
            ]
            .map(|(name, text)| (name.into(), text.into()))
            .into();
            let _ = exchange.convert_form(account, &fields, now_ns + 1);
        }
        Deed::Wait { seconds } => {
            exchange.advance(now_ns + seconds * SECOND_NS);
        }
    }
}

/// Each order for itself: what it traded, what is left, where it stands.
fn orders_add_up(exchange: &Exchange) -> Result<(), TestCaseError> {
    let mut traded = vec![(0, 0); exchange.orders.len()];
    for execution in &exchange.executions {
        let (quantity, value_e4) = &mut traded[execution.order];
        *quantity += execution.quantity;
        *value_e4 += execution.quantity * execution.price_e4;
        let order = &exchange.orders[execution.order];
        if order.squares_off {
            // The broker closes at any price.
            continue;
        }
        let within = |limit_e4: i64| order.side.sign() * (limit_e4 - execution.price_e4) >= 0;
        let limits = order.history.iter().map(|state| state.price_e4);
        prop_assert!(limits.filter(|&e4| e4 > 0).any(within), "{order:?}");
    }
    for (index, (order, &(quantity, value_e4))) in exchange.orders.iter().zip(&traded).enumerate() {
        prop_assert_eq!((order.now.filled, order.now.value_e4), (quantity, value_e4));
        prop_assert!(order.now.left() >= 0);
        let over = order.now.status.terminal();
        prop_assert_eq!(
            order.now.left() > 0 && order.now.status != OrderStatus::Rejected,
            !over
        );
        let open = exchange.accounts[order.account].open.contains(&index);
        prop_assert_eq!(open, !over);
        let in_book = order.now.status == OrderStatus::Open
            && !matches!(order.variety, Variety::Auction { .. });
        let standing = exchange.market.listings[order.listing].standing(book_id(index));
        prop_assert_eq!(
            standing,
            if in_book { order.now.left() } else { 0 },
            "{:?}",
            order
        );
    }
    Ok(())
}

/// What users pay others get, the market maker or the tables of charges: nothing is made and nothing lost.
fn money_and_quantity_are_conserved(exchange: &Exchange) -> Result<(), TestCaseError> {
    // The market maker's side of every trade that has no second user.
    let mut trades: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (at, execution) in exchange.executions.iter().enumerate() {
        trades.entry(execution.trade_id).or_default().push(at);
    }
    let mut maker: BTreeMap<usize, (i64, i64)> = BTreeMap::new();
    for sides in trades.values() {
        let first = &exchange.executions[sides[0]];
        let order = &exchange.orders[first.order];
        let multiplier = exchange.market.listings[order.listing]
            .instrument
            .multiplier;
        match sides[..] {
            [_] => {
                let (held, cash_e4) = maker.entry(order.listing).or_default();
                *held -= order.side.sign() * first.quantity;
                *cash_e4 += order.side.sign() * first.quantity * first.price_e4 * multiplier;
            }
            [_, second] => {
                let second = &exchange.executions[second];
                let other = &exchange.orders[second.order];
                prop_assert_eq!(order.listing, other.listing);
                prop_assert_eq!(order.side, other.side.opposite());
                // In an auction all meet at one price, and nobody chooses whom.
                let times = at_ns(DAY, OPEN_NS)..at_ns(DAY, OPEN_NS + 6 * 60 * MINUTE_NS);
                let apart = order.account != other.account;
                prop_assert!(
                    apart || !times.contains(&first.at_ns),
                    "he trades with himself"
                );
                prop_assert_eq!(
                    (first.quantity, first.price_e4),
                    (second.quantity, second.price_e4)
                );
            }
            _ => prop_assert!(false, "a trade has two sides at most"),
        }
    }
    let (mut cash_e4, mut charges_e4) = (0, 0);
    let mut held: BTreeMap<usize, i64> = BTreeMap::new();
    for (number, account) in exchange.accounts.iter().enumerate() {
        let open_e4: i64 = account.positions.values().map(|p| p.open.value_e4).sum();
        // Money in hand once what is open has been paid for.
        cash_e4 += exchange.accounts[number].funds_e4() - open_e4;
        let of_orders = account
            .orders
            .iter()
            .map(|&order| exchange.orders[order].charges_e4);
        let of_orders_e4: i64 = of_orders.sum();
        prop_assert_eq!(of_orders_e4, account.charges_e4);
        prop_assert!(account.charges_e4 >= 0);
        charges_e4 += account.charges_e4;
        for (&(listing, _), position) in &account.positions {
            *held.entry(listing).or_default() += position.quantity();
        }
        for holding in &account.holdings {
            prop_assert!(
                (0..=holding.quantity).contains(&holding.used),
                "{holding:?}"
            );
        }
        prop_assert!(exchange.blocked_now(number).total_e4() >= 0);
    }
    let maker_e4: i64 = maker.values().map(|(_, cash_e4)| cash_e4).sum();
    let users = i64::try_from(exchange.accounts.len()).expect("few");
    prop_assert_eq!(cash_e4 + maker_e4 + charges_e4, users * CASH_E4);
    for (listing, quantity) in held {
        let of_maker = maker.get(&listing).map_or(0, |(held, _)| *held);
        prop_assert_eq!(quantity + of_maker, 0, "of listing {}", listing);
    }
    Ok(())
}

/// When each user's order came to its place in line.
#[derive(Default)]
struct Arrivals {
    since: BTreeMap<u64, (i64, i64, u64)>,
    clock: u64,
}

impl Arrivals {
    /// Looks at the books after a deed: who is new, asks for another price or for more, is last.
    fn note(&mut self, exchange: &mut Exchange) -> Result<(), TestCaseError> {
        self.clock += 1;
        let mut seen = BTreeSet::new();
        for what in 0..3 {
            let at = listing(exchange, what);
            if exchange.market.listings[at].phase != Phase::Continuous {
                continue;
            }
            let (bids, asks) = {
                let row = &mut exchange.market.listings[at];
                (row.queue(Side::Buy), row.queue(Side::Sell))
            };
            if let (Some(bid), Some(ask)) = (bids.first(), asks.first()) {
                prop_assert!(bid.price_e4 < ask.price_e4, "crossed");
            }
            for queue in [bids, asks] {
                let mut last: Option<(i64, u64)> = None;
                for order in queue.iter().filter(|order| order.owner != MARKET_MAKER) {
                    seen.insert(order.id);
                    let known = self.since.get(&order.id).copied();
                    let stays = known.is_some_and(|(price_e4, quantity, _)| {
                        price_e4 == order.price_e4 && order.quantity <= quantity
                    });
                    let since = match known {
                        Some((_, _, since)) if stays => since,
                        _ => self.clock,
                    };
                    self.since
                        .insert(order.id, (order.price_e4, order.quantity, since));
                    if let Some((price_e4, before)) = last {
                        let worse = order.side.sign() * (order.price_e4 - price_e4);
                        prop_assert!(worse < 0 || (worse == 0 && before <= since), "out of line");
                    }
                    last = Some((order.price_e4, since));
                }
            }
        }
        self.since.retain(|id, _| seen.contains(id));
        Ok(())
    }
}

/// What an order that goes straight to the book trades, by the rule as one would explain it: the best price first, at
/// each price who came first, until its limit or until it meets an order of its own owner.
fn foretold(queue: &[Limit], order: &Limit) -> Vec<(i64, Option<u64>, i64)> {
    let mut left = order.quantity;
    let mut trades: Vec<(i64, Option<u64>, i64)> = Vec::new();
    for resting in queue {
        let reached = order.side.sign() * (order.price_e4 - resting.price_e4) >= 0;
        if left == 0 || !reached || resting.owner == order.owner {
            break;
        }
        let quantity = left.min(resting.quantity);
        left -= quantity;
        let with = (resting.owner != MARKET_MAKER).then_some(resting.id);
        push(&mut trades, (resting.price_e4, with, quantity));
    }
    trades
}

/// The market maker's orders at one price are as one.
fn push(trades: &mut Vec<(i64, Option<u64>, i64)>, trade: (i64, Option<u64>, i64)) {
    match trades.last_mut() {
        Some((price_e4, with, quantity)) if (*price_e4, *with) == (trade.0, trade.1) => {
            *quantity += trade.2;
        }
        _ => trades.push(trade),
    }
}

/// What an order traded from some execution on, in the same words; not what came later and met it: the next slice of an iceberg
/// whose slice it has filled.
fn found(exchange: &Exchange, index: usize, from: usize) -> Vec<(i64, Option<u64>, i64)> {
    let mut trades = Vec::new();
    let new = &exchange.executions[from..];
    for execution in new.iter().filter(|execution| execution.order == index) {
        let other = new
            .iter()
            .find(|e| e.trade_id == execution.trade_id && e.order != index);
        if other.is_some_and(|other| other.order > index) {
            continue;
        }
        let with = other.map(|other| book_id(other.order));
        push(&mut trades, (execution.price_e4, with, execution.quantity));
    }
    trades
}

/// Places and looks at the trades of what went straight to the book; how many orders that were.
fn placed_without_trade_through(
    exchange: &mut Exchange,
    deed: &Deed,
) -> Result<usize, TestCaseError> {
    let &Deed::Place {
        what, buy, kind, ..
    } = deed
    else {
        act(exchange, deed);
        return Ok(0);
    };
    let at = listing(exchange, what);
    // An order of several slices meets what its first ones left, and a stop or an auction no book at all.
    let single = matches!(kind, 0 | 3 | 4 | 5 | 6 | 9 | 11 | 12);
    if exchange.market.listings[at].phase != Phase::Continuous || !single {
        act(exchange, deed);
        return Ok(0);
    }
    let opposite = if buy { Side::Sell } else { Side::Buy };
    let queue = exchange.market.listings[at].queue(opposite);
    let (orders, executions) = (exchange.orders.len(), exchange.executions.len());
    act(exchange, deed);
    let Some(order) = exchange.orders.get(orders) else {
        return Ok(0);
    };
    prop_assert!(order.now.order_type == OrderType::Limit || order.now.validity != Validity::Day);
    let asked = Limit {
        id: book_id(orders),
        owner: order.account as u32 + 1,
        side: order.side,
        price_e4: order.now.price_e4,
        quantity: order.history[0].quantity,
    };
    prop_assert_eq!(
        found(exchange, orders, executions),
        foretold(&queue, &asked)
    );
    Ok(1)
}

/// Nobody who stood in front of somebody who has traded is passed over.
fn nobody_was_passed_over(
    exchange: &Exchange,
    before: &Arrivals,
    from: usize,
) -> Result<(), TestCaseError> {
    for execution in &exchange.executions[from..] {
        let Some(&(price_e4, _, since)) = before.since.get(&book_id(execution.order)) else {
            continue;
        };
        let traded = &exchange.orders[execution.order];
        for (&id, &(other_e4, quantity, other_since)) in &before.since {
            let other = &exchange.orders[(id / 2) as usize];
            let beside = other.listing == traded.listing && other.side == traded.side;
            let better = other.side.sign() * (other_e4 - price_e4);
            let in_front = better > 0 || (better == 0 && other_since < since);
            if !beside || !in_front {
                continue;
            }
            let left = exchange.market.listings[other.listing].standing(id);
            prop_assert_eq!(left, 0, "{} of {} were in front", left, quantity);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_varieties_are_drawn_money_and_quantity_are_conserved(seed in 0_u64..50, deeds in deeds(), early: bool) {
        let mut exchange = if early { before_hours(seed) } else { rich(moving(seed)) };
        for deed in &deeds {
            act(&mut exchange, deed);
        }
        orders_add_up(&exchange)?;
        money_and_quantity_are_conserved(&exchange)?;
        // To the end of the day, with the auctions and what the broker closes.
        if early {
            exchange.advance(at_ns(DAY, OPEN_NS + 7 * 60 * MINUTE_NS));
            orders_add_up(&exchange)?;
            money_and_quantity_are_conserved(&exchange)?;
            prop_assert!(exchange.accounts.iter().all(|account| account.open.is_empty()));
        }
    }

    #[test]
    fn nobody_trades_through_a_better_price_or_past_who_came_first(seed in 0_u64..50, deeds in deeds()) {
        let mut exchange = rich(moving(seed));
        let mut arrivals = Arrivals::default();
        for deed in &deeds {
            let from = exchange.executions.len();
            if let Deed::Wait { seconds } = deed {
                for _ in 0..(*seconds).min(20) {
                    let from = exchange.executions.len();
                    let now_ns = exchange.now_ns();
                    exchange.advance(now_ns + SECOND_NS);
                    nobody_was_passed_over(&exchange, &arrivals, from)?;
                    arrivals.note(&mut exchange)?;
                }
                continue;
            }
            placed_without_trade_through(&mut exchange, deed)?;
            // Who cancels or asks for something else leaves his place.
            if matches!(deed, Deed::Place { .. } | Deed::Convert { .. }) {
                nobody_was_passed_over(&exchange, &arrivals, from)?;
            }
            arrivals.note(&mut exchange)?;
        }
    }

    #[test]
    fn the_same_flow_makes_the_same_trades_byte_for_byte(seed in 0_u64..50, deeds in deeds(), early: bool) {
        let book = || {
            let mut exchange = if early { before_hours(seed) } else { rich(moving(seed)) };
            for deed in &deeds {
                act(&mut exchange, deed);
            }
            let of_users: Vec<String> = (0..USERS)
                .map(|user| {
                    let rows = [
                        orders::orders(&exchange, user),
                        orders::trades(&exchange, user),
                        portfolio::positions(&exchange, user),
                        portfolio::margins(&exchange, user),
                    ];
                    format!("{rows:?}")
                })
                .collect();
            (of_users, format!("{:?}", exchange.take_frames()))
        };
        prop_assert_eq!(book(), book());
    }
}

/// The next leg of an iceberg is sent when the auction has filled the one before, and may cross another order of its client,
/// that the auction left: at the open one of them is cancelled and says so.
#[test]
fn own_orders_that_cross_at_the_open_do_not_vanish() {
    let mut exchange = before_hours(23);
    let order = |quantity, buy, ticks, kind| Deed::Place {
        account: 0,
        what: 0,
        buy,
        ticks,
        quantity,
        kind,
    };
    act(&mut exchange, &Deed::Wait { seconds: 1 });
    act(&mut exchange, &order(3, false, 0, 5));
    for _ in 0..7 {
        act(&mut exchange, &order(1, false, 0, 0));
    }
    act(&mut exchange, &order(1, true, 2, 9));
    act(&mut exchange, &Deed::Wait { seconds: 899 });
    let open = |exchange: &Exchange| exchange.market.listings[listing(exchange, 0)].phase;
    assert_eq!(open(&exchange), Phase::Continuous);
    orders_add_up(&exchange).expect("what is open stands in the book");
    let message = |order: &Order| order.now.message.clone().unwrap_or_default();
    let mut over = exchange.orders.iter().map(message);
    assert!(over.any(|why| why.contains("an order of the same client")));
}

/// The properties say something only if the flows have all of it in them.
#[test]
fn the_flows_have_trades_of_every_variety_in_them() {
    let mut runner = TestRunner::deterministic();
    let mut traded: BTreeMap<&str, usize> = BTreeMap::new();
    let mut straight = 0;
    let (mut converted, mut sliced, mut between_users) = (0, 0, 0);
    for case in 0..60 {
        let deeds = deeds().new_tree(&mut runner).expect("drawn").current();
        let mut exchange = if case % 2 == 0 {
            before_hours(case)
        } else {
            rich(moving(case))
        };
        for deed in &deeds {
            straight +=
                placed_without_trade_through(&mut exchange, deed).expect("no trade-through");
        }
        if case % 2 == 0 {
            exchange.advance(at_ns(DAY, OPEN_NS + 6 * 60 * MINUTE_NS));
        }
        for execution in &exchange.executions {
            *traded
                .entry(exchange.orders[execution.order].variety.name())
                .or_default() += 1;
            let sides = exchange.executions.iter();
            between_users +=
                usize::from(sides.filter(|e| e.trade_id == execution.trade_id).count() == 2);
        }
        let tags = exchange.orders.iter().flat_map(|order| &order.tags);
        sliced += tags.filter(|tag| *tag == "autoslice").count();
        converted += deeds
            .iter()
            .filter(|deed| matches!(deed, Deed::Convert { .. }))
            .count();
    }
    for variety in ["regular", "iceberg", "co", "amo", "auction"] {
        assert!(
            traded.get(variety).is_some_and(|&n| n > 3),
            "{variety}: {traded:?}"
        );
    }
    assert!(straight > 100 && sliced > 10 && between_users > 20 && converted > 10);
}
