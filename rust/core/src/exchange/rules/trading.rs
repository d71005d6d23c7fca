//! What the rules are made of: what an order's price and its hour are measured by.

use crate::calendar::clock::{HOUR_NS, MINUTE_NS};
use crate::day::Day;

/// The broker's protection of orders that ask for `-1`, in hundredths of a percent of the last price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtectionBands {
    /// Below ₹100, up to ₹500, above.
    pub others_bp: [i64; 3],
    /// Below ₹10, below ₹100, up to ₹500, above.
    pub options_bp: [i64; 4],
}

/// How far a limit may be from the reference: a part of it, or an amount where that is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    pub bp: i64,
    pub least_e4: i64,
}

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceProtection {
    /// The first day on which it holds.
    pub from: Day,
    /// The reference is the mean price of the trades of so long.
    pub window_seconds: i64,
    pub options: Reach,
    pub futures: Reach,
    /// Limits on the safe side, below the reference for a buyer, are rejected too.
    pub both_sides: bool,
    /// It holds for contracts on indices too.
    pub indices: bool,
}

impl PriceProtection {
    /// BSE's circular of 2026-06-29 for the numbers and the day; the reference from secondary pages, and that the safe
    /// side is free from memory.
    pub const KNOWN: Self = Self {
        from: Day::of(2026, 7, 6),
        window_seconds: 30,
        options: Reach {
            bp: 4_000,
            least_e4: 200_000,
        },
        futures: Reach {
            bp: 300,
            least_e4: 15_000,
        },
        both_sides: false,
        indices: true,
    };
}

/// From when to when a segment's after-market orders are taken, as times of the day; over midnight when the first is
/// the later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from_ns: i64,
    pub until_ns: i64,
}

impl Window {
    const fn of(from: (i64, i64), until: (i64, i64)) -> Self {
        Self {
            from_ns: from.0 * HOUR_NS + from.1 * MINUTE_NS,
            until_ns: until.0 * HOUR_NS + until.1 * MINUTE_NS,
        }
    }
}

/// What differs between the segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BySegment<T> {
    pub shares: T,
    pub derivatives: T,
    pub currency: T,
    pub commodity: T,
}

/// When after-market orders are taken.
pub type AmoHours = BySegment<Window>;

impl AmoHours {
    /// Zerodha's page, which is older than the sessions of August 2026.
    pub const KITE: Self = Self {
        shares: Window::of((16, 0), (8, 58)),
        derivatives: Window::of((15, 45), (9, 10)),
        currency: Window::of((17, 0), (8, 59)),
        commodity: Window::of((23, 55), (8, 58)),
    };
}

/// When the broker closes MIS and CO positions of a segment, as times of the day. It keeps them only in a market whose
/// hours are dated.
pub type SquareOff = BySegment<i64>;

impl SquareOff {
    /// Zerodha's pages; for shares that close by auction since August 2026 they say nothing, and 15:10 is a guess.
    pub const KITE: Self = Self {
        shares: 15 * HOUR_NS + 10 * MINUTE_NS,
        derivatives: 15 * HOUR_NS + 25 * MINUTE_NS,
        currency: 16 * HOUR_NS + 45 * MINUTE_NS,
        commodity: 23 * HOUR_NS + 5 * MINUTE_NS,
    };
}

/// What a trigger (GTT) may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triggers {
    /// Active ones of one account.
    pub active_max: usize,
    /// One nearer to the last price than this is refused.
    pub nearest_bp: i64,
    /// The same as an amount, where the last price is below another.
    pub nearest_e4: i64,
    pub cheap_below_e4: i64,
    pub life_days: i64,
    /// Their orders' lots, ticks and products are looked at when they are set, else only when they are placed.
    pub checked: bool,
    /// A trailing one moves by whole trailing points, else by whatever the price has gone.
    pub trail_in_steps: bool,
}
