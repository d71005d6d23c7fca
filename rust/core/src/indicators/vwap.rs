//! Session VWAP: what was paid on average for a unit since the trading day began.
use super::columns::{CHUNK, LANES, blocks, blocks_mut, clean, clean_columns, length, put, row};

use crate::calendar::clock::{DAY_NS, IST_NS};

/// Volume-weighted average of the typical price `(high + low + close) / 3`, begun anew with each Indian calendar day.
///
/// NaN until a volume has traded. An input that is not a number, or a volume below zero, leaves a hole that is part of
/// the day from then on, so the answer is NaN until the next day.
#[derive(Clone, Debug)]
pub struct SessionVwap {
    /// The session's first instant and the next one's, ns UTC.
    session_ns: (i64, i64),
    holed: bool,
    sums: Sums,
}

/// `paid` is relative to the session's first price, so that the average of an unmoving price is that price.
#[derive(Clone, Copy, Debug)]
struct Sums {
    origin: f64,
    paid: f64,
    volume: f64,
}

impl Sums {
    #[inline(always)]
    fn add(&mut self, [high, low, close, volume]: [f64; 4]) -> f64 {
        let three_prices = (high - self.origin) + (low - self.origin) + (close - self.origin);
        self.paid += three_prices * volume;
        self.volume += volume;
        // 0 / 0 while nothing has traded: NaN is the answer we want.
        self.origin + self.paid / (3.0 * self.volume)
    }
}

impl Default for SessionVwap {
    fn default() -> Self {
        // An empty session, so that the first input begins one.
        Self {
            session_ns: (0, 0),
            holed: false,
            sums: Sums {
                origin: 0.0,
                paid: 0.0,
                volume: 0.0,
            },
        }
    }
}

impl SessionVwap {
    pub fn new() -> Self {
        Self::default()
    }

    /// The first input can answer.
    pub fn warmup(&self) -> usize {
        1
    }

    /// Forgets all inputs; the next one begins a session.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    #[inline(always)]
    fn is_within(&self, time_ns: i64) -> bool {
        self.session_ns.0 <= time_ns && time_ns < self.session_ns.1
    }

    fn begin(&mut self, time_ns: i64) {
        let day = time_ns.saturating_add(IST_NS).div_euclid(DAY_NS);
        let start_ns = day.saturating_mul(DAY_NS).saturating_sub(IST_NS);
        self.session_ns = (start_ns, start_ns.saturating_add(DAY_NS));
        self.holed = false;
        self.sums = Sums {
            origin: f64::NAN,
            paid: 0.0,
            volume: 0.0,
        };
    }

    /// Takes high, low, close and the volume traded in the bar that began at `time_ns`, or a price three times and the
    /// volume traded since the last one.
    #[inline(always)]
    pub fn update(&mut self, time_ns: i64, bar: [f64; 4]) -> f64 {
        if !self.is_within(time_ns) {
            self.begin(time_ns);
        }
        self.holed |= !(clean(bar) && bar[3] >= 0.0);
        if self.holed {
            return f64::NAN;
        }
        if self.sums.origin.is_nan() {
            self.sums.origin = bar[2];
        }
        self.sums.add(bar)
    }

    /// Takes columns and writes what `update` would have answered to each row.
    ///
    /// # Panics
    /// When the columns differ in length: the caller has checked it.
    pub fn batch(&mut self, times_ns: &[i64], inputs: [&[f64]; 4], output: &mut [f64]) {
        let mut outputs = [output];
        let length = length(&inputs, &outputs);
        assert_eq!(times_ns.len(), length, "a time for each row");
        let mut at = 0;
        while at < length {
            // The first of a session chooses its origin; what follows in it adds to the sums and no more.
            put(
                &mut outputs,
                at,
                [self.update(times_ns[at], row(&inputs, at))],
            );
            at = self.run(times_ns, &inputs, &mut outputs, at + 1);
        }
    }

    /// Takes whole clean blocks of the present session from `from` on; answers where it stopped.
    #[inline(always)]
    fn run(
        &mut self,
        times_ns: &[i64],
        inputs: &[&[f64]; 4],
        outputs: &mut [&mut [f64]; 1],
        from: usize,
    ) -> usize {
        if self.holed {
            return from;
        }
        let (start_ns, last_ns) = (self.session_ns.0, self.session_ns.1.wrapping_sub(1));
        // Negative when a time is before the one or after the other: if one difference wraps, the other shows it.
        let outside = |time_ns: i64| time_ns.wrapping_sub(start_ns) | last_ns.wrapping_sub(time_ns);
        // A copy, so that the compiler keeps the state in registers over the loop.
        let mut sums = self.sums;
        let mut at = from;
        loop {
            let count = (times_ns.len() - at).min(CHUNK) / LANES;
            let columns = blocks(inputs, at, count);
            let times_ns = &times_ns[at..at + LANES * count];
            let outside = times_ns
                .iter()
                .fold(0, |all, &time_ns| all | outside(time_ns));
            let volume = columns[3].as_flattened();
            let negative = volume
                .iter()
                .fold(0, |bits, volume| bits | volume.to_bits());
            if count == 0 || outside < 0 || negative >> 63 != 0 || !clean_columns(&columns) {
                break;
            }
            let [vwap] = blocks_mut(outputs, at, count);
            for (place, vwap) in vwap.as_flattened_mut().iter_mut().enumerate() {
                *vwap = sums.add(columns.map(|column| column.as_flattened()[place]));
            }
            at += LANES * count;
        }
        self.sums = sums;
        at
    }
}
