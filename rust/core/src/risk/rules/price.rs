//! Stage E: is the price near the market, and one that the exchange takes?
use super::super::order_context::{OrderContext, OrderRequest};
use super::super::verdict::{Outcome, Why};
use super::{all_set, pass_if, refuse};
use crate::terms::{Exchange, InstrumentKind, OrderType};

/// The exchanges' price protection of options, 95 % of it: NSE max(20 rupees, 40 %), BSE max(30 rupees, 60 %) away
/// from the mean of the last 30 s.
const NSE_OPTIONS: (i128, i128) = (19_0000, 3_800);
const BSE_OPTIONS: (i128, i128) = (28_5000, 5_700);

/// R26 (of options R28's band): not far from the mean of the last 30 s. An exit before that is known is measured
/// against the price that its position is valued at.
pub fn collar(context: &OrderContext<'_>, order: &OrderRequest<'_>) -> Outcome {
    let row = order.row;
    let limits = context.gate.limits();
    let unset = all_set([
        (limits.collar_cash_bp_max, "collar_cash_bp_max"),
        (
            limits.collar_index_future_bp_max,
            "collar_index_future_bp_max",
        ),
        (
            limits.collar_stock_future_bp_max,
            "collar_stock_future_bp_max",
        ),
    ]);
    if unset != Outcome::Pass {
        return unset;
    }
    let wide = |bp: Option<i64>| (0, i128::from(bp.unwrap_or(0)));
    let (least_e4, bp) = match row.kind {
        InstrumentKind::Call | InstrumentKind::Put if row.exchange == Exchange::Bfo => BSE_OPTIONS,
        InstrumentKind::Call | InstrumentKind::Put => NSE_OPTIONS,
        InstrumentKind::Future if row.of_index => wide(limits.collar_index_future_bp_max),
        InstrumentKind::Future => wide(limits.collar_stock_future_bp_max),
        InstrumentKind::Cash | InstrumentKind::Index => wide(limits.collar_cash_bp_max),
    };
    let bound_e4 = match order.bound_e4 {
        Ok(bound_e4) => bound_e4,
        Err(missing) => return missing.into(),
    };
    let (sum_e4, count) = match order.instrument.reference_price.sum_and_count() {
        Some(known) => known,
        None if !context.reduces => return refuse("its ticks do not reach back 30 s"),
        None => (order.instrument.mark_e4, 1),
    };
    let (sum, count) = (i128::from(sum_e4), i128::from(count));
    // |price - sum/count| against share of sum/count, both times count: nothing is rounded, nothing can overflow.
    let away = (i128::from(bound_e4) * count - sum).abs();
    let inside = away * 10_000 <= sum * bp || away <= least_e4 * count;
    pass_if(
        inside,
        "its price is too far from the mean of the last 30 s",
    )
}

/// R27: inside today's band.
pub fn band(context: &OrderContext<'_>, order: &OrderRequest<'_>) -> Outcome {
    let (lower_e4, upper_e4) = (order.row.lower_e4, order.row.upper_e4);
    if lower_e4 <= 0 || upper_e4 <= 0 {
        return pass_if(context.reduces, "today's band is not known");
    }
    let prices = match order.order_type {
        OrderType::Limit => [context.signal.price_e4; 2],
        OrderType::Sl => [context.signal.price_e4, context.signal.trigger_price_e4],
        OrderType::SlM => [context.signal.trigger_price_e4; 2],
        OrderType::Market => [order.instrument.mark_e4; 2],
    };
    match prices
        .into_iter()
        .find(|price_e4| *price_e4 < lower_e4 || *price_e4 > upper_e4)
    {
        None => Outcome::Pass,
        Some(have) if have < lower_e4 => Outcome::Refuse(Why::Below {
            what: "price_e4",
            have,
            least: lower_e4,
        }),
        Some(have) => Outcome::Refuse(Why::Above {
            what: "price_e4",
            have,
            most: upper_e4,
        }),
    }
}
