//! Real days from a file.
use kitev3_core::exchange::market::market_file::read_file;
use kitev3_core::exchange::market::recorded::Recording;
use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

create_exception!(
    kitev3._core,
    MarketFileError,
    PyValueError,
    "A market file that cannot be read; the message names the line and what was wanted there."
);

#[pyclass(frozen, module = "kitev3._core")]
pub(super) struct MarketFile(pub(super) Recording);

#[pymethods]
impl MarketFile {
    #[new]
    fn new(text: &str) -> PyResult<Self> {
        read_file(text)
            .map(Self)
            .map_err(|bad| MarketFileError::new_err(bad.to_string()))
    }

    /// From what ticks tell: times in ns UTC and values in 1/10,000 rupee.
    #[staticmethod]
    #[pyo3(signature = (times_ns, values_e4, /))]
    fn of_ticks(times_ns: Vec<i64>, values_e4: Vec<i64>) -> PyResult<Self> {
        if times_ns.len() != values_e4.len() {
            return Err(MarketFileError::new_err(format!(
                "{} times and {} values",
                times_ns.len(),
                values_e4.len()
            )));
        }
        Recording::of_ticks(times_ns.into_iter().zip(values_e4))
            .map(Self)
            .map_err(|bad| MarketFileError::new_err(bad.to_string()))
    }

    #[getter]
    fn session(&self) -> String {
        self.0.first().day.to_string()
    }

    #[getter]
    fn sessions(&self) -> Vec<String> {
        self.0.days().map(|day| day.to_string()).collect()
    }

    #[getter]
    fn last_ns(&self) -> i64 {
        let points = &self.0.first().points;
        points.last().map_or(0, |point| point.time_ns)
    }

    fn __len__(&self) -> usize {
        self.0.first().points.len()
    }
}
