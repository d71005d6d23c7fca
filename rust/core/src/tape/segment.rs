use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::day::Day;
use super::error::TapeError;
use super::map::WriteMap;

/// The first word of a segment in use: the format and its version.
pub const MAGIC: u64 = u64::from_le_bytes(*b"KITETAP1");
/// Magic, segment number, and the CRC that the first record is seeded with.
pub const HEADER_BYTES: usize = 16;

pub const SEGMENT_BYTES_MIN: usize = PAGE_BYTES;
/// Offsets within a segment are 32 bits wide, and a head word is never half a segment.
pub const SEGMENT_BYTES_MAX: usize = 1 << 30;
const PAGE_BYTES: usize = 4096;
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// A segment that a writer may append to: zeros on the disk, blocks allocated, mapped.
pub struct Segment {
    pub number: u32,
    pub map: WriteMap,
}

impl Segment {
    /// A new segment, all zeros and on the disk, so that a later sync writes its pages and no metadata, and a full disk shows here and
    /// not as a fault in the middle of a record.
    pub fn create(dir: &Path, day: Day, number: u32, bytes: usize) -> Result<Segment, TapeError> {
        let path = day.segment_path(dir, number);
        let segment = Self::make(&path, number, bytes).map_err(TapeError::io(&path))?;
        sync_dir(dir)?;
        let flusher = segment.map.flusher();
        flusher.prefault(0..bytes);
        Ok(segment)
    }

    fn make(path: &Path, number: u32, bytes: usize) -> io::Result<Segment> {
        let file = open_rw(path)?;
        file.set_len(0)?;
        fill_zeros(&file, 0..bytes as u64)?;
        file.sync_all()?;
        Ok(Segment {
            number,
            map: WriteMap::new(&file, bytes)?,
        })
    }

    /// An existing segment, `used` bytes of it valid: the rest is made zeros again, up to `bytes`.
    pub fn reopen(
        dir: &Path,
        day: Day,
        number: u32,
        used: usize,
        bytes: usize,
    ) -> Result<Segment, TapeError> {
        let path = day.segment_path(dir, number);
        let work = || {
            let file = open_rw(&path)?;
            let len = file.metadata()?.len();
            let bytes = (bytes as u64).max(len.next_multiple_of(PAGE_BYTES as u64));
            fill_zeros(&file, used as u64..bytes)?;
            file.sync_all()?;
            Ok(Segment {
                number,
                map: WriteMap::new(&file, bytes as usize)?,
            })
        };
        let segment = work().map_err(TapeError::io(&path))?;
        sync_dir(dir)?;
        Ok(segment)
    }

    /// Makes the segment's header visible: it is the one in use from here on.
    pub fn begin(&mut self, seed: u32) {
        self.map.put(8, &self.number.to_le_bytes());
        self.map.put(12, &seed.to_le_bytes());
        self.map.publish(0, MAGIC);
    }
}

/// Cuts the zeros of a day's last segment, all but the page that holds the next head word: a reader waits at that word, and one that
/// looked beyond the end of the file would fault. The new length depends on `used` alone.
pub fn trim(dir: &Path, day: Day, number: u32, used: usize) -> Result<(), TapeError> {
    let path = day.segment_path(dir, number);
    let work = || {
        let file = open_rw(&path)?;
        file.set_len((used + 8).next_multiple_of(PAGE_BYTES) as u64)?;
        file.sync_all()
    };
    work().map_err(TapeError::io(&path))
}

/// Removes the day's segments behind `last`: spares, or what a power cut has left of a lost tail.
pub fn remove_after(dir: &Path, day: Day, last: u32) -> Result<(), TapeError> {
    for number in day
        .segments(dir)
        .map_err(TapeError::io(dir))?
        .into_iter()
        .filter(|number| *number > last)
    {
        let path = day.segment_path(dir, number);
        fs::remove_file(&path).map_err(TapeError::io(&path))?;
    }
    sync_dir(dir)
}

/// A file's name is on the disk when its folder is.
pub fn sync_dir(dir: &Path) -> Result<(), TapeError> {
    File::open(dir)
        .and_then(|folder| folder.sync_all())
        .map_err(TapeError::io(dir))
}

/// Makes `dir` and what is missing above it, on the disk.
pub fn make_dir(dir: &Path) -> Result<(), TapeError> {
    let missing: Vec<PathBuf> = dir
        .ancestors()
        .take_while(|path| !path.is_dir())
        .map(Path::to_owned)
        .collect();
    fs::create_dir_all(dir).map_err(TapeError::io(dir))?;
    for made in missing {
        match made.parent() {
            Some(parent) if parent != Path::new("") => sync_dir(parent)?,
            _ => sync_dir(Path::new("."))?,
        }
    }
    Ok(())
}

/// For its owner alone: a tape holds orders and positions.
pub fn open_rw(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

fn fill_zeros(file: &File, range: Range<u64>) -> io::Result<()> {
    let mut at = range.start;
    while at < range.end {
        let bytes = (range.end - at).min(ZEROS.len() as u64);
        file.write_all_at(&ZEROS[..bytes as usize], at)?;
        at += bytes;
    }
    Ok(())
}
