//! Stage D: is what we know about the instrument still true?
use super::super::order_context::{OrderContext, OrderRequest};
use super::super::verdict::Outcome;
use super::{at_most, each, pass_if};

const NS_PER_MS: i64 = 1_000_000;

/// R23: no entry on a stale price. An exit may pass without one: it makes things smaller.
pub fn fresh(context: &OrderContext<'_>, order: &OrderRequest<'_>) -> Outcome {
    let limit = context.gate.limits().tick_age_ms_max;
    if context.reduces {
        return at_most("age", 0, limit, "tick_age_ms_max");
    }
    let age_ns = context
        .mono_ns
        .saturating_sub(order.instrument.heard_mono_ns);
    let age_ms = i128::from(age_ns / NS_PER_MS) + i128::from(age_ns % NS_PER_MS > 0);
    each([
        pass_if(context.gate.feed_up, "the feed is not up"),
        pass_if(order.instrument.last_e4 > 0, "no tick has been heard"),
        pass_if(age_ns >= 0, "its newest tick comes from the future"),
        at_most(
            "age of its newest tick in ms",
            age_ms,
            limit,
            "tick_age_ms_max",
        ),
    ])
}
