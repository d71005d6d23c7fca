//! `Callbacks`: strategies asked one after the other. A frame may close three thousand bars, and most callbacks want nothing of
//! theirs: those never come back to Python that is ours.
#![allow(unsafe_code)] // a record in memory that another process may read
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use kitev3_core::market::{Bar, BarSpec};
use kitev3_core::runtime::header::SOURCE_BYTES;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyBufferError, PyKeyError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyIterator, PyList, PyString, PyType};

use crate::indicators::IndicatorEngine;
use crate::kite::PyTickBatch;
use crate::kite::tick::PyTick;
use crate::market::{PyBar, PyBarBatch};
use crate::newest::PyNewest;
use crate::runtime::event::Event;

/// What a strategy may look at of one instrument, and who is asked: Python's side hangs the rest on it.
#[pyclass(subclass, frozen, module = "kitev3._core", name = "InstrumentView")]
pub struct PyInstrumentView {
    token: u32,
    newest: Py<PyNewest>,
    engine: Option<Py<IndicatorEngine>>,
    #[pyo3(get)]
    strategy: Py<PyAny>,
    /// The strategy's.
    name: String,
    /// Epoch and `topic_seq` of the first bars that its state stands on; both 0 where there were none yet.
    bars_since: (AtomicU32, AtomicU64),
}

impl PyInstrumentView {
    /// Of these bars one is its own.
    fn take_bar(&self, (epoch, topic_seq): (u32, u64)) {
        let (since_epoch, since) = &self.bars_since;
        if since.load(Ordering::Relaxed) == 0 || since_epoch.load(Ordering::Relaxed) != epoch {
            since_epoch.store(epoch, Ordering::Relaxed);
            since.store(topic_seq, Ordering::Relaxed);
        }
    }
}

#[pymethods]
impl PyInstrumentView {
    #[new]
    fn new(
        token: u32,
        newest: Py<PyNewest>,
        engine: Option<Py<IndicatorEngine>>,
        strategy: Py<PyAny>,
        name: String,
    ) -> Self {
        Self {
            token,
            newest,
            engine,
            strategy,
            name,
            bars_since: Default::default(),
        }
    }

    #[getter]
    fn last_e4(&self, py: Python<'_>) -> i64 {
        self.newest.borrow(py).last_e4(self.token)
    }

    #[getter]
    fn bid_e4(&self, py: Python<'_>) -> i64 {
        self.newest.borrow(py).bid_e4(self.token)
    }

    #[getter]
    fn ask_e4(&self, py: Python<'_>) -> i64 {
        self.newest.borrow(py).ask_e4(self.token)
    }

    #[getter]
    fn warm(&self, py: Python<'_>) -> bool {
        let engine = self.engine.as_ref();
        engine.is_none_or(|engine| engine.borrow(py).warm(self.token))
    }

    fn value(&self, py: Python<'_>, name: &str) -> PyResult<f64> {
        match &self.engine {
            Some(engine) => engine.borrow(py).value(self.token, name),
            None => {
                let words = format!("'{name}': this strategy declares no indicators");
                Err(PyKeyError::new_err(words))
            }
        }
    }

    #[getter]
    fn bars_since(&self) -> (u32, u64) {
        let (epoch, topic_seq) = &self.bars_since;
        let load = Ordering::Relaxed;
        (epoch.load(load), topic_seq.load(load))
    }

    fn forget_bars(&self) {
        self.bars_since.1.store(0, Ordering::Relaxed);
    }
}

/// Who is asked, in memory that outlives the process: `u64` calls so far, `u32` its number within the event, then the strategy's
/// name, empty between two calls, and the event: source, `u32` epoch, `u64` seq.
#[pyclass(frozen, module = "kitev3._core", name = "CallRecord")]
pub struct Record(PyBuffer<u8>);

const NAME_AT: usize = 12;
const EVENT_AT: usize = NAME_AT + 64;
const RECORD_BYTES: usize = EVENT_AT + SOURCE_BYTES + 4 + 8;

#[pymethods]
impl Record {
    #[new]
    fn new(buffer: PyBuffer<u8>) -> PyResult<Record> {
        if buffer.readonly() || !buffer.is_c_contiguous() || buffer.len_bytes() < RECORD_BYTES {
            return Err(PyBufferError::new_err("no record of calls"));
        }
        Ok(Record(buffer))
    }
}

impl Record {
    /// Puts bytes from `at` on.
    fn put(&self, at: usize, bytes: impl Iterator<Item = u8>) {
        let start = self.0.buf_ptr().cast::<u8>();
        for (at, byte) in (at..RECORD_BYTES).zip(bytes) {
            // SAFETY: within the buffer, which cannot go while it is held and is writable; whoever else looks at it in this
            // process holds the interpreter, as we do.
            unsafe { start.add(at).write_volatile(byte) };
        }
    }

    fn get(&self, at: usize) -> u8 {
        assert!(at < RECORD_BYTES);
        // SAFETY: as above.
        unsafe { self.0.buf_ptr().cast::<u8>().add(at).read_volatile() }
    }

    /// The event that is asked about now.
    fn take(&self, event: &Bound<'_, Event>) -> PyResult<()> {
        let (py, event) = (event.py(), event.get());
        let source = event.source.bind(py).to_str()?.bytes();
        self.put(
            EVENT_AT,
            source.chain(std::iter::repeat(0)).take(SOURCE_BYTES),
        );
        let place = event.epoch.to_le_bytes().into_iter();
        self.put(
            EVENT_AT + SOURCE_BYTES,
            place.chain(event.seq.to_le_bytes()),
        );
        Ok(())
    }

    /// `is_named`: the last that was asked has this name.
    fn write(&self, number: u32, name: &str, is_named: bool) {
        let calls = u64::from_le_bytes(std::array::from_fn(|at| self.get(at))).wrapping_add(1);
        self.put(
            0,
            calls.to_le_bytes().into_iter().chain(number.to_le_bytes()),
        );
        if !is_named || self.get(NAME_AT) == 0 {
            let named = name.bytes().chain(std::iter::repeat(0));
            self.put(NAME_AT, named.take(EVENT_AT - NAME_AT));
        }
    }
}

/// What is asked about, in order.
enum About {
    Bars {
        bars: std::vec::IntoIter<Bar>,
        /// period -> token -> who hears it
        hearers: Py<PyDict>,
        /// Those of one period.
        of_period: Option<(BarSpec, Option<Py<PyDict>>)>,
        /// Epoch and `topic_seq` of the batch.
        place: (u32, u64),
    },
    Ticks {
        batch: Py<PyTickBatch>,
        next: usize,
        /// token -> who hears it
        hearers: Py<PyDict>,
    },
    One(Option<(Py<PyAny>, Py<PyList>)>),
}

impl About {
    /// The next thing that somebody hears of, and who does.
    fn next(&mut self, py: Python<'_>) -> PyResult<Option<(Py<PyAny>, Py<PyList>)>> {
        match self {
            Self::One(one) => Ok(one.take()),
            Self::Ticks {
                batch,
                next,
                hearers,
            } => {
                let ticks = &batch.get().0;
                while let Some(&token) = ticks.token().get(*next) {
                    let at = *next;
                    *next += 1;
                    if ticks.flags()[at] != 0 {
                        continue;
                    }
                    if let (Some(hearers), Some(tick)) =
                        (hearers_of(hearers.bind(py), token)?, ticks.tick(at))
                    {
                        return Ok(Some((Py::new(py, PyTick(tick))?.into_any(), hearers)));
                    }
                }
                Ok(None)
            }
            Self::Bars {
                bars,
                hearers,
                of_period,
                ..
            } => {
                for bar in bars {
                    if of_period.as_ref().is_none_or(|(spec, _)| *spec != bar.spec) {
                        let found = hearers.bind(py).get_item(bar.spec.to_string())?;
                        let found = found.map(|one| one.cast_into().map(Bound::unbind));
                        *of_period = Some((bar.spec, found.transpose()?));
                    }
                    let Some((_, Some(by_token))) = of_period else {
                        continue;
                    };
                    let Some(hearers) = hearers_of(by_token.bind(py), bar.token)? else {
                        continue;
                    };
                    return Ok(Some((Py::new(py, PyBar(bar))?.into_any(), hearers)));
                }
                Ok(None)
            }
        }
    }
}

fn hearers_of(hearers: &Bound<'_, PyDict>, token: u32) -> PyResult<Option<Py<PyList>>> {
    let found = hearers.get_item(token)?;
    let found = found.map(|one| one.cast_into::<PyList>().map(Bound::unbind));
    Ok(found.transpose()?)
}

fn wants_gapped(py: Python<'_>, view: &PyInstrumentView) -> PyResult<bool> {
    let wants = view.strategy.getattr(py, intern!(py, "wants_gapped"))?;
    wants.is_truthy(py)
}

/// (who was asked, about what, what it answered or a generator's first, the generator, what it raised); all but the first two
/// None for one that was left out.
type Called = (
    Py<PyInstrumentView>,
    Py<PyAny>,
    Option<Py<PyAny>>,
    Option<Py<PyAny>>,
    Option<Py<PyAny>>,
);

#[pyclass(module = "kitev3._core")]
pub struct Callbacks {
    about: About,
    #[pyo3(get)]
    name: Py<PyString>,
    what: Option<(Py<PyAny>, Py<PyList>, usize)>,
    record: Option<Py<Record>>,
    /// strategy -> the number of the call that it is not asked any more
    left_out: Option<HashMap<String, u32>>,
    /// Calls so far.
    #[pyo3(get)]
    number: u32,
    /// Who is asked, or was asked last.
    #[pyo3(get)]
    hosted: Option<Py<PyInstrumentView>>,
}

/// A hosted strategy, what it is asked about, and whether it is left out.
type Asked = (Py<PyInstrumentView>, Py<PyAny>, bool);

impl Callbacks {
    fn new(name: &Bound<'_, PyString>, about: About) -> Self {
        Self {
            about,
            name: name.clone().unbind(),
            what: None,
            record: None,
            left_out: None,
            number: 0,
            hosted: None,
        }
    }

    /// The next to be asked, noted in the record; what about; whether it is left out.
    fn advance(&mut self, py: Python<'_>) -> PyResult<Option<Asked>> {
        loop {
            if self.what.is_none() {
                match self.about.next(py)? {
                    Some((what, hearers)) => self.what = Some((what, hearers, 0)),
                    None => return Ok(None),
                }
            }
            let Some((what, hearers, next)) = &mut self.what else {
                continue;
            };
            let Ok(hosted) = hearers.bind(py).get_item(*next) else {
                self.what = None;
                continue;
            };
            *next += 1;
            let hosted: Bound<'_, PyInstrumentView> = hosted.cast_into()?;
            let view = hosted.get();
            if let About::Bars { place, .. } = self.about {
                if what.bind(py).cast::<PyBar>()?.get().0.gapped && !wants_gapped(py, view)? {
                    continue;
                }
                view.take_bar(place);
            }
            let what = what.clone_ref(py);
            let left_out = self.left_out.as_ref().and_then(|them| them.get(&view.name));
            let is_left_out = left_out == Some(&self.number);
            if let Some(record) = &self.record {
                let last = self.hosted.as_ref().map(|last| &last.get().name);
                record
                    .get()
                    .write(self.number, &view.name, last == Some(&view.name));
            }
            self.number += 1;
            let hosted = hosted.unbind();
            self.hosted = Some(hosted.clone_ref(py));
            return Ok(Some((hosted, what, is_left_out)));
        }
    }
}

#[pymethods]
impl Callbacks {
    #[staticmethod]
    fn of_bars(
        py: Python<'_>,
        batch: &PyBarBatch,
        hearers: Py<PyDict>,
        place: (u32, u64),
    ) -> Callbacks {
        let bars: Vec<Bar> = batch.0.bars().collect();
        let about = About::Bars {
            bars: bars.into_iter(),
            hearers,
            of_period: None,
            place,
        };
        Self::new(intern!(py, "on_bar"), about)
    }

    #[staticmethod]
    fn of_ticks(py: Python<'_>, batch: Py<PyTickBatch>, hearers: Py<PyDict>) -> Callbacks {
        let about = About::Ticks {
            batch,
            next: 0,
            hearers,
        };
        Self::new(intern!(py, "on_tick"), about)
    }

    #[staticmethod]
    fn of_one(
        py: Python<'_>,
        name: &Bound<'_, PyString>,
        what: Py<PyAny>,
        hosted: Py<PyInstrumentView>,
    ) -> PyResult<Callbacks> {
        let hearers = PyList::new(py, [hosted])?.unbind();
        Ok(Self::new(name, About::One(Some((what, hearers)))))
    }

    fn begin(
        &mut self,
        event: &Bound<'_, Event>,
        record: Option<Py<Record>>,
        left_out: Option<HashMap<String, u32>>,
    ) -> PyResult<()> {
        (self.record, self.left_out) = (record, left_out);
        match &self.record {
            Some(record) => record.get().take(event),
            None => Ok(()),
        }
    }

    /// Asks nobody; whose bars they are has taken them.
    fn pass_over(&mut self, py: Python<'_>) -> PyResult<()> {
        while self.advance(py)?.is_some() {}
        Ok(())
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(slf: &Bound<'_, Self>) -> PyResult<Option<Called>> {
        static GENERATOR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let py = slf.py();
        let generator = GENERATOR.import(py, "types", "GeneratorType")?;
        let name = slf.borrow().name.clone_ref(py);
        loop {
            // A callback may look at who is asked: nothing is borrowed while it runs.
            let Some((hosted, what, is_left_out)) = slf.borrow_mut().advance(py)? else {
                return Ok(None);
            };
            if is_left_out {
                return Ok(Some((hosted, what, None, None, None)));
            }
            let raised = |error: PyErr| error.into_value(py).into_any();
            let strategy = hosted.get().strategy.bind(py);
            let answer = match strategy.call_method1(&name, (&what, &hosted)) {
                Ok(answer) if answer.is_none() => continue,
                Ok(answer) => answer,
                Err(error) => return Ok(Some((hosted, what, None, None, Some(raised(error))))),
            };
            if !answer.get_type().is(generator) {
                return Ok(Some((hosted, what, Some(answer.unbind()), None, None)));
            }
            let mut steps = answer.cast::<PyIterator>()?.clone();
            let (first, error) = match steps.next() {
                None => continue,
                Some(Ok(first)) => (Some(first.unbind()), None),
                Some(Err(error)) => (None, Some(raised(error))),
            };
            return Ok(Some((hosted, what, first, Some(answer.unbind()), error)));
        }
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Callbacks>()?;
    module.add_class::<Record>()?;
    module.add_class::<PyInstrumentView>()
}
