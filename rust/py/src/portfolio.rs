//! Charges for Python.
use kitev3_core::calendar::Calendar;
use kitev3_core::day::Day;
use kitev3_core::portfolio::{Charges, Executed, charges};
use kitev3_core::terms::{Exchange, InstrumentKind, Product, Side};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::getters::with_getters;

fn word<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> PyResult<T> {
    parse(text).ok_or_else(|| {
        PyValueError::new_err(format!("{text:?} is no word of the trade that is known"))
    })
}

fn day(date: &str) -> PyResult<Day> {
    Day::parse(date).ok_or_else(|| PyValueError::new_err(format!("{date:?} is no date YYYY-MM-DD")))
}

/// The parts of an order's cost.
#[pyclass(frozen, eq, module = "kitev3._core", name = "Charges")]
#[derive(Clone, PartialEq)]
pub struct PyCharges(Charges);

with_getters!(PyCharges, charges {
    brokerage_e15: i128 = charges.brokerage_e15;
    transaction_tax_e15: i128 = charges.transaction_tax_e15;
    exchange_e15: i128 = charges.exchange_e15;
    sebi_e15: i128 = charges.sebi_e15;
    stamp_e15: i128 = charges.stamp_e15;
    gst_e15: i128 = charges.gst_e15;
    total_e15: i128 = charges.total_e15();
    total_e4: i64 = charges.total_e4();
} {
    fn __repr__(&self) -> String {
        format!("Charges(total_e4={})", self.0.total_e4())
    }
});

/// The charges of one executed order.
#[pyfunction(name = "charges")]
fn order_charges(
    exchange: &str,
    instrument_type: &str,
    product: &str,
    side: &str,
    turnover_e4: i64,
    date: &str,
) -> PyResult<PyCharges> {
    let order = Executed {
        exchange: word(exchange, Exchange::parse)?,
        kind: word(instrument_type, InstrumentKind::parse)?,
        product: word(product, Product::parse)?,
        side: word(side, Side::parse)?,
        turnover_e4,
    };
    let made = charges(&order, &Calendar::shipped(), day(date)?);
    made.map(PyCharges)
        .map_err(|error| PyValueError::new_err(error.to_string()))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyCharges>()?;
    module.add_function(wrap_pyfunction!(order_charges, module)?)
}
