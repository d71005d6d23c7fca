//! Stage J: how much has left lately?
use super::super::order_context::OrderContext;
use super::super::verdict::Outcome;
use super::{at_most, each};

/// R52: account-wide, by the broker's seconds. Entries keep below its limits so that exits and cancels have room.
/// Refused, never queued; what is refused uses nothing up. What makes a position smaller is not refused for its number:
/// it waits for its turn right before it leaves.
pub fn rate(context: &OrderContext<'_>) -> Outcome {
    let limits = context.gate.limits();
    let left = context.gate.pace.left(context.day, context.mono_ns);
    let with = |count: i64| {
        if context.reduces {
            0
        } else {
            i128::from(count) + 1
        }
    };
    each([
        at_most(
            "messages in 1.25 s",
            with(left.all_burst),
            limits.all_burst_max,
            "all_burst_max",
        ),
        at_most(
            "entries in 1.25 s",
            with(left.entries_burst),
            limits.entries_burst_max,
            "entries_burst_max",
        ),
        at_most(
            "entries in a minute",
            with(left.entries_minute),
            limits.entries_minute_max,
            "entries_minute_max",
        ),
        at_most(
            "entries today",
            with(left.entries_day),
            limits.entries_day_max,
            "entries_day_max",
        ),
    ])
}
