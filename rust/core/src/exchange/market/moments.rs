//! Moments of an instrument: what it is worth, what is quoted, what trades.

use crate::calendar::clock::{MINUTE_NS, SECOND_NS};
use crate::exchange::hours::Phase;
use crate::exchange::market::day_statistics::{Moment, Spot};
use crate::exchange::market::instruments::RUPEE_E4;
use crate::exchange::market::listed::Moves;
use crate::exchange::market::listing::{Hit, Listing, tell};
use crate::exchange::market::market_maker::Levels;
use crate::exchange::market::minute::Minute;
use crate::exchange::market::pricing::{forward, option_value, published_e4};
use crate::exchange::matching::book::Level;
use crate::exchange::matching::book::Rest;
use crate::random::Stream;
use crate::terms::Side;

/// How lively the session at the closing price is, of the day's mean.
const POST_CLOSE_ACTIVITY: f64 = 0.1;

impl Listing {
    /// One step: what it is worth, what is quoted, what trades.
    pub fn step(&mut self, moment: &Moment, spot: &Spot, parents: &[Self], hits: &mut Vec<Hit>) {
        self.prints_e4 = (i64::MAX, i64::MIN);
        if self.phase == Phase::PostClose {
            self.step_after_close(moment, hits);
        }
        if self.phase != Phase::Continuous {
            return;
        }
        let mut stream = Stream::at(self.moments, moment.now_ns);
        let Minute {
            drift: (from, to),
            beside,
            ..
        } = self.minute;
        let drift = from + (to - from) * moment.passed() + beside * (2.0 * stream.unit() - 1.0);
        // Time stands within a minute, so that the minute's span holds every price in it.
        self.fair = self.price(moment.minute_ns, drift, spot.index, spot, |i| {
            self.counts_for(&parents[i], parents[i].fair)
        });
        self.changed_ns = moment.now_ns;
        if !self.instrument.tradable() {
            self.print(published_e4(self.fair), 0, moment.now_ns);
            return;
        }
        if self.users.wait() {
            self.gathered_go_on(moment, hits);
        }
        let push = match self.minute.fair {
            Some(before) => ((self.fair - before) / (before * 4e-4)).clamp(-1.0, 1.0),
            None => 0.0,
        };
        self.minute.fair = Some(self.fair);
        self.levels = self
            .parameters
            .quotes(&mut stream, &self.instrument, self.fair);
        self.trade(moment, push, &mut stream);
        if self.users.share_a_book() {
            let activity = self.minute.lively * moment.step_ns as f64 / SECOND_NS as f64;
            let takers =
                self.parameters
                    .takers(&mut stream, &self.instrument, &self.levels, push, activity);
            self.share(&takers, hits);
        }
    }

    /// At the closing price the market maker wants to be on one side alone, whichever the day has left it with, and some of
    /// it on the other. What it trades with itself is not shown.
    pub(super) fn step_after_close(&mut self, moment: &Moment, hits: &mut Vec<Hit>) {
        let price_e4 = self.closing_e4();
        let mut day = Stream::new(self.moments, "post-close");
        let side = if day.chance(0.5) { 0 } else { 1 };
        let quoted = self.parameters.quotes(
            &mut day,
            &self.instrument,
            price_e4 as f64 / RUPEE_E4 as f64,
        );
        self.levels = Levels::default();
        self.levels[side][0] = Level {
            price_e4,
            ..quoted[side][0]
        };
        if self.users.share_a_book() {
            let mut stream = Stream::at(self.moments, moment.now_ns);
            let activity = POST_CLOSE_ACTIVITY * moment.step_ns as f64 / SECOND_NS as f64;
            let takers =
                self.parameters
                    .takers(&mut stream, &self.instrument, &self.levels, 0.0, activity);
            self.share(&takers, hits);
        }
    }

    /// The part of the minute's volume that falls to this step, at the best prices.
    pub(super) fn trade(&mut self, moment: &Moment, push: f64, stream: &mut Stream) {
        let passed = moment.passed() + stream.unit() * moment.step_ns as f64 / MINUTE_NS as f64;
        let done = ((self.minute.lots as f64 * passed.min(1.0)) as i64).max(1);
        let mut lots = done - self.minute.done;
        self.minute.done = done.max(self.minute.done);
        let best = |side: Side, levels: &Levels| levels[side as usize][0].price_e4;
        let (bid_e4, ask_e4) = (
            best(Side::Buy, &self.levels),
            best(Side::Sell, &self.levels),
        );
        for taker in (1..=3).rev() {
            if lots <= 0 {
                break;
            }
            let part = if taker == 1 {
                lots
            } else {
                (lots as f64 * stream.unit()) as i64
            };
            let buys = stream.chance(0.5 + 0.4 * push);
            if part == 0 {
                continue;
            }
            lots -= part;
            let price_e4 = match (buys, bid_e4, ask_e4) {
                (_, 0, 0) => self.instrument.on_tick(self.fair),
                (true, _, 1..) | (false, 0, _) => ask_e4,
                _ => bid_e4,
            };
            self.print(price_e4, part * self.instrument.lot, moment.now_ns);
            let (low_e4, high_e4) = self.prints_e4;
            self.prints_e4 = (low_e4.min(price_e4), high_e4.max(price_e4));
        }
    }

    pub(super) fn print(&mut self, price_e4: i64, quantity: i64, now_ns: i64) {
        self.day.print(price_e4, quantity, now_ns);
        self.minutes.print(price_e4, quantity, self.day.oi, now_ns);
        if let Some(recent) = self.recent.as_mut().filter(|_| quantity > 0) {
            recent.add(price_e4, now_ns);
        }
    }

    /// What an auction left goes into the book, oldest first.
    pub(super) fn gathered_go_on(&mut self, moment: &Moment, hits: &mut Vec<Hit>) {
        let mut stream = Stream::at(self.moments, moment.now_ns);
        self.levels = self
            .parameters
            .quotes(&mut stream, &self.instrument, self.fair);
        for order in self.users.take_gathered() {
            let mut trades = Vec::new();
            let rest = self.users.take(&self.levels, order, false, &mut trades);
            tell(trades, hits);
            if matches!(rest, Rest::Prevented(_)) {
                hits.push(Hit::Prevented(order.id));
            }
        }
    }

    /// Nothing moves; the market maker fills up again what users took.
    pub fn stand_still(&mut self, hits: &mut Vec<Hit>) {
        self.prints_e4 = (i64::MAX, i64::MIN);
        if self.users.share_a_book() {
            self.share(&[], hits);
        }
    }

    /// What it is worth at a time, with its own way so far, the index at `index` and its underlying at what `of` says.
    /// It never falls when one of the three rises, but for a put.
    pub(super) fn price(
        &self,
        time_ns: i64,
        drift: f64,
        index: f64,
        spot: &Spot,
        of: impl Fn(usize) -> f64,
    ) -> f64 {
        let row = &self.instrument;
        let close = row.previous_close_e4 as f64 / RUPEE_E4 as f64;
        let price = match self.moves {
            Moves::Path => index,
            Moves::Beside { beta, .. } => {
                close * (1.0 + beta * (index / spot.previous_close - 1.0) + drift)
            }
            Moves::Future { underlying, .. } => {
                let spot = underlying.map_or(close, of);
                forward(spot, time_ns, row) * (1.0 + drift)
            }
            Moves::Option { underlying, .. } => {
                option_value(row, self.volatility, of(underlying), time_ns)
            }
        };
        match row.upper_e4 {
            0 => price,
            upper_e4 => price.clamp(
                row.lower_e4 as f64 / RUPEE_E4 as f64,
                upper_e4 as f64 / RUPEE_E4 as f64,
            ),
        }
    }

    /// What an underlying counts for. On a contract's last day it is what the contract will be settled at, as soon as
    /// that is known.
    pub(super) fn counts_for(&self, underlying: &Self, value: f64) -> f64 {
        underlying
            .closed_at
            .filter(|_| self.last_day)
            .unwrap_or(value)
    }
}
