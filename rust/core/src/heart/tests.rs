//! Hearts talking to each other over a bus that loses messages, killed and brought back, on real tapes.
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::dispatch::{Arrival, Dispatch, HeartError};
use super::header::{FIRST_OF_EPOCH, Header, LAST_VALUE, Mode, Source, join, split};
use super::heart::Heart;
use super::mouth::{Mouth, Tape, Voice};
use super::msgpack;
use super::phase::Phase;
use super::sequence::Lane;
use super::setup::{Ear, Join, Setup};
use crate::kite::{self, Divisors, Tick, TickBatch, encode_frame};
use crate::tape::{Day, Kind, Options, Position, TapeError, Writer};

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

#[derive(Clone, Copy, Debug)]
enum Step {
    Bar,
    News,
    Health,
    Beat,
    KillSpeaker,
    KillHearer,
}

fn steps() -> impl Strategy<Value = Vec<(Step, bool)>> {
    let step = prop_oneof![
        8 => Just(Step::Bar),
        3 => Just(Step::News),
        2 => Just(Step::Health),
        2 => Just(Step::Beat),
        1 => Just(Step::KillSpeaker),
        1 => Just(Step::KillHearer),
    ];
    proptest::collection::vec((step, proptest::bool::weighted(0.2)), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Over any losses and kills, the hearer is given every bar and health once, in the order in which they were said.
    #[test]
    fn nothing_is_lost_or_given_twice_over_losses_and_kills(steps in steps(), all: bool) {
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan::hearer(if all { Lane::All } else { Lane::Sparse });
        let mut speaker = Plan::speaker().open(dir.path()).unwrap();
        let mut hearer = plan.open(dir.path()).unwrap();
        hearer.join("speaker", 0);
        let (mut expected, mut given) = (vec![], vec![]);
        for (n, (step, is_lost)) in steps.into_iter().enumerate() {
            let frames = match step {
                Step::Bar => {
                    expected.push((BAR.to_owned(), number(n as u64).to_vec()));
                    speaker.say(BAR, &number(n as u64), 0)
                }
                Step::Health => {
                    expected.push((HEALTH.to_owned(), number(n as u64).to_vec()));
                    speaker.say(HEALTH, &number(n as u64), 0)
                }
                Step::News => speaker.say(NEWS, b"nobody hears it", 0),
                Step::Beat => vec![speaker.heart.heartbeat(0)],
                Step::KillSpeaker => {
                    drop(speaker);
                    speaker = Plan::speaker().open(dir.path()).unwrap();
                    vec![]
                }
                Step::KillHearer => {
                    given = hearer.person.given.clone();
                    drop(hearer);
                    hearer = plan.open(dir.path()).unwrap();
                    prop_assert_eq!(&hearer.person.given, &given);
                    hearer.join("speaker", 0);
                    vec![]
                }
            };
            for frame in frames.iter().filter(|_| !is_lost) {
                hearer.hear(frame, 0);
            }
        }

        hearer.hear(&speaker.heart.heartbeat(0), 0);

        let heard = hearer.person.heard();
        let heard: Vec<_> = heard.iter().map(|(topic, payload)| ((*topic).to_owned(), payload.to_vec())).collect();
        prop_assert_eq!(heard, expected);
        prop_assert!(!hearer.heart.has_open_hole());
        let _ = given;
    }

    /// Wherever in its records a process is killed, it comes back saying what it would have said.
    #[test]
    fn a_kill_at_any_record_changes_nothing_that_is_said(kill_at in 0u64..40) {
        let dir = tempfile::tempdir().unwrap();
        let mut speaker = Plan::speaker().open(dir.path()).unwrap();
        let plan = Plan::hearer(Lane::Sparse);
        let mut hearer = plan.open(dir.path()).unwrap();
        hearer.join("speaker", 0);
        hearer.heart.mouth.tape.left = Some(kill_at);
        for n in 0..12 {
            for frame in speaker.say(BAR, &number(n), 0) {
                let _ = hearer.heart.hear(&frame, 0, &mut hearer.person);
            }
        }

        drop(hearer);
        let mut hearer = plan.open(dir.path()).unwrap();
        hearer.join("speaker", 0);

        let mut follower = super::archive::Follower::open(&dir.path().join("hearer"), DAY.parse().unwrap());
        let mut said = vec![];
        while let Some(entry) = follower.next(|_, _| true).unwrap() {
            if let super::archive::Entry::Said(one) = entry {
                said.push((one.header.seq, split(&one.frame).unwrap().payload.to_vec()));
            }
        }
        let expected: Vec<_> = (0..24).map(|n| (n + 1, number(n + 2).to_vec())).collect();
        prop_assert_eq!(said, expected);
    }
}

#[test]
fn what_a_kill_kept_from_the_tape_is_said_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let plan = Plan::hearer(Lane::Sparse);
    let mut hearer = plan.open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    let frame = speaker.say(BAR, &number(1), 0).remove(0);
    hearer.heart.mouth.tape.left = Some(1 + 1); // the message and one of its two words
    assert!(hearer.heart.hear(&frame, 0, &mut hearer.person).is_err());
    drop(hearer);

    let mut hearer = plan.hang(dir.path(), frail(dir.path(), "hearer", DAY));
    let recovered = hearer
        .heart
        .recover(plan.about, &mut hearer.person)
        .unwrap();

    assert_eq!((recovered.appended, recovered.folded), (1, false));
    let said = hearer.said();
    assert_eq!(split(&said[0]).unwrap().header.seq, 2);
    assert_eq!(split(&said[0]).unwrap().header.epoch, 1);
}

#[test]
fn a_heart_whose_handler_failed_takes_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    speaker.heart.mouth.tape.left = Some(1);

    assert!(
        speaker
            .heart
            .world(0, b"speaker.bar|x", 0, &mut speaker.person)
            .is_err()
    );

    let in_hand = speaker
        .heart
        .in_hand()
        .map(|(topic, header, _)| (topic.to_owned(), header.seq));
    assert_eq!(in_hand, Some(("world.text".to_owned(), 1)));
    assert!(matches!(
        speaker
            .heart
            .world(0, b"speaker.bar|x", 0, &mut speaker.person),
        Err(HeartError::Stopped)
    ));
}

#[test]
fn a_handler_that_says_something_else_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let plan = Plan::hearer(Lane::Sparse);
    let mut hearer = plan.open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    for frame in speaker.say(BAR, &number(1), 0) {
        hearer.hear(&frame, 0);
    }
    drop(hearer);

    let changed: [fn(&mut Person); 3] = [|p| p.twist = 1, |p| p.every = 2, |p| p.voice = None];
    for change in changed {
        let mut hearer = plan.hang(dir.path(), frail(dir.path(), "hearer", DAY));
        change(&mut hearer.person);
        let error = hearer
            .heart
            .recover(plan.about, &mut hearer.person)
            .unwrap_err()
            .to_string();
        assert!(error.contains("event 1.1"), "{error}");
    }
}

#[test]
fn another_build_takes_over_the_numbers_and_folds_what_was_said() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut hearer = Plan::hearer(Lane::Sparse).open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    for n in 0..3 {
        for frame in speaker.say(BAR, &number(n), 0) {
            hearer.hear(&frame, 0);
        }
    }
    drop(hearer);

    let mut hearer = Plan {
        about: b"build 2",
        ..Plan::hearer(Lane::Sparse)
    }
    .open(dir.path())
    .unwrap();
    for frame in speaker.say(BAR, &number(3), 0) {
        hearer.hear(&frame, 0);
    }

    assert_eq!(hearer.person.folded, [2, 3, 4, 5, 6, 7]);
    assert_eq!(hearer.person.heard(), [(BAR, number(3).as_slice())]);
    let first = split(&hearer.said()[0]).unwrap().header;
    assert_eq!(
        (first.epoch, first.seq, first.topic_seq, first.flags),
        (2, 7, 7, FIRST_OF_EPOCH)
    );
}

#[test]
fn a_new_day_begins_with_what_the_last_one_ended_with() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut hearer = Plan::hearer(Lane::Sparse).open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    let mut frames = speaker.say(BAR, &number(1), 0);
    hearer.hear(&frames.remove(0), 0);
    speaker.say(BAR, &number(2), 0); // said on the first day, heard on the second
    drop((speaker, hearer));

    let tomorrow = "2026-11-20";
    let mut speaker = Plan {
        day: tomorrow,
        ..Plan::speaker()
    }
    .open(dir.path())
    .unwrap();
    let mut hearer = Plan {
        day: tomorrow,
        ..Plan::hearer(Lane::Sparse)
    }
    .open(dir.path())
    .unwrap();
    hearer.join("speaker", 0);
    hearer.hear(&speaker.say(BAR, &number(3), 0)[0], 0);

    assert_eq!(
        hearer.person.heard(),
        [
            (BAR, number(1).as_slice()),
            (BAR, number(2).as_slice()),
            (BAR, number(3).as_slice())
        ]
    );
    drop(hearer);
    let hearer = Plan {
        day: tomorrow,
        ..Plan::hearer(Lane::Sparse)
    }
    .open(dir.path())
    .unwrap();
    assert_eq!(
        hearer.person.heard(),
        [(BAR, number(2).as_slice()), (BAR, number(3).as_slice())]
    );
    assert_eq!(hearer.person.count, 3);
}

#[test]
fn a_tape_of_a_later_day_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(
        Plan {
            day: "2026-11-20",
            ..Plan::speaker()
        }
        .open(dir.path())
        .unwrap(),
    );
    let plan = Plan::speaker();
    let mut early = plan.hang(dir.path(), frail(dir.path(), "speaker", DAY));

    assert!(matches!(
        early.heart.recover(plan.about, &mut early.person),
        Err(HeartError::Recovery(_))
    ));
}

fn ticks_of(payload: &[u8]) -> Vec<(u32, i64)> {
    TickBatch::from_bytes(payload)
        .unwrap()
        .ticks()
        .map(|tick| (tick.token, tick.last_price_e4))
        .collect()
}

#[test]
fn ticks_go_by_reference_and_come_back_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut hearer = Plan::hearer(Lane::All).open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    for n in 1..=3 {
        for frame in speaker.say_ticks(&[Tick::new(256265, n * 100), Tick::new(408065, n * 200)], 0)
        {
            if n != 2 {
                hearer.hear(&frame, 0);
            }
        }
    }
    let given = hearer.person.given.clone();
    assert_eq!(hearer.heart.counters().gaps_mended, 1);
    assert_eq!(
        given
            .iter()
            .map(|(.., payload)| ticks_of(payload))
            .collect::<Vec<_>>(),
        (1..=3)
            .map(|n| vec![(256265, n * 100), (408065, n * 200)])
            .collect::<Vec<_>>()
    );
    let flags = TickBatch::from_bytes(&given[1].4).unwrap().flagged();
    assert_eq!(flags, [(0, 4)]);
    drop(hearer);

    let hearer = Plan::hearer(Lane::All).open(dir.path()).unwrap();

    assert_eq!(hearer.person.given, given);
}

#[test]
fn of_ticks_that_are_too_old_the_newest_of_each_instrument_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut hearer = Plan::hearer(Lane::All).open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    for n in 1..=3 {
        speaker.say_ticks(&[Tick::new(256265, n * 100)], n * SECOND);
    }
    speaker.say_ticks(&[Tick::new(408065, 900)], 3 * SECOND);
    speaker.say(BAR, &number(1), 4 * SECOND);
    speaker.say_ticks(&[Tick::new(256265, 500)], 9 * SECOND);

    hearer.hear(&speaker.heart.heartbeat(0), 9 * SECOND + 1);

    let given = &hearer.person.given;
    let topics: Vec<&str> = given.iter().map(|given| given.0.as_str()).collect();
    assert_eq!(topics, ["world.hole", TICK, BAR, TICK]);
    let mut hole = msgpack::Reader(&given[0].4);
    assert_eq!(
        (hole.array(), hole.text()),
        (Some(3), Some(&b"speaker"[..]))
    );
    assert_eq!(ticks_of(&given[1].4), [(256265, 300), (408065, 900)]);
    assert_eq!((given[1].2, given[1].3 & LAST_VALUE), (4, LAST_VALUE));
    assert_eq!(ticks_of(&given[3].4), [(256265, 500)]);
    assert_eq!(hearer.heart.counters().skipped, 4);
    let given = given.clone();
    drop(hearer);
    assert_eq!(
        Plan::hearer(Lane::All)
            .open(dir.path())
            .unwrap()
            .person
            .given,
        given
    );
}

#[test]
fn a_late_hearer_joins_as_each_topic_says() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    for (topic, payload) in [
        (BAR, "1"),
        (HEALTH, "a1"),
        (HEALTH, "b1"),
        (NEWS, "x"),
        (BAR, "2"),
        (HEALTH, "a2"),
    ] {
        speaker.say(topic, payload.as_bytes(), 0);
    }
    speaker.say_ticks(&[Tick::new(256265, 100)], 0);
    speaker.say_ticks(&[Tick::new(408065, 200)], 0);
    let mut plan = Plan::hearer(Lane::All);
    plan.ears.push(ear(NEWS, Join::Now));
    let mut hearer = plan.open(dir.path()).unwrap();

    hearer.join("speaker", 0);
    for frame in speaker.say(NEWS, b"y", 0) {
        hearer.hear(&frame, 0);
    }

    let heard = hearer.person.heard();
    let (rest, [(tick, newest), news]) = heard.split_at(4) else {
        panic!("{heard:?}")
    };
    assert_eq!(
        rest,
        [
            (BAR, &b"1"[..]),
            (HEALTH, b"b1"),
            (BAR, b"2"),
            (HEALTH, b"a2")
        ]
    );
    assert_eq!(
        (*tick, ticks_of(newest)),
        (TICK, vec![(256265, 100), (408065, 200)])
    );
    assert_eq!(*news, (NEWS, &b"y"[..]));
    assert_eq!(hearer.heart.counters().gaps_seen, 0);
}

#[test]
fn a_source_that_lost_its_tail_is_followed_from_where_it_continues() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut hearer = Plan::hearer(Lane::Sparse).open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    for frame in speaker.say(BAR, &number(1), 0) {
        hearer.hear(&frame, 0);
    }
    let kept: Vec<_> = std::fs::read_dir(dir.path().join("speaker"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    let kept: Vec<_> = kept
        .into_iter()
        .map(|path| (std::fs::read(&path).unwrap(), path))
        .collect();
    for frame in speaker.say(BAR, &number(2), 0) {
        hearer.hear(&frame, 0); // heard, but not on the disk when the power went
    }
    drop(speaker);
    std::fs::remove_dir_all(dir.path().join("speaker")).unwrap();
    std::fs::create_dir(dir.path().join("speaker")).unwrap();
    for (bytes, path) in kept {
        std::fs::write(path, bytes).unwrap();
    }

    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    for frame in speaker.say(BAR, &number(3), 0) {
        hearer.hear(&frame, 0);
    }

    let bars: Vec<_> = hearer
        .person
        .heard()
        .into_iter()
        .map(|(_, payload)| payload.to_vec())
        .collect();
    assert_eq!(bars, [1, 2, 3].map(|n| number(n).to_vec()));
    let lost: Vec<_> = hearer
        .person
        .given
        .iter()
        .filter(|given| given.0 == "world.lost_tail")
        .collect();
    let mut words = msgpack::Reader(&lost[0].4);
    assert_eq!(
        (words.array(), words.text(), words.int(), words.int()),
        (Some(3), Some(&b"speaker"[..]), Some(2), Some(1))
    );
}

#[test]
fn a_worker_mends_only_what_its_pull_did_not_bring() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let plan = Plan {
        ears: vec![ear(BAR, Join::Day)],
        lanes: vec![("speaker".to_owned(), Lane::Work)],
        ..Plan::hearer(Lane::Work)
    };
    let mut worker = plan.open(dir.path()).unwrap();
    worker.join("speaker", 0);
    worker.hear(&speaker.heart.heartbeat(0), 0);
    let (one, _news) = (
        speaker.say(BAR, &number(1), 0).remove(0),
        speaker.say(NEWS, b"x", 0),
    );

    worker.hear(&speaker.heart.heartbeat(0), 0); // it overtakes the work
    worker.hear(&one, 0);
    worker.heart.settle(0, &mut worker.person).unwrap();
    assert_eq!(worker.heart.counters().gaps_seen, 0);
    speaker.say(BAR, &number(2), 0);
    worker.hear(&speaker.heart.heartbeat(0), 0);
    worker.heart.settle(0, &mut worker.person).unwrap();

    assert_eq!(
        worker.person.heard(),
        [(BAR, number(1).as_slice()), (BAR, number(2).as_slice())]
    );
    assert_eq!(worker.heart.counters().gaps_mended, 1);
}

#[test]
fn a_message_of_another_world_is_refused_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut plan = Plan::hearer(Lane::Sparse);
    plan.ears[0].schemas = vec![8, SCHEMA];
    let mut hearer = plan.open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    let frame = speaker.say(BAR, &number(1), 0).remove(0);
    let message = split(&frame).unwrap();
    let changed = |header: Header| join(message.topic, &header, message.payload);
    let version = {
        let mut bytes = frame.clone();
        bytes[BAR.len() + 1] = 9;
        bytes
    };

    hearer.hear(&version, 0);
    hearer.hear(
        &changed(Header {
            mode: Mode::Live,
            ..message.header
        }),
        0,
    );
    hearer.hear(
        &changed(Header {
            flags: LAST_VALUE,
            ..message.header
        }),
        0,
    );
    hearer.hear(
        &changed(Header {
            source: Source::new("stranger").unwrap(),
            ..message.header
        }),
        0,
    );
    hearer.hear(b"no message", 0);
    assert!(hearer.person.given.is_empty());
    hearer.hear(&frame, 0); // in a schema that is known though not the newest
    let unknown = speaker.say(BAR, &number(2), 0).remove(0);
    let unknown_message = split(&unknown).unwrap();
    hearer.hear(
        &join(
            BAR.as_bytes(),
            &Header {
                schema: 99,
                ..unknown_message.header
            },
            b"?",
        ),
        0,
    );
    let third = speaker.say(BAR, &number(3), 0).remove(0);
    hearer.hear(&third, 0);

    assert_eq!(
        hearer.person.heard(),
        [(BAR, number(1).as_slice()), (BAR, number(3).as_slice())]
    );
    let refused: Vec<_> = hearer
        .heart
        .counters()
        .refused
        .iter()
        .map(|(why, count)| (*why, *count))
        .collect();
    assert_eq!(
        refused,
        [
            ("flags", 1),
            ("mode", 1),
            ("schema", 1),
            ("short", 1),
            ("source", 1),
            ("version", 1)
        ]
    );
}

#[test]
fn commands_set_the_clock_and_the_phase_and_survive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut plan = Plan::speaker();
    plan.ears.extend([
        ear("control.start", Join::Now),
        ear("control.stop", Join::Now),
    ]);
    let mut speaker = plan.open(dir.path()).unwrap();
    let mut clock = msgpack::Writer::default();
    clock.array(3).uint(1_000).uint(10).uint(30_000);

    speaker
        .heart
        .control(2, &clock.0, 10, &mut speaker.person)
        .unwrap();
    speaker
        .heart
        .control(3, &[0x91, 0xa0], 10, &mut speaker.person)
        .unwrap();
    drop(speaker);
    let mut speaker = plan.open(dir.path()).unwrap();

    assert_eq!(speaker.heart.phase(), Phase::Started);
    assert_eq!(speaker.heart.clock().market_ns(11), 1_030);
    let bar = speaker.say(BAR, b"1", 12).remove(0);
    assert_eq!(split(&bar).unwrap().header.ts_ns, 1_060);
}

#[test]
fn what_code_outside_services_says_has_no_cause_and_keeps_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    speaker.heart.publish(0, b"1", 0).unwrap();
    drop(speaker);

    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let bar = speaker.say(BAR, b"2", 0).remove(0);

    assert_eq!(split(&bar).unwrap().header.seq, 2);
}

#[test]
fn who_needs_the_whole_day_is_given_old_ticks_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut plan = Plan::hearer(Lane::All);
    for ear in &mut plan.ears {
        ear.join = Join::Day;
    }
    speaker.say_ticks(&[Tick::new(256265, 100)], 0);
    let mut hearer = plan.open(dir.path()).unwrap();
    hearer.join("speaker", 9 * SECOND);
    speaker.say_ticks(&[Tick::new(256265, 200)], 0);

    hearer.hear(&speaker.heart.heartbeat(0), 9 * SECOND);

    let prices: Vec<_> = hearer
        .person
        .given
        .iter()
        .map(|given| ticks_of(&given.4)[0].1)
        .collect();
    assert_eq!(prices, [100, 200]);
    assert_eq!(hearer.heart.counters().skipped, 0);
}
