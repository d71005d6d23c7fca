//! Stage G: what may the account come to hold? Everything on its way counts as if it filled the worst way.
use super::super::ask::{Ask, Lack, Order, Target};
use super::super::verdict::Outcome;
use super::{at_most, each, pass_if};
use crate::payload::strategy::IntentKind;

/// R35: the largest position in the instrument, products added up. An exit makes it smaller.
pub fn position(ask: &Ask<'_>, order: &Order<'_>) -> Outcome {
    let limit = ask.gate.limits().position_quantity_max;
    if ask.reduces {
        return at_most("position", 0, limit, "position_quantity_max");
    }
    let worst = order
        .held()
        .and_then(|held| order.line.worst_with(order.product, &held));
    match worst {
        Ok(worst) => at_most(
            "largest position",
            worst.into(),
            limit,
            "position_quantity_max",
        ),
        Err(overflow) => Lack::from(overflow).into(),
    }
}

/// R37: value of all positions against capital, added up and netted.
pub fn leverage(ask: &Ask<'_>, order: &Order<'_>) -> Outcome {
    let limits = ask.gate.limits();
    let set = [
        at_most("", 0, limits.capital_e4, "capital_e4"),
        at_most("", 0, limits.gross_pct_max, "gross_pct_max"),
        at_most("", 0, limits.net_pct_max, "net_pct_max"),
    ];
    let unset = each(set);
    if unset != Outcome::Pass || ask.reduces {
        return unset;
    }
    let capital_e4 = i128::from(limits.capital_e4.unwrap_or(0));
    let price_e4 = match order.price_e4 {
        Ok(price_e4) => price_e4.max(order.line.mark_e4),
        Err(lack) => return lack.into(),
    };
    let with = order
        .held()
        .and_then(|held| order.line.exposure_with(order.product, &held, price_e4));
    let total = with.and_then(|with| ask.gate.lines.total.minus(order.line.exposure)?.plus(with));
    let total = match total {
        Ok(total) => total,
        Err(overflow) => return Lack::from(overflow).into(),
    };
    let net_e4 = total.long_e4.abs().max(total.short_e4.abs());
    let bare = ask.gate.lines.unmarked - i64::from(order.line.exposed && order.line.mark_e4 == 0);
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
        return Lack::Overflow.into();
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
pub fn open_orders(ask: &Ask<'_>, order: &Order<'_>) -> Outcome {
    let limits = ask.gate.limits();
    let more = i64::from(!ask.reduces && matches!(ask.target, Target::None));
    let of = |open: i64| {
        if ask.reduces {
            0
        } else {
            i128::from(open + more)
        }
    };
    let released_e4 = match ask.target {
        Target::Order(old) => i128::from(old.bound.value_e4),
        Target::None | Target::Missing => 0,
    };
    let value_e4 = match order.value_e4 {
        _ if ask.reduces => 0,
        Ok(value_e4) => ask.gate.reserved.value_e4 - released_e4 + i128::from(value_e4),
        Err(lack) => return lack.into(),
    };
    let strategy = ask.gate.open_orders_of(ask.signal.strategy);
    each([
        at_most(
            "open orders",
            of(ask.gate.reserved.open_orders),
            limits.open_orders_max,
            "open_orders_max",
        ),
        at_most(
            "open orders in it",
            of(order.line.open_orders),
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
pub fn exit(ask: &Ask<'_>, _: &Order<'_>) -> Outcome {
    pass_if(
        ask.reduces || ask.signal.intent != IntentKind::Exit,
        "an exit of more than is held, less exits on their way, could open a position",
    )
}
