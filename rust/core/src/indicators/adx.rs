//! ADX, Wilder's average directional index: how much of the movement goes one way, smoothed, in percent.
use super::atr::true_range;
use super::recursion::{Recursive, Stream, streams};
use super::{BadParameter, period};

/// Average directional index, 0 to 100. Takes high, low and close; `warmup` is `2 * period`.
#[derive(Clone, Debug)]
pub struct Adx(Stream<Direction>);

impl Adx {
    pub fn new(length: i64) -> Result<Self, BadParameter> {
        let length = period("period", 2, length)?;
        let keep = (length as f64 - 1.0) / length as f64;
        Ok(Self(Stream::new(Direction {
            period: length,
            keep,
            weight: 1.0 / length as f64,
            before: [f64::NAN; 3],
            up: 0.0,
            down: 0.0,
            range: 0.0,
            adx: 0.0,
        })))
    }
}

streams!(Adx, 3, 1);

#[derive(Clone, Debug)]
struct Direction {
    period: usize,
    keep: f64,
    weight: f64,
    before: [f64; 3],
    up: f64,
    down: f64,
    range: f64,
    /// While warming up, the sum of what will be its first mean.
    adx: f64,
}

impl Direction {
    /// Takes a bar's movement into the decaying sums, of which `keep` stays.
    #[inline(always)]
    fn add(&mut self, keep: f64, [high, low, close]: [f64; 3]) {
        let [high_before, low_before, close_before] = self.before;
        let (rise, fall) = (high - high_before, low_before - low);
        let up = if rise > fall && rise > 0.0 { rise } else { 0.0 };
        let down = if fall > rise && fall > 0.0 { fall } else { 0.0 };
        self.up = self.up * keep + up;
        self.down = self.down * keep + down;
        self.range = self.range * keep + true_range(high, low, close_before);
        self.before = [high, low, close];
    }

    /// The directional index of this moment, in percent; `None` where nothing has moved, of which there is none.
    #[inline(always)]
    fn index(&self) -> Option<f64> {
        let both = self.up + self.down;
        (self.range > 0.0 && both > 0.0).then(|| 100.0 * ((self.up - self.down).abs() / both))
    }
}

impl Recursive<3, 1> for Direction {
    fn warmup(&self) -> usize {
        2 * self.period
    }

    fn warm(&mut self, count: usize, bar: [f64; 3]) -> [f64; 1] {
        if count == 1 {
            (self.up, self.down, self.range, self.adx) = (0.0, 0.0, 0.0, 0.0);
            self.before = bar;
            return [f64::NAN];
        }
        self.add(if count <= self.period { 1.0 } else { self.keep }, bar);
        if count > self.period {
            self.adx += self.index().unwrap_or(0.0);
        }
        if count < 2 * self.period {
            return [f64::NAN];
        }
        self.adx /= self.period as f64;
        [self.adx]
    }

    #[inline(always)]
    fn step(&mut self, _lane: usize, bar: [f64; 3]) -> [f64; 1] {
        self.add(self.keep, bar);
        // Without movement the index says nothing, so the average stays where it is, as in TA-Lib.
        if let Some(index) = self.index() {
            self.adx = self.adx * self.keep + index * self.weight;
        }
        [self.adx]
    }
}
