//! `Event` for Python: what a handler is given.
use kitev3_core::runtime::event_id::EventIdPrefix;
use kitev3_core::runtime::header::{Mode, Source};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

/// One event. What costs to make (ids, the aware datetime) is made when it is asked for.
#[pyclass(frozen, module = "kitev3._core")]
pub struct Event {
    #[pyo3(get)]
    pub ts: i64,
    #[pyo3(get, name = "type")]
    pub topic: Py<PyString>,
    #[pyo3(get)]
    pub source: Py<PyString>,
    #[pyo3(get)]
    pub payload: Py<PyAny>,
    #[pyo3(get)]
    pub seq: u64,
    #[pyo3(get)]
    pub epoch: u32,
    #[pyo3(get)]
    pub topic_seq: u64,
    #[pyo3(get)]
    pub mono_ns: i64,
    #[pyo3(get)]
    pub taped_ns: i64,
    #[pyo3(get)]
    pub now_ns: i64,
    pub id: u128,
    pub cause_id: u128,
    pub mode_of: Mode,
}

fn uuid(py: Python<'_>, bits: u128) -> PyResult<Bound<'_, PyAny>> {
    static UUID: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let class =
        UUID.get_or_try_init(py, || py.import("uuid")?.getattr("UUID").map(Bound::unbind))?;
    let words = PyDict::new(py);
    words.set_item("int", bits)?;
    class.bind(py).call((), Some(&words))
}

#[pymethods]
impl Event {
    #[new]
    #[pyo3(signature = (r#type, payload, *, source = "test", ts = 0, seq = 1, epoch = 1, topic_seq = 1, cause = None,
                        mode = "sim", mono_ns = 0, now_ns = None, account = "test"))]
    #[allow(clippy::too_many_arguments)] // keywords, each with a default: for tests
    fn new(
        r#type: Bound<'_, PyString>,
        payload: Py<PyAny>,
        source: &str,
        ts: i64,
        seq: u64,
        epoch: u32,
        topic_seq: u64,
        cause: Option<Bound<'_, PyAny>>,
        mode: &str,
        mono_ns: i64,
        now_ns: Option<i64>,
        account: &str,
    ) -> PyResult<Event> {
        let py = r#type.py();
        let mode_of =
            Mode::parse(mode).ok_or_else(|| PyValueError::new_err(format!("no mode {mode:?}")))?;
        if Source::new(source).is_none() {
            return Err(PyValueError::new_err(format!(
                "{source:?} is no source: 1 to 24 bytes of printable ASCII"
            )));
        }
        let cause_id = match cause {
            Some(uuid) => uuid.getattr("int")?.extract::<u128>()?,
            None => 0,
        };
        Ok(Event {
            ts,
            topic: r#type.unbind(),
            source: PyString::intern(py, source).unbind(),
            payload,
            seq,
            epoch,
            topic_seq,
            mono_ns,
            taped_ns: mono_ns,
            now_ns: now_ns.unwrap_or(ts),
            id: EventIdPrefix::new(account, source, epoch).event_id(seq),
            cause_id,
            mode_of,
        })
    }

    #[getter]
    fn event_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        uuid(py, self.id)
    }

    /// The event id as 32 hex digits, without making a UUID.
    #[getter]
    fn event_hex(&self) -> String {
        format!("{:032x}", self.id)
    }

    #[getter]
    fn cause<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if self.cause_id == 0 {
            Ok(None)
        } else {
            uuid(py, self.cause_id).map(Some)
        }
    }

    #[getter]
    fn mode(&self) -> &'static str {
        self.mode_of.name()
    }

    /// `ts` as an aware datetime in UTC, to the microsecond.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let datetime = py.import("datetime")?;
        let utc = datetime.getattr("timezone")?.getattr("utc")?;
        let epoch = datetime
            .getattr("datetime")?
            .call_method1("fromtimestamp", (0, utc))?;
        let words = PyDict::new(py);
        words.set_item("microseconds", self.ts.div_euclid(1_000))?;
        epoch.add(datetime.getattr("timedelta")?.call((), Some(&words))?)
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Ok(other) = other.cast::<Event>() else {
            return Ok(false);
        };
        let other = other.get();
        Ok((self.id, self.cause_id, self.ts, self.topic_seq)
            == (other.id, other.cause_id, other.ts, other.topic_seq)
            && self.mode_of == other.mode_of
            && self.topic.bind(py).as_any().eq(other.topic.bind(py))?
            && self.payload.bind(py).eq(other.payload.bind(py))?)
    }

    fn __hash__(&self) -> u64 {
        (self.id ^ (self.id >> 64)) as u64
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Event({}, {} {}.{}, payload={})",
            self.topic.bind(py).to_str()?,
            self.source.bind(py).to_str()?,
            self.epoch,
            self.seq,
            self.payload.bind(py).repr()?.to_str()?,
        ))
    }
}
