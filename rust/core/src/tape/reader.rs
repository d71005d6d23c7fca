use std::io;
use std::path::PathBuf;

use super::day::Day;
use super::disk::Folder;
use super::error::{Corrupt, TapeError};
use super::map::{Look, ReadMap};
use super::note::{Note, NoteFile};
use super::record::{CRC_BYTES, END, HEAD_BYTES, Kind, Position, Record};
use super::segment::{HEADER_BYTES, MAGIC};

/// Reads one day's records in order, also while another process appends: `read` gives none at the end and goes on when there is more.
///
/// Each record's CRC is checked against all before it. A record that does not hold is refused if it lies below the synced offset;
/// above it, it is a power cut's torn tail, which the tape's writer drops at its next start, so it reads as "nothing yet".
pub struct Reader {
    dir: Folder,
    day: Day,
    map: Option<ReadMap>,
    note: Option<NoteFile>,
    position: Position,
    /// Of the record before `position`.
    crc: u32,
    /// The record at `position`, checked, if it has been looked for.
    next: Option<Found>,
}

/// A record that holds.
struct Found {
    kind: Kind,
    bytes: usize,
    crc: u32,
}

/// What stands at the position.
enum Step {
    Found(Found),
    /// Nothing, or nothing valid, and why that would be wrong below the synced offset.
    Ended(&'static str),
}

impl Reader {
    /// Begins at the day's first record. There need not be one yet.
    pub fn open(dir: impl Into<Folder>, day: Day) -> Reader {
        Reader {
            dir: dir.into(),
            day,
            map: None,
            note: None,
            position: Position::default(),
            crc: day.seed(),
            next: None,
        }
    }

    /// Goes on at a position that a reader or the writer of this tape has given. If a power cut has since taken the tail in which it
    /// lay, nothing is read until the tape has grown past it, and then `Corrupt` is said.
    pub fn open_at(
        dir: impl Into<Folder>,
        day: Day,
        position: Position,
    ) -> Result<Reader, TapeError> {
        let mut reader = Reader {
            position,
            ..Reader::open(dir, day)
        };
        reader.crc = match (position.segment, position.offset) {
            (0, 0) => day.seed(),
            (segment, 0) => end_crc(&reader.dir, day, segment - 1)?,
            _ => reader.seed_before()?,
        };
        Ok(reader)
    }

    /// The CRC that stands before the position.
    fn seed_before(&mut self) -> Result<u32, TapeError> {
        self.map_segment()?;
        let offset = self.position.offset as usize;
        let map = self.map.as_ref().filter(|map| {
            offset >= HEADER_BYTES && offset.is_multiple_of(8) && offset <= map.len()
        });
        map.map(|map| map.crc_before(offset))
            .ok_or_else(|| TapeError::Corrupt(self.corrupt("not the position of a record")))
    }

    pub fn day(&self) -> Day {
        self.day
    }

    /// Where the next record will be.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The CRC of the record before `position`.
    pub(super) fn crc(&self) -> u32 {
        self.crc
    }

    /// The next record; none if there is none yet.
    pub fn read(&mut self) -> Result<Option<Record<'_>>, TapeError> {
        if !self.is_ready()? {
            return Ok(None);
        }
        let found = self.next.take().expect("a record is ready");
        let position = self.position;
        self.position.offset += found.bytes as u32;
        self.position.number += 1;
        self.crc = found.crc;
        let map = self.map.as_ref().expect("the record was found there");
        let Look::Whole(bytes, content, _) = map.look(position.offset as usize) else {
            unreachable!("a record never changes")
        };
        let mono_ns = i64::from_le_bytes(bytes[8..HEAD_BYTES].try_into().expect("eight bytes"));
        let content = &bytes[HEAD_BYTES..HEAD_BYTES + content];
        Ok(Some(Record {
            position,
            kind: found.kind,
            mono_ns,
            content,
        }))
    }

    /// Whether `read` would give a record.
    pub fn is_ready(&mut self) -> Result<bool, TapeError> {
        if self.next.is_none() {
            self.next = self.find()?;
        }
        Ok(self.next.is_some())
    }

    fn find(&mut self) -> Result<Option<Found>, TapeError> {
        if let Step::Found(found) = self.step()? {
            return Ok(Some(found));
        }
        // The note is read first and the record looked for again: an append and a sync may have come in between.
        let note = self.read_note()?;
        match self.step()? {
            Step::Found(found) => Ok(Some(found)),
            Step::Ended(what)
                if (self.position.segment, self.position.offset) < (note.segment, note.offset) =>
            {
                Err(TapeError::Corrupt(self.corrupt(what)))
            }
            Step::Ended(_) => Ok(None),
        }
    }

    fn step(&mut self) -> Result<Step, TapeError> {
        loop {
            if self.map.is_none() && !self.map_segment()? {
                return Ok(Step::Ended("the segment is missing"));
            }
            if self.position.offset == 0
                && let Some(what) = self.enter()?
            {
                return Ok(Step::Ended(what));
            }
            match self.check_record() {
                Check::Record(found) => return Ok(Step::Found(found)),
                Check::End(crc) => {
                    self.crc = crc;
                    self.position = Position {
                        segment: self.position.segment + 1,
                        offset: 0,
                        ..self.position
                    };
                    self.map = None;
                }
                Check::Beyond if self.map_grown()? => {}
                Check::Beyond => {
                    return Ok(Step::Ended("a record that is longer than the segment"));
                }
                Check::Unknown => {
                    return Err(TapeError::Corrupt(
                        self.corrupt("a kind of record that this build does not know"),
                    ));
                }
                Check::Ended(what) => return Ok(Step::Ended(what)),
            }
        }
    }

    /// Passes the segment's header, or says why not.
    fn enter(&mut self) -> Result<Option<&'static str>, TapeError> {
        let map = self.map.as_ref().expect("the segment is mapped");
        match map.word(0) {
            MAGIC => {}
            0 => return Ok(Some("the segment has no header")),
            // No power cut makes another version's word, so this is never taken for a torn tail and zeroed.
            word if word << 8 == MAGIC << 8 => {
                return Err(TapeError::Corrupt(
                    self.corrupt("written in another version of the format"),
                ));
            }
            _ => return Ok(Some("not a segment of a tape")),
        }
        let number = map.word(8) as u32;
        if number != self.position.segment || map.crc_before(HEADER_BYTES) != self.crc {
            return Ok(Some("the segment does not follow the one before"));
        }
        self.position.offset = HEADER_BYTES as u32;
        Ok(None)
    }

    fn check_record(&self) -> Check {
        let map = self.map.as_ref().expect("the segment is mapped");
        let (bytes, kind) = match map.look(self.position.offset as usize) {
            Look::Nothing => return Check::Ended("no record where one was synced"),
            Look::Absurd => return Check::Ended("not a record"),
            Look::Beyond => return Check::Beyond,
            Look::Whole(bytes, _, kind) => (bytes, kind),
        };
        let (body, tail) = bytes.split_at(bytes.len() - CRC_BYTES);
        let crc = crc32c::crc32c_append(self.crc, body);
        if crc.to_le_bytes() != tail {
            return Check::Ended("the CRC does not hold");
        }
        match Kind::from_u8(kind) {
            Some(kind) => Check::Record(Found {
                kind,
                bytes: bytes.len(),
                crc,
            }),
            None if kind == END => Check::End(crc),
            None => Check::Unknown,
        }
    }

    /// Maps the segment at the position; false if it is not there or not begun.
    fn map_segment(&mut self) -> Result<bool, TapeError> {
        let path = self.path();
        let mapped = || -> io::Result<Option<ReadMap>> {
            let file = match self.dir.disk.open_to_read(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                file => file?,
            };
            // A segment that is just being made may be shorter than its header.
            if file.size()? < HEADER_BYTES as u64 {
                return Ok(None);
            }
            file.map_to_read().map(Some)
        };
        self.map = mapped().map_err(TapeError::io(&path))?;
        Ok(self.map.is_some())
    }

    /// Maps the segment anew if it has grown since: a writer takes a trimmed segment to its full length again.
    fn map_grown(&mut self) -> Result<bool, TapeError> {
        let before = self.map.as_ref().map_or(0, ReadMap::len);
        Ok(self.map_segment()? && self.map.as_ref().map_or(0, ReadMap::len) > before)
    }

    fn read_note(&mut self) -> Result<Note, TapeError> {
        if self.note.is_none() {
            self.note = NoteFile::open(&self.dir, self.day)?;
        }
        self.note
            .as_ref()
            .map_or(Ok(Note::default()), NoteFile::read)
    }

    pub(super) fn corrupt(&self, what: &'static str) -> Corrupt {
        Corrupt {
            file: self.path(),
            offset: self.position.offset.into(),
            number: self.position.number,
            what,
        }
    }

    fn path(&self) -> PathBuf {
        self.day.segment_path(&self.dir.path, self.position.segment)
    }
}

/// What a look at the bytes has shown.
enum Check {
    Record(Found),
    /// The segment's end mark, and its CRC.
    End(u32),
    Beyond,
    /// A record that holds, of a kind that this build does not know: a newer build's, never a torn tail.
    Unknown,
    Ended(&'static str),
}

/// The CRC of a segment's end mark: the seed of its successor, which need not be there yet.
fn end_crc(dir: &Folder, day: Day, segment: u32) -> Result<u32, TapeError> {
    let start = Position {
        segment,
        offset: HEADER_BYTES as u32,
        number: 0,
    };
    let mut reader = Reader::open_at(dir, day, start)?;
    while reader.is_ready()? && reader.position.segment == segment {
        reader.read()?;
    }
    if reader.position.segment == segment {
        return Err(TapeError::Corrupt(
            reader.corrupt("the segment has not ended"),
        ));
    }
    Ok(reader.crc)
}
