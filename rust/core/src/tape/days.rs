use super::day::Day;
use super::disk::Folder;
use super::error::TapeError;
use super::reader::Reader;
use super::record::{Position, Record};

/// Reads a service's records day after day, to the last one's end and on, as more is appended or a new day begins.
pub struct Days {
    dir: Folder,
    reader: Option<Reader>,
}

impl Days {
    /// Begins with the first day that has a tape.
    pub fn open(dir: impl Into<Folder>) -> Days {
        Days {
            dir: dir.into(),
            reader: None,
        }
    }

    /// Begins with `day`.
    pub fn open_from(dir: impl Into<Folder>, day: Day) -> Days {
        let dir = dir.into();
        let reader = Some(Reader::open(&dir, day));
        Days { dir, reader }
    }

    /// Goes on at a position of `day`.
    pub fn open_at(
        dir: impl Into<Folder>,
        day: Day,
        position: Position,
    ) -> Result<Days, TapeError> {
        let dir = dir.into();
        let reader = Some(Reader::open_at(&dir, day, position)?);
        Ok(Days { dir, reader })
    }

    /// The next record and its day; none if there is none yet.
    pub fn read(&mut self) -> Result<Option<(Day, Record<'_>)>, TapeError> {
        if !self.ready()? {
            return Ok(None);
        }
        let reader = self.reader.as_mut().expect("a record is ready");
        let day = reader.day();
        Ok(reader.read()?.map(|record| (day, record)))
    }

    /// The day being read and the place in it; none before a first day has begun.
    pub fn position(&self) -> Option<(Day, Position)> {
        self.reader
            .as_ref()
            .map(|reader| (reader.day(), reader.position()))
    }

    /// Goes to the day of the next record; false if there is no such record yet.
    fn ready(&mut self) -> Result<bool, TapeError> {
        loop {
            if let Some(reader) = &mut self.reader
                && reader.is_ready()?
            {
                return Ok(true);
            }
            let current = self.reader.as_ref().map(Reader::day);
            let Some(next) = self
                .dir
                .days()?
                .into_iter()
                .find(|day| current.is_none_or(|current| *day > current))
            else {
                return Ok(false);
            };
            // A day is closed before the next begins: what it still got since the look above is there now, and no more will come.
            if let Some(reader) = &mut self.reader
                && reader.is_ready()?
            {
                return Ok(true);
            }
            self.reader = Some(Reader::open(&self.dir, next));
        }
    }
}
