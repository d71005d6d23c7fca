//! One instrument on the market: what the day has brought it, what it is worth, who quotes it.

use crate::calendar::clock::{MINUTE_NS, OPEN_NS, SECOND_NS, at_ns};
use crate::calendar::{Calendar, Day};
use crate::exchange::hours::{Hours, Phase, Segment, closing_window_ns};
use crate::exchange::market::candles::{Candle, Minutes};
use crate::exchange::market::day_statistics::{DayStatistics, Moment, Spot};
use crate::exchange::market::instruments::{Instrument, RUPEE_E4};
use crate::exchange::market::market_maker::{
    LEVELS, Levels, Maker, MakerParameters, Taker, quotes_of,
};
use crate::exchange::market::path::deviation;
use crate::exchange::market::pricing::{forward, option_value, published_e4};
use crate::exchange::market::rng::{Stream, key};
use crate::exchange::market::simulated::Hit;
use crate::exchange::market::synthetic_history::Nature;
use crate::exchange::market::universe::{Listed, Moves};
use crate::exchange::matching::auction::{Outcome, uncross};
use crate::exchange::matching::book::{Book, Level, Limit, MARKET_MAKER, Rest, Trade};
use crate::exchange::matching::recent_trades::Recent;
use crate::terms::{Kind, Side};

/// Minutes of an ordinary day.
const DAY_MINUTES: f64 = 375.0;
/// News of one company: so many a day, of this size.
const NEWS_A_DAY: f64 = 1.5;
const NEWS_LEAST: f64 = 0.002;
const NEWS_MOST: f64 = 0.009;
/// How lively the session at the closing price is, of the day's mean.
const POST_CLOSE_ACTIVITY: f64 = 0.1;

/// What a minute brings, drawn at its beginning.
#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    trades: bool,
    lively: f64,
    /// The instrument's own way, at the minute's two ends, and how far a moment may lie beside the line between.
    drift: (f64, f64),
    beside: f64,
    /// Lots to be traded in it, and those that were.
    lots: i64,
    done: i64,
    /// The fair price of the last step, none at the minute's first.
    fair: Option<f64>,
    /// The fair price at its beginning; its span and its end, known when it is over.
    begins: f64,
    span: (f64, f64),
    ends: f64,
}

/// One instrument on the market.
#[derive(Debug)]
pub struct Listing {
    pub instrument: Instrument,
    pub day: DayStatistics,
    /// What was paid of late; none where nobody asks for it.
    pub recent: Option<Recent>,
    /// The lowest and highest print of the last step: what stop orders look at. Low above high: no print.
    pub prints_e4: (i64, i64),
    /// The step at which something of it last changed.
    pub changed_ns: i64,
    pub segment: Segment,
    /// A contract's last day is today.
    last_day: bool,
    /// Where its day stands.
    pub phase: Phase,
    pub nature: Nature,
    /// The day so far as candles.
    pub minutes: Minutes,
    /// What of the day's volume they hold, but for the minute that is not over.
    counted: i64,
    moves: Moves,
    parameters: MakerParameters,
    /// An option's, a year: the smile at the day's beginning, which stays with the strike. So a call never falls while
    /// its underlying rises.
    volatility: f64,
    /// What moments draw from, and what minutes do. Shares of one company move as one, wherever they are listed, and
    /// so do the futures of something that is not listed.
    moments: u64,
    ways: u64,
    minute: Minute,
    /// The day as it was when the minute began.
    before: DayStatistics,
    fair: f64,
    /// What it was worth when it closed: where the day left it, whatever the path does afterwards.
    closed_at: Option<f64>,
    /// The price that the day ended with.
    closing_e4: Option<i64>,
    /// When the trades that make it begin, and the day's volume and value until then.
    closing_from_ns: Option<i64>,
    until_then: (i64, i128),
    levels: Levels,
    /// Made when a user's order comes, out of the market maker's quotes: until then both would be the same.
    shared: Option<SharedBook>,
    /// Users' orders that wait for an auction, in order of arrival.
    gathered: Vec<Limit>,
}

/// A book and the market maker's part in it.
#[derive(Clone, Debug, Default)]
struct SharedBook {
    book: Book,
    maker: Maker,
}

impl Listing {
    /// `parents` are the listings before it, its underlying among them.
    pub fn new(
        row: Listed,
        seed: u64,
        (calendar, day, hours): (&Calendar, Day, Hours),
        spot: &Spot,
        parents: &[Self],
    ) -> Self {
        let open_ns = at_ns(day, OPEN_NS);
        let Listed {
            mut instrument,
            moves,
            volume,
            oi,
        } = row;
        let last_day = instrument.expiry == Some(day);
        // Every share that is listed has derivatives.
        let segment = Segment::of(instrument.kind, instrument.exchange, true, last_day)
            .expect("what is listed has a segment");
        let closing_from_ns =
            closing_window_ns(calendar, hours, segment, day).map(|of| at_ns(day, of));
        let mut volatility = 0.0;
        if let Moves::Option { underlying, smile } = moves {
            // Previous close and band: the value at the underlying's previous close, and at its own band's far end.
            let close = parents[underlying].instrument.previous_close_e4 as f64 / RUPEE_E4 as f64;
            let strike = instrument.strike_e4 as f64 / RUPEE_E4 as f64;
            volatility = smile.volatility(forward(close, open_ns, &instrument), strike);
            let at = |underlying: f64| option_value(&instrument, volatility, underlying, open_ns);
            let far = if instrument.kind == Kind::Call {
                1.1
            } else {
                0.9
            };
            let (value, upper) = (at(close), at(close * far));
            instrument.previous_close_e4 = instrument.on_tick(value);
            instrument.lower_e4 = instrument.tick_e4;
            instrument.upper_e4 = instrument.on_tick(upper);
        }
        let way = match moves {
            Moves::Future {
                underlying: None, ..
            } => &instrument.name,
            _ => &instrument.tradingsymbol,
        };
        let name = format!("{}:{}", instrument.exchange, instrument.tradingsymbol);
        Self {
            parameters: MakerParameters::new(&instrument, volume),
            nature: Nature {
                beta: match moves {
                    Moves::Path => 1.0,
                    Moves::Beside { beta, .. } => beta,
                    _ => 0.0,
                },
                volatility: match moves {
                    Moves::Beside { volatility, .. } | Moves::Future { volatility, .. } => {
                        volatility
                    }
                    _ => 0.0,
                },
                volume,
                oi,
            },
            minutes: Minutes::default(),
            counted: 0,
            segment,
            last_day,
            phase: Phase::Closed,
            moments: key(seed, &name),
            ways: key(seed, &format!("{way} moves")),
            moves,
            volatility,
            minute: Minute::default(),
            before: DayStatistics {
                oi,
                oi_high: oi,
                oi_low: oi,
                last_e4: instrument.previous_close_e4,
                ..DayStatistics::default()
            },
            day: DayStatistics {
                oi,
                oi_high: oi,
                oi_low: oi,
                last_e4: instrument.previous_close_e4,
                ..DayStatistics::default()
            },
            recent: match moves {
                Moves::Future {
                    underlying: Some(underlying),
                    ..
                }
                | Moves::Option { underlying, .. }
                    if parents[underlying].instrument.kind == Kind::Cash =>
                {
                    Some(Recent::default())
                }
                _ => None,
            },
            prints_e4: (i64::MAX, i64::MIN),
            changed_ns: 0,
            fair: match moves {
                Moves::Path => spot.index,
                _ => instrument.previous_close_e4 as f64 / RUPEE_E4 as f64,
            },
            closed_at: None,
            closing_e4: None,
            closing_from_ns,
            until_then: (0, 0),
            levels: Levels::default(),
            shared: None,
            gathered: Vec::new(),
            instrument,
        }
    }

    /// The listing that its price is made from.
    pub fn underlying(&self) -> Option<usize> {
        match self.moves {
            Moves::Future { underlying, .. } => underlying,
            Moves::Option { underlying, .. } => Some(underlying),
            _ => None,
        }
    }

    /// An option's volatility, a year; 0 of anything else.
    pub fn volatility(&self) -> f64 {
        self.volatility
    }

    /// What an instrument like this one is worth when its underlying, or it itself, stands at a value in rupees.
    pub fn worth(&self, instrument: &Instrument, value: f64, time_ns: i64) -> f64 {
        match instrument.kind {
            Kind::Index | Kind::Cash => value,
            Kind::Future => forward(value, time_ns, instrument),
            Kind::Call | Kind::Put => option_value(instrument, self.volatility, value, time_ns),
        }
    }

    /// What it was worth at the last step.
    pub(in crate::exchange) fn fair(&self) -> f64 {
        self.fair
    }

    /// Back to an earlier step, for those that are priced by it and make theirs later.
    pub(in crate::exchange) fn set_fair(&mut self, fair: f64) {
        self.fair = fair;
    }

    /// Whether it is a contract that ends today.
    pub fn last_day(&self) -> bool {
        self.last_day
    }

    /// The price that the day ended with; until it has, the last one.
    pub fn closing_e4(&self) -> i64 {
        self.closing_e4.unwrap_or(self.day.last_e4)
    }

    /// The price that the day ended with, once it has.
    pub fn closed_e4(&self) -> Option<i64> {
        self.closing_e4
    }

    /// The price at which alone it trades now, if there is one.
    pub fn only_price_e4(&self) -> Option<i64> {
        self.closing_e4.filter(|_| self.phase == Phase::PostClose)
    }

    /// The five levels of a side as the world sees them; missing ones are zeros.
    pub fn depth(&self, side: Side) -> [Level; LEVELS] {
        self.levels[side as usize]
    }

    /// The whole quantity of a side as the world sees it.
    pub fn total(&self, side: Side) -> i64 {
        let levels = &self.levels[side as usize];
        levels.iter().map(|level| level.quantity).sum()
    }

    // --- users' orders ----------------------------------------------------------------------------------------

    /// A user's order: into the book where it stands in line with the market maker's, or among those that wait for an
    /// auction.
    pub fn take(&mut self, order: Limit, immediate: bool, trades: &mut Vec<Trade>) -> Rest {
        if self.phase.auction() {
            self.gathered.push(order);
            return Rest::Standing(order.quantity);
        }
        self.shared().take(order, immediate, trades)
    }

    /// Takes a user's order out; the quantity that stood, or none.
    pub fn withdraw(&mut self, id: u64) -> Option<i64> {
        if let Some(at) = self.gathered.iter().position(|order| order.id == id) {
            return Some(self.gathered.remove(at).quantity);
        }
        self.shared.as_mut()?.book.cancel(id)
    }

    /// Makes a user's order smaller without losing its place in line.
    pub fn reduce(&mut self, id: u64, quantity: i64) {
        match self.gathered.iter_mut().find(|order| order.id == id) {
            Some(order) => order.quantity = quantity,
            None => self.shared().reduce(id, quantity),
        }
    }

    /// The quantity of a user's order that stands, 0 if it does not.
    pub fn standing(&self, id: u64) -> i64 {
        let gathered = self.gathered.iter().find(|order| order.id == id);
        gathered.map_or_else(
            || {
                self.shared
                    .as_ref()
                    .map_or(0, |shared| shared.book.standing(id))
            },
            |order| order.quantity,
        )
    }

    /// The book in which users' orders stand in line with the market maker's.
    fn shared(&mut self) -> &mut Book {
        let levels = &self.levels;
        let shared = self.shared.get_or_insert_with(|| {
            let mut shared = SharedBook::default();
            shared
                .maker
                .quote(&mut shared.book, &quotes_of(levels), &mut Vec::new());
            shared
        });
        &mut shared.book
    }

    /// The orders that a user's order would meet, the market maker's among them, as they stand in line.
    #[cfg(test)]
    pub fn queue(&mut self, side: Side) -> Vec<Limit> {
        self.shared().queue(side)
    }

    /// Lets the market maker go on in the shared book; without a user's order in it, it is the market maker's own again.
    fn share(&mut self, index: usize, takers: &[Taker], hits: &mut Vec<Hit>) {
        if !self
            .shared
            .as_ref()
            .is_some_and(|shared| shared.book.has_users())
        {
            self.shared = None;
        }
        let Some(shared) = &mut self.shared else {
            return;
        };
        let mut trades = Vec::new();
        shared
            .maker
            .quote(&mut shared.book, &quotes_of(&self.levels), &mut trades);
        shared.maker.trade(&mut shared.book, takers, &mut trades);
        tell(index, trades, hits);
    }

    // --- the day's phases -------------------------------------------------------------------------------------

    /// Goes to another phase of its day.
    pub fn turn(
        &mut self,
        phase: Phase,
        moment: &Moment,
        spot: &Spot,
        index: usize,
        hits: &mut Vec<Hit>,
    ) {
        let before = std::mem::replace(&mut self.phase, phase);
        self.changed_ns = moment.now_ns;
        if before == Phase::Continuous {
            self.levels = Levels::default();
            if let Some(shared) = self.shared.take() {
                self.gathered.extend(shared.book.users());
            }
        } else if before == Phase::PostClose {
            (self.levels, self.shared) = (Levels::default(), None);
        }
        if matches!(before, Phase::Gathering { .. }) && !matches!(phase, Phase::Gathering { .. }) {
            self.uncross(moment.now_ns, index, hits);
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
    fn closing_price_e4(&self) -> i64 {
        let volume = self.day.volume - self.until_then.0;
        if self.closing_from_ns.is_none() || volume <= 0 {
            return self.day.last_e4;
        }
        let mean_e4 = (self.day.value_e4 - self.until_then.1) / i128::from(volume);
        self.instrument.on_tick(mean_e4 as f64 / RUPEE_E4 as f64)
    }

    /// What an underlying counts for. On a contract's last day it is what the contract will be settled at, as soon as
    /// that is known.
    fn counts_for(&self, underlying: &Self, value: f64) -> f64 {
        underlying
            .closed_at
            .filter(|_| self.last_day)
            .unwrap_or(value)
    }

    /// The auction's match. The market maker asks and offers around what it is worth; who is left waits for what
    /// follows.
    fn uncross(&mut self, now_ns: i64, index: usize, hits: &mut Vec<Hit>) {
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
        orders.append(&mut self.gathered);
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
        tell(index, trades, hits);
        self.gathered = rest;
        self.gathered.retain(|order| order.owner != MARKET_MAKER);
    }

    // --- minutes ----------------------------------------------------------------------------------------------

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
            Moves::Beside { volatility, .. } => {
                (volatility, 1.0, self.instrument.kind == Kind::Cash)
            }
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
    fn remember(&mut self, minute_ns: i64) {
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
    fn span_e4(&self, low: f64, high: f64) -> (i64, i64) {
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

    // --- moments ----------------------------------------------------------------------------------------------

    /// One step: what it is worth, what is quoted, what trades.
    pub fn step(
        &mut self,
        moment: &Moment,
        spot: &Spot,
        parents: &[Self],
        index: usize,
        hits: &mut Vec<Hit>,
    ) {
        self.prints_e4 = (i64::MAX, i64::MIN);
        if self.phase == Phase::PostClose {
            self.step_after_close(moment, index, hits);
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
        if !self.gathered.is_empty() {
            self.gathered_go_on(moment, index, hits);
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
        if self.shared.is_some() {
            let activity = self.minute.lively * moment.step_ns as f64 / SECOND_NS as f64;
            let takers =
                self.parameters
                    .takers(&mut stream, &self.instrument, &self.levels, push, activity);
            self.share(index, &takers, hits);
        }
    }

    /// At the closing price the market maker wants to be on one side alone, whichever the day has left it with, and some of
    /// it on the other. What it trades with itself is not shown.
    fn step_after_close(&mut self, moment: &Moment, index: usize, hits: &mut Vec<Hit>) {
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
        if self.shared.is_some() {
            let mut stream = Stream::at(self.moments, moment.now_ns);
            let activity = POST_CLOSE_ACTIVITY * moment.step_ns as f64 / SECOND_NS as f64;
            let takers =
                self.parameters
                    .takers(&mut stream, &self.instrument, &self.levels, 0.0, activity);
            self.share(index, &takers, hits);
        }
    }

    /// The part of the minute's volume that falls to this step, at the best prices.
    fn trade(&mut self, moment: &Moment, push: f64, stream: &mut Stream) {
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

    fn print(&mut self, price_e4: i64, quantity: i64, now_ns: i64) {
        self.day.print(price_e4, quantity, now_ns);
        self.minutes.print(price_e4, quantity, self.day.oi, now_ns);
        if let Some(recent) = self.recent.as_mut().filter(|_| quantity > 0) {
            recent.add(price_e4, now_ns);
        }
    }

    /// What an auction left goes into the book, oldest first.
    fn gathered_go_on(&mut self, moment: &Moment, index: usize, hits: &mut Vec<Hit>) {
        let mut stream = Stream::at(self.moments, moment.now_ns);
        self.levels = self
            .parameters
            .quotes(&mut stream, &self.instrument, self.fair);
        for order in std::mem::take(&mut self.gathered) {
            let mut trades = Vec::new();
            self.shared().take(order, false, &mut trades);
            tell(index, trades, hits);
        }
    }

    /// Nothing moves; the market maker fills up again what users took.
    pub fn stand_still(&mut self, index: usize, hits: &mut Vec<Hit>) {
        self.prints_e4 = (i64::MAX, i64::MIN);
        if self.shared.is_some() {
            self.share(index, &[], hits);
        }
    }

    /// What it is worth at a time, with its own way so far, the index at `index` and its underlying at what `of` says.
    /// It never falls when one of the three rises, but for a put.
    fn price(
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
}

/// Trades in which users have a part.
fn tell(listing: usize, trades: Vec<Trade>, hits: &mut Vec<Hit>) {
    let users = trades.into_iter().filter(|trade| {
        trade.resting_owner != MARKET_MAKER || trade.incoming_owner != MARKET_MAKER
    });
    hits.extend(users.map(|trade| Hit { listing, trade }));
}
