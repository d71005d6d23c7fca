use std::borrow::Cow;
use std::collections::BTreeMap;

use kitev3_core::indicators::{
    self as core, BadParameter, Bars, Declaration, Indicator, Ticks, UnevenColumns,
};
use numpy::{
    AllowTypeChange, PyArray1, PyArray2, PyArrayLike1, PyArrayMethods, PyReadonlyArray1,
    PyReadwriteArray1,
};
use pyo3::exceptions::{PyKeyError, PyValueError};
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
    module.add_class::<Adx>()?;
    module.add_class::<Atr>()?;
    module.add_class::<Bollinger>()?;
    module.add_class::<Donchian>()?;
    module.add_class::<Ema>()?;
    module.add_class::<IndicatorEngine>()?;
    module.add_class::<Macd>()?;
    module.add_class::<Rsi>()?;
    module.add_class::<SessionVwap>()?;
    module.add_class::<Sma>()?;
    module.add_class::<Stochastic>()?;
    module.add_class::<Supertrend>()?;
    module.add_class::<Wma>()
}

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

/// A new array whose contents the caller writes, all of them; numpy's own, so that it comes from numpy's cache.
fn fresh<'py>(py: Python<'py>, length: usize) -> PyResult<Bound<'py, PyArray1<f64>>> {
    static EMPTY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let empty = EMPTY.import(py, "numpy", "empty")?;
    Ok(empty.call1((length,))?.cast_into()?)
}

/// One value as a float, several as a tuple.
fn answer<'py, const K: usize>(py: Python<'py>, values: [f64; K]) -> PyResult<Bound<'py, PyAny>> {
    if K == 1 {
        return Ok(PyFloat::new(py, values[0]).into_any());
    }
    Ok(PyTuple::new(py, values)?.into_any())
}

/// Runs a batch over new arrays, without the interpreter's lock, and answers one array or a tuple of several.
fn run_batch<'py, const M: usize, const K: usize>(
    py: Python<'py>,
    columns: [&Numbers<'py>; M],
    value: &mut [f64; K],
    batch: impl FnOnce([&[f64]; M], [&mut [f64]; K]) + Send,
) -> PyResult<Bound<'py, PyAny>> {
    let columns = columns.map(|column| contiguous(column));
    let length = columns[0].len();
    if columns.iter().any(|column| column.len() != length) {
        return Err(uneven(UnevenColumns));
    }
    let mut outputs = Vec::with_capacity(K);
    for _ in 0..K {
        outputs.push(fresh(py, length)?);
    }
    let mut writable: Vec<PyReadwriteArray1<'py, f64>> =
        outputs.iter().map(|output| output.readwrite()).collect();
    let mut slices = Vec::with_capacity(K);
    for array in &mut writable {
        slices.push(array.as_slice_mut()?);
    }
    let slices: [&mut [f64]; K] = slices.try_into().expect("one output a value");
    let inputs: [&[f64]; M] = std::array::from_fn(|m| &*columns[m]);
    let last = py.detach(|| {
        let mut slices = slices;
        batch(inputs, slices.each_mut().map(|slice| &mut **slice));
        slices.map(|slice| slice.last().copied())
    });
    if length > 0 {
        *value = last.map(|number| number.expect("not empty"));
    }
    drop(writable);
    if K == 1 {
        return Ok(outputs.remove(0).into_any());
    }
    Ok(PyTuple::new(py, outputs)?.into_any())
}

/// A Python class around an indicator: its words, its constructor's signature and parameters, and its inputs.
macro_rules! class {
    (
        $name:ident: [$($input:ident),+; $inputs:literal] => $outputs:literal,
        new($($signature:tt)*), $($parameter:ident: $type:ty),+
    ) => {
        #[pyclass(module = "kitev3._core")]
        struct $name {
            indicator: core::$name,
            value: [f64; $outputs],
        }

        #[pymethods]
        impl $name {
            #[new]
            #[pyo3(signature = ($($signature)*))]
            fn new($($parameter: $type),+) -> PyResult<Self> {
                let indicator = core::$name::new($($parameter),+).map_err(refused)?;
                Ok(Self { indicator, value: [f64::NAN; $outputs] })
            }

            #[getter]
            fn warmup(&self) -> usize {
                self.indicator.warmup()
            }

            #[getter]
            fn value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                answer(py, self.value)
            }

            fn update<'py>(&mut self, py: Python<'py>, $($input: f64),+) -> PyResult<Bound<'py, PyAny>> {
                self.value = self.indicator.update([$($input),+]);
                answer(py, self.value)
            }

            fn batch<'py>(&mut self, py: Python<'py>, $($input: Numbers<'py>),+) -> PyResult<Bound<'py, PyAny>> {
                let Self { indicator, value } = self;
                run_batch::<$inputs, $outputs>(py, [$(&$input),+], value, |inputs, outputs| indicator.batch(inputs, outputs))
            }

            fn reset(&mut self) {
                self.indicator.reset();
                self.value = [f64::NAN; $outputs];
            }
        }
    };
}

class!(Adx: [high, low, close; 3] => 1, new(period=14), period: i64);
class!(Atr: [high, low, close; 3] => 1, new(period=14), period: i64);
class!(Bollinger: [price; 1] => 3, new(period=20, deviations=2.0), period: i64, deviations: f64);
class!(Donchian: [high, low; 2] => 3, new(period=20), period: i64);
class!(Ema: [price; 1] => 1, new(period), period: i64);
class!(Macd: [price; 1] => 3, new(fast=12, slow=26, signal=9), fast: i64, slow: i64, signal: i64);
class!(Rsi: [price; 1] => 1, new(period=14), period: i64);
class!(Sma: [price; 1] => 1, new(period), period: i64);
class!(Stochastic: [high, low, close; 3] => 2, new(k=14, smooth=3, d=3), k: i64, smooth: i64, d: i64);
class!(Supertrend: [high, low, close; 3] => 2, new(period=10, multiplier=3.0), period: i64, multiplier: f64);
class!(Wma: [price; 1] => 1, new(period), period: i64);

#[pyclass(module = "kitev3._core")]
struct SessionVwap {
    indicator: core::SessionVwap,
    value: f64,
}

#[pymethods]
impl SessionVwap {
    #[new]
    fn new() -> Self {
        Self {
            indicator: core::SessionVwap::new(),
            value: f64::NAN,
        }
    }

    #[getter]
    fn warmup(&self) -> usize {
        self.indicator.warmup()
    }

    #[getter]
    fn value(&self) -> f64 {
        self.value
    }

    fn update(&mut self, time_ns: i64, high: f64, low: f64, close: f64, volume: f64) -> f64 {
        self.value = self.indicator.update(time_ns, [high, low, close, volume]);
        self.value
    }

    fn batch<'py>(
        &mut self,
        py: Python<'py>,
        time_ns: Times<'py>,
        high: Numbers<'py>,
        low: Numbers<'py>,
        close: Numbers<'py>,
        volume: Numbers<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let times_ns = contiguous(&time_ns);
        if times_ns.len() != high.len()? {
            return Err(uneven(UnevenColumns));
        }
        let mut last = [self.value];
        let indicator = &mut self.indicator;
        let vwap = run_batch(
            py,
            [&high, &low, &close, &volume],
            &mut last,
            |inputs, [output]| {
                indicator.batch(&times_ns, inputs, output);
            },
        )?;
        [self.value] = last;
        Ok(vwap)
    }

    fn reset(&mut self) {
        self.indicator.reset();
        self.value = f64::NAN;
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
