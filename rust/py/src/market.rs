//! `BarBuilder`, `Bar`: bars for Python.
use kitev3_core::calendar::Calendar;
use kitev3_core::kite::TickBatch;
use kitev3_core::market::{BAR_SERIES_MAX, Bar, BarBuilder, BarSpec, SpecError};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::calendar::{PyCalendar, given};
use crate::kite::PyTickBatch;

/// One closed bar.
#[pyclass(frozen, eq, module = "kitev3._core", name = "Bar")]
#[derive(PartialEq)]
pub struct PyBar(Bar);

#[pymethods]
impl PyBar {
    #[getter]
    fn token(&self) -> u32 {
        self.0.token
    }

    #[getter]
    fn spec(&self) -> String {
        self.0.spec.to_string()
    }

    #[getter]
    fn start_ns(&self) -> i64 {
        self.0.start_ns
    }

    #[getter]
    fn end_ns(&self) -> i64 {
        self.0.end_ns
    }

    #[getter]
    fn open_e4(&self) -> i64 {
        self.0.open_e4
    }

    #[getter]
    fn high_e4(&self) -> i64 {
        self.0.high_e4
    }

    #[getter]
    fn low_e4(&self) -> i64 {
        self.0.low_e4
    }

    #[getter]
    fn close_e4(&self) -> i64 {
        self.0.close_e4
    }

    #[getter]
    fn volume(&self) -> u64 {
        self.0.volume
    }

    #[getter]
    fn value_e4(&self) -> i64 {
        self.0.value_e4
    }

    #[getter]
    fn ticks(&self) -> u64 {
        self.0.ticks
    }

    #[getter]
    fn short(&self) -> bool {
        self.0.short
    }

    #[getter]
    fn gapped(&self) -> bool {
        self.0.gapped
    }

    fn __repr__(&self) -> String {
        let Bar {
            token,
            spec,
            start_ns,
            end_ns,
            open_e4,
            high_e4,
            low_e4,
            close_e4,
            ..
        } = self.0;
        let Bar {
            volume,
            value_e4,
            ticks,
            short,
            gapped,
            ..
        } = self.0;
        format!(
            "Bar({token}, '{spec}', start_ns={start_ns}, end_ns={end_ns}, open_e4={open_e4}, high_e4={high_e4}, \
             low_e4={low_e4}, close_e4={close_e4}, volume={volume}, value_e4={value_e4}, ticks={ticks}, short={}, gapped={})",
            if short { "True" } else { "False" },
            if gapped { "True" } else { "False" },
        )
    }
}

/// Builds the bars of many instruments from batches of ticks.
#[pyclass(module = "kitev3._core", name = "BarBuilder")]
pub struct PyBarBuilder(BarBuilder);

#[pymethods]
impl PyBarBuilder {
    #[new]
    #[pyo3(signature = (specs, calendar = None))]
    fn new(specs: &Bound<'_, PyAny>, calendar: Option<&PyCalendar>) -> PyResult<Self> {
        let calendar = given(calendar, Calendar::shipped);
        let builder = BarBuilder::new(collect_specs(specs)?, calendar);
        builder
            .map(Self)
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    fn update(&mut self, batch: &PyTickBatch) -> Vec<PyBar> {
        self.update_with(&batch.0)
    }

    fn gap(&mut self, until_ns: i64) {
        self.0.gap(until_ns);
    }

    #[pyo3(signature = (at_ns = None))]
    fn close_session(&mut self, at_ns: Option<i64>) -> Vec<PyBar> {
        self.0.close_session(at_ns).into_iter().map(PyBar).collect()
    }

    #[getter]
    fn entered(&self) -> u64 {
        self.0.counts().entered
    }

    #[getter]
    fn flagged(&self) -> u64 {
        self.0.counts().flagged
    }

    #[getter]
    fn timeless(&self) -> u64 {
        self.0.counts().timeless
    }

    #[getter]
    fn late(&self) -> u64 {
        self.0.counts().late
    }

    #[getter]
    fn outside(&self) -> u64 {
        self.0.counts().outside
    }

    #[getter]
    fn volume_back(&self) -> u64 {
        self.0.counts().volume_back
    }

    #[getter]
    fn value_overflow(&self) -> u64 {
        self.0.counts().value_overflow
    }
}

impl PyBarBuilder {
    pub fn update_with(&mut self, batch: &TickBatch) -> Vec<PyBar> {
        self.0.update(batch).into_iter().map(PyBar).collect()
    }
}

/// The one name of a bar spec: `60s` is `1m`.
#[pyfunction]
fn bar_spec(text: &str) -> PyResult<String> {
    Ok(parse(text)?.to_string())
}

fn parse(text: &str) -> PyResult<BarSpec> {
    text.parse()
        .map_err(|error: SpecError| PyValueError::new_err(error.to_string()))
}

/// A mapping's pairs in its own order, which is the order of the bars.
fn collect_specs(specs: &Bound<'_, PyAny>) -> PyResult<Vec<(u32, BarSpec)>> {
    let mut pairs = Vec::new();
    for item in specs.call_method0("items")?.try_iter()? {
        let (token, texts): (u32, Vec<String>) = item?.extract()?;
        for text in texts {
            pairs.push((token, parse(&text)?));
        }
    }
    Ok(pairs)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyBar>()?;
    module.add_class::<PyBarBuilder>()?;
    module.add_function(wrap_pyfunction!(bar_spec, module)?)?;
    module.add("BAR_SERIES_MAX", BAR_SERIES_MAX)?;
    Ok(())
}
