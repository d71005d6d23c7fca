//! A decaying sum in blocks: each value is the one before it times `keep`, plus the input.
use super::columns::LANES;
use super::smoothing::powers;

/// Wilder's smoothing without its division, for ratios of two of them. Zero stays zero and equal sums stay equal, so
/// the ratio's ends are exact.
#[derive(Clone, Debug)]
pub(super) struct Decay {
    keep: [f64; LANES],
    total: f64,
    added: f64,
}

impl Decay {
    /// Keeps `(period - 1) / period` at each step.
    pub fn wilder(period: usize) -> Self {
        Self {
            keep: powers((period as f64 - 1.0) / period as f64),
            total: 0.0,
            added: 0.0,
        }
    }

    pub fn start(&mut self, total: f64) {
        self.total = total;
    }

    #[inline(always)]
    pub fn step(&mut self, lane: usize, input: f64) -> f64 {
        self.added = if lane == 0 {
            input
        } else {
            self.keep[0] * self.added + input
        };
        let total = self.keep[lane] * self.total + self.added;
        if lane == LANES - 1 {
            self.total = total;
        }
        total
    }
}
