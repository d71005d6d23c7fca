//! Supertrend: a stop that trails price at a multiple of the ATR and changes sides when a close breaks it.
use super::atr::Ranging;
use super::columns::LANES;
use super::recursion::{Recursive, Stream, streams};
use super::{BadParameter, greater, lesser, multiplier, period};

/// Supertrend. Takes high, low and close; answers the line and the trend, +1.0 up or -1.0 down.
/// `warmup` is `period + 1`; the first trend is up, as in TA-Lib.
#[derive(Clone, Debug)]
pub struct Supertrend(Stream<Trailing>);

impl Supertrend {
    pub fn new(length: i64, width: f64) -> Result<Self, BadParameter> {
        Ok(Self(Stream::new(Trailing {
            ranging: Ranging::new(period("period", 1, length)?),
            multiplier: multiplier("multiplier", width)?,
            upper: f64::NAN,
            lower: f64::NAN,
            up: true,
        })))
    }
}

streams!(Supertrend, 3, 2);

#[derive(Clone, Debug)]
struct Trailing {
    ranging: Ranging,
    multiplier: f64,
    upper: f64,
    lower: f64,
    up: bool,
}

impl Trailing {
    #[inline(always)]
    fn bands(&self, high: f64, low: f64, range: f64) -> (f64, f64) {
        let middle = (high + low) * 0.5;
        let distance = self.multiplier * range;
        (middle + distance, middle - distance)
    }

    /// Takes a bar and its ATR.
    #[inline(always)]
    fn trail(&mut self, [high, low, close]: [f64; 3], range: f64) -> [f64; 2] {
        let (upper, lower) = self.bands(high, low, range);
        self.follow(close, lesser(upper, self.upper), greater(lower, self.lower))
    }

    /// Takes a close and the bands of its bar, and answers the line and the trend. A band only tightens, until a close
    /// beyond it lets it go.
    #[inline(always)]
    fn follow(&mut self, close: f64, upper: f64, lower: f64) -> [f64; 2] {
        (self.upper, self.lower) = (upper, lower);
        if close > upper || close < lower {
            (self.up, self.upper, self.lower) = broken(self.up, close, upper, lower);
        }
        if self.up { [lower, 1.0] } else { [upper, -1.0] }
    }
}

impl Recursive<3, 2> for Trailing {
    fn warmup(&self) -> usize {
        self.ranging.warmup()
    }

    fn warm(&mut self, count: usize, bar: [f64; 3]) -> [f64; 2] {
        let [range] = self.ranging.warm(count, bar);
        if range.is_nan() {
            return [f64::NAN; 2];
        }
        let [high, low, close] = bar;
        let (upper, lower) = self.bands(high, low, range);
        self.follow(close, upper, lower);
        // Whatever the first close says of its own band.
        self.up = true;
        [lower, 1.0]
    }

    #[inline(always)]
    fn step(&mut self, lane: usize, bar: [f64; 3]) -> [f64; 2] {
        let [range] = self.ranging.step(lane, bar);
        self.trail(bar, range)
    }

    // The ATR waits where the line will stand. In nearly every block no band breaks: then only the bands wait for those of
    // the bar before, and the trend is one for all.
    #[inline(always)]
    fn run(&mut self, inputs: [&[[f64; LANES]]; 3], [line, trend]: [&mut [[f64; LANES]]; 2]) {
        self.ranging.run(inputs, [&mut *line]);
        let [high, low, close] = inputs;
        let bars = high.iter().zip(low).zip(close);
        for ((line, trend), ((high, low), close)) in line.iter_mut().zip(trend).zip(bars) {
            let [mut uppers, mut lowers] = [[0.0; LANES]; 2];
            let (mut upper, mut lower) = (self.upper, self.lower);
            // Negative when a close is beyond a band: one decision a block.
            let mut beyond = 0;
            for lane in 0..LANES {
                let bands = self.bands(high[lane], low[lane], line[lane]);
                upper = lesser(bands.0, upper);
                lower = greater(bands.1, lower);
                (uppers[lane], lowers[lane]) = (upper, lower);
                beyond |= (upper - close[lane]).to_bits() | (close[lane] - lower).to_bits();
            }
            if beyond >> 63 != 0 {
                for lane in 0..LANES {
                    let bar = [high[lane], low[lane], close[lane]];
                    [line[lane], trend[lane]] = self.trail(bar, line[lane]);
                }
            } else {
                (self.upper, self.lower) = (upper, lower);
                (*line, *trend) = if self.up {
                    (lowers, [1.0; LANES])
                } else {
                    (uppers, [-1.0; LANES])
                };
            }
        }
    }
}

/// A close has broken a band: answers the trend, and the bands for the next bar to tighten.
#[cold]
#[inline(never)]
fn broken(up: bool, close: f64, upper: f64, lower: f64) -> (bool, f64, f64) {
    let (above, below) = (close > upper, close < lower);
    let up = if up { !below } else { above };
    // A band that is let go is tightened from nowhere.
    let upper = if above { f64::INFINITY } else { upper };
    let lower = if below { f64::NEG_INFINITY } else { lower };
    (up, upper, lower)
}
