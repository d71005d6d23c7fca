//! Whole houses on the kernel: whatever is lost, doubled, late, killed or paused, everybody hears all that was said, once and in order.
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::random::Stream;
use crate::runtime::kernel::driver::{Driver, NoDriver, World};
use crate::runtime::kernel::node::Service as Hung;
use crate::runtime::kernel::schedule::Fate;
use crate::runtime::kernel::{Fallen, Kernel};
use crate::runtime::outbox::Outgoing;
use crate::tape::simulated::{Call, Fault, SimulatedDisk};

const MS: i64 = 1_000_000;
const SEGMENT_BYTES: usize = 1 << 16;
const NAMES: [&str; 4] = ["speaker", "hearer", "worker", "journal"];
const WORD: &str = "hearer.word";
const DONE: &str = "worker.done";

/// A handler that the test can look at.
#[derive(Clone)]
struct Seen(Arc<Mutex<Person>>);

impl Handler for Seen {
    fn topics(&self) -> Vec<&str> {
        vec![BAR, NEWS, WORD, DONE, "world.text"]
    }

    fn handle(&mut self, arrival: &Arrival<'_>, outbox: &mut Outbox) -> Result<(), HandlerError> {
        self.0.lock().unwrap().handle(arrival, outbox)
    }
}

/// All services of a house, on one disk.
struct House {
    kernel: Kernel,
    tapes: Folder,
    people: BTreeMap<&'static str, Seen>,
    /// Whether a service may fall: its disk fails now and then.
    is_frail: bool,
}

impl House {
    fn new(tapes: Folder, delivery: Option<crate::runtime::kernel::Delivery>) -> House {
        let kernel = match delivery {
            Some(delivery) => Kernel::disturbed(1_000 * SECOND, delivery),
            None => Kernel::new(1_000 * SECOND),
        };
        let mut house = House {
            kernel,
            tapes,
            people: BTreeMap::new(),
            is_frail: false,
        };
        for name in NAMES {
            house.hang_up(name, None);
        }
        house.kernel.open().unwrap();
        house
    }

    /// Hangs a service up, with a handler that knows nothing yet.
    fn hang_up(&mut self, name: &'static str, dies_after: Option<u64>) {
        let (hears, modes, says): (&[&str], &[(&str, SequenceMode)], &[&str]) = match name {
            "speaker" => (&["world.text"], &[], &[BAR, NEWS]),
            "hearer" => (&[BAR, NEWS], &[("speaker", SequenceMode::Sparse)], &[WORD]),
            "worker" => (&[WORD], &[("hearer", SequenceMode::Work)], &[DONE]),
            _ => (
                &[BAR, WORD, DONE],
                &[
                    ("speaker", SequenceMode::Sparse),
                    ("hearer", SequenceMode::All),
                    ("worker", SequenceMode::Sparse),
                ],
                &[],
            ),
        };
        let setup = Setup {
            service: Source::new(name).unwrap(),
            account: "kitesim-KS0001".to_owned(),
            mode: Mode::Sim,
            day: DAY.parse().unwrap(),
            start_ns: 0,
            subscriptions: hears
                .iter()
                .map(|topic| subscription(topic, Join::Day))
                .collect(),
            publications: says.iter().map(|topic| said_on(topic)).collect(),
            sequence_modes: modes
                .iter()
                .map(|(name, mode)| ((*name).to_owned(), *mode))
                .collect(),
            tapes: self.tapes.clone(),
            ask: None,
        };
        let person = Person::new(&setup.subscriptions, (!says.is_empty()).then_some(0));
        let seen = Seen(Arc::new(Mutex::new(person)));
        self.people.insert(name, seen.clone());
        let worker = |topic: &&str| (*topic == WORD).then(|| "worker".to_owned());
        let service = Hung {
            workers: says.iter().map(worker).collect(),
            setup,
            about: b"build 1".to_vec(),
            timers: vec![],
            options: Options {
                segment_bytes: SEGMENT_BYTES,
                ..Options::default()
            },
            handler: Box::new(seen),
            driver: Box::new(NoDriver),
            begins_run: false,
            dies_after,
        };
        let hung_up = self.kernel.hang_up(service);
        self.bear(hung_up.map(drop));
    }

    fn bear(&self, outcome: Result<(), Fallen>) {
        if let Err(fallen) = outcome {
            assert!(self.is_frail, "{fallen}");
        }
    }

    fn come_back(&mut self, name: &'static str) {
        if !self.kernel.is_up(name) {
            self.hang_up(name, None);
            let opened = self.kernel.reopen(place_of(name));
            self.bear(opened);
        }
    }

    fn say(&mut self, topic: &str, number: u64) {
        let text = [topic.as_bytes(), b"|", &number.to_le_bytes()].concat();
        let speaker = place_of("speaker");
        let said = self.kernel.world(speaker, "world.text", text);
        self.bear(said);
    }

    fn advance(&mut self, duration_ns: i64) {
        let until_ns = self.kernel.now_ns() + duration_ns;
        while let Err(fallen) = self.kernel.advance_to(until_ns) {
            self.bear(Err(fallen));
        }
    }

    /// What a service was given of a source: (seq, topic, payload).
    fn given(&self, name: &str, source: &str) -> Vec<(u64, String, Vec<u8>)> {
        let person = self.people[name].0.lock().unwrap();
        let given = person.given.iter().filter(|(_, from, ..)| from == source);
        given
            .map(|(topic, _, seq, _, payload)| (*seq, topic.clone(), payload.clone()))
            .collect()
    }

    /// What a source's tape says that it said of these topics.
    fn said(&self, source: &str, topics: &[&str]) -> Vec<(u64, String, Vec<u8>)> {
        let mut follower =
            crate::runtime::archive::Follower::open(self.tapes.join(source), DAY.parse().unwrap());
        let mut said = Vec::new();
        while let Some(entry) = follower.next(|_, _| true).unwrap() {
            if let crate::runtime::archive::Entry::Said(one) = entry {
                let message = split(&one.frame).unwrap();
                let topic = String::from_utf8(message.topic.to_vec()).unwrap();
                if topics.contains(&topic.as_str()) {
                    said.push((one.header.seq, topic, message.payload.to_vec()));
                }
            }
        }
        said
    }
}

/// Work is dense: only who takes it, or hears all of its speaker, gets it.
fn said_on(topic: &str) -> Publication {
    Publication {
        dense: topic == WORD,
        ..publication(topic)
    }
}

fn place_of(name: &str) -> usize {
    NAMES.iter().position(|known| *known == name).unwrap()
}

fn simulated() -> (SimulatedDisk, Folder) {
    let disk = SimulatedDisk::new(SEGMENT_BYTES);
    let tapes = Folder::on(Arc::new(disk.clone()), "/run/tape");
    (disk, tapes)
}

/// All bytes of all tapes.
fn tapes_of(disk: &SimulatedDisk) -> BTreeMap<(&'static str, String), Vec<u8>> {
    let of = |name: &'static str| {
        let files = disk.files(&Path::new("/run/tape").join(name));
        files
            .into_iter()
            .map(move |(file, bytes)| ((name, file), bytes))
    };
    NAMES.into_iter().flat_map(of).collect()
}

/// What happens to a house.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Say(bool),
    Advance(i64),
    Kill(usize),
    /// After so many records and messages.
    Dies(usize, u64),
    ComeBack(usize),
    /// It dies in coming back, after so many.
    ComeBackAndDie(usize, u64),
    Pause(usize),
    Resume(usize),
}

fn deeds(victims: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Deed>> {
    let who = move || victims.clone();
    let deed = prop_oneof![
        10 => any::<bool>().prop_map(Deed::Say),
        4 => (0..1_500i64).prop_map(|ms| Deed::Advance(ms * MS)),
        1 => who().prop_map(Deed::Kill),
        2 => (who(), 0..12u64).prop_map(|(who, left)| Deed::Dies(who, left)),
        2 => who().prop_map(Deed::ComeBack),
        1 => (who(), 0..8u64).prop_map(|(who, left)| Deed::ComeBackAndDie(who, left)),
        1 => who().prop_map(Deed::Pause),
        1 => who().prop_map(Deed::Resume),
    ];
    proptest::collection::vec(deed, 1..60)
}

/// Loses, doubles and delays messages until it is told to be calm.
fn weather(seed: u64) -> (Arc<AtomicBool>, crate::runtime::kernel::Delivery) {
    let calm = Arc::new(AtomicBool::new(false));
    let (is_calm, mut stream) = (Arc::clone(&calm), Stream::new(seed, "delivery"));
    let delivery = move |_: &str, _: &[u8]| {
        if is_calm.load(Ordering::Relaxed) {
            return Fate::Arrives(0);
        }
        match stream.between(0, 9) {
            0 => Fate::Lost,
            1 => Fate::Twice(stream.between(0, 20) * MS, stream.between(0, 2_000) * MS),
            2 => Fate::Arrives(stream.between(0, 2_000) * MS),
            _ => Fate::Arrives(0),
        }
    };
    (calm, Box::new(delivery))
}

/// Errors of the disk, each after so many deeds.
fn faults() -> impl Strategy<Value = Vec<(usize, Fault)>> {
    let of = proptest::sample::select(vec![
        None,
        Some(Call::Open),
        Some(Call::Read),
        Some(Call::Write),
        Some(Call::Grow),
        Some(Call::Map),
        Some(Call::Sync),
        Some(Call::SyncDir),
        Some(Call::Names),
    ]);
    let fault = (of, 0..30u64, any::<bool>()).prop_map(|(of, after, lasts)| Fault {
        of,
        after,
        errno: 5,
        lasts,
    });
    proptest::collection::vec((0..60usize, fault), 1..5)
}

fn play(house: &mut House, deeds: &[Deed]) {
    for (number, deed) in deeds.iter().enumerate() {
        match *deed {
            Deed::Say(bar) => house.say(if bar { BAR } else { NEWS }, number as u64),
            Deed::Advance(ns) => house.advance(ns),
            Deed::Kill(who) => house.kernel.kill(who),
            Deed::Dies(who, left) => house.kernel.doom(who, Some(left)),
            Deed::ComeBack(who) => house.come_back(NAMES[who]),
            Deed::ComeBackAndDie(who, left) if !house.kernel.is_up(NAMES[who]) => {
                house.hang_up(NAMES[who], Some(left));
                let opened = house.kernel.reopen(who);
                house.bear(opened);
            }
            Deed::ComeBackAndDie(..) => {}
            Deed::Pause(who) => house.kernel.pause(who),
            Deed::Resume(who) => house.kernel.resume(who),
        }
        while let Err(fallen) = house.kernel.run() {
            house.bear(Err(fallen));
        }
    }
}

/// All are up, nothing is disturbed any more, and what is missing has had its time to be found.
fn calm_down(house: &mut House) {
    for (who, name) in NAMES.into_iter().enumerate() {
        house.kernel.doom(who, None);
        house.kernel.resume(who);
        house.come_back(name);
    }
    house.advance(6 * SECOND);
}

fn check_all_was_heard(house: &House) -> Result<(), TestCaseError> {
    for (hearer, source, topics) in [
        ("hearer", "speaker", &[BAR, NEWS][..]),
        ("worker", "hearer", &[WORD]),
        ("journal", "speaker", &[BAR]),
        ("journal", "hearer", &[WORD]),
        ("journal", "worker", &[DONE]),
    ] {
        let (given, said) = (house.given(hearer, source), house.said(source, topics));
        prop_assert_eq!(given, said, "{} of {}", hearer, source);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_hearer_applies_all_that_each_source_said_once_and_in_order(deeds in deeds(0..4), seed: u64) {
        let (_, tapes) = simulated();
        let (calm, delivery) = weather(seed);
        let mut house = House::new(tapes, Some(delivery));

        play(&mut house, &deeds);
        calm.store(true, Ordering::Relaxed);
        calm_down(&mut house);

        check_all_was_heard(&house)?;
    }

    #[test]
    fn while_the_speaker_lives_the_others_end_as_if_nothing_had_happened(deeds in deeds(1..4), seed: u64) {
        let (_, tapes) = simulated();
        let (calm, delivery) = weather(seed);
        let mut disturbed = House::new(tapes, Some(delivery));
        let (_, tapes) = simulated();
        let mut undisturbed = House::new(tapes, None);

        play(&mut disturbed, &deeds);
        calm.store(true, Ordering::Relaxed);
        // Said by their places in the whole, so that both say the same.
        for (number, deed) in deeds.iter().enumerate() {
            match *deed {
                Deed::Say(bar) => undisturbed.say(if bar { BAR } else { NEWS }, number as u64),
                Deed::Advance(ns) => undisturbed.advance(ns),
                _ => {}
            }
        }
        calm_down(&mut disturbed);
        calm_down(&mut undisturbed);

        for (source, topics) in [("speaker", &[BAR, NEWS][..]), ("hearer", &[WORD]), ("worker", &[DONE])] {
            prop_assert_eq!(disturbed.said(source, topics), undisturbed.said(source, topics), "{}", source);
        }
        for source in ["speaker", "hearer", "worker"] {
            prop_assert_eq!(disturbed.given("journal", source), undisturbed.given("journal", source));
        }
    }

    #[test]
    fn the_same_deeds_and_the_same_seed_leave_the_same_tapes(deeds in deeds(0..4), seed: u64) {
        let run = || {
            let (disk, tapes) = simulated();
            let mut house = House::new(tapes, Some(weather(seed).1));
            play(&mut house, &deeds);
            tapes_of(&disk)
        };

        prop_assert!(run() == run());
    }

    #[test]
    fn a_disk_that_fails_costs_nobody_an_event(deeds in deeds(0..4), faults in faults(), seed: u64) {
        let (disk, tapes) = simulated();
        let (calm, delivery) = weather(seed);
        let mut house = House::new(tapes, Some(delivery));
        house.is_frail = true;

        for (number, deed) in deeds.iter().enumerate() {
            for (_, fault) in faults.iter().filter(|(after, _)| *after == number) {
                disk.fail(*fault);
            }
            play(&mut house, &[*deed]);
        }
        disk.heal();
        calm.store(true, Ordering::Relaxed);
        calm_down(&mut house);
        // Who had read of a disk that was sick has died of it by now, and comes back.
        calm_down(&mut house);

        check_all_was_heard(&house)?;
    }

    #[test]
    fn after_a_power_cut_all_come_back_and_hear_each_other_again(
        before in deeds(0..4), after in deeds(0..4), seed: u64,
    ) {
        let (disk, tapes) = simulated();
        let (calm, delivery) = weather(seed);
        let mut house = House::new(tapes, Some(delivery));
        play(&mut house, &before);
        let lasting: Vec<_> = NAMES.map(|name| house.said(name, &[BAR, NEWS, WORD, DONE])).into();
        (0..4).for_each(|who| house.kernel.kill(who));

        disk.cut_power(&mut Stream::new(seed, "power"));
        let left: Vec<_> = NAMES.map(|name| house.said(name, &[BAR, NEWS, WORD, DONE])).into();
        for (left, lasting) in left.iter().zip(&lasting) {
            prop_assert!(lasting.starts_with(left));
        }
        NAMES.into_iter().for_each(|name| house.come_back(name));
        play(&mut house, &after);
        calm.store(true, Ordering::Relaxed);
        calm_down(&mut house);
        house.say(BAR, 1_000);
        house.advance(2 * SECOND);

        // What stood on no tape any more is heard by nobody again, and who had applied it goes on with what is said now.
        for (hearer, source) in [("hearer", "speaker"), ("worker", "hearer"), ("journal", "worker")] {
            let given = house.given(hearer, source);
            let said = house.said(source, &[BAR, NEWS, WORD, DONE]);
            prop_assert_eq!(given.last(), said.last(), "{} of {}", hearer, source);
        }
    }
}

#[test]
fn tapes_on_files_are_those_of_the_disk_in_memory() {
    let run = |tapes: Folder| {
        let mut house = House::new(tapes, None);
        for number in 0..50 {
            house.say(if number % 3 == 0 { NEWS } else { BAR }, number);
            house.advance(100 * MS);
        }
        house.kernel.kill(1);
        house.come_back("hearer");
        house.advance(2 * SECOND);
        house.kernel.close().unwrap();
    };
    let dir = tempfile::tempdir().unwrap();
    let (disk, tapes) = simulated();

    run(dir.path().into());
    run(tapes);

    for ((name, file), bytes) in tapes_of(&disk) {
        if file.ends_with(".tape") {
            let on_file = std::fs::read(dir.path().join(name).join(&file)).unwrap();
            assert!(on_file == bytes, "{name}/{file}");
        }
    }
}

/// Answers a bar with a text a second later, and sees something at its first chance.
struct Echo {
    has_seen: bool,
}

impl Driver for Echo {
    fn open(&mut self, world: &mut World) {
        world.put("world.text", [NEWS.as_bytes(), b"|opened"].concat());
    }

    fn said(&mut self, topic: &str, said: &Outgoing, world: &mut World) {
        if topic == BAR {
            let payload = split(&said.frame).unwrap().payload;
            let answer = [NEWS.as_bytes(), b"|later ", payload].concat();
            world.put_at(world.now_ns() + SECOND / 2, "world.text", answer);
            world.put(
                "world.text",
                [NEWS.as_bytes(), b"|at once ", payload].concat(),
            );
        }
    }

    fn watch(&mut self, _: i64) -> Option<crate::runtime::kernel::driver::Answer> {
        let first = !std::mem::replace(&mut self.has_seen, true);
        first.then(|| crate::runtime::kernel::driver::Answer {
            topic: "world.text".to_owned(),
            payload: [NEWS.as_bytes(), b"|seen"].concat(),
        })
    }
}

/// A speaker alone, with a driver and a timer.
fn alone(tapes: &Folder) -> (Kernel, Seen) {
    let subscriptions = vec![
        subscription("world.text", Join::Now),
        subscription("world.timer", Join::Now),
        subscription("control.stop", Join::Now),
    ];
    let seen = Seen(Arc::new(Mutex::new(Person::new(&subscriptions, Some(0)))));
    let mut kernel = Kernel::new(0);
    let service = Hung {
        setup: Setup {
            service: Source::new("speaker").unwrap(),
            account: "kitesim-KS0001".to_owned(),
            mode: Mode::Sim,
            day: DAY.parse().unwrap(),
            start_ns: 0,
            subscriptions,
            publications: vec![publication(BAR), publication(NEWS)],
            sequence_modes: vec![],
            tapes: tapes.clone(),
            ask: None,
        },
        workers: vec![None, None],
        about: b"build 1".to_vec(),
        timers: vec![("tick".to_owned(), 300 * MS)],
        options: Options {
            segment_bytes: SEGMENT_BYTES,
            ..Options::default()
        },
        handler: Box::new(seen.clone()),
        driver: Box::new(Echo { has_seen: false }),
        begins_run: true,
        dies_after: None,
    };
    kernel.hang_up(service).unwrap();
    (kernel, seen)
}

#[test]
fn a_driver_answers_at_once_and_later_and_is_watched_before_a_timer() {
    let (_, tapes) = simulated();
    let (mut kernel, seen) = alone(&tapes);
    kernel.open().unwrap();

    kernel
        .world(0, "world.text", [BAR.as_bytes(), b"|1"].concat())
        .unwrap();
    kernel.advance_to(499 * MS).unwrap();
    let early = seen.0.lock().unwrap().given.len();
    kernel.advance_to(SECOND).unwrap();

    let person = seen.0.lock().unwrap();
    let heard: Vec<String> = person
        .given
        .iter()
        .map(|given| String::from_utf8_lossy(&given.4).into_owned())
        .collect();
    let bar = format!("{BAR}|1");
    let news = ["opened", "at once 1", "seen", "later 1"].map(|text| format!("{NEWS}|{text}"));
    let [opened, at_once, seen, later] = news;
    assert_eq!(heard, [opened, bar, at_once, seen, later]);
    assert_eq!(early, 4);
}

#[test]
fn an_answer_to_one_that_has_died_is_lost() {
    let (_, tapes) = simulated();
    let (mut kernel, _) = alone(&tapes);
    kernel
        .world(0, "world.text", [BAR.as_bytes(), b"|1"].concat())
        .unwrap();
    kernel.kill(0);

    let (_, seen) = {
        drop(kernel);
        alone(&tapes)
    };

    let person = seen.0.lock().unwrap();
    assert!(
        person
            .given
            .iter()
            .all(|given| !given.4.ends_with(b"later 1"))
    );
    assert_eq!(
        person.given.len(),
        2,
        "the bar and the answer that came at once"
    );
}

#[test]
fn a_service_whose_disk_fails_falls_and_says_why() {
    let (disk, tapes) = simulated();
    let mut house = House::new(tapes, None);
    house.say(BAR, 1);
    disk.fail(Fault {
        of: Some(Call::Sync),
        after: 0,
        errno: 5,
        lasts: false,
    });

    house.advance(SECOND); // the first to be synced is the speaker's
    let speaker = place_of("speaker");
    let fallen = house
        .kernel
        .world(speaker, "world.text", b"speaker.bar|x".to_vec());

    let fallen = fallen.unwrap_err();
    assert_eq!(fallen.name, "speaker");
    assert!(
        fallen.to_string().contains("could not be synced"),
        "{fallen}"
    );
    assert!(!house.kernel.is_up("speaker"));
    house.come_back("speaker");
    house.say(BAR, 2);
    house.advance(SECOND);
    check_all_was_heard(&house).unwrap();
}
