//! Donchian channel: the highest high and the lowest low of the last `period` bars, and the middle between them.
use super::columns::{PIECE, clean, clean_rows, length, put};
use super::extrema::Extrema;
use super::{BadParameter, Indicator, period};

/// Donchian channel. Takes high and low; answers upper, middle and lower, the current bar included.
/// `warmup` is `period`.
#[derive(Clone, Debug)]
pub struct Donchian {
    period: usize,
    extrema: Extrema,
}

impl Donchian {
    pub fn new(length: i64) -> Result<Self, BadParameter> {
        let length = period("period", 1, length)?;
        Ok(Self {
            period: length,
            extrema: Extrema::new(length),
        })
    }
}

#[inline(always)]
fn channel(upper: f64, lower: f64) -> [f64; 3] {
    [upper, (upper + lower) * 0.5, lower]
}

impl Indicator<2, 3> for Donchian {
    fn warmup(&self) -> usize {
        self.period
    }

    #[inline(always)]
    fn update(&mut self, [high, low]: [f64; 2]) -> [f64; 3] {
        if !clean([high, low]) {
            self.reset();
            return [f64::NAN; 3];
        }
        match self.extrema.update(high, low) {
            Some((upper, lower)) => channel(upper, lower),
            None => [f64::NAN; 3],
        }
    }

    fn batch(&mut self, inputs: [&[f64]; 2], mut outputs: [&mut [f64]; 3]) {
        let length = length(&inputs, &outputs);
        let [highs, lows] = inputs;
        let mut from = 0;
        while from < length {
            let to = length.min(from + PIECE);
            let mut chunk = outputs.each_mut().map(|output| &mut output[from..to]);
            if clean_rows(&inputs, from, to) {
                let (highs, lows) = (&highs[from..to], &lows[from..to]);
                if !self.extrema.is_full() {
                    chunk.iter_mut().for_each(|output| output.fill(f64::NAN));
                }
                self.extrema.run(
                    to - from,
                    |at| (highs[at], lows[at]),
                    |at, upper, lower| put(&mut chunk, at, channel(upper, lower)),
                );
            } else {
                for at in from..to {
                    put(&mut chunk, at - from, self.update([highs[at], lows[at]]));
                }
            }
            from = to;
        }
    }

    fn reset(&mut self) {
        self.extrema.reset();
    }
}
