//! Stage G: what may the account come to hold? Everything on its way counts as if it filled the worst way.
use super::super::order_context::{MissingInput, OrderContext, OrderRequest, Target};
use super::super::verdict::Outcome;
use super::{all_set, at_most, each, pass_if};
use crate::payload::strategy::IntentKind;

/// R35: the largest position in the instrument, products added up. An exit makes it smaller.
pub fn position(context: &OrderContext<'_>, order: &OrderRequest<'_>) -> Outcome {
    let limit = context.gate.limits().position_quantity_max;
    if context.reduces {
        return at_most("position", 0, limit, "position_quantity_max");
    }
    let worst = order
        .held()
        .and_then(|held| order.instrument.worst_with(order.product, &held));
    match worst {
        Ok(worst) => at_most(
            "largest position",
            worst.into(),
            limit,
            "position_quantity_max",
        ),
        Err(overflow) => MissingInput::from(overflow).into(),
    }
}

/// R37: value of all positions against capital, added up and netted.
pub fn leverage(context: &OrderContext<'_>, order: &OrderRequest<'_>) -> Outcome {
    let limits = context.gate.limits();
    let unset = all_set([
        (limits.capital_e4, "capital_e4"),
        (limits.gross_pct_max, "gross_pct_max"),
        (limits.net_pct_max, "net_pct_max"),
    ]);
    if unset != Outcome::Pass || context.reduces {
        return unset;
    }
    let capital_e4 = i128::from(limits.capital_e4.unwrap_or(0));
    let price_e4 = match order.price_e4 {
        Ok(price_e4) => price_e4.max(order.instrument.mark_e4),
        Err(missing) => return missing.into(),
    };
    let with = order.held().and_then(|held| {
        order
            .instrument
            .exposure_with(order.product, &held, price_e4)
    });
    let total = with.and_then(|with| {
        context
            .gate
            .instruments
            .total
            .minus(order.instrument.exposure)?
            .plus(with)
    });
    let total = match total {
        Ok(total) => total,
        Err(overflow) => return MissingInput::from(overflow).into(),
    };
    let net_e4 = total.long_e4.abs().max(total.short_e4.abs());
    let bare = context.gate.instruments.unmarked
        - i64::from(order.instrument.exposed && order.instrument.mark_e4 == 0);
    each([
        pass_if(bare == 0, "something is held whose price is not known"),
        within(
            "gross value in percent of capital",
            total.gross_e4,
            limits.gross_pct_max,
            capital_e4,
        ),
        within(
            "net value in percent of capital",
            net_e4,
            limits.net_pct_max,
            capital_e4,
        ),
    ])
}

fn within(what: &'static str, value_e4: i128, pct: Option<i64>, capital_e4: i128) -> Outcome {
    let pct = i128::from(pct.unwrap_or(0));
    let Some(hundredfold) = value_e4.checked_mul(100) else {
        return MissingInput::Overflow.into();
    };
    if hundredfold <= capital_e4 * pct {
        return Outcome::Pass;
    }
    at_most(
        what,
        (hundredfold / capital_e4.max(1)).max(pct + 1),
        i64::try_from(pct).ok(),
        what,
    )
}

/// R39: orders that are open, and their value. An exit is not held up by entries; a modify opens none.
pub fn open_orders(context: &OrderContext<'_>, order: &OrderRequest<'_>) -> Outcome {
    let limits = context.gate.limits();
    let more = i64::from(!context.reduces && matches!(context.target, Target::None));
    let of = |open: i64| {
        if context.reduces {
            0
        } else {
            i128::from(open + more)
        }
    };
    let released_e4 = match context.target {
        Target::Order(old) => i128::from(old.bound.value_e4),
        Target::None | Target::Missing => 0,
    };
    let value_e4 = match order.value_e4 {
        _ if context.reduces => 0,
        Ok(value_e4) => context.gate.reserved.value_e4 - released_e4 + i128::from(value_e4),
        Err(missing) => return missing.into(),
    };
    let strategy = context.gate.open_orders_of(context.signal.strategy);
    each([
        at_most(
            "open orders",
            of(context.gate.reserved.open_orders),
            limits.open_orders_max,
            "open_orders_max",
        ),
        at_most(
            "open orders in it",
            of(order.instrument.open_orders),
            limits.open_orders_symbol_max,
            "open_orders_symbol_max",
        ),
        at_most(
            "open orders of its strategy",
            of(strategy),
            limits.open_orders_strategy_max,
            "open_orders_strategy_max",
        ),
        at_most(
            "open value_e4",
            value_e4,
            limits.open_value_e4_max,
            "open_value_e4_max",
        ),
    ])
}

/// R41: what calls itself an exit must be one: no more than is held, less exits on their way.
pub fn exit(context: &OrderContext<'_>, _: &OrderRequest<'_>) -> Outcome {
    pass_if(
        context.reduces || context.signal.intent != IntentKind::Exit,
        "an exit of more than is held, less exits on their way, could open a position",
    )
}
