use std::path::PathBuf;
use std::sync::Arc;

use kitev3_core::heart::archive::{Entry, Follower};
use kitev3_core::heart::dispatch::Arrival;
use kitev3_core::heart::header::{Mode, Source, split};
use kitev3_core::heart::heart::Heart;
use kitev3_core::heart::mouth::Voice;
use kitev3_core::heart::recover::Recovered;
use kitev3_core::heart::sequence::Lane;
use kitev3_core::heart::setup::{Ear, Join, Setup};
use kitev3_core::tape::{Day, Options, SyncHandle, Writer};
use pyo3::PyTypeInfo;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyType};

use self::core_ears::CoreEar;
use self::dispatch::{
    Decode, Handle, Listening, PyDispatch, RecoveryError, Speaking, Spoken, Stop,
};
use crate::kite::batch::PyTickBatch;
use crate::tape::to_py;
use crate::wire::{PyWire, Wire};

mod core_ears;
mod dispatch;
mod event;
mod turn;

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("RecoveryError", module.py().get_type::<RecoveryError>())?;
    module.add_class::<event::Event>()?;
    module.add_class::<PyFollower>()?;
    module.add_class::<PySync>()?;
    module.add_class::<turn::PyTurn>()?;
    module.add_class::<PyHeart>()
}

/// Topic, class, the decoders of all known schemas (the newest first), whether bulk, how to join.
type PyEar = (
    Py<PyString>,
    Py<PyType>,
    Vec<(u32, Py<PyAny>)>,
    bool,
    String,
);
/// Topic, class, schema, decoder, the working hearer, whether the driver hears of it.
type PyVoice = (
    Py<PyString>,
    Py<PyType>,
    u32,
    Py<PyAny>,
    Option<Py<PyString>>,
    bool,
);
/// Frame, working hearer, and the event if the driver hears of it.
type PySaid<'py> = Option<Bound<'py, PyList>>;

#[pyclass(module = "kitev3._core", name = "Heart")]
pub struct PyHeart {
    heart: Option<Heart<Writer>>,
    dispatch: PyDispatch,
    dir: PathBuf,
    day: Day,
    tape_day: Day,
    options: Options,
    about: Vec<u8>,
    recovered: Recovered,
    /// Where what is said goes at once, and by voice the worker that gets it first; without one it is returned.
    wire: Option<(Arc<Wire>, Vec<Option<usize>>)>,
}

fn day_of(text: &str) -> PyResult<Day> {
    text.parse().map_err(to_py)
}

fn named<T>(found: Option<T>, what: &str, name: &str) -> PyResult<T> {
    found.ok_or_else(|| PyValueError::new_err(format!("{name:?} is no {what}")))
}

fn join_of(text: &str) -> PyResult<Join> {
    match text.split_once(':') {
        None if text == "now" => Ok(Join::Now),
        None if text == "day" => Ok(Join::Day),
        Some(("keyed", field)) => Ok(Join::Keyed(field.to_owned())),
        _ => Err(PyValueError::new_err(format!(
            "{text:?} is no way to join: now, day or keyed:<field>"
        ))),
    }
}

fn lane_of(text: &str) -> PyResult<Lane> {
    match text {
        "all" => Ok(Lane::All),
        "sparse" => Ok(Lane::Sparse),
        "work" => Ok(Lane::Work),
        _ => Err(PyValueError::new_err(format!(
            "{text:?} is no lane: all, sparse or work"
        ))),
    }
}

#[pymethods]
impl PyHeart {
    #[new]
    #[pyo3(signature = (*, service, account, mode, day, start_ns, tapes, ears, voices, lanes, handler, encode, about, handles = None, core = None,
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
        ears: Vec<PyEar>,
        voices: Vec<PyVoice>,
        lanes: Vec<(String, String)>,
        handler: Py<PyAny>,
        encode: Py<PyAny>,
        about: &[u8],
        handles: Option<Bound<'_, PyDict>>,
        core: Option<Bound<'_, PyDict>>,
        segment_bytes: usize,
        spare_segments: usize,
        sync_every_ms: u64,
    ) -> PyResult<Self> {
        let mode = named(Mode::from_name(mode), "mode", mode)?;
        let name = named(
            Source::new(service),
            "source (1 to 24 bytes of printable ASCII)",
            service,
        )?;
        let day = day_of(day)?;
        let ticks = PyTickBatch::type_object(py).into_any();
        let mut setup = Setup {
            service: name,
            account,
            mode,
            day,
            start_ns,
            ears: Vec::new(),
            voices: Vec::new(),
            lanes: Vec::new(),
            tapes: tapes.clone(),
        };
        let (mut listening, mut speaking) = (Vec::new(), Vec::new());
        for (topic, class, schemas, bulk, join) in ears {
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
            setup.ears.push(Ear {
                topic: topic.to_string(),
                schemas,
                bulk,
                join: join_of(&join)?,
            });
            listening.push(Listening {
                topic,
                class,
                decode,
                core: None,
                handle: Handle::Whole,
            });
        }
        for (topic, class, schema, decode, worker, driven) in voices {
            let bulk = class.bind(py).is(&ticks);
            setup.voices.push(Voice {
                topic: topic.to_string(),
                schema,
                bulk,
            });
            speaking.push(Speaking {
                topic,
                class,
                decode,
                worker,
                driven,
            });
        }
        for (listening, ear) in listening.iter_mut().zip(&setup.ears) {
            if let Some(part) = core
                .as_ref()
                .map_or(Ok(None), |core| core.get_item(&ear.topic))?
            {
                listening.core = Some(CoreEar::new(&ear.topic, &part, &setup.voices)?);
            }
            listening.handle = match &handles {
                None => Handle::Whole,
                Some(all) => all
                    .get_item(&ear.topic)?
                    .map_or(Handle::Nobody, |one| Handle::One(one.unbind())),
            };
        }
        for (source, lane) in lanes {
            setup.lanes.push((source, lane_of(&lane)?));
        }
        let options = Options {
            segment_bytes,
            spare_segments,
            sync_every: std::time::Duration::from_millis(sync_every_ms),
        };
        let dir = tapes.join(service);
        let last = Day::all_in(&dir)?.into_iter().next_back().unwrap_or(day);
        let tape_day = last.min(day); // a later day's tape is refused by `recover`, not opened
        let (tape, _) = py
            .detach(|| Writer::open(&dir, tape_day, &options))
            .map_err(to_py)?;
        Ok(PyHeart {
            heart: Some(Heart::new(setup, tape)),
            dispatch: PyDispatch {
                mode,
                handler,
                encode,
                listening,
                speaking,
                sources: Vec::new(),
                given: None,
                spoken: Vec::new(),
                is_live: false,
            },
            dir,
            day,
            tape_day,
            options,
            about: about.to_vec(),
            recovered: Recovered::default(),
            wire: None,
        })
    }

    /// Executes again what the own tape says was heard; what was not said before is returned, to be sent.
    fn recover<'py>(&mut self, py: Python<'py>) -> PyResult<PySaid<'py>> {
        let heart = self.heart.as_mut().ok_or_else(closed)?;
        self.recovered = heart
            .recover(&self.about, &mut self.dispatch)
            .map_err(|stop| stop.0)?;
        self.dispatch.spoken.clear();
        let missing = PyList::empty(py);
        for utterance in heart.take_said() {
            let worker = self.dispatch.speaking[utterance.voice].worker.as_ref();
            missing.append((PyBytes::new(py, &utterance.frame), worker, py.None()))?;
        }
        Ok((!missing.is_empty()).then_some(missing))
    }

    /// Begins an epoch on the day's tape and waits for it to be on the disk; its number, and the last `seq` before it.
    #[pyo3(signature = (mono_ns))]
    fn begin(&mut self, py: Python<'_>, mono_ns: i64) -> PyResult<(u32, u64)> {
        let heart = self.heart.as_mut().ok_or_else(closed)?;
        let mut fresh = heart.mouth().tape().position().number == 0;
        if self.tape_day != self.day {
            let (tape, _) = py
                .detach(|| Writer::open(&self.dir, self.day, &self.options))
                .map_err(to_py)?;
            fresh = tape.position().number == 0;
            let past = heart.turn_tape(tape);
            py.detach(|| past.close()).map_err(to_py)?;
            self.tape_day = self.day;
        }
        heart
            .begin(
                &self.about,
                self.recovered,
                fresh,
                mono_ns,
                &mut self.dispatch,
            )
            .map_err(|stop| stop.0)?;
        let sync = heart.mouth().tape().sync_handle();
        py.detach(|| sync.sync()).map_err(to_py)?;
        let numbers = heart.mouth().numbers();
        Ok((numbers.epoch, numbers.seq))
    }

    /// A message from the bus. None, or what is to be sent: (frame, working hearer or None, event or None).
    #[pyo3(signature = (frame, mono_ns))]
    fn hear<'py>(&mut self, py: Python<'py>, frame: &[u8], mono_ns: i64) -> PyResult<PySaid<'py>> {
        let heart = self.heart.as_mut().ok_or_else(closed)?;
        heart
            .hear(frame, mono_ns, &mut self.dispatch)
            .map_err(|stop| stop.0)?;
        self.said(py, mono_ns)
    }

    /// Something the world said.
    #[pyo3(signature = (payload, mono_ns))]
    fn world<'py>(&mut self, payload: &Bound<'py, PyAny>, mono_ns: i64) -> PyResult<PySaid<'py>> {
        let heart = self.heart.as_mut().ok_or_else(closed)?;
        let ear = self.dispatch.ear_of(payload)?;
        let bytes = self.dispatch.encoded(payload)?;
        self.dispatch.given = Some(payload.clone().unbind());
        heart
            .world(ear, bytes.as_bytes(), mono_ns, &mut self.dispatch)
            .map_err(|stop| stop.0)?;
        self.said(payload.py(), mono_ns)
    }

    /// A command; it is on the tape when this returns.
    #[pyo3(signature = (payload, mono_ns))]
    fn control<'py>(&mut self, payload: &Bound<'py, PyAny>, mono_ns: i64) -> PyResult<PySaid<'py>> {
        let heart = self.heart.as_mut().ok_or_else(closed)?;
        let ear = self.dispatch.ear_of(payload)?;
        let bytes = self.dispatch.encoded(payload)?;
        self.dispatch.given = Some(payload.clone().unbind());
        heart
            .control(ear, bytes.as_bytes(), mono_ns, &mut self.dispatch)
            .map_err(|stop| stop.0)?;
        self.said(payload.py(), mono_ns)
    }

    /// Says something that no event made.
    #[pyo3(signature = (payload, mono_ns))]
    fn publish<'py>(&mut self, payload: &Bound<'py, PyAny>, mono_ns: i64) -> PyResult<PySaid<'py>> {
        let heart = self.heart.as_mut().ok_or_else(closed)?;
        let voice = self.dispatch.voice_of(payload)?;
        let said = match payload.cast::<PyTickBatch>() {
            Ok(batch) => heart.publish(voice, batch.get().0.as_bytes(), mono_ns),
            Err(_) => heart.publish(voice, self.dispatch.encoded(payload)?.as_bytes(), mono_ns),
        };
        said.map_err(|error| Stop::from(error).0)?;
        self.dispatch.spoken.push(Spoken {
            payload: Some(payload.clone().unbind()),
            taped_ns: 0,
        });
        self.said(payload.py(), mono_ns)
    }

    /// Takes up a source: from where it was left, or as a late hearer.
    #[pyo3(signature = (source, mono_ns))]
    fn join<'py>(&mut self, py: Python<'py>, source: &str, mono_ns: i64) -> PyResult<PySaid<'py>> {
        let heart = self.heart.as_mut().ok_or_else(closed)?;
        let source = named(Source::new(source), "source", source)?;
        heart
            .join(source, mono_ns, &mut self.dispatch)
            .map_err(|stop| stop.0)?;
        self.said(py, mono_ns)
    }

    /// Mends working sources whose heartbeat was ahead of the PULL, if they still are.
    #[pyo3(signature = (mono_ns))]
    fn settle<'py>(&mut self, py: Python<'py>, mono_ns: i64) -> PyResult<PySaid<'py>> {
        let heart = self.heart.as_mut().ok_or_else(closed)?;
        heart
            .settle(mono_ns, &mut self.dispatch)
            .map_err(|stop| stop.0)?;
        self.said(py, mono_ns)
    }

    #[pyo3(signature = (mono_ns))]
    fn heartbeat<'py>(&self, py: Python<'py>, mono_ns: i64) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.alive()?.heartbeat(mono_ns)))
    }

    /// Market time at a machine time.
    #[pyo3(signature = (mono_ns))]
    fn market_ns(&self, mono_ns: i64) -> PyResult<i64> {
        Ok(self.alive()?.clock().market_ns(mono_ns))
    }

    #[getter]
    fn epoch(&self) -> PyResult<u32> {
        Ok(self.alive()?.mouth().numbers().epoch)
    }

    #[getter]
    fn seq(&self) -> PyResult<u64> {
        Ok(self.alive()?.mouth().numbers().seq)
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
            self.recovered.folded,
        )
    }

    #[getter]
    fn heads<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let heads = PyDict::new(py);
        for (topic, topic_seq) in &self.alive()?.mouth().numbers().topics {
            heads.set_item(topic, topic_seq)?;
        }
        Ok(heads)
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
    fn greeted(&self) -> PyResult<Vec<String>> {
        Ok(self
            .alive()?
            .greeted()
            .iter()
            .map(|source| source.as_str().to_owned())
            .collect())
    }

    #[getter]
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counted = self.alive()?.counters();
        let counters = PyDict::new(py);
        counters.set_item("heard", counted.heard)?;
        counters.set_item("said", counted.said)?;
        counters.set_item("duplicates", counted.duplicates)?;
        counters.set_item("gaps_seen", counted.gaps_seen)?;
        counters.set_item("gaps_mended", counted.gaps_mended)?;
        counters.set_item("skipped", counted.skipped)?;
        counters.set_item("lost_tails", counted.lost_tails)?;
        counters.set_item("refused_messages", counted.refused.values().sum::<u64>())?;
        for (why, count) in &counted.refused {
            counters.set_item(format!("refused_{why}"), count)?;
        }
        Ok(counters)
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

    /// From here on what is said is sent by the heart itself, unless the driver hears of it first.
    #[pyo3(signature = (wire))]
    fn attach(&mut self, wire: &PyWire) {
        let wire = &wire.0;
        let worker = |speaking: &Speaking| speaking.worker.as_ref().map(ToString::to_string);
        let workers = self.dispatch.speaking.iter().map(worker);
        let places = workers.map(|name| name.and_then(|name| wire.worker(&name)));
        self.wire = Some((Arc::clone(wire), places.collect()));
        self.dispatch.is_live = true;
    }

    /// To wait for the disk from another thread.
    fn sync_handle(&self) -> PyResult<PySync> {
        Ok(PySync(self.alive()?.mouth().tape().sync_handle()))
    }

    /// Syncs and trims the tape. Nothing can be heard or said after it.
    fn close(&mut self, py: Python<'_>) -> PyResult<()> {
        match self.heart.take() {
            Some(heart) => py.detach(|| heart.into_tape().close()).map_err(to_py),
            None => Ok(()),
        }
    }
}

fn closed() -> PyErr {
    PyRuntimeError::new_err("the heart is closed")
}

impl PyHeart {
    fn alive(&self) -> PyResult<&Heart<Writer>> {
        self.heart.as_ref().ok_or_else(closed)
    }

    #[inline]
    fn said<'py>(&mut self, py: Python<'py>, mono_ns: i64) -> PyResult<PySaid<'py>> {
        if self.dispatch.spoken.is_empty() {
            return Ok(None);
        }
        let heart = self.heart.as_mut().ok_or_else(closed)?;
        let speaking = &self.dispatch.speaking;
        if let Some((wire, workers)) = &self.wire
            && !heart
                .mouth()
                .said()
                .iter()
                .any(|said| speaking[said.voice].driven)
        {
            for said in heart.take_said() {
                wire.send(&said.frame, workers[said.voice])?;
            }
            self.dispatch.spoken.clear();
            return Ok(None);
        }
        let spoken = std::mem::take(&mut self.dispatch.spoken);
        let utterances: Vec<_> = heart.take_said().collect();
        let said = PyList::empty(py);
        for (utterance, spoken) in utterances.into_iter().zip(spoken) {
            let frame = PyBytes::new(py, &utterance.frame);
            let speaking = &self.dispatch.speaking[utterance.voice];
            let event = if speaking.driven {
                let payload = match spoken.payload {
                    Some(payload) => payload,
                    None => {
                        let message = split(&utterance.frame).expect("a message of our own");
                        let bytes = PyBytes::new(py, message.payload);
                        speaking.decode.call1(py, (bytes,))?
                    }
                };
                let header = utterance.header;
                let (id, now_ns) = (heart.event_id(&header), header.ts_ns);
                let arrival = Arrival {
                    ear: 0,
                    schema: 0,
                    header,
                    payload: &[],
                    id,
                    mono_ns,
                    now_ns,
                };
                Some(self.dispatch.said_event(
                    py,
                    utterance.voice,
                    &arrival,
                    payload,
                    spoken.taped_ns,
                )?)
            } else {
                None
            };
            said.append((
                frame,
                self.dispatch.speaking[utterance.voice].worker.as_ref(),
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

/// What a source said, read from its tape as it went over the wire.
#[pyclass(module = "kitev3._core", name = "TapeFollower")]
struct PyFollower(Follower);

#[pymethods]
impl PyFollower {
    #[new]
    #[pyo3(signature = (directory, date))]
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
