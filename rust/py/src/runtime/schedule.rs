//! The stepped run's order of things, for services that are hung up in Python.
use kitev3_core::runtime::header::HEARTBEAT;
use kitev3_core::runtime::kernel::schedule::{Fate, Links, Place, Schedule, Step};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::Arc;

use super::sequence_mode_of;

/// A message on its way.
#[derive(Clone)]
struct Message(Arc<Py<PyBytes>>);

/// What is to be done, the service's name, and the message if one is delivered.
type PyStep<'py> = Option<(&'static str, String, Option<Bound<'py, PyBytes>>)>;

#[pyclass(module = "kitev3._core", name = "Schedule")]
pub struct PySchedule(Schedule<Message>);

#[pymethods]
impl PySchedule {
    #[new]
    #[pyo3(signature = (now_ns))]
    fn new(now_ns: i64) -> Self {
        PySchedule(Schedule::new(now_ns))
    }

    #[getter]
    fn now_ns(&self) -> i64 {
        self.0.now_ns()
    }

    /// Hangs a service up: the sources that it hears and how it counts each, the topics that it says, whether each is dense and who
    /// takes it as work.
    #[pyo3(signature = (name, hears, says))]
    fn hang_up(
        &mut self,
        name: String,
        hears: Vec<(String, String)>,
        says: Vec<(String, bool, Option<String>)>,
    ) -> PyResult<()> {
        let mut links = Links {
            name,
            hears: Vec::new(),
            says,
        };
        for (source, mode) in hears {
            links.hears.push((source, sequence_mode_of(&mode)?));
        }
        self.0.hang_up(links);
        Ok(())
    }

    #[pyo3(signature = (name))]
    fn take_down(&mut self, name: &str) -> PyResult<()> {
        let place = self.place(name)?;
        self.0.take_down(place);
        Ok(())
    }

    /// When a service's next timer runs out.
    #[pyo3(signature = (name, due_ns))]
    fn set_due(&mut self, name: &str, due_ns: i64) -> PyResult<()> {
        let place = self.place(name)?;
        self.0.set_due(place, due_ns);
        Ok(())
    }

    /// What a service has said goes to all who hear it, unless `loses(hearer, frame)`; a heartbeat to all who hear anything of it.
    #[pyo3(signature = (source, frame, loses))]
    fn send(
        &mut self,
        source: &str,
        frame: &Bound<'_, PyBytes>,
        loses: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let from = self.place(source)?;
        let topic = frame.as_bytes().split(|byte| *byte == 0).next();
        let topic = topic.unwrap_or_default();
        let publication = self.0.publication_of(from, topic);
        if publication.is_none() && topic != HEARTBEAT {
            let topic = String::from_utf8_lossy(topic);
            return Err(PyKeyError::new_err(format!(
                "{source} does not say {topic}"
            )));
        }
        let mut failed = None;
        let fate = |hearer: &str, _: &Message| {
            let lost = loses
                .call1((hearer, frame))
                .and_then(|lost| lost.is_truthy());
            match lost {
                Ok(false) => Fate::Arrives(0),
                Ok(true) => Fate::Lost,
                Err(error) => {
                    failed.get_or_insert(error);
                    Fate::Lost
                }
            }
        };
        let message = Message(Arc::new(frame.clone().unbind()));
        match publication {
            Some(publication) => self.0.send(from, publication, &message, fate),
            None => self.0.send_beat(from, &message, fate),
        }
        failed.map_or(Ok(()), Err)
    }

    /// Has all say their heartbeats now.
    #[pyo3(signature = ())]
    fn beat(&mut self) {
        self.0.beat();
    }

    /// The next of this moment.
    #[pyo3(signature = ())]
    fn next_now<'py>(&mut self, py: Python<'py>) -> PyStep<'py> {
        let step = self.0.next_now();
        self.step(py, step)
    }

    /// The next up to a machine time, which it moves.
    #[pyo3(signature = (until_ns))]
    fn next<'py>(&mut self, py: Python<'py>, until_ns: i64) -> PyStep<'py> {
        let step = self.0.next(until_ns);
        self.step(py, step)
    }
}

impl PySchedule {
    fn place(&self, name: &str) -> PyResult<Place> {
        let place = self.0.place_of(name);
        place.ok_or_else(|| PyKeyError::new_err(format!("{name} is not hung up")))
    }

    fn step<'py>(&self, py: Python<'py>, step: Option<Step<Message>>) -> PyStep<'py> {
        let (what, place, message) = match step? {
            Step::Deliver(place, message) => ("deliver", place, Some(message)),
            Step::Beat(place) => ("beat", place, None),
            Step::Settle(place) => ("settle", place, None),
            Step::Look(place) => ("look", place, None),
        };
        let frame = message.map(|message| message.0.bind(py).clone());
        Some((what, self.0.name_of(place).to_owned(), frame))
    }
}
