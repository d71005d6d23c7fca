//! What recursive indicators share: the warm-up, the restart after a hole, and blocks.
use super::Indicator;
use super::columns::{CHUNK, LANES, blocks, blocks_mut, clean, clean_columns, length, put, row};

/// An indicator whose value comes from its last value and the input.
pub(super) trait Recursive<const M: usize, const K: usize>: Clone {
    fn warmup(&self) -> usize;

    /// Takes one of the first `warmup` clean inputs, the `count`-th; answers at the last of them.
    fn warm(&mut self, count: usize, input: [f64; M]) -> [f64; K];

    /// Takes a later one. `lane` counts 0 … LANES-1 and round again.
    fn step(&mut self, lane: usize, input: [f64; M]) -> [f64; K];

    /// Takes clean columns of whole blocks, at most [`CHUNK`] long: the same steps, which an indicator may write anew
    /// so that what does not depend on the step before compiles to vector operations.
    #[inline(always)]
    fn run(&mut self, inputs: [&[[f64; LANES]]; M], outputs: [&mut [[f64; LANES]]; K]) {
        let count = inputs[0].len();
        let inputs = inputs.map(|column| &column[..count]);
        let outputs = outputs.map(|column| &mut column[..count]);
        for at in 0..count {
            for lane in 0..LANES {
                let values = self.step(lane, inputs.map(|column| column[at][lane]));
                for k in 0..K {
                    outputs[k][at][lane] = values[k];
                }
            }
        }
    }
}

/// A recursion with its place in the stream.
#[derive(Clone, Debug)]
pub(super) struct Stream<R> {
    recursion: R,
    warmup: usize,
    /// Clean inputs so far, at most `warmup`.
    count: usize,
    lane: usize,
}

impl<R> Stream<R> {
    pub fn new<const M: usize, const K: usize>(recursion: R) -> Self
    where
        R: Recursive<M, K>,
    {
        let warmup = recursion.warmup();
        Self {
            recursion,
            warmup,
            count: 0,
            lane: 0,
        }
    }

    /// Takes clean chunks of whole blocks from `from` on; answers where it stopped.
    #[inline(always)]
    fn run<const M: usize, const K: usize>(
        &mut self,
        inputs: &[&[f64]; M],
        outputs: &mut [&mut [f64]; K],
        from: usize,
    ) -> usize
    where
        R: Recursive<M, K>,
    {
        // A copy, so that the compiler keeps the state in registers over the loop.
        let mut recursion = self.recursion.clone();
        let mut at = from;
        loop {
            let count = (inputs[0].len() - at).min(CHUNK) / LANES;
            let columns = blocks(inputs, at, count);
            if count == 0 || !clean_columns(&columns) {
                break;
            }
            recursion.run(columns, blocks_mut(outputs, at, count));
            at += count * LANES;
        }
        self.recursion = recursion;
        at
    }
}

impl<R: Recursive<M, K>, const M: usize, const K: usize> Indicator<M, K> for Stream<R> {
    fn warmup(&self) -> usize {
        self.warmup
    }

    #[inline(always)]
    fn update(&mut self, input: [f64; M]) -> [f64; K] {
        if !clean(input) {
            self.reset();
            return [f64::NAN; K];
        }
        if self.count < self.warmup {
            self.count += 1;
            return self.recursion.warm(self.count, input);
        }
        let values = self.recursion.step(self.lane, input);
        self.lane = (self.lane + 1) % LANES;
        values
    }

    #[inline(always)]
    fn batch(&mut self, inputs: [&[f64]; M], mut outputs: [&mut [f64]; K]) {
        let length = length(&inputs, &outputs);
        let mut at = 0;
        while at < length {
            if self.count == self.warmup && self.lane == 0 {
                at = self.run(&inputs, &mut outputs, at);
            }
            if at < length {
                put(&mut outputs, at, self.update(row(&inputs, at)));
                at += 1;
            }
        }
    }

    fn reset(&mut self) {
        self.count = 0;
        self.lane = 0;
    }
}

/// Makes a type an indicator that wraps one: a [`Stream`], or a window's sums.
macro_rules! streams {
    ($name:ident, $inputs:literal, $outputs:literal) => {
        impl $crate::indicators::Indicator<$inputs, $outputs> for $name {
            fn warmup(&self) -> usize {
                self.0.warmup()
            }

            #[inline(always)]
            fn update(&mut self, input: [f64; $inputs]) -> [f64; $outputs] {
                self.0.update(input)
            }

            fn batch(&mut self, inputs: [&[f64]; $inputs], outputs: [&mut [f64]; $outputs]) {
                self.0.batch(inputs, outputs);
            }

            fn reset(&mut self) {
                self.0.reset();
            }
        }
    };
}
pub(super) use streams;
