//! Stage A: may anything leave at all?
use super::super::ask::Ask;
use super::super::standing::Standing;
use super::super::verdict::{Outcome, Why};
use super::{at_most, pass_if, refuse};
use crate::payload::world::LatchState;

const NS_PER_MS: i64 = 1_000_000;

/// R01: HALTED and RECONCILING pass cancels, REDUCING also exits. (A cancel never gets here.)
pub fn standing(ask: &Ask<'_>) -> Outcome {
    if let Some(fault) = ask.gate.permit.fault() {
        return Outcome::Refuse(Why::Quoted(fault.into()));
    }
    match ask.gate.permit.standing(ask.day) {
        Standing::Active => Outcome::Pass,
        Standing::Reducing => pass_if(ask.reduces, "REDUCING: exits only"),
        Standing::Reconciling => refuse("RECONCILING: cancels only, until book and tape agree"),
        Standing::Halted => refuse("HALTED: cancels only, until a person arms"),
    }
}

/// R02: the same for one strategy or one symbol.
pub fn scopes(ask: &Ask<'_>) -> Outcome {
    let lowest = ask
        .gate
        .allowed
        .scopes
        .iter()
        .filter(|scope| match &scope.symbol {
            Some((exchange, symbol)) => {
                exchange.name() == ask.signal.exchange && **symbol == *ask.signal.tradingsymbol
            }
            None => *scope.strategy == *ask.signal.strategy,
        });
    match lowest.map(|scope| scope.latch).min() {
        Some(LatchState::Halted) => refuse("its strategy or symbol is HALTED"),
        Some(LatchState::Reducing) => pass_if(
            ask.reduces,
            "its strategy or symbol is REDUCING: exits only",
        ),
        Some(LatchState::Active) | None => Outcome::Pass,
    }
}

/// R04: nothing leaves before the first reconciliation; no entry while book and tape differ, while events of execution
/// are missing, or while nobody knows what became of an order in the same instrument.
pub fn reconciled(ask: &Ask<'_>) -> Outcome {
    if !ask.gate.permit.is_reconciled() {
        return refuse("book and tape have not been reconciled");
    }
    if ask.reduces {
        return Outcome::Pass;
    }
    if ask.gate.permit.books_differ() {
        return refuse("book and tape differ");
    }
    if ask.gate.permit.has_hole() {
        return refuse("events of execution are missing");
    }
    pass_if(
        ask.line.is_none_or(|line| line.unknown == 0),
        "the outcome of an order in it is unknown",
    )
}

/// R05: no entry while execution is silent: nobody would send it, and its fills would not be heard. An exit may pass.
pub fn heartbeats(ask: &Ask<'_>) -> Outcome {
    let limit = ask.gate.limits().beat_age_ms_max;
    if ask.reduces {
        return at_most("age", 0, limit, "beat_age_ms_max");
    }
    let Some(beat_ns) = ask.gate.execution_beat_ns else {
        return refuse("no heartbeat of execution has been heard");
    };
    let age_ns = ask.mono_ns.saturating_sub(beat_ns);
    let age_ms = i128::from(age_ns / NS_PER_MS) + i128::from(age_ns % NS_PER_MS > 0);
    at_most(
        "age of execution's heartbeat in ms",
        age_ms,
        limit,
        "beat_age_ms_max",
    )
}
