//! Kite's ticks for Python.
use kitev3_core::kite::{BATCH_TICKS_MAX, FRAME_BYTES_MAX, TickFlags, TickKind};
use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

pub(crate) mod batch;
mod frame;
pub mod tick;

pub use batch::PyTickBatch;
pub(crate) use frame::divisors;

create_exception!(
    kitev3._core,
    TickBatchError,
    PyValueError,
    "Bytes or ticks that are not a tick batch."
);
create_exception!(
    kitev3._core,
    EncodeError,
    PyValueError,
    "A value that Kite's packet cannot carry."
);

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add_class::<tick::PyTick>()?;
    module.add_class::<PyTickBatch>()?;
    module.add_class::<frame::PyDecoder>()?;
    module.add_function(wrap_pyfunction!(frame::decode_plain, module)?)?;
    module.add_function(wrap_pyfunction!(frame::py_encode_frame, module)?)?;
    module.add("TickBatchError", py.get_type::<TickBatchError>())?;
    module.add("EncodeError", py.get_type::<EncodeError>())?;
    module.add(
        "TICK_KINDS",
        TickKind::ALL
            .iter()
            .map(|kind| kind.name())
            .collect::<Vec<_>>(),
    )?;
    module.add("BATCH_TICKS_MAX", BATCH_TICKS_MAX)?;
    module.add("FRAME_BYTES_MAX", FRAME_BYTES_MAX)?;
    module.add("FLAG_PRICE", TickFlags::PRICE)?;
    module.add("FLAG_TIME_BACK", TickFlags::TIME_BACK)?;
    module.add("FLAG_CROSSED", TickFlags::CROSSED)?;
    module.add("FLAG_TIME_AHEAD", TickFlags::TIME_AHEAD)?;
    module.add("FLAG_UNKNOWN_PAST", TickFlags::UNKNOWN_PAST)?;
    Ok(())
}
