use std::io;
use std::ops::Range;

use super::day::Day;
use super::disk::{DiskFile, Folder};
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
    pub fn create(dir: &Folder, day: Day, number: u32, bytes: usize) -> Result<Segment, TapeError> {
        let path = day.segment_path(&dir.path, number);
        let segment = dir.disk.open(&path);
        let segment = segment.and_then(|file| Self::make(&*file, number, bytes));
        let segment = segment.map_err(TapeError::io(&path))?;
        dir.sync()?;
        let flusher = segment.map.flusher();
        flusher.prefault(0..bytes);
        Ok(segment)
    }

    fn make(file: &dyn DiskFile, number: u32, bytes: usize) -> io::Result<Segment> {
        file.set_len(0)?;
        fill_zeros(file, 0..bytes as u64)?;
        file.sync_all()?;
        Ok(Segment {
            number,
            map: file.map(bytes)?,
        })
    }

    /// An existing segment, `used` bytes of it valid: the rest is made zeros again, up to `bytes`.
    pub fn reopen(
        dir: &Folder,
        day: Day,
        number: u32,
        used: usize,
        bytes: usize,
    ) -> Result<Segment, TapeError> {
        let path = day.segment_path(&dir.path, number);
        let work = || {
            let file = dir.disk.open(&path)?;
            let len = file.size()?;
            let bytes = (bytes as u64).max(len.next_multiple_of(PAGE_BYTES as u64));
            fill_zeros(&*file, used as u64..bytes)?;
            file.sync_all()?;
            Ok(Segment {
                number,
                map: file.map(bytes as usize)?,
            })
        };
        let segment = work().map_err(TapeError::io(&path))?;
        dir.sync()?;
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
pub fn trim(dir: &Folder, day: Day, number: u32, used: usize) -> Result<(), TapeError> {
    let path = day.segment_path(&dir.path, number);
    let work = || {
        let file = dir.disk.open(&path)?;
        file.set_len((used + 8).next_multiple_of(PAGE_BYTES) as u64)?;
        file.sync_all()
    };
    work().map_err(TapeError::io(&path))
}

/// Removes the day's segments behind `last`: spares, or what a power cut has left of a lost tail.
pub fn remove_after(dir: &Folder, day: Day, last: u32) -> Result<(), TapeError> {
    let numbers = dir.segments(day)?;
    for number in numbers.into_iter().filter(|number| *number > last) {
        let path = day.segment_path(&dir.path, number);
        dir.disk.remove(&path).map_err(TapeError::io(&path))?;
    }
    dir.sync()
}

fn fill_zeros(file: &dyn DiskFile, range: Range<u64>) -> io::Result<()> {
    let mut at = range.start;
    while at < range.end {
        let bytes = (range.end - at).min(ZEROS.len() as u64);
        file.write_all_at(&ZEROS[..bytes as usize], at)?;
        at += bytes;
    }
    Ok(())
}
