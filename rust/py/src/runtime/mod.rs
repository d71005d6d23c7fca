use std::path::PathBuf;
use std::sync::Arc;

use kitev3_core::runtime::archive::{Entry, Follower};
use kitev3_core::runtime::handler::Arrival;
use kitev3_core::runtime::header::{Mode, Source, split};
use kitev3_core::runtime::outbox::Publication;
use kitev3_core::runtime::own_tape::OwnTape;
use kitev3_core::runtime::range::{self, Ask};
use kitev3_core::runtime::recover::Recovered;
use kitev3_core::runtime::runtime::Runtime;
use kitev3_core::runtime::sequence::SequenceMode;
use kitev3_core::runtime::setup::{Join, Setup, Subscription};
use kitev3_core::tape::{Day, Options, SyncHandle};
use pyo3::PyTypeInfo;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyType};

use self::dispatch::{
    Decode, Hosted, Listening, PyDispatch, RecoveryError, Speaking, Spoken, stopped,
};
use self::native::PyNativeHandler;
use self::native_parts::NativePart;
use crate::kite::batch::PyTickBatch;
use crate::market::PyBarBatch;
use crate::tape::to_py;
use crate::zmq_sockets::PyZmqSockets;

mod dispatch;
pub mod event;
pub mod kernel;
pub mod native;
mod native_parts;
mod poll_loop;
pub mod schedule;

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("RecoveryError", module.py().get_type::<RecoveryError>())?;
    module.add_class::<event::Event>()?;
    module.add_class::<native::PyNativeHandler>()?;
    module.add_class::<PyFollower>()?;
    module.add_function(wrap_pyfunction!(tape_range, module)?)?;
    module.add_class::<PySync>()?;
    module.add_class::<poll_loop::PyPollLoop>()?;
    module.add_class::<schedule::PySchedule>()?;
    module.add_class::<kernel::PyKernel>()?;
    module.add_function(wrap_pyfunction!(kernel::recorded_inputs, module)?)?;
    module.add_class::<PyRuntime>()
}

/// Topic, class, the decoders of all known schemas (the newest first), whether bulk, how to join, what it stands on.
type PySubscription = (
    Py<PyString>,
    Py<PyType>,
    Vec<(u32, Py<PyAny>)>,
    bool,
    String,
    Option<String>,
);
/// Topic, class, schema, decoder, the working hearer, whether the driver hears of it, what it stands on.
type PyPublication = (
    Py<PyString>,
    Py<PyType>,
    u32,
    Py<PyAny>,
    Option<Py<PyString>>,
    bool,
    Option<String>,
);
/// Frame, working hearer, and the event if the driver hears of it.
type PySaid<'py> = Option<Bound<'py, PyList>>;

#[pyclass(module = "kitev3._core", name = "Runtime")]
pub struct PyRuntime {
    runtime: Option<Runtime>,
    dispatch: PyDispatch,
    tape: OwnTape,
    about: Vec<u8>,
    recovered: Recovered,
}

fn day_of(text: &str) -> PyResult<Day> {
    text.parse().map_err(to_py)
}

fn named<T>(found: Option<T>, what: &str, name: &str) -> PyResult<T> {
    found.ok_or_else(|| PyValueError::new_err(format!("{name:?} is no {what}")))
}

/// `now`, `day`, `keyed` (by source) or `keyed:<place of the field>`.
fn join_of(text: &str) -> PyResult<Join> {
    match text.split_once(':') {
        None if text == "now" => Ok(Join::Now),
        None if text == "day" => Ok(Join::Day),
        None if text == "keyed" => Ok(Join::Keyed(None)),
        Some(("keyed", place)) => Ok(Join::Keyed(Some(place.parse()?))),
        _ => Err(PyValueError::new_err(format!(
            "{text:?} is no way to join: now, day, keyed or keyed:<place>"
        ))),
    }
}

fn sequence_mode_of(text: &str) -> PyResult<SequenceMode> {
    match text {
        "all" => Ok(SequenceMode::All),
        "sparse" => Ok(SequenceMode::Sparse),
        "work" => Ok(SequenceMode::Work),
        _ => Err(PyValueError::new_err(format!(
            "{text:?} is no sequence_mode: all, sparse or work"
        ))),
    }
}

#[pymethods]
impl PyRuntime {
    #[new]
    #[pyo3(signature = (*, service, account, mode, day, start_ns, tapes, subscriptions, publications, sequence_modes, handler, encode, about, methods, core = None, ask = None,
                        segment_bytes = 16777216, spare_segments = 1, sync_every_ms = 1000))]
    #[allow(clippy::too_many_arguments)] // keywords: all that a process is
    fn new(
        py: Python<'_>,
        service: &str,
        account: String,
        mode: &str,
        day: &str,
        start_ns: i64,
        tapes: PathBuf,
        subscriptions: Vec<PySubscription>,
        publications: Vec<PyPublication>,
        sequence_modes: Vec<(String, String)>,
        handler: Py<PyAny>,
        encode: Py<PyAny>,
        about: &[u8],
        methods: Bound<'_, PyDict>,
        core: Option<Bound<'_, PyDict>>,
        ask: Option<Py<PyAny>>,
        segment_bytes: usize,
        spare_segments: usize,
        sync_every_ms: u64,
    ) -> PyResult<Self> {
        let mode = named(Mode::parse(mode), "mode", mode)?;
        let name = named(
            Source::new(service),
            "source (1 to 24 bytes of printable ASCII)",
            service,
        )?;
        let day = day_of(day)?;
        let (ticks, bars) = (PyTickBatch::type_object(py), PyBarBatch::type_object(py));
        let mut setup = Setup {
            service: name,
            account,
            mode,
            day,
            start_ns,
            subscriptions: Vec::new(),
            publications: Vec::new(),
            sequence_modes: Vec::new(),
            tapes: tapes.into(),
            ask: ask.map(asking),
        };
        let (mut listening, mut speaking) = (Vec::new(), Vec::new());
        for (topic, class, schemas, bulk, join, after) in subscriptions {
            let is_ticks = class.bind(py).is(&ticks);
            let (schemas, decode): (Vec<u32>, Vec<Decode>) = schemas
                .into_iter()
                .map(|(schema, decode)| {
                    (
                        schema,
                        if is_ticks {
                            Decode::Ticks
                        } else {
                            Decode::With(decode)
                        },
                    )
                })
                .unzip();
            setup.subscriptions.push(Subscription {
                topic: topic.to_string(),
                schemas,
                bulk,
                join: join_of(&join)?,
                after,
            });
            listening.push(Listening {
                topic,
                class,
                decode,
                core: None,
                handle: None,
            });
        }
        for (topic, class, schema, decode, worker, driven, after) in publications {
            let class_of = class.bind(py);
            let dense = class_of.is(&ticks) || class_of.is(&bars) || worker.is_some();
            setup.publications.push(Publication {
                topic: topic.to_string(),
                schema,
                dense,
                after,
            });
            speaking.push(Speaking {
                topic,
                class,
                decode,
                worker,
                driven,
            });
        }
        for (listening, subscription) in listening.iter_mut().zip(&setup.subscriptions) {
            if let Some(part) = core
                .as_ref()
                .map_or(Ok(None), |core| core.get_item(&subscription.topic))?
            {
                listening.core = Some(NativePart::new(
                    &subscription.topic,
                    &part,
                    &setup.publications,
                )?);
            }
            listening.handle = methods.get_item(&subscription.topic)?.map(Bound::unbind);
        }
        let hosted = match handler.bind(py).cast::<PyNativeHandler>() {
            Ok(native) => Hosted::Native(native.get().0.clone()),
            Err(_) => Hosted::Python(handler),
        };
        let topics = match &hosted {
            Hosted::Native(handler) => {
                let handler = handler.lock();
                handler.topics().into_iter().map(str::to_owned).collect()
            }
            Hosted::Python(_) => methods.keys().extract()?,
        };
        for (source, sequence_mode) in sequence_modes {
            setup
                .sequence_modes
                .push((source, sequence_mode_of(&sequence_mode)?));
        }
        let options = Options {
            segment_bytes,
            spare_segments,
            sync_every: std::time::Duration::from_millis(sync_every_ms),
        };
        let dir = setup.tapes.join(service);
        let opened = py.detach(|| OwnTape::open(dir, day, options));
        let (tape, writer) = opened.map_err(to_py)?;
        let dispatch = PyDispatch {
            mode,
            hosted,
            topics,
            encode,
            listening,
            speaking,
            sources: Vec::new(),
            spoken: Vec::new(),
            sockets: None,
            sent_ns: 0,
        };
        Ok(PyRuntime {
            runtime: Some(Runtime::new(setup, &dispatch, Box::new(writer))),
            dispatch,
            tape,
            about: about.to_vec(),
            recovered: Recovered::default(),
        })
    }

    /// Executes again what the own tape says was heard; what was not said before is returned, to be sent.
    fn recover<'py>(&mut self, py: Python<'py>) -> PyResult<PySaid<'py>> {
        let runtime = self.runtime.as_mut().ok_or_else(closed)?;
        self.recovered = runtime
            .recover(&self.about, &mut self.dispatch)
            .map_err(stopped)?;
        self.dispatch.spoken.clear();
        let missing = PyList::empty(py);
        for outgoing in runtime.take_said() {
            let worker = self.dispatch.speaking[outgoing.publication].worker.as_ref();
            missing.append((PyBytes::new(py, &outgoing.frame), worker, py.None()))?;
        }
        Ok((!missing.is_empty()).then_some(missing))
    }

    /// Begins an epoch on the day's tape and waits for it to be on the disk; its number, and the last `seq` before it.
    #[pyo3(signature = (mono_ns, *, begins_run = false))]
    fn begin(&mut self, py: Python<'_>, mono_ns: i64, begins_run: bool) -> PyResult<(u32, u64)> {
        let runtime = self.runtime.as_mut().ok_or_else(closed)?;
        if let Some(writer) = py.detach(|| self.tape.turn()).map_err(to_py)? {
            let past = runtime.turn_tape(Box::new(writer));
            py.detach(|| past.close()).map_err(to_py)?;
        }
        runtime
            .begin(
                &self.about,
                self.recovered,
                self.tape.is_fresh(),
                begins_run,
                mono_ns,
                &mut self.dispatch,
            )
            .map_err(stopped)?;
        py.detach(|| self.tape.sync_handle().sync())
            .map_err(to_py)?;
        let numbers = runtime.outbox().numbers();
        Ok((numbers.epoch, numbers.seq))
    }

    /// A message from the bus. None, or what is to be sent: (frame, working hearer or None, event or None).
    fn hear<'py>(&mut self, py: Python<'py>, frame: &[u8], mono_ns: i64) -> PyResult<PySaid<'py>> {
        let runtime = self.runtime.as_mut().ok_or_else(closed)?;
        runtime
            .hear(frame, mono_ns, &mut self.dispatch)
            .map_err(stopped)?;
        self.said(py, mono_ns)
    }

    /// Something the world said.
    fn world<'py>(&mut self, payload: &Bound<'py, PyAny>, mono_ns: i64) -> PyResult<PySaid<'py>> {
        let runtime = self.runtime.as_mut().ok_or_else(closed)?;
        let subscription = self.dispatch.subscription_of(payload)?;
        let bytes = self.dispatch.encoded(payload)?;
        runtime
            .world(subscription, bytes.as_bytes(), mono_ns, &mut self.dispatch)
            .map_err(stopped)?;
        self.said(payload.py(), mono_ns)
    }

    /// A command; it is on the tape when this returns.
    fn control<'py>(&mut self, payload: &Bound<'py, PyAny>, mono_ns: i64) -> PyResult<PySaid<'py>> {
        let runtime = self.runtime.as_mut().ok_or_else(closed)?;
        let subscription = self.dispatch.subscription_of(payload)?;
        let bytes = self.dispatch.encoded(payload)?;
        runtime
            .control(subscription, bytes.as_bytes(), mono_ns, &mut self.dispatch)
            .map_err(stopped)?;
        self.said(payload.py(), mono_ns)
    }

    /// Says something that no event made.
    fn publish<'py>(&mut self, payload: &Bound<'py, PyAny>, mono_ns: i64) -> PyResult<PySaid<'py>> {
        let runtime = self.runtime.as_mut().ok_or_else(closed)?;
        let publication = self.dispatch.publication_of(payload)?;
        let said = match payload.cast::<PyTickBatch>() {
            Ok(batch) => runtime.publish(publication, batch.get().0.as_bytes(), mono_ns),
            Err(_) => runtime.publish(
                publication,
                self.dispatch.encoded(payload)?.as_bytes(),
                mono_ns,
            ),
        };
        said.map_err(stopped)?;
        self.dispatch.spoken.push(Spoken {
            payload: Some(payload.clone().unbind()),
            taped_ns: 0,
        });
        self.said(payload.py(), mono_ns)
    }

    /// Takes up a source: from where it was left, or as a late hearer.
    fn join<'py>(&mut self, py: Python<'py>, source: &str, mono_ns: i64) -> PyResult<PySaid<'py>> {
        let runtime = self.runtime.as_mut().ok_or_else(closed)?;
        let source = named(Source::new(source), "source", source)?;
        runtime
            .join(source, mono_ns, &mut self.dispatch)
            .map_err(stopped)?;
        self.said(py, mono_ns)
    }

    /// Fills working sources whose heartbeat was ahead of the PULL, if they still are.
    fn settle<'py>(&mut self, py: Python<'py>, mono_ns: i64) -> PyResult<PySaid<'py>> {
        let runtime = self.runtime.as_mut().ok_or_else(closed)?;
        runtime
            .settle(mono_ns, &mut self.dispatch)
            .map_err(stopped)?;
        self.said(py, mono_ns)
    }

    fn heartbeat<'py>(&self, py: Python<'py>, mono_ns: i64) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.alive()?.heartbeat(mono_ns)))
    }

    /// Market time at a machine time.
    fn market_ns(&self, mono_ns: i64) -> PyResult<i64> {
        Ok(self.alive()?.clock().market_ns(mono_ns))
    }

    #[getter]
    fn epoch(&self) -> PyResult<u32> {
        Ok(self.alive()?.outbox().numbers().epoch)
    }

    #[getter]
    fn seq(&self) -> PyResult<u64> {
        Ok(self.alive()?.outbox().numbers().seq)
    }

    /// 0 before `control.start`, 1 after it, 2 after `control.stop`.
    #[getter]
    fn phase(&self) -> PyResult<u8> {
        Ok(self.alive()?.phase() as u8)
    }

    /// Machine time between the birth of the last message and its arrival here, ms.
    #[getter]
    fn lag_ms(&self) -> PyResult<f64> {
        Ok(self.alive()?.lag_ns() as f64 / 1e6)
    }

    /// What recovery found: records, events appended, whether the tape was another build's.
    #[getter]
    fn recovered(&self) -> (u64, u64, bool) {
        (
            self.recovered.records,
            self.recovered.appended,
            self.recovered.rebuilt,
        )
    }

    #[getter]
    fn watermarks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let watermarks = PyDict::new(py);
        for (topic, topic_seq) in &self.alive()?.outbox().numbers().topics {
            watermarks.set_item(topic, topic_seq)?;
        }
        Ok(watermarks)
    }

    #[getter]
    fn heard<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let heard = PyDict::new(py);
        for (topic, topic_seq) in self.alive()?.heard() {
            if topic_seq > 0 {
                heard.set_item(topic, topic_seq)?;
            }
        }
        Ok(heard)
    }

    /// source -> (epoch, seq) applied last
    #[getter]
    fn applied<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let all = PyDict::new(py);
        for (source, applied) in self.alive()?.sequences().iter() {
            all.set_item(source.as_str(), (applied.epoch, applied.seq))?;
        }
        Ok(all)
    }

    /// Sources of which a heartbeat has come.
    #[getter]
    fn connected(&self) -> PyResult<Vec<String>> {
        Ok(self
            .alive()?
            .connected()
            .iter()
            .map(|source| source.as_str().to_owned())
            .collect())
    }

    #[getter]
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let runtime = self.alive()?;
        let counted = runtime.counters();
        let counters = PyDict::new(py);
        counters.set_item("heard", counted.heard)?;
        counters.set_item("said", runtime.outbox().taken())?;
        counters.set_item("duplicates", counted.duplicates)?;
        counters.set_item("gaps_seen", counted.gaps_seen)?;
        counters.set_item("gaps_filled", counted.gaps_filled)?;
        counters.set_item("skipped", counted.skipped)?;
        counters.set_item("lost_tails", counted.lost_tails)?;
        counters.set_item("refused_messages", counted.refused.values().sum::<u64>())?;
        for (why, count) in &counted.refused {
            counters.set_item(format!("refused_{why}"), count)?;
        }
        Ok(counters)
    }

    /// The last event whose payload was not what its schema says, and why; empty if there was none.
    #[getter]
    fn last_refused(&self) -> PyResult<&str> {
        Ok(&self.alive()?.counters().last_refused)
    }

    /// The event in the handler's hands when an error came: topic, source, id in hex.
    #[getter]
    fn in_hand(&self) -> PyResult<Option<(String, String, String)>> {
        let in_hand = self.alive()?.in_hand();
        Ok(in_hand.map(|(topic, header, id)| {
            (
                topic.to_owned(),
                header.source.as_str().to_owned(),
                format!("{id:032x}"),
            )
        }))
    }

    /// From here on what is said is sent by the runtime itself, unless the driver hears of it first.
    fn attach(&mut self, sockets: &PyZmqSockets) {
        let sockets = &sockets.0;
        let worker = |speaking: &Speaking| speaking.worker.as_ref().map(ToString::to_string);
        let workers = self.dispatch.speaking.iter().map(worker);
        let places = workers.map(|name| name.and_then(|name| sockets.worker(&name)));
        self.dispatch.sockets = Some((Arc::clone(sockets), places.collect()));
    }

    /// To wait for the disk from another thread.
    fn sync_handle(&self) -> PyResult<PySync> {
        Ok(PySync(self.tape.sync_handle().clone()))
    }

    /// Syncs and trims the tape. Nothing can be heard or said after it.
    fn close(&mut self, py: Python<'_>) -> PyResult<()> {
        match self.runtime.take() {
            Some(runtime) => py.detach(|| runtime.into_tape().close()).map_err(to_py),
            None => Ok(()),
        }
    }
}

fn closed() -> PyErr {
    PyRuntimeError::new_err("the runtime is closed")
}

impl PyRuntime {
    /// Whether the message stands on what has not come yet.
    pub fn is_ahead(&self, frame: &[u8]) -> bool {
        let runtime = self.runtime.as_ref();
        runtime.is_some_and(|runtime| runtime.is_ahead(frame))
    }

    fn alive(&self) -> PyResult<&Runtime> {
        self.runtime.as_ref().ok_or_else(closed)
    }

    #[inline]
    fn said<'py>(&mut self, py: Python<'py>, mono_ns: i64) -> PyResult<PySaid<'py>> {
        let runtime = self.runtime.as_mut().ok_or_else(closed)?;
        if runtime.outbox().said().is_empty() {
            return Ok(None);
        }
        let speaking = &self.dispatch.speaking;
        let mut publications = runtime.outbox().said().iter().map(|said| said.publication);
        if self.dispatch.sockets.is_some() && !publications.any(|one| speaking[one].driven) {
            self.dispatch.send(runtime.take_said())?;
            return Ok(None);
        }
        let mut spoken = std::mem::take(&mut self.dispatch.spoken);
        spoken.resize_with(runtime.outbox().said().len(), Spoken::default);
        let outgoing: Vec<_> = runtime.take_said().collect();
        let said = PyList::empty(py);
        for (outgoing, spoken) in outgoing.into_iter().zip(spoken) {
            let frame = PyBytes::new(py, &outgoing.frame);
            let speaking = &self.dispatch.speaking[outgoing.publication];
            let event = if speaking.driven {
                let payload = match spoken.payload {
                    Some(payload) => payload,
                    None => {
                        let message = split(&outgoing.frame).expect("a message of our own");
                        let bytes = PyBytes::new(py, message.payload);
                        speaking.decode.call1(py, (bytes,))?
                    }
                };
                let header = outgoing.header;
                let (id, now_ns) = (runtime.event_id(&header), header.ts_ns);
                let arrival = Arrival {
                    topic: &runtime.outbox().publications()[outgoing.publication].topic,
                    subscription: 0,
                    schema: 0,
                    header,
                    payload: &[],
                    id,
                    mono_ns,
                    now_ns,
                };
                Some(self.dispatch.said_event(
                    py,
                    outgoing.publication,
                    &arrival,
                    payload,
                    spoken.taped_ns,
                )?)
            } else {
                None
            };
            said.append((
                frame,
                self.dispatch.speaking[outgoing.publication].worker.as_ref(),
                event,
            ))?;
        }
        Ok(Some(said))
    }
}

/// Waits for the disk.
#[pyclass(frozen, module = "kitev3._core", name = "TapeSync")]
struct PySync(SyncHandle);

#[pymethods]
impl PySync {
    /// Returns when all that has been appended by now is on the disk.
    fn sync(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.sync()).map_err(to_py)
    }
}

/// Asks in Python; what goes wrong there is said on stderr and is no answer.
fn asking(ask: Py<PyAny>) -> Ask {
    Arc::new(move |source, request| {
        Python::attach(|py| {
            let answer = ask.call1(py, (source.as_str(), PyBytes::new(py, request)));
            let answer = answer.and_then(|answer| answer.extract::<Option<Vec<u8>>>(py));
            answer.unwrap_or_else(|error| {
                error.write_unraisable(py, None);
                None
            })
        })
    })
}

/// What a source answers to a request for a range of its tape; empty: that was none.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // as Python gives it
fn tape_range<'py>(py: Python<'py>, directory: PathBuf, request: &[u8]) -> Bound<'py, PyBytes> {
    let answer = py.detach(|| range::answer(&directory, request, range::ANSWER_BYTES));
    PyBytes::new(py, &answer.unwrap_or_default())
}

/// What a source said, read from its tape as it went over the sockets.
#[pyclass(module = "kitev3._core", name = "TapeFollower")]
struct PyFollower(Follower);

#[pymethods]
impl PyFollower {
    #[new]
    fn new(directory: PathBuf, date: &str) -> PyResult<Self> {
        Ok(PyFollower(Follower::open(&directory, day_of(date)?)))
    }

    /// The next message whose topic is wanted and whose `seq` is above `after_seq`, as its frame; None at the end.
    #[pyo3(signature = (topics = None, after_seq = 0))]
    fn poll<'py>(
        &mut self,
        py: Python<'py>,
        topics: Option<Vec<String>>,
        after_seq: u64,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let is_wanted = |topic: &[u8]| {
            topics
                .as_ref()
                .is_none_or(|t| t.iter().any(|known| known.as_bytes() == topic))
        };
        loop {
            let entry = self
                .0
                .next(|topic, header| header.seq > after_seq && is_wanted(topic));
            match entry.map_err(|error| RecoveryError::new_err(error.to_string()))? {
                None => return Ok(None),
                Some(Entry::Said(said)) if !said.frame.is_empty() => {
                    return Ok(Some(PyBytes::new(py, &said.frame)));
                }
                Some(_) => {}
            }
        }
    }
}
