use std::time::Duration;

use super::day::Day;
use super::disk::Folder;
use super::error::TapeError;
use super::note::NoteFile;
use super::record::{
    CRC_BYTES, END, END_BYTES, HEAD_BYTES, Kind, Position, head_word, record_bytes,
};
use super::recovery::{Recovered, recover};
use super::segment::{
    HEADER_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, Segment, remove_after, trim,
};
use super::spare::Spares;
use super::sync::{Periodic, SyncHandle};

/// How a tape is kept. None of it shows in the records.
#[derive(Debug, Clone)]
pub struct Options {
    /// The size of new segments; a multiple of 4,096.
    pub segment_bytes: usize,
    /// How many segments are kept ready, at least one. Four of 16 MiB are the reserve of a service whose last words must
    /// find room on a full disk.
    pub spare_segments: usize,
    /// How often what nobody waits for is synced.
    pub sync_every: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            segment_bytes: 16 << 20,
            spare_segments: 1,
            sync_every: Duration::from_secs(1),
        }
    }
}

/// Appends to one day's tape of one service. An append is a copy into mapped memory: it outlives the process, and is on the disk at the
/// next sync. Dropping a writer leaves the tape as a kill would; `close` also syncs and trims it.
pub struct Writer {
    dir: Folder,
    day: Day,
    segment: Segment,
    offset: usize,
    crc: u32,
    number: u64,
    segment_bytes: usize,
    sync: SyncHandle,
    /// None on a disk that takes no threads: there who steps it lets it sync.
    periodic: Option<Periodic>,
    spares: Spares,
}

impl Writer {
    /// Opens the day's tape in `dir`, made if missing, behind its last valid record.
    ///
    /// A tape with an invalid record below its synced offset is refused as `Corrupt`, one that has a writer as `Busy`.
    pub fn open(
        dir: impl Into<Folder>,
        day: Day,
        options: &Options,
    ) -> Result<(Writer, Recovered), TapeError> {
        let dir = dir.into();
        let segment_bytes = options.segment_bytes;
        if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&segment_bytes)
            || !segment_bytes.is_multiple_of(4096)
        {
            return Err(TapeError::BadSegmentBytes(segment_bytes));
        }
        dir.make()?;
        let note = NoteFile::lock(&dir, day)?;
        let tail = recover(&dir, day, &note, segment_bytes)?;
        let end = tail.recovered.position;
        let sync = SyncHandle::new(note, end, tail.segment.map.flusher());
        let periodic = if dir.disk.takes_threads() {
            let started = Periodic::start(sync.clone(), options.sync_every);
            Some(started.map_err(TapeError::io(&dir.path))?)
        } else {
            None
        };
        let spares = Spares::start(
            dir.clone(),
            day,
            end.segment + 1,
            segment_bytes,
            options.spare_segments.max(1),
        )?;
        let writer = Writer {
            dir,
            day,
            segment: tail.segment,
            offset: end.offset as usize,
            crc: tail.crc,
            number: end.number,
            segment_bytes,
            sync,
            periodic,
            spares,
        };
        Ok((writer, tail.recovered))
    }

    /// Appends one record, whose content is `parts` one after the other; returns its position.
    ///
    /// On an error nothing was appended. `TooLong` leaves the writer as it was, `Io` (the disk is full) too, so that a shorter record may
    /// still fit; `SyncFailed` stays.
    #[inline]
    pub fn append(
        &mut self,
        kind: Kind,
        mono_ns: i64,
        parts: &[&[u8]],
    ) -> Result<Position, TapeError> {
        self.sync.check()?;
        let content = parts.iter().map(|part| part.len()).sum();
        // An end mark always fits behind it, so that a reader knows that a full segment has a successor.
        if self.offset + record_bytes(content) + END_BYTES > self.segment.map.len() {
            self.turn(content)?;
        }
        let position = self.position();
        self.put(kind as u8, mono_ns, parts, content);
        self.number += 1;
        self.sync.set_end(self.segment.number, self.offset as u32);
        Ok(position)
    }

    /// Where the next record will be, and how many there are before it.
    pub fn position(&self) -> Position {
        Position {
            segment: self.segment.number,
            offset: self.offset as u32,
            number: self.number,
        }
    }

    pub fn day(&self) -> Day {
        self.day
    }

    /// To wait for records to be on the disk, from this or another thread.
    pub fn sync_handle(&self) -> SyncHandle {
        self.sync.clone()
    }

    /// Returns when all that was appended is on the disk.
    pub fn sync(&self) -> Result<(), TapeError> {
        self.sync.sync()
    }

    /// Syncs, cuts the zeros and removes the spare segments.
    pub fn close(mut self) -> Result<(), TapeError> {
        self.periodic = None;
        self.spares.stop();
        self.sync.sync()?;
        self.sync.sync_note()?;
        remove_after(&self.dir, self.day, self.segment.number)?;
        trim(&self.dir, self.day, self.segment.number, self.offset)
    }

    /// The longest content that an append takes.
    pub fn content_bytes_max(&self) -> usize {
        self.segment_bytes - HEADER_BYTES - END_BYTES - HEAD_BYTES - 8
    }

    /// Waits until the next segment is ready: for measurements, which are not of the disk.
    #[doc(hidden)]
    pub fn wait_for_spare(&self) {
        self.spares.wait_ready();
    }

    /// Goes on in the next segment, if the content fits one at all.
    #[cold]
    fn turn(&mut self, content: usize) -> Result<(), TapeError> {
        if content > self.content_bytes_max() {
            return Err(TapeError::TooLong {
                bytes: content,
                bytes_max: self.content_bytes_max(),
            });
        }
        let mut next = self.spares.take()?;
        self.put(END, 0, &[], 0);
        next.begin(self.crc);
        self.sync.add_segment(next.number, next.map.flusher());
        self.offset = HEADER_BYTES;
        self.segment = next;
        Ok(())
    }

    #[inline]
    fn put(&mut self, kind: u8, mono_ns: i64, parts: &[&[u8]], content: usize) {
        let start = self.offset;
        let crc_at = start + record_bytes(content) - CRC_BYTES;
        let word = head_word(content, kind);
        let mut head = [0; HEAD_BYTES];
        head[..8].copy_from_slice(&word.to_le_bytes());
        head[8..].copy_from_slice(&mono_ns.to_le_bytes());

        let map = &mut self.segment.map;
        map.put(start + 8, &head[8..]);
        let mut at = start + HEAD_BYTES;
        for part in parts {
            map.put(at, part);
            at += part.len();
        }
        // The padding is zero already: a segment is zeros behind its last record.
        let crc = crc32c::crc32c_append(self.crc, &head);
        let crc = crc32c::crc32c_append(crc, map.bytes(start + HEAD_BYTES..crc_at));
        map.put(crc_at, &crc.to_le_bytes());
        map.publish(start, word);
        self.crc = crc;
        self.offset = crc_at + CRC_BYTES;
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.periodic = None;
        self.spares.stop();
        self.sync.release();
    }
}
