use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong with a tape.
#[derive(Debug)]
pub enum TapeError {
    /// The disk or the system refused; of an append, it was not made and may be tried again.
    Io { file: PathBuf, source: io::Error },
    /// A record that was on the disk is not what was written. Nothing may be built on this tape.
    Corrupt(Corrupt),
    /// A sync has failed: what is on the disk is unknown, so this writer takes no more records, for good.
    SyncFailed(String),
    /// The content does not fit a segment; the tape is as before.
    TooLong { bytes: usize, bytes_max: usize },
    /// The day's tape has a writer already.
    Busy(PathBuf),
    /// Not `YYYY-MM-DD`.
    BadDay(String),
    /// Not a multiple of 4,096 between 4,096 and 1 GiB.
    BadSegmentBytes(usize),
}

/// Where a tape is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrupt {
    pub file: PathBuf,
    /// Bytes from the start of the file.
    pub offset: u64,
    /// The number that the record there would have, from 0 at the day's start.
    pub number: u64,
    pub what: &'static str,
}

impl TapeError {
    /// To be used as `.map_err(TapeError::io(&file))`.
    pub(super) fn io(file: &Path) -> impl FnOnce(io::Error) -> TapeError {
        move |source| TapeError::Io {
            file: file.to_owned(),
            source,
        }
    }
}

impl fmt::Display for TapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TapeError::Io { file, source } => write!(f, "{}: {source}", file.display()),
            TapeError::Corrupt(corrupt) => corrupt.fmt(f),
            TapeError::SyncFailed(why) => write!(
                f,
                "the tape could not be synced and takes no more records: {why}"
            ),
            TapeError::TooLong { bytes, bytes_max } => {
                write!(
                    f,
                    "a record of {bytes} bytes does not fit a segment, which takes {bytes_max}"
                )
            }
            TapeError::Busy(file) => {
                write!(f, "{}: this tape has a writer already", file.display())
            }
            TapeError::BadDay(text) => write!(f, "{text:?} is not a day: YYYY-MM-DD"),
            TapeError::BadSegmentBytes(bytes) => {
                write!(
                    f,
                    "a segment of {bytes} bytes: must be a multiple of 4096 from 4096 to 1073741824"
                )
            }
        }
    }
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: corrupt at offset {}, record {}: {}",
            self.file.display(),
            self.offset,
            self.number,
            self.what
        )
    }
}

impl std::error::Error for TapeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TapeError::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
