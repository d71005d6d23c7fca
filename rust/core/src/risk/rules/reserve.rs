//! Stage K: can its worst case be held back?
use super::super::order_context::{MissingInput, OrderContext};
use super::super::verdict::Outcome;

/// R54: what it may still trade, what that is worth and what it binds are numbers that add to the sums. The verdict
/// itself is on the tape before it leaves.
pub fn possible(context: &OrderContext<'_>) -> Outcome {
    let Some(order) = &context.order else {
        return Outcome::Unjudged;
    };
    if let Err(missing) = context.terms(order) {
        return missing.into();
    }
    match order
        .held()
        .and_then(|held| order.instrument.worst_with(order.product, &held))
    {
        Ok(_) => Outcome::Pass,
        Err(overflow) => MissingInput::from(overflow).into(),
    }
}
