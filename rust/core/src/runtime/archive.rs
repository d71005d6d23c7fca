//! Reading what a source said from its tape: how a gap is filled, a late hearer joins and a recording is heard again.
use std::path::PathBuf;

use super::header::{Header, Source, join, split};
use super::numbers::Numbers;
use super::record::{BatchRef, Epoch, Snapshot};
use crate::kite::{Divisors, TickBatch, decode};
use crate::msgpack;
use crate::tape::{Day, Days, Folder, Kind, Position, TapeError};

/// Why a source's tape cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// A record that this build cannot make sense of, though its CRC holds.
    #[error("{}: record {number}: {what}", tape.display())]
    Strange {
        tape: PathBuf,
        number: u64,
        what: &'static str,
    },
    /// It was asked, and gave no answer that makes sense in time.
    #[error("{} does not answer", .0.as_str())]
    NoAnswer(Source),
}

/// What stands on a source's tape for its hearers.
#[derive(Debug, PartialEq)]
pub enum Entry {
    /// It started: these are its numbers before the first message of the epoch.
    Epoch(Numbers),
    /// The day begins with these.
    Day(Numbers),
    Said(Said),
}

/// One message, as it went over the wire.
#[derive(Debug, PartialEq)]
pub struct Said {
    pub header: Header,
    pub frame: Vec<u8>,
    /// Machine time of the event that made it.
    pub mono_ns: i64,
}

/// A place on a source's tape from which it can be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub(super) day: Day,
    /// The record to begin with: of a frame, if a tick batch may follow it.
    pub(super) from: Position,
    /// The number of the next record to be given.
    pub(super) next: u64,
}

impl Place {
    pub fn start_of(day: Day) -> Place {
        Place {
            day,
            from: Position::default(),
            next: 0,
        }
    }
}

/// Goes through a source's tape once, forwards, and on as more is appended.
pub struct Follower {
    dir: Folder,
    days: Days,
    /// The payload of the last EXT: a tick batch that follows is decoded from it.
    ext: Vec<u8>,
    divisors: Divisors,
    /// Where that EXT stands, if it is a frame.
    frame_at: Option<(Day, Position)>,
    /// The records of this day before this number have been given.
    given: (Day, u64),
}

impl Follower {
    /// Begins with the first record of `day`, or of the first day after it that there is.
    pub fn open(dir: impl Into<Folder>, day: Day) -> Follower {
        let dir = dir.into();
        Follower {
            days: Days::open_from(&dir, day),
            dir,
            ext: Vec::new(),
            divisors: Divisors::default(),
            frame_at: None,
            given: (day, 0),
        }
    }

    /// Goes on at a place that another follower of this tape has come to.
    pub fn open_at(dir: impl Into<Folder>, place: Place) -> Result<Follower, TapeError> {
        let dir = dir.into();
        Ok(Follower {
            days: Days::open_at(&dir, place.day, place.from)?,
            given: (place.day, place.next),
            ..Follower::open(dir, place.day)
        })
    }

    /// Where it has come to.
    pub fn place(&self) -> Place {
        let (day, position) = self.days.position().expect("it began with a day");
        let frame = self.frame_at.filter(|(on, _)| *on == day);
        Place {
            day,
            from: frame.map_or(position, |(_, from)| from),
            next: position.number,
        }
    }

    /// The next entry; none if there is no more yet. The entry of a message that is not `wanted` has no frame.
    pub fn next(
        &mut self,
        mut wanted: impl FnMut(&[u8], &Header) -> bool,
    ) -> Result<Option<Entry>, ArchiveError> {
        while let Some((day, record)) = self.days.read()? {
            let number = record.position.number;
            if day == self.given.0 && number < self.given.1 && record.kind != Kind::Ext {
                continue;
            }
            let strange = |what| ArchiveError::Strange {
                tape: self.dir.path.clone(),
                number,
                what,
            };
            match record.kind {
                Kind::Epoch => {
                    let epoch = Epoch::decode(record.content)
                        .ok_or_else(|| strange("not an EPOCH of this version"))?;
                    return Ok(Some(Entry::Epoch(epoch.numbers)));
                }
                Kind::Snapshot => {
                    let snapshot = Snapshot::decode(record.content)
                        .ok_or_else(|| strange("not a SNAPSHOT of this version"))?;
                    return Ok(Some(Entry::Day(snapshot.numbers)));
                }
                Kind::Ext => {
                    let message = split(record.content)
                        .map_err(|_| strange("not a message of this version"))?;
                    self.frame_at =
                        (message.topic == b"world.frame").then_some((day, record.position));
                    self.ext.clear();
                    self.ext.extend_from_slice(message.payload);
                }
                Kind::In | Kind::InRef => {}
                Kind::Out | Kind::OutRef => {
                    let message = split(record.content)
                        .map_err(|_| strange("not a message of this version"))?;
                    let (header, mono_ns) = (message.header, record.mono_ns);
                    let frame = if !wanted(message.topic, &header) {
                        Vec::new()
                    } else if record.kind == Kind::Out {
                        record.content.to_vec()
                    } else {
                        let said = BatchRef::decode(message.payload)
                            .ok_or_else(|| strange("not an OUT_REF"))?;
                        let batch = rebuild(&self.ext, &said, &self.divisors).map_err(strange)?;
                        join(message.topic, &header, batch.as_bytes())
                    };
                    return Ok(Some(Entry::Said(Said {
                        header,
                        frame,
                        mono_ns,
                    })));
                }
            }
        }
        Ok(None)
    }
}

/// The batch that was said of a frame (an EXT `world.frame`): decoded again, with the recorded flags, and proved by its CRC.
pub fn rebuild(
    ext: &[u8],
    said: &BatchRef,
    divisors: &Divisors,
) -> Result<TickBatch, &'static str> {
    let mut reader = msgpack::Reader(ext);
    let frame = match reader.array() {
        Some(1..) => reader.binary(),
        _ => None,
    };
    let frame = frame.ok_or("a tick batch that does not follow its frame")?;
    let mut batch = decode(frame, divisors).batch;
    batch
        .apply_flags(&said.flagged)
        .map_err(|_| "flags of ticks that the frame does not have")?;
    if BatchRef::of(&batch) != *said {
        return Err("the frame decoded again gives another batch");
    }
    Ok(batch)
}
