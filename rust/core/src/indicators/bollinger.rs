//! Bollinger bands: the mean of the last `period` prices, and a multiple of their standard deviation to either side.
use super::recursion::streams;
use super::window::{Sliding, Sums};
use super::{BadParameter, greater, multiplier, period};

/// Bollinger bands. Takes a price; answers upper, middle and lower. The deviation is the population's (divided by
/// `period`), as in TA-Lib. `warmup` is `period`.
#[derive(Clone, Debug)]
pub struct Bollinger(Sliding<Moments>);

impl Bollinger {
    pub fn new(length: i64, deviations: f64) -> Result<Self, BadParameter> {
        let length = period("period", 2, length)?;
        let moments = Moments {
            count: length as f64,
            share: 1.0 / length as f64,
            deviations: multiplier("deviations", deviations)?,
            origin: 0.0,
            sum: 0.0,
            squares: 0.0,
            squares_max: 0.0,
            spread: 0.0,
        };
        Ok(Self(Sliding::new(length, moments)))
    }
}

streams!(Bollinger, 1, 3);

/// Once the spread is so many times smaller than the squares it is the difference of, or than they were since the last
/// anchor, the sums have lost that many of their digits, and are taken anew around the mean of the day.
const BLUR_MAX: f64 = 4096.0;

/// The sum of the window's distances from `origin`, the mean at the last anchor, and that of their squares.
#[derive(Clone, Debug)]
struct Moments {
    count: f64,
    share: f64,
    deviations: f64,
    origin: f64,
    sum: f64,
    squares: f64,
    /// The greatest `squares` since the last anchor: what its rounding errors are in proportion to.
    squares_max: f64,
    /// The sum of squared distances from the mean.
    spread: f64,
}

impl Moments {
    #[inline(always)]
    fn bands(&mut self) -> [f64; 3] {
        let offset = self.sum * self.share;
        self.spread = greater(self.squares - self.sum * offset, 0.0);
        let middle = self.origin + offset;
        let distance = self.deviations * (self.spread * self.share).sqrt();
        [middle + distance, middle, middle - distance]
    }
}

impl Sums<3> for Moments {
    fn anchor<'a>(&mut self, window: impl Iterator<Item = &'a f64> + Clone) -> [f64; 3] {
        // Relative to the newest price, so that the mean of equal prices is that price and their spread exactly zero.
        let newest = *window.clone().last().expect("a period of at least two");
        self.origin = newest + window.clone().map(|price| price - newest).sum::<f64>() / self.count;
        (self.sum, self.squares) = (0.0, 0.0);
        for price in window {
            let distance = price - self.origin;
            self.sum += distance;
            self.squares += distance * distance;
        }
        self.squares_max = self.squares;
        self.bands()
    }

    #[inline(always)]
    fn slide(&mut self, _lane: usize, incoming: f64, outgoing: f64) -> [f64; 3] {
        let (coming, going) = (incoming - self.origin, outgoing - self.origin);
        self.sum += coming - going;
        self.squares += coming * coming - going * going;
        self.squares_max = greater(self.squares, self.squares_max);
        self.bands()
    }

    #[inline(always)]
    fn blurred(&self) -> bool {
        self.spread * BLUR_MAX < self.squares_max
    }
}
