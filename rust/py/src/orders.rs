//! Tags for Python, and the way of a new order through the core.
use std::sync::atomic::{AtomicU8, Ordering};

use kitev3_core::orders::approval::ApprovalKey;
use kitev3_core::orders::placing;
use kitev3_core::orders::tag::{TagId, Tags};
use kitev3_core::risk::EVALUATED_OF_A_CANCEL;
use pyo3::exceptions::{PyAssertionError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;

#[pyclass(module = "kitev3._core", name = "TagMaker", frozen)]
struct PyTagMaker(Tags);

#[pymethods]
impl PyTagMaker {
    #[new]
    fn new(key: &[u8]) -> PyResult<Self> {
        let short = || PyValueError::new_err("a key shorter than 16 bytes could be guessed");
        Tags::new(key).map(Self).ok_or_else(short)
    }

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

    fn decode(&self, text: &str) -> Option<(u64, u64, u64, u64, u64)> {
        let tag = self.0.decode(text.as_bytes())?;
        Some((tag.strategy, tag.epoch, tag.sequence, tag.leg, tag.attempt))
    }
}

/// The key of a run's approvals.
#[pyclass(module = "kitev3._core", name = "ApprovalKey", frozen)]
pub struct PyApprovalKey(pub ApprovalKey);

#[pymethods]
impl PyApprovalKey {
    #[new]
    fn new(key: &[u8]) -> PyResult<Self> {
        let short = || PyValueError::new_err("a key shorter than 16 bytes could be guessed");
        ApprovalKey::new(key).map(Self).ok_or_else(short)
    }

    fn check(&self, before: &[u8]) -> String {
        self.0.check(before)
    }

    fn bears(&self, message: &[u8]) -> bool {
        self.0.bears(message)
    }
}

/// How a new order is placed: the core checks the approval and says INTENT and SENDING; the rest is Python's.
#[pyclass(module = "kitev3._core", name = "Placing", frozen)]
pub struct PyPlacing {
    pub take: Py<PyAny>,
    pub placed: Py<PyAny>,
    pub key: ApprovalKey,
    /// Whether the message in hand bears its check: what Python has of it is no longer bytes.
    seen: AtomicU8,
}

impl PyPlacing {
    /// Judges a message's check, and keeps the answer for who handles it.
    pub fn judge(&self, message: &[u8]) -> bool {
        let bears = self.key.bears(message);
        self.seen.store(1 + u8::from(bears), Ordering::Relaxed);
        bears
    }
}

#[pymethods]
impl PyPlacing {
    #[new]
    #[pyo3(signature = (*, key, take, placed))]
    fn new(key: &PyApprovalKey, take: Py<PyAny>, placed: Py<PyAny>) -> PyPlacing {
        PyPlacing {
            take,
            placed,
            key: key.0.clone(),
            seen: AtomicU8::new(0),
        }
    }

    fn seen(&self) -> Option<bool> {
        match self.seen.swap(0, Ordering::Relaxed) {
            0 => None,
            seen => Some(seen == 2),
        }
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyTagMaker>()?;
    module.add_class::<PyApprovalKey>()?;
    module.add("GATE", placing::GATE)?;
    module.add("EVALUATED_OF_A_CANCEL", EVALUATED_OF_A_CANCEL)?;
    module.add_class::<PyPlacing>()
}
