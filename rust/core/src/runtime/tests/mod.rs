//! Runtimes talking to each other over a bus that loses messages, killed and brought back, on real tapes.
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use super::error::{HandlerError, RuntimeError};
use super::handler::{Arrival, Handler};
use super::header::{After, Header, LAST_VALUE, Mode, Source, join, split};
use super::outbox::{Outbox, Publication, Tape};
use super::phase::Phase;
use super::range::Ask;
use super::runtime::Runtime;
use super::sequence::SequenceMode;
use super::setup::{Join, Setup, Subscription};
use crate::kite::{self, Divisors, Tick, TickBatch, encode_frame};
use crate::msgpack;
use crate::tape::{Day, Folder, Kind, Options, Position, TapeError, Writer};

mod coming_back;
mod joining;
mod kernel;
mod losses;

const DAY: &str = "2026-11-19";
const SECOND: i64 = 1_000_000_000;
const BAR: &str = "speaker.bar";
const NEWS: &str = "speaker.news";
const TICK: &str = "speaker.tick";
const HEALTH: &str = "speaker.health";
const SCHEMA: u32 = 7;
const UNREADABLE: &[u8] = b"unreadable";

/// A tape that can be told to fail, as a kill in the middle of an event does.
struct Frail {
    writer: Writer,
    left: Left,
}

/// How many records it still takes, if that is bounded.
type Left = Arc<Mutex<Option<u64>>>;

impl Tape for Frail {
    fn append(&mut self, kind: Kind, mono_ns: i64, parts: &[&[u8]]) -> Result<Position, TapeError> {
        match &mut *self.left.lock().unwrap() {
            Some(0) => return Err(TapeError::SyncFailed("killed".to_owned())),
            Some(left) => *left -= 1,
            None => {}
        }
        self.writer.append(kind, mono_ns, parts)
    }

    fn close(self: Box<Self>) -> Result<(), TapeError> {
        self.writer.close()
    }
}

fn frail(dir: &Path, service: &str, day: &str) -> Frail {
    let options = Options {
        segment_bytes: 1 << 16,
        spare_segments: 1,
        sync_every: Duration::from_secs(60),
    };
    let (writer, _) = Writer::open(dir.join(service), day.parse().unwrap(), &options).unwrap();
    Frail {
        writer,
        left: Left::default(),
    }
}

/// What a handler was given: topic, source, seq, flags and payload.
type Given = (String, String, u64, u16, Vec<u8>);

/// A handler that remembers, and says its count after every `every`-th event, twice.
struct Person {
    subscriptions: Vec<String>,
    publication: Option<usize>,
    every: u64,
    count: u64,
    twist: u64,
    given: Vec<Given>,
    rebuilt: Vec<u64>,
    divisors: Divisors,
}

impl Person {
    fn new(subscriptions: &[Subscription], publication: Option<usize>) -> Person {
        let subscriptions = subscriptions
            .iter()
            .map(|subscription| subscription.topic.clone())
            .collect();
        let divisors = Divisors::default();
        Person {
            subscriptions,
            publication,
            every: 1,
            count: 0,
            twist: 0,
            given: vec![],
            rebuilt: vec![],
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

impl Handler for Person {
    fn topics(&self) -> Vec<&str> {
        self.subscriptions.iter().map(String::as_str).collect()
    }

    fn handle(&mut self, arrival: &Arrival<'_>, outbox: &mut Outbox) -> Result<(), HandlerError> {
        if arrival.payload == UNREADABLE {
            return Err(HandlerError::Payload("it cannot be read".to_owned()));
        }
        let topic = arrival.topic.to_owned();
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
        let Some(publication) = self.publication else {
            return Ok(());
        };
        let spoken = outbox.publications()[publication].topic.clone();
        if topic == "world.frame" {
            let mut frame = msgpack::Reader(arrival.payload);
            frame.array().unwrap();
            let mut batch = kite::decode(frame.binary().unwrap(), &self.divisors).batch;
            batch.apply_flags(&[(0, 4)]).unwrap();
            let tick = outbox
                .publications()
                .iter()
                .position(|publication| publication.topic == TICK)
                .unwrap();
            outbox.say_batch_as(tick, &batch)?;
        } else if topic == "world.text" {
            // The text names what is to be said.
            let (topic, payload) = arrival
                .payload
                .split_at(arrival.payload.iter().position(|b| *b == b'|').unwrap());
            let publication = outbox
                .publications()
                .iter()
                .position(|publication| publication.topic.as_bytes() == topic)
                .unwrap();
            outbox.say_as(publication, &payload[1..])?;
        } else if self.count.is_multiple_of(self.every) && spoken != BAR {
            for half in [0, 1] {
                outbox.say_as(
                    publication,
                    &(self.count * 2 + half + self.twist).to_le_bytes(),
                )?;
            }
        }
        Ok(())
    }

    fn snapshot(&mut self) -> Result<Option<Vec<u8>>, HandlerError> {
        Ok(Some(self.count.to_le_bytes().to_vec()))
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), HandlerError> {
        self.count = u64::from_le_bytes(snapshot.try_into().unwrap());
        Ok(())
    }

    fn rebuild(&mut self, arrival: &Arrival<'_>) -> Result<(), HandlerError> {
        self.rebuilt
            .push(u64::from_le_bytes(arrival.payload.try_into().unwrap()));
        Ok(())
    }
}

fn subscription(topic: &str, join: Join) -> Subscription {
    Subscription {
        topic: topic.to_owned(),
        schemas: vec![SCHEMA],
        bulk: topic == TICK,
        join,
        after: None,
    }
}

fn publication(topic: &str) -> Publication {
    Publication {
        topic: topic.to_owned(),
        schema: SCHEMA,
        dense: topic == TICK,
        after: None,
    }
}

/// A service of the tests: its runtime and its handler.
struct Service {
    runtime: Runtime,
    person: Person,
    left: Left,
}

struct Plan<'a> {
    name: &'a str,
    subscriptions: Vec<Subscription>,
    publications: Vec<Publication>,
    sequence_modes: Vec<(String, SequenceMode)>,
    day: &'a str,
    about: &'a [u8],
    ask: Option<Ask>,
    begins_run: bool,
}

impl<'a> Plan<'a> {
    fn speaker() -> Plan<'a> {
        Plan {
            name: "speaker",
            subscriptions: vec![
                subscription("world.text", Join::Now),
                subscription("world.frame", Join::Now),
                subscription("control.clock", Join::Now),
            ],
            publications: [BAR, NEWS, TICK, HEALTH].map(publication).to_vec(),
            sequence_modes: vec![],
            day: DAY,
            about: b"build 1",
            ask: None,
            begins_run: false,
        }
    }

    /// Hears bars, health and, if asked, ticks; says something after every event.
    fn hearer(sequence_mode: SequenceMode) -> Plan<'a> {
        let mut subscriptions = vec![
            subscription(BAR, Join::Day),
            subscription(HEALTH, Join::Keyed(Some(0))),
            subscription("world.sequence_gap", Join::Now),
            subscription("world.lost_tail", Join::Now),
        ];
        if sequence_mode == SequenceMode::All {
            subscriptions.push(subscription(TICK, Join::Keyed(Some(0))));
        }
        Plan {
            name: "hearer",
            subscriptions,
            publications: vec![publication("hearer.word")],
            sequence_modes: vec![("speaker".to_owned(), sequence_mode)],
            day: DAY,
            about: b"build 1",
            ask: None,
            begins_run: false,
        }
    }

    fn open(&self, dir: &Path) -> Result<Service, RuntimeError> {
        let last = Folder::from(dir.join(self.name))
            .days()
            .unwrap()
            .into_iter()
            .next_back();
        let tape = frail(dir, self.name, last.as_ref().map_or(self.day, Day::as_str));
        let mut service = self.hang(dir, tape);
        let recovered = service.runtime.recover(self.about, &mut service.person)?;
        service.runtime.take_said();
        let is_new_day = last.is_none_or(|last| last.as_str() != self.day);
        if last.is_some() && is_new_day {
            drop(
                service
                    .runtime
                    .turn_tape(Box::new(frail(dir, self.name, self.day))),
            );
        }
        let (about, begins_run) = (self.about, self.begins_run);
        let Service {
            runtime, person, ..
        } = &mut service;
        runtime.begin(about, recovered, is_new_day, begins_run, 0, person)?;
        Ok(service)
    }

    fn hang(&self, dir: &Path, tape: Frail) -> Service {
        let setup = Setup {
            service: Source::new(self.name).unwrap(),
            account: "kitesim-KS0001".to_owned(),
            mode: Mode::Sim,
            day: self.day.parse().unwrap(),
            start_ns: 0,
            subscriptions: self.subscriptions.clone(),
            publications: self.publications.clone(),
            sequence_modes: self.sequence_modes.clone(),
            tapes: dir.into(),
            ask: self.ask.clone(),
        };
        let person = Person::new(
            &setup.subscriptions,
            (!setup.publications.is_empty()).then_some(0),
        );
        let left = Arc::clone(&tape.left);
        Service {
            runtime: Runtime::new(setup, &person, Box::new(tape)),
            person,
            left,
        }
    }
}

impl Service {
    /// What the speaker says when the world gives it a text.
    fn say(&mut self, topic: &str, payload: &[u8], mono_ns: i64) -> Vec<Vec<u8>> {
        let text = [topic.as_bytes(), b"|", payload].concat();
        self.runtime
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
        self.runtime
            .world(1, &payload, mono_ns, &mut self.person)
            .unwrap();
        self.said()
    }

    fn said(&mut self) -> Vec<Vec<u8>> {
        self.runtime
            .take_said()
            .map(|outgoing| outgoing.frame)
            .collect()
    }

    fn hear(&mut self, frame: &[u8], mono_ns: i64) {
        self.runtime.hear(frame, mono_ns, &mut self.person).unwrap();
    }

    fn join(&mut self, source: &str, mono_ns: i64) {
        self.runtime
            .join(Source::new(source).unwrap(), mono_ns, &mut self.person)
            .unwrap();
    }
}

fn number(n: u64) -> [u8; 8] {
    n.to_le_bytes()
}

/// A payload of a name and a number.
fn row(name: &str, number: u64) -> Vec<u8> {
    let mut row = msgpack::Writer::default();
    row.array(2).text(name).uint(number);
    row.0
}
