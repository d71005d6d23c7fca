//! Tags for Python, and the way of a new order through the core.
use kitev3_core::orders::tag::{TagId, Tags};
use pyo3::exceptions::{PyAssertionError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;

#[pyclass(module = "kitev3._core", name = "TagMaker", frozen)]
struct PyTagMaker(Tags);

#[pymethods]
impl PyTagMaker {
    #[new]
    #[pyo3(signature = (key))]
    fn new(key: &[u8]) -> PyResult<Self> {
        let short = || PyValueError::new_err("a key shorter than 16 bytes could be guessed");
        Tags::new(key).map(Self).ok_or_else(short)
    }

    #[pyo3(signature = (strategy, epoch, sequence, leg, attempt))]
    fn encode<'py>(
        &self,
        py: Python<'py>,
        strategy: i64,
        epoch: i64,
        sequence: i64,
        leg: i64,
        attempt: i64,
    ) -> PyResult<Bound<'py, PyString>> {
        let field = |value: i64| u64::try_from(value).unwrap_or(u64::MAX); // below zero fits no more than too large
        let tag = TagId {
            strategy: field(strategy),
            epoch: field(epoch),
            sequence: field(sequence),
            leg: field(leg),
            attempt: field(attempt),
        };
        let text = self.0.encode(&tag);
        let text = text.map_err(|error| PyAssertionError::new_err(error.to_string()))?;
        PyString::from_bytes(py, &text)
    }

    #[pyo3(signature = (text))]
    fn decode(&self, text: &str) -> Option<(u64, u64, u64, u64, u64)> {
        let tag = self.0.decode(text.as_bytes())?;
        Some((tag.strategy, tag.epoch, tag.sequence, tag.leg, tag.attempt))
    }
}

/// How a new order is placed: the core checks the approval and says INTENT and SENDING; the rest is Python's.
#[pyclass(module = "kitev3._core", name = "Placing", frozen)]
pub struct PyPlacing {
    pub take: Py<PyAny>,
    pub placed: Py<PyAny>,
}

#[pymethods]
impl PyPlacing {
    #[new]
    #[pyo3(signature = (*, take, placed))]
    fn new(take: Py<PyAny>, placed: Py<PyAny>) -> PyPlacing {
        PyPlacing { take, placed }
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyTagMaker>()?;
    module.add_class::<PyPlacing>()
}
