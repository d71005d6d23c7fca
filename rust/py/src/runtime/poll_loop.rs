//! A loop's turn: hears what comes and sends what is said to it, until there is something that only Python can do.
#![allow(unsafe_code)] // a word of memory that other processes write
use std::sync::Arc;

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::PyRuntime;
use crate::zmq_sockets::{Came, Message, PyZmqSockets, Side, WAKE, ZmqSockets, monotonic_ns};

/// What is taken from the SUB before the PULL has its turn again.
const DRAIN_MAX: usize = 1_000;
/// How long a message of work waits for what it stands on to come by the SUB. After that the runtime reads it from its
/// source's tape, which costs by what else stands there.
const AHEAD_NS_MAX: i64 = 2_000_000;
const NS_PER_MS: i64 = 1_000_000;

/// How long a loop that something has woken hears what comes before it looks at the rest.
const AWAKE_NS: i64 = 10_000_000;

/// What is said to all about work waits while more work comes, so many messages at most, and for a moment after it: on a shared
/// core each message wakes its hearers, who would go before those who work.
const HELD_MAX: usize = 256;
const HELD_NS: i64 = 200_000;

/// Why a turn ended.
enum End<'py> {
    /// Nothing has come for as long as the socket waits.
    Silent,
    /// It is time, another thread has put something, the watched word has changed, or a signal has come.
    Look,
    /// The driver hears of what was said, before it is sent.
    Said(Bound<'py, PyList>),
}

type Ended<'py> = (bool, Option<Bound<'py, PyList>>);

fn ended(end: End<'_>) -> Ended<'_> {
    match end {
        End::Silent => (false, None),
        End::Look => (true, None),
        End::Said(said) => (true, Some(said)),
    }
}

/// Bytes of memory that are looked at before each message.
struct Word {
    buffer: PyBuffer<u8>,
    seen: Vec<u8>,
}

impl Word {
    fn new(buffer: PyBuffer<u8>) -> Word {
        Word {
            seen: Vec::new(),
            buffer,
        }
    }

    /// Whether the bytes are not what they were when this was last asked.
    fn has_changed(&mut self) -> bool {
        let (at, bytes) = (self.buffer.buf_ptr().cast::<u8>(), self.buffer.len_bytes());
        let is_same = self.seen.len() == bytes
            // SAFETY: within the buffer, which cannot go while it is held; another process may store a byte at any
            // time, so each is loaded anew.
            && (0..bytes).all(|n| unsafe { at.add(n).read_volatile() } == self.seen[n]);
        if !is_same {
            // SAFETY: as above.
            self.seen = (0..bytes)
                .map(|n| unsafe { at.add(n).read_volatile() })
                .collect();
        }
        !is_same
    }
}

#[pyclass(module = "kitev3._core", name = "PollLoop")]
pub struct PyPollLoop {
    runtime: Py<PyRuntime>,
    sockets: Arc<ZmqSockets>,
    word: Option<Word>,
    /// What came last from the socket that is waited on, if it could not be heard at once.
    message: Message,
    is_held: bool,
    /// Until when the message in hand waits for what it stands on; 0: it does not.
    ahead_until_ns: i64,
    /// What came from the SUB in between.
    between: Message,
    /// Whether it was empty when it was last looked at.
    is_drained: bool,
    /// How long a worker that passes work on waits for what comes back.
    answer_ms: Option<i32>,
}

#[pymethods]
impl PyPollLoop {
    #[new]
    #[pyo3(signature = (runtime, sockets, *, watch = None, answer_ms = None))]
    fn new(
        runtime: Py<PyRuntime>,
        sockets: &PyZmqSockets,
        watch: Option<PyBuffer<u8>>,
        answer_ms: Option<i32>,
    ) -> PyResult<PyPollLoop> {
        Ok(PyPollLoop {
            runtime,
            sockets: Arc::clone(&sockets.0),
            word: watch.map(Word::new),
            message: sockets.0.message(),
            is_held: false,
            ahead_until_ns: 0,
            between: sockets.0.message(),
            is_drained: false,
            answer_ms,
        })
    }

    /// Waits for a message and goes on until it is time.
    fn receive<'py>(&mut self, py: Python<'py>, until_ns: i64) -> PyResult<Ended<'py>> {
        self.sockets.hold();
        let end = if self.sockets.takes_work() {
            self.work(py, until_ns)
        } else {
            self.listen(py, until_ns)
        };
        if !matches!(end, Ok(End::Said(_))) {
            self.sockets.release()?; // else the driver's turn comes first, and the next call
        }
        end.map(ended)
    }

    /// Waits for whatever may come, hears it, and goes on for a moment: after a sleep each step that Python makes costs tens
    /// of microseconds, and what comes next is on its way.
    #[pyo3(signature = (wait_ms, pipe))]
    fn sleep<'py>(&mut self, py: Python<'py>, wait_ms: i32, pipe: i32) -> PyResult<Ended<'py>> {
        self.sockets.release()?;
        let takes_work = self.sockets.takes_work();
        if takes_work {
            if let Some(end) = self.hear_sub(py)? {
                return Ok(ended(end));
            }
            if self.is_held || !self.is_drained {
                return Ok(ended(End::Look));
            }
        }
        let wait_ns = i64::from(wait_ms) * NS_PER_MS;
        if !self.sockets.sleep(py, wait_ns, pipe)? {
            return Ok(ended(End::Silent));
        }
        if takes_work && let Some(end) = self.hear_sub(py)? {
            return Ok(ended(end));
        }
        self.receive(py, monotonic_ns() + AWAKE_NS)
    }

    /// Hears what has come on the SUB.
    fn drain<'py>(&mut self, py: Python<'py>) -> PyResult<Ended<'py>> {
        Ok(self.hear_sub(py)?.map_or((false, None), ended))
    }
}

impl PyPollLoop {
    /// A hearer's: waits on the SUB.
    fn listen<'py>(&mut self, py: Python<'py>, until_ns: i64) -> PyResult<End<'py>> {
        loop {
            if let Some(end) = self.next(py, Side::Sub)? {
                return Ok(end);
            }
            if let Some(end) = self.hear_held(py)? {
                return Ok(end);
            }
            if monotonic_ns() >= until_ns {
                return Ok(End::Look);
            }
        }
    }

    /// A worker's: waits on the PULL, and hears what others have said before each message.
    fn work<'py>(&mut self, py: Python<'py>, until_ns: i64) -> PyResult<End<'py>> {
        loop {
            if let Some(end) = self.next(py, Side::Pull)? {
                return Ok(end);
            }
            if let Some(end) = self.hear_sub(py)? {
                return Ok(end);
            }
            if let Some(end) = self.hear_what_it_stands_on(py)? {
                return Ok(end);
            }
            if let Some(end) = self.hear_held(py)? {
                return Ok(end);
            }
            if let Some(answer_ms) = self.answer_ms {
                if let Some(end) = self.take_more(py, Side::Pull)? {
                    return Ok(end);
                }
                if !self.is_held && self.is_drained {
                    let answer_ns = i64::from(answer_ms) * NS_PER_MS;
                    self.sockets.wait(py, &[Side::Pull, Side::Sub], answer_ns)?;
                    if let Some(end) = self.hear_sub(py)? {
                        return Ok(end);
                    }
                }
            }
            if monotonic_ns() >= until_ns {
                return Ok(End::Look);
            }
        }
    }

    fn next<'py>(&mut self, py: Python<'py>, side: Side) -> PyResult<Option<End<'py>>> {
        if !self.is_held && self.sockets.holds() > 0 {
            let end = self.take_more(py, side)?;
            if end.is_some() {
                return Ok(end);
            }
        }
        if self.is_held {
            if self.sockets.holds() >= HELD_MAX {
                self.sockets.publish_held()?;
            }
            return Ok(None);
        }
        Ok(match self.sockets.receive(py, side, &mut self.message)? {
            Came::Nothing => Some(End::Silent),
            Came::Interrupted => Some(End::Look),
            Came::Message => self.hold(),
        })
    }

    /// Takes what has come meanwhile. If that is nothing, even a moment later, all hear what waits for them.
    fn take_more<'py>(&mut self, py: Python<'py>, side: Side) -> PyResult<Option<End<'py>>> {
        if self.sockets.take(side, &mut self.message)? {
            return Ok(self.hold());
        }
        if self.sockets.holds() > 0 {
            self.sockets.wait(py, &[side], HELD_NS)?;
            if self.sockets.take(side, &mut self.message)? {
                return Ok(self.hold());
            }
        }
        self.sockets.publish_held()?;
        Ok(None)
    }

    /// Keeps what has just come from the socket that is waited on.
    fn hold<'py>(&mut self) -> Option<End<'py>> {
        self.is_held = self.message.bytes() != WAKE;
        (!self.is_held).then_some(End::Look)
    }

    /// The message in hand waits, for a bounded moment, for what it stands on: that comes by another socket.
    fn hear_what_it_stands_on<'py>(&mut self, py: Python<'py>) -> PyResult<Option<End<'py>>> {
        while self.runtime.borrow(py).is_ahead(self.message.bytes()) {
            let now_ns = monotonic_ns();
            if self.ahead_until_ns == 0 {
                self.ahead_until_ns = now_ns + AHEAD_NS_MAX;
            }
            if now_ns >= self.ahead_until_ns {
                break;
            }
            if self.is_drained {
                self.sockets
                    .wait(py, &[Side::Sub], self.ahead_until_ns - now_ns)?;
            }
            if let Some(end) = self.hear_sub(py)? {
                return Ok(Some(end));
            }
        }
        self.ahead_until_ns = 0;
        Ok(None)
    }

    fn hear_held<'py>(&mut self, py: Python<'py>) -> PyResult<Option<End<'py>>> {
        if self.has_seen() {
            return Ok(Some(End::Look)); // it is heard in the next turn, after what the watch saw
        }
        self.is_held = false;
        let said = self
            .runtime
            .borrow_mut(py)
            .hear(py, self.message.bytes(), monotonic_ns())?;
        Ok(said.map(End::Said))
    }

    fn hear_sub<'py>(&mut self, py: Python<'py>) -> PyResult<Option<End<'py>>> {
        let mut is_woken = false;
        self.is_drained = false;
        for _ in 0..DRAIN_MAX {
            if self.has_seen() {
                return Ok(Some(End::Look));
            }
            if !self.sockets.take(Side::Sub, &mut self.between)? {
                self.is_drained = true;
                break;
            }
            if self.between.bytes() == WAKE {
                is_woken = true;
                continue;
            }
            let said =
                self.runtime
                    .borrow_mut(py)
                    .hear(py, self.between.bytes(), monotonic_ns())?;
            if let Some(said) = said {
                return Ok(Some(End::Said(said)));
            }
        }
        Ok(is_woken.then_some(End::Look))
    }

    fn has_seen(&mut self) -> bool {
        self.word.as_mut().is_some_and(Word::has_changed)
    }
}
