//! Every rule under a name of its own, so that a file, a command line or a test can set it.
//!
//! What a name may be set to in a settings file, and in which unit, is said at that door; here a value is refused when
//! the exchange could not work with it at all.

use super::kinds::{Date, ErrorType, Flag, Given, Paise, Span, Text, Time, Whole, Wholes};
use super::{AmoHours, Limits, OrderIds, PriceProtection, Rates, Rules, SquareOff, UnknownOrder};

const MS_NS: i64 = 1_000_000;

/// A value that a rule cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: expected {wanted}")]
pub struct Unfit {
    pub name: String,
    pub wanted: &'static str,
}

/// One rule.
pub struct Setting {
    pub name: &'static str,
    get: fn(&Rules) -> Given,
    set: fn(&mut Rules, &Given) -> Result<(), &'static str>,
}

/// A setting whose value has a kind: how it is read out of the rules, and put into them.
macro_rules! setting {
    ($kind:ident $name:ident: |$rules:ident| $get:expr, |$change:ident, $value:ident| $set:expr) => {
        Setting {
            name: stringify!($name),
            get: |$rules| $kind::given($get),
            set: |$change, given| {
                let $value = $kind::taken(given)?;
                $set;
                Ok(())
            },
        }
    };
    ($kind:ident $name:ident = $($path:ident).+) => {
        setting!($kind $name: |rules| rules.$($path).+, |rules, value| {
            rules.$($path).+ = value.try_into().map_err(|_| $kind::WANTED)?
        })
    };
}

/// Of the limits: where the profile has none, one alone can be set.
macro_rules! limit {
    ($kind:ident $name:ident = $($path:ident).+) => {
        setting!($kind $name: |rules| rules.limits.unwrap_or(Limits::NONE).$($path).+, |rules, value| {
            rules.limits.get_or_insert(Limits::NONE).$($path).+ = value.try_into().map_err(|_| $kind::WANTED)?
        })
    };
}

/// Of what the profile may leave out whole: then a part of it cannot be set.
macro_rules! part {
    ($kind:ident $name:ident = $whole:ident.$part:ident or $default:expr, else $why:literal) => {
        setting!($kind $name: |rules| rules.$whole.unwrap_or($default).$part, |rules, value| {
            rules.$whole.as_mut().ok_or($why)?.$part = value
        })
    };
}

/// Of a class of underlyings, in the order in which `Rates` lists them.
macro_rules! scanned {
    ($name:ident = $class:ident) => {
        setting!(Wholes $name: |rules| rules.margins.$class.listed().into(), |rules, value| {
            let list = value.try_into().ok().and_then(Rates::from_list);
            rules.margins.$class = list.ok_or("five numbers to 10000, the third (calendar) less than the first (range)")?
        })
    };
}

/// Of an order's way, in ms.
macro_rules! latency {
    ($name:ident = $transit:ident) => {
        setting!(Whole $name: |rules| rules.latencies.$transit / MS_NS, |rules, value| {
            rules.latencies.$transit = value.checked_mul(MS_NS).ok_or(Whole::WANTED)?
        })
    };
}

/// Of limit price protection.
macro_rules! lpp {
    ($kind:ident $name:ident = $($path:ident).+) => {
        setting!($kind $name: |rules| rules.price_protection.unwrap_or(PriceProtection::KNOWN).$($path).+, |rules, value| {
            rules.price_protection.as_mut().ok_or("lpp = true beside it")?.$($path).+ = value
        })
    };
}

/// In the order in which they are set: what brings others about comes before them.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    setting!(Flag protection_required = protection_required),
    setting!(Whole unprotected_status = unprotected_answer.status),
    setting!(ErrorType unprotected_error_type = unprotected_answer.error_type),
    setting!(Flag protection_shown = protection_shown),
    setting!(Wholes protection_bp: |rules| rules.protection.others_bp.into(), |rules, value| {
        rules.protection.others_bp = value.try_into().map_err(|_| "three numbers")?
    }),
    setting!(Wholes protection_option_bp: |rules| rules.protection.options_bp.into(), |rules, value| {
        rules.protection.options_bp = value.try_into().map_err(|_| "four numbers")?
    }),
    setting!(Flag stops_refused_at_the_door = stops_refused_at_the_door),
    setting!(Whole tag_chars_max = tag_chars_max),
    setting!(Whole disclosed_percent_min = disclosed_percent_min),
    setting!(Whole iceberg_legs_max = iceberg_legs_max),
    setting!(Whole slices_max = slices_max),
    setting!(Whole modifications_max = modifications_max),
    setting!(Whole share_quantity_max = share_quantity_max),
    setting!(Flag nrml_of_shares = nrml_of_shares),
    setting!(Flag modify_to_stop = modify_to_stop),
    setting!(ErrorType closed_order_error_type = closed_order_error_type),
    setting!(Text unknown_order: |rules| match rules.unknown_order {
        UnknownOrder::EmptyList => "empty".to_owned(),
        UnknownOrder::Refused(status) => status.to_string(),
    }, |rules, value| {
        rules.unknown_order = match value.as_str() {
            "empty" => UnknownOrder::EmptyList,
            status => UnknownOrder::Refused(status.parse().map_err(|_| "empty or a status")?),
        }
    }),
    setting!(ErrorType unknown_order_error_type = unknown_order_error_type),
    setting!(Whole holding_status = holding_status),
    setting!(Flag algo_id_shown = algo_id_shown),
    setting!(Text order_ids: |rules| match rules.order_ids {
        OrderIds::Snowflake => "snowflake".to_owned(),
        OrderIds::Dated => "dated".to_owned(),
    }, |rules, value| {
        rules.order_ids = match value.as_str() {
            "snowflake" => OrderIds::Snowflake,
            "dated" => OrderIds::Dated,
            _ => return Err("snowflake or dated"),
        }
    }),
    setting!(Flag open_frames = open_frames),

    limit!(Flag limits_rolling = rolling),
    limit!(Whole orders_per_second = orders_a_second),
    limit!(Whole orders_per_minute = orders_a_minute),
    limit!(Whole orders_per_day = orders_a_day),
    limit!(Whole quotes_per_second = quotes_a_second),
    limit!(Whole history_per_second = history_a_second),
    limit!(Whole others_per_second = others_a_second),
    limit!(Whole minute_limit_status = minute_answer.status),
    limit!(ErrorType minute_limit_error_type = minute_answer.error_type),
    limit!(Whole day_limit_status = day_answer.status),
    limit!(ErrorType day_limit_error_type = day_answer.error_type),

    setting!(Whole span_minute_days = spans.minute),
    setting!(Whole span_few_minutes_days = spans.few_minutes),
    setting!(Whole span_half_hour_days = spans.half_hour),
    setting!(Whole span_hour_days = spans.hour),
    setting!(Whole span_day_days = spans.day),
    setting!(Flag interval_hour = spans.hour_too),

    setting!(Whole gtt_active_max = triggers.active_max),
    setting!(Whole gtt_nearest_bp = triggers.nearest_bp),
    setting!(Paise gtt_nearest_paise = triggers.nearest_e4),
    setting!(Paise gtt_cheap_below_paise = triggers.cheap_below_e4),
    setting!(Whole gtt_life_days = triggers.life_days),
    setting!(Flag gtt_checked = triggers.checked),
    setting!(Flag gtt_trail_in_steps = triggers.trail_in_steps),

    setting!(Flag amo_any_hour: |rules| rules.amo_hours.is_none(), |rules, value| {
        rules.amo_hours = (!value).then(|| rules.amo_hours.unwrap_or(AmoHours::KITE))
    }),
    setting!(Flag amo_cancelled_apart = amo_cancelled_apart),
    part!(Span amo_shares = amo_hours.shares or AmoHours::KITE, else "amo_any_hour = false beside it"),
    part!(Span amo_derivatives = amo_hours.derivatives or AmoHours::KITE, else "amo_any_hour = false beside it"),
    part!(Span amo_currency = amo_hours.currency or AmoHours::KITE, else "amo_any_hour = false beside it"),
    part!(Span amo_commodity = amo_hours.commodity or AmoHours::KITE, else "amo_any_hour = false beside it"),
    setting!(Time auction_held = auction_ns),
    setting!(Flag square_off: |rules| rules.square_off.is_some(), |rules, value| {
        rules.square_off = value.then(|| rules.square_off.unwrap_or(SquareOff::KITE))
    }),
    part!(Time square_off_shares = square_off.shares or SquareOff::KITE, else "square_off = true beside it"),
    part!(Time square_off_derivatives = square_off.derivatives or SquareOff::KITE, else "square_off = true beside it"),
    part!(Time square_off_currency = square_off.currency or SquareOff::KITE, else "square_off = true beside it"),
    part!(Time square_off_commodity = square_off.commodity or SquareOff::KITE, else "square_off = true beside it"),

    setting!(Whole sockets_max = sockets.connections_max),
    setting!(Whole socket_tokens_max = sockets.tokens_max),
    setting!(Flag mode_subscribes = sockets.mode_subscribes),
    setting!(Flag snapshot_on_subscribe = sockets.snapshot),
    setting!(Whole heartbeat_ms = sockets.heartbeat_ms),
    setting!(Flag instruments_meta = sockets.instruments_meta),
    setting!(Flag order_id_member = sockets.order_id_member),
    setting!(Whole nco_divisor: |rules| if rules.sockets.nco_ten_thousandths { 10_000 } else { 100 }, |rules, value| {
        rules.sockets.nco_ten_thousandths = match value {
            10_000 => true,
            100 => false,
            _ => return Err("100 or 10000"),
        }
    }),
    setting!(Flag lpp: |rules| rules.price_protection.is_some(), |rules, value| {
        rules.price_protection = value.then(|| rules.price_protection.unwrap_or(PriceProtection::KNOWN))
    }),
    lpp!(Date lpp_from = from),
    lpp!(Whole lpp_seconds = window_seconds),
    lpp!(Whole lpp_option_bp = options.bp),
    lpp!(Paise lpp_option_paise = options.least_e4),
    lpp!(Whole lpp_future_bp = futures.bp),
    lpp!(Paise lpp_future_paise = futures.least_e4),
    lpp!(Flag lpp_both_sides = both_sides),
    lpp!(Flag lpp_indices = indices),

    latency!(latency_broker_ms = broker_ns),
    latency!(latency_checks_ms = checks_ns),
    latency!(latency_exchange_ms = exchange_ns),
    latency!(latency_book_ms = book_ns),
    latency!(latency_modify_ms = modification_ns),
    latency!(latency_cancel_ms = cancellation_ns),
    setting!(Whole margin_intraday_bp = margins.intraday_bp),
    setting!(Whole margin_funded_bp = margins.funded_bp),
    scanned!(margin_index_bp = index),
    scanned!(margin_stock_bp = stock),
    scanned!(margin_currency_bp = currency),
    scanned!(margin_commodity_bp = commodity),

    setting!(Time login_end = login.end_ns),
    setting!(Whole unlisted_status = login.unlisted_answer.status),
    setting!(ErrorType unlisted_error_type = login.unlisted_answer.error_type),
];

impl Rules {
    /// Every rule's name and value.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, Given)> {
        SETTINGS
            .iter()
            .map(|setting| (setting.name, (setting.get)(self)))
    }

    /// These rules with others in their place. Refused: a name that is none, a value that the rule cannot have.
    pub fn with(mut self, given: &[(String, Given)]) -> Result<Self, Unfit> {
        let unfit = |name: &str, wanted| Unfit {
            name: name.to_owned(),
            wanted,
        };
        let known = |name: &str| SETTINGS.iter().any(|setting| setting.name == name);
        if let Some((name, _)) = given.iter().find(|(name, _)| !known(name)) {
            return Err(unfit(name, "the name of a rule"));
        }
        for setting in SETTINGS {
            if let Some((name, value)) = given.iter().find(|(name, _)| name == setting.name)
                && (setting.get)(&self) != *value
            {
                (setting.set)(&mut self, value).map_err(|wanted| unfit(name, wanted))?;
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(rules: &Rules, name: &str) -> Given {
        let mut all = rules.settings();
        all.find(|(known, _)| *known == name).expect("a rule").1
    }

    #[test]
    fn rules_with_their_own_values_are_the_same_rules() {
        for rules in [Rules::strict_2026(), Rules::legacy()] {
            let own: Vec<_> = rules.settings().map(|(n, v)| (n.to_owned(), v)).collect();

            assert_eq!(rules.clone().with(&own), Ok(rules));
        }
    }

    /// Every rule can be set, and sets itself alone: each profile's values, put into the other's, are there afterwards.
    #[test]
    fn a_rule_that_is_set_is_set_and_no_other_is() {
        for (from, to) in [
            (Rules::strict_2026(), Rules::legacy()),
            (Rules::legacy(), Rules::strict_2026()),
        ] {
            for (name, given) in other_values(&from) {
                let needs = match name {
                    "amo_any_hour" | "amo_cancelled_apart" | "square_off" => None,
                    name if name.starts_with("amo_") => {
                        Some(("amo_any_hour".to_owned(), Given::Flag(false)))
                    }
                    name if name.starts_with("lpp_") => Some(("lpp".to_owned(), Given::Flag(true))),
                    name if name.starts_with("square_off_") => {
                        Some(("square_off".to_owned(), Given::Flag(true)))
                    }
                    _ => None,
                };
                let before = to.clone().with(needs.as_slice()).expect("can be set");
                let set = before.clone().with(&[(name.to_owned(), given.clone())]);
                let set = set.expect(name);

                assert_eq!(value(&set, name), given);
                let changed = set
                    .settings()
                    .zip(before.settings())
                    .filter(|(one, other)| one != other)
                    .count();
                assert!(changed <= 1, "{name} changes others");
            }
        }
    }

    /// Of each rule a value that it does not have.
    fn other_values(rules: &Rules) -> Vec<(&'static str, Given)> {
        let other = |name: &str, given| match (name, given) {
            ("nco_divisor", _) => Given::Whole(100),
            ("unknown_order", _) => Given::Text("empty".into()),
            ("order_ids", Given::Text(text)) if text == "dated" => Given::Text("snowflake".into()),
            ("order_ids", _) => Given::Text("dated".into()),
            (name, _) if name.ends_with("_error_type") => Given::Text("GeneralException".into()),
            (_, Given::Flag(flag)) => Given::Flag(!flag),
            (_, Given::Whole(number)) => Given::Whole(number + 1),
            (_, Given::Wholes(numbers)) => Given::Wholes(numbers.iter().map(|n| n + 1).collect()),
            ("lpp_from", _) => Given::Text("2026-01-05".into()),
            (_, Given::Text(text)) if text.contains('-') => Given::Text("16:01-08:01".into()),
            (_, Given::Text(_)) => Given::Text("15:01".into()),
        };
        rules
            .settings()
            .map(|(name, given)| (name, other(name, given)))
            .collect()
    }

    #[test]
    fn what_a_rule_cannot_be_is_refused() {
        for (name, given) in [
            ("no_such_rule", Given::Flag(true)),
            ("open_frames", Given::Whole(1)),
            ("modifications_max", Given::Whole(-1)),
            ("modifications_max", Given::Whole(1 << 40)),
            ("protection_bp", Given::Wholes(vec![1, 2])),
            ("order_ids", Given::Text("long".into())),
            ("unknown_order", Given::Text("maybe".into())),
            ("unlisted_error_type", Given::Text("Exception".into())),
            ("nco_divisor", Given::Whole(1000)),
            ("login_end", Given::Text("6:00".into())),
            ("login_end", Given::Text("24:00".into())),
            ("login_end", Given::Text("05:60".into())),
            ("amo_shares", Given::Text("16:00".into())),
        ] {
            let refused = Rules::strict_2026().with(&[(name.into(), given)]);

            assert_eq!(refused.expect_err(name).name, name);
        }
    }

    #[test]
    fn a_part_of_what_the_profile_leaves_out_is_refused_without_the_whole() {
        for (name, text) in [
            ("amo_shares", "17:00-08:00"),
            ("square_off_shares", "15:00"),
            ("lpp_from", "2026-01-05"),
        ] {
            let refused = Rules::legacy().with(&[(name.into(), Given::Text(text.into()))]);

            assert!(refused.expect_err(name).wanted.ends_with("beside it"));
        }
    }
}
