//! Words of a closed set, as texts from Python.
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// The word of that spelling, or a ValueError that lists them all.
pub fn known<T>(
    what: &str,
    text: &str,
    parse: fn(&str) -> Option<T>,
    names: fn() -> String,
) -> PyResult<T> {
    let unknown = || PyValueError::new_err(format!("unknown {what} {text:?}: {}", names()));
    parse(text).ok_or_else(unknown)
}
