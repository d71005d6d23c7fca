//! One closed bar, and one that is open.
use super::spec::BarSpec;

/// Open, high, low, close, volume and value of some ticks of one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bar {
    pub token: u32,
    pub spec: BarSpec,
    /// Time bars: their place in the session. Others: their first tick.
    pub start_ns: i64,
    /// Time bars: where the next would begin, or the session's close before it. Others: their last tick.
    pub end_ns: i64,
    pub open_e4: i64,
    pub high_e4: i64,
    pub low_e4: i64,
    pub close_e4: i64,
    pub volume: u64,
    /// Each tick's volume at its last price, in 1/10,000 rupee.
    pub value_e4: i64,
    pub ticks: u64,
    /// Closed with the session, before it was complete.
    pub short: bool,
    /// Ticks of it are missing: it began before anybody listened, or spans an outage.
    pub gapped: bool,
}

/// What one tick brings to a bar.
#[derive(Clone, Copy, Debug)]
pub struct Print {
    pub time_ns: i64,
    pub price_e4: i64,
    /// Traded since the tick before.
    pub volume: u32,
}

/// A bar that may still take ticks.
#[derive(Clone, Copy, Debug)]
pub struct OpenBar {
    start_ns: i64,
    end_ns: i64,
    last_ns: i64,
    open_e4: i64,
    high_e4: i64,
    low_e4: i64,
    close_e4: i64,
    volume: u64,
    value_e4: i128,
    ticks: u64,
    gapped: bool,
}

impl OpenBar {
    /// A bar that its first tick opens.
    pub fn new(start_ns: i64, end_ns: i64, print: Print) -> Self {
        let price_e4 = print.price_e4;
        let mut bar = Self {
            start_ns,
            end_ns,
            last_ns: print.time_ns,
            open_e4: price_e4,
            high_e4: price_e4,
            low_e4: price_e4,
            close_e4: price_e4,
            volume: 0,
            value_e4: 0,
            ticks: 0,
            gapped: false,
        };
        bar.add(print);
        bar
    }

    #[inline]
    pub fn add(&mut self, print: Print) {
        self.last_ns = print.time_ns;
        self.high_e4 = self.high_e4.max(print.price_e4);
        self.low_e4 = self.low_e4.min(print.price_e4);
        self.close_e4 = print.price_e4;
        // A day's volume is 32 bits on the wire and a bar lives within a day, so neither sum can overflow.
        self.volume += u64::from(print.volume);
        self.value_e4 += i128::from(print.volume) * i128::from(print.price_e4);
        self.ticks += 1;
    }

    /// Ticks that would have belonged to it are gone.
    pub fn mark_gapped(&mut self) {
        self.gapped = true;
    }

    pub fn start_ns(&self) -> i64 {
        self.start_ns
    }

    /// No tick from here on belongs to it.
    #[inline]
    pub fn end_ns(&self) -> i64 {
        self.end_ns
    }

    pub fn last_ns(&self) -> i64 {
        self.last_ns
    }

    /// Whether a bar of this spec is complete by what it holds; time bars never are.
    #[inline]
    pub fn is_full(&self, spec: BarSpec) -> bool {
        match spec {
            BarSpec::Ticks(ticks) => self.ticks >= u64::from(ticks),
            BarSpec::Volume(volume) => self.volume >= volume,
            BarSpec::Value(value_e4) => self.value_e4 >= i128::from(value_e4),
            BarSpec::Seconds(_) | BarSpec::Day => false,
        }
    }

    /// The closed bar, and whether its value fits 64 bits; where not, it is the largest that does.
    pub fn close(&self, token: u32, spec: BarSpec, end_ns: i64, short: bool) -> (Bar, bool) {
        let value_e4 = i64::try_from(self.value_e4);
        let bar = Bar {
            token,
            spec,
            start_ns: self.start_ns,
            end_ns,
            open_e4: self.open_e4,
            high_e4: self.high_e4,
            low_e4: self.low_e4,
            close_e4: self.close_e4,
            volume: self.volume,
            value_e4: value_e4.unwrap_or(i64::MAX),
            ticks: self.ticks,
            short,
            gapped: self.gapped,
        };
        (bar, value_e4.is_ok())
    }
}
