use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong with a tape.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// The disk or the system refused; of an append, it was not made and may be tried again.
    #[error("{}: {source}", file.display())]
    Io { file: PathBuf, source: io::Error },
    /// A record that was on the disk is not what was written. Nothing may be built on this tape.
    #[error("{0}")]
    Corrupt(Corrupt),
    /// A sync has failed: what is on the disk is unknown, so this writer takes no more records, for good.
    #[error("the tape could not be synced and takes no more records: {0}")]
    SyncFailed(String),
    /// The content does not fit a segment; the tape is as before.
    #[error("a record of {bytes} bytes does not fit a segment, which takes {bytes_max}")]
    TooLong { bytes: usize, bytes_max: usize },
    /// The day's tape has a writer already.
    #[error("{}: this tape has a writer already", .0.display())]
    Busy(PathBuf),
    #[error("{0:?} is not a day: YYYY-MM-DD")]
    BadDay(String),
    #[error("a segment of {0} bytes: must be a multiple of 4096 from 4096 to 1073741824")]
    BadSegmentBytes(usize),
}

/// Where a tape is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: corrupt at offset {offset}, record {number}: {what}", file.display())]
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
