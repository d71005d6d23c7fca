//! The simulated market: an index path, everything else moving around it, and a market maker that quotes and trades.
//!
//! What the world is shown of an instrument at a moment is a function of the path, the seed and that moment: each
//! minute is drawn at its beginning (where the instrument drifts to, how much it trades), and each step within it draws
//! from a stream of its own. So our users' orders never move what is shown, and a stretch in which nobody waits for
//! anything is passed a minute at a time, with the same outcome. When a user's order comes it meets a shared book with
//! the same market maker in it, which lasts as long as an order of a user stands there.

use std::collections::HashMap;
use std::sync::Arc;

use crate::calendar::clock::{CLOSE_NS, MINUTE_NS, OPEN_NS, at_ns};
use crate::calendar::{Calendar, Day};
use crate::exchange::hours::{Hours, Phase, Segment, Timetable, timetable};
use crate::exchange::market::breaker::{halt_of, levels_reached};
use crate::exchange::market::day_statistics::{Moment, Spot};
use crate::exchange::market::deferred_steps::{DeferredStep, DeferredSteps};
use crate::exchange::market::listing::Listing;
use crate::exchange::market::path::{Path, Point, Reading, liveliness_within};
use crate::exchange::market::pricing::published_e4;
use crate::exchange::market::universe::{NIFTY_TOKEN, Universe, universe_from};
use crate::exchange::matching::book::Trade;
use crate::terms::{Exchange, Kind};

/// A trade on a shared book or in an auction in which a user has a part.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    pub listing: usize,
    pub trade: Trade,
}

/// An instrument went from one phase of its day to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    pub listing: usize,
    pub before: Phase,
    pub after: Phase,
}

/// What a market is made from.
pub struct Opening {
    pub day: Day,
    /// NIFTY 50's.
    pub previous_close: f64,
    /// A path of one point is a market that stands still and never ends.
    pub path: Path,
    pub seed: u64,
    pub step_ns: i64,
    pub universe: Universe,
    pub hours: Hours,
    /// When a market that is always open begins; the others begin with their day, a dated one then if that is earlier.
    pub open_ns: i64,
}

/// All instruments of a day and the path that moves them.
pub struct Market {
    pub day: Day,
    pub listings: Vec<Listing>,
    pub seed: u64,
    pub calendar: Arc<Calendar>,
    hours: Hours,
    by_token: HashMap<u32, usize>,
    by_symbol: HashMap<String, Vec<usize>>,
    path: Reading,
    step_ns: i64,
    open_ns: i64,
    now_ns: i64,
    next_cut_ns: i64,
    spot: Spot,
    minute_ns: i64,
    timetables: Vec<(Segment, Timetable)>,
    /// When phases change, in order.
    turns_ns: Vec<i64>,
    turns: Vec<Turn>,
    /// Levels of the market-wide breaker that the index has reached today.
    levels_reached: usize,
    begun: bool,
    still: bool,
    ended: bool,
    /// Time passes and nothing trades: the exchange has halted the market.
    pub halted: bool,
    /// Steps of this minute that the watched instruments alone have made.
    pub(in crate::exchange) deferred: DeferredSteps,
}

impl Market {
    /// The small universe on a plain day, at its open.
    pub fn new(day: Day, previous_close: f64, path: Path, seed: u64, step_ns: i64) -> Self {
        Self::open(Opening {
            day,
            previous_close,
            path,
            seed,
            step_ns,
            universe: Universe::House,
            hours: Hours::Plain,
            open_ns: at_ns(day, OPEN_NS),
        })
    }

    /// A market at the beginning of its day, by the shipped calendar.
    pub fn open(opening: Opening) -> Self {
        Self::open_by(Calendar::with_guesses(), opening)
    }

    /// The same by another calendar, which covers the day and the expiries that are listed on it.
    pub fn open_by(calendar: Arc<Calendar>, opening: Opening) -> Self {
        let Opening {
            day,
            previous_close,
            path,
            seed,
            step_ns,
            universe,
            hours,
            open_ns,
        } = opening;
        assert!(step_ns > 0, "time goes forward");
        let mut path = Reading::of(path);
        let first = *path.peek().expect("a path has a point");
        let spot = Spot {
            previous_close,
            index: first.value,
            low: first.value,
            high: first.value,
        };
        // A market that is always open and begins in the evening of an expiry lists what trades on the next day.
        let over = hours == Hours::Always && open_ns >= at_ns(day, CLOSE_NS);
        let expiring = Day(day.0 + i32::from(over));
        let rows = universe_from(
            &calendar,
            universe,
            day,
            expiring,
            previous_close,
            first.value,
        );
        let mut listings: Vec<Listing> = Vec::with_capacity(rows.len());
        for row in rows {
            let listing = Listing::new(row, seed, (&calendar, day, hours), &spot, &listings);
            listings.push(listing);
        }
        let timetables: Vec<(Segment, Timetable)> = Segment::ALL
            .into_iter()
            .filter(|segment| listings.iter().any(|listing| listing.segment == *segment))
            .map(|segment| (segment, timetable(&calendar, hours, segment, day, seed)))
            .collect();
        let spans = || timetables.iter().filter_map(|(_, table)| table.span_ns());
        let (open_ns, late_ns) = match hours {
            Hours::Plain => {
                let open_ns = at_ns(day, OPEN_NS);
                (open_ns, (first.time_ns - open_ns).max(0))
            }
            Hours::Dated => {
                let first_ns = spans().map(|(from, _)| from).min().unwrap_or(OPEN_NS);
                let first_ns = at_ns(day, first_ns);
                // Begun before its hours it waits for them, a whole number of steps.
                let early_ns = (first_ns - open_ns.max(at_ns(day, 0))).max(0);
                (first_ns - (early_ns + step_ns - 1) / step_ns * step_ns, 0)
            }
            Hours::Always => (open_ns, 0),
        };
        let mut by_symbol: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, listing) in listings.iter().enumerate() {
            let symbol = listing.instrument.tradingsymbol.clone();
            by_symbol.entry(symbol).or_default().push(index);
        }
        Self {
            calendar,
            day,
            seed,
            hours,
            by_token: listings
                .iter()
                .enumerate()
                .map(|(index, listing)| (listing.instrument.token, index))
                .collect(),
            by_symbol,
            listings,
            path,
            step_ns,
            open_ns,
            now_ns: open_ns,
            next_cut_ns: open_ns + (late_ns + step_ns - 1) / step_ns * step_ns,
            spot,
            minute_ns: i64::MIN,
            turns_ns: turns_of(day, &timetables),
            timetables,
            levels_reached: 0,
            turns: Vec::new(),
            begun: false,
            still: false,
            ended: false,
            halted: false,
            deferred: DeferredSteps::default(),
        }
    }

    /// Market time: of the last step, or of the beginning.
    pub fn now_ns(&self) -> i64 {
        self.now_ns
    }

    /// When the next step is due.
    pub fn next_cut_ns(&self) -> i64 {
        self.next_cut_ns
    }

    /// When the market's day began.
    pub fn open_ns(&self) -> i64 {
        self.open_ns
    }

    /// Whether the day is over. A market that stands still or is always open never ends.
    pub fn ended(&self) -> bool {
        self.ended
    }

    pub fn hours(&self) -> Hours {
        self.hours
    }

    pub fn by_token(&self, token: u32) -> Option<usize> {
        self.by_token.get(&token).copied()
    }

    /// NSE, `NIFTY 50`.
    pub fn by_symbol(&self, exchange: Exchange, tradingsymbol: &str) -> Option<usize> {
        let listed = self.by_symbol.get(tradingsymbol)?;
        let at = |&&index: &&usize| self.listings[index].instrument.exchange == exchange;
        listed.iter().find(at).copied()
    }

    /// What a contract is a contract on; none for what stands for itself.
    pub fn underlying(&self, listing: &Listing) -> Option<&Listing> {
        Some(&self.listings[listing.underlying()?])
    }

    /// Whether a segment's last phase of the day has begun.
    pub(in crate::exchange) fn closed_for_good(&self, segment: Segment) -> bool {
        let table = self.timetables.iter().find(|(of, _)| *of == segment);
        let span = table.and_then(|(_, table)| table.span_ns());
        span.is_some_and(|(_, end)| self.now_ns >= at_ns(self.day, end))
    }

    /// The listing whose price stands for what a contract is on: its underlying, or the first of the contracts on
    /// something that is not listed; anything else stands for itself.
    pub fn reference(&self, listing: usize) -> usize {
        let row = &self.listings[listing];
        if row.instrument.kind != Kind::Future {
            return row.underlying().unwrap_or(listing);
        }
        row.underlying().unwrap_or_else(|| {
            let alike = |other: &&Listing| {
                let (one, other) = (&row.instrument, &other.instrument);
                (one.exchange, &one.name, one.kind) == (other.exchange, &other.name, other.kind)
            };
            let before = self.listings[..listing].iter().rev().take_while(alike);
            listing - before.count()
        })
    }

    /// Phases that changed since the last call.
    pub fn take_turns(&mut self) -> Vec<Turn> {
        std::mem::take(&mut self.turns)
    }

    /// Goes on to the next cut; trades that users have a part in are appended to `hits`.
    pub fn step(&mut self, hits: &mut Vec<Hit>) {
        self.catch_up();
        self.now_ns = self.next_cut_ns;
        self.next_cut_ns += self.step_ns;
        if self.halted {
            self.print_nothing();
            return;
        }
        let first = !std::mem::replace(&mut self.begun, true);
        if self.still || self.ended {
            self.stand_still(hits);
            return;
        }

        self.follow_path(self.now_ns + 1);
        self.pass_minutes(self.now_ns);
        let moment = Moment {
            now_ns: self.now_ns,
            step_ns: self.step_ns,
            minute_ns: self.minute_ns,
        };
        let phases = self.phases(self.now_ns);
        for index in 0..self.listings.len() {
            let (parents, rest) = self.listings.split_at_mut(index);
            let listing = &mut rest[0];
            let phase = phase_of(&phases, listing.segment);
            if phase != listing.phase {
                self.turns.push(Turn {
                    listing: index,
                    before: listing.phase,
                    after: phase,
                });
                listing.turn(phase, &moment, &self.spot, index, hits);
            }
            listing.step(&moment, &self.spot, parents, index, hits);
        }
        self.look_at_breaker();
        self.look_at_end(first);
    }

    /// Goes on to the next cut for the watched instruments, if nothing but their prints can come of it; else for all.
    /// What the others owe is made up for by `catch_up`, and needs not be once the minute is over.
    pub(in crate::exchange) fn step_watched(&mut self, hits: &mut Vec<Hit>) {
        if !self.may_defer() {
            self.step(hits);
            return;
        }
        self.now_ns = self.next_cut_ns;
        self.next_cut_ns += self.step_ns;
        self.follow_path(self.now_ns + 1);
        self.pass_minutes(self.now_ns);
        let moment = Moment {
            now_ns: self.now_ns,
            step_ns: self.step_ns,
            minute_ns: self.minute_ns,
        };
        let mut fair = Vec::with_capacity(self.deferred.watched.len());
        for &index in &self.deferred.watched {
            let (parents, rest) = self.listings.split_at_mut(index);
            rest[0].step(&moment, &self.spot, parents, index, hits);
            fair.push(rest[0].fair());
        }
        self.deferred.steps.push(DeferredStep {
            moment,
            spot: self.spot,
            fair,
        });
        if self.path.peek().is_none() || self.trips() {
            self.catch_up();
        }
        self.look_at_breaker();
        self.look_at_end(false);
    }

    /// The steps around a change of phase are made by all, as in a leap.
    fn may_defer(&self) -> bool {
        let turn_ns = self
            .turns_ns
            .iter()
            .find(|&&turn_ns| turn_ns >= self.next_cut_ns);
        let quiet = turn_ns.is_none_or(|turn_ns| self.next_cut_ns < minute_of(turn_ns - 1));
        quiet && self.begun && !self.still && !self.ended && !self.halted
    }

    fn look_at_end(&mut self, first: bool) {
        match self.hours {
            Hours::Plain if self.path.peek().is_none() => {
                // One point alone is a frozen market; a path that ran and is over is a day's end.
                (self.still, self.ended) = (first, !first);
            }
            Hours::Always if first && self.path.peek().is_none() => self.still = true,
            Hours::Dated => {
                let spans = self
                    .timetables
                    .iter()
                    .filter_map(|(_, table)| table.span_ns());
                let end = spans.map(|(_, end)| at_ns(self.day, end)).max();
                self.ended = end.is_none_or(|end_ns| self.now_ns >= end_ns);
            }
            _ => {}
        }
    }

    /// How many levels of the breaker the index would have reached at a value, while it trades.
    fn levels_at(&self, value_e4: i64) -> usize {
        let index = self
            .by_token(NIFTY_TOKEN)
            .map(|index| &self.listings[index]);
        let trading = |index: &&Listing| index.phase == Phase::Continuous;
        match index.filter(trading).filter(|_| self.hours == Hours::Dated) {
            Some(index) => levels_reached(index.instrument.previous_close_e4, value_e4),
            None => 0,
        }
    }

    fn trips(&self) -> bool {
        self.levels_at(published_e4(self.spot.index)) > self.levels_reached
    }

    /// A level that the index has reached halts the market from the next minute on.
    fn look_at_breaker(&mut self) {
        if !self.trips() {
            return;
        }
        let levels = self.levels_at(published_e4(self.spot.index));
        self.levels_reached = levels;
        let halt = halt_of(levels, self.now_ns - at_ns(self.day, 0));
        let from_ns = minute_of(self.now_ns) + MINUTE_NS - at_ns(self.day, 0);
        for (segment, table) in &mut self.timetables {
            *table = table.halted(*segment, self.day, self.seed, from_ns, halt);
        }
        self.turns_ns = turns_of(self.day, &self.timetables);
    }

    /// Passes minutes whole up to about `to_ns`, if nobody waits for anything: what follows is the same as after
    /// every step of them. The steps around a change of phase are left to `step`.
    pub fn leap(&mut self, to_ns: i64) {
        if !self.begun || self.still || self.ended || self.halted {
            return;
        }
        let next_turn_ns = self
            .turns_ns
            .iter()
            .find(|&&turn_ns| turn_ns >= self.next_cut_ns);
        let until_ns = next_turn_ns.map_or(to_ns, |turn_ns| to_ns.min(turn_ns - 1));
        let mut target_ns = minute_of(until_ns);
        if minute_of(self.next_cut_ns) >= target_ns {
            return;
        }
        // The points of the minute that is being read: those of the path's last one are left to the steps, since the
        // step that meets its end ends the day; so are those of one in which the breaker may trip.
        let mut read: Vec<Point> = Vec::new();
        let mut trips = false;
        while let Some(point) = self.path.next_if(|point| point.time_ns < target_ns) {
            let another = |last: &Point| minute_of(last.time_ns) != minute_of(point.time_ns);
            if read.last().is_some_and(another) {
                read.drain(..).for_each(|point| self.meet(point));
            }
            read.push(point);
            if self.levels_at(published_e4(point.value)) > self.levels_reached {
                trips = true;
                break;
            }
        }
        match read.first() {
            Some(first) if trips || self.path.peek().is_none() => {
                target_ns = minute_of(first.time_ns).max(minute_of(self.next_cut_ns));
                self.path.put_back(read);
            }
            _ => read.into_iter().for_each(|point| self.meet(point)),
        }
        let steps = (target_ns - self.next_cut_ns + self.step_ns - 1) / self.step_ns;
        self.next_cut_ns += steps.max(0) * self.step_ns;
    }

    /// Takes the path's points before this time.
    fn follow_path(&mut self, before_ns: i64) {
        while let Some(point) = self.path.next_if(|point| point.time_ns < before_ns) {
            self.meet(point);
        }
    }

    fn meet(&mut self, point: Point) {
        self.pass_minutes(point.time_ns);
        self.spot.meet(point.value);
    }

    /// Ends the minutes before a time's own, one after the other.
    fn pass_minutes(&mut self, time_ns: i64) {
        let wanted = minute_of(time_ns);
        if self.minute_ns == i64::MIN {
            self.begin_minute(minute_of(self.open_ns));
        }
        while self.minute_ns < wanted {
            self.deferred.steps.clear();
            for index in 0..self.listings.len() {
                let (parents, rest) = self.listings.split_at_mut(index);
                rest[0].end_minute(self.minute_ns, &self.spot, parents);
            }
            self.begin_minute(self.minute_ns + MINUTE_NS);
        }
    }

    fn begin_minute(&mut self, minute_ns: i64) {
        self.minute_ns = minute_ns;
        self.spot.begin_minute();
        let phases = self.phases(minute_ns);
        let lively: Vec<(Segment, f64)> = self
            .timetables
            .iter()
            .map(|(segment, table)| {
                let hours = match self.hours {
                    Hours::Dated => table.continuous_ns(),
                    Hours::Plain | Hours::Always => None,
                };
                let (open_ns, close_ns) = hours.unwrap_or((OPEN_NS, CLOSE_NS));
                (*segment, liveliness_within(minute_ns, open_ns, close_ns))
            })
            .collect();
        for index in 0..self.listings.len() {
            let (parents, rest) = self.listings.split_at_mut(index);
            let segment = rest[0].segment;
            let lively = lively.iter().find(|(of, _)| *of == segment);
            let lively = lively.map_or(1.0, |(_, lively)| *lively);
            let trades = phase_of(&phases, segment) == Phase::Continuous;
            rest[0].begin_minute(minute_ns, trades, lively, &self.spot, parents);
        }
    }

    /// The path goes on meanwhile, so that the first step after a halt shows the world's new price.
    fn print_nothing(&mut self) {
        for listing in &mut self.listings {
            listing.prints_e4 = (i64::MAX, i64::MIN);
        }
    }

    fn phases(&self, time_ns: i64) -> Vec<(Segment, Phase)> {
        self.timetables
            .iter()
            .map(|(segment, table)| (*segment, table.phase(time_ns)))
            .collect()
    }

    /// The market maker's own flow is over; it only fills up again what users took.
    fn stand_still(&mut self, hits: &mut Vec<Hit>) {
        for (index, listing) in self.listings.iter_mut().enumerate() {
            listing.stand_still(index, hits);
        }
    }
}

/// The beginning of a time's minute.
pub fn minute_of(time_ns: i64) -> i64 {
    time_ns.div_euclid(MINUTE_NS) * MINUTE_NS
}

/// When phases of any segment change, in order.
fn turns_of(day: Day, timetables: &[(Segment, Timetable)]) -> Vec<i64> {
    let turns = timetables.iter().flat_map(|(_, table)| table.turns());
    let mut turns_ns: Vec<i64> = turns.map(|time_ns| at_ns(day, time_ns)).collect();
    turns_ns.sort_unstable();
    turns_ns.dedup();
    turns_ns
}

fn phase_of(phases: &[(Segment, Phase)], segment: Segment) -> Phase {
    let of = phases.iter().find(|(of, _)| *of == segment);
    of.map_or(Phase::Closed, |(_, phase)| *phase)
}
