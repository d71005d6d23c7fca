//! What differs between the exchange of 2026 and the one that older programs were written for, and what the
//! protocol's page leaves open. Plain data: how the exchange keeps to
//! them is said where it does.

/// A rule's value, in all its kinds.
pub mod kinds;
/// How far margins look, and percentages.
mod margins;
/// Limits, answers, sockets, logins, latencies.
mod parts;
/// Every rule under a name.
pub mod settings;
/// Prices and hours of orders.
mod trading;

pub use margins::{MarginRates, Rates};
pub use parts::{
    AnswerForm, Latencies, Limits, LoginRules, OrderIds, SocketRules, Spans, TOKENS_MAX,
    UnknownOrder,
};
pub use trading::{
    AmoHours, BySegment, PriceProtection, ProtectionBands, Reach, SquareOff, Triggers, Window,
};

use crate::calendar::clock::HOUR_NS;

/// What the exchange asks of an order, and how it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    pub name: &'static str,
    /// MARKET and SL-M need `market_protection`; without it this is the answer.
    pub protection_required: bool,
    pub unprotected_answer: AnswerForm,
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
    /// Shares in one order.
    pub share_quantity_max: i64,
    /// Shares are bought and sold as NRML too, paid in full.
    pub nrml_of_shares: bool,
    /// A LIMIT order may become a stop that waits for its trigger.
    pub modify_to_stop: bool,
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
            unprotected_answer: AnswerForm::of(400, "InputException"),
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
            share_quantity_max: 100_000,
            nrml_of_shares: false,
            modify_to_stop: true,
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
                nearest_e4: 900,
                cheap_below_e4: 500_000,
                life_days: 365,
                checked: true,
                trail_in_steps: true,
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
                unlisted_answer: AnswerForm::of(403, "PermissionException"),
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
}
