//! Stage K: can its worst case be held back?
use super::super::ask::{Ask, Lack};
use super::super::verdict::Outcome;

/// R54: what it may still trade, what that is worth and what it binds are numbers that add to the sums. The verdict
/// itself is on the tape before it leaves.
pub fn possible(ask: &Ask<'_>) -> Outcome {
    let Some(order) = &ask.order else {
        return Outcome::Unjudged;
    };
    if let Err(lack) = ask.terms(order) {
        return lack.into();
    }
    match order
        .held()
        .and_then(|held| order.line.worst_with(order.product, &held))
    {
        Ok(_) => Outcome::Pass,
        Err(overflow) => Lack::from(overflow).into(),
    }
}
