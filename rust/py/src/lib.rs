//! `kitev3._core`: conversions between Python and `kitev3-core`, no logic.
use pyo3::prelude::*;

mod calendar;
mod callbacks;
mod exchange;
mod getters;
mod indicators;
mod kite;
mod market;
mod newest;
mod orders;
mod payload;
mod plain_check;
mod portfolio;
mod risk;
mod runtime;
mod tape;
mod words;
mod zmq_sockets;

/// What this build is: the crate's version. Two processes of one system compare it before they trade.
#[pyfunction]
fn build() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(build, module)?)?;
    calendar::register(module)?;
    callbacks::register(module)?;
    exchange::register(module)?;
    runtime::register(module)?;
    indicators::register(module)?;
    kite::register(module)?;
    market::register(module)?;
    newest::register(module)?;
    orders::register(module)?;
    payload::register(module)?;
    portfolio::register(module)?;
    risk::register(module)?;
    tape::register(module)?;
    module.add_class::<plain_check::PlainCheck>()?;
    module.add_class::<zmq_sockets::PyZmqSockets>()?;
    // The stub says what is here; a second list would only go stale.
    module.delattr("__all__")
}
