//! A range of a source's tape by request: for a hearer that cannot open the file, since it lies on another machine or volume.
//!
//! ```text
//! request  [place, epoch, seq, [topic…]]
//! answer   [place, is_end, [kind, mono_ns, bytes, …]]
//! place    day, segment, offset, number, next
//! ```
//!
//! The place of a request is where the answer before it ended. What was said up to (epoch, seq) is passed over, and of other topics
//! the header alone is given, since a hearer counts those too.
use std::collections::VecDeque;
use std::sync::Arc;

use super::archive::{ArchiveError, Entry, Follower, Place, Said};
use super::header::{Header, Source, split};
use super::numbers::Numbers;
use super::sequence::Applied;
use crate::msgpack;
use crate::tape::{Day, Folder, Position};

/// Asks a source; none if no answer came in time.
pub type Ask = Arc<dyn Fn(&Source, &[u8]) -> Option<Vec<u8>> + Send + Sync>;

/// An answer ends with the entry that passes either: a source that answers does nothing else meanwhile.
pub const ANSWER_BYTES: usize = 256 << 10;
const ANSWER_ENTRIES: usize = 20_000;

const EPOCH: u64 = 0;
const DAY: u64 = 1;
const SAID: u64 = 2;
const PASSED: u64 = 3;

/// A source's tape as a `Follower` reads it, by request.
pub struct Asking {
    ask: Ask,
    source: Source,
    topics: Vec<String>,
    place: Place,
    after: (u32, u64),
    entries: VecDeque<Entry>,
    is_end: bool,
}

impl Asking {
    pub fn new(ask: Ask, source: Source, day: Day, topics: Vec<String>) -> Asking {
        Asking {
            ask,
            source,
            topics,
            place: Place::start_of(day),
            after: (0, 0),
            entries: VecDeque::new(),
            is_end: false,
        }
    }

    /// The next entry; none if there is no more yet.
    pub fn poll(&mut self) -> Result<Option<Entry>, ArchiveError> {
        loop {
            if let Some(entry) = self.entries.pop_front() {
                return Ok(Some(entry));
            }
            if std::mem::take(&mut self.is_end) {
                return Ok(None);
            }
            let answer = (self.ask)(&self.source, &self.request());
            answer
                .and_then(|answer| self.take(&answer))
                .ok_or(ArchiveError::NoAnswer(self.source))?;
        }
    }

    fn request(&self) -> Vec<u8> {
        let mut out = msgpack::Writer::default();
        out.array(8);
        self.place.write(&mut out);
        out.uint(self.after.0.into()).uint(self.after.1);
        out.array(self.topics.len());
        for topic in &self.topics {
            out.text(topic);
        }
        out.0
    }

    /// None: that is no answer, or one that brings nothing and promises more.
    fn take(&mut self, answer: &[u8]) -> Option<()> {
        let mut reader = msgpack::Reader(answer);
        reader.array()?;
        let place = Place::read(&mut reader)?;
        let is_end = reader.bool()?;
        let mut entries = VecDeque::new();
        for _ in 0..reader.array()? / 3 {
            let (kind, mono_ns) = (reader.int()?, reader.int()?);
            let mut bytes = reader.binary()?;
            entries.push_back(match u64::try_from(kind).ok()? {
                EPOCH => Entry::Epoch(Numbers::decode(&mut bytes)?),
                DAY => Entry::Day(Numbers::decode(&mut bytes)?),
                SAID => Entry::Said(Said {
                    header: split(bytes).ok()?.header,
                    frame: bytes.to_vec(),
                    mono_ns,
                }),
                PASSED => Entry::Said(Said {
                    header: Header::decode(bytes.try_into().ok()?).ok()?,
                    frame: Vec::new(),
                    mono_ns,
                }),
                _ => return None,
            });
        }
        if place == self.place && !is_end {
            return None;
        }
        (self.place, self.is_end, self.entries) = (place, is_end, entries);
        Some(())
    }
}

/// What a source answers from its tape in `dir`. None: that is no request, or no place of this tape.
pub fn answer(dir: impl Into<Folder>, request: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    let mut reader = msgpack::Reader(request);
    if reader.array()? != 8 {
        return None;
    }
    let place = Place::read(&mut reader)?;
    let after = (
        u32::try_from(reader.int()?).ok()?,
        u64::try_from(reader.int()?).ok()?,
    );
    let mut topics = Vec::new();
    for _ in 0..reader.array()? {
        topics.push(reader.text()?);
    }
    let mut follower = Follower::open_at(dir, place).ok()?;
    let (mut entries, mut count, mut is_end) = (msgpack::Writer::default(), 0, false);
    for _ in 0..ANSWER_ENTRIES {
        if entries.0.len() >= bytes_max {
            break;
        }
        let is_new = |header: &Header| (header.epoch, header.seq) > after;
        let entry = follower.next(|topic, header| is_new(header) && topics.contains(&topic));
        let (kind, mono_ns, bytes) = match entry.ok()? {
            None => {
                is_end = true;
                break;
            }
            Some(Entry::Epoch(numbers)) => (EPOCH, 0, encoded(&numbers)),
            Some(Entry::Day(numbers)) => (DAY, 0, encoded(&numbers)),
            Some(Entry::Said(said)) if !is_new(&said.header) => continue,
            Some(Entry::Said(said)) if said.frame.is_empty() => {
                (PASSED, said.mono_ns, said.header.encode().to_vec())
            }
            Some(Entry::Said(said)) => (SAID, said.mono_ns, said.frame),
        };
        entries.uint(kind).int(mono_ns).binary(&bytes);
        count += 1;
    }
    let mut out = msgpack::Writer::default();
    out.array(7);
    follower.place().write(&mut out);
    out.bool(is_end).array(3 * count).raw(&entries.0);
    Some(out.0)
}

fn encoded(numbers: &Numbers) -> Vec<u8> {
    let mut out = Vec::new();
    numbers.encode(&mut out);
    out
}

impl Place {
    fn write(&self, out: &mut msgpack::Writer) {
        let Position {
            segment,
            offset,
            number,
        } = self.from;
        out.text(self.day.as_str())
            .uint(segment.into())
            .uint(offset.into())
            .uint(number)
            .uint(self.next);
    }

    fn read(reader: &mut msgpack::Reader<'_>) -> Option<Place> {
        Some(Place {
            day: reader.str()?.parse().ok()?,
            from: Position {
                segment: u32::try_from(reader.int()?).ok()?,
                offset: u32::try_from(reader.int()?).ok()?,
                number: u64::try_from(reader.int()?).ok()?,
            },
            next: u64::try_from(reader.int()?).ok()?,
        })
    }
}

/// A source's tape, by its file or by request.
pub enum SourceTape {
    File(Follower),
    Asked(Asking),
}

impl SourceTape {
    /// The next entry; none if there is no more yet. One that is not `wanted` may have no frame.
    pub fn next(
        &mut self,
        wanted: impl FnMut(&[u8], &Header) -> bool,
    ) -> Result<Option<Entry>, ArchiveError> {
        match self {
            SourceTape::File(follower) => follower.next(wanted),
            SourceTape::Asked(asking) => asking.poll(),
        }
    }

    /// What has been applied need not be given again.
    pub fn pass(&mut self, applied: Applied) {
        if let SourceTape::Asked(asking) = self {
            asking.after = (applied.epoch, applied.seq);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_answered_or_refused(bytes: Vec<u8>) {
            let dir = tempfile::tempdir().unwrap();

            let _ = answer(dir.path(), &bytes, ANSWER_BYTES);
        }

        #[test]
        fn any_bytes_are_taken_or_refused(bytes: Vec<u8>) {
            let given = bytes.clone();
            let ask: Ask = Arc::new(move |_, _| Some(given.clone()));
            let day = "2026-11-19".parse().unwrap();

            let mut asking = Asking::new(ask, Source::new("speaker").unwrap(), day, vec![]);

            let _ = asking.poll();
        }
    }
}
