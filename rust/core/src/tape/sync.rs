use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::error::TapeError;
use super::map::Flusher;
use super::note::{Note, NoteFile};
use super::record::Position;

/// How far ahead of the appender pages are made writable after each periodic sync: what a busy service writes between two of them.
const PREFAULT_BYTES: usize = 1 << 20;

/// Waits until a record is on the disk, from any thread, without holding up the appender.
#[derive(Clone)]
pub struct SyncHandle {
    shared: Arc<Shared>,
}

struct Shared {
    /// Where the tape ends: segment and offset in one word, stored after each append.
    end: AtomicU64,
    failed: AtomicBool,
    state: Mutex<State>,
    /// A sync has ended, one way or the other.
    done: Condvar,
    note: NoteFile,
}

struct State {
    synced: u64,
    /// One thread at a time syncs; whoever comes meanwhile waits, and its records go with the next sync, all together.
    syncing: bool,
    failure: Option<String>,
    /// The segments that may have something to sync, by number.
    segments: VecDeque<(u32, Arc<Flusher>)>,
}

fn pack(segment: u32, offset: u32) -> u64 {
    u64::from(segment) << 32 | u64::from(offset)
}

fn unpack(place: u64) -> (u32, usize) {
    ((place >> 32) as u32, place as u32 as usize)
}

impl SyncHandle {
    /// `synced` is where the tape ends at its opening, all of it on the disk.
    pub(super) fn new(note: NoteFile, synced: Position, flusher: Flusher) -> SyncHandle {
        let synced_place = pack(synced.segment, synced.offset);
        let state = State {
            synced: synced_place,
            syncing: false,
            failure: None,
            segments: VecDeque::from([(synced.segment, Arc::new(flusher))]),
        };
        let shared = Shared {
            end: AtomicU64::new(synced_place),
            failed: AtomicBool::new(false),
            state: Mutex::new(state),
            done: Condvar::new(),
            note,
        };
        SyncHandle {
            shared: Arc::new(shared),
        }
    }

    /// The writer goes on in another segment.
    pub(super) fn add_segment(&self, number: u32, flusher: Flusher) {
        self.state().segments.push_back((number, Arc::new(flusher)));
    }

    /// The writer has appended: the tape ends here now.
    #[inline]
    pub(super) fn set_end(&self, segment: u32, offset: u32) {
        self.shared
            .end
            .store(pack(segment, offset), Ordering::Release);
    }

    /// An error if a sync has failed: nothing may be appended any more.
    #[inline]
    pub(super) fn check(&self) -> Result<(), TapeError> {
        if self.shared.failed.load(Ordering::Relaxed) {
            self.failure()
        } else {
            Ok(())
        }
    }

    #[cold]
    fn failure(&self) -> Result<(), TapeError> {
        match &self.state().failure {
            Some(why) => Err(TapeError::SyncFailed(why.clone())),
            None => Ok(()),
        }
    }

    /// Returns when the record that was appended at `position` is on the disk, with all before it.
    pub fn wait_synced(&self, position: Position) -> Result<(), TapeError> {
        self.wait(pack(position.segment, position.offset) + 1)
    }

    /// Returns when all that has been appended by now is on the disk.
    pub fn sync(&self) -> Result<(), TapeError> {
        self.wait(self.shared.end.load(Ordering::Acquire))
    }

    /// `sync`, and the note of it: what the periodic thread does where there is one.
    pub fn sync_all(&self) -> Result<(), TapeError> {
        if self.is_behind() {
            self.sync()?;
            self.sync_note()?;
        }
        Ok(())
    }

    fn wait(&self, place: u64) -> Result<(), TapeError> {
        assert!(
            place <= self.shared.end.load(Ordering::Acquire),
            "only what has been appended can be waited for"
        );
        let mut state = self.state();
        loop {
            if state.synced >= place {
                return Ok(());
            }
            if let Some(why) = &state.failure {
                return Err(TapeError::SyncFailed(why.clone()));
            }
            if state.syncing {
                state = self
                    .shared
                    .done
                    .wait(state)
                    .expect("nothing panics with the state in hand");
            } else {
                state = self.lead(state);
            }
        }
    }

    /// Syncs all there is, for everybody who waits.
    fn lead<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.syncing = true;
        let from = state.synced;
        let to = self.shared.end.load(Ordering::Acquire);
        let segments: Vec<(u32, Arc<Flusher>)> = state
            .segments
            .iter()
            .map(|(n, f)| (*n, Arc::clone(f)))
            .collect();
        drop(state);

        let flushed = flush(&segments, from, to).and_then(|note| self.shared.note.write(&note));

        let mut state = self.state();
        state.syncing = false;
        match flushed {
            Ok(()) => {
                state.synced = to;
                let last = unpack(to).0;
                state.segments.retain(|(number, _)| *number >= last);
            }
            // The kernel has marked the pages clean all the same, so a second attempt would succeed and prove nothing.
            Err(error) => {
                state.failure = Some(error.to_string());
                self.shared.failed.store(true, Ordering::Relaxed);
            }
        }
        self.shared.done.notify_all();
        state
    }

    /// Makes the pages ahead of the appender writable again: a sync, ours or the kernel's, has made them read-only.
    fn prefault_ahead(&self) {
        let flusher = self
            .state()
            .segments
            .back()
            .map(|(_, flusher)| Arc::clone(flusher));
        let (_, offset) = unpack(self.shared.end.load(Ordering::Acquire));
        if let Some(flusher) = flusher {
            flusher.prefault(offset..offset + PREFAULT_BYTES);
        }
    }

    /// Brings the note itself to the disk. Without it a power cut may leave an older note, which refuses less and is never wrong.
    pub(super) fn sync_note(&self) -> Result<(), TapeError> {
        self.shared.note.sync().map_err(|error| {
            self.state().failure = Some(error.to_string());
            self.shared.failed.store(true, Ordering::Relaxed);
            TapeError::io(self.shared.note.path())(error)
        })
    }

    /// The writer is gone, and the tape free for another: this handle syncs no more, since it would note what is no longer so.
    pub(super) fn release(&self) {
        let state = self
            .shared
            .done
            .wait_while(self.state(), |state| state.syncing);
        let mut state = state.expect("nothing panics with the state in hand");
        state
            .failure
            .get_or_insert_with(|| "its writer is gone".to_owned());
        state.segments.clear();
        self.shared.note.unlock();
    }

    fn is_behind(&self) -> bool {
        self.state().synced != self.shared.end.load(Ordering::Acquire)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .expect("nothing panics with the state in hand")
    }

    /// Makes this handle fail as a failed sync does.
    #[cfg(test)]
    pub(super) fn fail(&self, why: &str) {
        self.state().failure = Some(why.to_owned());
        self.shared.failed.store(true, Ordering::Relaxed);
    }
}

/// Brings the bytes between two places to the disk; says what to note.
fn flush(segments: &[(u32, Arc<Flusher>)], from: u64, to: u64) -> io::Result<Note> {
    let ((first, first_offset), (last, last_offset)) = (unpack(from), unpack(to));
    for (number, flusher) in segments
        .iter()
        .filter(|(number, _)| (first..=last).contains(number))
    {
        let start = if *number == first { first_offset } else { 0 };
        let end = if *number == last {
            last_offset
        } else {
            flusher.len()
        };
        flusher.flush(Range { start, end })?;
    }
    let (_, flusher) = segments
        .iter()
        .find(|(number, _)| *number == last)
        .expect("the last segment is kept");
    Ok(Note {
        segment: last,
        offset: last_offset as u32,
        crc: flusher.crc_before(last_offset),
    })
}

/// The thread that syncs whatever nobody has asked to be synced.
pub struct Periodic {
    stopping: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Periodic {
    pub fn start(handle: SyncHandle, every: Duration) -> io::Result<Periodic> {
        let stopping = Arc::new((Mutex::new(false), Condvar::new()));
        let theirs = Arc::clone(&stopping);
        let run = move || {
            while !pause(&theirs, every) {
                if handle.sync_all().is_err() {
                    return; // the failure is kept: the next append and every waiter get it
                }
                handle.prefault_ahead();
            }
        };
        let thread = thread::Builder::new().name("tape-sync".into()).spawn(run)?;
        Ok(Periodic {
            stopping,
            thread: Some(thread),
        })
    }

    pub fn stop(&mut self) {
        *self
            .stopping
            .0
            .lock()
            .expect("nothing panics with the flag in hand") = true;
        self.stopping.1.notify_all();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the sync thread does not panic");
        }
    }
}

impl Drop for Periodic {
    fn drop(&mut self) {
        self.stop();
    }
}

/// True when stopping.
fn pause(stopping: &(Mutex<bool>, Condvar), every: Duration) -> bool {
    let flag = stopping
        .0
        .lock()
        .expect("nothing panics with the flag in hand");
    let (flag, _) = stopping
        .1
        .wait_timeout_while(flag, every, |stop| !*stop)
        .expect("nothing panics with the flag in hand");
    *flag
}
