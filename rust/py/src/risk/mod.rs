//! `Gate`: the gate of `kitev3_core::risk`, fed with the contracts' structs.
use kitev3_core::day::Day;
use kitev3_core::risk::RULES;
use kitev3_core::risk::limits::CEILINGS;
use kitev3_core::risk::sessions::{self, List};
use kitev3_core::terms::{Exchange, Kind};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

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

/// Hours of an instrument on a date, in seconds of the day in India; None when it does not trade.
#[pyfunction]
#[pyo3(signature = (date, exchange, instrument_type, closing_auction=true))]
fn session_hours<'py>(
    py: Python<'py>,
    date: &str,
    exchange: &str,
    instrument_type: &str,
    closing_auction: bool,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let day = Day::parse(date)
        .ok_or_else(|| PyValueError::new_err(format!("{date:?} is no date YYYY-MM-DD")))?;
    let words = Exchange::parse(exchange).zip(Kind::parse(instrument_type));
    let list = words.and_then(|(exchange, kind)| List::of(exchange, kind, closing_auction));
    let Some(hours) = list.and_then(|list| sessions::hours_on(day, list)) else {
        return Ok(None);
    };
    let row = PyDict::new(py);
    row.set_item("open", hours.open)?;
    row.set_item("entry_until", hours.entry_until)?;
    row.set_item("exit_until", hours.exit_until)?;
    row.set_item("mis_entry_until", hours.mis_entry_until)?;
    row.set_item("mis_square_off", hours.mis_square_off)?;
    row.set_item("broker_square_off", hours.broker_square_off)?;
    Ok(Some(row))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<gate::PyGate>()?;
    module.add_function(wrap_pyfunction!(risk_rules, module)?)?;
    module.add_function(wrap_pyfunction!(risk_limits, module)?)?;
    module.add_function(wrap_pyfunction!(session_hours, module)?)
}
