//! Where a day stands: of one instrument, of the path, and the moment itself.

use crate::calendar::clock::MINUTE_NS;

/// What the day has brought one instrument so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayStatistics {
    pub open_e4: i64,
    pub high_e4: i64,
    pub low_e4: i64,
    pub last_e4: i64,
    pub last_quantity: i64,
    pub last_trade_ns: i64,
    pub volume: i64,
    pub value_e4: i128,
    pub oi: i64,
    pub oi_high: i64,
    pub oi_low: i64,
}

impl DayStatistics {
    /// A price of the day; of an index without a quantity.
    pub fn print(&mut self, price_e4: i64, quantity: i64, time_ns: i64) {
        self.reach(price_e4, price_e4);
        self.last_e4 = price_e4;
        if quantity > 0 {
            self.last_quantity = quantity;
            self.last_trade_ns = time_ns;
            self.volume += quantity;
            self.value_e4 += i128::from(price_e4) * i128::from(quantity);
        }
    }

    /// Prices that were reached, printed or not.
    pub fn reach(&mut self, low_e4: i64, high_e4: i64) {
        if self.open_e4 == 0 {
            (self.open_e4, self.high_e4, self.low_e4) = (low_e4, high_e4, low_e4);
        }
        self.high_e4 = self.high_e4.max(high_e4);
        self.low_e4 = self.low_e4.min(low_e4);
    }

    /// The mean price of the day's trades, 0 before the first.
    pub fn average_e4(&self) -> i64 {
        if self.volume == 0 {
            0
        } else {
            (self.value_e4 / i128::from(self.volume)) as i64
        }
    }
}

/// Where the path is, and the span that it has run through in this minute.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    pub previous_close: f64,
    pub index: f64,
    pub low: f64,
    pub high: f64,
}

impl Spot {
    /// The path goes to a value.
    pub fn meet(&mut self, value: f64) {
        self.index = value;
        self.low = self.low.min(value);
        self.high = self.high.max(value);
    }

    pub fn begin_minute(&mut self) {
        (self.low, self.high) = (self.index, self.index);
    }
}

/// A step of the market.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub now_ns: i64,
    pub step_ns: i64,
    pub minute_ns: i64,
}

impl Moment {
    /// The part of the minute that has passed.
    pub fn passed(&self) -> f64 {
        (self.now_ns - self.minute_ns) as f64 / MINUTE_NS as f64
    }
}
