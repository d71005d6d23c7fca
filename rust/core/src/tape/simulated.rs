//! A disk in memory for stepped runs: it keeps what is on it apart from what a process only sees there, and can lose its power.
//!
//! A process that dies loses nothing, since what it has stored lies in the page cache. A power cut leaves of each sector that was not synced
//! the old bytes or the new, in any combination over files, and of names likewise. A sync that fails has marked its pages clean: they
//! are never written unless they are changed again.
use std::collections::{BTreeMap, BTreeSet};
use std::fs::TryLockError;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::disk::{Disk, DiskFile};
use super::map::{Memory, Pages, ReadMap, WriteMap};
use crate::random::Stream;

const SECTOR_BYTES: usize = 512;
const PAGE_BYTES: usize = 4096;

/// What a disk is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Open,
    Read,
    /// Of bytes that the file has.
    Write,
    /// A write that makes the file longer: one that needs room.
    Grow,
    Resize,
    Map,
    /// Of a file, or of mapped pages.
    Sync,
    SyncDir,
    Names,
    Remove,
}

/// An error that is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Of these calls alone; none: of all.
    pub of: Option<Call>,
    /// So many succeed before.
    pub after: u64,
    /// As the system numbers it.
    pub errno: i32,
    /// Once, or from then on.
    pub lasts: bool,
}

/// See the module. Clones are the same disk; all of it belongs to one thread.
#[derive(Clone)]
pub struct SimulatedDisk(Arc<Inner>);

struct Inner {
    file_bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<PathBuf, Arc<SimulatedFile>>,
    /// The names that a power cut leaves.
    synced: BTreeMap<PathBuf, Arc<SimulatedFile>>,
    dirs: BTreeSet<PathBuf>,
    calls: u64,
    faults: Vec<Fault>,
}

struct SimulatedFile {
    memory: Memory,
    state: Mutex<FileState>,
    is_locked: AtomicBool,
}

#[derive(Clone, Default)]
struct FileState {
    len: usize,
    synced_len: usize,
    /// What is on the disk; zeros behind it.
    synced: Vec<u8>,
    /// Pages that a failed sync has marked clean, and what they held then.
    clean: BTreeMap<usize, Vec<u8>>,
}

impl SimulatedDisk {
    /// An empty disk. No file may grow beyond `file_bytes_max`, which for a tape is its segment's size.
    pub fn new(file_bytes_max: usize) -> SimulatedDisk {
        SimulatedDisk(Arc::new(Inner {
            file_bytes_max: file_bytes_max.next_multiple_of(PAGE_BYTES),
            state: Mutex::default(),
        }))
    }

    /// An error is to come.
    pub fn fail(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// No error is to come any more.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// How much has been asked for so far.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// The machine has lost its power and comes up again: who had a file open has a handle to nothing.
    pub fn cut_power(&self, random: &mut Stream) {
        let mut state = self.state();
        let names: BTreeSet<PathBuf> = state
            .files
            .keys()
            .chain(state.synced.keys())
            .cloned()
            .collect();
        let mut left = BTreeMap::new();
        for name in names {
            let (seen, synced) = (state.files.get(&name), state.synced.get(&name));
            let is_same = matches!((seen, synced), (Some(a), Some(b)) if Arc::ptr_eq(a, b));
            let file = if is_same || random.chance(0.5) {
                seen
            } else {
                synced
            };
            if let Some(file) = file {
                left.insert(name, Arc::new(file.after_power_cut(random)));
            }
        }
        state.synced = left.clone();
        state.files = left;
        state.faults.clear();
    }

    /// The system writes some pages to the disk by itself, as it may at any time.
    pub fn write_back(&self, random: &mut Stream) {
        for file in self.state().files.values() {
            let mut state = file.state();
            for page in 0..state.len.div_ceil(PAGE_BYTES) {
                if random.chance(0.5) {
                    file.bring(&mut state, page);
                    let written = state.len.min((page + 1) * PAGE_BYTES);
                    state.synced_len = state.synced_len.max(written);
                }
            }
        }
    }

    /// Another disk that is as this one is now, with no error to come.
    pub fn copy(&self) -> SimulatedDisk {
        let state = self.state();
        let mut copies: Vec<(*const SimulatedFile, Arc<SimulatedFile>)> = Vec::new();
        let mut copy = |names: &BTreeMap<PathBuf, Arc<SimulatedFile>>| {
            let mut copied = BTreeMap::new();
            for (name, file) in names {
                let known = copies.iter().find(|(from, _)| *from == Arc::as_ptr(file));
                let to = match known {
                    Some((_, to)) => Arc::clone(to),
                    None => Arc::new(file.copy()),
                };
                copies.push((Arc::as_ptr(file), Arc::clone(&to)));
                copied.insert(name.clone(), to);
            }
            copied
        };
        let copied = State {
            files: copy(&state.files),
            synced: copy(&state.synced),
            dirs: state.dirs.clone(),
            calls: state.calls,
            faults: Vec::new(),
        };
        SimulatedDisk(Arc::new(Inner {
            file_bytes_max: self.0.file_bytes_max,
            state: Mutex::new(copied),
        }))
    }

    /// The files of a folder, as a process sees them.
    pub fn files(&self, dir: &Path) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        let files = state
            .files
            .iter()
            .filter(|(path, _)| path.parent() == Some(dir));
        files
            .map(|(path, file)| (name_of(path), file.content()))
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0
            .state
            .lock()
            .expect("nothing panics with the disk in hand")
    }

    /// Counts a call; the error that was to come of it.
    fn call(&self, call: Call) -> io::Result<()> {
        let mut state = self.state();
        state.calls += 1;
        let mut failed = None;
        state.faults.retain_mut(|fault| {
            if fault.of.is_some_and(|of| of != call) {
                return true;
            }
            if fault.after > 0 {
                fault.after -= 1;
                return true;
            }
            failed = Some(fault.errno);
            fault.lasts
        });
        failed.map_or(Ok(()), |errno| Err(io::Error::from_raw_os_error(errno)))
    }

    fn handle(&self, file: &Arc<SimulatedFile>) -> Box<dyn DiskFile> {
        Box::new(Handle {
            disk: self.clone(),
            file: Arc::clone(file),
            holds_lock: AtomicBool::new(false),
        })
    }
}

impl std::fmt::Debug for SimulatedDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimulatedDisk")
    }
}

impl Disk for SimulatedDisk {
    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.call(Call::Names)?;
        let state = self.state();
        let paths = state.files.keys().filter(|path| path.parent() == Some(dir));
        Ok(paths.map(|path| name_of(path)).collect())
    }

    fn is_dir(&self, dir: &Path) -> bool {
        self.state().dirs.contains(dir)
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.call(Call::SyncDir)?;
        self.state()
            .dirs
            .extend(dir.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.call(Call::SyncDir)?;
        let mut state = self.state();
        let here = |path: &PathBuf| path.parent() == Some(dir);
        state.synced.retain(|path, _| !here(path));
        let seen: Vec<_> = state
            .files
            .iter()
            .filter(|(path, _)| here(path))
            .map(|(p, f)| (p.clone(), Arc::clone(f)))
            .collect();
        state.synced.extend(seen);
        Ok(())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.call(Call::Open)?;
        let mut state = self.state();
        if !path.parent().is_some_and(|dir| state.dirs.contains(dir)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if !state.files.contains_key(path) {
            let made = SimulatedFile::new(self.0.file_bytes_max)?;
            state.files.insert(path.to_owned(), Arc::new(made));
        }
        Ok(self.handle(&state.files[path]))
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.call(Call::Open)?;
        let file = self.state().files.get(path).cloned();
        file.map(|file| self.handle(&file))
            .ok_or(io::ErrorKind::NotFound.into())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(Call::Remove)?;
        let removed = self.state().files.remove(path);
        removed.map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn takes_threads(&self) -> bool {
        false
    }
}

impl SimulatedFile {
    fn new(bytes_max: usize) -> io::Result<SimulatedFile> {
        Ok(SimulatedFile {
            memory: Memory::zeros(bytes_max)?,
            state: Mutex::default(),
            is_locked: AtomicBool::new(false),
        })
    }

    fn state(&self) -> MutexGuard<'_, FileState> {
        self.state
            .lock()
            .expect("nothing panics with the file in hand")
    }

    fn copy(&self) -> SimulatedFile {
        let copy = SimulatedFile::new(self.memory.len()).expect("as much memory as before");
        copy.memory.write(0, &self.content());
        *copy.state() = self.state().clone();
        copy
    }

    fn content(&self) -> Vec<u8> {
        let mut content = vec![0; self.state().len];
        self.memory.read(0, &mut content);
        content
    }

    fn page(&self, page: usize) -> Vec<u8> {
        let mut bytes = vec![0; PAGE_BYTES];
        self.memory.read(page * PAGE_BYTES, &mut bytes);
        bytes
    }

    /// A page is on the disk now, unless the system takes it for clean.
    fn bring(&self, state: &mut FileState, page: usize) {
        let bytes = self.page(page);
        if state.clean.get(&page) == Some(&bytes) {
            return;
        }
        state.clean.remove(&page);
        let range = page * PAGE_BYTES..(page + 1) * PAGE_BYTES;
        if state.synced.len() < range.end {
            state.synced.resize(range.end, 0);
        }
        state.synced[range].copy_from_slice(&bytes);
    }

    fn sync(&self, range: Range<usize>, fails: bool) {
        let mut state = self.state();
        for page in range.start / PAGE_BYTES..range.end.div_ceil(PAGE_BYTES) {
            if fails {
                state.clean.insert(page, self.page(page));
            } else {
                self.bring(&mut state, page);
            }
        }
    }

    fn after_power_cut(&self, random: &mut Stream) -> SimulatedFile {
        let state = self.state();
        let len = if random.chance(0.5) {
            state.len
        } else {
            state.synced_len
        };
        let mut content = state.synced.clone();
        content.resize(self.memory.len(), 0);
        for page in 0..state.len.div_ceil(PAGE_BYTES) {
            let seen = self.page(page);
            let fate = random.between(1, 3); // kept, torn, lost
            for (i, sector) in seen.chunks(SECTOR_BYTES).enumerate() {
                if fate == 1 || (fate == 2 && random.chance(0.5)) {
                    let start = page * PAGE_BYTES + i * SECTOR_BYTES;
                    content[start..start + SECTOR_BYTES].copy_from_slice(sector);
                }
            }
        }
        content[len..].fill(0);
        let after = SimulatedFile::new(self.memory.len()).expect("as much memory as before");
        after.memory.write(0, &content[..len]);
        *after.state() = FileState {
            len,
            synced_len: len,
            synced: content,
            clean: BTreeMap::new(),
        };
        after
    }
}

/// An open file; its lock goes with it.
struct Handle {
    disk: SimulatedDisk,
    file: Arc<SimulatedFile>,
    holds_lock: AtomicBool,
}

impl Handle {
    fn sync_whole(&self) -> io::Result<()> {
        let called = self.disk.call(Call::Sync);
        let len = self.file.state().len;
        self.file.sync(0..len, called.is_err());
        called?;
        self.file.state().synced_len = len;
        Ok(())
    }
}

impl DiskFile for Handle {
    fn size(&self) -> io::Result<u64> {
        Ok(self.file.state().len as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.call(Call::Resize)?;
        let len = usize::try_from(len).expect("a file in memory");
        let mut state = self.file.state();
        if len < state.len {
            let cut = vec![0; state.len - len];
            self.file.memory.write(len, &cut);
        }
        state.len = len;
        Ok(())
    }

    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.call(Call::Read)?;
        let offset = offset as usize;
        if offset + bytes.len() > self.file.state().len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.file.memory.read(offset, bytes);
        Ok(())
    }

    /// One that fails has written some of its sectors.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let start = offset as usize;
        let grows = start + bytes.len() > self.file.state().len;
        let called = self.disk.call(if grows { Call::Grow } else { Call::Write });
        let written = match called {
            Ok(()) => bytes.len(),
            Err(_) => bytes.len() / 2 / SECTOR_BYTES * SECTOR_BYTES,
        };
        let (bytes, end) = (&bytes[..written], start + written);
        if end > self.file.memory.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.file.memory.write(start, bytes);
        let mut state = self.file.state();
        state.len = state.len.max(end);
        for page in start / PAGE_BYTES..end.div_ceil(PAGE_BYTES) {
            state.clean.remove(&page);
        }
        called
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_whole()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync_whole()
    }

    fn try_lock(&self) -> Result<(), TryLockError> {
        if self.file.is_locked.swap(true, Ordering::Relaxed) {
            return Err(TryLockError::WouldBlock);
        }
        self.holds_lock.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn unlock(&self) {
        if self.holds_lock.swap(false, Ordering::Relaxed) {
            self.file.is_locked.store(false, Ordering::Relaxed);
        }
    }

    fn map(&self, bytes: usize) -> io::Result<WriteMap> {
        self.disk.call(Call::Map)?;
        assert!(
            bytes <= self.file.state().len,
            "a map beyond the end of its file would fault"
        );
        let pages = MappedPages {
            disk: self.disk.clone(),
            file: Arc::clone(&self.file),
        };
        Ok(self.file.memory.write_map(bytes, Arc::new(pages)))
    }

    fn map_to_read(&self) -> io::Result<ReadMap> {
        self.disk.call(Call::Map)?;
        Ok(self.file.memory.read_map(self.file.state().len))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.unlock();
    }
}

struct MappedPages {
    disk: SimulatedDisk,
    file: Arc<SimulatedFile>,
}

impl Pages for MappedPages {
    fn flush(&self, range: Range<usize>) -> io::Result<()> {
        let called = self.disk.call(Call::Sync);
        self.file.sync(range, called.is_err());
        called
    }

    fn prefault(&self, _: Range<usize>) {}
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().expect("a file has a name");
    name.to_string_lossy().into_owned()
}
