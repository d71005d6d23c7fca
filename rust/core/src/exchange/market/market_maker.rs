//! The market maker, who quotes five levels around the fair price, and takers who trade with it.
//!
//! What both want at a moment depends on the seed, the fair price and that moment alone. It is what the world is
//! shown; a book that users share is brought to it, as far as their orders let it.

use crate::exchange::market::instruments::Instrument;
use crate::exchange::matching::book::{Book, Level, Limit, MARKET_MAKER, Trade};
use crate::random::Stream;
use crate::terms::{Exchange, InstrumentKind, Side};

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

/// How an instrument is traded: the maker's parameters. What is drawn comes from the moment's own stream.
#[derive(Clone, Debug)]
pub struct MakerParameters {
    /// Between best bid and best ask, as a fraction of the price; never below one tick.
    spread: f64,
    /// Mean quantity of a level, in lots.
    level_lots: f64,
    /// Takers a second at the day's mean liveliness, and the mean quantity of one in lots.
    takers_a_second: f64,
    taker_lots: f64,
}

/// Five levels a side, best first; missing ones are zeros.
pub type Levels = [[Level; LEVELS]; 2];

impl MakerParameters {
    /// `volume_a_day` is in units; options and futures count in lots of the instrument.
    pub fn new(instrument: &Instrument, volume_a_day: f64) -> Self {
        let of_an_index = matches!(instrument.name.as_str(), "NIFTY" | "BANKNIFTY");
        let (spread, takers_a_second) = match (instrument.kind, instrument.exchange) {
            (InstrumentKind::Future, Exchange::Nfo) if !of_an_index => (1.5e-4, 1.0),
            (InstrumentKind::Future, _) => (3e-5, 2.2),
            (InstrumentKind::Call | InstrumentKind::Put, _) if !of_an_index => (1e-2, 0.4),
            (InstrumentKind::Call | InstrumentKind::Put, _) => (2.5e-3, 1.6),
            (_, Exchange::Bse) => (4e-4, 0.3),
            _ => (1e-4, 1.2),
        };
        let taker_lots =
            (volume_a_day / instrument.lot.max(1) as f64 / 22_500.0 / takers_a_second).max(1.0);
        Self {
            spread,
            level_lots: 3.0 * taker_lots,
            takers_a_second,
            taker_lots,
        }
    }

    /// Best bid and ask at a fair price, in ticks; both rise with it. A bid of 0 is none.
    pub fn best(&self, instrument: &Instrument, fair: f64) -> (i64, i64) {
        let tick = instrument.tick_e4 as f64 / 10_000.0;
        let half = (fair * self.spread / 2.0).max(tick / 2.0);
        let bid = ((fair - half) / tick + 1e-9).floor() as i64;
        let ask = (((fair + half) / tick - 1e-9).ceil() as i64).max(bid + 1);
        (bid.max(0), ask.max(1))
    }

    /// What the maker quotes at this fair price.
    pub fn quotes(&self, stream: &mut Stream, instrument: &Instrument, fair: f64) -> Levels {
        let (bid, ask) = self.best(instrument, fair);
        let tick = instrument.tick_e4 as f64 / 10_000.0;
        let apart = ((fair * self.spread / 2.0 / tick).round() as i64).max(1);
        let mut levels = Levels::default();
        let mut shown = [0; 2];
        for level in 0..LEVELS as i64 {
            for (side, ticks) in [bid - level * apart, ask + level * apart]
                .into_iter()
                .enumerate()
            {
                let bits = stream.bits();
                let unit = (bits >> 40) as f64 / (1_u64 << 24) as f64;
                let lots = self.level_lots * (0.4 + 1.2 * unit) * (1.0 + 0.25 * level as f64);
                let price_e4 = ticks * instrument.tick_e4;
                // Near zero and near the band's edge the maker quotes fewer levels.
                if ticks > 0 && instrument.in_band(price_e4) {
                    levels[side][shown[side]] = Level {
                        price_e4,
                        quantity: ((lots + 0.5) as i64).max(1) * instrument.lot,
                        orders: 1 + (bits & 0xff) as u32 * ORDERS_A_LEVEL_MAX as u32 / 256,
                    };
                    shown[side] += 1;
                }
            }
        }
        levels
    }

    /// Who takes from these quotes in so many seconds of this activity. `push` is the sign and strength (−1 to 1) of
    /// the last move: takers follow it.
    pub fn takers(
        &self,
        stream: &mut Stream,
        instrument: &Instrument,
        levels: &Levels,
        push: f64,
        activity: f64,
    ) -> Vec<Taker> {
        let mean = self.takers_a_second * activity;
        // A count with this mean: its whole part, one more by chance, and now and then a flurry.
        let mut count = mean.floor() as usize + usize::from(stream.chance(mean.fract()));
        if mean > 0.0 && stream.chance(0.05) {
            count += 2;
        }
        // None goes deeper than the third level.
        let limit = |side: &[Level; LEVELS]| {
            let quoted = side[..3].iter().rev().find(|level| level.price_e4 > 0);
            quoted.map(|level| level.price_e4)
        };
        let limits = (limit(&levels[1]), limit(&levels[0]));
        (0..count.min(TAKERS_MAX))
            .filter_map(|_| {
                let buys = stream.chance(0.5 + 0.4 * push);
                let unit = stream.unit();
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

/// Levels as what the maker wants.
pub fn quotes_of(levels: &Levels) -> Vec<Quote> {
    let side = |side: Side, levels: &[Level; LEVELS]| {
        levels
            .iter()
            .filter(|level| level.quantity > 0)
            .map(|level| Quote {
                side,
                price_e4: level.price_e4,
                quantity: level.quantity,
            })
            .collect::<Vec<_>>()
    };
    [side(Side::Buy, &levels[0]), side(Side::Sell, &levels[1])].concat()
}

/// The market maker in one book.
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
            let (mut standing, orders) = book.maker_at(side, price_e4);
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
                    owner: MARKET_MAKER,
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
                owner: MARKET_MAKER,
                side,
                price_e4: limit_e4,
                quantity,
            };
            book.take(order, true, trades);
        }
    }

    /// The market maker's ids are even, the users' odd: they never meet in a book.
    fn next_id(&mut self) -> u64 {
        self.last_id += 2;
        self.last_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::market::universe::{Universe, universe_of};
    use proptest::prelude::*;

    fn instruments() -> Vec<Instrument> {
        let day = crate::day::Day::of(2026, 11, 19);
        let rows = universe_of(Universe::Full, day, 26_000.0, 26_000.0);
        let rows = rows.into_iter().map(|row| row.instrument);
        rows.filter(Instrument::tradable).collect()
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
        fn quotes_never_cross_and_lie_on_the_grid(seed: u64, which: usize, fair in 0.01_f64..40_000.0) {
            let rows = instruments();
            let mut row = rows[which % rows.len()].clone();
            (row.lower_e4, row.upper_e4) = (0, 0);
            let levels = MakerParameters::new(&row, 1e6).quotes(&mut Stream::new(seed, "quotes"), &row, fair);
            let quotes = quotes_of(&levels);
            let bid = quotes.iter().filter(|q| q.side == Side::Buy).map(|q| q.price_e4).max();
            let ask = quotes.iter().filter(|q| q.side == Side::Sell).map(|q| q.price_e4).min();
            prop_assert!(bid.is_none() || bid < ask);
            prop_assert!(quotes.iter().filter(|q| q.side == Side::Sell).count() == LEVELS);
            for quote in &quotes {
                prop_assert!(quote.price_e4 > 0 && quote.price_e4 % row.tick_e4 == 0);
                prop_assert!(quote.quantity > 0 && quote.quantity % row.lot == 0);
            }
        }

        /// What bounds a minute's prints: a dearer share is never quoted cheaper.
        #[test]
        fn best_bid_and_ask_rise_with_the_price(which: usize, fair in 0.01_f64..40_000.0, more in 0.0_f64..100.0) {
            let rows = instruments();
            let row = &rows[which % rows.len()];
            let parameters = MakerParameters::new(row, 1e6);
            let (low, high) = (parameters.best(row, fair), parameters.best(row, fair + more));
            prop_assert!(low.0 <= high.0 && low.1 <= high.1);
        }

        /// However the book looked before, after quoting it shows what was wished.
        #[test]
        fn quoting_brings_the_book_to_the_wish(seed: u64, moves in prop::collection::vec(-3.0_f64..3.0, 1..40)) {
            let row = instruments().into_iter().find(|row| row.kind == InstrumentKind::Future).expect("a future");
            let (parameters, mut maker) = (MakerParameters::new(&row, 8e6), Maker::default());
            let mut stream = Stream::new(seed, "quotes");
            let (mut book, mut trades, mut fair) = (Book::default(), Vec::new(), 26_000.0);
            for change in moves {
                fair += change;
                let levels = parameters.quotes(&mut stream, &row, fair);
                let quotes = quotes_of(&levels);
                maker.quote(&mut book, &quotes, &mut trades);
                prop_assert!(trades.is_empty(), "the maker does not trade with himself");
                let wished: Vec<_> = quotes.iter().map(|quote| (quote.price_e4, quote.quantity)).collect();
                prop_assert_eq!(depth(&book), wished);
                prop_assert!(book.levels(Side::Buy).all(|level| level.orders as usize <= ORDERS_A_LEVEL_MAX));
                let takers = parameters.takers(&mut stream, &row, &levels, 0.3, 1.0);
                maker.trade(&mut book, &takers, &mut trades);
                trades.clear();
            }
        }
    }
}
