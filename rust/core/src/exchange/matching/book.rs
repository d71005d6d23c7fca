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
fn crosses(side: Side, price_e4: i64, resting_e4: i64) -> bool {
    match side {
        Side::Buy => price_e4 >= resting_e4,
        Side::Sell => price_e4 <= resting_e4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rule as one would explain it: a list of orders in order of arrival; the best price wins, then the oldest.
    #[derive(Default)]
    struct Naive {
        resting: Vec<Limit>,
    }

    impl Naive {
        fn take(&mut self, mut order: Limit, immediate: bool, trades: &mut Vec<Trade>) -> Rest {
            while order.quantity > 0 {
                let better = |a: &Limit, b: &Limit| match order.side {
                    Side::Buy => a.price_e4 < b.price_e4,
                    Side::Sell => a.price_e4 > b.price_e4,
                };
                let mut first: Option<usize> = None;
                for (index, resting) in self.resting.iter().enumerate() {
                    if resting.side == order.side
                        || !crosses(order.side, order.price_e4, resting.price_e4)
                    {
                        continue;
                    }
                    if first.is_none_or(|best| better(resting, &self.resting[best])) {
                        first = Some(index);
                    }
                }
                let Some(first) = first else { break };
                let resting = &mut self.resting[first];
                if resting.owner == order.owner && order.owner != MARKET_MAKER {
                    return Rest::Prevented(order.quantity);
                }
                let quantity = order.quantity.min(resting.quantity);
                trades.push(Trade {
                    resting: resting.id,
                    resting_owner: resting.owner,
                    incoming: order.id,
                    incoming_owner: order.owner,
                    price_e4: resting.price_e4,
                    quantity,
                });
                order.quantity -= quantity;
                resting.quantity -= quantity;
                if resting.quantity == 0 {
                    self.resting.remove(first);
                }
            }
            match (order.quantity, immediate) {
                (0, _) => Rest::Filled,
                (left, true) => Rest::Dropped(left),
                (left, false) => {
                    self.resting.push(order);
                    Rest::Standing(left)
                }
            }
        }

        fn cancel(&mut self, id: u64) -> Option<i64> {
            let mine = |resting: &Limit| resting.id == id && resting.owner != MARKET_MAKER;
            let index = self.resting.iter().position(mine)?;
            Some(self.resting.remove(index).quantity)
        }

        fn withdraw(&mut self, side: Side, price_e4: i64, quantity: i64) {
            let mut left = quantity;
            for resting in self.resting.iter_mut().rev() {
                if (resting.owner, resting.side, resting.price_e4) == (MARKET_MAKER, side, price_e4)
                {
                    let taken = left.min(resting.quantity);
                    resting.quantity -= taken;
                    left -= taken;
                }
            }
            self.resting.retain(|resting| resting.quantity > 0);
        }

        fn withdraw_unless(&mut self, side: Side, price_e4: i64) {
            self.resting.retain(|resting| {
                resting.owner != MARKET_MAKER
                    || resting.side != side
                    || resting.price_e4 == price_e4
            });
        }

        fn levels(&self, side: Side) -> Vec<Level> {
            let mut levels: Vec<Level> = Vec::new();
            for resting in self.resting.iter().filter(|resting| resting.side == side) {
                match levels
                    .iter_mut()
                    .find(|level| level.price_e4 == resting.price_e4)
                {
                    Some(level) => {
                        level.quantity += resting.quantity;
                        level.orders += 1;
                    }
                    None => {
                        levels.push(Level {
                            price_e4: resting.price_e4,
                            quantity: resting.quantity,
                            orders: 1,
                        });
                    }
                }
            }
            levels.sort_by_key(|level| -side.sign() * level.price_e4);
            levels
        }
    }

    #[derive(Clone, Debug)]
    enum Deed {
        Take {
            owner: Owner,
            side: Side,
            price_e4: i64,
            quantity: i64,
            immediate: bool,
        },
        Cancel {
            which: usize,
        },
        Reduce {
            which: usize,
            keep_percent: i64,
        },
        Withdraw {
            side: Side,
            price_e4: i64,
            quantity: i64,
        },
        WithdrawUnless {
            side: Side,
            price_e4: i64,
        },
    }

    fn deeds() -> impl Strategy<Value = Vec<Deed>> {
        let side = || prop_oneof![Just(Side::Buy), Just(Side::Sell)];
        let take = (
            0_u32..4,
            side(),
            95_i64..106,
            1_i64..50,
            prop::bool::weighted(0.2),
        )
            .prop_map(|(owner, side, price_e4, quantity, immediate)| Deed::Take {
                owner,
                side,
                price_e4,
                quantity,
                immediate,
            });
        let cancel = (0_usize..64).prop_map(|which| Deed::Cancel { which });
        let reduce = (0_usize..64, 1_i64..100).prop_map(|(which, keep_percent)| Deed::Reduce {
            which,
            keep_percent,
        });
        let withdraw = (side(), 95_i64..106, 1_i64..90).prop_map(|(side, price_e4, quantity)| {
            Deed::Withdraw {
                side,
                price_e4,
                quantity,
            }
        });
        let unless = (side(), 95_i64..106)
            .prop_map(|(side, price_e4)| Deed::WithdrawUnless { side, price_e4 });
        let deed = prop_oneof![12 => take, 2 => cancel, 2 => reduce, 2 => withdraw, 1 => unless];
        prop::collection::vec(deed, 1..120)
    }

    proptest! {
        /// Same trades, same rests, same levels as the naive list; nothing crossed; every unit accounted for.
        #[test]
        fn the_book_is_the_naive_list_and_conserves_quantity(deeds in deeds()) {
            let (mut book, mut naive) = (Book::default(), Naive::default());
            let mut entered = 0_i64;
            let mut traded = 0_i64;
            let mut left = 0_i64;
            for (index, deed) in deeds.iter().enumerate() {
                match *deed {
                    Deed::Take { owner, side, price_e4, quantity, immediate } => {
                        let order = Limit { id: index as u64, owner, side, price_e4, quantity };
                        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
                        let rest = book.take(order, immediate, &mut ours);
                        prop_assert_eq!(rest, naive.take(order, immediate, &mut theirs));
                        prop_assert_eq!(&ours, &theirs);
                        entered += quantity;
                        traded += ours.iter().map(|trade| trade.quantity).sum::<i64>();
                        if let Rest::Dropped(quantity) | Rest::Prevented(quantity) = rest {
                            left += quantity;
                        }
                        for trade in &ours {
                            prop_assert!(trade.quantity > 0);
                            prop_assert!(crosses(side, price_e4, trade.price_e4), "no worse than asked");
                            prop_assert!(trade.resting_owner != trade.incoming_owner || trade.resting_owner == MARKET_MAKER);
                        }
                    }
                    Deed::Cancel { which } => {
                        let cancelled = book.cancel(which as u64);
                        prop_assert_eq!(cancelled, naive.cancel(which as u64));
                        left += cancelled.unwrap_or(0);
                    }
                    Deed::Reduce { which, keep_percent } => {
                        let standing = book.standing(which as u64);
                        let keep = standing * keep_percent / 100;
                        if keep > 0 {
                            book.reduce(which as u64, keep);
                            let resting = naive.resting.iter_mut().find(|resting| resting.id == which as u64);
                            resting.expect("the naive list holds it too").quantity = keep;
                            left += standing - keep;
                        }
                    }
                    Deed::Withdraw { side, price_e4, quantity } => {
                        let (before, _) = book.maker_at(side, price_e4);
                        book.withdraw(side, price_e4, quantity);
                        naive.withdraw(side, price_e4, quantity);
                        prop_assert_eq!(book.maker_at(side, price_e4).0, (before - quantity).max(0));
                        left += before.min(quantity);
                    }
                    Deed::WithdrawUnless { side, price_e4 } => {
                        let total = |book: &Book| book.levels(side).map(|level| level.quantity).sum::<i64>();
                        let before = total(&book);
                        book.withdraw_unless(side, |wished_e4| wished_e4 == price_e4);
                        naive.withdraw_unless(side, price_e4);
                        left += before - total(&book);
                    }
                }
                let users = naive.resting.iter().any(|resting| resting.owner != MARKET_MAKER);
                prop_assert_eq!(book.has_users(), users);
                for side in [Side::Buy, Side::Sell] {
                    prop_assert_eq!(book.levels(side).collect::<Vec<_>>(), naive.levels(side));
                }
                if let (Some(bid), Some(ask)) = (book.best(Side::Buy), book.best(Side::Sell)) {
                    // Self-trade prevention drops the incoming order, so even then nothing crosses.
                    prop_assert!(bid < ask, "crossed: {} and {}", bid, ask);
                }
                let standing: i64 = [Side::Buy, Side::Sell]
                    .into_iter()
                    .flat_map(|side| book.levels(side).collect::<Vec<_>>())
                    .map(|level| level.quantity)
                    .sum();
                prop_assert_eq!(entered, 2 * traded + left + standing);
            }
        }
    }

    #[test]
    fn the_oldest_order_at_the_best_price_trades_first_and_at_its_own_price() {
        let mut book = Book::default();
        let mut trades = Vec::new();
        let ask = |id, price_e4| Limit {
            id,
            owner: 1,
            side: Side::Sell,
            price_e4,
            quantity: 10,
        };
        for order in [ask(1, 101), ask(2, 100), ask(3, 100)] {
            book.take(order, false, &mut trades);
        }

        let rest = book.take(
            Limit {
                id: 4,
                owner: 2,
                side: Side::Buy,
                price_e4: 102,
                quantity: 25,
            },
            false,
            &mut trades,
        );

        let met: Vec<_> = trades
            .iter()
            .map(|trade| (trade.resting, trade.price_e4, trade.quantity))
            .collect();
        assert_eq!(met, [(2, 100, 10), (3, 100, 10), (1, 101, 5)]);
        assert_eq!(rest, Rest::Filled);
    }

    #[test]
    fn reducing_keeps_the_place_in_line() {
        let mut book = Book::default();
        let mut trades = Vec::new();
        let bid = |id| Limit {
            id,
            owner: id as u32,
            side: Side::Buy,
            price_e4: 100,
            quantity: 10,
        };
        book.take(bid(1), false, &mut trades);
        book.take(bid(2), false, &mut trades);
        book.reduce(1, 4);

        book.take(
            Limit {
                id: 3,
                owner: 3,
                side: Side::Sell,
                price_e4: 100,
                quantity: 5,
            },
            true,
            &mut trades,
        );

        assert_eq!(
            trades
                .iter()
                .map(|t| (t.resting, t.quantity))
                .collect::<Vec<_>>(),
            [(1, 4), (2, 1)]
        );
    }
}
