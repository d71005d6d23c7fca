//! The handler's side of the runtime: bytes to payload, payload to handler, what it yields to bytes.
use std::sync::Arc;

use kitev3_core::kite::TickBatch;
use kitev3_core::runtime::error::{HandlerError, RuntimeError};
use kitev3_core::runtime::handler::{Arrival, Handler};
use kitev3_core::runtime::header::{Mode, Source};
use kitev3_core::runtime::outbox::{Outbox, Outgoing};
use kitev3_core::tape::TapeError;
use pyo3::exceptions::{
    PyException, PyRuntimeError, PyTypeError, PyUnicodeEncodeError, PyValueError,
};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple, PyType};

use super::event::Event;
use super::native::Native;
use super::native_parts::{Left, NativePart};
use crate::kite::batch::PyTickBatch;
use crate::market::PyBarBatch;
use crate::tape::to_py;
use crate::zmq_sockets::{ZmqSockets, monotonic_ns};

pyo3::create_exception!(kitev3._core, RecoveryError, PyException);

/// What stopped a runtime, for Python: the handler's own exception if it was one.
pub fn stopped(error: RuntimeError) -> PyErr {
    match error {
        RuntimeError::Tape(error) => to_py(error),
        RuntimeError::Recovery(why) => RecoveryError::new_err(why),
        RuntimeError::Stopped => PyValueError::new_err(error.to_string()),
        RuntimeError::Handler(error) => match error.downcast::<PyErr>() {
            Ok(raised) => *raised,
            Err(error) => PyRuntimeError::new_err(error.to_string()),
        },
    }
}

/// An exception of a handler's on its way through the core.
#[derive(Debug)]
pub struct Raised(pub HandlerError);

impl From<PyErr> for Raised {
    fn from(error: PyErr) -> Self {
        Raised(HandlerError::failed(error))
    }
}

impl From<HandlerError> for Raised {
    fn from(error: HandlerError) -> Self {
        Raised(error)
    }
}

impl From<TapeError> for Raised {
    fn from(error: TapeError) -> Self {
        Raised(error.into())
    }
}

/// How a heard topic's payload is read.
pub enum Decode {
    Ticks,
    With(Py<PyAny>),
}

/// A heard topic, on the Python side.
pub struct Listening {
    pub topic: Py<PyString>,
    pub class: Py<PyType>,
    pub decode: Vec<Decode>,
    /// What hears it before the handler does, if it is in the newest schema.
    pub core: Option<NativePart>,
    /// What the handler has for the topic; none for one that it does not take.
    pub handle: Option<Py<PyAny>>,
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

/// The handler of a runtime.
pub enum Hosted {
    Python(Py<PyAny>),
    Native(Native),
}

/// A handler, with all that lies between it and bytes.
pub struct PyDispatch {
    pub mode: Mode,
    pub hosted: Hosted,
    /// Those that it takes.
    pub topics: Vec<String>,
    pub encode: Py<PyAny>,
    pub listening: Vec<Listening>,
    pub speaking: Vec<Speaking>,
    pub sources: Vec<(Source, Py<PyString>)>,
    /// Of each of the outbox's outgoing, in order.
    pub spoken: Vec<Spoken>,
    /// Where what is said goes, and by publication the worker that gets it first. None where time is handed in, and stands
    /// while an event is handled.
    pub sockets: Option<(Arc<ZmqSockets>, Vec<Option<usize>>)>,
    /// Machine time of the last sending.
    pub sent_ns: i64,
}

/// How long what is said waits, at most, for more that its event makes the handler say. Each sending is a round through the
/// processes of a shared core. (3,000 bars of one frame, p99 to the last verdict: 16 ms with one millisecond, 12.8 with three.)
const TOGETHER_NS: i64 = 3_000_000;

impl PyDispatch {
    pub fn source(&mut self, py: Python<'_>, source: &Source) -> Py<PyString> {
        if let Some((_, name)) = self.sources.iter().find(|(known, _)| known == source) {
            return name.clone_ref(py);
        }
        let name = PyString::intern(py, source.as_str()).unbind();
        self.sources.push((*source, name.clone_ref(py)));
        name
    }

    /// An event that this service has heard.
    fn event(
        &mut self,
        py: Python<'_>,
        arrival: &Arrival<'_>,
        payload: Py<PyAny>,
    ) -> PyResult<Py<Event>> {
        let topic = self.listening[arrival.subscription].topic.clone_ref(py);
        self.event_of(py, topic, arrival, payload, 0)
    }

    /// One that it said itself.
    pub fn said_event(
        &mut self,
        py: Python<'_>,
        publication: usize,
        arrival: &Arrival<'_>,
        payload: Py<PyAny>,
        taped_ns: i64,
    ) -> PyResult<Py<Event>> {
        let topic = self.speaking[publication].topic.clone_ref(py);
        self.event_of(py, topic, arrival, payload, taped_ns)
    }

    fn event_of(
        &mut self,
        py: Python<'_>,
        topic: Py<PyString>,
        arrival: &Arrival<'_>,
        payload: Py<PyAny>,
        taped_ns: i64,
    ) -> PyResult<Py<Event>> {
        let header = &arrival.header;
        let event = Event {
            ts: header.ts_ns,
            topic,
            source: self.source(py, &header.source),
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
        };
        Py::new(py, event)
    }

    /// The object of a payload; an error of reading it is not ours but the payload's.
    fn payload(&self, py: Python<'_>, arrival: &Arrival<'_>) -> Result<Py<PyAny>, HandlerError> {
        let bytes = arrival.payload;
        match &self.listening[arrival.subscription].decode[arrival.schema] {
            Decode::Ticks => match TickBatch::from_bytes(bytes) {
                Ok(batch) => Py::new(py, PyTickBatch(batch))
                    .map(Py::into_any)
                    .map_err(HandlerError::failed),
                Err(error) => Err(HandlerError::Payload(error.to_string())),
            },
            Decode::With(decode) => decode
                .call1(py, (PyBytes::new(py, bytes),))
                .map_err(|error| HandlerError::Payload(error.value(py).to_string())),
        }
    }

    fn say(&mut self, payload: &Bound<'_, PyAny>, outbox: &mut Outbox) -> Result<(), Raised> {
        let publication = self.publication_of(payload)?;
        if let Ok(batch) = payload.cast::<PyTickBatch>() {
            outbox.say_batch_as(publication, &batch.get().0)?;
        } else {
            let bytes = self.encoded(payload)?;
            outbox.say_as(publication, bytes.as_bytes())?;
        }
        let wanted = self.sockets.is_some() && self.speaking[publication].driven;
        self.spoken.push(Spoken {
            payload: Some(payload.clone().unbind()),
            taped_ns: if wanted { monotonic_ns() } else { 0 },
        });
        if self.sockets.is_some()
            && monotonic_ns() - self.sent_ns > TOGETHER_NS
            && !self.speaking.iter().any(|speaking| speaking.driven)
        // of that the driver hears first
        {
            self.send(outbox.take_said())?;
        }
        Ok(())
    }

    /// Sends what is on the tape.
    pub fn send(&mut self, said: impl Iterator<Item = Outgoing>) -> PyResult<()> {
        if let Some((sockets, workers)) = &self.sockets {
            let said: Vec<_> = said.collect();
            let frames: Vec<(&[u8], Option<usize>)> = said
                .iter()
                .map(|one| (&*one.frame, workers[one.publication]))
                .collect();
            sockets.send(&frames)?;
        }
        self.spoken.clear();
        self.sent_ns = monotonic_ns();
        Ok(())
    }

    /// What is left when a part of the core has heard an event.
    fn after_core(
        &mut self,
        py: Python<'_>,
        arrival: &Arrival<'_>,
        outbox: &mut Outbox,
        before: usize,
        left: Left<'_>,
    ) -> Result<(), Raised> {
        self.spoken
            .resize_with(outbox.said().len(), Spoken::default);
        match left {
            Left::All => Ok(()),
            Left::Placed(tag, epoch, taped_ns) => {
                let payload = self.payload(py, arrival)?;
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
                        taped_ns: if self.sockets.is_some() { taped_ns } else { 0 },
                    };
                }
                Ok(())
            }
        }
    }

    fn say_all(&mut self, yielded: &Bound<'_, PyAny>, outbox: &mut Outbox) -> Result<(), Raised> {
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

    fn publication_named(&self, topic: &str) -> Option<usize> {
        Python::attach(|py| {
            let is_it =
                |speaking: &Speaking| speaking.topic.bind(py).to_str().is_ok_and(|t| t == topic);
            self.speaking.iter().position(is_it)
        })
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
        if let Ok(bars) = payload.cast::<PyBarBatch>() {
            return Ok(PyBytes::new(payload.py(), bars.get().0.as_bytes()));
        }
        let py = payload.py();
        let encode = self.encode.bind(py);
        let bytes = encode.call1((payload,)).or_else(|error| {
            if !error.is_instance_of::<PyUnicodeEncodeError>(py) {
                return Err(error);
            }
            // Half a surrogate pair, in a text from outside: it costs itself, and neither the event nor the process.
            let setup = py.import("kitev3.runtime.setup")?;
            encode.call1((setup.call_method1("readable", (payload,))?,))
        })?;
        Ok(bytes.cast_into::<PyBytes>()?)
    }

    /// What a Python handler does with an event.
    fn call(
        &mut self,
        handler: &Py<PyAny>,
        arrival: &Arrival<'_>,
        outbox: &mut Outbox,
    ) -> Result<(), Raised> {
        Python::attach(|py| {
            if arrival.schema == 0
                && let Some(core) = &self.listening[arrival.subscription].core
            {
                let before = outbox.said().len();
                match core.hear(handler.bind(py), arrival, outbox)? {
                    Left::All => {}
                    left => return self.after_core(py, arrival, outbox, before, left),
                }
            }
            let payload = self.payload(py, arrival)?;
            let event = self.event(py, arrival, payload)?;
            let Some(handle) = &self.listening[arrival.subscription].handle else {
                return Ok(());
            };
            let yielded = handle.bind(py).call1((event,))?;
            self.say_all(&yielded, outbox)
        })
    }
}

impl Handler for PyDispatch {
    fn topics(&self) -> Vec<&str> {
        self.topics.iter().map(String::as_str).collect()
    }

    fn handle(&mut self, arrival: &Arrival<'_>, outbox: &mut Outbox) -> Result<(), HandlerError> {
        match &self.hosted {
            Hosted::Native(handler) => handler.lock().handle(arrival, outbox),
            Hosted::Python(handler) => {
                let handler = Python::attach(|py| handler.clone_ref(py));
                self.call(&handler, arrival, outbox)
                    .map_err(|raised| raised.0)
            }
        }
    }

    fn snapshot(&mut self) -> Result<Option<Vec<u8>>, HandlerError> {
        match &self.hosted {
            Hosted::Native(handler) => handler.lock().snapshot(),
            Hosted::Python(handler) => Python::attach(|py| {
                handler
                    .call_method0(py, intern!(py, "snapshot"))?
                    .extract::<Option<Vec<u8>>>(py)
            })
            .map_err(HandlerError::failed),
        }
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), HandlerError> {
        match &self.hosted {
            Hosted::Native(handler) => handler.lock().restore(snapshot),
            Hosted::Python(handler) => Python::attach(|py| {
                let snapshot = PyBytes::new(py, snapshot);
                handler
                    .call_method1(py, intern!(py, "restore"), (snapshot,))
                    .map(drop)
            })
            .map_err(HandlerError::failed),
        }
    }

    fn rebuild(&mut self, said: &Arrival<'_>) -> Result<(), HandlerError> {
        let handler = match &self.hosted {
            Hosted::Native(handler) => return handler.lock().rebuild(said),
            Hosted::Python(handler) => Python::attach(|py| handler.clone_ref(py)),
        };
        let Some(publication) = self.publication_named(said.topic) else {
            return Ok(()); // of a topic that this build no longer says
        };
        Python::attach(|py| {
            let bytes = PyBytes::new(py, said.payload);
            let payload = self.speaking[publication].decode.call1(py, (bytes,));
            let payload =
                payload.map_err(|error| HandlerError::Payload(error.value(py).to_string()))?;
            let event = self.said_event(py, publication, said, payload, 0);
            let event = event.map_err(HandlerError::failed)?;
            let rebuilt = handler.call_method1(py, intern!(py, "rebuild"), (event,));
            rebuilt.map(drop).map_err(HandlerError::failed)
        })
    }
}
