//! All declared indicators of all instruments, updated in one call per batch.
//!
//! A batch is gone through indicator by indicator: the instruments' states of one indicator lie next to each other,
//! and the loop over a batch's ticks has no decision in it but the indicator's own.
use std::collections::HashMap;

use crate::calendar::clock::day_end_ns;
use crate::kite::TickBatch;
use crate::market::{BarBatch, BarSpec};

use super::slots::Slots;
use super::{
    Adx, Atr, BadParameter, Bollinger, Declaration, Donchian, Ema, Indicator, Macd, Rsi,
    SessionVwap, Sma, Stochastic, Supertrend, Wma,
};

/// The most values that one engine keeps for an instrument: far more than a strategy needs, and a bound on its memory.
pub const VALUES_MAX: usize = 256;

/// A batch of ticks, column by column.
#[derive(Clone, Copy, Debug)]
pub struct Ticks<'a> {
    pub tokens: &'a [u32],
    /// The last price, in 1/10,000 rupee.
    pub price_e4: &'a [i64],
    /// Whoever has a flag is not to be traded on, and is passed over here.
    pub flags: &'a [u16],
    /// Traded so far in the day, 0 where a tick does not say; empty if no declared indicator asks for volume.
    pub volume: &'a [u32],
    /// The exchange's time, ns UTC, 0 where a tick does not say; empty if no declared indicator asks for it.
    pub time_ns: &'a [i64],
}

impl<'a> Ticks<'a> {
    /// The columns that indicators take from a batch.
    pub fn of(batch: &'a TickBatch) -> Self {
        Self {
            tokens: batch.token(),
            price_e4: batch.last_price_e4(),
            flags: batch.flags(),
            volume: batch.volume(),
            time_ns: batch.exchange_ns(),
        }
    }
}

/// A batch of finished bars, column by column.
#[derive(Clone, Copy, Debug)]
pub struct Bars<'a> {
    pub tokens: &'a [u32],
    /// When the bar began, ns UTC.
    pub time_ns: &'a [i64],
    pub high_e4: &'a [i64],
    pub low_e4: &'a [i64],
    pub close_e4: &'a [i64],
    /// Traded within the bar.
    pub volume: &'a [i64],
}

/// An indicator of any kind, for one stream of inputs; its [`Kind`](super::Kind) names them and its values.
pub trait Alone: Send + Sync {
    fn warmup(&self) -> usize;
    /// `time_ns` is for a kind that takes a time.
    fn update(&mut self, time_ns: i64, input: &[f64], values: &mut [f64]);
    fn batch(&mut self, times_ns: &[i64], inputs: &[&[f64]], outputs: &mut [&mut [f64]]);
    fn reset(&mut self);
}

/// What an indicator may take from one tick or bar. Of a tick high, low and close are its price.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input {
    /// The instrument's row; `NO_ROW` for a tick that is passed over.
    row: usize,
    time_ns: i64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
}

const NO_ROW: usize = usize::MAX;
const E4: f64 = 10_000.0;

/// The states of one declared indicator, one per instrument.
pub(super) trait Column: Send + Sync {
    /// How many values it gives.
    fn width(&self) -> usize;
    /// One more of the same, for one stream of inputs.
    fn alone(&self) -> Box<dyn Alone>;
    fn add_row(&mut self);
    fn forget(&mut self, row: usize);
    /// Takes the inputs in order and writes the values of each to its line of `trail`, from `offset` on.
    fn update(&mut self, inputs: &[Input], trail: &mut [f64], line: usize, offset: usize);
}

/// How an indicator takes its part of an input.
trait Feed<const K: usize>: Clone + Send + Sync {
    fn feed(&mut self, input: &Input) -> [f64; K];
    fn forget(&mut self);
}

macro_rules! feeds {
    ($($name:ident: [$($part:ident),+] => $outputs:literal;)+) => {$(
        impl Feed<$outputs> for $name {
            #[inline(always)]
            fn feed(&mut self, input: &Input) -> [f64; $outputs] {
                Indicator::update(self, [$(input.$part),+])
            }

            fn forget(&mut self) {
                Indicator::reset(self);
            }
        }

        impl Alone for $name {
            fn warmup(&self) -> usize {
                Indicator::warmup(self)
            }

            fn update(&mut self, _: i64, input: &[f64], values: &mut [f64]) {
                values.copy_from_slice(&Indicator::update(self, input.try_into().expect(INPUTS)));
            }

            fn batch(&mut self, _: &[i64], inputs: &[&[f64]], outputs: &mut [&mut [f64]]) {
                Indicator::batch(self, inputs.try_into().expect(INPUTS), each(outputs));
            }

            fn reset(&mut self) {
                Indicator::reset(self);
            }
        }

        impl From<$name> for Box<dyn Column> {
            fn from(prototype: $name) -> Self {
                Box::new(States::<_, $outputs> { prototype, states: Vec::new() })
            }
        }
    )+};
}

feeds! {
    Adx: [high, low, close] => 1;
    Atr: [high, low, close] => 1;
    Bollinger: [close] => 3;
    Donchian: [high, low] => 3;
    Ema: [close] => 1;
    Macd: [close] => 3;
    Rsi: [close] => 1;
    Sma: [close] => 1;
    Stochastic: [high, low, close] => 2;
    Supertrend: [high, low, close] => 2;
    Wma: [close] => 1;
}

impl Feed<1> for SessionVwap {
    #[inline(always)]
    fn feed(&mut self, input: &Input) -> [f64; 1] {
        if input.time_ns == 0 {
            // Without a time we do not know the day.
            return [f64::NAN];
        }
        [self.update(
            input.time_ns,
            [input.high, input.low, input.close, input.volume],
        )]
    }

    fn forget(&mut self) {
        self.reset();
    }
}

impl Alone for SessionVwap {
    fn warmup(&self) -> usize {
        SessionVwap::warmup(self)
    }

    fn update(&mut self, time_ns: i64, input: &[f64], values: &mut [f64]) {
        values[0] = SessionVwap::update(self, time_ns, input.try_into().expect(INPUTS));
    }

    fn batch(&mut self, times_ns: &[i64], inputs: &[&[f64]], outputs: &mut [&mut [f64]]) {
        let [output] = each(outputs);
        SessionVwap::batch(self, times_ns, inputs.try_into().expect(INPUTS), output);
    }

    fn reset(&mut self) {
        SessionVwap::reset(self);
    }
}

impl From<SessionVwap> for Box<dyn Column> {
    fn from(prototype: SessionVwap) -> Self {
        Box::new(States::<_, 1> {
            prototype,
            states: Vec::new(),
        })
    }
}

/// Why a caller of an [`Alone`] is wrong: its kind says how many columns it takes and gives.
const INPUTS: &str = "as many columns as the kind has";

fn each<'a, const K: usize>(outputs: &'a mut [&mut [f64]]) -> [&'a mut [f64]; K] {
    let outputs: &mut [&mut [f64]; K] = outputs.try_into().expect(INPUTS);
    outputs.each_mut().map(|output| &mut **output)
}

/// The column of one declared indicator.
pub(super) fn column(prototype: impl Into<Box<dyn Column>>) -> Box<dyn Column> {
    prototype.into()
}

struct States<I, const K: usize> {
    prototype: I,
    states: Vec<I>,
}

impl<I: Feed<K> + Alone + 'static, const K: usize> Column for States<I, K> {
    fn width(&self) -> usize {
        K
    }

    fn alone(&self) -> Box<dyn Alone> {
        Box::new(self.prototype.clone())
    }

    fn add_row(&mut self) {
        self.states.push(self.prototype.clone());
    }

    fn forget(&mut self, row: usize) {
        self.states[row].forget();
    }

    fn update(&mut self, inputs: &[Input], trail: &mut [f64], line: usize, offset: usize) {
        for (input, values) in inputs.iter().zip(trail.chunks_exact_mut(line)) {
            // A tick that is passed over has no row, and its line stays NaN.
            if let Some(state) = self.states.get_mut(input.row) {
                values[offset..offset + K].copy_from_slice(&state.feed(input));
            }
        }
    }
}

/// Columns of a batch that differ in length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the columns of a batch must be of one length")]
pub struct UnevenColumns;

/// All declared indicators of all instruments. An instrument's states are made at its first tick or bar.
pub struct IndicatorEngine {
    columns: Vec<Box<dyn Column>>,
    /// By name of value.
    places: HashMap<String, usize>,
    names: Vec<String>,
    slots: Slots,
    /// The newest values, a row per instrument.
    values: Vec<f64>,
    /// The highest volume of the day so far, and when that day ends, by row; `None` until one is known.
    traded: Vec<Option<(i64, u32)>>,
    inputs: Vec<Input>,
    trail: Vec<f64>,
}

impl IndicatorEngine {
    pub fn new(declarations: &[Declaration]) -> Result<Self, BadParameter> {
        let mut engine = Self {
            columns: Vec::new(),
            places: HashMap::new(),
            names: Vec::new(),
            slots: Slots::new(),
            values: Vec::new(),
            traded: Vec::new(),
            inputs: Vec::new(),
            trail: Vec::new(),
        };
        for declaration in declarations {
            engine.columns.push(declaration.make()?);
            for name in declaration.values(declaration.kind()?) {
                if engine
                    .places
                    .insert(name.clone(), engine.names.len())
                    .is_some()
                {
                    return Err(BadParameter {
                        name: "names",
                        allowed: "different".into(),
                        got: format!("{name:?} twice"),
                    });
                }
                engine.names.push(name);
            }
        }
        if !(1..=VALUES_MAX).contains(&engine.names.len()) {
            let allowed = format!("of 1 to {VALUES_MAX} values in all");
            return Err(BadParameter {
                name: "declarations",
                allowed,
                got: engine.names.len().to_string(),
            });
        }
        Ok(engine)
    }

    /// The names of the values, in the order of a row.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The instruments seen, in the order of first sight.
    pub fn tokens(&self) -> &[u32] {
        self.slots.tokens()
    }

    /// Takes a batch of ticks. Answers a line of values for each tick, as they are with it, in its order: so what a
    /// strategy sees does not depend on where a batch was cut. The line of a flagged tick is NaN.
    pub fn update_ticks(&mut self, ticks: Ticks<'_>) -> Result<&[f64], UnevenColumns> {
        let count = ticks.tokens.len();
        let optional = |length: usize| length == count || length == 0;
        if ticks.price_e4.len() != count
            || ticks.flags.len() != count
            || !optional(ticks.volume.len())
            || !optional(ticks.time_ns.len())
        {
            return Err(UnevenColumns);
        }
        self.inputs.clear();
        for (at, ((&token, &price_e4), &flags)) in ticks
            .tokens
            .iter()
            .zip(ticks.price_e4)
            .zip(ticks.flags)
            .enumerate()
        {
            let row = if flags == 0 {
                self.row_of(token)
            } else {
                NO_ROW
            };
            let price = price_e4 as f64 / E4;
            let time_ns = ticks.time_ns.get(at).copied().unwrap_or(0);
            let volume = match ticks.volume.get(at) {
                Some(&traded) if row != NO_ROW => self.traded_since(row, time_ns, traded),
                _ => 0.0,
            };
            self.inputs.push(Input {
                row,
                time_ns,
                high: price,
                low: price,
                close: price,
                volume,
            });
        }
        Ok(self.update())
    }

    /// Takes a batch of finished bars. Answers a line of values for each bar, as they are with it.
    pub fn update_bars(&mut self, bars: Bars<'_>) -> Result<&[f64], UnevenColumns> {
        let count = bars.tokens.len();
        let lengths = [
            bars.time_ns.len(),
            bars.high_e4.len(),
            bars.low_e4.len(),
            bars.close_e4.len(),
            bars.volume.len(),
        ];
        if lengths.iter().any(|&length| length != count) {
            return Err(UnevenColumns);
        }
        self.inputs.clear();
        for at in 0..count {
            let row = self.row_of(bars.tokens[at]);
            self.inputs.push(Input {
                row,
                time_ns: bars.time_ns[at],
                high: bars.high_e4[at] as f64 / E4,
                low: bars.low_e4[at] as f64 / E4,
                close: bars.close_e4[at] as f64 / E4,
                volume: bars.volume[at] as f64,
            });
        }
        Ok(self.update())
    }

    /// Takes the bars of a batch that are of a spec and of an instrument that was added. A gapped one is taken only where
    /// *gapped* says so.
    pub fn update_bar_batch(&mut self, batch: &BarBatch, spec: BarSpec, gapped: bool) {
        self.inputs.clear();
        let wanted = spec.to_parts();
        for (at, &token) in batch.token().iter().enumerate() {
            let is_wanted =
                (batch.unit()[at], batch.size()[at]) == wanted && (gapped || !batch.is_gapped(at));
            if let Some(row) = self.slots.get(token).filter(|_| is_wanted) {
                self.inputs.push(Input {
                    row,
                    time_ns: batch.start_ns()[at],
                    high: batch.high_e4()[at] as f64 / E4,
                    low: batch.low_e4()[at] as f64 / E4,
                    close: batch.close_e4()[at] as f64 / E4,
                    volume: batch.volume()[at] as f64,
                });
            }
        }
        self.update();
    }

    /// Makes room for an instrument before its first tick or bar.
    pub fn add(&mut self, token: u32) {
        self.row_of(token);
    }

    fn update(&mut self) -> &[f64] {
        let line = self.names.len();
        self.trail.clear();
        self.trail.resize(self.inputs.len() * line, f64::NAN);
        let mut offset = 0;
        for column in &mut self.columns {
            column.update(&self.inputs, &mut self.trail, line, offset);
            offset += column.width();
        }
        for (input, values) in self.inputs.iter().zip(self.trail.chunks_exact(line)) {
            if input.row != NO_ROW {
                self.values[input.row * line..][..line].copy_from_slice(values);
            }
        }
        &self.trail
    }

    #[inline(always)]
    fn row_of(&mut self, token: u32) -> usize {
        let (row, is_new) = self.slots.get_or_add(token);
        if is_new {
            self.add_row();
        }
        row
    }

    #[cold]
    fn add_row(&mut self) {
        self.values
            .resize(self.values.len() + self.names.len(), f64::NAN);
        self.traded.push(None);
        for column in &mut self.columns {
            column.add_row();
        }
    }

    /// What has traded since the last tick that said it. Of the first one we do not know. A smaller number is a new day's
    /// when the day is new; else it is a bad packet, and the highest one stays what the next is measured by.
    #[inline(always)]
    fn traded_since(&mut self, row: usize, time_ns: i64, traded: u32) -> f64 {
        if traded == 0 {
            return 0.0;
        }
        let known = &mut self.traded[row];
        if let Some((ends_ns, highest)) = known
            && time_ns < *ends_ns
        {
            if *ends_ns == i64::MAX && time_ns != 0 {
                *ends_ns = day_end_ns(time_ns);
            }
            let since = traded.saturating_sub(*highest);
            *highest += since;
            return f64::from(since);
        }
        let since = if known.is_some() { traded } else { 0 };
        // Of a tick that does not say its time nobody knows when its day ends; the next one may.
        let ends_ns = if time_ns == 0 {
            i64::MAX
        } else {
            day_end_ns(time_ns)
        };
        *known = Some((ends_ns, traded));
        f64::from(since)
    }

    /// All newest values of an instrument, NaN where it is still warming up; `None` for one never seen.
    pub fn row(&self, token: u32) -> Option<&[f64]> {
        let line = self.names.len();
        self.slots
            .get(token)
            .map(|row| &self.values[row * line..][..line])
    }

    /// The place of a value in a row.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// Whether every value of an instrument is a number.
    pub fn is_warm(&self, token: u32) -> bool {
        self.row(token)
            .is_some_and(|values| values.iter().all(|value| !value.is_nan()))
    }

    /// After a gap: the instrument's indicators warm up anew.
    pub fn forget(&mut self, token: u32) {
        let Some(row) = self.slots.get(token) else {
            return;
        };
        let line = self.names.len();
        self.values[row * line..][..line].fill(f64::NAN);
        self.traded[row] = None;
        for column in &mut self.columns {
            column.forget(row);
        }
    }
}
