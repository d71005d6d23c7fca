//! `Newest` for Python.
use kitev3_core::market::Newest;
use pyo3::prelude::*;

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

    pub fn last_e4(&self, token: u32) -> i64 {
        self.0.row(token).last_e4
    }

    pub fn bid_e4(&self, token: u32) -> i64 {
        self.0.row(token).bid_e4
    }

    pub fn ask_e4(&self, token: u32) -> i64 {
        self.0.row(token).ask_e4
    }

    fn exchange_ns(&self, token: u32) -> i64 {
        self.0.row(token).exchange_ns
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyNewest>()
}
