//! The payloads that the core reads and writes, for the test that holds them together with the contracts.
use kitev3_core::payload::{KNOWN, reread};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Topics whose payloads the core knows, each with the names of its fields.
#[pyfunction]
fn payload_fields() -> Vec<(&'static str, Vec<&'static str>)> {
    let names = |fields: &&'static [&'static str]| {
        let plain = fields.iter().map(|name| name.trim_start_matches("r#"));
        plain.collect()
    };
    KNOWN
        .iter()
        .map(|(topic, fields)| (*topic, names(fields)))
        .collect()
}

/// A payload, read and written again.
#[pyfunction]
fn payload_reread<'py>(
    py: Python<'py>,
    topic: &str,
    payload: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let known = reread(topic, payload)
        .ok_or_else(|| PyValueError::new_err(format!("the core does not know {topic}")))?;
    known
        .map(|bytes| PyBytes::new(py, &bytes))
        .map_err(|error| PyValueError::new_err(error.to_string()))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(payload_fields, module)?)?;
    module.add_function(wrap_pyfunction!(payload_reread, module)?)
}
