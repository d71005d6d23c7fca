//! The order book beside a list of orders that one can read.

use crate::exchange::matching::book::{
    Book, Level, Limit, MARKET_MAKER, Owner, Rest, Trade, crosses,
};
use crate::terms::Side;
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
            if (resting.owner, resting.side, resting.price_e4) == (MARKET_MAKER, side, price_e4) {
                let taken = left.min(resting.quantity);
                resting.quantity -= taken;
                left -= taken;
            }
        }
        self.resting.retain(|resting| resting.quantity > 0);
    }

    fn withdraw_unless(&mut self, side: Side, price_e4: i64) {
        self.resting.retain(|resting| {
            resting.owner != MARKET_MAKER || resting.side != side || resting.price_e4 == price_e4
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
    let withdraw =
        (side(), 95_i64..106, 1_i64..90).prop_map(|(side, price_e4, quantity)| Deed::Withdraw {
            side,
            price_e4,
            quantity,
        });
    let unless =
        (side(), 95_i64..106).prop_map(|(side, price_e4)| Deed::WithdrawUnless { side, price_e4 });
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
