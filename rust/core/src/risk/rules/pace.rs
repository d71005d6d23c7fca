//! Stage J: how much has left lately?
use super::super::ask::Ask;
use super::super::verdict::Outcome;
use super::{at_most, each};

/// R52: account-wide, by machine time. Entries keep below the broker's limits so that exits and cancels have room.
/// Refused, never queued; what is refused uses nothing up.
pub fn rate(ask: &Ask<'_>) -> Outcome {
    let limits = ask.gate.limits();
    let left = ask.gate.pace.left(ask.day, ask.mono_ns);
    let with = |count: i64| {
        if ask.reduces {
            0
        } else {
            i128::from(count) + 1
        }
    };
    each([
        at_most(
            "messages in 1.25 s",
            i128::from(left.all_burst) + 1,
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
