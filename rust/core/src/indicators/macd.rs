//! MACD: a fast EMA minus a slow one, an EMA of that as its signal, and the distance between the two.
use super::recursion::{Recursive, Stream, streams};
use super::smoothing::{Seed, Smoothing};
use super::{BadParameter, period};

/// Moving average convergence/divergence. Takes a price; answers macd, signal and histogram, all from the same input
/// on: `warmup` is `slow + signal - 1`.
#[derive(Clone, Debug)]
pub struct Macd(Stream<Convergence>);

impl Macd {
    pub fn new(fast: i64, slow: i64, signal: i64) -> Result<Self, BadParameter> {
        let (fast, slow) = (period("fast", 1, fast)?, period("slow", 2, slow)?);
        if fast >= slow {
            let allowed = format!("less than slow, which is {slow}");
            return Err(BadParameter {
                name: "fast",
                allowed,
                got: fast.to_string(),
            });
        }
        let signal = period("signal", 1, signal)?;
        Ok(Self(Stream::new(Convergence {
            slow,
            fast,
            signal,
            seeds: Default::default(),
            fast_and_slow: Smoothing::emas([fast, slow]),
            signal_smoothing: Smoothing::ema(signal),
        })))
    }
}

streams!(Macd, 1, 3);

#[derive(Clone, Debug)]
struct Convergence {
    fast: usize,
    slow: usize,
    signal: usize,
    seeds: [Seed; 3],
    fast_and_slow: Smoothing<2>,
    signal_smoothing: Smoothing,
}

impl Recursive<1, 3> for Convergence {
    fn warmup(&self) -> usize {
        self.slow + self.signal - 1
    }

    // Both averages start at the input at which the slow one can: the fast one from the mean of the last `fast` prices
    // before it, as in TA-Lib, so that the first differences compare two means of the same moment. Until the signal
    // has its mean they step as lane 0 and start again, so that at the end all three begin a block together.
    fn warm(&mut self, count: usize, [price]: [f64; 1]) -> [f64; 3] {
        let [fast_seed, slow_seed, signal_seed] = &mut self.seeds;
        let [fast, slow];
        if count <= self.slow {
            slow_seed.add(count, price);
            if count > self.slow - self.fast {
                fast_seed.add(count - (self.slow - self.fast), price);
            }
            if count < self.slow {
                return [f64::NAN; 3];
            }
            [fast, slow] = [fast_seed.mean(), slow_seed.mean()];
        } else {
            [fast, slow] = self.fast_and_slow.step(0, [price; 2]);
        }
        self.fast_and_slow.start([fast, slow]);
        let macd = fast - slow;
        signal_seed.add(count + 1 - self.slow, macd);
        if count < self.slow + self.signal - 1 {
            return [f64::NAN; 3];
        }
        let signal = signal_seed.mean();
        self.signal_smoothing.start([signal]);
        [macd, signal, macd - signal]
    }

    #[inline(always)]
    fn step(&mut self, lane: usize, [price]: [f64; 1]) -> [f64; 3] {
        // Both from the same price, which the difference does without: neither computed nor rounded.
        let [fast, slow] = self.fast_and_slow.distance(lane, [price; 2]);
        let macd = fast - slow;
        let [signal] = self.signal_smoothing.step(lane, [macd]);
        [macd, signal, macd - signal]
    }
}
