//! ATR, Wilder's average true range: how far a bar reaches, the gap from the close before it included.
use super::columns::{CHUNK, LANES};
use super::recursion::{Recursive, Stream, streams};
use super::smoothing::{Seed, Smoothing};
use super::{BadParameter, greater, period};

/// Average true range. Takes high, low and close; `warmup` is `period + 1`, since the first bar has no close before it.
#[derive(Clone, Debug)]
pub struct Atr(Stream<Ranging>);

impl Atr {
    pub fn new(length: i64) -> Result<Self, BadParameter> {
        Ok(Self(Stream::new(Ranging::new(period(
            "period", 1, length,
        )?))))
    }
}

streams!(Atr, 3, 1);

/// The greatest of the bar's height and its ends' distances from the close before it.
#[inline(always)]
pub(super) fn true_range(high: f64, low: f64, close_before: f64) -> f64 {
    greater(
        greater(high - low, (high - close_before).abs()),
        (low - close_before).abs(),
    )
}

#[derive(Clone, Debug)]
pub(super) struct Ranging {
    period: usize,
    close_before: f64,
    seed: Seed,
    smoothing: Smoothing,
}

impl Ranging {
    pub fn new(period: usize) -> Self {
        Self {
            period,
            close_before: f64::NAN,
            seed: Seed::default(),
            smoothing: Smoothing::wilder(period),
        }
    }
}

impl Recursive<3, 1> for Ranging {
    fn warmup(&self) -> usize {
        self.period + 1
    }

    fn warm(&mut self, count: usize, [high, low, close]: [f64; 3]) -> [f64; 1] {
        let close_before = std::mem::replace(&mut self.close_before, close);
        if count > 1 {
            self.seed
                .add(count - 1, true_range(high, low, close_before));
        }
        if count <= self.period {
            return [f64::NAN];
        }
        let mean = self.seed.mean();
        self.smoothing.start([mean]);
        [mean]
    }

    #[inline(always)]
    fn step(&mut self, lane: usize, [high, low, close]: [f64; 3]) -> [f64; 1] {
        let range = true_range(high, low, self.close_before);
        self.close_before = close;
        self.smoothing.step(lane, [range])
    }

    #[inline(always)]
    fn run(&mut self, inputs: [&[[f64; LANES]]; 3], [atr]: [&mut [[f64; LANES]]; 1]) {
        let mut ranges = [0.0; CHUNK];
        true_ranges(&mut self.close_before, inputs, &mut ranges);
        for (atr, ranges) in atr.iter_mut().zip(ranges.as_chunks().0) {
            *atr = self.smoothing.block(ranges);
        }
    }
}

/// Of each of these bars; the close before the first of them is carried over.
#[inline(always)]
pub(super) fn true_ranges(
    close_before: &mut f64,
    inputs: [&[[f64; LANES]]; 3],
    ranges: &mut [f64; CHUNK],
) {
    let [high, low, close] = inputs.map(|column| column.as_flattened());
    ranges[0] = true_range(high[0], low[0], *close_before);
    let later = high[1..].iter().zip(&low[1..]).zip(close);
    for (range, ((&high, &low), &close_before)) in ranges[1..].iter_mut().zip(later) {
        *range = true_range(high, low, close_before);
    }
    *close_before = close[close.len() - 1];
}
