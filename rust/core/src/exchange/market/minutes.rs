//! Minutes of an instrument: each is drawn at its beginning, and the books are closed on it at its end.

use crate::calendar::clock::{MINUTE_NS, SECOND_NS};
use crate::exchange::market::candles::Candle;
use crate::exchange::market::day_statistics::Spot;
use crate::exchange::market::instruments::RUPEE_E4;
use crate::exchange::market::listed::Moves;
use crate::exchange::market::listing::Listing;
use crate::exchange::market::minute::Minute;
use crate::exchange::market::path::deviation;
use crate::exchange::market::pricing::published_e4;
use crate::random::Stream;
use crate::terms::InstrumentKind;

/// Minutes of an ordinary day.
const DAY_MINUTES: f64 = 375.0;
/// News of one company: so many a day, of this size.
const NEWS_A_DAY: f64 = 1.5;
const NEWS_LEAST: f64 = 0.002;
const NEWS_MOST: f64 = 0.009;

impl Listing {
    /// Draws what a minute brings.
    pub fn begin_minute(
        &mut self,
        minute_ns: i64,
        trades: bool,
        lively: f64,
        spot: &Spot,
        parents: &[Self],
    ) {
        let from = self.minute.drift.1;
        self.minute = Minute {
            trades,
            lively,
            drift: (from, from),
            ..Minute::default()
        };
        self.minute.begins = self.price(minute_ns, from, spot.index, spot, |i| {
            self.counts_for(&parents[i], parents[i].minute.begins)
        });
        self.fair = self.minute.begins;
        if !trades {
            return;
        }
        if self
            .closing_from_ns
            .is_some_and(|from_ns| minute_ns <= from_ns)
        {
            self.until_then = (self.before.volume, self.before.value_e4);
        }
        let mut stream = Stream::at(self.ways, minute_ns / MINUTE_NS);
        let (volatility, pull, news) = match self.moves {
            Moves::Path | Moves::Option { .. } => (0.0, 1.0, false),
            Moves::Beside { volatility, .. } => (
                volatility,
                1.0,
                self.instrument.kind == InstrumentKind::Cash,
            ),
            Moves::Future {
                underlying,
                volatility,
            } => (
                volatility,
                if underlying.is_some() { 0.6 } else { 1.0 },
                false,
            ),
        };
        if volatility > 0.0 {
            let mut to = from * pull + deviation(volatility, MINUTE_NS) * lively * stream.normal();
            if news && stream.chance(NEWS_A_DAY / DAY_MINUTES) {
                let size = NEWS_LEAST + (NEWS_MOST - NEWS_LEAST) * stream.unit();
                to += if stream.chance(0.5) { size } else { -size };
            }
            self.minute.drift = (from, to);
            self.minute.beside = deviation(volatility, SECOND_NS) * lively;
        }
        if self.instrument.tradable() {
            let mut stream = Stream::at(self.moments, minute_ns / MINUTE_NS);
            let ordinary = self.nature.volume / self.instrument.lot as f64 / DAY_MINUTES;
            let lots = ordinary * lively * (0.4 + 1.2 * stream.unit());
            self.minute.lots = (lots.round() as i64).max(1);
            if self.instrument.expiry.is_some() {
                // A trade opens or closes contracts: open interest follows some of the volume, up or down.
                let most = self.minute.lots / 4;
                let change = stream.between(-most, most + 1) * self.instrument.lot;
                let day = &mut self.before;
                day.oi = (day.oi + change).max(0);
                (day.oi_high, day.oi_low) = (day.oi_high.max(day.oi), day.oi_low.min(day.oi));
                (self.day.oi, self.day.oi_high, self.day.oi_low) =
                    (day.oi, day.oi_high, day.oi_low);
            }
            if self.day.open_e4 == 0 {
                // The first price of all; what traded there is a lot, so that no mean is of nothing.
                let price_e4 = self.instrument.on_tick(self.minute.begins);
                self.day.print(price_e4, self.instrument.lot, minute_ns);
                self.minutes
                    .print(price_e4, self.instrument.lot, self.day.oi, minute_ns);
                self.before = self.day;
            }
        } else if self.day.open_e4 == 0 {
            self.day.print(published_e4(self.minute.begins), 0, 0);
            self.before = self.day;
        }
    }

    /// Closes the books on a minute: the day's span and volume are what the minute was drawn to bring, whether every
    /// step of it was made or none.
    pub fn end_minute(&mut self, minute_ns: i64, spot: &Spot, parents: &[Self]) {
        let Minute {
            trades,
            drift: (from, to),
            beside,
            lots,
            ..
        } = self.minute;
        self.minute.ends = self.price(minute_ns, to, spot.index, spot, |i| {
            self.counts_for(&parents[i], parents[i].minute.ends)
        });
        let (down, up) = (from.min(to) - beside, from.max(to) + beside);
        let low = self.price(minute_ns, down, spot.low, spot, |i| {
            self.counts_for(&parents[i], parents[i].minute.span.0)
        });
        let high = self.price(minute_ns, up, spot.high, spot, |i| {
            self.counts_for(&parents[i], parents[i].minute.span.1)
        });
        // A put is dearest where its underlying is lowest.
        let (low, high) = (low.min(high), high.max(low));
        self.minute.span = (low, high);
        if !trades {
            return;
        }
        // Kept until the first step of the next minute.
        let (last_e4, quantity, time_ns) = (
            self.day.last_e4,
            self.day.last_quantity,
            self.day.last_trade_ns,
        );
        self.day = self.before;
        (
            self.day.last_e4,
            self.day.last_quantity,
            self.day.last_trade_ns,
        ) = (last_e4, quantity, time_ns);
        if self.instrument.tradable() {
            let (low_e4, high_e4) = self.span_e4(low, high);
            self.day.reach(low_e4, high_e4);
            let quantity = lots * self.instrument.lot;
            self.day.volume += quantity;
            self.day.value_e4 += i128::from((low_e4 + high_e4) / 2) * i128::from(quantity);
        } else {
            self.day.reach(published_e4(low), published_e4(high));
        }
        self.before = self.day;
        self.remember(minute_ns);
    }

    /// The minute as a candle.
    pub(super) fn remember(&mut self, minute_ns: i64) {
        let Minute {
            begins,
            span: (low, high),
            ends,
            ..
        } = self.minute;
        let tradable = self.instrument.tradable();
        let (low_e4, high_e4) = if tradable {
            self.span_e4(low, high)
        } else {
            (published_e4(low), published_e4(high))
        };
        let on_grid = |price: f64| {
            let price_e4 = if tradable {
                self.instrument.on_tick(price)
            } else {
                published_e4(price)
            };
            price_e4.clamp(low_e4, high_e4)
        };
        let candle = Candle {
            start_ns: minute_ns,
            open_e4: on_grid(begins),
            high_e4,
            low_e4,
            close_e4: on_grid(ends),
            volume: self.day.volume - self.counted,
            oi: self.day.oi,
        };
        self.counted = self.day.volume;
        self.minutes.close(candle);
    }

    /// The lowest bid and the highest ask of a span of fair prices.
    pub(super) fn span_e4(&self, low: f64, high: f64) -> (i64, i64) {
        let row = &self.instrument;
        // Black's formula is exact to some 1e-7 of the underlying, not monotone beyond that.
        let slack = match self.moves {
            Moves::Option { .. } => 1e-3 + 2e-7 * row.strike_e4 as f64 / RUPEE_E4 as f64,
            _ => high * 1e-12,
        };
        let (bid, _) = self.parameters.best(row, (low - slack).max(0.0));
        let (_, ask) = self.parameters.best(row, high + slack);
        let (bid_e4, ask_e4) = (bid.max(1) * row.tick_e4, ask * row.tick_e4);
        match row.upper_e4 {
            0 => (bid_e4, ask_e4),
            upper_e4 => (
                bid_e4.clamp(row.lower_e4, upper_e4),
                ask_e4.clamp(row.lower_e4, upper_e4),
            ),
        }
    }
}
