//! A request that the exchange turned away, as an exception.
use kitev3_core::exchange::refusal::Refusal;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

#[pyclass(extends = PyException, frozen, get_all, module = "kitev3._core")]
pub(super) struct ExchangeRefusal {
    status: u16,
    error_type: String,
    message: String,
}

#[pymethods]
impl ExchangeRefusal {
    #[new]
    fn new(status: u16, error_type: String, message: String) -> Self {
        Self {
            status,
            error_type,
            message,
        }
    }

    fn __str__(&self) -> &str {
        &self.message
    }
}

pub(super) fn refused(refusal: Refusal) -> PyErr {
    PyErr::new::<ExchangeRefusal, _>((refusal.status, refusal.error_type, refusal.message))
}
