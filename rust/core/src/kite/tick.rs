//! One tick, all its fields.
use super::kind::{Mode, TickKind};

/// Levels of a packet's depth: 0–4 are buys, best first; 5–9 sells, best first.
pub const DEPTH_LEVELS: usize = 10;
/// Where the best sell stands.
pub const BEST_SELL: usize = 5;

/// One instrument's state as one packet tells it. Fields that its kind does not carry are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    pub token: u32,
    pub kind: TickKind,
    /// [`super::TickFlags`] bits; 0 is a clean tick.
    pub flags: u16,
    /// Exchange time, ns UTC, whole seconds on Kite's wire; 0 when the packet carries none.
    pub exchange_ns: i64,
    pub last_price_e4: i64,
    pub open_e4: i64,
    pub high_e4: i64,
    pub low_e4: i64,
    /// The previous session's close while the market is open.
    pub close_e4: i64,
    pub average_price_e4: i64,
    pub last_quantity: u32,
    /// Traded since the day began.
    pub volume: u32,
    pub buy_quantity: u32,
    pub sell_quantity: u32,
    /// Time of the last trade, ns UTC; 0 when there was none.
    pub last_trade_ns: i64,
    pub oi: u32,
    pub oi_high: u32,
    pub oi_low: u32,
    pub depth_price_e4: [i64; DEPTH_LEVELS],
    pub depth_quantity: [u32; DEPTH_LEVELS],
    pub depth_orders: [u16; DEPTH_LEVELS],
}

impl Tick {
    /// A tick of the fullest kind its instrument has, with nothing else known yet.
    pub fn new(token: u32, last_price_e4: i64) -> Self {
        Self {
            token,
            kind: Mode::Full.kind(token),
            last_price_e4,
            ..Self::default()
        }
    }
}
