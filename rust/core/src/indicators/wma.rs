//! WMA, the linearly weighted moving average: of the last `period` prices the newest weighs `period`, the oldest 1.
use super::columns::LANES;
use super::recursion::streams;
use super::window::{Sliding, Sums};
use super::{BadParameter, period};

/// Weighted moving average. Takes a price; `warmup` is `period`.
#[derive(Clone, Debug)]
pub struct Wma(Sliding<Weighted>);

impl Wma {
    pub fn new(length: i64) -> Result<Self, BadParameter> {
        let length = period("period", 1, length)?;
        let weight_max = length as f64;
        let share = 2.0 / (weight_max * (weight_max + 1.0));
        Ok(Self(Sliding::new(
            length,
            Weighted {
                weight_max,
                share,
                origin: 0.0,
                sum: 0.0,
                weighted: 0.0,
                sum_added: 0.0,
                weighted_added: 0.0,
            },
        )))
    }
}

streams!(Wma, 1, 1);

/// The plain and the weighted sum of the window's distances from `origin`, the newest price at the last anchor.
#[derive(Clone, Debug)]
struct Weighted {
    weight_max: f64,
    share: f64,
    origin: f64,
    /// At the start of the block.
    sum: f64,
    weighted: f64,
    /// Since the start of the block.
    sum_added: f64,
    weighted_added: f64,
}

impl Sums<1> for Weighted {
    fn anchor<'a>(&mut self, window: impl Iterator<Item = &'a f64> + Clone) -> [f64; 1] {
        self.origin = *window.clone().last().expect("a period of at least one");
        (self.sum, self.weighted) = (0.0, 0.0);
        let mut weight = 0.0;
        for price in window {
            weight += 1.0;
            self.sum += price - self.origin;
            self.weighted += weight * (price - self.origin);
        }
        [self.origin + self.weighted * self.share]
    }

    #[inline(always)]
    fn slide(&mut self, lane: usize, incoming: f64, outgoing: f64) -> [f64; 1] {
        const STEPS: [f64; LANES] = [1.0, 2.0, 3.0, 4.0];
        if lane == 0 {
            (self.sum_added, self.weighted_added) = (0.0, 0.0);
        }
        // Every price of the window loses one weight, which takes the sum away, and the newest gets the greatest.
        self.weighted_added += self.weight_max * (incoming - self.origin) - self.sum_added;
        self.sum_added += incoming - outgoing;
        let weighted = (self.weighted - STEPS[lane] * self.sum) + self.weighted_added;
        if lane == LANES - 1 {
            self.weighted = weighted;
            self.sum += self.sum_added;
        }
        [self.origin + weighted * self.share]
    }
}
