//! Forms on their way in, answers on their way out.
use kitev3_core::exchange::views::json_value::Value;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

/// Fields as a form would carry them: none dropped, everything else by its `str`.
pub(super) fn texts(fields: Option<&Bound<'_, PyDict>>) -> PyResult<Vec<(String, String)>> {
    let Some(fields) = fields else {
        return Ok(Vec::new());
    };
    fields
        .iter()
        .filter(|(_, value)| !value.is_none())
        .map(|(key, value)| Ok((key.extract()?, value.str()?.extract()?)))
        .collect()
}

/// An answer as `json.loads` would give it.
pub(super) fn python(py: Python<'_>, value: &Value) -> PyResult<Py<PyAny>> {
    match value {
        Value::Null => Ok(py.None()),
        Value::Bool(value) => value.into_py_any(py),
        Value::Int(value) => value.into_py_any(py),
        Value::Rupees(e4) if e4 % 10_000 == 0 => (e4 / 10_000).into_py_any(py),
        Value::Rupees(e4) => (*e4 as f64 / 10_000.0).into_py_any(py),
        Value::Number(value) => value.into_py_any(py),
        Value::Text(text) => text.as_ref().into_py_any(py),
        Value::List(values) => {
            let values = values.iter().map(|value| python(py, value));
            values.collect::<PyResult<Vec<_>>>()?.into_py_any(py)
        }
        Value::Object(members) => {
            let dict = PyDict::new(py);
            for (key, value) in members {
                dict.set_item(key.as_ref(), python(py, value)?)?;
            }
            dict.into_py_any(py)
        }
    }
}

/// An answer as JSON, for lists too long to be made of Python's objects first.
pub(super) fn json<'py>(py: Python<'py>, value: &Value) -> Bound<'py, PyBytes> {
    let mut text = String::new();
    value.write_json(&mut text);
    PyBytes::new(py, text.as_bytes())
}
