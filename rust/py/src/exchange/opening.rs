//! Where a market begins, and from what.
use kitev3_core::calendar::clock::MINUTE_NS;
use kitev3_core::day::Day;
use kitev3_core::exchange::hours::Hours;
use kitev3_core::exchange::market::path::{Synthetic, frozen};
use kitev3_core::exchange::market::simulated::{Opening, minute_of};
use kitev3_core::exchange::market::universe::Universe;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::market_file::MarketFile;

#[derive(FromPyObject)]
pub(super) enum Source<'py> {
    File(PyRef<'py, MarketFile>),
    Name(String),
}

/// A market that is always open begins so long before its start, so that there is something to look at.
const BEFORE_NS: i64 = 5 * MINUTE_NS;

pub(super) fn open_market(
    source: Source<'_>,
    seed: u64,
    start_ns: i64,
    step_ns: i64,
    universe: Universe,
    hours: Hours,
) -> PyResult<Opening> {
    let day = Day::at(start_ns);
    let mut opening = Opening {
        day,
        previous_close: 0.0,
        path: Box::new(std::iter::empty()),
        seed,
        step_ns,
        universe,
        hours,
        open_ns: minute_of(start_ns) - BEFORE_NS,
    };
    match source {
        Source::File(file) => {
            let recorded = file.0.of_day(day).map_err(PyValueError::new_err)?;
            opening.previous_close = recorded.previous_close;
            opening.path = recorded.path();
        }
        Source::Name(name) => match (name.as_str(), hours) {
            ("synthetic", Hours::Always) => {
                let (close, path) = Synthetic::between(seed, opening.open_ns, i64::MAX, step_ns);
                (opening.previous_close, opening.path) = (close, Box::new(path));
            }
            ("synthetic", _) => {
                let (close, path) = Synthetic::new(seed, day, step_ns);
                (opening.previous_close, opening.path) = (close, Box::new(path));
            }
            ("frozen", _) => {
                (opening.previous_close, opening.path) = frozen(seed, start_ns);
                // Time does not matter to what does not move.
                (opening.hours, opening.open_ns) = (Hours::Always, start_ns);
            }
            _ => {
                return Err(PyValueError::new_err(format!(
                    "unknown market {name:?}: synthetic, frozen or a MarketFile"
                )));
            }
        },
    }
    Ok(opening)
}
