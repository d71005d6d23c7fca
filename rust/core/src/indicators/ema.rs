//! EMA, the exponential moving average: weight 2 / (period + 1), started from the mean of the first `period` prices.
use super::recursion::{Recursive, Stream, streams};
use super::smoothing::{Seed, Smoothing};
use super::{BadParameter, period};

/// Exponential moving average. Takes a price; `warmup` is `period`.
#[derive(Clone, Debug)]
pub struct Ema(Stream<Averaging>);

impl Ema {
    pub fn new(length: i64) -> Result<Self, BadParameter> {
        let length = period("period", 1, length)?;
        Ok(Self(Stream::new(Averaging {
            period: length,
            seed: Seed::default(),
            smoothing: Smoothing::ema(length),
        })))
    }
}

streams!(Ema, 1, 1);

#[derive(Clone, Debug)]
struct Averaging {
    period: usize,
    seed: Seed,
    smoothing: Smoothing,
}

impl Recursive<1, 1> for Averaging {
    fn warmup(&self) -> usize {
        self.period
    }

    fn warm(&mut self, count: usize, [price]: [f64; 1]) -> [f64; 1] {
        self.seed.add(count, price);
        if count < self.period {
            return [f64::NAN];
        }
        let mean = self.seed.mean();
        self.smoothing.start([mean]);
        [mean]
    }

    #[inline(always)]
    fn step(&mut self, lane: usize, price: [f64; 1]) -> [f64; 1] {
        self.smoothing.step(lane, price)
    }
}
