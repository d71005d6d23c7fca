//! Stage I: can the account carry it?
use super::super::order_context::{OrderContext, OrderRequest, Target};
use super::super::verdict::{Outcome, Why};
use super::{at_most, clamp, refuse};

/// Asked for on top of what the table says, in percent.
const CUSHION_PCT: i128 = 5;

/// R49: what it binds, and a little more, is available beyond all reservations and what was filled since the broker
/// last told. Once a large part of the funds is in use only exits pass.
pub fn enough(context: &OrderContext<'_>, order: &OrderRequest<'_>) -> Outcome {
    let limit = context.gate.limits().margin_use_pct_max;
    if limit.is_none() || context.reduces {
        return at_most("", 0, limit, "margin_use_pct_max");
    }
    let Some(funds) = context.gate.funds else {
        return refuse("the broker has not told of funds");
    };
    let needed_e4 = match order.margin_e4 {
        Ok(margin_e4) => i128::from(margin_e4),
        Err(missing) => return missing.into(),
    };
    let released_e4 = match context.target {
        Target::Order(old) => i128::from(old.bound.margin_e4),
        Target::None | Target::Missing => 0,
    };
    let bound_e4 = context.gate.reserved.margin_e4 - released_e4
        + i128::from(funds.spent_e4)
        + i128::from(funds.spent_before_e4);
    let free_e4 = i128::from(funds.available_e4) - bound_e4;
    let (used_e4, all_e4) = (
        i128::from(funds.utilised_e4) + bound_e4,
        i128::from(funds.available_e4) + i128::from(funds.utilised_e4),
    );
    let most = i128::from(limit.unwrap_or(0));
    if needed_e4 * (100 + CUSHION_PCT) > free_e4 * 100 {
        let most = clamp(free_e4);
        return Outcome::Refuse(Why::Above {
            what: "margin_e4 with its cushion",
            have: clamp(needed_e4),
            most,
        });
    }
    // Use at the limit already stops entries.
    if used_e4 * 100 >= all_e4 * most {
        return refuse("margin in use has reached its limit: exits only");
    }
    Outcome::Pass
}
