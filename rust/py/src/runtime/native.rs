//! A handler of the core as an object of Python: opaque, handed from where it is made to the runtime that calls it.
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kitev3_core::runtime::error::HandlerError;
use kitev3_core::runtime::handler::{Arrival, Datum, Handler, Status};
use kitev3_core::runtime::header::{After, Header, LAST_VALUE, Source, split};
use kitev3_core::runtime::outbox::Outbox;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use super::event::Event;
use crate::tape::to_py;

/// One handler, which its runtime calls and whose state others may ask for.
#[derive(Clone)]
pub struct Native(Arc<Mutex<Box<dyn Handler>>>);

impl Native {
    /// A handler that has panicked is as it was then: the runtime has stopped, and its state may still be asked for.
    pub fn lock(&self) -> MutexGuard<'_, Box<dyn Handler>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pyclass(frozen, module = "kitev3._core", name = "NativeHandler")]
pub struct PyNativeHandler(pub Native);

impl PyNativeHandler {
    pub fn new(handler: impl Handler + 'static) -> PyNativeHandler {
        PyNativeHandler(Native(Arc::new(Mutex::new(Box::new(handler)))))
    }
}

#[pymethods]
impl PyNativeHandler {
    #[getter]
    fn topics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.lock().topics())
    }

    #[getter]
    fn drained(&self) -> bool {
        self.0.lock().drained()
    }

    #[getter]
    fn waits_for<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.lock().waits_for())
    }

    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut status = Status::default();
        self.0.lock().status(&mut status);
        dict(py, &status)
    }

    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let snapshot = self.0.lock().snapshot().map_err(raised)?;
        Ok(snapshot.map(|bytes| PyBytes::new(py, &bytes)))
    }

    fn restore(&self, snapshot: &[u8]) -> PyResult<()> {
        self.0.lock().restore(snapshot).map_err(raised)
    }

    /// Hands it one event whose payload is these bytes, without a runtime; what it says, which must be of the topics `says`.
    #[pyo3(signature = (event, payload, says, *, last_value = false))]
    fn handle<'py>(
        &self,
        py: Python<'py>,
        event: &Event,
        payload: &[u8],
        says: Vec<String>,
        last_value: bool,
    ) -> PyResult<Bound<'py, PyList>> {
        let says: Vec<&str> = says.iter().map(String::as_str).collect();
        let mut outbox = Outbox::detached(&says);
        let source = event.source.bind(py).to_str()?;
        let arrival = Arrival {
            topic: event.topic.bind(py).to_str()?,
            subscription: 0,
            schema: 0,
            header: Header {
                mode: event.mode_of,
                flags: if last_value { LAST_VALUE } else { 0 },
                schema: 0,
                epoch: event.epoch,
                sparse_seq: 0,
                seq: event.seq,
                topic_seq: event.topic_seq,
                after: After::default(),
                ts_ns: event.ts,
                cause: event.cause_id,
                source: Source::new(source).expect("an event's source is one"),
            },
            payload,
            id: event.id,
            mono_ns: event.mono_ns,
            now_ns: event.now_ns,
        };
        self.0
            .lock()
            .handle(&arrival, &mut outbox)
            .map_err(raised)?;
        let said = PyList::empty(py);
        for outgoing in outbox.said() {
            let message = split(&outgoing.frame).expect("a message of our own");
            let topic = &outbox.publications()[outgoing.publication].topic;
            said.append((topic, PyBytes::new(py, message.payload)))?;
        }
        Ok(said)
    }
}

fn raised(error: HandlerError) -> PyErr {
    match error {
        HandlerError::Payload(what) => PyValueError::new_err(what),
        HandlerError::Tape(error) => to_py(error),
        HandlerError::Failed(error) => PyRuntimeError::new_err(error.to_string()),
    }
}

fn dict<'py>(py: Python<'py>, status: &Status) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (name, value) in &status.0 {
        out.set_item(name, object(py, value)?)?;
    }
    Ok(out)
}

fn object<'py>(py: Python<'py>, value: &Datum) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Datum::Bool(value) => value.into_bound_py_any(py),
        Datum::Int(value) => value.into_bound_py_any(py),
        Datum::Float(value) => value.into_bound_py_any(py),
        Datum::Text(value) => value.into_bound_py_any(py),
        Datum::List(values) => {
            let list = PyList::empty(py);
            for value in values {
                list.append(object(py, value)?)?;
            }
            Ok(list.into_any())
        }
        Datum::Map(status) => Ok(dict(py, status)?.into_any()),
    }
}
