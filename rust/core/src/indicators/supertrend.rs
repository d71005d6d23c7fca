//! Supertrend: a stop that trails price at a multiple of the ATR and changes sides when a close breaks it.
use super::atr::Ranging;
use super::recursion::{Recursive, Stream, streams};
use super::{BadParameter, multiplier, period};

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
            close_before: f64::NAN,
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
    close_before: f64,
    up: bool,
}

impl Trailing {
    #[inline(always)]
    fn bands(&self, high: f64, low: f64, range: f64) -> (f64, f64) {
        let middle = (high + low) * 0.5;
        let distance = self.multiplier * range;
        (middle + distance, middle - distance)
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
        (self.upper, self.lower) = self.bands(high, low, range);
        self.close_before = close;
        self.up = true;
        [self.lower, 1.0]
    }

    #[inline(always)]
    fn step(&mut self, lane: usize, bar: [f64; 3]) -> [f64; 2] {
        let [range] = self.ranging.step(lane, bar);
        let [high, low, close] = bar;
        let (upper, lower) = self.bands(high, low, range);
        // A band only tightens, until a close beyond it lets it go.
        if upper < self.upper || self.close_before > self.upper {
            self.upper = upper;
        }
        if lower > self.lower || self.close_before < self.lower {
            self.lower = lower;
        }
        self.up = if self.up {
            close >= self.lower
        } else {
            close > self.upper
        };
        self.close_before = close;
        if self.up {
            [self.lower, 1.0]
        } else {
            [self.upper, -1.0]
        }
    }
}
