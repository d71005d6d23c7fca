use std::io;

use super::day::Day;
use super::disk::Folder;
use super::error::{Corrupt, TapeError};
use super::note::{Note, NoteFile};
use super::reader::Reader;
use super::record::Position;
use super::segment::{HEADER_BYTES, Segment, remove_after};

/// What a writer found at its opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// Where the tape goes on; its number is the count of the records that are kept.
    pub position: Position,
    /// The bytes of a torn tail that were zeroed: more than none only if the process or the machine died in the middle of an append.
    pub dropped_bytes: u64,
}

/// The tape as the last writer left it, made whole: all that is kept is valid and on the disk, and zeros follow.
pub struct Tail {
    pub segment: Segment,
    pub crc: u32,
    pub recovered: Recovered,
}

/// Reads the whole day. Refuses what is wrong below the synced offset and drops what follows the first wrong record above it.
pub fn recover(
    dir: &Folder,
    day: Day,
    note: &NoteFile,
    segment_bytes: usize,
) -> Result<Tail, TapeError> {
    let synced = note.read()?;
    let (mut end, crc) = find_end(dir, day, &synced)?;
    let dropped_bytes = count_tail(dir, day, end)?;
    if synced == Note::default() && dropped_bytes > 0 && end.number > 0 {
        // A writer notes what is on the disk before it appends: without its note nobody knows what may be dropped.
        return Err(TapeError::Corrupt(Corrupt {
            file: day.segment_path(&dir.path, end.segment),
            offset: end.offset.into(),
            number: end.number,
            what: "not a record, and the note of what has been synced is missing",
        }));
    }
    write_again(dir, day, &synced, end)?;
    remove_after(dir, day, end.segment)?;
    let mut segment = if end.offset == 0 {
        Segment::create(dir, day, end.segment, segment_bytes)?
    } else {
        Segment::reopen(dir, day, end.segment, end.offset as usize, segment_bytes)?
    };
    if end.offset == 0 {
        segment.begin(crc);
        segment
            .map
            .flusher()
            .flush(0..HEADER_BYTES)
            .map_err(TapeError::io(&day.segment_path(&dir.path, end.segment)))?;
        end.offset = HEADER_BYTES as u32;
    }
    let now_synced = Note {
        segment: end.segment,
        offset: end.offset,
        crc,
    };
    note.write(&now_synced)
        .and_then(|()| note.sync())
        .map_err(TapeError::io(note.path()))?;
    Ok(Tail {
        segment,
        crc,
        recovered: Recovered {
            position: end,
            dropped_bytes,
        },
    })
}

/// The end of the last valid record, and its CRC.
fn find_end(dir: &Folder, day: Day, synced: &Note) -> Result<(Position, u32), TapeError> {
    let mut reader = Reader::open(dir, day);
    let mut number_synced = 0;
    while let Some(record) = reader.read()? {
        if (record.position.segment, record.position.offset) < (synced.segment, synced.offset) {
            number_synced = record.position.number + 1;
        }
    }
    check_synced(dir, day, synced, number_synced)?;
    Ok((reader.position(), reader.crc()))
}

/// A valid tape need not be the one that was synced: at the synced place stands the CRC that was noted.
fn check_synced(dir: &Folder, day: Day, synced: &Note, number: u64) -> Result<(), TapeError> {
    if synced.offset == 0 {
        return Ok(());
    }
    let file = day.segment_path(&dir.path, synced.segment);
    let mut crc = [0; 4];
    dir.disk
        .open_to_read(&file)
        .and_then(|segment| segment.read_exact_at(&mut crc, u64::from(synced.offset) - 4))
        .map_err(TapeError::io(&file))?;
    if crc == synced.crc.to_le_bytes() {
        return Ok(());
    }
    let what = "not the record that was synced here";
    Err(TapeError::Corrupt(Corrupt {
        file,
        offset: synced.offset.into(),
        number,
        what,
    }))
}

/// The bytes behind the end that are not zero, up to the last such byte of each segment.
fn count_tail(dir: &Folder, day: Day, end: Position) -> Result<u64, TapeError> {
    let mut bytes = 0;
    for number in dir.segments(day)? {
        if number < end.segment {
            continue;
        }
        let path = day.segment_path(&dir.path, number);
        let content = || -> io::Result<Vec<u8>> {
            let file = dir.disk.open_to_read(&path)?;
            let mut content = vec![0; file.size()? as usize];
            file.read_exact_at(&mut content, 0)?;
            Ok(content)
        };
        let content = content().map_err(TapeError::io(&path))?;
        let start = if number == end.segment {
            (end.offset as usize).min(content.len())
        } else {
            0
        };
        bytes += content[start..]
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last as u64 + 1);
    }
    Ok(bytes)
}

/// Writes what is not known to be on the disk once more. After a failed sync the kernel holds such pages for clean, and to sync
/// them now would succeed without a byte being written.
fn write_again(dir: &Folder, day: Day, synced: &Note, end: Position) -> Result<(), TapeError> {
    for number in dir.segments(day)? {
        if !(synced.segment..=end.segment).contains(&number) {
            continue;
        }
        let path = day.segment_path(&dir.path, number);
        let work = || -> io::Result<()> {
            let file = dir.disk.open(&path)?;
            let len = file.size()?;
            let from = if number == synced.segment {
                u64::from(synced.offset).min(len)
            } else {
                0
            };
            let to = if number == end.segment {
                u64::from(end.offset).min(len)
            } else {
                len
            };
            let mut bytes = vec![0; to.saturating_sub(from) as usize];
            file.read_exact_at(&mut bytes, from)?;
            file.write_all_at(&bytes, from)?;
            file.sync_all()
        };
        work().map_err(TapeError::io(&path))?;
    }
    Ok(())
}
