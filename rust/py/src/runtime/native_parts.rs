//! What a part of the core hears by itself: no event is made and no Python is called, which with cold caches costs more than the
//! work itself.
use kitev3_core::orders::placing::{plain, write_intent, write_sending};
use kitev3_core::runtime::handler::Arrival;
use kitev3_core::runtime::outbox::{Outbox, Publication};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::dispatch::Raised;
use crate::orders::PyPlacing;
use crate::zmq_sockets::monotonic_ns;

/// What is left for the handler to do about an event.
pub enum Left<'py> {
    /// It is not a plain case: it has to be decoded in full, and named if it is wrong.
    All,
    /// To keep an order that has been said: its tag, the account's epoch, when its intent was on the tape.
    Placed(Bound<'py, PyAny>, i64, i64),
}

/// The part that hears a topic.
pub enum NativePart {
    /// A new order begins: with the publications for its intent and its sending.
    Places(Py<PyPlacing>, usize, usize),
}

impl NativePart {
    /// What hears `topic` when the handler names this part for it.
    pub fn new(
        topic: &str,
        part: &Bound<'_, PyAny>,
        publications: &[Publication],
    ) -> PyResult<NativePart> {
        let publication = |name: &str| {
            let at = publications
                .iter()
                .position(|publication| publication.topic == name);
            at.ok_or_else(|| PyValueError::new_err(format!("this service does not say {name}")))
        };
        if let Ok(placing) = part.cast::<PyPlacing>()
            && topic == "risk.approved"
        {
            let (intent, sending) = (
                publication("execution.intent")?,
                publication("execution.sending")?,
            );
            return Ok(NativePart::Places(
                placing.clone().unbind(),
                intent,
                sending,
            ));
        }
        Err(PyValueError::new_err(format!(
            "{} does not hear {topic} by itself",
            part.get_type()
        )))
    }

    /// What is left for the handler.
    pub fn hear<'py>(
        &self,
        handler: &Bound<'py, PyAny>,
        arrival: &Arrival<'_>,
        outbox: &mut Outbox,
    ) -> Result<Left<'py>, Raised> {
        let py = handler.py();
        match self {
            NativePart::Places(placing, intent, sending) => {
                let source = arrival.header.source;
                if !placing.get().judge(arrival.payload) {
                    return Ok(Left::All);
                }
                let Some(approval) = plain(source.as_str(), arrival.payload, arrival.mono_ns)
                else {
                    return Ok(Left::All);
                };
                let take = placing.get().take.bind(py);
                let taken = take.call1((approval.signal.strategy, approval.intent_id))?;
                let Some((tag, epoch)) = taken.extract::<Option<(Bound<'py, PyString>, i64)>>()?
                else {
                    return Ok(Left::All);
                };
                let text = tag.to_str()?;
                let words = write_intent(text, epoch, arrival.payload);
                outbox.say_as(*intent, &words)?;
                let taped_ns = monotonic_ns();
                let words = write_sending(text, epoch, approval.signal.deadline_ns);
                outbox.say_as(*sending, &words)?;
                Ok(Left::Placed(tag.into_any(), epoch, taped_ns))
            }
        }
    }
}
