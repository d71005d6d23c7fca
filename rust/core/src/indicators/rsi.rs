//! RSI, Wilder's relative strength index: the rises' share of all movement, in percent.
use super::decay::Decay;
use super::recursion::{Recursive, Stream, streams};
use super::{BadParameter, greater, period};

/// Relative strength index, 0 to 100. Takes a price; `warmup` is `period + 1`. An unmoving price answers 0.0.
#[derive(Clone, Debug)]
pub struct Rsi(Stream<Strength>);

impl Rsi {
    pub fn new(length: i64) -> Result<Self, BadParameter> {
        let length = period("period", 2, length)?;
        Ok(Self(Stream::new(Strength {
            period: length,
            price_before: f64::NAN,
            rises: 0.0,
            moves: 0.0,
            rise: Decay::wilder(length),
            movement: Decay::wilder(length),
        })))
    }
}

streams!(Rsi, 1, 1);

#[derive(Clone, Debug)]
struct Strength {
    period: usize,
    price_before: f64,
    rises: f64,
    moves: f64,
    rise: Decay,
    movement: Decay,
}

#[inline(always)]
fn strength(rise: f64, movement: f64) -> f64 {
    if movement > 0.0 {
        100.0 * (rise / movement)
    } else {
        0.0
    }
}

impl Recursive<1, 1> for Strength {
    fn warmup(&self) -> usize {
        self.period + 1
    }

    fn warm(&mut self, count: usize, [price]: [f64; 1]) -> [f64; 1] {
        let change = price - std::mem::replace(&mut self.price_before, price);
        if count == 1 {
            (self.rises, self.moves) = (0.0, 0.0);
            return [f64::NAN];
        }
        self.rises += greater(change, 0.0);
        self.moves += change.abs();
        if count <= self.period {
            return [f64::NAN];
        }
        self.rise.start(self.rises);
        self.movement.start(self.moves);
        [strength(self.rises, self.moves)]
    }

    #[inline(always)]
    fn step(&mut self, lane: usize, [price]: [f64; 1]) -> [f64; 1] {
        let change = price - self.price_before;
        self.price_before = price;
        let rise = self.rise.step(lane, greater(change, 0.0));
        let movement = self.movement.step(lane, change.abs());
        [strength(rise, movement)]
    }
}
