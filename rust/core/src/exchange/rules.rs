//! What differs between the exchange of 2026 and the one that older programs were written for, and what the
//! protocol's page leaves open.

use super::amo::AmoHours;
use super::squareoff::SquareOff;

/// How order ids look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderIds {
    /// 19 digits: milliseconds of market time above 22 bits of a counter, as since 2025.
    Snowflake,
    /// 15 digits: `YYMMDD` and the time of day in milliseconds.
    Dated,
}

/// Requests allowed in a window of market time, counted from its calendar start, not rolling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Place, modify and cancel together, per account.
    pub orders_a_second: u32,
    pub orders_a_minute: u32,
    /// Placements per account, refused ones included.
    pub orders_a_day: u32,
    /// `/quote`, `/quote/ohlc` and `/quote/ltp` together, per API key.
    pub quotes_a_second: u32,
    /// Candles, per API key.
    pub history_a_second: u32,
    /// Every other request together, per API key.
    pub others_a_second: u32,
}

/// The most days that one request for candles may span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spans {
    pub minute: i32,
    /// 3, 5 and 10 minutes.
    pub few_minutes: i32,
    /// 15 and 30 minutes.
    pub half_hour: i32,
    pub hour: i32,
    pub day: i32,
    /// Whether `hour` is a word for `60minute`.
    pub hour_too: bool,
}

/// What the exchange asks of an order, and how it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    pub name: &'static str,
    /// MARKET and SL-M need `market_protection`.
    pub protection_required: bool,
    /// A stop on the wrong side of the last price is refused at the door; otherwise it is taken and shown REJECTED.
    pub stops_refused_at_the_door: bool,
    /// None: no limits on any route.
    pub limits: Option<Limits>,
    pub spans: Spans,
    pub modifications_max: u32,
    /// When after-market orders are taken; they go to the exchange when it opens. None: at any hour, and they rest
    /// until they are cancelled.
    pub amo_hours: Option<AmoHours>,
    /// An order that is cancelled before it went to the exchange is shown as `CANCELLED AMO`, else as `CANCELLED`.
    /// Nobody has written down which.
    pub amo_cancelled_apart: bool,
    /// When the broker closes MIS positions. None: they last until the end.
    pub square_off: Option<SquareOff>,
    pub order_ids: OrderIds,
    /// Whether reaching OPEN makes an order frame on the socket. Staff said no; some have seen it.
    pub open_frames: bool,
}

/// Longer tags are refused, not cut.
pub const TAG_CHARS_MAX: usize = 20;

impl Rules {
    /// Kite as of November 2026.
    pub fn strict_2026() -> Self {
        Self {
            name: "strict-2026",
            protection_required: true,
            stops_refused_at_the_door: true,
            limits: Some(Limits {
                orders_a_second: 10,
                orders_a_minute: 400,
                orders_a_day: 5000,
                quotes_a_second: 1,
                history_a_second: 3,
                others_a_second: 10,
            }),
            spans: Spans {
                minute: 60,
                few_minutes: 100,
                half_hour: 200,
                hour: 400,
                day: 2000,
                hour_too: false,
            },
            modifications_max: 25,
            amo_hours: Some(AmoHours::KITE),
            amo_cancelled_apart: false,
            square_off: Some(SquareOff::KITE),
            order_ids: OrderIds::Snowflake,
            open_frames: false,
        }
    }

    /// Kite as programs written before 2026 know it.
    pub fn legacy() -> Self {
        Self {
            name: "legacy",
            protection_required: false,
            stops_refused_at_the_door: false,
            limits: None,
            spans: Spans {
                minute: 30,
                few_minutes: 90,
                half_hour: 180,
                hour: 365,
                day: 2000,
                hour_too: true,
            },
            order_ids: OrderIds::Dated,
            amo_hours: None,
            square_off: None,
            ..Self::strict_2026()
        }
    }

    /// The rules of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::strict_2026(), Self::legacy()]
            .into_iter()
            .find(|rules| rules.name == name)
    }
}
