//! The simulated market: an index path, everything else moving around it, and a street that quotes and trades.
//!
//! Every tradable instrument has a book on which the street alone trades: it is what the feed and the quotes show, so
//! what is shown is a function of path and seed alone and our own orders never move it. When a user's order comes it
//! meets a second, shared book with the same street in it, which lasts as long as an order of a user stands there.

use std::collections::HashMap;
use std::iter::Peekable;

use super::book::{Book, Level, STREET, Trade};
use super::candles::Minutes;
use super::dates::{CLOSE_NS, OPEN_NS, SECOND_NS, at_ns};
use super::instruments::{
    BANK_BETA, BANK_OF_NIFTY, BANK_TOKEN, BANK_VOLATILITY, Instrument, NIFTY_TOKEN, RUPEE_E4,
    SHARES, instruments_of,
};
use super::options::{Smile, black_76, years_between};
use super::past::Nature;
use super::path::{Path, deviation, liveliness};
use super::rng::Stream;
use super::street::{Habits, LEVELS, Maker, Quote, Wish};
use crate::day::Day;
use crate::terms::{Exchange, Kind, Side};

/// What an index future costs to carry, a year.
const CARRY: f64 = 0.065;
const SMILE: Smile = Smile {
    at_the_money: 0.118,
    skew: -0.55,
    wings: 4.0,
};

/// What the day has brought one instrument so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DaySoFar {
    pub open_e4: i64,
    pub high_e4: i64,
    pub low_e4: i64,
    pub last_e4: i64,
    pub last_quantity: i64,
    pub last_trade_ns: i64,
    pub volume: i64,
    pub value_e4: i128,
    pub oi: i64,
    pub oi_high: i64,
    pub oi_low: i64,
}

impl DaySoFar {
    fn print(&mut self, price_e4: i64, quantity: i64, time_ns: i64) {
        if self.open_e4 == 0 {
            (self.open_e4, self.high_e4, self.low_e4) = (price_e4, price_e4, price_e4);
        }
        self.high_e4 = self.high_e4.max(price_e4);
        self.low_e4 = self.low_e4.min(price_e4);
        self.last_e4 = price_e4;
        if quantity > 0 {
            self.last_quantity = quantity;
            self.last_trade_ns = time_ns;
            self.volume += quantity;
            self.value_e4 += i128::from(price_e4) * i128::from(quantity);
        }
    }

    /// The mean price of the day's trades, 0 before the first.
    pub fn average_e4(&self) -> i64 {
        if self.volume == 0 {
            0
        } else {
            (self.value_e4 / i128::from(self.volume)) as i64
        }
    }
}

/// One instrument on the market.
#[derive(Debug)]
pub struct Listing {
    pub instrument: Instrument,
    pub day: DaySoFar,
    /// The lowest and highest print of the last step: what stop orders look at. Low above high: no print.
    pub prints_e4: (i64, i64),
    /// The step at which something of it last changed.
    pub changed_ns: i64,
    pub nature: Nature,
    /// What was printed today, as candles.
    pub minutes: Minutes,
    fair: f64,
    habits: Habits,
    own: Own,
    street: Pit,
    /// Made when a user's order comes, out of the street's: until then both would be the same.
    shared: Option<Pit>,
}

/// A book and the street's part in it.
#[derive(Clone, Debug, Default)]
struct Pit {
    book: Book,
    maker: Maker,
}

impl Pit {
    /// One step of the street; its trades are appended.
    fn step(&mut self, wish: &Wish, trades: &mut Vec<Trade>) {
        self.maker.quote(&mut self.book, &wish.quotes, trades);
        self.maker.trade(&mut self.book, &wish.takers, trades);
    }
}

/// How an instrument moves beside the index.
#[derive(Clone, Debug)]
struct Own {
    stream: Stream,
    /// Its own return of the day so far.
    drift: f64,
}

impl Listing {
    /// The five levels of a side as the world sees them; missing ones are zeros.
    pub fn depth(&self, side: Side) -> [Level; LEVELS] {
        let mut levels = [Level::default(); LEVELS];
        for (shown, level) in levels.iter_mut().zip(self.street.book.levels(side)) {
            *shown = level;
        }
        levels
    }

    /// The book in which users' orders stand in line with the street's.
    pub fn shared(&mut self) -> &mut Book {
        let street = &self.street;
        &mut self.shared.get_or_insert_with(|| street.clone()).book
    }

    /// What the street has in its own book, wished once more.
    fn as_it_stands(&self) -> Wish {
        let side = |side| {
            self.street.book.levels(side).map(
                move |Level {
                          price_e4, quantity, ..
                      }| Quote {
                    side,
                    price_e4,
                    quantity,
                },
            )
        };
        Wish {
            quotes: side(Side::Buy).chain(side(Side::Sell)).collect(),
            takers: Vec::new(),
        }
    }

    /// The quantity of a user's order that stands, 0 if it does not.
    pub fn standing(&self, id: u64) -> i64 {
        self.shared.as_ref().map_or(0, |pit| pit.book.standing(id))
    }

    /// Lets the street go on in the shared book; without a user's order in it, it is the street's own again.
    fn share(&mut self, index: usize, wish: &Wish, hits: &mut Vec<Hit>) {
        if !self.shared.as_ref().is_some_and(|pit| pit.book.has_users()) {
            self.shared = None;
        }
        let Some(pit) = &mut self.shared else { return };
        let mut trades = Vec::new();
        pit.step(wish, &mut trades);
        let users = trades
            .into_iter()
            .filter(|trade| trade.resting_owner != STREET);
        hits.extend(users.map(|trade| Hit {
            listing: index,
            trade,
        }));
    }

    /// The whole quantity of a side as the world sees it.
    pub fn total(&self, side: Side) -> i64 {
        self.street
            .book
            .levels(side)
            .map(|level| level.quantity)
            .sum()
    }
}

/// A trade on a shared book.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    pub listing: usize,
    pub trade: Trade,
}

/// All instruments of a day and the path that moves them.
pub struct Market {
    pub day: Day,
    pub listings: Vec<Listing>,
    pub seed: u64,
    by_token: HashMap<u32, usize>,
    path: Peekable<Path>,
    step_ns: i64,
    now_ns: i64,
    next_cut_ns: i64,
    previous_close: f64,
    index: f64,
    still: bool,
    ended: bool,
    /// Time passes and nothing trades: the exchange has halted the market.
    pub halted: bool,
}

impl Market {
    /// A market at the open of its day. A path of one point is a market that stands still and never ends.
    pub fn new(day: Day, previous_close: f64, path: Path, seed: u64, step_ns: i64) -> Self {
        assert!(step_ns > 0, "time goes forward");
        let mut path = path.peekable();
        let first = *path.peek().expect("a path has a point");
        let mut rows = instruments_of(day, previous_close, first.value);
        price_contracts(&mut rows, previous_close, at_ns(day, OPEN_NS));
        let listings: Vec<Listing> = rows
            .into_iter()
            .map(|row| listing(row, seed, first.value))
            .collect();
        let by_token = listings
            .iter()
            .enumerate()
            .map(|(i, listing)| (listing.instrument.token, i))
            .collect();
        let open_ns = at_ns(day, OPEN_NS);
        let late_ns = (first.time_ns - open_ns).max(0);
        Self {
            day,
            listings,
            seed,
            by_token,
            path,
            step_ns,
            now_ns: open_ns,
            next_cut_ns: open_ns + (late_ns + step_ns - 1) / step_ns * step_ns,
            previous_close,
            index: first.value,
            still: false,
            ended: false,
            halted: false,
        }
    }

    /// Market time: of the last step, or of the open.
    pub fn now_ns(&self) -> i64 {
        self.now_ns
    }

    /// When the next step is due.
    pub fn next_cut_ns(&self) -> i64 {
        self.next_cut_ns
    }

    /// Whether the path is at its end. A market that stands still has none.
    pub fn ended(&self) -> bool {
        self.ended
    }

    pub fn by_token(&self, token: u32) -> Option<usize> {
        self.by_token.get(&token).copied()
    }

    /// NSE, `NIFTY 50`.
    pub fn by_symbol(&self, exchange: Exchange, tradingsymbol: &str) -> Option<usize> {
        self.listings.iter().position(|listing| {
            listing.instrument.tradingsymbol == tradingsymbol
                && listing.instrument.exchange == exchange
        })
    }

    /// What a contract is a contract on; none for what stands for itself.
    pub fn underlying(&self, listing: &Listing) -> Option<&Listing> {
        listing
            .instrument
            .expiry
            .and_then(|_| Some(&self.listings[self.by_token(NIFTY_TOKEN)?]))
    }

    /// What an instrument is worth when its underlying, or it itself, stands at a value in rupees.
    pub fn worth(&self, instrument: &Instrument, value: f64, time_ns: i64) -> f64 {
        match instrument.kind {
            Kind::Index | Kind::Cash => value,
            Kind::Future => forward(value, time_ns, instrument),
            Kind::Call | Kind::Put => option_value(instrument, value, time_ns),
        }
    }

    /// Goes on to the next cut; trades that users have a part in are appended to `hits`.
    pub fn step(&mut self, hits: &mut Vec<Hit>) {
        let first = self.listings[0].day.open_e4 == 0;
        self.now_ns = self.next_cut_ns;
        self.next_cut_ns += self.step_ns;
        if self.halted {
            self.print_nothing();
            return;
        }
        if self.still || self.ended {
            self.stand_still(hits);
            return;
        }

        let mut points = 0;
        while let Some(point) = self.path.next_if(|point| point.time_ns <= self.now_ns) {
            self.index = point.value;
            self.listings[0].print_index(point.value, self.now_ns);
            points += 1;
        }
        if points > 0 {
            self.listings[0].changed_ns = self.now_ns;
        }
        let lively = liveliness(self.now_ns);
        self.move_fairs(lively);
        let seconds = self.step_ns as f64 / SECOND_NS as f64;
        for index in 0..self.listings.len() {
            if self.listings[index].instrument.tradable() {
                self.trade(index, first, lively, seconds, hits);
            }
        }
        if self.path.peek().is_none() {
            // One point alone is a frozen market; a path that ran and is over is a day's end.
            (self.still, self.ended) = (first, !first);
        }
    }

    /// The path goes on meanwhile, so that the first step after a halt shows the world's new price.
    fn print_nothing(&mut self) {
        for listing in &mut self.listings {
            listing.prints_e4 = (i64::MAX, i64::MIN);
        }
    }

    /// The street's own flow is over; it only fills up again what users took.
    fn stand_still(&mut self, hits: &mut Vec<Hit>) {
        for (index, listing) in self.listings.iter_mut().enumerate() {
            listing.prints_e4 = (i64::MAX, i64::MIN);
            if listing.shared.is_some() {
                let wish = listing.as_it_stands();
                listing.share(index, &wish, hits);
            }
        }
    }

    /// What everything is worth at this step.
    fn move_fairs(&mut self, lively: f64) {
        let index_of_day = self.index / self.previous_close - 1.0;
        let (now_ns, step_ns, index) = (self.now_ns, self.step_ns, self.index);
        for listing in &mut self.listings {
            let instrument = &listing.instrument;
            let (own, nature) = (&mut listing.own, listing.nature);
            own.drift += deviation(nature.volatility, step_ns) * lively * own.stream.normal();
            let close = instrument.previous_close_e4 as f64 / RUPEE_E4 as f64;
            let fair = match instrument.kind {
                Kind::Index if instrument.token == NIFTY_TOKEN => index,
                Kind::Index | Kind::Cash => close * (1.0 + nature.beta * index_of_day + own.drift),
                Kind::Future => {
                    // The basis breathes around the cost of carry and is pulled back to it.
                    own.drift *= 0.98;
                    forward(index, now_ns, instrument) * (1.0 + own.drift)
                }
                Kind::Call | Kind::Put => option_value(instrument, index, now_ns),
            };
            listing.fair = match (instrument.lower_e4, instrument.upper_e4) {
                (_, 0) => fair,
                (lower_e4, upper_e4) => fair.clamp(
                    lower_e4 as f64 / RUPEE_E4 as f64,
                    upper_e4 as f64 / RUPEE_E4 as f64,
                ),
            };
            if instrument.token == BANK_TOKEN {
                let fair = listing.fair;
                listing.print_index(fair, now_ns);
                listing.changed_ns = now_ns;
            }
        }
    }

    /// The street quotes and trades one instrument in both books.
    fn trade(&mut self, index: usize, first: bool, lively: f64, seconds: f64, hits: &mut Vec<Hit>) {
        let now_ns = self.now_ns;
        let listing = &mut self.listings[index];
        let last = listing.day.last_e4 as f64 / RUPEE_E4 as f64;
        let push = if first {
            0.0
        } else {
            ((listing.fair - last) / (listing.fair * 4e-4)).clamp(-1.0, 1.0)
        };
        let wish = listing
            .habits
            .wish(&listing.instrument, listing.fair, push, lively, seconds);
        listing.prints_e4 = (i64::MAX, i64::MIN);
        if first {
            // The opening auction's one price; what traded there is a lot, so that no mean is of nothing.
            let price_e4 = listing.instrument.on_tick(listing.fair);
            listing.print(price_e4, listing.instrument.lot, now_ns);
            listing.prints_e4 = (price_e4, price_e4);
        }

        let mut prints = Vec::new();
        listing.street.step(&wish, &mut prints);
        for print in &prints {
            listing.print(print.price_e4, print.quantity, now_ns);
            let (low_e4, high_e4) = listing.prints_e4;
            listing.prints_e4 = (low_e4.min(print.price_e4), high_e4.max(print.price_e4));
            listing.interest(print.quantity);
        }
        listing.changed_ns = now_ns;

        listing.share(index, &wish, hits);
    }
}

impl Listing {
    fn print_index(&mut self, value: f64, now_ns: i64) {
        // Published to five paise, like the real one.
        let value_e4 = (value * 20.0).round() as i64 * 500;
        self.print(value_e4, 0, now_ns);
    }

    /// A price of the day; of an index without a quantity.
    fn print(&mut self, price_e4: i64, quantity: i64, now_ns: i64) {
        self.day.print(price_e4, quantity, now_ns);
        self.minutes.print(price_e4, quantity, self.day.oi, now_ns);
    }

    /// A trade opens or closes contracts: open interest follows some of the volume, up or down.
    fn interest(&mut self, quantity: i64) {
        if self.instrument.expiry.is_none() {
            return;
        }
        let lots = quantity / self.instrument.lot;
        let change = self.own.stream.between(-lots / 2, lots / 2 + lots % 2);
        self.day.oi = (self.day.oi + change * self.instrument.lot).max(0);
        self.day.oi_high = self.day.oi_high.max(self.day.oi);
        self.day.oi_low = self.day.oi_low.min(self.day.oi);
    }
}

fn listing(instrument: Instrument, seed: u64, open: f64) -> Listing {
    let share = SHARES.iter().find(|share| {
        share.symbol == instrument.tradingsymbol && share.exchange == instrument.exchange
    });
    let at_the_money = (instrument.strike_e4 as f64 / RUPEE_E4 as f64 - open).abs() / open;
    let (volume, oi, beta, volatility) = match (instrument.kind, share) {
        (_, Some(share)) => (share.volume, 0, share.beta, share.volatility),
        (Kind::Future, _) => (9.0e6, 15_000_000, 1.0, 0.006),
        // Business gathers at the money.
        (Kind::Call | Kind::Put, _) => {
            let near = 1.0 - (at_the_money * 100.0).min(0.8);
            (3.0e7 * near, (6.0e6 * near) as i64, 0.0, 0.0)
        }
        (Kind::Index, _) if instrument.token == NIFTY_TOKEN => (0.0, 0, 1.0, 0.0),
        _ => (0.0, 0, BANK_BETA, BANK_VOLATILITY),
    };
    let oi = if instrument.lot > 0 {
        oi / instrument.lot * instrument.lot
    } else {
        0
    };
    // Shares of one company move as one, wherever they are listed.
    let stream = Stream::new(seed, &format!("{} moves", instrument.tradingsymbol));
    Listing {
        habits: Habits::new(seed, &instrument, volume),
        own: Own { stream, drift: 0.0 },
        nature: Nature {
            beta,
            volatility,
            volume,
            oi,
        },
        minutes: Minutes::default(),
        day: DaySoFar {
            oi,
            oi_high: oi,
            oi_low: oi,
            last_e4: instrument.previous_close_e4,
            ..DaySoFar::default()
        },
        prints_e4: (i64::MAX, i64::MIN),
        changed_ns: 0,
        fair: 0.0,
        street: Pit::default(),
        shared: None,
        instrument,
    }
}

/// The index carried to a contract's expiry.
fn forward(index: f64, now_ns: i64, instrument: &Instrument) -> f64 {
    index * (1.0 + CARRY * years_left(now_ns, instrument))
}

fn years_left(now_ns: i64, instrument: &Instrument) -> f64 {
    instrument
        .expiry
        .map_or(0.0, |expiry| years_between(now_ns, at_ns(expiry, CLOSE_NS)))
}

fn option_value(instrument: &Instrument, index: f64, now_ns: i64) -> f64 {
    let strike = instrument.strike_e4 as f64 / RUPEE_E4 as f64;
    let future = forward(index, now_ns, instrument);
    let volatility = SMILE.volatility(future, strike);
    let years = years_left(now_ns, instrument);
    black_76(
        future,
        strike,
        volatility,
        years,
        instrument.kind == Kind::Call,
    )
    .max(0.01)
}

/// Previous close and band of the options: their value at the index's previous close, and at its own band's far end.
fn price_contracts(rows: &mut [Instrument], previous_close: f64, open_ns: i64) {
    for row in rows.iter_mut().filter(|row| row.kind.is_option()) {
        row.previous_close_e4 = row.on_tick(option_value(row, previous_close, open_ns));
        let far = if row.kind == Kind::Call { 1.1 } else { 0.9 };
        row.lower_e4 = row.tick_e4;
        row.upper_e4 = row.on_tick(option_value(row, previous_close * far, open_ns));
    }
    for row in rows.iter_mut().filter(|row| row.token == BANK_TOKEN) {
        row.previous_close_e4 = (previous_close * BANK_OF_NIFTY * 20.0).round() as i64 * 500;
    }
}

#[cfg(test)]
mod tests {
    use super::super::path::{Synthetic, frozen};
    use super::*;

    fn synthetic(seed: u64) -> Market {
        let day = Day::of(2026, 11, 19);
        let (previous_close, path) = Synthetic::new(seed, day, SECOND_NS);
        Market::new(day, previous_close, Box::new(path), seed, SECOND_NS)
    }

    fn shown(market: &Market) -> Vec<(DaySoFar, [Level; LEVELS], [Level; LEVELS])> {
        market
            .listings
            .iter()
            .map(|l| (l.day, l.depth(Side::Buy), l.depth(Side::Sell)))
            .collect()
    }

    #[test]
    fn a_day_of_the_market_stays_sane() {
        let mut market = synthetic(3);
        let mut hits = Vec::new();
        for _ in 0..3000 {
            market.step(&mut hits);
            for listing in &market.listings {
                let (row, day) = (&listing.instrument, &listing.day);
                assert!(
                    day.low_e4 > 0 && day.low_e4 <= day.last_e4 && day.last_e4 <= day.high_e4,
                    "{row:?} {day:?}"
                );
                if row.tradable() {
                    let (bid, ask) = (listing.depth(Side::Buy)[0], listing.depth(Side::Sell)[0]);
                    assert!(
                        bid.price_e4 < ask.price_e4 || ask.price_e4 == 0,
                        "{row:?} {bid:?} {ask:?}"
                    );
                    assert_eq!(day.last_e4 % row.tick_e4, 0);
                    assert_eq!(day.volume % row.lot, 0);
                    assert!(row.in_band(day.last_e4));
                } else {
                    assert_eq!(
                        (day.volume, listing.total(Side::Buy)),
                        (0, 0),
                        "an index does not trade"
                    );
                }
            }
        }
        assert!(hits.is_empty());
        let volume = |symbol| {
            market.listings[market.by_symbol(Exchange::Nfo, symbol).expect("listed")]
                .day
                .volume
        };
        assert!(
            volume("NIFTY26NOVFUT") > 300_000,
            "{}",
            volume("NIFTY26NOVFUT")
        );
    }

    #[test]
    fn the_future_stays_near_the_index_and_shares_move_with_it() {
        let mut market = synthetic(5);
        for _ in 0..6000 {
            market.step(&mut Vec::new());
        }
        let last = |exchange, symbol| {
            let listing = &market.listings[market.by_symbol(exchange, symbol).expect("listed")];
            listing.day.last_e4 as f64
        };

        assert!(
            (last(Exchange::Nfo, "NIFTY26NOVFUT") / last(Exchange::Nse, "NIFTY 50") - 1.0).abs()
                < 0.003
        );
        assert!((last(Exchange::Bse, "SBIN") / last(Exchange::Nse, "SBIN") - 1.0).abs() < 0.002);
    }

    #[test]
    fn users_orders_change_nothing_that_is_shown() {
        let (mut alone, mut shared) = (synthetic(9), synthetic(9));
        let mut trades = Vec::new();
        for step in 0..400_u64 {
            alone.step(&mut Vec::new());
            shared.step(&mut Vec::new());
            for (index, listing) in shared.listings.iter_mut().enumerate() {
                if !listing.instrument.tradable() {
                    continue;
                }
                let side = if step % 3 == 0 { Side::Buy } else { Side::Sell };
                let order = super::super::book::Limit {
                    id: (step * 1000 + index as u64) * 2 + 1,
                    owner: 1 + (step % 2) as u32,
                    side,
                    price_e4: listing.day.last_e4
                        + (step as i64 % 5 - 2) * listing.instrument.tick_e4,
                    quantity: 500,
                };
                listing.shared().take(order, false, &mut trades);
            }
            assert_eq!(shown(&alone), shown(&shared));
        }
        assert!(!trades.is_empty());
    }

    #[test]
    fn a_frozen_market_stands_still_never_ends_and_fills_up_again() {
        let day = Day::of(2026, 11, 19);
        let (previous_close, path) = frozen(1, at_ns(day, OPEN_NS));
        let mut market = Market::new(day, previous_close, path, 1, SECOND_NS);
        market.step(&mut Vec::new());
        let before = shown(&market);
        let index = market.by_symbol(Exchange::Nse, "INFY").expect("listed");
        let ask = market.listings[index].depth(Side::Sell)[0];
        let order = super::super::book::Limit {
            id: 1,
            owner: 1,
            side: Side::Buy,
            price_e4: ask.price_e4,
            quantity: ask.quantity,
        };

        for _ in 0..2 {
            let mut trades = Vec::new();
            let rest = market.listings[index]
                .shared()
                .take(order, true, &mut trades);
            assert_eq!(rest, super::super::book::Rest::Filled);
            market.step(&mut Vec::new());
        }

        assert_eq!(shown(&market), before);
        assert!(!market.ended());
    }

    #[test]
    fn a_path_that_is_over_ends_the_market() {
        let mut market = synthetic(1);
        while !market.ended() {
            market.step(&mut Vec::new());
        }
        assert_eq!(market.now_ns(), at_ns(market.day, CLOSE_NS));
    }
}
