//! What differs between the exchange of 2026 and the one that older programs were written for, and what the
//! protocol's page leaves open.

use crate::exchange::dates::HOUR_NS;
use crate::exchange::margin::scan_rates::MarginRates;
use crate::exchange::matching::price_protection::PriceProtection;
use crate::exchange::orders::amo::AmoHours;
use crate::exchange::orders::order_latency::Transit;
use crate::exchange::refusal::Refusal;
use crate::exchange::settlement::square_off::SquareOff;
use crate::exchange::views::feed::TOKENS_MAX;

/// How order ids look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderIds {
    /// 19 digits: milliseconds of market time above 22 bits of a counter, as since 2025.
    Snowflake,
    /// 15 digits: `YYMMDD` and the time of day in milliseconds.
    Dated,
}

/// The status and the kind of an answer whose words are known and whose form is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub error_type: &'static str,
}

impl Answer {
    const fn of(status: u16, error_type: &'static str) -> Self {
        Self { status, error_type }
    }

    pub fn says(self, message: impl Into<String>) -> Refusal {
        Refusal {
            status: self.status,
            error_type: self.error_type,
            message: message.into(),
        }
    }
}

/// Requests allowed in a window of market time; 0: any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Windows reach back from each request. Else they begin with each second and minute of the clock.
    pub rolling: bool,
    /// Over a minute's number, and over a day's. Over a second's it is 429.
    pub minute_answer: Answer,
    pub day_answer: Answer,
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

impl Limits {
    pub const KITE: Self = Self {
        rolling: false,
        minute_answer: Answer::of(429, "NetworkException"),
        day_answer: Answer::of(429, "NetworkException"),
        orders_a_second: 10,
        orders_a_minute: 400,
        orders_a_day: 5000,
        quotes_a_second: 1,
        history_a_second: 3,
        others_a_second: 10,
    };
    pub const NONE: Self = Self {
        orders_a_second: 0,
        orders_a_minute: 0,
        orders_a_day: 0,
        quotes_a_second: 0,
        history_a_second: 0,
        others_a_second: 0,
        ..Self::KITE
    };
}

/// The broker's protection of orders that ask for `-1`, in hundredths of a percent of the last price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtectionBands {
    /// Below ₹100, up to ₹500, above.
    pub others_bp: [i64; 3],
    /// Below ₹10, below ₹100, up to ₹500, above.
    pub options_bp: [i64; 4],
}

/// What is answered of an order that nobody knows, when its history or its trades are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownOrder {
    Refused(u16),
    EmptyList,
}

/// What a trigger (GTT) may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triggers {
    /// Active ones of one account.
    pub active_max: usize,
    /// One nearer to the last price than this is refused.
    pub nearest_bp: i64,
    pub life_days: i64,
}

/// What the ticker's socket does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketRules {
    /// Of one API key.
    pub connections_max: u32,
    /// Instruments of one connection.
    pub tokens_max: usize,
    /// `mode` for an instrument that is not subscribed subscribes it. Else it is ignored.
    pub mode_subscribes: bool,
    /// What is subscribed is shown at once as it stands.
    pub snapshot: bool,
    /// Silence after which there is one byte, in ms of machine time.
    pub heartbeat_ms: i64,
    /// A connection begins with a text of the instruments' number.
    pub instruments_meta: bool,
    /// An order update has the member `id`.
    pub order_id_member: bool,
    /// The divisor of NCO's prices is 10^4, as the official Python client says since 5.2.2; else 100.
    pub nco_ten_thousandths: bool,
}

/// Who may log in and send orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginRules {
    /// The time of the day, IST, at which every access token dies.
    pub end_ns: i64,
    /// To whose address orders are not allowed from.
    pub unlisted_answer: Answer,
}

/// How long an order's way takes, transit by transit, in market time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latencies {
    /// PUT ORDER REQ RECEIVED to VALIDATION PENDING.
    pub broker_ns: i64,
    /// VALIDATION PENDING to OPEN PENDING.
    pub checks_ns: i64,
    /// OPEN PENDING to OPEN, TRIGGER PENDING or REJECTED.
    pub exchange_ns: i64,
    /// OPEN to the book, in which it may be COMPLETE.
    pub book_ns: i64,
    /// MODIFY VALIDATION PENDING to MODIFIED, for as long as the order stands as it was.
    pub modification_ns: i64,
    /// CANCEL PENDING to CANCELLED, for as long as the order may trade.
    pub cancellation_ns: i64,
}

impl Latencies {
    pub(in crate::exchange) fn of(&self, transit: Transit) -> i64 {
        match transit {
            Transit::Broker => self.broker_ns,
            Transit::Checks => self.checks_ns,
            Transit::Exchange => self.exchange_ns,
            Transit::Book => self.book_ns,
            Transit::Modification { .. } => self.modification_ns,
            Transit::Cancellation => self.cancellation_ns,
        }
    }

    /// Whether a new order takes any time to the exchange.
    pub(in crate::exchange) fn any(&self) -> bool {
        self.broker_ns + self.checks_ns + self.exchange_ns > 0
    }
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
    /// MARKET and SL-M need `market_protection`; without it this is the answer.
    pub protection_required: bool,
    pub unprotected_answer: Answer,
    /// An order whose protection has become its limit still shows what it asked for. Else it shows 0.
    pub protection_shown: bool,
    pub protection: ProtectionBands,
    /// A stop on the wrong side of the last price is refused at the door; otherwise it is taken and shown REJECTED.
    pub stops_refused_at_the_door: bool,
    /// Longer tags are refused, not cut.
    pub tag_chars_max: usize,
    /// Of the order's quantity, in percent.
    pub disclosed_percent_min: i64,
    pub iceberg_legs_max: i64,
    /// Into more than that nothing is sliced.
    pub slices_max: i64,
    pub modifications_max: u32,
    /// Of a request for an order that has ended, or that is undergoing change.
    pub closed_order_error_type: &'static str,
    pub unknown_order: UnknownOrder,
    pub unknown_order_error_type: &'static str,
    /// Of an order for shares that are not there.
    pub holding_status: u16,
    /// The book shows the `algo_id` that an order was placed with.
    pub algo_id_shown: bool,
    /// None: no limits on any route.
    pub limits: Option<Limits>,
    pub spans: Spans,
    pub triggers: Triggers,
    /// When after-market orders are taken; they go to the exchange when it opens. None: at any hour, and they rest
    /// until they are cancelled.
    pub amo_hours: Option<AmoHours>,
    /// An order that is cancelled before it went to the exchange is shown as `CANCELLED AMO`, else as `CANCELLED`.
    /// Nobody has written down which.
    pub amo_cancelled_apart: bool,
    /// When the auction of what was not delivered is held, as a time of the day.
    pub auction_ns: i64,
    /// When the broker closes MIS positions. None: they last until the end.
    pub square_off: Option<SquareOff>,
    pub order_ids: OrderIds,
    /// Whether reaching OPEN makes an order frame on the socket. Staff said no; some have seen it.
    pub open_frames: bool,
    pub latencies: Latencies,
    pub margins: MarginRates,
    /// None: the day's bands are all that an order is measured by.
    pub price_protection: Option<PriceProtection>,
    pub sockets: SocketRules,
    pub login: LoginRules,
}

impl Rules {
    /// Kite as of November 2026.
    pub fn strict_2026() -> Self {
        Self {
            name: "strict-2026",
            protection_required: true,
            unprotected_answer: Answer::of(400, "InputException"),
            protection_shown: false,
            protection: ProtectionBands {
                others_bp: [200, 100, 50],
                options_bp: [500, 300, 200, 100],
            },
            stops_refused_at_the_door: true,
            tag_chars_max: 20,
            disclosed_percent_min: 10,
            iceberg_legs_max: 10,
            slices_max: 10,
            modifications_max: 25,
            closed_order_error_type: "OrderException",
            unknown_order: UnknownOrder::Refused(400),
            unknown_order_error_type: "OrderException",
            holding_status: 400,
            algo_id_shown: false,
            limits: Some(Limits::KITE),
            spans: Spans {
                minute: 60,
                few_minutes: 100,
                half_hour: 200,
                hour: 400,
                day: 2000,
                hour_too: false,
            },
            triggers: Triggers {
                active_max: 250,
                nearest_bp: 25,
                life_days: 365,
            },
            amo_hours: Some(AmoHours::KITE),
            amo_cancelled_apart: false,
            auction_ns: 15 * HOUR_NS,
            square_off: Some(SquareOff::KITE),
            order_ids: OrderIds::Snowflake,
            open_frames: false,
            latencies: Latencies::default(),
            margins: MarginRates::USUAL,
            price_protection: Some(PriceProtection::KNOWN),
            sockets: SocketRules {
                connections_max: 3,
                tokens_max: TOKENS_MAX,
                mode_subscribes: true,
                snapshot: true,
                heartbeat_ms: 1_000,
                instruments_meta: false,
                order_id_member: false,
                nco_ten_thousandths: true,
            },
            login: LoginRules {
                end_ns: 6 * HOUR_NS,
                unlisted_answer: Answer::of(403, "PermissionException"),
            },
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
            price_protection: None,
            ..Self::strict_2026()
        }
    }

    /// The rules of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::strict_2026(), Self::legacy()]
            .into_iter()
            .find(|rules| rules.name == name)
    }

    /// What is said of an order's history or trades when nobody knows the order; none: an empty list.
    pub fn unknown_order_refusal(&self) -> Option<Refusal> {
        match self.unknown_order {
            UnknownOrder::EmptyList => None,
            UnknownOrder::Refused(status) => Some(Refusal {
                status,
                error_type: self.unknown_order_error_type,
                message: UNKNOWN_ORDER.into(),
            }),
        }
    }
}

pub const UNKNOWN_ORDER: &str = "Couldn't find that `order_id`.";
