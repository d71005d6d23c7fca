//! Positions and charges for Python.
use kitev3_core::day::Day;
use kitev3_core::portfolio::{Booked, Charges, Executed, Portfolio, Trade, charges};
use kitev3_core::terms::{Exchange, Kind, Overflow, Product, Side};
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;

fn word<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> PyResult<T> {
    parse(text).ok_or_else(|| {
        PyValueError::new_err(format!("{text:?} is no word of the trade that is known"))
    })
}

fn day(date: &str) -> PyResult<Day> {
    Day::parse(date).ok_or_else(|| PyValueError::new_err(format!("{date:?} is no date YYYY-MM-DD")))
}

fn overflow(error: Overflow) -> PyErr {
    PyOverflowError::new_err(error.to_string())
}

/// The parts of an order's cost.
#[pyclass(frozen, eq, module = "kitev3._core", name = "Charges")]
#[derive(Clone, PartialEq)]
pub struct PyCharges(Charges);

#[pymethods]
impl PyCharges {
    #[getter]
    fn brokerage_e15(&self) -> i128 {
        self.0.brokerage_e15
    }

    #[getter]
    fn transaction_tax_e15(&self) -> i128 {
        self.0.transaction_tax_e15
    }

    #[getter]
    fn exchange_e15(&self) -> i128 {
        self.0.exchange_e15
    }

    #[getter]
    fn sebi_e15(&self) -> i128 {
        self.0.sebi_e15
    }

    #[getter]
    fn stamp_e15(&self) -> i128 {
        self.0.stamp_e15
    }

    #[getter]
    fn gst_e15(&self) -> i128 {
        self.0.gst_e15
    }

    #[getter]
    fn total_e15(&self) -> i128 {
        self.0.total_e15()
    }

    #[getter]
    fn total_e4(&self) -> i64 {
        self.0.total_e4()
    }

    fn __repr__(&self) -> String {
        format!("Charges(total_e4={})", self.0.total_e4())
    }
}

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
        kind: word(instrument_type, Kind::parse)?,
        product: word(product, Product::parse)?,
        side: word(side, Side::parse)?,
        turnover_e4,
    };
    let made = charges(&order, day(date)?);
    made.map(PyCharges)
        .map_err(|error| PyValueError::new_err(error.to_string()))
}

/// One position as it stands.
#[pyclass(frozen, module = "kitev3._core", name = "PositionRow")]
pub struct PyPositionRow(Booked);

#[pymethods]
impl PyPositionRow {
    #[getter]
    fn exchange(&self) -> &'static str {
        self.0.key.exchange.name()
    }

    #[getter]
    fn tradingsymbol(&self) -> &str {
        &self.0.key.tradingsymbol
    }

    #[getter]
    fn product(&self) -> &'static str {
        self.0.key.product.name()
    }

    #[getter]
    fn multiplier(&self) -> i64 {
        self.0.position.multiplier
    }

    #[getter]
    fn quantity(&self) -> i64 {
        self.0.position.quantity()
    }

    #[getter]
    fn cost_e4(&self) -> i64 {
        self.0.position.open.value_e4
    }

    #[getter]
    fn average_e4(&self) -> i64 {
        self.0.position.average_e4()
    }

    #[getter]
    fn last_e4(&self) -> i64 {
        self.0.position.last_e4
    }

    #[getter]
    fn realised_e4(&self) -> i64 {
        self.0.position.realised_e4
    }

    #[getter]
    fn unrealised_e4(&self) -> PyResult<i64> {
        self.0.position.unrealised_e4().map_err(overflow)
    }

    #[getter]
    fn value_e4(&self) -> PyResult<i64> {
        self.0.position.value_e4().map_err(overflow)
    }

    #[getter]
    fn pnl_e4(&self) -> PyResult<i64> {
        self.0.position.pnl_e4().map_err(overflow)
    }

    #[getter]
    fn charges_e4(&self) -> i64 {
        self.0.charges_e4()
    }
}

/// The positions of one account.
#[pyclass(module = "kitev3._core", name = "Portfolio")]
#[derive(Default)]
pub struct PyPortfolio(Portfolio);

#[pymethods]
impl PyPortfolio {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    #[pyo3(signature = (*, order_id, exchange, tradingsymbol, instrument_type, product, side, quantity, price_e4, date))]
    #[allow(clippy::too_many_arguments)] // a trade's own fields, by keyword
    fn fill(
        &mut self,
        order_id: &str,
        exchange: &str,
        tradingsymbol: &str,
        instrument_type: &str,
        product: &str,
        side: &str,
        quantity: i64,
        price_e4: i64,
        date: &str,
    ) -> PyResult<usize> {
        let trade = Trade {
            order_id,
            exchange: word(exchange, Exchange::parse)?,
            tradingsymbol,
            kind: word(instrument_type, Kind::parse)?,
            product: word(product, Product::parse)?,
            side: word(side, Side::parse)?,
            quantity,
            price_e4,
            day: day(date)?,
        };
        self.0
            .fill(&trade)
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    fn mark(&mut self, position: usize, last_e4: i64) -> PyResult<()> {
        if position >= self.0.positions().len() {
            return Err(PyValueError::new_err(format!(
                "there is no position {position}"
            )));
        }
        self.0.mark(position, last_e4).map_err(overflow)
    }

    fn positions(&self) -> Vec<PyPositionRow> {
        self.0
            .positions()
            .iter()
            .cloned()
            .map(PyPositionRow)
            .collect()
    }

    #[getter]
    fn gross_e4(&self) -> i64 {
        self.0.gross_e4()
    }

    #[getter]
    fn charges_e4(&self) -> i64 {
        self.0.charges_e4()
    }

    #[getter]
    fn net_e4(&self) -> PyResult<i64> {
        self.0.net_e4().map_err(overflow)
    }

    #[getter]
    fn uncharged(&self) -> usize {
        self.0.uncharged()
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyCharges>()?;
    module.add_class::<PyPositionRow>()?;
    module.add_class::<PyPortfolio>()?;
    module.add_function(wrap_pyfunction!(order_charges, module)?)
}
