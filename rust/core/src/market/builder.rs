//! Ticks of many instruments to their bars.
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use super::bar::{Bar, Print};
use super::series::{Closed, Series, Span};
use super::spec::BarSpec;
use crate::calendar::clock::{SECOND_NS, at_ns};
use crate::calendar::{Calendar, Day, Segment};
use crate::kite::sanity::TokenHasher;
use crate::kite::{TickBatch, TickKind};

/// Most bar series of one builder: 3,000 instruments with ten each.
pub const BAR_SERIES_MAX: usize = 30_000;

/// The last time that 32 bits of seconds can tell; sums with a day's lengths are far from overflowing.
const PACKET_TIME_NS_MAX: i64 = u32::MAX as i64 * SECOND_NS;

/// Before every other.
const NO_DAY: Day = Day(i32::MIN);

/// What became of the ticks of instruments that have bars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BarCounts {
    /// Ticks that entered their instrument's bars.
    pub entered: u64,
    /// Bars that have closed.
    pub closed: u64,
    /// Flagged ticks, and those without a price; left out.
    pub flagged: u64,
    /// Ticks without an exchange time (ltp and quote packets), or with one that no packet carries; left out.
    pub timeless: u64,
    /// Ticks before one already taken, left out.
    pub late: u64,
    /// Ticks before the opening, from the close on, or of a session closed already; left out.
    pub outside: u64,
    /// Ticks whose day's volume was below one already seen; they entered with no volume.
    pub volume_back: u64,
    /// Bars whose value did not fit 64 bits; they carry the largest that does.
    pub value_overflow: u64,
}

/// Builds the bars that were asked for. Bars come in the order of the ticks that closed them; those of one tick in the
/// order their instrument's specs were given in.
#[derive(Clone, Debug)]
pub struct BarBuilder {
    instruments: Vec<Instrument>,
    places: HashMap<u32, usize, BuildHasherDefault<TokenHasher>>,
    /// The newest exchange time of all instruments.
    newest_ns: i64,
    calendar: Arc<Calendar>,
    /// The day whose session was closed last: its late ticks open no second last bar.
    closed_day: Day,
    /// Market time from which on nothing is missing.
    heard_from_ns: i64,
    counts: BarCounts,
}

#[derive(Clone, Debug)]
struct Instrument {
    token: u32,
    series: Vec<Series>,
    newest_ns: i64,
    day: Day,
    /// `day`'s session.
    span: Span,
    /// The day's volume so far; `None` until the first tick, whose volume is the base.
    volume: Option<u32>,
}

/// Why some series cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BarError {
    #[error("more than {BAR_SERIES_MAX} bar series")]
    Excess,
    #[error("bars of {spec} asked for twice for instrument {token}")]
    Twice { token: u32, spec: BarSpec },
}

impl BarBuilder {
    /// Sessions are those of the calendar: each instrument's segment is told by its token.
    ///
    /// # Errors
    /// [`BarError`] for too many series, or one given twice.
    pub fn new(
        specs: impl IntoIterator<Item = (u32, BarSpec)>,
        calendar: Arc<Calendar>,
    ) -> Result<Self, BarError> {
        let mut builder = Self {
            instruments: Vec::new(),
            places: HashMap::default(),
            newest_ns: i64::MIN,
            calendar,
            closed_day: NO_DAY,
            heard_from_ns: i64::MIN,
            counts: BarCounts::default(),
        };
        for (count, (token, spec)) in specs.into_iter().enumerate() {
            if count == BAR_SERIES_MAX {
                return Err(BarError::Excess);
            }
            let place = *builder
                .places
                .entry(token)
                .or_insert(builder.instruments.len());
            if place == builder.instruments.len() {
                builder.instruments.push(Instrument::new(token));
            }
            let series = &mut builder.instruments[place].series;
            if series.iter().any(|other| other.spec == spec) {
                return Err(BarError::Twice { token, spec });
            }
            series.push(Series::new(spec));
        }
        Ok(builder)
    }

    pub fn counts(&self) -> BarCounts {
        self.counts
    }

    /// Takes a batch; answers the bars that its ticks closed.
    pub fn update(&mut self, batch: &TickBatch) -> Vec<Bar> {
        let mut bars = Vec::new();
        let (tokens, times_ns) = (batch.token(), batch.exchange_ns());
        for (index, (token, &time_ns)) in tokens.iter().zip(times_ns).enumerate() {
            let Some(&place) = self.places.get(token) else {
                continue;
            };
            if batch.flags()[index] != 0 || batch.last_price_e4()[index] <= 0 {
                self.counts.flagged += 1;
            } else if !(1..=PACKET_TIME_NS_MAX).contains(&time_ns) {
                self.counts.timeless += 1;
            } else {
                // Index packets carry no volume, which is not a volume of 0.
                let volume =
                    (batch.kind()[index] == TickKind::Full as u8).then(|| batch.volume()[index]);
                self.take(
                    place,
                    time_ns,
                    batch.last_price_e4()[index],
                    volume,
                    &mut bars,
                );
            }
        }
        self.counts.closed += bars.len() as u64;
        bars
    }

    /// Ticks may be missing up to a market time: the bars that began before it, open or still to come, are `gapped`.
    pub fn gap(&mut self, until_ns: i64) {
        self.heard_from_ns = until_ns;
        for series in self.instruments.iter_mut().flat_map(|one| &mut one.series) {
            series.gap(until_ns);
        }
    }

    /// Closes all bars, in the order their instruments were given in. Those that ran their length are complete; the
    /// others are `short`. `at_ns` is the market time of the close; without it the newest exchange time seen is. Ticks
    /// of the closed session that still come are left out.
    pub fn close_session(&mut self, at_ns: Option<i64>) -> Vec<Bar> {
        let at_ns = at_ns.map_or(self.newest_ns, |at_ns| at_ns.max(self.newest_ns));
        let mut bars = Vec::new();
        for instrument in &mut self.instruments {
            instrument.close(at_ns, &mut bars, &mut self.counts);
            instrument.end();
        }
        if at_ns != i64::MIN {
            self.closed_day = self.closed_day.max(Day::at(at_ns));
        }
        self.counts.closed += bars.len() as u64;
        bars
    }

    /// The day whose session was closed goes on: its ticks are taken again.
    pub fn open_again(&mut self) {
        self.closed_day = NO_DAY;
    }

    #[inline]
    fn take(
        &mut self,
        place: usize,
        time_ns: i64,
        price_e4: i64,
        volume: Option<u32>,
        bars: &mut Vec<Bar>,
    ) {
        let (instrument, counts) = (&mut self.instruments[place], &mut self.counts);
        if time_ns < instrument.newest_ns {
            counts.late += 1;
            return;
        }
        if !instrument.span.contains(time_ns) {
            let day = Day::at(time_ns);
            if day <= self.closed_day {
                counts.outside += 1;
                return;
            }
            if day != instrument.day {
                instrument.close(time_ns, bars, counts);
                instrument.begin(day, &self.calendar);
            }
        }
        self.newest_ns = self.newest_ns.max(time_ns);
        instrument.newest_ns = time_ns;
        let volume = instrument.traded(volume, counts);
        if instrument.span.contains(time_ns) {
            counts.entered += 1;
            instrument.enter(
                Print {
                    time_ns,
                    price_e4,
                    volume,
                },
                self.heard_from_ns,
                bars,
                counts,
            );
            return;
        }
        counts.outside += 1;
        if time_ns >= instrument.span.close_ns {
            instrument.close(time_ns, bars, counts);
        }
    }
}

impl Instrument {
    fn new(token: u32) -> Self {
        Self {
            token,
            series: Vec::new(),
            newest_ns: i64::MIN,
            day: NO_DAY,
            span: Span::default(),
            volume: None,
        }
    }

    /// A segment of which the calendar has no hours has no session, and no bars.
    fn begin(&mut self, day: Day, calendar: &Calendar) {
        self.end();
        self.day = day;
        let segment = Segment::of_token(self.token);
        let hours = segment.and_then(|segment| calendar.continuous_ns(day, segment));
        if let Some((open_ns, close_ns)) = hours {
            self.span = Span {
                open_ns: at_ns(day, open_ns),
                close_ns: at_ns(day, close_ns),
            };
        }
        for series in &mut self.series {
            series.begin(self.span);
        }
    }

    /// Its day is over; it waits for another.
    fn end(&mut self) {
        (self.day, self.span, self.volume) = (NO_DAY, Span::default(), None);
    }

    /// Traded since the tick before. The highest volume seen stays the base, so that one bad packet is not counted
    /// twice when the next is right again.
    fn traded(&mut self, volume: Option<u32>, counts: &mut BarCounts) -> u32 {
        let Some(volume) = volume else { return 0 };
        let base = *self.volume.get_or_insert(volume);
        if volume < base {
            counts.volume_back += 1;
            return 0;
        }
        self.volume = Some(volume);
        volume - base
    }

    #[inline]
    fn enter(
        &mut self,
        print: Print,
        heard_from_ns: i64,
        bars: &mut Vec<Bar>,
        counts: &mut BarCounts,
    ) {
        let value_overflow = &mut counts.value_overflow;
        let mut closed = Closed {
            token: self.token,
            bars,
            value_overflow,
        };
        for series in &mut self.series {
            series.enter(print, self.span, heard_from_ns, &mut closed);
        }
    }

    fn close(&mut self, at_ns: i64, bars: &mut Vec<Bar>, counts: &mut BarCounts) {
        let value_overflow = &mut counts.value_overflow;
        let mut closed = Closed {
            token: self.token,
            bars,
            value_overflow,
        };
        for series in &mut self.series {
            series.close(at_ns, &mut closed);
        }
    }
}

#[cfg(test)]
#[path = "builder_tests.rs"]
mod tests;
