//! The kernel under services that are native alone: what a test or a command composes from the contracts' tables.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use kitev3_core::runtime::error::HandlerError;
use kitev3_core::runtime::handler::{Arrival, Handler};
use kitev3_core::runtime::header::{Mode, Source};
use kitev3_core::runtime::kernel::driver::{Answer, Driver, World};
use kitev3_core::runtime::kernel::node::Service;
use kitev3_core::runtime::kernel::recording::{Player, Recording, Replies};
use kitev3_core::runtime::kernel::schedule::Place;
use kitev3_core::runtime::kernel::{Fallen, Kernel};
use kitev3_core::runtime::outbox::{Outbox, Outgoing, Publication};
use kitev3_core::runtime::setup::{Setup, Subscription};
use kitev3_core::tape::simulated::SimulatedDisk;
use kitev3_core::tape::{Folder, Options};
use pyo3::exceptions::{PyKeyError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::native::{Native, PyNativeHandler};
use super::{day_of, join_of, named, sequence_mode_of};
use crate::tape::to_py;

/// Topic, schemas (the newest first), whether bulk, how to join, what it stands on.
type Heard = (String, Vec<u32>, bool, String, Option<String>);
/// Topic, schema, whether dense, the working hearer, what it stands on.
type Said = (String, u32, bool, Option<String>, Option<String>);
/// Machine time, whether a command, topic, payload.
type Given<'py> = (i64, bool, String, Bound<'py, PyBytes>);

/// What a watch will see at its next look.
type Shown = Arc<Mutex<Vec<(i64, Answer)>>>;

/// A handler that Python has made, and may look at.
struct Shared {
    native: Native,
    topics: Vec<String>,
}

impl Handler for Shared {
    fn topics(&self) -> Vec<&str> {
        self.topics.iter().map(String::as_str).collect()
    }

    fn handle(&mut self, event: &Arrival<'_>, out: &mut Outbox) -> Result<(), HandlerError> {
        self.native.lock().handle(event, out)
    }

    fn snapshot(&mut self) -> Result<Option<Vec<u8>>, HandlerError> {
        self.native.lock().snapshot()
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), HandlerError> {
        self.native.lock().restore(snapshot)
    }

    fn rebuild(&mut self, said: &Arrival<'_>) -> Result<(), HandlerError> {
        self.native.lock().rebuild(said)
    }
}

/// Answers what was answered then; its watch sees what it is shown.
struct Watched {
    replies: Replies,
    shown: Shown,
}

impl Driver for Watched {
    fn said(&mut self, topic: &str, said: &Outgoing, world: &mut World) {
        self.replies.said(topic, said, world);
    }

    fn watch(&mut self, now_ns: i64) -> Option<Answer> {
        let mut shown = self.shown.lock().expect("nothing panics with it in hand");
        let is_due = shown.first().is_some_and(|(from_ns, _)| *from_ns <= now_ns);
        is_due.then(|| shown.remove(0).1)
    }
}

struct Run {
    kernel: Kernel,
    shown: BTreeMap<String, Shown>,
}

#[pyclass(frozen, module = "kitev3._core", name = "Kernel")]
pub struct PyKernel {
    run: Mutex<Option<Run>>,
    disk: SimulatedDisk,
    segment_bytes: usize,
}

#[pymethods]
impl PyKernel {
    #[new]
    #[pyo3(signature = (now_ns, *, segment_bytes = 16777216))]
    fn new(now_ns: i64, segment_bytes: usize) -> Self {
        PyKernel {
            run: Mutex::new(Some(Run {
                kernel: Kernel::new(now_ns),
                shown: BTreeMap::new(),
            })),
            disk: SimulatedDisk::new(segment_bytes),
            segment_bytes,
        }
    }

    /// Hangs a service up whose world answers as on the tape in that folder; without a handler that tape also says what it says.
    #[pyo3(signature = (*, service, account, mode, day, start_ns, subscriptions, publications, sequence_modes, recorded, handler, about, timers))]
    #[allow(clippy::too_many_arguments)] // keywords: all that a service is
    fn hang_up<'py>(
        &self,
        py: Python<'py>,
        service: &str,
        account: String,
        mode: &str,
        day: &str,
        start_ns: i64,
        subscriptions: Vec<Heard>,
        publications: Vec<Said>,
        sequence_modes: Vec<(String, String)>,
        recorded: PathBuf,
        handler: Option<Bound<'py, PyNativeHandler>>,
        about: Vec<u8>,
        timers: Vec<(String, i64)>,
    ) -> PyResult<()> {
        let source = named(Source::new(service), "source", service)?;
        let mut setup = Setup {
            service: source,
            account,
            mode: named(Mode::parse(mode), "mode", mode)?,
            day: day_of(day)?,
            start_ns,
            subscriptions: Vec::new(),
            publications: Vec::new(),
            sequence_modes: Vec::new(),
            tapes: Folder::on(Arc::new(self.disk.clone()), TAPES),
            ask: None,
        };
        for (topic, schemas, bulk, join, after) in subscriptions {
            let join = join_of(&join)?;
            setup.subscriptions.push(Subscription {
                topic,
                schemas,
                bulk,
                join,
                after,
            });
        }
        let mut workers = Vec::new();
        for (topic, schema, dense, worker, after) in publications {
            workers.push(worker);
            setup.publications.push(Publication {
                topic,
                schema,
                dense,
                after,
            });
        }
        for (source, mode) in sequence_modes {
            let mode = sequence_mode_of(&mode)?;
            setup.sequence_modes.push((source, mode));
        }
        let shown = Shown::default();
        let recording = Recording::read(recorded, setup.day).map_err(to_py)?;
        let handler: Box<dyn Handler> = match handler {
            Some(native) => {
                let native = native.get().0.clone();
                let topics = native
                    .lock()
                    .topics()
                    .into_iter()
                    .map(str::to_owned)
                    .collect();
                Box::new(Shared { native, topics })
            }
            None => Box::new(Player {
                topics: setup
                    .subscriptions
                    .iter()
                    .map(|one| one.topic.clone())
                    .collect(),
                recording: recording.clone(),
            }),
        };
        let driver = Box::new(Watched {
            replies: Replies(recording),
            shown: Arc::clone(&shown),
        });
        let hung = Service {
            setup,
            workers,
            about,
            timers,
            options: Options {
                segment_bytes: self.segment_bytes,
                ..Options::default()
            },
            handler,
            driver,
            begins_run: false,
            dies_after: None,
        };
        py.detach(|| {
            let mut run = self.held();
            let run = run.as_mut().ok_or_else(closed)?;
            run.shown.insert(service.to_owned(), shown);
            run.kernel.hang_up(hung).map_err(fallen)?;
            Ok(())
        })
    }

    #[getter]
    fn now_ns(&self) -> PyResult<i64> {
        let run = self.held();
        Ok(run.as_ref().ok_or_else(closed)?.kernel.now_ns())
    }

    /// Every service takes up those it hears.
    #[pyo3(signature = ())]
    fn open(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |run| run.kernel.open().map_err(fallen))
    }

    /// The world says something to a service now; its payload is encoded as the newest schema.
    #[pyo3(signature = (name, topic, payload))]
    fn world(&self, py: Python<'_>, name: &str, topic: &str, payload: Vec<u8>) -> PyResult<()> {
        self.with(py, |run| {
            let place = run.place(name)?;
            run.kernel.world(place, topic, payload).map_err(fallen)
        })
    }

    /// Gives a command to a service.
    #[pyo3(signature = (name, topic, payload))]
    fn control(&self, py: Python<'_>, name: &str, topic: &str, payload: Vec<u8>) -> PyResult<()> {
        self.with(py, |run| {
            let place = run.place(name)?;
            run.kernel.control(place, topic, payload).map_err(fallen)
        })
    }

    /// A service's watch sees this when it looks at that machine time or later.
    #[pyo3(signature = (name, from_ns, topic, payload))]
    fn show(
        &self,
        py: Python<'_>,
        name: &str,
        from_ns: i64,
        topic: String,
        payload: Vec<u8>,
    ) -> PyResult<()> {
        self.with(py, |run| {
            run.place(name)?;
            let mut shown = run.shown[name]
                .lock()
                .expect("nothing panics with it in hand");
            shown.push((from_ns, Answer { topic, payload }));
            Ok(())
        })
    }

    /// Delivers until nothing is on its way.
    #[pyo3(signature = ())]
    fn run(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |run| run.kernel.run().map_err(fallen))
    }

    /// Lets machine time pass up to *until_ns*.
    #[pyo3(signature = (until_ns))]
    fn advance_to(&self, py: Python<'_>, until_ns: i64) -> PyResult<()> {
        self.with(py, |run| run.kernel.advance_to(until_ns).map_err(fallen))
    }

    /// Closes all tapes.
    #[pyo3(signature = ())]
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| match self.held().take() {
            Some(run) => run.kernel.close().map_err(fallen),
            None => Ok(()),
        })
    }

    /// The files of a service's tape, as they lie on the disk in memory.
    #[pyo3(signature = (name))]
    fn files<'py>(&self, py: Python<'py>, name: &str) -> BTreeMap<String, Bound<'py, PyBytes>> {
        let files = self.disk.files(&Path::new(TAPES).join(name));
        files
            .into_iter()
            .map(|(name, bytes)| (name, PyBytes::new(py, &bytes)))
            .collect()
    }
}

const TAPES: &str = "/tape";

impl PyKernel {
    fn held(&self) -> MutexGuard<'_, Option<Run>> {
        self.run.lock().expect("a run that panicked is over")
    }

    fn with<T: Send>(
        &self,
        py: Python<'_>,
        deed: impl FnOnce(&mut Run) -> PyResult<T> + Send,
    ) -> PyResult<T> {
        py.detach(|| deed(self.held().as_mut().ok_or_else(closed)?))
    }
}

impl Run {
    fn place(&self, name: &str) -> PyResult<Place> {
        let place = self.kernel.place_of(name);
        place.ok_or_else(|| PyKeyError::new_err(format!("{name} is not hung up")))
    }
}

fn closed() -> PyErr {
    PyRuntimeError::new_err("the kernel is closed")
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn fallen(fallen: Fallen) -> PyErr {
    PyRuntimeError::new_err(fallen.to_string())
}

/// What a service's tape says that came to it from outside, and the machine time of its last record.
#[pyfunction]
#[pyo3(signature = (directory, date))]
pub fn recorded_inputs<'py>(
    py: Python<'py>,
    directory: PathBuf,
    date: &str,
) -> PyResult<(Vec<Given<'py>>, i64)> {
    let recording = Recording::read(directory, day_of(date)?).map_err(to_py)?;
    let inputs = recording.inputs.into_iter();
    let given = inputs.map(|input| {
        let payload = PyBytes::new(py, &input.payload);
        (input.mono_ns, input.is_command, input.topic, payload)
    });
    Ok((given.collect(), recording.end_ns))
}
