use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use super::day::Day;
use super::disk::Folder;
use super::error::TapeError;
use super::segment::Segment;

/// The segments that follow, made by a thread of their own while the one before is being filled. So many are kept that what
/// must still be said when the disk is full has its place. On a disk that takes no threads they are made when one is taken.
pub struct Spares {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Without a thread: makes the segments that follow.
    stepped: Option<Maker>,
}

/// Makes one segment after the other.
struct Maker {
    dir: Folder,
    day: Day,
    next: u32,
    bytes: usize,
    count: usize,
}

impl Maker {
    fn make(&mut self) -> Result<Segment, TapeError> {
        let segment = Segment::create(&self.dir, self.day, self.next, self.bytes)?;
        self.next += 1;
        Ok(segment)
    }

    /// Until `count` are ready, or one cannot be made.
    fn fill(&mut self, shared: &Shared) {
        while shared.shelf().ready.len() < self.count && put_on(shared, self.make()) {}
    }
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
        dir: Folder,
        day: Day,
        first: u32,
        bytes: usize,
        count: usize,
    ) -> Result<Spares, TapeError> {
        let shared = Arc::new(Shared {
            shelf: Mutex::new(Shelf::default()),
            changed: Condvar::new(),
        });
        let mut maker = Maker {
            dir,
            day,
            next: first,
            bytes,
            count,
        };
        if !maker.dir.disk.takes_threads() {
            maker.fill(&shared);
            return Ok(Spares {
                shared,
                thread: None,
                stepped: Some(maker),
            });
        }
        let (theirs, path) = (Arc::clone(&shared), maker.dir.path.clone());
        let work = move || {
            while wait_for_room(&theirs, count) {
                while !put_on(&theirs, maker.make()) {
                    if !wait_for_demand(&theirs) {
                        return;
                    }
                }
            }
        };
        let thread = thread::Builder::new()
            .name("tape-spare".into())
            .spawn(work)
            .map_err(TapeError::io(&path))?;
        Ok(Spares {
            shared,
            thread: Some(thread),
            stepped: None,
        })
    }

    /// The next segment; waits for it if the writer was faster than the disk. After an error the next call tries anew.
    pub fn take(&mut self) -> Result<Segment, TapeError> {
        if let Some(maker) = &mut self.stepped {
            self.shared.shelf().failure = None;
            maker.fill(&self.shared);
            let next = self.shared.shelf().ready.pop_front();
            let Some(segment) = next else {
                let failure = self.shared.shelf().failure.take();
                return Err(failure.expect("else one is ready"));
            };
            maker.fill(&self.shared);
            return Ok(segment);
        }
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
fn put_on(shared: &Shared, made: Result<Segment, TapeError>) -> bool {
    let mut shelf = shared.shelf();
    let ok = made.is_ok();
    match made {
        Ok(segment) => shelf.ready.push_back(segment),
        Err(error) => shelf.failure = Some(error),
    }
    shared.changed.notify_all();
    ok
}
