//! Stochastic: where the close stands between the lowest low and the highest high, in percent, averaged twice.
use super::columns::{PIECE, clean, clean_rows, length, put};
use super::extrema::Extrema;
use super::{BadParameter, Indicator, LARGEST, Sma, period};

/// Slow stochastic. Takes high, low and close; answers %K and %D, both from the same input on:
/// `warmup` is `k + smooth + d - 2`. A range of zero answers 0.0 for its bar, as in TA-Lib.
#[derive(Clone, Debug)]
pub struct Stochastic {
    warmup: usize,
    extrema: Extrema,
    slow_k: Sma,
    slow_d: Sma,
}

impl Stochastic {
    /// `k` bars of range, %K their mean over `smooth`, %D the mean of that over `d`.
    pub fn new(k: i64, smooth: i64, d: i64) -> Result<Self, BadParameter> {
        let range = period("k", 1, k)?;
        let warmup = range + period("smooth", 1, smooth)? + period("d", 1, d)? - 2;
        Ok(Self {
            warmup,
            extrema: Extrema::new(range),
            slow_k: Sma::new(smooth)?,
            slow_d: Sma::new(d)?,
        })
    }

    /// What is left of the way once the raw %K is known.
    #[inline(always)]
    fn average(&mut self, fast: f64) -> [f64; 2] {
        let [slow_k] = self.slow_k.update([fast]);
        if slow_k.is_nan() {
            return [f64::NAN; 2];
        }
        let [slow_d] = self.slow_d.update([slow_k]);
        if slow_d.is_nan() {
            [f64::NAN; 2]
        } else {
            [slow_k, slow_d]
        }
    }

    /// `average` for a column of raw %K.
    fn averages(&mut self, fast: &[f64], slow_k: &mut [f64], slow_d: &mut [f64]) {
        self.slow_k.batch([fast], [slow_k]);
        // Once one mean is there, all later ones are: only the beginning of a chunk can be warming up.
        let warming = slow_k.iter().take_while(|mean| mean.is_nan()).count();
        slow_d[..warming].fill(f64::NAN);
        self.slow_d
            .batch([&slow_k[warming..]], [&mut slow_d[warming..]]);
        // %K is held back until %D is there.
        for (mean_k, mean_d) in slow_k
            .iter_mut()
            .zip(slow_d.iter())
            .take_while(|(_, mean_d)| mean_d.is_nan())
        {
            *mean_k = *mean_d;
        }
    }
}

/// A close far outside its own bar over hardly any range: kept within what the averages take as a number.
const STANDING_MAX: f64 = LARGEST / 1e3;

#[inline(always)]
fn standing(close: f64, highest: f64, lowest: f64) -> f64 {
    let range = highest - lowest;
    let standing = if range != 0.0 {
        100.0 * ((close - lowest) / range)
    } else {
        0.0
    };
    standing.clamp(-STANDING_MAX, STANDING_MAX)
}

impl Indicator<3, 2> for Stochastic {
    fn warmup(&self) -> usize {
        self.warmup
    }

    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 2] {
        if !clean([high, low, close]) {
            self.reset();
            return [f64::NAN; 2];
        }
        match self.extrema.update(high, low) {
            Some((highest, lowest)) => self.average(standing(close, highest, lowest)),
            None => [f64::NAN; 2],
        }
    }

    fn batch(&mut self, inputs: [&[f64]; 3], mut outputs: [&mut [f64]; 2]) {
        let length = length(&inputs, &outputs);
        let [highs, lows, closes] = inputs;
        let mut from = 0;
        while from < length {
            let to = length.min(from + PIECE);
            if clean_rows(&inputs, from, to) {
                let (highs, lows, closes) = (&highs[from..to], &lows[from..to], &closes[from..to]);
                let mut fast = [0.0; PIECE];
                let mut known = 0;
                self.extrema.run(
                    to - from,
                    |at| (highs[at], lows[at]),
                    |at, highest, lowest| {
                        fast[known] = standing(closes[at], highest, lowest);
                        known += 1;
                    },
                );
                let [slow_k, slow_d] = outputs.each_mut().map(|output| &mut output[from..to]);
                let unknown = to - from - known;
                slow_k[..unknown].fill(f64::NAN);
                slow_d[..unknown].fill(f64::NAN);
                self.averages(
                    &fast[..known],
                    &mut slow_k[unknown..],
                    &mut slow_d[unknown..],
                );
            } else {
                for at in from..to {
                    put(
                        &mut outputs,
                        at,
                        self.update([highs[at], lows[at], closes[at]]),
                    );
                }
            }
            from = to;
        }
    }

    fn reset(&mut self) {
        self.extrema.reset();
        self.slow_k.reset();
        self.slow_d.reset();
    }
}
