//! Days and times of the exchange.
use kitev3_core::day::Day;
use kitev3_core::exchange::dates::{OPEN_NS, at_ns, stamp, trading_day_back};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

#[pyfunction]
#[pyo3(signature = (session, /))]
pub(super) fn session_open_ns(session: &str) -> PyResult<i64> {
    Ok(at_ns(parse_day(session)?, OPEN_NS))
}

#[pyfunction]
#[pyo3(signature = (time_ns, /))]
pub(super) fn ist_stamp(time_ns: i64) -> String {
    stamp(time_ns)
}

#[pyfunction]
#[pyo3(signature = (day, /))]
pub(super) fn trading_day(day: &str) -> PyResult<String> {
    Ok(trading_day_back(parse_day(day)?).to_string())
}

fn parse_day(text: &str) -> PyResult<Day> {
    Day::parse(text).ok_or_else(|| PyValueError::new_err(format!("{text:?} is no date YYYY-MM-DD")))
}
