use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};

use super::day::Day;
use super::disk::{DiskFile, Folder};
use super::error::{Corrupt, TapeError};

/// A note: `u32 segment, u32 offset, u32 CRC at that place, u32 CRC of these twelve bytes`, little-endian. It lies in one disk sector, so a
/// power cut leaves the old one or the new one.
const NOTE_BYTES: usize = 16;

/// How far a tape is known to be on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Note {
    pub segment: u32,
    pub offset: u32,
    /// The CRC that ends right before the offset.
    pub crc: u32,
}

impl Note {
    fn encode(&self) -> [u8; NOTE_BYTES] {
        let mut bytes = [0; NOTE_BYTES];
        bytes[..4].copy_from_slice(&self.segment.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.offset.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.crc.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..12]);
        bytes[12..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// None if the bytes are not a note.
    fn decode(bytes: &[u8; NOTE_BYTES]) -> Option<Note> {
        let word = |i: usize| u32::from_le_bytes(bytes[i..i + 4].try_into().expect("four bytes"));
        let note = Note {
            segment: word(0),
            offset: word(4),
            crc: word(8),
        };
        (word(12) == crc32c::crc32c(&bytes[..12])).then_some(note)
    }
}

/// The sidecar `<day>.synced`. It is not part of the tape, since how often a machine syncs must not show in the tape's bytes.
pub struct NoteFile {
    path: PathBuf,
    file: Box<dyn DiskFile>,
}

impl NoteFile {
    /// For the tape's one writer: the lock goes with the process, however it ends.
    pub fn lock(dir: &Folder, day: Day) -> Result<NoteFile, TapeError> {
        let path = day.note_path(&dir.path);
        let file = dir.disk.open(&path).map_err(TapeError::io(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(NoteFile { path, file }),
            Err(TryLockError::WouldBlock) => Err(TapeError::Busy(path)),
            Err(TryLockError::Error(error)) => Err(TapeError::io(&path)(error)),
        }
    }

    /// For a reader; none if nothing has been written yet.
    pub fn open(dir: &Folder, day: Day) -> Result<Option<NoteFile>, TapeError> {
        let path = day.note_path(&dir.path);
        match dir.disk.open_to_read(&path) {
            Ok(file) => Ok(Some(NoteFile { path, file })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(TapeError::io(&path)(error)),
        }
    }

    /// An empty file is that of a tape of which nothing has been synced yet.
    pub fn read(&self) -> Result<Note, TapeError> {
        if self.file.size().map_err(TapeError::io(&self.path))? == 0 {
            return Ok(Note::default());
        }
        // A read beside a write may see half of both; a second look tells that from a note that is broken.
        for _ in 0..READS_MAX {
            let mut bytes = [0; NOTE_BYTES];
            match self.file.read_exact_at(&mut bytes, 0) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                read => read.map_err(TapeError::io(&self.path))?,
            }
            if let Some(note) = Note::decode(&bytes) {
                return Ok(note);
            }
            if bytes == [0; NOTE_BYTES] {
                // Its first write and no sync, then a power cut: the file has got its length and not yet its bytes.
                return Ok(Note::default());
            }
            std::thread::yield_now();
        }
        let what = "the note of what has been synced is unreadable";
        Err(TapeError::Corrupt(Corrupt {
            file: self.path.clone(),
            offset: 0,
            number: 0,
            what,
        }))
    }

    pub fn write(&self, note: &Note) -> io::Result<()> {
        self.file.write_all_at(&note.encode(), 0)
    }

    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Frees the tape for another writer while handles to this one are still about.
    pub fn unlock(&self) {
        self.file.unlock();
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

const READS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn day() -> Day {
        "2026-11-19".parse().unwrap()
    }

    #[test]
    fn a_note_is_read_as_it_was_written_and_none_means_nothing_synced() {
        let dir = tempfile::tempdir().unwrap();
        assert!(NoteFile::open(&dir.path().into(), day()).unwrap().is_none());
        let file = NoteFile::lock(&dir.path().into(), day()).unwrap();
        assert_eq!(file.read().unwrap(), Note::default());

        let note = Note {
            segment: 3,
            offset: 4080,
            crc: 0xDEAD_BEEF,
        };
        file.write(&note).unwrap();

        assert_eq!(file.read().unwrap(), note);
        assert_eq!(
            NoteFile::open(&dir.path().into(), day())
                .unwrap()
                .unwrap()
                .read()
                .unwrap(),
            note
        );
    }

    #[test]
    fn a_note_with_any_bit_changed_or_cut_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = NoteFile::lock(&dir.path().into(), day()).unwrap();
        let good = Note {
            segment: 3,
            offset: 4080,
            crc: 0xDEAD_BEEF,
        }
        .encode();
        for bit in 0..8 * NOTE_BYTES {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            file.file.write_all_at(&bad, 0).unwrap();
            assert!(
                matches!(file.read(), Err(TapeError::Corrupt(_))),
                "bit {bit}"
            );
        }
        file.file.write_all_at(&good, 0).unwrap();
        file.file.set_len(15).unwrap();
        assert!(matches!(file.read(), Err(TapeError::Corrupt(_))));
    }

    #[test]
    fn a_note_whose_first_bytes_never_came_is_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = NoteFile::lock(&dir.path().into(), day()).unwrap();
        file.file.set_len(NOTE_BYTES as u64).unwrap();

        assert_eq!(file.read().unwrap(), Note::default());
    }

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let first = NoteFile::lock(&dir.path().into(), day()).unwrap();
        assert!(matches!(
            NoteFile::lock(&dir.path().into(), day()),
            Err(TapeError::Busy(_))
        ));
        drop(first);
        NoteFile::lock(&dir.path().into(), day()).unwrap();
    }
}
