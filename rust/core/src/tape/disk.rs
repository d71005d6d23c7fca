//! What a tape lies on. Below it are files, or a disk in memory that can lose its power; above it all lines are the same.
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::day::{Day, parse_name};
use super::error::TapeError;
use super::map::{ReadMap, WriteMap};

/// Folders and files, as far as tapes need them. What an operation has changed is on the disk only after a sync.
pub trait Disk: fmt::Debug + Send + Sync {
    /// The names in a folder, in any order; none if there is no such folder.
    fn names(&self, dir: &Path) -> io::Result<Vec<String>>;
    fn is_dir(&self, dir: &Path) -> bool;
    /// Makes `dir` and what is missing above it, on the disk.
    fn make_dir(&self, dir: &Path) -> io::Result<()>;
    /// A file's name is on the disk when its folder is.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// For reading and writing; made if missing, for its owner alone: a tape holds orders and positions.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// For reading; `NotFound` if there is none.
    fn open_to_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Whether threads may work beside who appends. Where all is stepped they would make two runs differ.
    fn takes_threads(&self) -> bool;
}

/// An open file.
pub trait DiskFile: Send + Sync {
    fn size(&self) -> io::Result<u64>;
    fn set_len(&self, len: u64) -> io::Result<()>;
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    fn sync_all(&self) -> io::Result<()>;
    fn sync_data(&self) -> io::Result<()>;
    /// The lock goes with the file handle, however it ends.
    fn try_lock(&self) -> Result<(), TryLockError>;
    fn unlock(&self);
    /// The first `bytes`, which the file must have, to be written to.
    fn map(&self, bytes: usize) -> io::Result<WriteMap>;
    fn map_to_read(&self) -> io::Result<ReadMap>;
}

/// The machine's own.
#[derive(Debug)]
struct Files;

impl Disk for Files {
    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn is_dir(&self, dir: &Path) -> bool {
        dir.is_dir()
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        let missing: Vec<PathBuf> = dir
            .ancestors()
            .take_while(|path| !path.is_dir())
            .map(Path::to_owned)
            .collect();
        fs::create_dir_all(dir)?;
        for made in missing {
            match made.parent() {
                Some(parent) if parent != Path::new("") => self.sync_dir(parent)?,
                _ => self.sync_dir(Path::new("."))?,
            }
        }
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        Ok(Box::new(options.mode(0o600).open(path)?))
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::open(path)?))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn takes_threads(&self) -> bool {
        true
    }
}

impl DiskFile for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, bytes, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn sync_all(&self) -> io::Result<()> {
        File::sync_all(self)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn try_lock(&self) -> Result<(), TryLockError> {
        File::try_lock(self)
    }

    fn unlock(&self) {
        // It cannot fail on a lock that is held, and if it did the tape would stay refused, which is the safe side.
        let _ = File::unlock(self);
    }

    fn map(&self, bytes: usize) -> io::Result<WriteMap> {
        WriteMap::of_file(self, bytes)
    }

    fn map_to_read(&self) -> io::Result<ReadMap> {
        ReadMap::of_file(self)
    }
}

/// A folder on a disk. A path alone is one of the machine's files.
#[derive(Debug, Clone)]
pub struct Folder {
    pub disk: Arc<dyn Disk>,
    pub path: PathBuf,
}

impl Folder {
    pub fn on(disk: Arc<dyn Disk>, path: impl Into<PathBuf>) -> Folder {
        Folder {
            disk,
            path: path.into(),
        }
    }

    pub fn join(&self, name: &str) -> Folder {
        Folder::on(Arc::clone(&self.disk), self.path.join(name))
    }

    pub fn is_dir(&self) -> bool {
        self.disk.is_dir(&self.path)
    }

    /// The days that have a tape here, in order.
    pub fn days(&self) -> Result<Vec<Day>, TapeError> {
        let mut days: Vec<Day> = self
            .tape_files()?
            .into_iter()
            .filter(|(_, segment)| *segment == 0)
            .map(|(day, _)| day)
            .collect();
        days.sort_unstable();
        Ok(days)
    }

    /// The numbers of the day's segments, in order; none if there is no such folder.
    pub(super) fn segments(&self, day: Day) -> Result<Vec<u32>, TapeError> {
        let mut segments: Vec<u32> = self
            .tape_files()?
            .into_iter()
            .filter(|(known, _)| *known == day)
            .map(|(_, segment)| segment)
            .collect();
        segments.sort_unstable();
        Ok(segments)
    }

    fn tape_files(&self) -> Result<Vec<(Day, u32)>, TapeError> {
        let names = self.disk.names(&self.path);
        let names = names.map_err(TapeError::io(&self.path))?;
        Ok(names.iter().filter_map(|name| parse_name(name)).collect())
    }

    pub(super) fn make(&self) -> Result<(), TapeError> {
        let made = self.disk.make_dir(&self.path);
        made.map_err(TapeError::io(&self.path))
    }

    pub(super) fn sync(&self) -> Result<(), TapeError> {
        let synced = self.disk.sync_dir(&self.path);
        synced.map_err(TapeError::io(&self.path))
    }
}

impl From<PathBuf> for Folder {
    fn from(path: PathBuf) -> Self {
        Folder::on(Arc::new(Files), path)
    }
}

impl From<&Path> for Folder {
    fn from(path: &Path) -> Self {
        path.to_owned().into()
    }
}

impl From<&PathBuf> for Folder {
    fn from(path: &PathBuf) -> Self {
        path.clone().into()
    }
}

impl From<&Folder> for Folder {
    fn from(folder: &Folder) -> Self {
        folder.clone()
    }
}
