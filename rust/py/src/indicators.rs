use std::borrow::Cow;
use std::collections::BTreeMap;

use kitev3_core::indicators::{
    self as core, Alone, BadParameter, Bars, Declaration, Kind, TIME, Ticks, UnevenColumns,
};
use numpy::{AllowTypeChange, PyArray1, PyArray2, PyArrayLike1, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyFloat, PyTuple};

use crate::kite::PyTickBatch;
use crate::market::{PyBarBatch, parse};

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let kinds = PyDict::new(module.py());
    for kind in core::KINDS {
        let parameters: BTreeMap<_, _> = kind.parameters.iter().copied().collect();
        kinds.set_item(kind.name, parameters)?;
    }
    module.add("INDICATOR_KINDS", kinds)?;
    module.add_class::<Indicator>()?;
    module.add_class::<IndicatorEngine>()
}

/// The most numbers that an indicator takes at a time.
const INPUTS_MAX: usize = 8;

/// A column given by Python: float64, or anything numpy makes that of.
type Numbers<'py> = PyArrayLike1<'py, f64, AllowTypeChange>;
type Times<'py> = PyArrayLike1<'py, i64, AllowTypeChange>;

fn refused(bad: BadParameter) -> PyErr {
    PyValueError::new_err(bad.to_string())
}

fn uneven(_: UnevenColumns) -> PyErr {
    PyValueError::new_err(UnevenColumns.to_string())
}

/// The numbers in place, or in a copy where they do not lie next to each other.
fn contiguous<'a, T: numpy::Element + Copy>(column: &'a PyReadonlyArray1<'_, T>) -> Cow<'a, [T]> {
    match column.as_slice() {
        Ok(numbers) => Cow::Borrowed(numbers),
        Err(_) => Cow::Owned(column.as_array().iter().copied().collect()),
    }
}

/// New arrays of one length whose contents the caller writes, all of them: the rows of one, so that the allocator keeps
/// its memory for the next ones, where of several it would give some back and take them anew, page by page.
fn fresh<'py>(py: Python<'py>, rows: usize, length: usize) -> PyResult<Bound<'py, PyArray2<f64>>> {
    // numpy's own, so that it comes from numpy's cache.
    static EMPTY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let empty = EMPTY.import(py, "numpy", "empty")?;
    Ok(empty.call1(((rows, length),))?.cast_into()?)
}

/// One indicator of any kind, for one stream of inputs.
#[pyclass(module = "kitev3._core")]
struct Indicator {
    kind: &'static Kind,
    indicator: Box<dyn Alone>,
    value: Vec<f64>,
}

impl Indicator {
    fn takes_time(&self) -> bool {
        self.kind.inputs[0] == TIME
    }

    fn check(&self, given: &Bound<'_, PyTuple>) -> PyResult<()> {
        if given.len() == self.kind.inputs.len() {
            return Ok(());
        }
        let (name, inputs) = (self.kind.name, self.kind.inputs.join(", "));
        Err(PyTypeError::new_err(format!("{name} takes {inputs}")))
    }
}

#[pymethods]
impl Indicator {
    #[new]
    #[pyo3(signature = (kind, *parameters, **named))]
    fn new(
        kind: &str,
        parameters: Vec<f64>,
        named: Option<BTreeMap<String, f64>>,
    ) -> PyResult<Self> {
        let kind = Kind::named(kind).map_err(refused)?;
        if parameters.len() > kind.parameters.len() {
            let most = kind.parameters.len();
            let text = format!("{} has {most} parameters", kind.name);
            return Err(PyTypeError::new_err(text));
        }
        let in_order = kind.parameters.iter().zip(parameters);
        let declaration = Declaration {
            name: kind.name.to_owned(),
            kind: kind.name.to_owned(),
            parameters: in_order
                .map(|((name, _), number)| ((*name).to_owned(), number))
                .chain(named.into_iter().flatten())
                .collect(),
        };
        Ok(Self {
            kind,
            indicator: declaration.alone().map_err(refused)?,
            value: vec![f64::NAN; kind.width()],
        })
    }

    #[getter]
    fn inputs(&self) -> Vec<&'static str> {
        self.kind.inputs.to_vec()
    }

    #[getter]
    fn warmup(&self) -> usize {
        self.indicator.warmup()
    }

    #[getter]
    /// One value as a float, several as a tuple.
    fn value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.value[..] {
            [value] => Ok(PyFloat::new(py, value).into_any()),
            _ => Ok(PyTuple::new(py, &self.value)?.into_any()),
        }
    }

    #[pyo3(signature = (*inputs))]
    fn update<'py>(
        &mut self,
        py: Python<'py>,
        inputs: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.check(inputs)?;
        let skipped = usize::from(self.takes_time());
        let time_ns = match skipped {
            0 => 0,
            _ => inputs.get_borrowed_item(0)?.extract()?,
        };
        let mut numbers = [0.0; INPUTS_MAX];
        let count = inputs.len() - skipped;
        for (at, number) in numbers[..count].iter_mut().enumerate() {
            *number = inputs.get_borrowed_item(at + skipped)?.extract()?;
        }
        self.indicator
            .update(time_ns, &numbers[..count], &mut self.value);
        self.value(py)
    }

    /// Over new arrays, without the interpreter's lock; answers one array or a tuple of several.
    #[pyo3(signature = (*inputs))]
    fn batch<'py>(
        &mut self,
        py: Python<'py>,
        inputs: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.check(inputs)?;
        let skipped = usize::from(self.takes_time());
        let times: Option<Times<'py>> = match skipped {
            0 => None,
            _ => Some(inputs.get_borrowed_item(0)?.extract()?),
        };
        let times_ns = times.as_ref().map(|times| contiguous(times));
        let times_ns = times_ns.as_deref().unwrap_or_default();
        let columns: Vec<Numbers<'py>> = inputs
            .iter_borrowed()
            .skip(skipped)
            .map(|column| column.extract())
            .collect::<PyResult<_>>()?;
        let columns: Vec<_> = columns.iter().map(|column| contiguous(column)).collect();
        let columns: Vec<&[f64]> = columns.iter().map(|column| &**column).collect();
        let length = columns[0].len();
        if columns.iter().any(|column| column.len() != length)
            || (skipped == 1 && times_ns.len() != length)
        {
            return Err(uneven(UnevenColumns));
        }
        let outputs = fresh(py, self.value.len(), length)?;
        let mut writable = outputs.readwrite();
        let mut rest = writable.as_slice_mut()?;
        let mut slices = Vec::with_capacity(self.value.len());
        for _ in 0..self.value.len() {
            let (slice, others) = rest.split_at_mut(length);
            slices.push(slice);
            rest = others;
        }
        let Self {
            indicator, value, ..
        } = self;
        py.detach(|| {
            indicator.batch(times_ns, &columns, &mut slices);
            for (value, slice) in value.iter_mut().zip(&slices) {
                if let Some(last) = slice.last() {
                    *value = *last;
                }
            }
        });
        drop(writable);
        match self.value.len() {
            1 => outputs.get_item(0),
            _ => py.get_type::<PyTuple>().call1((outputs,)),
        }
    }

    fn reset(&mut self) {
        self.indicator.reset();
        self.value.fill(f64::NAN);
    }
}

#[pyclass(module = "kitev3._core")]
pub struct IndicatorEngine {
    engine: core::IndicatorEngine,
}

impl IndicatorEngine {
    fn place(&self, name: &str) -> PyResult<usize> {
        let known = || {
            PyKeyError::new_err(format!(
                "{name:?}: the values are {}",
                self.engine.names().join(", ")
            ))
        };
        self.engine.place(name).ok_or_else(known)
    }
}

/// A line of values for each tick or bar, as an array of its own.
fn lines<'py>(py: Python<'py>, trail: &[f64], width: usize) -> PyResult<Bound<'py, PyArray2<f64>>> {
    PyArray1::from_slice(py, trail).reshape([trail.len() / width, width])
}

#[pymethods]
impl IndicatorEngine {
    #[new]
    fn new(declarations: Vec<(String, String, BTreeMap<String, f64>)>) -> PyResult<Self> {
        let declarations: Vec<_> = declarations
            .into_iter()
            .map(|(name, kind, parameters)| Declaration {
                name,
                kind,
                parameters: parameters.into_iter().collect(),
            })
            .collect();
        Ok(Self {
            engine: core::IndicatorEngine::new(&declarations).map_err(refused)?,
        })
    }

    #[getter]
    fn names(&self) -> Vec<String> {
        self.engine.names().to_vec()
    }

    #[getter]
    fn tokens(&self) -> Vec<u32> {
        self.engine.tokens().to_vec()
    }

    #[pyo3(signature = (tokens, price_e4, flags, volume=None, time_ns=None))]
    fn update<'py>(
        &mut self,
        py: Python<'py>,
        tokens: PyReadonlyArray1<'py, u32>,
        price_e4: PyReadonlyArray1<'py, i64>,
        flags: PyReadonlyArray1<'py, u16>,
        volume: Option<PyReadonlyArray1<'py, u32>>,
        time_ns: Option<PyReadonlyArray1<'py, i64>>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let ticks = Ticks {
            tokens: &contiguous(&tokens),
            price_e4: &contiguous(&price_e4),
            flags: &contiguous(&flags),
            volume: &volume.as_ref().map(contiguous).unwrap_or_default(),
            time_ns: &time_ns.as_ref().map(contiguous).unwrap_or_default(),
        };
        let width = self.engine.names().len();
        lines(py, self.engine.update_ticks(ticks).map_err(uneven)?, width)
    }

    fn update_ticks<'py>(
        &mut self,
        py: Python<'py>,
        batch: &PyTickBatch,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let width = self.engine.names().len();
        lines(
            py,
            self.engine
                .update_ticks(Ticks::of(&batch.0))
                .map_err(uneven)?,
            width,
        )
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "a bar has that many columns, and Python names each"
    )]
    fn update_bars<'py>(
        &mut self,
        py: Python<'py>,
        tokens: PyReadonlyArray1<'py, u32>,
        time_ns: PyReadonlyArray1<'py, i64>,
        high_e4: PyReadonlyArray1<'py, i64>,
        low_e4: PyReadonlyArray1<'py, i64>,
        close_e4: PyReadonlyArray1<'py, i64>,
        volume: PyReadonlyArray1<'py, i64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let bars = Bars {
            tokens: &contiguous(&tokens),
            time_ns: &contiguous(&time_ns),
            high_e4: &contiguous(&high_e4),
            low_e4: &contiguous(&low_e4),
            close_e4: &contiguous(&close_e4),
            volume: &contiguous(&volume),
        };
        let width = self.engine.names().len();
        lines(py, self.engine.update_bars(bars).map_err(uneven)?, width)
    }

    #[pyo3(signature = (batch, period, *, gapped=false))]
    fn update_bar_batch(&mut self, batch: &PyBarBatch, period: &str, gapped: bool) -> PyResult<()> {
        self.engine
            .update_bar_batch(&batch.0, parse(period)?, gapped);
        Ok(())
    }

    fn add(&mut self, token: u32) {
        self.engine.add(token);
    }

    pub fn value(&self, token: u32, name: &str) -> PyResult<f64> {
        let place = self.place(name)?;
        Ok(self.engine.row(token).map_or(f64::NAN, |row| row[place]))
    }

    fn row<'py>(&self, py: Python<'py>, token: u32) -> Bound<'py, PyArray1<f64>> {
        match self.engine.row(token) {
            Some(row) => PyArray1::from_slice(py, row),
            None => PyArray1::from_vec(py, vec![f64::NAN; self.engine.names().len()]),
        }
    }

    pub fn warm(&self, token: u32) -> bool {
        self.engine.is_warm(token)
    }

    fn forget(&mut self, token: u32) {
        self.engine.forget(token);
    }
}
