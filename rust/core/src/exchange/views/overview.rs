//! The whole exchange at a glance, for who runs it: everybody's orders and trades, prices by the screenful.
//!
//! Not Kite's shapes: rows are short, since many are read each second, and times are milliseconds UTC, which the
//! history of an order needs to be understood.

use crate::exchange::hours::{Phase, Segment};
use crate::exchange::market::listing::Listing;
use crate::exchange::market::simulated::Market;
use crate::exchange::orders::order::{Order, OrderState};
use crate::exchange::state::Exchange;
use crate::exchange::state::Execution;
use crate::exchange::views::json_value::{Value, object};
use crate::terms::Side;

/// Rows in one answer.
pub const ROWS_MAX: usize = 1_000;

const MS_NS: i64 = 1_000_000;

/// Which orders are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Which {
    pub account: Option<usize>,
    pub listing: Option<usize>,
    /// Only those that are not over.
    pub open: bool,
}

impl Which {
    fn takes(self, order: &Order) -> bool {
        self.account.is_none_or(|account| order.account == account)
            && self.listing.is_none_or(|listing| order.listing == listing)
            && !(self.open && order.now.status.terminal())
    }
}

/// Orders as they stand now, the newest first, at most so many.
pub fn newest_orders(exchange: &Exchange, which: Which, most: usize) -> Value {
    let orders = exchange
        .orders
        .iter()
        .rev()
        .filter(|order| which.takes(order));
    orders
        .take(most.min(ROWS_MAX))
        .map(|order| order_row(exchange, order))
        .collect()
}

/// One order, whoever's it is, with every state it went through, oldest first, and its fills.
pub fn story(exchange: &Exchange, order_id: &str) -> Option<Value> {
    // Asked for by people: it need not be quick.
    let index = exchange
        .orders
        .iter()
        .rposition(|order| order.id == order_id)?;
    let order = &exchange.orders[index];
    let mut row = order_row(exchange, order);
    row.set("parent", order.parent.clone());
    row.set("disclosed", order.now.disclosed_quantity);
    row.set("exchange_order_id", order.now.exchange_order_id.clone());
    row.set("modifications", i64::from(order.modifications));
    row.set("tags", order.tags.clone());
    row.set(
        "states",
        order.history.iter().map(state_row).collect::<Value>(),
    );
    let fills = exchange
        .executions
        .iter()
        .filter(|fill| fill.order == index);
    row.set(
        "fills",
        fills
            .map(|fill| fill_row(exchange, fill))
            .collect::<Value>(),
    );
    Some(row)
}

fn order_row(exchange: &Exchange, order: &Order) -> Value {
    let (instrument, now) = (
        &exchange.market.listings[order.listing].instrument,
        &order.now,
    );
    object! {
        id: order.id.clone(),
        user: exchange.accounts[order.account].user.clone(),
        placed_ms: order.placed_ns / MS_NS,
        changed_ms: changed_ms(now),
        exchange: instrument.exchange.name(),
        symbol: instrument.tradingsymbol.clone(),
        token: instrument.token,
        side: order.side.name(),
        variety: order.variety.name(),
        product: order.held().name(),
        type: now.order_type.name(),
        validity: now.validity.name(),
        quantity: now.quantity,
        filled: now.filled,
        pending: now.pending(),
        price: Value::Rupees(now.price_e4),
        trigger: Value::Rupees(now.trigger_e4),
        average: Value::Rupees(now.average_e4()),
        status: now.status.name(),
        over: now.status.terminal(),
        message: now.message.clone(),
        tag: order.tag.clone(),
    }
}

fn state_row(state: &OrderState) -> Value {
    object! {
        at_ms: changed_ms(state),
        status: state.status.name(),
        message: state.message.clone(),
        type: state.order_type.name(),
        quantity: state.quantity,
        filled: state.filled,
        pending: state.pending(),
        price: Value::Rupees(state.price_e4),
        trigger: Value::Rupees(state.trigger_e4),
        average: Value::Rupees(state.average_e4()),
    }
}

fn changed_ms(state: &OrderState) -> i64 {
    let times = [Some(state.asked_ns), state.exchange_ns, state.updated_ns];
    times.into_iter().flatten().max().unwrap_or_default() / MS_NS
}

/// Both sides of trades in which users had a part, the newest first, at most so many.
pub fn newest_trades(exchange: &Exchange, most: usize) -> Value {
    let fills = exchange.executions.iter().rev().take(most.min(ROWS_MAX));
    fills.map(|fill| fill_row(exchange, fill)).collect()
}

fn fill_row(exchange: &Exchange, fill: &Execution) -> Value {
    let order = &exchange.orders[fill.order];
    let instrument = &exchange.market.listings[order.listing].instrument;
    object! {
        id: fill.trade_id.to_string(),
        order: order.id.clone(),
        user: exchange.accounts[order.account].user.clone(),
        at_ms: fill.at_ns / MS_NS,
        exchange: instrument.exchange.name(),
        symbol: instrument.tradingsymbol.clone(),
        token: instrument.token,
        side: order.side.name(),
        quantity: fill.quantity,
        price: Value::Rupees(fill.price_e4),
    }
}

/// Of each instrument that is known, in the order asked for:
/// token, last price, yesterday's close, best bid, best ask, volume. No bid or ask: 0.
pub fn prices(market: &Market, tokens: &[u32]) -> Value {
    let known = tokens.iter().filter_map(|token| market.by_token(*token));
    known
        .take(ROWS_MAX)
        .map(|index| price_row(&market.listings[index]))
        .collect()
}

fn price_row(listing: &Listing) -> Value {
    let best = |side: Side| Value::Rupees(listing.depth(side)[0].price_e4);
    vec![
        Value::from(listing.instrument.token),
        Value::Rupees(listing.day.last_e4),
        Value::Rupees(listing.instrument.previous_close_e4),
        best(Side::Buy),
        best(Side::Sell),
        Value::from(listing.day.volume),
    ]
    .into()
}

/// Where the day of each segment stands.
pub fn phases(market: &Market) -> Value {
    let mut segments: Vec<(Segment, Phase)> = Vec::new();
    for listing in &market.listings {
        if !segments
            .iter()
            .any(|(segment, _)| *segment == listing.segment)
        {
            segments.push((listing.segment, listing.phase));
        }
    }
    let row = |(segment, phase): (Segment, Phase)| {
        object! { segment: segment.name(), phase: phase.name() }
    };
    segments.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::clock::{OPEN_NS, SECOND_NS, at_ns};
    use crate::day::Day;
    use crate::exchange::market::path::frozen;
    use crate::exchange::rules::Rules;
    use crate::terms;

    const DAY: Day = Day::of(2026, 11, 19);

    fn exchange() -> Exchange {
        let open_ns = at_ns(DAY, OPEN_NS);
        let (previous_close, path) = frozen(1, open_ns);
        let market = Market::new(DAY, previous_close, path, 1, SECOND_NS);
        let rules = Rules {
            limits: None,
            ..Rules::legacy()
        };
        let mut exchange = Exchange::new(market, rules, &["A".to_owned(), "B".to_owned()]);
        exchange.advance(open_ns);
        exchange
    }

    fn place(exchange: &mut Exchange, account: usize, price: &str) -> usize {
        let fields = [
            ("exchange", "NSE"),
            ("tradingsymbol", "INFY"),
            ("transaction_type", "BUY"),
            ("quantity", "10"),
            ("product", "MIS"),
            (
                "order_type",
                if price.is_empty() { "MARKET" } else { "LIMIT" },
            ),
            ("price", price),
        ];
        let fields: Vec<(String, String)> = fields
            .iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| ((*key).into(), (*text).into()))
            .collect();
        let now_ns = exchange.now_ns();
        let id = exchange
            .place_form(account, "regular", &fields, now_ns)
            .expect("taken");
        exchange.find(account, &id).expect("in the book")
    }

    fn rows(value: &Value) -> &[Value] {
        match value {
            Value::List(rows) => rows,
            other => panic!("rows wanted, not {other:?}"),
        }
    }

    fn column(value: &Value, name: &str) -> Vec<Value> {
        let cells = rows(value).iter().map(|row| row.get(name));
        cells.map(|cell| cell.expect(name).clone()).collect()
    }

    fn near(exchange: &Exchange) -> String {
        let infy = exchange.market.by_symbol(terms::Exchange::Nse, "INFY");
        let last_e4 = exchange.market.listings[infy.expect("listed")].day.last_e4;
        ((last_e4 - 200_000) / 10_000).to_string()
    }

    #[test]
    fn everybodys_orders_are_listed_with_the_newest_first() {
        let mut exchange = exchange();
        let price = near(&exchange);
        let [first, second, third] = [(0, price.as_str()), (1, ""), (0, "")]
            .map(|(who, price)| place(&mut exchange, who, price));
        let ids = |which, most| column(&newest_orders(&exchange, which, most), "id");
        let id = |index: usize| Value::from(exchange.orders[index].id.clone());
        let all = Which::default();

        assert_eq!(ids(all, 10), [id(third), id(second), id(first)]);
        assert_eq!(ids(all, 2), [id(third), id(second)]);
        let (account, open) = (Some(0), true);
        assert_eq!(ids(Which { account, ..all }, 10), [id(third), id(first)]);
        assert_eq!(ids(Which { open, ..all }, 10), [id(first)]);
        let elsewhere = Some(exchange.orders[first].listing + 1);
        let which = Which {
            listing: elsewhere,
            ..all
        };
        assert_eq!(ids(which, 10), []);
    }

    #[test]
    fn an_order_comes_with_its_states_and_its_fills() {
        let mut exchange = exchange();
        let index = place(&mut exchange, 0, "");
        let row = story(&exchange, &exchange.orders[index].id).expect("known");

        let states = column(row.get("states").expect("states"), "status");
        let history = exchange.orders[index].history.iter();
        let wanted: Vec<Value> = history.map(|state| state.status.name().into()).collect();
        assert_eq!(states, wanted);
        assert_eq!(states.last(), Some(&"COMPLETE".into()));
        let filled = column(row.get("fills").expect("fills"), "quantity");
        assert_eq!(filled, [Value::Int(10)]);
        assert_eq!(
            column(&newest_trades(&exchange, 5), "order"),
            [Value::from(exchange.orders[index].id.clone())]
        );
        assert_eq!(row.get("user"), Some(&Value::from("A".to_owned())));
        assert_eq!(story(&exchange, "1"), None);
    }

    #[test]
    fn prices_are_those_of_the_day_and_of_the_first_level() {
        let exchange = exchange();
        let index = exchange.market.by_symbol(terms::Exchange::Nse, "INFY");
        let listing = &exchange.market.listings[index.expect("listed")];

        let rows_ = prices(&exchange.market, &[1, listing.instrument.token]);

        let level = |side| Value::Rupees(listing.depth(side)[0].price_e4);
        assert_eq!(
            rows(&rows_),
            [Value::List(vec![
                listing.instrument.token.into(),
                Value::Rupees(listing.day.last_e4),
                Value::Rupees(listing.instrument.previous_close_e4),
                level(Side::Buy),
                level(Side::Sell),
                listing.day.volume.into(),
            ])]
        );
    }

    #[test]
    fn every_segment_says_where_its_day_stands() {
        let rows = phases(&exchange().market);

        assert!(column(&rows, "segment").contains(&"shares".into()));
        assert!(
            column(&rows, "phase")
                .iter()
                .all(|phase| *phase == "open".into())
        );
    }
}
