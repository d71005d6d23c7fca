use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use super::day::Day;
use super::error::TapeError;
use super::segment::Segment;

/// The segments that follow, made by a thread of their own while the one before is being filled. So many are kept that what
/// must still be said when the disk is full has its place.
pub struct Spares {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    shelf: Mutex<Shelf>,
    changed: Condvar,
}

#[derive(Default)]
struct Shelf {
    ready: VecDeque<Segment>,
    /// Why the last attempt failed. The next attempt waits until somebody needs the segment.
    failure: Option<TapeError>,
    stopping: bool,
}

impl Shared {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf
            .lock()
            .expect("nothing panics with the shelf in hand")
    }
}

impl Spares {
    /// Makes segments from number `first` on, each of `bytes`, and keeps `count` ready.
    pub fn start(
        dir: PathBuf,
        day: Day,
        first: u32,
        bytes: usize,
        count: usize,
    ) -> Result<Spares, TapeError> {
        let shared = Arc::new(Shared {
            shelf: Mutex::new(Shelf::default()),
            changed: Condvar::new(),
        });
        let theirs = Arc::clone(&shared);
        let at = dir.clone();
        let fill = move || {
            for number in first.. {
                if !wait_for_room(&theirs, count) {
                    return;
                }
                while !make(&theirs, || Segment::create(&at, day, number, bytes)) {
                    if !wait_for_demand(&theirs) {
                        return;
                    }
                }
            }
        };
        let thread = thread::Builder::new()
            .name("tape-spare".into())
            .spawn(fill)
            .map_err(TapeError::io(&dir))?;
        Ok(Spares {
            shared,
            thread: Some(thread),
        })
    }

    /// The next segment; waits for it if the writer was faster than the disk. After an error the next call tries anew.
    pub fn take(&mut self) -> Result<Segment, TapeError> {
        let mut shelf = self.shared.shelf();
        shelf.failure = None; // it may be an old one: the disk has room again, or the attempt that follows says that it has not
        self.shared.changed.notify_all();
        loop {
            if let Some(segment) = shelf.ready.pop_front() {
                self.shared.changed.notify_all();
                return Ok(segment);
            }
            if let Some(failure) = shelf.failure.take() {
                return Err(failure);
            }
            shelf = self
                .shared
                .changed
                .wait(shelf)
                .expect("nothing panics with the shelf in hand");
        }
    }

    /// Waits until `take` would not wait: for measurements, which are not of the disk.
    pub fn wait_ready(&self) {
        let shelf = self.shared.shelf();
        let waiting = |shelf: &mut Shelf| shelf.ready.is_empty() && shelf.failure.is_none();
        drop(
            self.shared
                .changed
                .wait_while(shelf, waiting)
                .expect("nothing panics with the shelf in hand"),
        );
    }

    /// Ends the thread. The files of what is ready stay for the caller to remove.
    pub fn stop(&mut self) {
        self.shared.shelf().stopping = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the spare thread does not panic");
        }
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        self.stop();
    }
}

/// False when stopping.
fn wait_for_room(shared: &Shared, count: usize) -> bool {
    let full = |shelf: &mut Shelf| shelf.ready.len() >= count && !shelf.stopping;
    !shared
        .changed
        .wait_while(shared.shelf(), full)
        .expect("nothing panics with the shelf in hand")
        .stopping
}

/// False when stopping.
fn wait_for_demand(shared: &Shared) -> bool {
    let idle = |shelf: &mut Shelf| shelf.failure.is_some() && !shelf.stopping;
    !shared
        .changed
        .wait_while(shared.shelf(), idle)
        .expect("nothing panics with the shelf in hand")
        .stopping
}

/// Puts the segment, or why there is none, on the shelf; true if it is a segment.
fn make(shared: &Shared, create: impl FnOnce() -> Result<Segment, TapeError>) -> bool {
    let made = create();
    let mut shelf = shared.shelf();
    let ok = made.is_ok();
    match made {
        Ok(segment) => shelf.ready.push_back(segment),
        Err(error) => shelf.failure = Some(error),
    }
    shared.changed.notify_all();
    ok
}
