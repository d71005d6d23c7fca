//! What indicators over a sliding window share: the window, the warm-up, the restart after a hole, and blocks.
use super::Indicator;
use super::columns::{
    CHUNK, LANES, block, clean, clean_columns, length, put, put_block, put_first,
};

/// After so many steps a sum is taken anew from its whole window, so that rounding errors never add up. A longer
/// window is left alone for several times its own length, which keeps the cost of that below a quarter of an addition
/// a step.
const ANCHORED_STEPS_MIN: usize = 4096;
const ANCHORED_WINDOWS: usize = 4;

// A block never spans two anchors.
const _: () =
    assert!(ANCHORED_STEPS_MIN.is_multiple_of(LANES) && ANCHORED_WINDOWS.is_multiple_of(LANES));

/// Sums over a window that are kept by adding what comes and taking away what goes.
pub(super) trait Sums<const K: usize>: Clone {
    /// Takes the sums from the whole window, oldest first.
    fn anchor<'a>(&mut self, window: impl Iterator<Item = &'a f64> + Clone) -> [f64; K];

    /// Moves the window by one. `lane` counts 0 … LANES-1 and round again.
    fn slide(&mut self, lane: usize, incoming: f64, outgoing: f64) -> [f64; K];

    /// Whether the last value has lost too many digits, so that it must come from an anchor instead.
    #[inline(always)]
    fn blurred(&self) -> bool {
        false
    }
}

/// Sums with their window and their place in the stream.
#[derive(Clone, Debug)]
pub(super) struct Sliding<S> {
    sums: S,
    period: usize,
    /// The last `period` inputs, `oldest` the index of the first of them; while warming up, those there are.
    ring: Vec<f64>,
    oldest: usize,
    steps: usize,
    steps_max: usize,
}

impl<S> Sliding<S> {
    pub fn new(period: usize, sums: S) -> Self {
        let steps_max = ANCHORED_STEPS_MIN.max(ANCHORED_WINDOWS * period);
        Self {
            sums,
            period,
            ring: Vec::with_capacity(period),
            oldest: 0,
            steps: 0,
            steps_max,
        }
    }

    fn anchor<const K: usize>(&mut self) -> [f64; K]
    where
        S: Sums<K>,
    {
        self.steps = 0;
        let (newer, older) = self.ring.split_at(self.oldest);
        self.sums.anchor(older.iter().chain(newer))
    }

    /// Takes a column's clean inputs from `at` to `end`; the window before them lies in the column too, so the ring is
    /// neither read nor written.
    #[inline(always)]
    fn run<const K: usize>(
        &mut self,
        prices: &[f64],
        mut at: usize,
        end: usize,
        outputs: &mut [&mut [f64]; K],
    ) where
        S: Sums<K>,
    {
        let period = self.period;
        // A copy, so that the compiler keeps the state in registers over the loop.
        let mut sums = self.sums.clone();
        while at < end {
            if self.steps == self.steps_max {
                self.steps = 0;
                put(
                    outputs,
                    at,
                    sums.anchor(prices[at + 1 - period..=at].iter()),
                );
                at += 1;
                continue;
            }
            let lane = self.steps % LANES;
            if lane != 0 || end - at < LANES {
                let mut values = sums.slide(lane, prices[at], prices[at - period]);
                self.steps += 1;
                if sums.blurred() {
                    self.steps = 0;
                    values = sums.anchor(prices[at + 1 - period..=at].iter());
                }
                put(outputs, at, values);
                at += 1;
                continue;
            }
            let blocks = (end - at).min(self.steps_max - self.steps) / LANES;
            'blocks: for _ in 0..blocks {
                let ([incoming], [outgoing]) =
                    (block(&[prices], at), block(&[prices], at - period));
                let mut values = [[0.0; LANES]; K];
                for lane in 0..LANES {
                    let value = sums.slide(lane, incoming[lane], outgoing[lane]);
                    if sums.blurred() {
                        put_first(outputs, at, &values, lane);
                        at += lane;
                        self.steps = 0;
                        put(
                            outputs,
                            at,
                            sums.anchor(prices[at + 1 - period..=at].iter()),
                        );
                        at += 1;
                        break 'blocks;
                    }
                    for k in 0..K {
                        values[k][lane] = value[k];
                    }
                }
                put_block(outputs, at, &values);
                at += LANES;
                self.steps += LANES;
            }
        }
        self.sums = sums;
    }

    fn refill(&mut self, window: &[f64]) {
        self.ring.copy_from_slice(window);
        self.oldest = 0;
    }
}

impl<S: Sums<K>, const K: usize> Indicator<1, K> for Sliding<S> {
    fn warmup(&self) -> usize {
        self.period
    }

    #[inline(always)]
    fn update(&mut self, [price]: [f64; 1]) -> [f64; K] {
        if !clean([price]) {
            <Self as Indicator<1, K>>::reset(self);
            return [f64::NAN; K];
        }
        if self.ring.len() < self.period {
            self.ring.push(price);
            return if self.ring.len() < self.period {
                [f64::NAN; K]
            } else {
                self.anchor()
            };
        }
        let outgoing = std::mem::replace(&mut self.ring[self.oldest], price);
        self.oldest += 1;
        if self.oldest == self.period {
            self.oldest = 0;
        }
        if self.steps == self.steps_max {
            return self.anchor();
        }
        let values = self.sums.slide(self.steps % LANES, price, outgoing);
        self.steps += 1;
        if self.sums.blurred() {
            self.anchor()
        } else {
            values
        }
    }

    #[inline(always)]
    fn batch(&mut self, inputs: [&[f64]; 1], mut outputs: [&mut [f64]; K]) {
        let length = length(&inputs, &outputs);
        let [prices] = inputs;
        let mut ring_is_current = true;
        let mut at = 0;
        while at < length {
            let end = length.min(at + CHUNK);
            // The ring is full only if the last `period` inputs were clean; here they all lie in this column.
            let warm = self.ring.len() == self.period && at >= self.period;
            if warm && clean_columns(&inputs, at, end) {
                self.run(prices, at, end, &mut outputs);
                ring_is_current = false;
                at = end;
                continue;
            }
            if !ring_is_current {
                self.refill(&prices[at - self.period..at]);
                ring_is_current = true;
            }
            while at < end {
                put(
                    &mut outputs,
                    at,
                    <Self as Indicator<1, K>>::update(self, [prices[at]]),
                );
                at += 1;
            }
        }
        if !ring_is_current {
            self.refill(&prices[length - self.period..]);
        }
    }

    fn reset(&mut self) {
        self.ring.clear();
        self.oldest = 0;
        self.steps = 0;
    }
}
