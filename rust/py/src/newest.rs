//! `Newest` for Python.
use kitev3_core::market::Newest;
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;

use crate::indicators::IndicatorEngine;
use crate::kite::PyTickBatch;

#[pyclass(module = "kitev3._core", name = "Newest")]
#[derive(Default)]
pub struct PyNewest(Newest);

#[pymethods]
impl PyNewest {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    fn update(&mut self, batch: &PyTickBatch) {
        self.0.update(&batch.0);
    }

    fn last_e4(&self, token: u32) -> i64 {
        self.0.row(token).last_e4
    }

    fn bid_e4(&self, token: u32) -> i64 {
        self.0.row(token).bid_e4
    }

    fn ask_e4(&self, token: u32) -> i64 {
        self.0.row(token).ask_e4
    }

    fn exchange_ns(&self, token: u32) -> i64 {
        self.0.row(token).exchange_ns
    }
}

/// What a strategy may look at of one instrument: its newest prices and its indicators. Python's side hangs the rest on it.
#[pyclass(subclass, frozen, module = "kitev3._core", name = "InstrumentView")]
pub struct PyInstrumentView {
    token: u32,
    newest: Py<PyNewest>,
    engine: Option<Py<IndicatorEngine>>,
}

#[pymethods]
impl PyInstrumentView {
    #[new]
    fn new(token: u32, newest: Py<PyNewest>, engine: Option<Py<IndicatorEngine>>) -> Self {
        Self {
            token,
            newest,
            engine,
        }
    }

    #[getter]
    fn last_e4(&self, py: Python<'_>) -> i64 {
        self.newest.borrow(py).last_e4(self.token)
    }

    #[getter]
    fn bid_e4(&self, py: Python<'_>) -> i64 {
        self.newest.borrow(py).bid_e4(self.token)
    }

    #[getter]
    fn ask_e4(&self, py: Python<'_>) -> i64 {
        self.newest.borrow(py).ask_e4(self.token)
    }

    #[getter]
    fn warm(&self, py: Python<'_>) -> bool {
        let engine = self.engine.as_ref();
        engine.is_none_or(|engine| engine.borrow(py).warm(self.token))
    }

    fn value(&self, py: Python<'_>, name: &str) -> PyResult<f64> {
        match &self.engine {
            Some(engine) => engine.borrow(py).value(self.token, name),
            None => {
                let words = format!("'{name}': this strategy declares no indicators");
                Err(PyKeyError::new_err(words))
            }
        }
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyNewest>()?;
    module.add_class::<PyInstrumentView>()
}
