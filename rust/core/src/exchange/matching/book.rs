//! The order book of one instrument: price first, then time.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::terms::Side;

/// Who stands behind an order. Orders of one owner never trade with each other; the market maker's do.
pub type Owner = u32;
/// The simulated market maker and the takers.
pub const MARKET_MAKER: Owner = 0;

/// An order as it reaches the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub id: u64,
    pub owner: Owner,
    pub side: Side,
    pub price_e4: i64,
    pub quantity: i64,
}

/// What two orders agreed on: the resting order's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    pub resting: u64,
    pub resting_owner: Owner,
    pub incoming: u64,
    pub incoming_owner: Owner,
    pub price_e4: i64,
    pub quantity: i64,
}

/// What became of the part of an order that did not trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing was left.
    Filled,
    /// This quantity stands in the book.
    Standing(i64),
    /// This quantity was not taken: the order was immediate-or-cancel.
    Dropped(i64),
    /// This quantity was not taken: next in line was an order of the same owner (self-trade prevention).
    Prevented(i64),
}

/// One price level as shown to the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    pub price_e4: i64,
    pub quantity: i64,
    pub orders: u32,
}

#[derive(Clone, Copy, Debug)]
struct Resting {
    id: u64,
    owner: Owner,
    quantity: i64,
}

type Queue = VecDeque<Resting>;

/// Bids and asks that do not cross; at each price the oldest order is first in line.
#[derive(Clone, Debug, Default)]
pub struct Book {
    bids: BTreeMap<i64, Queue>,
    asks: BTreeMap<i64, Queue>,
    /// Where the users' orders stand. The market maker's are found by their price.
    places: HashMap<u64, (Side, i64)>,
}

impl Book {
    /// Matches an order against the book and lets the rest of it stand, unless `immediate`. Trades are appended.
    pub fn take(&mut self, order: Limit, immediate: bool, trades: &mut Vec<Trade>) -> Rest {
        assert!(
            order.quantity > 0 && order.price_e4 > 0,
            "an order has a price and a quantity"
        );
        assert!(
            order.owner == MARKET_MAKER || !self.places.contains_key(&order.id),
            "an order enters the book once"
        );

        let mut left = order.quantity;
        while left > 0 {
            let Some((price_e4, queue)) = self.best_queue(order.side.opposite()) else {
                break;
            };
            if !crosses(order.side, order.price_e4, price_e4) {
                break;
            }
            let first = queue.front_mut().expect("no level is empty");
            if first.owner == order.owner && order.owner != MARKET_MAKER {
                return Rest::Prevented(left);
            }
            let quantity = left.min(first.quantity);
            trades.push(Trade {
                resting: first.id,
                resting_owner: first.owner,
                incoming: order.id,
                incoming_owner: order.owner,
                price_e4,
                quantity,
            });
            left -= quantity;
            first.quantity -= quantity;
            if first.quantity == 0 {
                let Resting { id, owner, .. } = *first;
                queue.pop_front();
                if owner != MARKET_MAKER {
                    self.places.remove(&id);
                }
                self.forget_if_empty(order.side.opposite(), price_e4);
            }
        }

        if left == 0 {
            Rest::Filled
        } else if immediate {
            Rest::Dropped(left)
        } else {
            if order.owner != MARKET_MAKER {
                self.places.insert(order.id, (order.side, order.price_e4));
            }
            let queue = self.side_mut(order.side).entry(order.price_e4).or_default();
            queue.push_back(Resting {
                id: order.id,
                owner: order.owner,
                quantity: left,
            });
            Rest::Standing(left)
        }
    }

    /// Takes a user's order out; the quantity that stood, or none if it does not stand here.
    pub fn cancel(&mut self, id: u64) -> Option<i64> {
        let (side, price_e4) = self.places.remove(&id)?;
        let queue = self
            .side_mut(side)
            .get_mut(&price_e4)
            .expect("a placed order has a level");
        let index = queue
            .iter()
            .position(|resting| resting.id == id)
            .expect("a placed order is in its queue");
        let removed = queue.remove(index).expect("the index was just found");
        self.forget_if_empty(side, price_e4);
        Some(removed.quantity)
    }

    /// Makes a user's order smaller without losing its place in line. More, or another price, is a new order.
    pub fn reduce(&mut self, id: u64, quantity: i64) {
        let (side, price_e4) = self.places[&id];
        let queue = self
            .side_mut(side)
            .get_mut(&price_e4)
            .expect("a placed order has a level");
        let resting = queue
            .iter_mut()
            .find(|resting| resting.id == id)
            .expect("a placed order is in its queue");
        assert!(
            0 < quantity && quantity <= resting.quantity,
            "an order is only ever reduced, and not to nothing"
        );
        resting.quantity = quantity;
    }

    /// The quantity of a user's order that stands, 0 if it does not.
    pub fn standing(&self, id: u64) -> i64 {
        self.places.get(&id).map_or(0, |&(side, price_e4)| {
            self.side(side)[&price_e4]
                .iter()
                .find(|resting| resting.id == id)
                .map_or(0, |resting| resting.quantity)
        })
    }

    /// Whether an order of a user stands here.
    pub fn has_users(&self) -> bool {
        !self.places.is_empty()
    }

    /// The users' orders that stand here, in order of arrival: their ids say it.
    pub fn users(&self) -> Vec<Limit> {
        let mut users: Vec<Limit> = [(Side::Buy, &self.bids), (Side::Sell, &self.asks)]
            .into_iter()
            .flat_map(|(side, levels)| {
                levels
                    .iter()
                    .map(move |(price, queue)| (side, price, queue))
            })
            .flat_map(|(side, &price_e4, queue)| {
                let users = queue.iter().filter(|resting| resting.owner != MARKET_MAKER);
                users.map(move |resting| Limit {
                    id: resting.id,
                    owner: resting.owner,
                    side,
                    price_e4,
                    quantity: resting.quantity,
                })
            })
            .collect();
        users.sort_unstable_by_key(|order| order.id);
        users
    }

    /// What the market maker has at a price: quantity and orders.
    pub fn maker_at(&self, side: Side, price_e4: i64) -> (i64, usize) {
        let queue = self.side(side).get(&price_e4).into_iter().flatten();
        queue
            .filter(|resting| resting.owner == MARKET_MAKER)
            .fold((0, 0), |(quantity, orders), resting| {
                (quantity + resting.quantity, orders + 1)
            })
    }

    /// Takes the market maker's orders out at all prices of a side but the wished ones.
    pub fn withdraw_unless(&mut self, side: Side, wished: impl Fn(i64) -> bool) {
        self.side_mut(side).retain(|&price_e4, queue| {
            if !wished(price_e4) {
                queue.retain(|resting| resting.owner != MARKET_MAKER);
            }
            !queue.is_empty()
        });
    }

    /// Takes this quantity out of the market maker's orders at a price, the newest first: the oldest keep their places.
    pub fn withdraw(&mut self, side: Side, price_e4: i64, quantity: i64) {
        let mut left = quantity;
        let Some(queue) = self.side_mut(side).get_mut(&price_e4) else {
            return;
        };
        let mut index = queue.len();
        while left > 0 && index > 0 {
            index -= 1;
            let resting = &mut queue[index];
            if resting.owner != MARKET_MAKER {
                continue;
            }
            let taken = left.min(resting.quantity);
            left -= taken;
            resting.quantity -= taken;
            if resting.quantity == 0 {
                queue.remove(index);
            }
        }
        self.forget_if_empty(side, price_e4);
    }

    /// The best price of a side.
    pub fn best(&self, side: Side) -> Option<i64> {
        match side {
            Side::Buy => self.bids.last_key_value().map(|(&price_e4, _)| price_e4),
            Side::Sell => self.asks.first_key_value().map(|(&price_e4, _)| price_e4),
        }
    }

    /// The levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        let (bids, asks) = match side {
            Side::Buy => (Some(self.bids.iter().rev()), None),
            Side::Sell => (None, Some(self.asks.iter())),
        };
        bids.into_iter()
            .flatten()
            .chain(asks.into_iter().flatten())
            .map(|(&price_e4, queue)| Level {
                price_e4,
                quantity: queue.iter().map(|resting| resting.quantity).sum(),
                orders: queue.len() as u32,
            })
    }

    /// Every order of a side as it stands in line.
    #[cfg(test)]
    pub fn queue(&self, side: Side) -> Vec<Limit> {
        let mut levels: Vec<(&i64, &Queue)> = self.side(side).iter().collect();
        if side == Side::Buy {
            levels.reverse();
        }
        let in_line = levels
            .into_iter()
            .flat_map(|(&price_e4, queue)| queue.iter().map(move |resting| (price_e4, resting)));
        in_line
            .map(|(price_e4, resting)| Limit {
                id: resting.id,
                owner: resting.owner,
                side,
                price_e4,
                quantity: resting.quantity,
            })
            .collect()
    }

    fn side(&self, side: Side) -> &BTreeMap<i64, Queue> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut BTreeMap<i64, Queue> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn best_queue(&mut self, side: Side) -> Option<(i64, &mut Queue)> {
        match side {
            Side::Buy => self.bids.iter_mut().next_back(),
            Side::Sell => self.asks.iter_mut().next(),
        }
        .map(|(&price_e4, queue)| (price_e4, queue))
    }

    fn forget_if_empty(&mut self, side: Side, price_e4: i64) {
        let levels = self.side_mut(side);
        if levels.get(&price_e4).is_some_and(VecDeque::is_empty) {
            levels.remove(&price_e4);
        }
    }
}

/// Would an order of this side and price trade with a resting one at `resting_e4`?
pub(in crate::exchange) fn crosses(side: Side, price_e4: i64, resting_e4: i64) -> bool {
    match side {
        Side::Buy => price_e4 >= resting_e4,
        Side::Sell => price_e4 <= resting_e4,
    }
}
