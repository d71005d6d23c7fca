//! The street: a market maker who quotes five levels around the fair price, and takers who trade with it.
//!
//! What the street wants in a step depends on the seed and the path alone. The same wish is carried out in two books:
//! one on which only the street trades, which is what the world is shown, and one that our users share.

use super::book::{Book, Limit, STREET, Trade};
use super::instruments::Instrument;
use super::rng::Stream;
use crate::terms::{Exchange, Kind, Side};

/// Levels that the maker quotes on a side: what Kite shows.
pub const LEVELS: usize = 5;
/// A level is made of at most this many of the maker's orders; then it begins anew with one.
const ORDERS_A_LEVEL_MAX: usize = 8;
/// Takers in one step, at most.
const TAKERS_MAX: usize = 6;

/// One level as the maker wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    pub side: Side,
    pub price_e4: i64,
    pub quantity: i64,
}

/// An order that takes what it can get down to its limit, and goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taker {
    pub side: Side,
    pub limit_e4: i64,
    pub quantity: i64,
}

/// What the street does in one step of one instrument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    pub quotes: Vec<Quote>,
    pub takers: Vec<Taker>,
}

/// How an instrument is traded: the maker's habits and its own stream of randomness.
#[derive(Clone, Debug)]
pub struct Habits {
    stream: Stream,
    /// Between best bid and best ask, as a fraction of the price; never below one tick.
    spread: f64,
    /// Mean quantity of a level, in lots.
    level_lots: f64,
    /// Takers a second at the day's mean liveliness, and the mean quantity of one in lots.
    takers_a_second: f64,
    taker_lots: f64,
}

impl Habits {
    /// `volume_a_day` is in units; options and futures count in lots of the instrument.
    pub fn new(seed: u64, instrument: &Instrument, volume_a_day: f64) -> Self {
        let name = format!("{}:{}", instrument.exchange, instrument.tradingsymbol);
        let (spread, takers_a_second) = match (instrument.kind, instrument.exchange) {
            (Kind::Future, _) => (3e-5, 2.2),
            (Kind::Call | Kind::Put, _) => (2.5e-3, 1.6),
            (_, Exchange::Bse) => (4e-4, 0.3),
            _ => (1e-4, 1.2),
        };
        let taker_lots =
            (volume_a_day / instrument.lot.max(1) as f64 / 22_500.0 / takers_a_second).max(1.0);
        Self {
            stream: Stream::new(seed, &name),
            spread,
            level_lots: 3.0 * taker_lots,
            takers_a_second,
            taker_lots,
        }
    }

    /// What the street wants at this fair price. `push` is the sign and strength (−1 to 1) of the last move:
    /// takers follow it. Without `seconds` nobody takes, as in a market that stands still.
    pub fn wish(
        &mut self,
        instrument: &Instrument,
        fair: f64,
        push: f64,
        activity: f64,
        seconds: f64,
    ) -> Wish {
        let quotes = self.quotes(instrument, fair);
        let takers = self.takers(instrument, &quotes, push, activity * seconds);
        Wish { quotes, takers }
    }

    fn quotes(&mut self, instrument: &Instrument, fair: f64) -> Vec<Quote> {
        let tick = instrument.tick_e4 as f64 / 10_000.0;
        let half = (fair * self.spread / 2.0).max(tick / 2.0);
        let bid = ((fair - half) / tick + 1e-9).floor() as i64;
        let ask = (((fair + half) / tick - 1e-9).ceil() as i64).max(bid + 1);
        let apart = ((fair * self.spread / 2.0 / tick).round() as i64).max(1);
        let mut quotes = Vec::with_capacity(2 * LEVELS);
        for level in 0..LEVELS as i64 {
            for (side, ticks) in [
                (Side::Buy, bid - level * apart),
                (Side::Sell, ask + level * apart),
            ] {
                let lots = self.level_lots
                    * (0.4 + 1.2 * self.stream.unit())
                    * (1.0 + 0.25 * level as f64);
                let quantity = (lots.round() as i64).max(1) * instrument.lot;
                let price_e4 = ticks * instrument.tick_e4;
                // Near zero and near the band's edge the maker quotes fewer levels.
                if ticks > 0 && instrument.in_band(price_e4) {
                    quotes.push(Quote {
                        side,
                        price_e4,
                        quantity,
                    });
                }
            }
        }
        quotes
    }

    fn takers(
        &mut self,
        instrument: &Instrument,
        quotes: &[Quote],
        push: f64,
        activity: f64,
    ) -> Vec<Taker> {
        let mean = self.takers_a_second * activity;
        // A count with this mean: its whole part, one more by chance, and now and then a flurry.
        let mut count = mean.floor() as usize + usize::from(self.stream.chance(mean.fract()));
        if mean > 0.0 && self.stream.chance(0.05) {
            count += 2;
        }
        // None goes deeper than the third level.
        let limit = |side: Side| {
            let mut levels = quotes.iter().filter(|quote| quote.side != side).take(3);
            let first = levels.next()?;
            Some(levels.last().unwrap_or(first).price_e4)
        };
        let limits = (limit(Side::Buy), limit(Side::Sell));
        (0..count.min(TAKERS_MAX))
            .filter_map(|_| {
                let buys = self.stream.chance(0.5 + 0.4 * push);
                let unit = self.stream.unit();
                // Many small orders and a few large ones: unit² has the mean 1/3, unit⁸ 1/9.
                let lots = self.taker_lots * (1.8 * unit * unit + 3.6 * unit.powi(8)) + 0.5;
                let quantity = (lots.round() as i64).max(1) * instrument.lot;
                let (side, limit_e4) = if buys {
                    (Side::Buy, limits.0?)
                } else {
                    (Side::Sell, limits.1?)
                };
                Some(Taker {
                    side,
                    limit_e4,
                    quantity,
                })
            })
            .collect()
    }
}

/// The street in one book.
#[derive(Clone, Debug, Default)]
pub struct Maker {
    last_id: u64,
}

impl Maker {
    /// Brings the book to the wished levels. What stands at a wished price keeps its place in line; only what is
    /// added joins at the back, as a maker does who does not want to lose his.
    pub fn quote(&mut self, book: &mut Book, quotes: &[Quote], trades: &mut Vec<Trade>) {
        for side in [Side::Buy, Side::Sell] {
            book.withdraw_unless(side, |price_e4| {
                quotes
                    .iter()
                    .any(|quote| quote.side == side && quote.price_e4 == price_e4)
            });
        }
        for &Quote {
            side,
            price_e4,
            quantity,
        } in quotes
        {
            let (mut standing, orders) = book.street_at(side, price_e4);
            if standing < quantity && orders >= ORDERS_A_LEVEL_MAX {
                book.withdraw(side, price_e4, standing);
                standing = 0;
            }
            if standing > quantity {
                book.withdraw(side, price_e4, standing - quantity);
            } else if standing < quantity {
                let id = self.next_id();
                let more = Limit {
                    id,
                    owner: STREET,
                    side,
                    price_e4,
                    quantity: quantity - standing,
                };
                book.take(more, false, trades);
            }
        }
    }

    /// Lets the takers loose on the book.
    pub fn trade(&mut self, book: &mut Book, takers: &[Taker], trades: &mut Vec<Trade>) {
        for &Taker {
            side,
            limit_e4,
            quantity,
        } in takers
        {
            let order = Limit {
                id: self.next_id(),
                owner: STREET,
                side,
                price_e4: limit_e4,
                quantity,
            };
            book.take(order, true, trades);
        }
    }

    /// The street's ids are even, the users' odd: they never meet in a book.
    fn next_id(&mut self) -> u64 {
        self.last_id += 2;
        self.last_id
    }
}

#[cfg(test)]
mod tests {
    use super::super::instruments::instruments_of;
    use super::*;
    use proptest::prelude::*;

    fn instruments() -> Vec<Instrument> {
        let mut rows = instruments_of(crate::day::Day::of(2026, 11, 19), 26_000.0, 26_000.0);
        rows.retain(Instrument::tradable);
        rows
    }

    fn depth(book: &Book) -> Vec<(i64, i64)> {
        let side = |side| {
            book.levels(side)
                .map(|level| (level.price_e4, level.quantity))
                .collect::<Vec<_>>()
        };
        [side(Side::Buy), side(Side::Sell)].concat()
    }

    proptest! {
        #[test]
        fn quotes_never_cross_and_lie_on_the_grid(seed: u64, which in 0_usize..20, fair in 0.01_f64..40_000.0) {
            let rows = instruments();
            let mut row = rows[which % rows.len()].clone();
            (row.lower_e4, row.upper_e4) = (0, 0);
            let wish = Habits::new(seed, &row, 1e6).wish(&row, fair, 0.3, 1.0, 1.0);
            let bid = wish.quotes.iter().filter(|q| q.side == Side::Buy).map(|q| q.price_e4).max();
            let ask = wish.quotes.iter().filter(|q| q.side == Side::Sell).map(|q| q.price_e4).min();
            prop_assert!(bid.is_none() || bid < ask);
            for quote in &wish.quotes {
                prop_assert!(quote.price_e4 > 0 && quote.price_e4 % row.tick_e4 == 0);
                prop_assert!(quote.quantity > 0 && quote.quantity % row.lot == 0);
            }
        }

        /// However the book looked before, after quoting it shows what was wished.
        #[test]
        fn quoting_brings_the_book_to_the_wish(seed: u64, moves in prop::collection::vec(-3.0_f64..3.0, 1..40)) {
            let row = instruments().into_iter().find(|row| row.kind == Kind::Future).expect("a future");
            let (mut habits, mut maker) = (Habits::new(seed, &row, 8e6), Maker::default());
            let (mut book, mut trades, mut fair) = (Book::default(), Vec::new(), 26_000.0);
            for change in moves {
                fair += change;
                let wish = habits.wish(&row, fair, 0.0, 1.0, 1.0);
                maker.quote(&mut book, &wish.quotes, &mut trades);
                prop_assert!(trades.is_empty(), "the maker does not trade with himself");
                let mut wished: Vec<_> = wish.quotes.iter().map(|q| (q.side.sign() * -q.price_e4, q.price_e4, q.quantity)).collect();
                wished.sort_unstable_by_key(|&(order, price_e4, _)| (order > 0, if order > 0 { price_e4 } else { -price_e4 }));
                prop_assert_eq!(depth(&book), wished.into_iter().map(|(_, p, q)| (p, q)).collect::<Vec<_>>());
                prop_assert!(book.levels(Side::Buy).all(|level| level.orders as usize <= ORDERS_A_LEVEL_MAX));
                maker.trade(&mut book, &wish.takers, &mut trades);
                trades.clear();
            }
        }
    }
}
