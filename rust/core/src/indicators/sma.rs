//! SMA, the simple moving average: the mean of the last `period` prices.
use super::columns::LANES;
use super::recursion::streams;
use super::window::{Sliding, Sums};
use super::{BadParameter, period};

/// Simple moving average. Takes a price; `warmup` is `period`.
#[derive(Clone, Debug)]
pub struct Sma(Sliding<Sum>);

impl Sma {
    pub fn new(length: i64) -> Result<Self, BadParameter> {
        let length = period("period", 1, length)?;
        let sum = Sum {
            share: 1.0 / length as f64,
            origin: 0.0,
            total: 0.0,
            added: 0.0,
        };
        Ok(Self(Sliding::new(length, sum)))
    }
}

streams!(Sma, 1, 1);

/// The sum of the window's distances from `origin`, the newest price at the last anchor.
#[derive(Clone, Debug)]
struct Sum {
    share: f64,
    origin: f64,
    /// At the start of the block.
    total: f64,
    /// Since the start of the block.
    added: f64,
}

impl Sums<1> for Sum {
    fn anchor<'a>(&mut self, window: impl Iterator<Item = &'a f64> + Clone) -> [f64; 1] {
        self.origin = *window.clone().last().expect("a period of at least one");
        self.total = window.map(|price| price - self.origin).sum();
        [self.origin + self.total * self.share]
    }

    #[inline(always)]
    fn slide(&mut self, lane: usize, incoming: f64, outgoing: f64) -> [f64; 1] {
        let change = incoming - outgoing;
        self.added = if lane == 0 {
            change
        } else {
            self.added + change
        };
        let total = self.total + self.added;
        if lane == LANES - 1 {
            self.total = total;
        }
        [self.origin + total * self.share]
    }
}
