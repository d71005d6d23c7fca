//! Stage H: has the day lost enough?
use super::super::order_context::OrderContext;
use super::super::verdict::Outcome;
use super::{all_set, each, pass_if};

/// R44: realised and marked to market, after charges; latched for the day. A loss that cannot be reckoned is no
/// smaller than the limit.
pub fn daily(context: &OrderContext<'_>) -> Outcome {
    let gate = context.gate;
    let unset = all_set([
        (gate.limits().capital_e4, "capital_e4"),
        (gate.limits().daily_loss_bp_max, "daily_loss_bp_max"),
    ]);
    if unset != Outcome::Pass || context.reduces {
        return unset;
    }
    each([
        pass_if(
            !gate.authority.lost(context.day),
            "the day's loss limit was reached: exits only until tomorrow",
        ),
        pass_if(
            gate.portfolio.uncharged() == 0,
            "charges of something traded are not known",
        ),
    ])
}
