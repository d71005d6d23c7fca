//! The days before today, which nobody lived through: minutes that are a function of seed, instrument and date alone.
//!
//! Today's previous close is where yesterday ended; from there each day is walked backwards by its own change. A share
//! follows the index by its beta and goes its own way beside it; a contract is worth what its underlying makes of it.

use crate::calendar::clock::{MINUTE_NS, OPEN_NS, at_ns};
use crate::calendar::{Calendar, Day, Segment};
use crate::exchange::market::candles::Candle;
use crate::exchange::market::instruments::{Instrument, RUPEE_E4};
use crate::exchange::market::path::liveliness;
use crate::exchange::market::universe::NIFTY_TOKEN;
use crate::random::Stream;
use crate::terms::InstrumentKind;

/// Before this day there is no history.
pub const FIRST_DAY: Day = Day::of(2010, 1, 1);
/// A contract is listed at most so long before it expires.
const CONTRACT_DAYS: i32 = 90;
const MINUTES: usize = 375;
/// Of a year of the index, as its days are told afterwards.
const INDEX_VOLATILITY: f64 = 0.13;
const TRADING_DAYS: f64 = 250.0;
/// No day is wilder than the market-wide breaker allows.
const CHANGE_MOST: f64 = 0.095;

/// How an instrument moves and how much business there is in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nature {
    pub beta: f64,
    /// Of its own, beside the index's; a year's.
    pub volatility: f64,
    /// Units on an ordinary day.
    pub volume: f64,
    pub oi: i64,
}

/// One day of something that moves, as fractions over its previous close.
struct Course {
    day: Day,
    stream: Stream,
    /// A day's standard deviation.
    deviation: f64,
    gap: f64,
    change: f64,
}

impl Course {
    fn new(seed: u64, symbol: &str, day: Day, volatility: f64) -> Self {
        let mut stream = Stream::new(seed, &format!("{symbol} {day}"));
        let deviation = volatility / TRADING_DAYS.sqrt();
        let change = (deviation * stream.normal()).clamp(-CHANGE_MOST, CHANGE_MOST);
        Self {
            gap: 0.3 * deviation * stream.normal(),
            change,
            day,
            stream,
            deviation,
        }
    }

    /// Where it stands at the open and at the end of each minute; it opens at the gap and ends at the change.
    fn stands(mut self) -> Vec<f64> {
        let step = self.deviation / (MINUTES as f64).sqrt();
        let mut walk = vec![0.0];
        for minute in 0..MINUTES {
            let move_ = step * liveliness(minute_ns(self.day, minute)) * self.stream.normal();
            walk.push(walk[minute] + move_);
        }
        let missed = self.change - self.gap - walk[MINUTES];
        walk.iter()
            .enumerate()
            .map(|(minute, walked)| self.gap + walked + missed * minute as f64 / MINUTES as f64)
            .collect()
    }
}

fn minute_ns(day: Day, minute: usize) -> i64 {
    at_ns(day, OPEN_NS) + minute as i64 * MINUTE_NS
}

/// Something with a close of its own: an index or a share.
pub struct Mover<'a> {
    pub calendar: &'a Calendar,
    pub seed: u64,
    pub instrument: &'a Instrument,
    pub nature: Nature,
}

impl Mover<'_> {
    /// NIFTY 50 is the index that all follow; everything else also goes its own way.
    fn courses(&self, day: Day) -> (f64, Course, Option<Course>) {
        let index = Course::new(self.seed, "NIFTY 50", day, INDEX_VOLATILITY);
        if self.instrument.token == NIFTY_TOKEN {
            return (1.0, index, None);
        }
        // Shares of one company move as one, wherever they are listed.
        let own = Course::new(
            self.seed,
            &self.instrument.tradingsymbol,
            day,
            self.nature.volatility,
        );
        (self.nature.beta, index, Some(own))
    }

    fn change(&self, day: Day) -> f64 {
        let (beta, index, own) = self.courses(day);
        beta * index.change + own.map_or(0.0, |own| own.change)
    }

    /// In rupees, at the open and at the end of each minute.
    fn values(&self, day: Day, before: f64) -> Vec<f64> {
        let (beta, index, own) = self.courses(day);
        let mut stands: Vec<f64> = index.stands().iter().map(|x| beta * x).collect();
        for (stand, x) in stands
            .iter_mut()
            .zip(own.map_or(Vec::new(), Course::stands))
        {
            *stand += x;
        }
        stands.iter().map(|x| before * (1.0 + x)).collect()
    }

    /// The trading days of a span with the value of each before its open, latest first. `today` is not among them.
    fn days(&self, today: Day, from: Day, to: Day) -> Vec<(Day, f64)> {
        let mut close = self.instrument.previous_close_e4 as f64 / RUPEE_E4 as f64;
        let mut days = Vec::new();
        let mut day = Day(today.0 - 1);
        while day >= from.max(FIRST_DAY) {
            if self.calendar.trades(day, Segment::ShareWithDerivatives) {
                close /= 1.0 + self.change(day);
                if day <= to {
                    days.push((day, close));
                }
            }
            day = Day(day.0 - 1);
        }
        days
    }
}

/// The minutes of an instrument on the trading days of a span before `today`, oldest first.
///
/// Args: `mover` is the underlying of a contract, else the instrument itself; `worth` is what the instrument is worth
/// at a value of the mover and a time.
pub fn minutes(
    mover: &Mover<'_>,
    instrument: &Instrument,
    nature: Nature,
    today: Day,
    (from, to): (Day, Day),
    worth: impl Fn(f64, i64) -> f64,
) -> Vec<Candle> {
    let mut days = mover.days(today, from, to);
    days.reverse();
    let mut minutes = Vec::with_capacity(days.len() * MINUTES);
    for (day, before) in days {
        let values = mover.values(day, before);
        let name = format!("{}:{} {day}", instrument.exchange, instrument.tradingsymbol);
        let mut business = Business::new(mover.seed, &name, instrument, nature);
        for minute in 0..MINUTES {
            let start_ns = minute_ns(day, minute);
            let (begins, ends) = (values[minute], values[minute + 1]);
            minutes.push(business.minute(begins, ends, start_ns, &worth));
        }
    }
    minutes
}

/// The first day on which a contract is listed; none: it has no end, and had no beginning.
pub fn listed_from(instrument: &Instrument) -> Option<Day> {
    instrument
        .expiry
        .map(|expiry| Day(expiry.0 - CONTRACT_DAYS))
}

/// The trades of one day in one instrument.
struct Business<'a> {
    instrument: &'a Instrument,
    stream: Stream,
    volume_a_minute: f64,
    oi: i64,
}

impl<'a> Business<'a> {
    fn new(seed: u64, name: &str, instrument: &'a Instrument, nature: Nature) -> Self {
        let mut stream = Stream::new(seed, name);
        let busy = 0.6 + 0.8 * stream.unit();
        Self {
            volume_a_minute: nature.volume * busy / MINUTES as f64,
            oi: (nature.oi as f64 * (0.6 + 0.4 * stream.unit())) as i64,
            instrument,
            stream,
        }
    }

    fn minute(
        &mut self,
        begins: f64,
        ends: f64,
        start_ns: i64,
        worth: &impl Fn(f64, i64) -> f64,
    ) -> Candle {
        let beyond = (ends - begins).abs() * 0.4 + begins * 5e-5;
        let above = begins.max(ends) + beyond * self.stream.unit();
        let below = begins.min(ends) - beyond * self.stream.unit();
        let [open_e4, close_e4, one_e4, other_e4] =
            [begins, ends, above, below].map(|value| self.on_grid(worth(value, start_ns)));
        let reached = [open_e4, close_e4, one_e4, other_e4];
        Candle {
            start_ns,
            open_e4,
            high_e4: *reached.iter().max().expect("four"),
            low_e4: *reached.iter().min().expect("four"),
            close_e4,
            volume: self.volume(start_ns),
            oi: self.interest(),
        }
    }

    /// An index is published to five paise.
    fn on_grid(&self, value: f64) -> i64 {
        if self.instrument.tradable() {
            self.instrument.on_tick(value)
        } else {
            (value * 20.0).round() as i64 * 500
        }
    }

    fn volume(&mut self, start_ns: i64) -> i64 {
        let units = self.volume_a_minute * liveliness(start_ns) * (0.4 + 1.2 * self.stream.unit());
        let lot = self.instrument.lot.max(1);
        (units / lot as f64).round() as i64 * lot
    }

    fn interest(&mut self) -> i64 {
        if !matches!(
            self.instrument.kind,
            InstrumentKind::Future | InstrumentKind::Call | InstrumentKind::Put
        ) {
            return 0;
        }
        let lot = self.instrument.lot.max(1);
        self.oi += self.stream.between(-20, 21) * lot;
        self.oi = self.oi.max(0) / lot * lot;
        self.oi
    }
}
