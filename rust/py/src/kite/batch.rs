//! `TickBatch`: a batch's columns as numpy arrays, without a copy.
use kitev3_core::kite::{BatchError, DEPTH_LEVELS, TickBatch};
use numpy::ndarray::{ArrayView1, ArrayView2};
use numpy::{Element, PyArray, PyArray1, PyArray2, PyUntypedArrayMethods, npyffi};
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyIterator, PyList};

use super::TickBatchError;
use super::frame::collect_ticks;
use super::tick::PyTick;

/// Ticks in columns; a column is a read-only numpy view of the batch's own memory.
#[pyclass(frozen, eq, module = "kitev3._core", name = "TickBatch")]
#[derive(Clone, PartialEq)]
pub struct PyTickBatch(pub TickBatch);

/// Getters of columns: with a value for each tick, and for each level of its depth.
macro_rules! tick_columns {
    (tick { $($name:ident: $type:ty;)+ } level { $($depth:ident: $of:ty;)+ }) => {
        #[pymethods]
        impl PyTickBatch {
            #[staticmethod]
            fn from_bytes(data: &[u8]) -> PyResult<Self> {
                TickBatch::from_bytes(data).map(Self).map_err(batch_error)
            }

            #[staticmethod]
            fn from_ticks(ticks: &Bound<'_, PyAny>) -> PyResult<Self> {
                let ticks = collect_ticks(ticks)?;
                TickBatch::from_ticks(&ticks).map(Self).map_err(batch_error)
            }

            fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
                PyBytes::new(py, self.0.as_bytes())
            }

            fn flagged(&self) -> Vec<(u32, u16)> {
                self.0.flagged()
            }

            fn with_flags(&self, flagged: Vec<(u32, u16)>) -> PyResult<Self> {
                let mut batch = self.0.clone();
                batch.apply_flags(&flagged).map_err(batch_error)?;
                Ok(Self(batch))
            }

            fn __len__(&self) -> usize {
                self.0.len()
            }

            fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
                PyList::new(py, self.0.ticks().map(PyTick).collect::<Vec<_>>())?.try_iter()
            }

            fn __getitem__(&self, index: isize) -> PyResult<PyTick> {
                let tick = self.0.tick(place("tick", index, self.0.len())?);
                Ok(PyTick(tick.expect("it is one of them")))
            }

            fn __repr__(&self) -> String {
                format!(
                    "<TickBatch of {} ticks, {} bytes>",
                    self.0.len(),
                    self.0.as_bytes().len()
                )
            }

            $(
                #[getter]
                fn $name<'py>(slf: &Bound<'py, Self>) -> Bound<'py, PyArray1<$type>> {
                    view(slf, slf.get().0.$name())
                }
            )+

            $(
                #[getter]
                fn $depth<'py>(slf: &Bound<'py, Self>) -> Bound<'py, PyArray2<$of>> {
                    depth_view(slf, slf.get().0.$depth())
                }
            )+
        }
    };
}

tick_columns! {
    tick {
        kind: u8;
        token: u32;
        flags: u16;
        exchange_ns: i64;
        last_price_e4: i64;
        open_e4: i64;
        high_e4: i64;
        low_e4: i64;
        close_e4: i64;
        average_price_e4: i64;
        last_quantity: u32;
        volume: u32;
        buy_quantity: u32;
        sell_quantity: u32;
        last_trade_ns: i64;
        oi: u32;
        oi_high: u32;
        oi_low: u32;
    }
    level {
        depth_price_e4: i64;
        depth_quantity: u32;
        depth_orders: u16;
    }
}

/// Where the row of that index of Python's stands, from the end if it is negative.
pub fn place(row: &str, index: isize, length: usize) -> PyResult<usize> {
    let from_start = if index < 0 {
        index + length as isize
    } else {
        index
    };
    let place = usize::try_from(from_start)
        .ok()
        .filter(|&place| place < length);
    place.ok_or_else(|| PyIndexError::new_err(format!("{row} {index} of a batch of {length}")))
}

/// A column as numpy sees it; zeros where its section is absent, so that shapes never depend on the feed's mode.
fn view<'py, T: Element>(batch: &Bound<'py, PyTickBatch>, column: &[T]) -> Bound<'py, PyArray1<T>> {
    let length = batch.get().0.len();
    if column.len() != length {
        return read_only(PyArray1::zeros(batch.py(), length, false));
    }
    column_view(batch.as_any(), column)
}

/// A column as numpy sees it; it lies in the memory of *owner*, a frozen class.
pub fn column_view<'py, T: Element>(
    owner: &Bound<'py, PyAny>,
    column: &[T],
) -> Bound<'py, PyArray1<T>> {
    // SAFETY: the column lies in a frozen pyclass, whose memory nobody moves or writes, and the array keeps it alive.
    read_only(unsafe { PyArray1::borrow_from_array(&ArrayView1::from(column), owner.clone()) })
}

fn depth_view<'py, T: Element>(
    batch: &Bound<'py, PyTickBatch>,
    column: &[T],
) -> Bound<'py, PyArray2<T>> {
    let shape = (batch.get().0.len(), DEPTH_LEVELS);
    match ArrayView2::from_shape(shape, column) {
        Ok(rows) => {
            // SAFETY: as in `view`.
            read_only(unsafe { PyArray2::borrow_from_array(&rows, batch.clone().into_any()) })
        }
        Err(_) => read_only(PyArray2::zeros(batch.py(), shape, false)),
    }
}

fn read_only<T, D>(array: Bound<'_, PyArray<T, D>>) -> Bound<'_, PyArray<T, D>> {
    // SAFETY: the array was made just now and nobody else has it.
    unsafe { (*array.as_array_ptr()).fields.flags &= !npyffi::NPY_ARRAY_WRITEABLE };
    array
}

fn batch_error(error: BatchError) -> PyErr {
    TickBatchError::new_err(error.to_string())
}
