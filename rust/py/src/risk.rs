//! The gate's handler, its rules and its limits.
use kitev3_core::calendar::Calendar;
use kitev3_core::risk::handler::GateHandler;
use kitev3_core::risk::limits::CEILINGS;
use kitev3_core::risk::{RULES, check_limits};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::calendar::{PyCalendar, given};
use crate::orders::PyApprovalKey;
use crate::runtime::native::PyNativeHandler;

/// The gate, HALTED and knowing nothing. `signals` are the topics that it judges.
#[pyfunction]
#[pyo3(signature = (signals, calendar=None, key=None))]
fn gate_handler(
    signals: Vec<String>,
    calendar: Option<&PyCalendar>,
    key: Option<&PyApprovalKey>,
) -> PyNativeHandler {
    let handler = GateHandler::new(signals, given(calendar, Calendar::shipped));
    PyNativeHandler::new(match key {
        Some(key) => handler.keyed(key.0.clone()),
        None => handler,
    })
}

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

/// Raises ValueError if a payload of `world.limits` allows what cannot be allowed, or names what there is not.
#[pyfunction]
fn check_risk_limits(payload: &[u8]) -> PyResult<()> {
    check_limits(payload).map_err(PyValueError::new_err)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(gate_handler, module)?)?;
    module.add_function(wrap_pyfunction!(risk_rules, module)?)?;
    module.add_function(wrap_pyfunction!(risk_limits, module)?)?;
    module.add_function(wrap_pyfunction!(check_risk_limits, module)?)
}
