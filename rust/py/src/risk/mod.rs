//! `Gate`: the gate of `kitev3_core::risk`, fed with the contracts' structs.
use kitev3_core::risk::RULES;
use kitev3_core::risk::limits::CEILINGS;
use pyo3::prelude::*;

pub mod gate;
mod read;
mod say;

/// The rules in evaluation order: (id, stage, title).
#[pyfunction]
fn risk_rules() -> Vec<(String, String, &'static str)> {
    RULES
        .iter()
        .map(|rule| (rule.id(), rule.stage.to_string(), rule.title))
        .collect()
}

/// The limits: (name, rule that needs it, ceiling live, ceiling on kitesim).
#[pyfunction]
fn risk_limits() -> Vec<(&'static str, String, i64, i64)> {
    CEILINGS
        .iter()
        .map(|limit| {
            (
                limit.name,
                format!("R{:02}", limit.rule),
                limit.live,
                limit.kitesim,
            )
        })
        .collect()
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<gate::PyGate>()?;
    module.add_function(wrap_pyfunction!(risk_rules, module)?)?;
    module.add_function(wrap_pyfunction!(risk_limits, module)?)
}
