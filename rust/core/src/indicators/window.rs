//! What indicators over a sliding window share: the window, the warm-up, the restart after a hole, and blocks.
use super::Indicator;
use super::columns::{CHUNK, LANES, blocks, blocks_mut, clean, clean_columns, length, put};

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

    /// Takes clean inputs of a column from `from` on, the window before which lies in the column too, so that the ring
    /// is neither read nor written. Answers where it stopped: at the end, or at a hole.
    #[inline(always)]
    fn run<const K: usize>(
        &mut self,
        prices: &[f64],
        outputs: &mut [&mut [f64]; K],
        from: usize,
    ) -> usize
    where
        S: Sums<K>,
    {
        let (period, steps_max) = (self.period, self.steps_max);
        let window = |newest: usize| prices[newest + 1 - period..=newest].iter();
        // Copies, so that the compiler keeps the state in registers over the loop.
        let (mut sums, mut steps) = (self.sums.clone(), self.steps);
        let mut at = from;
        while at < prices.len() {
            let room = (prices.len() - at).min(steps_max - steps).min(CHUNK);
            let count = if steps % LANES == 0 { room / LANES } else { 0 };
            let [incoming] = blocks(&[prices], at, count);
            if count > 0 && clean_columns(&[incoming]) {
                let [outgoing] = blocks(&[prices], at - period, count);
                let taken = slide_blocks(
                    &mut sums,
                    incoming,
                    outgoing,
                    blocks_mut(outputs, at, count),
                );
                (at, steps) = (at + taken, steps + taken);
            } else if !clean([prices[at]]) {
                break;
            } else if steps < steps_max {
                put(
                    outputs,
                    at,
                    sums.slide(steps % LANES, prices[at], prices[at - period]),
                );
                if !sums.blurred() {
                    (at, steps) = (at + 1, steps + 1);
                }
            }
            if steps == steps_max || sums.blurred() {
                if at == prices.len() || !clean([prices[at]]) {
                    break;
                }
                put(outputs, at, sums.anchor(window(at)));
                (at, steps) = (at + 1, 0);
            }
        }
        (self.sums, self.steps) = (sums, steps);
        at
    }

    fn refill(&mut self, window: &[f64]) {
        self.ring.copy_from_slice(window);
        self.oldest = 0;
    }
}

/// Slides over whole blocks; answers how many steps it took before one was blurred.
#[inline(always)]
fn slide_blocks<S: Sums<K>, const K: usize>(
    sums: &mut S,
    incoming: &[[f64; LANES]],
    outgoing: &[[f64; LANES]],
    outputs: [&mut [[f64; LANES]]; K],
) -> usize {
    let count = incoming.len();
    let outgoing = &outgoing[..count];
    let outputs = outputs.map(|column| &mut column[..count]);
    for at in 0..count {
        for lane in 0..LANES {
            let values = sums.slide(lane, incoming[at][lane], outgoing[at][lane]);
            if sums.blurred() {
                return LANES * at + lane;
            }
            for k in 0..K {
                outputs[k][at][lane] = values[k];
            }
        }
    }
    LANES * count
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
            // The ring is full only if the last `period` inputs were clean; here they all lie in this column.
            if self.ring.len() == self.period && at >= self.period {
                let from = at;
                at = self.run(prices, &mut outputs, from);
                ring_is_current &= at == from;
            }
            if at == length {
                break;
            }
            if !ring_is_current {
                self.refill(&prices[at - self.period..at]);
                ring_is_current = true;
            }
            put(
                &mut outputs,
                at,
                <Self as Indicator<1, K>>::update(self, [prices[at]]),
            );
            at += 1;
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
