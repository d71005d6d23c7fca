//! `Calendar`: dated facts for Python.
use std::sync::Arc;

use kitev3_core::calendar::clock::{IST_NS, OPEN_NS, at_ns, stamp};
use kitev3_core::calendar::{Calendar, Day, Expiry, Segment};
use kitev3_core::terms::{Exchange, InstrumentKind};
use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::words::known;

create_exception!(
    kitev3._core,
    CalendarError,
    PyValueError,
    "Rows of a calendar that cannot be read, or a day that it does not cover."
);

#[pyclass(frozen, module = "kitev3._core", name = "Calendar")]
pub struct PyCalendar(pub Arc<Calendar>);

#[pymethods]
impl PyCalendar {
    #[new]
    #[pyo3(signature = (own = "", *, provisional = false))]
    fn new(own: &str, provisional: bool) -> PyResult<Self> {
        if own.is_empty() {
            return Ok(Self(if provisional {
                Calendar::with_guesses()
            } else {
                Calendar::shipped()
            }));
        }
        let read = Calendar::read(own, provisional);
        read.map(|calendar| Self(Arc::new(calendar)))
            .map_err(|bad| CalendarError::new_err(bad.to_string()))
    }

    #[getter]
    fn sha256(&self) -> String {
        let bytes = self.0.sha256().iter();
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }

    fn covers(&self, date: &str) -> PyResult<bool> {
        Ok(self.0.covers(parse_day(date)?))
    }

    #[pyo3(signature = (date, segment = "shares"))]
    fn trades(&self, date: &str, segment: &str) -> PyResult<bool> {
        Ok(self.0.trades(parse_day(date)?, parse_segment(segment)?))
    }

    #[pyo3(signature = (date, segment = "shares"))]
    fn trading_day(&self, date: &str, segment: &str) -> PyResult<String> {
        let back = self
            .0
            .trading_day_back(parse_day(date)?, parse_segment(segment)?);
        let outside = || CalendarError::new_err(format!("{date} is outside the calendar"));
        back.map(|day| day.to_string()).ok_or_else(outside)
    }

    /// Opening and close in ns of the day.
    fn session(&self, date: &str, segment: &str) -> PyResult<Option<(i64, i64)>> {
        let (day, segment) = (parse_day(date)?, parse_segment(segment)?);
        let trades = self.0.trades(day, segment);
        Ok(self.0.continuous_ns(day, segment).filter(|_| trades))
    }

    #[pyo3(signature = (date, exchange, instrument_type, closing_auction = true))]
    fn hours<'py>(
        &self,
        py: Python<'py>,
        date: &str,
        exchange: &str,
        instrument_type: &str,
        closing_auction: bool,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        let day = parse_day(date)?;
        let words = InstrumentKind::parse(instrument_type).zip(Exchange::parse(exchange));
        let segment =
            words.and_then(|(kind, exchange)| Segment::of(kind, exchange, closing_auction, false));
        let Some(hours) = segment.and_then(|segment| self.0.hours(day, segment)) else {
            return Ok(None);
        };
        let row = PyDict::new(py);
        row.set_item("open_ns", hours.open_ns)?;
        row.set_item("entry_until_ns", hours.entry_until_ns)?;
        row.set_item("exit_until_ns", hours.exit_until_ns)?;
        row.set_item("mis_entry_until_ns", hours.mis_entry_until_ns)?;
        row.set_item("mis_square_off_ns", hours.mis_square_off_ns)?;
        row.set_item("broker_square_off_ns", hours.broker_square_off_ns)?;
        Ok(Some(row))
    }

    fn expiries(&self, key: &str, date: &str, count: usize) -> PyResult<Vec<(String, bool)>> {
        let found = self.0.expiries(key, parse_day(date)?, count);
        let row = |expiry: Expiry| (expiry.day.to_string(), expiry.monthly);
        Ok(found.into_iter().map(row).collect())
    }

    fn lot(&self, key: &str, expiry: &str) -> PyResult<Option<i64>> {
        Ok(self.0.lot(key, parse_day(expiry)?))
    }

    #[pyo3(signature = (key, date, lot = 1))]
    fn freeze_quantity(&self, key: &str, date: &str, lot: i64) -> PyResult<Option<i64>> {
        let freeze = self.0.freeze(key, parse_day(date)?);
        Ok(freeze.map(|freeze| freeze.units(lot)))
    }

    fn band_percent(&self, key: &str, date: &str) -> PyResult<Option<i64>> {
        Ok(self.0.band_percent(key, parse_day(date)?))
    }
}

#[pyfunction]
fn session_open_ns(session: &str) -> PyResult<i64> {
    Ok(at_ns(parse_day(session)?, OPEN_NS))
}

#[pyfunction]
fn ist_stamp(time_ns: i64) -> String {
    stamp(time_ns)
}

pub fn parse_day(text: &str) -> PyResult<Day> {
    Day::parse(text).ok_or_else(|| PyValueError::new_err(format!("{text:?} is no date YYYY-MM-DD")))
}

fn parse_segment(name: &str) -> PyResult<Segment> {
    known("segment", name, Segment::parse, Segment::names)
}

/// The calendar that was handed over, or the shipped one.
pub fn given(calendar: Option<&PyCalendar>, otherwise: fn() -> Arc<Calendar>) -> Arc<Calendar> {
    calendar.map_or_else(otherwise, |calendar| Arc::clone(&calendar.0))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyCalendar>()?;
    module.add("CalendarError", module.py().get_type::<CalendarError>())?;
    module.add("IST_NS", IST_NS)?;
    module.add_function(wrap_pyfunction!(session_open_ns, module)?)?;
    module.add_function(wrap_pyfunction!(ist_stamp, module)?)?;
    Ok(())
}
