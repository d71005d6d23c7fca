//! Stage A: may anything leave at all?
use super::super::order_context::OrderContext;
use super::super::trading_state::TradingState;
use super::super::verdict::{Outcome, Why};
use super::{at_most, each, pass_if, refuse};
use crate::payload::world::LatchState;

const NS_PER_MS: i64 = 1_000_000;

/// R01: HALTED and RECONCILING pass cancels, REDUCING also exits. (A cancel never gets here.)
pub fn trading_state(context: &OrderContext<'_>) -> Outcome {
    if let Some(fault) = context.gate.authority.fault() {
        return Outcome::Refuse(Why::Quoted(fault.into()));
    }
    match context.gate.authority.trading_state(context.day) {
        TradingState::Active => Outcome::Pass,
        TradingState::Reducing => pass_if(context.reduces, "REDUCING: exits only"),
        TradingState::Reconciling => refuse("RECONCILING: cancels only, until book and tape agree"),
        TradingState::Halted => refuse("HALTED: cancels only, until a person arms"),
    }
}

/// R02: the same for one strategy or one symbol.
pub fn scopes(context: &OrderContext<'_>) -> Outcome {
    let lowest = context
        .gate
        .allowed
        .scopes
        .iter()
        .filter(|scope| match &scope.symbol {
            Some((exchange, symbol)) => {
                exchange.name() == context.signal.exchange
                    && **symbol == *context.signal.tradingsymbol
            }
            None => *scope.strategy == *context.signal.strategy,
        });
    match lowest.map(|scope| scope.latch).min() {
        Some(LatchState::Halted) => refuse("its strategy or symbol is HALTED"),
        Some(LatchState::Reducing) => pass_if(
            context.reduces,
            "its strategy or symbol is REDUCING: exits only",
        ),
        Some(LatchState::Active) | None => Outcome::Pass,
    }
}

/// R04: nothing leaves before the first reconciliation; no entry while book and tape differ, while events of execution
/// are missing, or while nobody knows what became of an order in the same instrument.
pub fn reconciled(context: &OrderContext<'_>) -> Outcome {
    if !context.gate.authority.is_reconciled() {
        return refuse("book and tape have not been reconciled");
    }
    if context.reduces {
        return Outcome::Pass;
    }
    if context.gate.authority.books_differ() {
        return refuse("book and tape differ");
    }
    if context.gate.authority.has_sequence_gap() {
        return refuse("events of execution are missing");
    }
    pass_if(
        context
            .instrument
            .is_none_or(|instrument| instrument.unknown == 0),
        "the outcome of an order in it is unknown",
    )
}

/// R05: no entry while execution is silent: nobody would send it, and its fills would not be heard. An exit may pass.
pub fn heartbeats(context: &OrderContext<'_>) -> Outcome {
    let limit = context.gate.limits().beat_age_ms_max;
    if context.reduces {
        return at_most("age", 0, limit, "beat_age_ms_max");
    }
    let Some(beat_ns) = context.gate.execution_beat_ns else {
        return refuse("no heartbeat of execution has been heard");
    };
    let age_ns = context.mono_ns.saturating_sub(beat_ns);
    let age_ms = i128::from(age_ns / NS_PER_MS) + i128::from(age_ns % NS_PER_MS > 0);
    each([
        pass_if(age_ns >= 0, "execution's heartbeat comes from the future"), // the machine was started anew since
        at_most(
            "age of execution's heartbeat in ms",
            age_ms,
            limit,
            "beat_age_ms_max",
        ),
    ])
}
