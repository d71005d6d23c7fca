//! A service as its tape tells it: what came to it from outside the run, and what it said of what.
use std::collections::BTreeMap;

use super::driver::{Answer, Driver, World};
use crate::payload::Payload;
use crate::payload::world::{Beat, Epoch, LostTail, SequenceGap, Timer};
use crate::runtime::error::HandlerError;
use crate::runtime::handler::{Arrival, Handler};
use crate::runtime::header::{LAST_VALUE, split};
use crate::runtime::outbox::{Outbox, Outgoing};
use crate::runtime::runtime::CONTROL;
use crate::tape::{Day, Folder, Kind, Reader, TapeError};

/// What the runtime or the kernel says to a service by itself: a run makes it anew.
const MADE: [&str; 5] = [
    Timer::TOPIC,
    Beat::TOPIC,
    Epoch::TOPIC,
    SequenceGap::TOPIC,
    LostTail::TOPIC,
];

/// Something that came from outside: a command, or what the world said unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    pub mono_ns: i64,
    pub is_command: bool,
    pub topic: String,
    pub payload: Vec<u8>,
}

/// A day of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// In their order.
    pub inputs: Vec<Input>,
    /// By the event that made it say them.
    said: BTreeMap<u128, Vec<(String, Vec<u8>)>>,
    /// What the world said of something that it said, by that one's `seq`.
    answers: BTreeMap<u64, Vec<Answer>>,
    /// Of the last record.
    pub end_ns: i64,
}

impl Recording {
    /// Of a tape of one run. Tick batches that were said are left out: their speaker is not played, it decodes its frames again.
    pub fn read(dir: impl Into<Folder>, day: Day) -> Result<Recording, TapeError> {
        let (mut all, mut reader) = (Recording::default(), Reader::open(dir, day));
        // The last thing said, as long as nothing but answers has come since, and when.
        let mut asked: Option<(u64, i64)> = None;
        while let Some(record) = reader.read()? {
            all.end_ns = record.mono_ns;
            let Ok(message) = split(record.content) else {
                asked = None; // EPOCH or SNAPSHOT
                continue;
            };
            let (header, topic) = (message.header, String::from_utf8_lossy(message.topic));
            let (topic, payload) = (topic.into_owned(), message.payload.to_vec());
            let is_made = header.flags & LAST_VALUE != 0 || MADE.contains(&&*topic);
            match record.kind {
                Kind::Out => {
                    let said = all.said.entry(header.cause).or_default();
                    said.push((topic, payload));
                    asked = Some((header.seq, record.mono_ns));
                }
                Kind::OutRef => asked = Some((header.seq, record.mono_ns)),
                Kind::Ext if is_made => asked = None,
                Kind::Ext => match asked {
                    Some((seq, at_ns)) if at_ns == record.mono_ns => {
                        let answers = all.answers.entry(seq).or_default();
                        answers.push(Answer { topic, payload });
                    }
                    _ => all.input(record.mono_ns, false, topic, payload),
                },
                _ => {
                    asked = None;
                    if header.source.as_str() == CONTROL {
                        all.input(record.mono_ns, true, topic, payload);
                    }
                }
            }
        }
        Ok(all)
    }

    fn input(&mut self, mono_ns: i64, is_command: bool, topic: String, payload: Vec<u8>) {
        self.inputs.push(Input {
            mono_ns,
            is_command,
            topic,
            payload,
        });
    }
}

/// Says of each event what was said of it then.
pub struct Player {
    pub topics: Vec<String>,
    pub recording: Recording,
}

impl Handler for Player {
    fn topics(&self) -> Vec<&str> {
        self.topics.iter().map(String::as_str).collect()
    }

    fn handle(&mut self, event: &Arrival<'_>, out: &mut Outbox) -> Result<(), HandlerError> {
        for (topic, payload) in self.recording.said.get(&event.id).into_iter().flatten() {
            out.say(topic, payload)?;
        }
        Ok(())
    }
}

/// Answers what was answered then.
pub struct Replies(pub Recording);

impl Driver for Replies {
    fn said(&mut self, _: &str, said: &Outgoing, world: &mut World) {
        let answers = self.0.answers.get(&said.header.seq);
        for answer in answers.into_iter().flatten() {
            world.put(&answer.topic, answer.payload.clone());
        }
    }
}
