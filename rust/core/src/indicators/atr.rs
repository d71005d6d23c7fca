//! ATR, Wilder's average true range: how far a bar reaches, the gap from the close before it included.
use super::columns::LANES;
use super::recursion::{Recursive, Stream, streams};
use super::smoothing::{Seed, Smoothing};
use super::{BadParameter, greater, lesser, period};

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

/// From the lower of the bar's low and the close before it to the higher of its high and that close: Wilder's own words.
/// It is the greatest of the bar's height and its ends' distances from that close, to the bit, in half the operations.
#[inline(always)]
pub(super) fn true_range(high: f64, low: f64, close_before: f64) -> f64 {
    greater(high, close_before) - lesser(low, close_before)
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

    // The ranges wait for the smoothing where the answers will stand.
    #[inline(always)]
    fn run(&mut self, inputs: [&[[f64; LANES]]; 3], [atr]: [&mut [[f64; LANES]]; 1]) {
        self.true_ranges(inputs, atr.as_flattened_mut());
        for block in atr {
            *block = self.smoothing.block(block);
        }
    }
}

impl Ranging {
    /// Of each of these bars.
    #[inline(always)]
    fn true_ranges(&mut self, inputs: [&[[f64; LANES]]; 3], ranges: &mut [f64]) {
        let [high, low, close] = inputs.map(|column| column.as_flattened());
        ranges[0] = true_range(high[0], low[0], self.close_before);
        let later = high[1..].iter().zip(&low[1..]).zip(close);
        for (range, ((&high, &low), &close_before)) in ranges[1..].iter_mut().zip(later) {
            *range = true_range(high, low, close_before);
        }
        self.close_before = close[close.len() - 1];
    }
}
