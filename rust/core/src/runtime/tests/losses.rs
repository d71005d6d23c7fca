//! Over any losses and kills everything is heard once, in order; what is not ours is refused.
use super::*;

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
        let plan = Plan::hearer(if all { SequenceMode::All } else { SequenceMode::Sparse });
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
                    expected.push((HEALTH.to_owned(), row(&(n as u64).to_string(), 0)));
                    speaker.say(HEALTH, &row(&(n as u64).to_string(), 0), 0)
                }
                Step::News => speaker.say(NEWS, b"nobody hears it", 0),
                Step::Beat => vec![speaker.runtime.heartbeat(0)],
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

        hearer.hear(&speaker.runtime.heartbeat(0), 0);

        let heard = hearer.person.heard();
        let heard: Vec<_> = heard.iter().map(|(topic, payload)| ((*topic).to_owned(), payload.to_vec())).collect();
        prop_assert_eq!(heard, expected);
        prop_assert!(!hearer.runtime.has_open_gap());
        let _ = given;
    }

    /// Wherever in its records a process is killed, it comes back saying what it would have said.
    #[test]
    fn a_kill_at_any_record_changes_nothing_that_is_said(kill_at in 0u64..40) {
        let dir = tempfile::tempdir().unwrap();
        let mut speaker = Plan::speaker().open(dir.path()).unwrap();
        let plan = Plan::hearer(SequenceMode::Sparse);
        let mut hearer = plan.open(dir.path()).unwrap();
        hearer.join("speaker", 0);
        *hearer.left.lock().unwrap() = Some(kill_at);
        for n in 0..12 {
            for frame in speaker.say(BAR, &number(n), 0) {
                let _ = hearer.runtime.hear(&frame, 0, &mut hearer.person);
            }
        }

        drop(hearer);
        let mut hearer = plan.open(dir.path()).unwrap();
        hearer.join("speaker", 0);

        let mut follower = crate::runtime::archive::Follower::open(dir.path().join("hearer"), DAY.parse().unwrap());
        let mut said = vec![];
        while let Some(entry) = follower.next(|_, _| true).unwrap() {
            if let crate::runtime::archive::Entry::Said(one) = entry {
                said.push((one.header.seq, split(&one.frame).unwrap().payload.to_vec()));
            }
        }
        let expected: Vec<_> = (0..24).map(|n| (n + 1, number(n + 2).to_vec())).collect();
        prop_assert_eq!(said, expected);
    }
}

#[test]
fn a_source_that_lost_its_tail_is_followed_from_where_it_continues() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut hearer = Plan::hearer(SequenceMode::Sparse).open(dir.path()).unwrap();
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
fn a_worker_that_joins_after_other_words_of_its_source_finds_no_hole_in_its_work() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let plan = Plan {
        subscriptions: vec![subscription(BAR, Join::Day)],
        sequence_modes: vec![("speaker".to_owned(), SequenceMode::Work)],
        ..Plan::hearer(SequenceMode::Work)
    };
    speaker.say(NEWS, b"x", 0);
    speaker.say(NEWS, b"y", 0);
    let mut worker = plan.open(dir.path()).unwrap();
    worker.join("speaker", 0);
    let work = speaker.say(BAR, &number(1), 0).remove(0);

    worker.hear(&work, 0);

    assert_eq!(worker.person.heard(), [(BAR, &number(1)[..])]);
    assert_eq!(worker.runtime.counters().gaps_seen, 0);
}

#[test]
fn a_worker_mends_only_what_its_pull_did_not_bring() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let plan = Plan {
        subscriptions: vec![subscription(BAR, Join::Day)],
        sequence_modes: vec![("speaker".to_owned(), SequenceMode::Work)],
        ..Plan::hearer(SequenceMode::Work)
    };
    let mut worker = plan.open(dir.path()).unwrap();
    worker.join("speaker", 0);
    worker.hear(&speaker.runtime.heartbeat(0), 0);
    let (one, _news) = (
        speaker.say(BAR, &number(1), 0).remove(0),
        speaker.say(NEWS, b"x", 0),
    );

    worker.hear(&speaker.runtime.heartbeat(0), 0); // it overtakes the work
    worker.hear(&one, 0);
    worker.runtime.settle(0, &mut worker.person).unwrap();
    assert_eq!(worker.runtime.counters().gaps_seen, 0);
    speaker.say(BAR, &number(2), 0);
    worker.hear(&speaker.runtime.heartbeat(0), 0);
    worker.runtime.settle(0, &mut worker.person).unwrap();

    assert_eq!(
        worker.person.heard(),
        [(BAR, number(1).as_slice()), (BAR, number(2).as_slice())]
    );
    assert_eq!(worker.runtime.counters().gaps_filled, 1);
}

#[test]
fn a_message_of_another_world_is_refused_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut plan = Plan::hearer(SequenceMode::Sparse);
    plan.subscriptions[0].schemas = vec![8, SCHEMA];
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
        .runtime
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
fn a_hole_that_cannot_be_mended_is_told_once_and_again_when_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut hearer = Plan::hearer(SequenceMode::Sparse).open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    let frames: Vec<_> = (0..4)
        .flat_map(|n| speaker.say(BAR, &number(n), 0))
        .collect();
    hearer.hear(&frames[0], 0);
    let (tape, hidden) = (dir.path().join("speaker"), dir.path().join("hidden"));
    hearer
        .runtime
        .forget_follower(&Source::new("speaker").unwrap());
    std::fs::rename(&tape, &hidden).unwrap();

    hearer.hear(&frames[2], 0);
    hearer.hear(&frames[3], 0);
    assert!(hearer.runtime.has_open_gap());
    std::fs::rename(&hidden, &tape).unwrap();
    hearer
        .runtime
        .forget_follower(&Source::new("speaker").unwrap());
    hearer.hear(&speaker.runtime.heartbeat(0), 0);

    let topics: Vec<&str> = hearer
        .person
        .given
        .iter()
        .map(|given| given.0.as_str())
        .collect();
    assert_eq!(
        topics,
        [
            BAR,
            "world.sequence_gap",
            BAR,
            BAR,
            BAR,
            "world.sequence_gap"
        ]
    );
    let gaps = hearer
        .person
        .given
        .iter()
        .filter(|given| given.0 == "world.sequence_gap");
    let opened: Vec<u8> = gaps.map(|given| given.4[1 + 1 + "speaker".len()]).collect();
    assert_eq!(opened, [0xc3, 0xc2]); // true, then false
    assert!(!hearer.runtime.has_open_gap());
}

/// Live and whenever it is executed again: what cannot be read keeps its place, is counted and named, and stops nothing.
#[test]
fn an_event_that_cannot_be_read_is_refused_each_time_and_the_next_is_heard() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let plan = Plan::hearer(SequenceMode::Sparse);
    let mut hearer = plan.open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    for payload in [UNREADABLE, b"1"] {
        for frame in speaker.say(BAR, payload, 0) {
            hearer.hear(&frame, 0);
        }
    }
    let live = hearer.runtime.counters().clone();
    drop(hearer);

    let again = plan.open(dir.path()).unwrap();

    assert_eq!(again.person.heard(), [(BAR, &b"1"[..])]);
    assert_eq!(live.refused.get("payload"), Some(&1));
    assert_eq!(
        live.last_refused,
        "speaker.bar 1.1 of speaker: it cannot be read"
    );
    assert_eq!(again.runtime.counters().refused, live.refused);
    assert_eq!(again.runtime.counters().last_refused, live.last_refused);
}

/// A message whose number no tape has was not said by its source: it is refused, and who hears goes on.
#[test]
fn a_forged_number_is_refused_and_opens_no_gap() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut hearer = Plan::hearer(SequenceMode::Sparse).open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    let frame = speaker.say(BAR, &number(1), 0).remove(0);
    hearer.hear(&frame, 0);
    let message = split(&frame).unwrap();
    let forged = Header {
        seq: u64::MAX,
        sparse_seq: u32::MAX,
        topic_seq: u64::MAX,
        ..message.header
    };

    hearer.hear(&join(message.topic, &forged, message.payload), 0);
    let next = speaker.say(BAR, &number(2), 0).remove(0);
    hearer.hear(&next, 0);

    assert!(!hearer.runtime.has_open_gap());
    assert_eq!(hearer.runtime.counters().refused.get("forged"), Some(&1));
    assert_eq!(
        hearer.person.heard(),
        [(BAR, &number(1)[..]), (BAR, &number(2)[..])]
    );
}

/// A decision stands on news that comes by another socket, and may come before it: the news is taken first.
#[test]
fn what_a_message_stands_on_is_taken_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut relay = Plan {
        name: "relay",
        subscriptions: vec![subscription(BAR, Join::Day)],
        publications: vec![Publication {
            after: Some("speaker".to_owned()),
            ..publication("relay.word")
        }],
        ..Plan::hearer(SequenceMode::Sparse)
    }
    .open(dir.path())
    .unwrap();
    let gate = Plan {
        name: "gate",
        subscriptions: vec![
            subscription(BAR, Join::Day),
            Subscription {
                after: Some("speaker".to_owned()),
                ..subscription("relay.word", Join::Now)
            },
        ],
        publications: vec![publication("gate.word")],
        sequence_modes: vec![
            ("speaker".to_owned(), SequenceMode::Sparse),
            ("relay".to_owned(), SequenceMode::Work),
        ],
        ..Plan::hearer(SequenceMode::Sparse)
    };
    let mut hearer = gate.open(dir.path()).unwrap();
    for source in ["speaker", "relay"] {
        hearer.join(source, 0);
    }
    relay.join("speaker", 0);
    let bar = speaker.say(BAR, &number(1), 0).remove(0);
    relay.hear(&bar, 0);
    let word = relay.said().remove(0);
    assert_eq!(
        split(&word).unwrap().header.after,
        After { epoch: 1, seq: 1 }
    );

    assert!(hearer.runtime.is_ahead(&word));
    hearer.hear(&word, 0);
    assert!(!hearer.runtime.is_ahead(&word));
    hearer.hear(&bar, 0);

    let topics: Vec<&str> = hearer
        .person
        .heard()
        .iter()
        .map(|(topic, _)| *topic)
        .collect();
    assert_eq!(topics, [BAR, "relay.word"]);
    assert_eq!(hearer.runtime.counters().duplicates, 1);
    let given = hearer.person.given.clone();
    drop(hearer);
    assert_eq!(gate.open(dir.path()).unwrap().person.given, given);
}
