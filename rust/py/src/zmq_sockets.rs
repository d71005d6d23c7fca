//! The sockets of one process as its loop uses them: a message comes from libzmq into the runtime, and what is said to it goes back,
//! without Python in between. Between two sleeps of a loop every step that Python makes costs a microsecond or two with
//! cold caches, and there were a dozen of them.
//!
//! libzmq is the one that pyzmq has loaded; it opened, owns and closes the sockets. Here are their addresses and the
//! addresses of seven functions of its C interface.
#![allow(unsafe_code)] // a C library's functions and sockets, by address
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::mem::transmute;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyKeyError, PyOSError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

type Socket = *mut c_void;

const DONTWAIT: c_int = 1;
const SNDMORE: c_int = 2;
const NS: i64 = 1_000_000_000;

/// Ends a wait; never handed on.
pub const WAKE: &[u8] = b"bus.wake\0";

#[repr(C, align(8))]
struct RawMessage([u8; 64]);

// Functions of zmq.h, version 4.
type Errno = unsafe extern "C" fn() -> c_int;
type OfMessage = unsafe extern "C" fn(*mut RawMessage) -> c_int;
type Data = unsafe extern "C" fn(*mut RawMessage) -> *mut c_void;
type Receive = unsafe extern "C" fn(*mut RawMessage, Socket, c_int) -> c_int;
type Size = unsafe extern "C" fn(*const RawMessage) -> usize;
type SendCopy = unsafe extern "C" fn(Socket, *const c_void, usize, c_int) -> c_int;

struct Library {
    errno: Errno,
    msg_close: OfMessage,
    msg_data: Data,
    msg_init: OfMessage,
    msg_recv: Receive,
    msg_size: Size,
    send: SendCopy,
}

impl Library {
    /// From the addresses of the functions, by their names in zmq.h without the prefix.
    fn at(addresses: &HashMap<String, usize>) -> PyResult<Library> {
        let at = |name: &str| {
            let found = addresses.get(name).filter(|address| **address != 0);
            found
                .map(|address| *address as *const c_void)
                .ok_or_else(|| PyKeyError::new_err(format!("libzmq's {name}")))
        };
        // SAFETY: each is the address of the function of that name in libzmq 4, whose interface is stable, and whose
        // declaration stands above.
        unsafe {
            Ok(Library {
                errno: transmute::<*const c_void, Errno>(at("errno")?),
                msg_close: transmute::<*const c_void, OfMessage>(at("msg_close")?),
                msg_data: transmute::<*const c_void, Data>(at("msg_data")?),
                msg_init: transmute::<*const c_void, OfMessage>(at("msg_init")?),
                msg_recv: transmute::<*const c_void, Receive>(at("msg_recv")?),
                msg_size: transmute::<*const c_void, Size>(at("msg_size")?),
                send: transmute::<*const c_void, SendCopy>(at("send")?),
            })
        }
    }
}

/// What a receive found.
pub enum Came {
    Message,
    /// The socket's time ran out.
    Nothing,
    /// A signal came.
    Interrupted,
}

/// Which of the two sockets that are waited on.
#[derive(Clone, Copy)]
pub enum Side {
    Sub,
    Pull,
}

pub struct ZmqSockets {
    library: Library,
    sub: Waited,
    pull: Waited,
    router_fd: c_int,
    publisher: Socket,
    workers: Vec<(String, Socket)>,
    push_full: AtomicU64,
    is_holding: AtomicBool,
    held: Mutex<Vec<Vec<u8>>>,
}

/// A socket and its descriptor, which can be read once something has come after a `take` that found nothing.
type Waited = (Socket, c_int);

// SAFETY: the functions may be called from any thread; the sockets are used by one at a time, the one that opened them,
// as for every user of libzmq.
unsafe impl Send for ZmqSockets {}
// SAFETY: as above.
unsafe impl Sync for ZmqSockets {}

/// A socket and a message on their way into a wait, where other threads of Python may run.
struct Waiting<'a>(&'a ZmqSockets, Side, *mut RawMessage);
// SAFETY: the thread that waits is the one that called.
unsafe impl Send for Waiting<'_> {}

impl Waiting<'_> {
    fn receive(self) -> c_int {
        let Waiting(sockets, side, message) = self;
        // SAFETY: the socket is open, the message is an initialised one.
        unsafe { (sockets.library.msg_recv)(message, sockets.socket(side), 0) }
    }
}

impl ZmqSockets {
    fn socket(&self, side: Side) -> Socket {
        match side {
            Side::Sub => self.sub.0,
            Side::Pull => self.pull.0,
        }
    }

    /// Whether there is a PULL.
    pub fn takes_work(&self) -> bool {
        !self.pull.0.is_null()
    }

    fn errno(&self) -> c_int {
        // SAFETY: no arguments.
        unsafe { (self.library.errno)() }
    }

    fn failed(&self, what: &str) -> PyErr {
        let error = std::io::Error::from_raw_os_error(self.errno());
        PyOSError::new_err(format!("{what}: {error}"))
    }

    /// Waits as long as the socket's RCVTIMEO says.
    pub fn receive(&self, py: Python<'_>, side: Side, into: &mut Message) -> PyResult<Came> {
        let waiting = Waiting(self, side, &raw mut *into.raw);
        match py.detach(|| waiting.receive()) {
            0.. => Ok(Came::Message),
            _ => match self.errno() {
                libc::EAGAIN => Ok(Came::Nothing),
                libc::EINTR => Ok(Came::Interrupted),
                _ => Err(self.failed("receive")),
            },
        }
    }

    /// Takes what has come, without waiting; false when that was nothing.
    pub fn take(&self, side: Side, into: &mut Message) -> PyResult<bool> {
        loop {
            // SAFETY: the socket is open, the message is an initialised one.
            if unsafe { (self.library.msg_recv)(&raw mut *into.raw, self.socket(side), DONTWAIT) }
                >= 0
            {
                return Ok(true);
            }
            match self.errno() {
                libc::EAGAIN => return Ok(false),
                libc::EINTR => {}
                _ => return Err(self.failed("receive")),
            }
        }
    }

    /// Waits until one of the sockets has something, if a `take` has found each of them empty, at most so long. A signal ends
    /// the wait.
    pub fn wait(&self, py: Python<'_>, sides: &[Side], wait_ns: i64) -> PyResult<()> {
        let mut items: Vec<_> = sides
            .iter()
            .map(|side| polled(self.waited(*side)))
            .collect();
        poll(py, &mut items, wait_ns)
    }

    /// `wait` on both, on requests, and on a descriptor; whether anything but a request has come.
    pub fn sleep(&self, py: Python<'_>, wait_ns: i64, pipe: c_int) -> PyResult<bool> {
        let pull = (!self.pull.0.is_null()).then_some(self.pull.1);
        let mut items: Vec<_> = [self.sub.1, self.router_fd, pipe].map(polled).into();
        items.extend(pull.map(polled));
        poll(py, &mut items, wait_ns)?;
        let has_come = |item: &libc::pollfd| item.revents != 0;
        items.remove(1); // the requests'
        Ok(items.iter().any(has_come))
    }

    fn waited(&self, side: Side) -> c_int {
        match side {
            Side::Sub => self.sub.1,
            Side::Pull => self.pull.1,
        }
    }

    /// The place of a worker that this process gives work to; none if it does not run.
    pub fn worker(&self, name: &str) -> Option<usize> {
        self.workers.iter().position(|(known, _)| known == name)
    }

    /// Frames, each with its worker: all work to its workers, who come first since others only look on; then all to all. If a
    /// worker is away, or its queue full, it will find it on the tape.
    pub fn send(&self, frames: &[(&[u8], Option<usize>)]) -> PyResult<()> {
        let mut is_work = false;
        for run in frames.chunk_by(|(_, worker), (_, next)| worker == next) {
            let Some(worker) = run[0].1 else { continue };
            let lost = self.put(self.workers[worker].1, run.iter().map(|(frame, _)| *frame))?;
            self.push_full.fetch_add(lost as u64, Ordering::Relaxed);
            is_work |= lost < run.len();
        }
        if is_work {
            // Where the order path shares a core, libzmq's thread now takes the work on before those who look on. Once for
            // all of it: each time is a round through the processes of that core.
            std::thread::yield_now();
        }
        let frames = frames.iter().map(|(frame, _)| *frame);
        if self.is_holding.load(Ordering::Relaxed) {
            self.held().extend(frames.map(<[u8]>::to_vec));
            return Ok(());
        }
        self.publish(&frames.collect::<Vec<_>>())
    }

    /// To all: a SUB asks for topics, so that those of one topic can go together.
    fn publish(&self, frames: &[&[u8]]) -> PyResult<()> {
        for run in frames.chunk_by(|one, next| topic_of(one) == topic_of(next)) {
            self.put(self.publisher, run.iter().copied())?;
        }
        Ok(())
    }

    /// From now on what is said to all waits, in order; work goes to its worker at once.
    pub fn hold(&self) {
        self.is_holding.store(true, Ordering::Relaxed);
    }

    /// How much waits.
    pub fn holds(&self) -> usize {
        self.held().len()
    }

    /// Says to all what waits. `hold` stays as it is.
    pub fn publish_held(&self) -> PyResult<()> {
        let held = std::mem::take(&mut *self.held());
        self.publish(&held.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// Says to all what waits, and nothing waits any more.
    pub fn release(&self) -> PyResult<()> {
        self.is_holding.store(false, Ordering::Relaxed);
        self.publish_held()
    }

    fn held(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frames that go the same way, as the parts of one message: libzmq's thread is woken once for all of them, and whoever
    /// receives takes part by part. How many the socket could not take.
    fn put<'a>(
        &self,
        socket: Socket,
        frames: impl ExactSizeIterator<Item = &'a [u8]>,
    ) -> PyResult<usize> {
        let count = frames.len();
        let (mut lost, mut begun) = (0, 0);
        for (place, frame) in frames.enumerate() {
            let flags = if place + 1 < count { SNDMORE } else { 0 };
            if self.put_part(socket, frame, flags)? {
                continue;
            }
            if place == begun {
                lost += 1; // there is no message yet: the next part may begin one
                begun += 1;
            } else {
                lost = count; // libzmq takes back what it had of the message, and the rest of it when that comes
            }
        }
        Ok(lost)
    }

    /// False when the socket cannot take it.
    fn put_part(&self, socket: Socket, frame: &[u8], flags: c_int) -> PyResult<bool> {
        let (data, size) = (frame.as_ptr().cast(), frame.len());
        loop {
            // SAFETY: the socket is open; libzmq copies the frame before it returns.
            if unsafe { (self.library.send)(socket, data, size, DONTWAIT | flags) } >= 0 {
                return Ok(true);
            }
            match self.errno() {
                libc::EAGAIN => return Ok(false),
                libc::EINTR => {}
                _ => return Err(self.failed("send")),
            }
        }
    }

    /// A message to be received into, for the life of a loop.
    pub fn message(self: &Arc<Self>) -> Message {
        let mut raw = Box::new(RawMessage([0; 64]));
        // SAFETY: it has a message's size and alignment.
        unsafe { (self.library.msg_init)(&raw mut *raw) };
        Message {
            raw,
            sockets: Arc::clone(self),
        }
    }
}

/// What a frame says before its NUL.
fn topic_of(frame: &[u8]) -> &[u8] {
    frame.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn polled(fd: c_int) -> libc::pollfd {
    libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    }
}

fn poll(py: Python<'_>, items: &mut [libc::pollfd], wait_ns: i64) -> PyResult<()> {
    let count = items.len() as libc::nfds_t;
    let wait = libc::timespec {
        tv_sec: wait_ns / NS,
        tv_nsec: wait_ns % NS,
    };
    // SAFETY: so many items, of descriptors that are open as long as their sockets; no mask of signals.
    let result = py.detach(|| unsafe {
        libc::ppoll(items.as_mut_ptr(), count, &raw const wait, std::ptr::null())
    });
    let error = std::io::Error::last_os_error();
    if result < 0 && error.kind() != std::io::ErrorKind::Interrupted {
        return Err(PyOSError::new_err(format!("poll: {error}")));
    }
    Ok(())
}

/// One message of libzmq's, received into again and again.
pub struct Message {
    raw: Box<RawMessage>, // libzmq wants it to stay where it is
    sockets: Arc<ZmqSockets>,
}

// SAFETY: a message belongs to no thread.
unsafe impl Send for Message {}
// SAFETY: reading it changes nothing.
unsafe impl Sync for Message {}

impl Message {
    pub fn bytes(&self) -> &[u8] {
        let raw = (&raw const *self.raw).cast_mut();
        // SAFETY: an initialised message; its data stay as they are until it is received into, which borrows it mutably.
        unsafe {
            let bytes = (self.sockets.library.msg_size)(raw);
            if bytes == 0 {
                return &[];
            }
            std::slice::from_raw_parts((self.sockets.library.msg_data)(raw).cast(), bytes)
        }
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: an initialised message.
        unsafe { (self.sockets.library.msg_close)(&raw mut *self.raw) };
    }
}

/// `kitev3.bus.zmq_transport` opens it.
#[pyclass(frozen, module = "kitev3._core", name = "ZmqSockets")]
pub struct PyZmqSockets(pub Arc<ZmqSockets>);

#[pymethods]
impl PyZmqSockets {
    #[classattr]
    #[pyo3(name = "WAKE")]
    fn wake() -> &'static [u8] {
        WAKE
    }

    #[new]
    #[pyo3(signature = (functions, *, sub, pull, router_fd, publisher, workers))]
    fn new(
        functions: HashMap<String, usize>,
        sub: (usize, c_int),
        pull: Option<(usize, c_int)>,
        router_fd: c_int,
        publisher: usize,
        workers: Vec<(String, usize)>,
    ) -> PyResult<PyZmqSockets> {
        let socket = |address: usize| address as Socket;
        let waited = |(address, descriptor)| (socket(address), descriptor);
        Ok(PyZmqSockets(Arc::new(ZmqSockets {
            library: Library::at(&functions)?,
            sub: waited(sub),
            pull: pull.map_or((std::ptr::null_mut(), -1), waited),
            router_fd,
            publisher: socket(publisher),
            workers: workers
                .into_iter()
                .map(|(name, address)| (name, socket(address)))
                .collect(),
            push_full: AtomicU64::new(0),
            is_holding: AtomicBool::new(false),
            held: Mutex::default(),
        })))
    }

    /// To all, and before them to the one worker if there is a name.
    fn send(&self, frames: Vec<PyBackedBytes>, worker: Option<&str>) -> PyResult<()> {
        let worker = worker.and_then(|name| self.0.worker(name));
        let frames: Vec<(&[u8], _)> = frames.iter().map(|frame| (&**frame, worker)).collect();
        self.0.send(&frames)
    }

    #[getter]
    fn push_full(&self) -> u64 {
        self.0.push_full.load(Ordering::Relaxed)
    }
}

/// Machine time.
pub fn monotonic_ns() -> i64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: there is room for one; this clock is always there.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec * NS + now.tv_nsec
}
