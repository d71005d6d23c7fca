//! An instrument goes from one phase of its day to another: into an auction, out of it, to its close.

use crate::exchange::hours::Phase;
use crate::exchange::market::day_statistics::{Moment, Spot};
use crate::exchange::market::instruments::RUPEE_E4;
use crate::exchange::market::listed::Moves;
use crate::exchange::market::listing::{Hit, Listing, tell};
use crate::exchange::market::market_maker::Levels;
use crate::exchange::market::pricing::published_e4;
use crate::exchange::matching::auction::{Outcome, uncross};
use crate::exchange::matching::book::{Limit, MARKET_MAKER};
use crate::random::Stream;
use crate::terms::Side;

impl Listing {
    /// Goes to another phase of its day.
    pub fn turn(&mut self, phase: Phase, moment: &Moment, spot: &Spot, hits: &mut Vec<Hit>) {
        let before = std::mem::replace(&mut self.phase, phase);
        self.changed_ns = moment.now_ns;
        if before == Phase::Continuous {
            self.levels = Levels::default();
            self.users.gather_all();
        } else if before == Phase::PostClose {
            self.levels = Levels::default();
            self.users.close();
        }
        if matches!(before, Phase::Gathering { .. }) && !matches!(phase, Phase::Gathering { .. }) {
            self.uncross(moment.now_ns, hits);
        }
        if phase == Phase::Closed && before == Phase::Continuous {
            // The last price of all: where the last minute ended.
            let price_e4 = match self.moves {
                Moves::Path => published_e4(spot.index),
                _ if self.instrument.tradable() => self.instrument.on_tick(self.minute.begins),
                _ => published_e4(self.minute.begins),
            };
            self.day.print(price_e4, 0, 0);
        }
        if phase == Phase::Closed && self.closing_e4.is_none() {
            let closing_e4 = self.closing_price_e4();
            self.closing_e4 = Some(closing_e4);
            self.closed_at = Some(match self.moves {
                Moves::Path => spot.index,
                _ if self.instrument.tradable() => closing_e4 as f64 / RUPEE_E4 as f64,
                _ => self.minute.begins,
            });
        }
    }

    /// The mean price of the trades that make the closing price; where there were none, and of an index, or after an
    /// auction, the last one.
    pub(super) fn closing_price_e4(&self) -> i64 {
        let volume = self.day.volume - self.until_then.0;
        if self.closing_from_ns.is_none() || volume <= 0 {
            return self.day.last_e4;
        }
        let mean_e4 = (self.day.value_e4 - self.until_then.1) / i128::from(volume);
        self.instrument.on_tick(mean_e4 as f64 / RUPEE_E4 as f64)
    }

    /// The auction's match. The market maker asks and offers around what it is worth; who is left waits for what
    /// follows.
    pub(super) fn uncross(&mut self, now_ns: i64, hits: &mut Vec<Hit>) {
        let reference_e4 = self.instrument.on_tick(self.fair);
        let mut stream = Stream::at(self.moments, now_ns);
        let mut orders = Vec::new();
        for (side, levels) in [Side::Buy, Side::Sell]
            .into_iter()
            .zip(
                self.parameters
                    .quotes(&mut stream, &self.instrument, self.fair),
            )
        {
            for (place, level) in levels.iter().filter(|level| level.quantity > 0).enumerate() {
                // Two ticks beyond the reference and two short of it: the market maker meets itself in the middle.
                let price_e4 =
                    reference_e4 + side.sign() * (2 - place as i64) * self.instrument.tick_e4;
                if price_e4 > 0 && self.instrument.in_band(price_e4) {
                    orders.push(Limit {
                        id: 0,
                        owner: MARKET_MAKER,
                        side,
                        price_e4,
                        quantity: level.quantity,
                    });
                }
            }
        }
        orders.append(&mut self.users.take_gathered());
        let Outcome {
            price_e4,
            quantity,
            trades,
            rest,
        } = uncross(&orders, reference_e4);
        if let Some(price_e4) = price_e4 {
            self.day.print(price_e4, quantity, now_ns);
            self.before = self.day;
            // What an auction before the open trades is in the first minute, which begins where the day did.
            if !self.minutes.all().is_empty() {
                self.minutes.print(price_e4, quantity, self.day.oi, now_ns);
                self.counted = self.day.volume;
            }
        }
        tell(trades, hits);
        for order in rest {
            if order.owner != MARKET_MAKER {
                self.users.gather(order);
            }
        }
    }
}
