//! `BarBuilder`, `Bar`, `BarBatch`: bars for Python.
use kitev3_core::calendar::Calendar;
use kitev3_core::market::{
    BAR_SERIES_MAX, Bar, BarBatch, BarBuilder, BarSpec, MarketdataHandler, SpecError,
};
use numpy::PyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyIterator, PyList, PyString};

use crate::calendar::{PyCalendar, given};
use crate::getters::with_getters;
use crate::kite::PyTickBatch;
use crate::kite::batch::{column_view, place};
use crate::runtime::native::PyNativeHandler;

/// One closed bar.
#[pyclass(frozen, eq, hash, module = "kitev3._core", name = "Bar")]
#[derive(PartialEq, Eq, Hash)]
pub struct PyBar(pub Bar);

with_getters!(PyBar, bar {
    instrument_token: u32 = bar.token;
    start_ns: i64 = bar.start_ns;
    end_ns: i64 = bar.end_ns;
    open_e4: i64 = bar.open_e4;
    high_e4: i64 = bar.high_e4;
    low_e4: i64 = bar.low_e4;
    close_e4: i64 = bar.close_e4;
    volume: u64 = bar.volume;
    value_e4: i64 = bar.value_e4;
    ticks: u64 = bar.ticks;
    short: bool = bar.short;
    gapped: bool = bar.gapped;
} {
    #[new]
    #[allow(clippy::too_many_arguments)] // Python calls it by keyword
    #[pyo3(signature = (
        instrument_token, period, start_ns, end_ns, open_e4, high_e4, low_e4, close_e4, volume=0, value_e4=0, ticks=1,
        short=false, gapped=false
    ))]
    fn new(
        instrument_token: u32,
        period: &str,
        start_ns: i64,
        end_ns: i64,
        open_e4: i64,
        high_e4: i64,
        low_e4: i64,
        close_e4: i64,
        volume: u32,
        value_e4: i64,
        ticks: u32,
        short: bool,
        gapped: bool,
    ) -> PyResult<Self> {
        Ok(Self(Bar {
            token: instrument_token,
            spec: parse(period)?,
            start_ns,
            end_ns,
            open_e4,
            high_e4,
            low_e4,
            close_e4,
            volume: volume.into(),
            value_e4,
            ticks: ticks.into(),
            short,
            gapped,
        }))
    }

    /// Interned, so that looking a bar's hearers up compares addresses.
    #[getter]
    fn period<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::intern(py, &self.0.spec.to_string())
    }

    fn __repr__(&self) -> String {
        let Bar { token, spec, start_ns, end_ns, open_e4, high_e4, low_e4, close_e4, .. } = self.0;
        let Bar { volume, value_e4, ticks, short, gapped, .. } = self.0;
        let word = |yes| if yes { "True" } else { "False" };
        format!(
            "Bar({token}, '{spec}', start_ns={start_ns}, end_ns={end_ns}, open_e4={open_e4}, high_e4={high_e4}, \
             low_e4={low_e4}, close_e4={close_e4}, volume={volume}, value_e4={value_e4}, ticks={ticks}, short={}, \
             gapped={})",
            word(short),
            word(gapped),
        )
    }
});

/// Closed bars in columns; a column is a read-only numpy view of the batch's own memory.
#[pyclass(frozen, eq, module = "kitev3._core", name = "BarBatch")]
#[derive(PartialEq)]
pub struct PyBarBatch(pub BarBatch);

/// Getters of columns.
macro_rules! bar_columns {
    ($($name:ident: $type:ty = $column:ident;)+) => {
        #[pymethods]
        impl PyBarBatch {
            #[staticmethod]
            fn of(bars: Vec<PyRef<'_, PyBar>>) -> Vec<PyBarBatch> {
                let bars: Vec<Bar> = bars.iter().map(|bar| bar.0).collect();
                BarBatch::of(&bars).into_iter().map(PyBarBatch).collect()
            }

            #[staticmethod]
            fn from_bytes(data: &[u8]) -> PyResult<Self> {
                BarBatch::from_bytes(data)
                    .map(Self)
                    .map_err(|error| PyValueError::new_err(error.to_string()))
            }

            fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
                PyBytes::new(py, self.0.as_bytes())
            }

            fn __len__(&self) -> usize {
                self.0.len()
            }

            fn __getitem__(&self, index: isize) -> PyResult<PyBar> {
                let bar = self.0.bar(place("bar", index, self.0.len())?);
                Ok(PyBar(bar.expect("it is one of them")))
            }

            fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
                PyList::new(py, self.0.bars().map(PyBar).collect::<Vec<_>>())?.try_iter()
            }

            fn __repr__(&self) -> String {
                format!("<BarBatch of {} bars, {} bytes>", self.0.len(), self.0.as_bytes().len())
            }

            #[getter]
            fn period<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
                // Most batches are of one spec, so most names are the one before.
                let mut last: Option<(BarSpec, Bound<'py, PyString>)> = None;
                let names = (0..self.0.len()).filter_map(|at| self.0.spec(at)).map(|spec| {
                    let name = match last.take() {
                        Some((before, name)) if before == spec => name,
                        _ => PyString::intern(py, &spec.to_string()),
                    };
                    last = Some((spec, name.clone()));
                    name
                });
                PyList::new(py, names.collect::<Vec<_>>())
            }

            #[getter]
            fn short<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<bool>> {
                PyArray1::from_iter(py, (0..self.0.len()).map(|at| self.0.is_short(at)))
            }

            #[getter]
            fn gapped<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<bool>> {
                PyArray1::from_iter(py, (0..self.0.len()).map(|at| self.0.is_gapped(at)))
            }

            #[getter]
            fn gapped_at(&self) -> Vec<usize> {
                (0..self.0.len()).filter(|at| self.0.is_gapped(*at)).collect()
            }

            $(
                #[getter]
                fn $name<'py>(slf: &Bound<'py, Self>) -> Bound<'py, PyArray1<$type>> {
                    column_view(slf.as_any(), slf.get().0.$column())
                }
            )+
        }
    };
}

bar_columns! {
    instrument_token: u32 = token;
    start_ns: i64 = start_ns;
    end_ns: i64 = end_ns;
    open_e4: i64 = open_e4;
    high_e4: i64 = high_e4;
    low_e4: i64 = low_e4;
    close_e4: i64 = close_e4;
    volume: i64 = volume;
    value_e4: i64 = value_e4;
    ticks: i64 = ticks;
}

/// Builds the bars of many instruments from batches of ticks.
#[pyclass(module = "kitev3._core", name = "BarBuilder")]
pub struct PyBarBuilder(BarBuilder);

with_getters!(PyBarBuilder, builder {
    entered: u64 = builder.counts().entered;
    flagged: u64 = builder.counts().flagged;
    timeless: u64 = builder.counts().timeless;
    late: u64 = builder.counts().late;
    outside: u64 = builder.counts().outside;
    volume_back: u64 = builder.counts().volume_back;
    value_overflow: u64 = builder.counts().value_overflow;
} {
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
        self.0.update(&batch.0).into_iter().map(PyBar).collect()
    }

    #[pyo3(signature = (at_ns = None))]
    fn close_session(&mut self, at_ns: Option<i64>) -> Vec<PyBar> {
        self.0.close_session(at_ns).into_iter().map(PyBar).collect()
    }
});

/// The service marketdata, as a runtime takes it.
#[pyfunction]
#[pyo3(signature = (calendar = None))]
fn marketdata_handler(calendar: Option<&PyCalendar>) -> PyNativeHandler {
    PyNativeHandler::new(MarketdataHandler::new(given(calendar, Calendar::shipped)))
}

/// The one name of a bar spec: `60s` is `1m`.
#[pyfunction]
fn bar_spec(text: &str) -> PyResult<String> {
    Ok(parse(text)?.to_string())
}

pub fn parse(text: &str) -> PyResult<BarSpec> {
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
    module.add_class::<PyBarBatch>()?;
    module.add_class::<PyBarBuilder>()?;
    module.add_function(wrap_pyfunction!(bar_spec, module)?)?;
    module.add_function(wrap_pyfunction!(marketdata_handler, module)?)?;
    module.add("BAR_SERIES_MAX", BAR_SERIES_MAX)?;
    Ok(())
}
