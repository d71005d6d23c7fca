//! The book of orders as JSON. Whoever reads it asks again and again, and few of its rows have changed since: a row is
//! written anew only when its order is another than it was.

use crate::exchange::orders::order::Order;
use crate::exchange::state::Exchange;
use crate::exchange::views::orders;

/// The rows written so far, by the order's index.
#[derive(Debug, Default)]
pub struct Rows(Vec<Option<Row>>);

#[derive(Debug)]
struct Row {
    /// As it was when the row was written, without its history.
    of: Order,
    json: String,
}

impl Rows {
    /// `GET /orders` of an account, as `views::orders` says it.
    pub fn orders(&mut self, exchange: &Exchange, account: usize) -> String {
        self.0.resize_with(exchange.orders.len(), || None);
        let orders = &exchange.accounts[account].orders;
        let mut json = String::from("[");
        for (place, &index) in orders.iter().enumerate() {
            if place > 0 {
                json.push(',');
            }
            json.push_str(self.row(exchange, index));
        }
        json.push(']');
        json
    }

    fn row(&mut self, exchange: &Exchange, index: usize) -> &str {
        let order = &exchange.orders[index];
        let kept = &mut self.0[index];
        if !kept.as_ref().is_some_and(|row| shows(&row.of, order)) {
            let mut json = String::new();
            orders::book_row(exchange, order).write_json(&mut json);
            json.shrink_to_fit();
            *kept = Some(Row {
                of: without_history(order),
                json,
            });
        }
        kept.as_ref().map_or("", |row| &row.json)
    }
}

fn without_history(order: &Order) -> Order {
    Order {
        id: order.id.clone(),
        variety: order.variety.clone(),
        parent: order.parent.clone(),
        tag: order.tag.clone(),
        tags: order.tags.clone(),
        algo_id: order.algo_id.clone(),
        now: order.now.clone(),
        history: Vec::new(),
        ..*order
    }
}

/// Whether a row of the one would be a row of the other. Every member is named, so that one more has to be thought of.
fn shows(one: &Order, other: &Order) -> bool {
    let Order {
        id,
        variety,
        parent,
        account,
        listing,
        side,
        product,
        tag,
        tags,
        protection,
        asked_protection,
        algo_id,
        ttl_minutes,
        expires_ns,
        modifications,
        placed_ns,
        squares_off,
        charges_e4: _, // in no row of the book
        now,
        history: _,
    } = one;
    *now == other.now
        && *id == other.id
        && *variety == other.variety
        && *parent == other.parent
        && (account, listing, side, product)
            == (&other.account, &other.listing, &other.side, &other.product)
        && (tag, tags, algo_id) == (&other.tag, &other.tags, &other.algo_id)
        && (protection, asked_protection) == (&other.protection, &other.asked_protection)
        && (ttl_minutes, expires_ns) == (&other.ttl_minutes, &other.expires_ns)
        && (modifications, placed_ns, squares_off)
            == (&other.modifications, &other.placed_ns, &other.squares_off)
}
