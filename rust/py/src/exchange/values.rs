//! Forms on their way in, answers on their way out.
use kitev3_core::exchange::refusal::Refusal;
use kitev3_core::exchange::views::json_value::Value;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

/// A slice of an order, as its answer shows it.
pub(super) fn child(py: Python<'_>, slice: Result<String, Refusal>) -> PyResult<Bound<'_, PyDict>> {
    let child = PyDict::new(py);
    match slice {
        Ok(order_id) => child.set_item("order_id", order_id)?,
        Err(refusal) => {
            let error = PyDict::new(py);
            error.set_item("code", refusal.status)?;
            error.set_item("error_type", refusal.error_type)?;
            error.set_item("message", refusal.message)?;
            error.set_item("data", py.None())?;
            child.set_item("error", error)?;
        }
    }
    Ok(child)
}

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
    Ok(match value {
        Value::Null => py.None(),
        Value::Bool(value) => value.into_pyobject(py)?.to_owned().into_any().unbind(),
        Value::Int(value) => value.into_pyobject(py)?.into_any().unbind(),
        Value::Rupees(e4) if e4 % 10_000 == 0 => {
            (e4 / 10_000).into_pyobject(py)?.into_any().unbind()
        }
        Value::Rupees(e4) => (*e4 as f64 / 10_000.0)
            .into_pyobject(py)?
            .into_any()
            .unbind(),
        Value::Number(value) => value.into_pyobject(py)?.into_any().unbind(),
        Value::Text(text) => text.as_ref().into_pyobject(py)?.into_any().unbind(),
        Value::List(values) => {
            let list = PyList::empty(py);
            for value in values {
                list.append(python(py, value)?)?;
            }
            list.into_any().unbind()
        }
        Value::Object(members) => {
            let dict = PyDict::new(py);
            for (key, value) in members {
                dict.set_item(key.as_ref(), python(py, value)?)?;
            }
            dict.into_any().unbind()
        }
    })
}

/// An answer as JSON, for lists too long to be made of Python's objects first.
pub(super) fn json<'py>(py: Python<'py>, value: &Value) -> Bound<'py, PyBytes> {
    let mut text = String::new();
    value.write_json(&mut text);
    PyBytes::new(py, text.as_bytes())
}
