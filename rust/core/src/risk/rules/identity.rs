//! Stage B: is it this signal, now?
use super::super::gate::INTENTS_MAX;
use super::super::order_context::{OrderContext, Target};
use super::super::verdict::{Outcome, Why};
use super::{at_most, each, pass_if, refuse};
use crate::payload::strategy::IntentKind;

const NS_PER_MS: i64 = 1_000_000;

/// R07: a signal that came before got its first answer again before any rule looked; here it must be possible to keep.
pub fn intent_once(context: &OrderContext<'_>) -> Outcome {
    if context.intent == 0 {
        return refuse("it has no intent id");
    }
    pass_if(
        context.gate.verdicts.len() < INTENTS_MAX,
        "the day's intents are used up",
    )
}

/// R09: not past its deadline, and the deadline no further ahead than a signal may live.
pub fn freshness(context: &OrderContext<'_>) -> Outcome {
    let left_ns = context.signal.deadline_ns.saturating_sub(context.mono_ns);
    if left_ns < 0 {
        return refuse("its deadline is past");
    }
    let limits = context.gate.limits();
    let left_ms = i128::from(left_ns / NS_PER_MS) + i128::from(left_ns % NS_PER_MS != 0);
    let (entry_ms, exit_ms) = if context.reduces {
        (0, left_ms)
    } else {
        (left_ms, 0)
    };
    each([
        at_most(
            "time to its deadline in ms",
            entry_ms,
            limits.entry_age_ms_max,
            "entry_age_ms_max",
        ),
        at_most(
            "time to its deadline in ms",
            exit_ms,
            limits.exit_age_ms_max,
            "exit_age_ms_max",
        ),
    ])
}

/// R11: a modify names an open order of ours, of the same strategy, instrument, side and product, and leaves it more
/// than has been filled. One modify at a time: until the book shows its outcome the larger of two terms counts.
pub fn names_an_order(context: &OrderContext<'_>) -> Outcome {
    let old = match context.target {
        Target::None => {
            return pass_if(
                context.signal.intent != IntentKind::Modify,
                "it names no order",
            );
        }
        Target::Missing => return refuse("it names no order of ours"),
        Target::Order(old) => old,
    };
    let Some(order) = &context.order else {
        return Outcome::Unjudged;
    };
    let strategy = context.gate.strategies.get(context.signal.strategy);
    if !old.own || strategy != Some(&old.strategy) {
        return refuse("the order it names is not of its strategy");
    }
    let same_instrument = std::ptr::eq(
        context.gate.instruments.get(old.instrument as usize),
        order.instrument,
    );
    if !same_instrument || old.side != order.side || old.product != order.product {
        return refuse("the order it names is of another instrument, side or product");
    }
    if old.settled.is_some() || old.unknown {
        return refuse("the order it names is final, or its outcome unknown");
    }
    if old.pending.is_some() {
        return refuse("a modify of the order is on its way");
    }
    if order.left <= 0 {
        return Outcome::Refuse(Why::Below {
            what: "quantity of the order",
            have: context.signal.quantity,
            least: old.filled.saturating_add(1),
        });
    }
    Outcome::Pass
}
