//! `Decoder`, `decode_plain`, `encode_frame`: Kite's frames.
use kitev3_core::kite::segment::Scale;
use kitev3_core::kite::{BATCH_TICKS_MAX, Decoder, Divisors, Mode, Tick, decode, encode_frame};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use super::EncodeError;
use super::batch::PyTickBatch;
use super::tick::PyTick;
use crate::getters::with_getters;
use crate::words::known;

/// Frames to batches, with what was seen before: flags and counts.
#[pyclass(module = "kitev3._core", name = "Decoder")]
pub struct PyDecoder(Decoder);

with_getters!(PyDecoder, decoder {
    get_believes_clock: bool = decoder.believes_clock;
    frames: u64 = decoder.frames();
    batches: u64 = decoder.batches();
    ticks: u64 = decoder.ticks();
    heartbeats: u64 = decoder.frame_counts().heartbeats;
    errors: u64 = decoder.frame_counts().errors();
    unknown: u64 = decoder.frame_counts().unknown;
    truncated: u64 = decoder.frame_counts().truncated;
    trailing: u64 = decoder.frame_counts().trailing;
    excess: u64 = decoder.frame_counts().excess;
    flagged: u64 = decoder.flagged().flagged;
    flagged_price: u64 = decoder.flagged().price;
    flagged_time_back: u64 = decoder.flagged().time_back;
    flagged_crossed: u64 = decoder.flagged().crossed;
    flagged_time_ahead: u64 = decoder.flagged().time_ahead;
    flagged_unknown_past: u64 = decoder.flagged().unknown_past;
} {
    #[new]
    #[pyo3(signature = (*, nco_divisor = 10_000))]
    fn new(nco_divisor: u32) -> PyResult<Self> {
        Ok(Self(Decoder::new(divisors(nco_divisor)?)))
    }

    /// Keeps the GIL: a thousand ticks take 40 µs, less than what getting it back from another thread may.
    #[pyo3(signature = (frame, now_ns = 0))]
    fn decode(&mut self, frame: &[u8], now_ns: i64) -> PyTickBatch {
        PyTickBatch(self.0.decode(frame, now_ns))
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    #[setter]
    fn set_believes_clock(&mut self, believes: bool) {
        self.0.believes_clock = believes;
    }
});

/// Decodes a frame without state: the ticks alone, as a reader of a tape needs them.
#[pyfunction]
#[pyo3(signature = (frame, *, nco_divisor = 10_000))]
pub fn decode_plain(frame: &[u8], nco_divisor: u32) -> PyResult<PyTickBatch> {
    Ok(PyTickBatch(decode(frame, &divisors(nco_divisor)?).batch))
}

/// A frame of the ticks: each in its own kind's mode, all in one, or each in its own of a sequence.
#[pyfunction]
#[pyo3(name = "encode_frame", signature = (ticks, mode = None, *, nco_divisor = 10_000))]
pub fn py_encode_frame<'py>(
    py: Python<'py>,
    ticks: &Bound<'py, PyAny>,
    mode: Option<&Bound<'py, PyAny>>,
    nco_divisor: u32,
) -> PyResult<Bound<'py, PyBytes>> {
    let divisors = divisors(nco_divisor)?;
    let ticks = collect_ticks(ticks)?;
    let modes = collect_modes(mode, &ticks)?;
    let mut frame = Vec::new();
    encode_frame(ticks.iter().zip(modes), &divisors, &mut frame)
        .map_err(|error| EncodeError::new_err(error.to_string()))?;
    Ok(PyBytes::new(py, &frame))
}

pub fn collect_ticks(ticks: &Bound<'_, PyAny>) -> PyResult<Vec<Tick>> {
    if let Ok(batch) = ticks.cast::<PyTickBatch>() {
        return Ok(batch.get().0.ticks().collect());
    }
    // One more than fits tells too many from just enough, however long the iterator is.
    let ticks = ticks.try_iter()?.take(BATCH_TICKS_MAX + 1);
    ticks
        .map(|tick| Ok(tick?.cast::<PyTick>()?.get().0))
        .collect()
}

fn collect_modes(mode: Option<&Bound<'_, PyAny>>, ticks: &[Tick]) -> PyResult<Vec<Mode>> {
    let parse = |name: &str| known("mode", name, Mode::parse, Mode::names);
    let Some(mode) = mode else {
        return Ok(ticks.iter().map(|tick| tick.kind.mode()).collect());
    };
    if let Ok(name) = mode.cast::<PyString>() {
        return Ok(vec![parse(name.to_str()?)?; ticks.len()]);
    }
    let modes = mode
        .try_iter()?
        .map(|name| parse(name?.cast::<PyString>()?.to_str()?));
    let modes: Vec<Mode> = modes.collect::<PyResult<_>>()?;
    if modes.len() != ticks.len() {
        return Err(PyValueError::new_err(format!(
            "{} modes for {} ticks",
            modes.len(),
            ticks.len()
        )));
    }
    Ok(modes)
}

pub(crate) fn divisors(nco: u32) -> PyResult<Divisors> {
    match nco {
        100 => Ok(Divisors {
            nco: Scale::Hundredth,
        }),
        10_000 => Ok(Divisors {
            nco: Scale::TenThousandth,
        }),
        _ => Err(PyValueError::new_err(format!(
            "nco_divisor is 100 or 10000, not {nco}"
        ))),
    }
}
