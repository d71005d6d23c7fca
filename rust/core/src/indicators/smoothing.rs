//! Exponential smoothing in blocks: each value is the one before it, moved by `weight` towards the input.
use std::hint::black_box;

use super::columns::LANES;

/// The level of an exponentially smoothed stream.
///
/// All steps of a block are written relative to the block's first input, `origin`: with `keep = 1 - weight`,
///
/// ```text
/// level = origin + (keep^(lane+1) * (level before the block - origin) + what the block's inputs add)
/// ```
///
/// so only one short chain runs from block to block. Being relative also makes the fixed point exact: of an unmoving
/// price every smoothing, of whatever period, becomes that very price, and two of them never cross on rounding noise.
#[derive(Clone, Debug)]
pub(super) struct Smoothing {
    weight: f64,
    /// keep^1 … keep^LANES
    keep: [f64; LANES],
    origin: f64,
    /// The level before the block, relative to `origin`.
    offset: f64,
    added: f64,
    /// The level at the end of the block, relative to `origin`.
    carried: f64,
}

/// Below this a distance from the level is none: it would take thousands of unmoving inputs to reach the numbers
/// on which processors are slow, and then every further one would cost a hundred times as much.
const DISTANCE_MIN: f64 = 1e-200;

impl Smoothing {
    pub fn new(weight: f64) -> Self {
        Self {
            weight,
            keep: powers(1.0 - weight),
            origin: f64::NAN,
            offset: 0.0,
            added: 0.0,
            carried: 0.0,
        }
    }

    /// The usual EMA: 2 / (period + 1).
    pub fn ema(period: usize) -> Self {
        Self::new(2.0 / (period as f64 + 1.0))
    }

    /// Wilder's: 1 / period.
    pub fn wilder(period: usize) -> Self {
        Self::new(1.0 / period as f64)
    }

    /// Starts at `level`; the next step is lane 0.
    pub fn start(&mut self, level: f64) {
        self.origin = level;
        self.carried = 0.0;
    }

    /// The next step. `lane` counts 0 … LANES-1 and round again.
    #[inline(always)]
    pub fn step(&mut self, lane: usize, input: f64) -> f64 {
        if lane == 0 {
            if self.carried.abs() < DISTANCE_MIN {
                // Opaque, so that it stays a branch, hardly ever taken, and adds nothing to the chain between blocks.
                self.carried = black_box(0.0);
            }
            self.offset = self.carried + (self.origin - input);
            self.origin = input;
            self.added = 0.0;
        } else {
            self.added = self.keep[0] * self.added + self.weight * (input - self.origin);
        }
        let distance = self.keep[lane] * self.offset + self.added;
        if lane == LANES - 1 {
            self.carried = distance;
        }
        self.origin + distance
    }

    /// A whole block of steps.
    #[inline(always)]
    pub fn block(&mut self, inputs: &[f64; LANES]) -> [f64; LANES] {
        std::array::from_fn(|lane| self.step(lane, inputs[lane]))
    }
}

/// keep^1 … keep^LANES
pub(super) fn powers(keep: f64) -> [f64; LANES] {
    let mut power = 1.0;
    std::array::from_fn(|_| {
        power *= keep;
        power
    })
}

/// The mean of the first inputs, relative to the first of them so that the mean of equal numbers is that number.
#[derive(Clone, Debug, Default)]
pub(super) struct Seed {
    count: usize,
    origin: f64,
    sum: f64,
}

impl Seed {
    /// Takes the `count`-th input; the first one begins a new mean.
    pub fn add(&mut self, count: usize, input: f64) {
        if count == 1 {
            self.origin = input;
            self.sum = 0.0;
        }
        self.count = count;
        self.sum += input - self.origin;
    }

    pub fn mean(&self) -> f64 {
        self.origin + self.sum / self.count as f64
    }
}
