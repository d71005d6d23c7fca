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
use crate::exchange::market::day_statistics::Spot;
use crate::exchange::market::deferred_steps::DeferredSteps;
use crate::exchange::market::listing::Listing;
use crate::exchange::market::path::{Path, PathReader};
use crate::exchange::market::universe::{Universe, universe_from};
use crate::terms::{Exchange, InstrumentKind};

/// An instrument went from one phase of its day to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseChange {
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
    pub(super) hours: Hours,
    pub(super) by_token: HashMap<u32, usize>,
    pub(super) by_symbol: HashMap<String, Vec<usize>>,
    pub(super) path: PathReader,
    pub(super) step_ns: i64,
    pub(super) open_ns: i64,
    pub(super) now_ns: i64,
    pub(super) next_cut_ns: i64,
    pub(super) spot: Spot,
    pub(super) minute_ns: i64,
    pub(super) timetables: Vec<(Segment, Timetable)>,
    /// When phases change, in order.
    pub(super) turns_ns: Vec<i64>,
    pub(super) phase_changes: Vec<PhaseChange>,
    /// Levels of the market-wide breaker that the index has reached today.
    pub(super) levels_reached: usize,
    pub(super) begun: bool,
    pub(super) still: bool,
    pub(super) ended: bool,
    /// Time passes and nothing trades: the exchange has halted the market.
    pub halted: bool,
    /// Steps of this minute that the watched instruments alone have made.
    pub(super) deferred: DeferredSteps,
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
        let mut path = PathReader::of(path);
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
            .iter()
            .copied()
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
            phase_changes: Vec::new(),
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
        if row.instrument.kind != InstrumentKind::Future {
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
    pub fn take_phase_changes(&mut self) -> Vec<PhaseChange> {
        std::mem::take(&mut self.phase_changes)
    }
}

/// The beginning of a time's minute.
pub fn minute_of(time_ns: i64) -> i64 {
    time_ns.div_euclid(MINUTE_NS) * MINUTE_NS
}

/// When phases of any segment change, in order.
pub(super) fn turns_of(day: Day, timetables: &[(Segment, Timetable)]) -> Vec<i64> {
    let phase_changes = timetables.iter().flat_map(|(_, table)| table.turns());
    let mut turns_ns: Vec<i64> = phase_changes.map(|time_ns| at_ns(day, time_ns)).collect();
    turns_ns.sort_unstable();
    turns_ns.dedup();
    turns_ns
}
