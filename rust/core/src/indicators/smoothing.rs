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
///
/// `N` of them over `N` inputs run side by side: what a processor does for one number it can do for two.
#[derive(Clone, Debug)]
pub(super) struct Smoothing<const N: usize = 1> {
    weight: [f64; N],
    /// keep^1 … keep^LANES
    keep: [[f64; N]; LANES],
    origin: [f64; N],
    /// The level before the block, relative to `origin`.
    offset: [f64; N],
    added: [f64; N],
    /// The level at the end of the block, relative to `origin`.
    carried: [f64; N],
}

/// Below this a distance from the level is none: it would take thousands of unmoving inputs to reach the numbers
/// on which processors are slow, and then every further one would cost a hundred times as much.
const DISTANCE_MIN: f64 = 1e-200;

impl Smoothing<1> {
    /// The usual EMA: 2 / (period + 1).
    pub fn ema(period: usize) -> Self {
        Self::emas([period])
    }

    /// Wilder's: 1 / period.
    pub fn wilder(period: usize) -> Self {
        Self::new([1.0 / period as f64])
    }

    /// A whole block of steps.
    #[inline(always)]
    pub fn block(&mut self, inputs: &[f64; LANES]) -> [f64; LANES] {
        std::array::from_fn(|lane| self.step(lane, [inputs[lane]])[0])
    }
}

impl<const N: usize> Smoothing<N> {
    pub fn new(weight: [f64; N]) -> Self {
        let powers = weight.map(|weight| powers(1.0 - weight));
        Self {
            weight,
            keep: std::array::from_fn(|lane| powers.map(|powers| powers[lane])),
            origin: [f64::NAN; N],
            offset: [0.0; N],
            added: [0.0; N],
            carried: [0.0; N],
        }
    }

    /// The usual EMA of each period.
    pub fn emas(periods: [usize; N]) -> Self {
        Self::new(periods.map(|period| 2.0 / (period as f64 + 1.0)))
    }

    /// Starts at `level`; the next step is lane 0.
    pub fn start(&mut self, level: [f64; N]) {
        self.origin = level;
        self.carried = [0.0; N];
    }

    /// The next step. `lane` counts 0 … LANES-1 and round again.
    #[inline(always)]
    pub fn step(&mut self, lane: usize, input: [f64; N]) -> [f64; N] {
        let distance = self.distance(lane, input);
        std::array::from_fn(|n| self.origin[n] + distance[n])
    }

    /// The next step as the level's distance from `origin`: of smoothings over one input these differ by as much as the
    /// levels do.
    #[inline(always)]
    pub fn distance(&mut self, lane: usize, input: [f64; N]) -> [f64; N] {
        if lane == 0 {
            for carried in &mut self.carried {
                if carried.abs() < DISTANCE_MIN {
                    // Opaque, so that it stays a branch, hardly ever taken, and adds nothing to the chain between
                    // blocks.
                    *carried = black_box(0.0);
                }
            }
            for (n, &input) in input.iter().enumerate() {
                self.offset[n] = self.carried[n] + (self.origin[n] - input);
            }
            self.origin = input;
            self.added = [0.0; N];
        } else {
            for (n, &input) in input.iter().enumerate() {
                self.added[n] =
                    self.keep[0][n] * self.added[n] + self.weight[n] * (input - self.origin[n]);
            }
        }
        let distance: [f64; N] =
            std::array::from_fn(|n| self.keep[lane][n] * self.offset[n] + self.added[n]);
        if lane == LANES - 1 {
            self.carried = distance;
        }
        distance
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
