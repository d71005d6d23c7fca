//! What the rules are made of: limits, answers, sockets, logins, an order's way.

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
pub struct AnswerForm {
    pub status: u16,
    pub error_type: &'static str,
}

impl AnswerForm {
    pub const fn of(status: u16, error_type: &'static str) -> Self {
        Self { status, error_type }
    }
}

/// Requests allowed in a window of market time; 0: any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Windows reach back from each request. Else they begin with each second and minute of the clock.
    pub rolling: bool,
    /// Over a minute's number, and over a day's. Over a second's it is 429.
    pub minute_answer: AnswerForm,
    pub day_answer: AnswerForm,
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
        minute_answer: AnswerForm::of(429, "NetworkException"),
        day_answer: AnswerForm::of(429, "NetworkException"),
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

/// What is answered of an order that nobody knows, when its history or its trades are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownOrder {
    Refused(u16),
    EmptyList,
}

/// Instruments of one connection.
pub const TOKENS_MAX: usize = 3_000;

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
    pub unlisted_answer: AnswerForm,
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
