//! The handler's side of the runtime: bytes to payload, payload to handler, what it yields to bytes.
use kitev3_core::kite::TickBatch;
use kitev3_core::runtime::dispatch::{Arrival, Dispatch, RuntimeError};
use kitev3_core::runtime::header::{Mode, Source};
use kitev3_core::runtime::outbox::Outbox;
use kitev3_core::tape::Writer;
use pyo3::exceptions::{PyException, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple, PyType};

use super::event::Event;
use super::native_parts::{Left, NativePart};
use crate::kite::batch::PyTickBatch;
use crate::tape::to_py;
use crate::zmq_sockets::monotonic_ns;

pyo3::create_exception!(kitev3._core, RecoveryError, PyException);

/// An error on its way through the core back to Python.
pub struct Stop(pub PyErr);

impl From<PyErr> for Stop {
    fn from(error: PyErr) -> Self {
        Stop(error)
    }
}

impl From<RuntimeError> for Stop {
    fn from(error: RuntimeError) -> Self {
        Stop(match error {
            RuntimeError::Tape(error) => to_py(error),
            RuntimeError::Recovery(why) => RecoveryError::new_err(why),
            RuntimeError::Stopped => PyValueError::new_err(error.to_string()),
        })
    }
}

/// How a heard topic's payload is read.
pub enum Decode {
    Ticks,
    With(Py<PyAny>),
}

/// What of the handler is called with an event.
pub enum Handle {
    /// The handler itself.
    Whole,
    /// What its `handles` have for the topic.
    One(Py<PyAny>),
    /// It has `handles`, and nothing for this topic.
    Nobody,
}

/// A heard topic, on the Python side.
pub struct Listening {
    pub topic: Py<PyString>,
    pub class: Py<PyType>,
    pub decode: Vec<Decode>,
    /// What hears it before the handler does, if it is in the newest schema.
    pub core: Option<NativePart>,
    pub handle: Handle,
}

/// A said topic, on the Python side.
pub struct Speaking {
    pub topic: Py<PyString>,
    pub class: Py<PyType>,
    pub decode: Py<PyAny>,
    pub worker: Option<Py<PyString>>,
    /// The driver wants to hear of it.
    pub driven: bool,
}

/// What Python keeps of something that was said.
#[derive(Default)]
pub struct Spoken {
    /// None if a part of the core said it.
    pub payload: Option<Py<PyAny>>,
    /// Machine time at which it was on the tape; 0 when nobody wants to know.
    pub taped_ns: i64,
}

/// A handler in Python, with all that lies between it and bytes.
pub struct PyDispatch {
    pub mode: Mode,
    pub handler: Py<PyAny>,
    pub encode: Py<PyAny>,
    pub listening: Vec<Listening>,
    pub speaking: Vec<Speaking>,
    pub sources: Vec<(Source, Py<PyString>)>,
    /// What the world said, as an object, so that it need not be decoded from its own bytes.
    pub given: Option<Py<PyAny>>,
    /// Of each of the outbox's outgoing, in order.
    pub spoken: Vec<Spoken>,
    /// Whether machine time goes on while an event is handled: not where it is handed in.
    pub is_live: bool,
}

impl PyDispatch {
    pub fn source(&mut self, py: Python<'_>, source: &Source) -> Py<PyString> {
        if let Some((_, name)) = self.sources.iter().find(|(known, _)| known == source) {
            return name.clone_ref(py);
        }
        let name = PyString::intern(py, source.as_str()).unbind();
        self.sources.push((*source, name.clone_ref(py)));
        name
    }

    fn event(
        &mut self,
        py: Python<'_>,
        arrival: &Arrival<'_>,
        payload: Py<PyAny>,
    ) -> PyResult<Py<Event>> {
        let header = &arrival.header;
        let source = self.source(py, &header.source);
        Py::new(
            py,
            Event {
                ts: header.ts_ns,
                topic: self.listening[arrival.subscription].topic.clone_ref(py),
                source,
                payload,
                seq: header.seq,
                epoch: header.epoch,
                topic_seq: header.topic_seq,
                mono_ns: arrival.mono_ns,
                taped_ns: arrival.mono_ns,
                now_ns: arrival.now_ns,
                id: arrival.id,
                cause_id: header.cause,
                mode_of: self.mode,
            },
        )
    }

    fn payload(
        &mut self,
        py: Python<'_>,
        subscription: usize,
        schema: usize,
        bytes: &[u8],
    ) -> PyResult<Py<PyAny>> {
        match &self.listening[subscription].decode[schema] {
            Decode::Ticks => ticks(py, bytes),
            Decode::With(decode) => decode.call1(py, (PyBytes::new(py, bytes),)),
        }
    }

    fn say(&mut self, payload: &Bound<'_, PyAny>, outbox: &mut Outbox<Writer>) -> Result<(), Stop> {
        let publication = self.publication_of(payload)?;
        if let Ok(batch) = payload.cast::<PyTickBatch>() {
            outbox
                .say_batch(publication, &batch.get().0)
                .map_err(RuntimeError::Tape)?;
        } else {
            let bytes = self.encoded(payload)?;
            outbox
                .say(publication, bytes.as_bytes())
                .map_err(RuntimeError::Tape)?;
        }
        let wanted = self.is_live && self.speaking[publication].driven;
        self.spoken.push(Spoken {
            payload: Some(payload.clone().unbind()),
            taped_ns: if wanted { monotonic_ns() } else { 0 },
        });
        Ok(())
    }

    /// What is left when a part of the core has heard an event.
    fn after_core(
        &mut self,
        py: Python<'_>,
        arrival: &Arrival<'_>,
        outbox: &mut Outbox<Writer>,
        before: usize,
        left: Left<'_>,
    ) -> Result<(), Stop> {
        self.spoken
            .resize_with(outbox.said().len(), Spoken::default);
        let given = self.given.take();
        match left {
            Left::All | Left::Nothing => Ok(()),
            Left::Said(yielded) => self.say_all(&yielded, outbox),
            Left::Placed(tag, epoch, taped_ns) => {
                let payload = match given {
                    Some(payload) => payload,
                    None => {
                        self.payload(py, arrival.subscription, arrival.schema, arrival.payload)?
                    }
                };
                let event = self.event(py, arrival, payload)?;
                let Some(NativePart::Places(placing, ..)) =
                    &self.listening[arrival.subscription].core
                else {
                    return Ok(());
                };
                let placed = placing.get().placed.bind(py);
                let payloads = placed.call1((event, tag, epoch))?.cast_into::<PyTuple>();
                let payloads = payloads.map_err(PyErr::from)?;
                for (spoken, payload) in self.spoken[before..].iter_mut().zip(payloads) {
                    *spoken = Spoken {
                        payload: Some(payload.unbind()),
                        taped_ns: if self.is_live { taped_ns } else { 0 },
                    };
                }
                Ok(())
            }
        }
    }

    fn say_all(
        &mut self,
        yielded: &Bound<'_, PyAny>,
        outbox: &mut Outbox<Writer>,
    ) -> Result<(), Stop> {
        // Most events make a handler say nothing, by an empty tuple; a list or tuple needs no iterator.
        if let Ok(tuple) = yielded.cast_exact::<PyTuple>() {
            for payload in tuple {
                self.say(&payload, outbox)?;
            }
        } else if let Ok(list) = yielded.cast_exact::<PyList>() {
            for payload in list {
                self.say(&payload, outbox)?;
            }
        } else {
            for payload in yielded.try_iter()? {
                self.say(&payload?, outbox)?;
            }
        }
        Ok(())
    }

    /// The topic of a payload is its class. A handful of classes: a scan by address is fastest.
    pub fn publication_of(&self, payload: &Bound<'_, PyAny>) -> PyResult<usize> {
        let class = payload.get_type();
        self.speaking
            .iter()
            .position(|speaking| speaking.class.is(&class))
            .ok_or_else(|| {
                let known: Vec<String> =
                    self.speaking.iter().map(|s| s.topic.to_string()).collect();
                PyTypeError::new_err(format!(
                    "{class} is nothing that this service says: {}",
                    known.join(", ")
                ))
            })
    }

    /// The subscription of something that the world said or control told.
    pub fn subscription_of(&self, payload: &Bound<'_, PyAny>) -> PyResult<usize> {
        let class = payload.get_type();
        self.listening
            .iter()
            .position(|listening| listening.class.is(&class))
            .ok_or_else(|| {
                PyTypeError::new_err(format!("{class} is nothing that this service hears"))
            })
    }

    pub fn encoded<'py>(&self, payload: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(self
            .encode
            .bind(payload.py())
            .call1((payload,))?
            .cast_into::<PyBytes>()?)
    }

    fn method<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.handler.bind(py).getattr_opt(name)
    }
}

fn ticks(py: Python<'_>, bytes: &[u8]) -> PyResult<Py<PyAny>> {
    let batch =
        TickBatch::from_bytes(bytes).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(Py::new(py, PyTickBatch(batch))?.into_any())
}

impl Dispatch<Writer> for PyDispatch {
    type Error = Stop;

    fn dispatch(&mut self, arrival: &Arrival<'_>, outbox: &mut Outbox<Writer>) -> Result<(), Stop> {
        Python::attach(|py| {
            if arrival.schema == 0
                && let Some(core) = &self.listening[arrival.subscription].core
            {
                let before = outbox.said().len();
                match core.hear(self.handler.bind(py), arrival, outbox)? {
                    Left::All => {}
                    left => return self.after_core(py, arrival, outbox, before, left),
                }
            }
            if matches!(self.listening[arrival.subscription].handle, Handle::Nobody) {
                self.given = None;
                return Ok(());
            }
            let payload = match self.given.take() {
                Some(payload) => payload,
                None => self.payload(py, arrival.subscription, arrival.schema, arrival.payload)?,
            };
            let event = self.event(py, arrival, payload)?;
            let handle = match &self.listening[arrival.subscription].handle {
                Handle::One(handle) => handle.bind(py),
                _ => self.handler.bind(py),
            };
            let yielded = handle.call1((event,))?;
            self.say_all(&yielded, outbox)
        })
    }

    fn key(
        &mut self,
        subscription: usize,
        schema: usize,
        field: &str,
        payload: &[u8],
    ) -> Result<Vec<u8>, Stop> {
        Python::attach(|py| {
            let payload = self.payload(py, subscription, schema, payload)?;
            let value = payload.bind(py).getattr(field)?.str()?;
            Ok(value.to_str()?.as_bytes().to_vec())
        })
    }

    fn snapshot(&mut self) -> Result<Vec<u8>, Stop> {
        Python::attach(|py| match self.method(py, "snapshot")? {
            Some(snapshot) => Ok(snapshot
                .call0()?
                .cast_into::<PyBytes>()
                .map_err(PyErr::from)?
                .as_bytes()
                .to_vec()),
            None => Ok(Vec::new()),
        })
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), Stop> {
        Python::attach(|py| match self.method(py, "restore")? {
            Some(restore) => {
                restore.call1((PyBytes::new(py, snapshot),))?;
                Ok(())
            }
            None => Ok(()),
        })
    }

    fn rebuild(&mut self, topic: &str, arrival: &Arrival<'_>) -> Result<(), Stop> {
        Python::attach(|py| {
            let Some(rebuild) = self.method(py, "rebuild")? else {
                let why = "the tape was written by another build or with other settings, and this handler cannot rebuild it";
                return Err(Stop(RecoveryError::new_err(why)));
            };
            let Some(publication) = self
                .speaking
                .iter()
                .position(|s| s.topic.bind(py).to_str().is_ok_and(|t| t == topic))
            else {
                return Ok(());
            };
            let payload = self.speaking[publication]
                .decode
                .call1(py, (PyBytes::new(py, arrival.payload),))?;
            let event = self.said_event(py, publication, arrival, payload, 0)?;
            rebuild.call1((event,))?;
            Ok(())
        })
    }
}

impl PyDispatch {
    /// An event that this service itself said.
    pub fn said_event(
        &mut self,
        py: Python<'_>,
        publication: usize,
        arrival: &Arrival<'_>,
        payload: Py<PyAny>,
        taped_ns: i64,
    ) -> PyResult<Py<Event>> {
        let header = &arrival.header;
        let source = self.source(py, &header.source);
        Py::new(
            py,
            Event {
                ts: header.ts_ns,
                topic: self.speaking[publication].topic.clone_ref(py),
                source,
                payload,
                seq: header.seq,
                epoch: header.epoch,
                topic_seq: header.topic_seq,
                mono_ns: arrival.mono_ns,
                taped_ns: taped_ns.max(arrival.mono_ns),
                now_ns: arrival.now_ns,
                id: arrival.id,
                cause_id: header.cause,
                mode_of: self.mode,
            },
        )
    }
}
