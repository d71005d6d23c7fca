//! The tape that a service writes: the newest day's, on which it comes back, then the day's own.
use crate::tape::{Day, Folder, Options, SyncHandle, TapeError, Writer};

/// Opens a service's tape day by day.
pub struct OwnTape {
    dir: Folder,
    day: Day,
    options: Options,
    /// Of the tape that is open.
    open_day: Day,
    is_fresh: bool,
    sync: SyncHandle,
}

impl OwnTape {
    /// Opens the newest tape in `dir` up to `day`. A later day's is refused by `Runtime::recover`, not opened.
    pub fn open(dir: Folder, day: Day, options: Options) -> Result<(OwnTape, Writer), TapeError> {
        let last = dir.days()?.into_iter().next_back().unwrap_or(day);
        let open_day = last.min(day);
        let (writer, _) = Writer::open(&dir, open_day, &options)?;
        let own = OwnTape {
            dir,
            day,
            options,
            open_day,
            is_fresh: writer.position().number == 0,
            sync: writer.sync_handle(),
        };
        Ok((own, writer))
    }

    /// The day's own tape, if it is not the one that is open.
    pub fn turn(&mut self) -> Result<Option<Writer>, TapeError> {
        if self.open_day == self.day {
            return Ok(None);
        }
        let (writer, _) = Writer::open(&self.dir, self.day, &self.options)?;
        self.open_day = self.day;
        self.is_fresh = writer.position().number == 0;
        self.sync = writer.sync_handle();
        Ok(Some(writer))
    }

    /// Whether nothing stood on it when it was opened.
    pub fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    pub fn sync_handle(&self) -> &SyncHandle {
        &self.sync
    }
}
