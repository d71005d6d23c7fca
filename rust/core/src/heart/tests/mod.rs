//! Hearts talking to each other over a bus that loses messages, killed and brought back, on real tapes.
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::dispatch::{Arrival, Dispatch, HeartError};
use super::header::{FIRST_OF_EPOCH, Header, LAST_VALUE, Mode, Source, join, split};
use super::heart::Heart;
use super::mouth::{Mouth, Tape, Voice};
use super::phase::Phase;
use super::sequence::Lane;
use super::setup::{Ear, Join, Setup};
use crate::kite::{self, Divisors, Tick, TickBatch, encode_frame};
use crate::msgpack;
use crate::tape::{Day, Kind, Options, Position, TapeError, Writer};

mod coming_back;
mod joining;
mod losses;

const DAY: &str = "2026-11-19";
const SECOND: i64 = 1_000_000_000;
const BAR: &str = "speaker.bar";
const NEWS: &str = "speaker.news";
const TICK: &str = "speaker.tick";
const HEALTH: &str = "speaker.health";
const SCHEMA: u32 = 7;

/// A tape that can be told to fail, as a kill in the middle of an event does.
struct Frail {
    writer: Writer,
    left: Option<u64>,
}

impl Tape for Frail {
    fn append(&mut self, kind: Kind, mono_ns: i64, parts: &[&[u8]]) -> Result<Position, TapeError> {
        match &mut self.left {
            Some(0) => return Err(TapeError::SyncFailed("killed".to_owned())),
            Some(left) => *left -= 1,
            None => {}
        }
        self.writer.append(kind, mono_ns, parts)
    }
}

fn frail(dir: &Path, service: &str, day: &str) -> Frail {
    let options = Options {
        segment_bytes: 1 << 16,
        spare_segments: 1,
        sync_every: Duration::from_secs(60),
    };
    let (writer, _) = Writer::open(&dir.join(service), day.parse().unwrap(), &options).unwrap();
    Frail { writer, left: None }
}

/// What a handler was given: topic, source, seq, flags and payload.
type Given = (String, String, u64, u16, Vec<u8>);

/// A handler that remembers, and says its count after every `every`-th event, twice.
struct Person {
    ears: Vec<String>,
    voice: Option<usize>,
    every: u64,
    count: u64,
    twist: u64,
    given: Vec<Given>,
    folded: Vec<u64>,
    divisors: Divisors,
}

impl Person {
    fn new(ears: &[Ear], voice: Option<usize>) -> Person {
        let ears = ears.iter().map(|ear| ear.topic.clone()).collect();
        let divisors = Divisors::default();
        Person {
            ears,
            voice,
            every: 1,
            count: 0,
            twist: 0,
            given: vec![],
            folded: vec![],
            divisors,
        }
    }

    /// (topic, payload) of what came from services.
    fn heard(&self) -> Vec<(&str, &[u8])> {
        let services = self
            .given
            .iter()
            .filter(|given| given.1 != "world" && given.1 != "control");
        services
            .map(|given| (given.0.as_str(), given.4.as_slice()))
            .collect()
    }
}

impl<T: Tape> Dispatch<T> for Person {
    type Error = HeartError;

    fn dispatch(&mut self, arrival: &Arrival<'_>, mouth: &mut Mouth<T>) -> Result<(), HeartError> {
        let topic = self.ears[arrival.ear].clone();
        let header = &arrival.header;
        let source = header.source.as_str().to_owned();
        self.given.push((
            topic.clone(),
            source,
            header.seq,
            header.flags,
            arrival.payload.to_vec(),
        ));
        self.count += 1;
        let Some(voice) = self.voice else {
            return Ok(());
        };
        let spoken = mouth.voices()[voice].topic.clone();
        if topic == "world.frame" {
            let mut frame = msgpack::Reader(arrival.payload);
            frame.array().unwrap();
            let mut batch = kite::decode(frame.binary().unwrap(), &self.divisors).batch;
            batch.apply_flags(&[(0, 4)]).unwrap();
            let tick = mouth
                .voices()
                .iter()
                .position(|voice| voice.topic == TICK)
                .unwrap();
            mouth.say_batch(tick, &batch)?;
        } else if topic == "world.text" {
            // The text names what is to be said.
            let (topic, payload) = arrival
                .payload
                .split_at(arrival.payload.iter().position(|b| *b == b'|').unwrap());
            let voice = mouth
                .voices()
                .iter()
                .position(|voice| voice.topic.as_bytes() == topic)
                .unwrap();
            mouth.say(voice, &payload[1..])?;
        } else if self.count.is_multiple_of(self.every) && spoken != BAR {
            for half in [0, 1] {
                mouth.say(voice, &(self.count * 2 + half + self.twist).to_le_bytes())?;
            }
        }
        Ok(())
    }

    fn key(&mut self, _: usize, _: usize, _: &str, payload: &[u8]) -> Result<Vec<u8>, HeartError> {
        Ok(payload[..1].to_vec())
    }

    fn snapshot(&mut self) -> Result<Vec<u8>, HeartError> {
        Ok(self.count.to_le_bytes().to_vec())
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), HeartError> {
        self.count = u64::from_le_bytes(snapshot.try_into().unwrap());
        Ok(())
    }

    fn fold(&mut self, _: &str, arrival: &Arrival<'_>) -> Result<(), HeartError> {
        self.folded
            .push(u64::from_le_bytes(arrival.payload.try_into().unwrap()));
        Ok(())
    }
}

fn ear(topic: &str, join: Join) -> Ear {
    Ear {
        topic: topic.to_owned(),
        schemas: vec![SCHEMA],
        bulk: topic == TICK,
        join,
    }
}

fn voice(topic: &str) -> Voice {
    Voice {
        topic: topic.to_owned(),
        schema: SCHEMA,
        bulk: topic == TICK,
    }
}

/// A service of the tests: its heart and its handler.
struct Service {
    heart: Heart<Frail>,
    person: Person,
}

struct Plan<'a> {
    name: &'a str,
    ears: Vec<Ear>,
    voices: Vec<Voice>,
    lanes: Vec<(String, Lane)>,
    day: &'a str,
    about: &'a [u8],
}

impl<'a> Plan<'a> {
    fn speaker() -> Plan<'a> {
        Plan {
            name: "speaker",
            ears: vec![
                ear("world.text", Join::Now),
                ear("world.frame", Join::Now),
                ear("control.clock", Join::Now),
            ],
            voices: [BAR, NEWS, TICK, HEALTH].map(voice).to_vec(),
            lanes: vec![],
            day: DAY,
            about: b"build 1",
        }
    }

    /// Hears bars, health and, if asked, ticks; says something after every event.
    fn hearer(lane: Lane) -> Plan<'a> {
        let mut ears = vec![
            ear(BAR, Join::Day),
            ear(HEALTH, Join::Keyed("name".to_owned())),
            ear("world.hole", Join::Now),
            ear("world.lost_tail", Join::Now),
        ];
        if lane == Lane::All {
            ears.push(ear(TICK, Join::Keyed("instrument_token".to_owned())));
        }
        Plan {
            name: "hearer",
            ears,
            voices: vec![voice("hearer.word")],
            lanes: vec![("speaker".to_owned(), lane)],
            day: DAY,
            about: b"build 1",
        }
    }

    fn open(&self, dir: &Path) -> Result<Service, HeartError> {
        let last = Day::all_in(&dir.join(self.name))
            .unwrap()
            .into_iter()
            .next_back();
        let tape = frail(dir, self.name, last.as_ref().map_or(self.day, Day::as_str));
        let mut service = self.hang(dir, tape);
        let recovered = service.heart.recover(self.about, &mut service.person)?;
        service.heart.take_said();
        let is_new_day = last.is_none_or(|last| last.as_str() != self.day);
        if last.is_some() && is_new_day {
            drop(service.heart.turn_tape(frail(dir, self.name, self.day)));
        }
        service
            .heart
            .begin(self.about, recovered, is_new_day, 0, &mut service.person)?;
        Ok(service)
    }

    fn hang(&self, dir: &Path, tape: Frail) -> Service {
        let setup = Setup {
            service: Source::new(self.name).unwrap(),
            account: "kitesim-KS0001".to_owned(),
            mode: Mode::Sim,
            day: self.day.parse().unwrap(),
            start_ns: 0,
            ears: self.ears.clone(),
            voices: self.voices.clone(),
            lanes: self.lanes.clone(),
            tapes: dir.to_owned(),
        };
        let person = Person::new(&setup.ears, (!setup.voices.is_empty()).then_some(0));
        Service {
            heart: Heart::new(setup, tape),
            person,
        }
    }
}

impl Service {
    /// What the speaker says when the world gives it a text.
    fn say(&mut self, topic: &str, payload: &[u8], mono_ns: i64) -> Vec<Vec<u8>> {
        let text = [topic.as_bytes(), b"|", payload].concat();
        self.heart
            .world(0, &text, mono_ns, &mut self.person)
            .unwrap();
        self.said()
    }

    fn say_ticks(&mut self, ticks: &[Tick], mono_ns: i64) -> Vec<Vec<u8>> {
        let mut frame = Vec::new();
        let modes = ticks.iter().map(|tick| (tick, kite::Mode::Full));
        encode_frame(modes, &Divisors::default(), &mut frame).unwrap();
        let mut payload = vec![0x91, 0xc5];
        payload.extend_from_slice(&u16::try_from(frame.len()).unwrap().to_be_bytes());
        payload.extend_from_slice(&frame);
        self.heart
            .world(1, &payload, mono_ns, &mut self.person)
            .unwrap();
        self.said()
    }

    fn said(&mut self) -> Vec<Vec<u8>> {
        self.heart
            .take_said()
            .map(|utterance| utterance.frame)
            .collect()
    }

    fn hear(&mut self, frame: &[u8], mono_ns: i64) {
        self.heart.hear(frame, mono_ns, &mut self.person).unwrap();
    }

    fn join(&mut self, source: &str, mono_ns: i64) {
        self.heart
            .join(Source::new(source).unwrap(), mono_ns, &mut self.person)
            .unwrap();
    }
}

fn number(n: u64) -> [u8; 8] {
    n.to_le_bytes()
}
