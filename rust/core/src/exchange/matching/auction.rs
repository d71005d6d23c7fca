//! A call auction: one price at which the most can trade.

use crate::exchange::matching::book::{Limit, Trade};
use crate::terms::Side;

/// The price of an auction, its trades, and what of the orders is left, in order of arrival.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// None: nobody meets anybody.
    pub price_e4: Option<i64>,
    pub quantity: i64,
    pub trades: Vec<Trade>,
    pub rest: Vec<Limit>,
}

/// Matches orders, which stand in order of arrival. The price is the one at which the largest quantity trades; among
/// several the one that leaves the least unmatched, then the nearest to `reference_e4`, then the lower. Better prices
/// go first, then older orders.
pub fn uncross(orders: &[Limit], reference_e4: i64) -> Outcome {
    let wanted = |side: Side, price_e4: i64| -> i64 {
        let at =
            |order: &&Limit| order.side == side && side.sign() * (order.price_e4 - price_e4) >= 0;
        orders.iter().filter(at).map(|order| order.quantity).sum()
    };
    let best = orders
        .iter()
        .map(|order| order.price_e4)
        .map(|price_e4| {
            let (buys, sells) = (wanted(Side::Buy, price_e4), wanted(Side::Sell, price_e4));
            (
                std::cmp::Reverse(buys.min(sells)),
                buys.abs_diff(sells),
                price_e4.abs_diff(reference_e4),
                price_e4,
            )
        })
        .min();
    match best {
        Some((std::cmp::Reverse(quantity), _, _, price_e4)) if quantity > 0 => {
            match_at(orders, price_e4, quantity)
        }
        _ => Outcome {
            rest: orders.to_vec(),
            ..Outcome::default()
        },
    }
}

fn match_at(orders: &[Limit], price_e4: i64, quantity: i64) -> Outcome {
    let mut left: Vec<Limit> = orders.to_vec();
    let line = |side: Side| {
        let mut line: Vec<usize> = (0..orders.len())
            .filter(|&at| {
                orders[at].side == side && side.sign() * (orders[at].price_e4 - price_e4) >= 0
            })
            .collect();
        line.sort_by_key(|&at| -side.sign() * orders[at].price_e4);
        line.into_iter()
    };
    let (mut buys, mut sells) = (line(Side::Buy).peekable(), line(Side::Sell).peekable());
    let mut trades = Vec::new();
    while let (Some(&buy), Some(&sell)) = (buys.peek(), sells.peek()) {
        let traded = left[buy].quantity.min(left[sell].quantity);
        // The older of the two was there first.
        let (first, second) = (left[buy.min(sell)], left[buy.max(sell)]);
        trades.push(Trade {
            resting: first.id,
            resting_owner: first.owner,
            incoming: second.id,
            incoming_owner: second.owner,
            price_e4,
            quantity: traded,
        });
        for (at, line) in [(buy, &mut buys), (sell, &mut sells)] {
            left[at].quantity -= traded;
            if left[at].quantity == 0 {
                line.next();
            }
        }
    }
    debug_assert_eq!(
        trades.iter().map(|trade| trade.quantity).sum::<i64>(),
        quantity
    );
    left.retain(|order| order.quantity > 0);
    Outcome {
        price_e4: Some(price_e4),
        quantity,
        trades,
        rest: left,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(id: u64, side: Side, price_e4: i64, quantity: i64) -> Limit {
        Limit {
            id,
            owner: id as u32,
            side,
            price_e4,
            quantity,
        }
    }

    #[test]
    fn the_price_is_the_one_at_which_most_trades() {
        let orders = [
            order(1, Side::Buy, 102, 10),
            order(2, Side::Buy, 101, 20),
            order(3, Side::Sell, 100, 15),
            order(4, Side::Sell, 101, 30),
        ];

        let outcome = uncross(&orders, 100);

        assert_eq!((outcome.price_e4, outcome.quantity), (Some(101), 30));
        let sold: Vec<_> = outcome.rest.iter().map(|o| (o.id, o.quantity)).collect();
        assert_eq!(sold, [(4, 15)]);
    }

    #[test]
    fn nobody_meets_when_no_prices_cross() {
        let orders = [order(1, Side::Buy, 99, 10), order(2, Side::Sell, 101, 10)];

        let outcome = uncross(&orders, 100);

        assert_eq!((outcome.price_e4, outcome.trades.len()), (None, 0));
        assert_eq!(outcome.rest, orders);
    }

    proptest! {
        #[test]
        fn an_auction_keeps_every_unit_and_no_price_is_worse_than_asked(
            drawn in prop::collection::vec((any::<bool>(), 90_i64..110, 1_i64..50), 0..30)
        ) {
            let orders: Vec<Limit> = drawn
                .iter()
                .enumerate()
                .map(|(at, &(buys, price, quantity))| {
                    order(at as u64, if buys { Side::Buy } else { Side::Sell }, price, quantity)
                })
                .collect();

            let outcome = uncross(&orders, 100);

            let volume_at = |price: i64| {
                let sum = |side: Side| -> i64 {
                    orders.iter().filter(|o| o.side == side && side.sign() * (o.price_e4 - price) >= 0).map(|o| o.quantity).sum()
                };
                sum(Side::Buy).min(sum(Side::Sell))
            };
            prop_assert_eq!(outcome.quantity, (85..115).map(volume_at).max().unwrap_or(0));
            for asked in &orders {
                let traded: i64 = outcome.trades.iter().filter(|t| t.resting == asked.id || t.incoming == asked.id).map(|t| t.quantity).sum();
                let left: i64 = outcome.rest.iter().filter(|o| o.id == asked.id).map(|o| o.quantity).sum();
                prop_assert_eq!(traded + left, asked.quantity);
                if traded > 0 {
                    let price = outcome.price_e4.expect("trades have a price");
                    prop_assert!(asked.side.sign() * (asked.price_e4 - price) >= 0);
                }
                if left > 0 {
                    // Nobody of the same side who came later, or asked for worse, was served before it.
                    let behind = |other: &&Limit| {
                        other.side == asked.side
                            && (-other.side.sign() * other.price_e4, other.id) > (-asked.side.sign() * asked.price_e4, asked.id)
                    };
                    for other in orders.iter().filter(behind) {
                        prop_assert!(outcome.trades.iter().all(|t| t.resting != other.id && t.incoming != other.id));
                    }
                }
            }
        }
    }
}
