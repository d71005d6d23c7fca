//! A service that was killed comes back saying what it would have said.
use super::*;
use crate::runtime::clock::Clock;

#[test]
fn what_a_kill_kept_from_the_tape_is_said_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let plan = Plan::hearer(SequenceMode::Sparse);
    let mut hearer = plan.open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    let frame = speaker.say(BAR, &number(1), 0).remove(0);
    *hearer.left.lock().unwrap() = Some(1 + 1); // the message and one of its two words
    assert!(hearer.runtime.hear(&frame, 0, &mut hearer.person).is_err());
    drop(hearer);

    let mut hearer = plan.hang(dir.path(), frail(dir.path(), "hearer", DAY));
    let recovered = hearer
        .runtime
        .recover(plan.about, &mut hearer.person)
        .unwrap();

    assert_eq!((recovered.appended, recovered.rebuilt), (1, false));
    let said = hearer.said();
    assert_eq!(split(&said[0]).unwrap().header.seq, 2);
    assert_eq!(split(&said[0]).unwrap().header.epoch, 1);
}

#[test]
fn a_heart_whose_handler_failed_takes_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    *speaker.left.lock().unwrap() = Some(1);

    assert!(
        speaker
            .runtime
            .world(0, b"speaker.bar|x", 0, &mut speaker.person)
            .is_err()
    );

    let in_hand = speaker
        .runtime
        .in_hand()
        .map(|(topic, header, _)| (topic.to_owned(), header.seq));
    assert_eq!(in_hand, Some(("world.text".to_owned(), 1)));
    assert!(matches!(
        speaker
            .runtime
            .world(0, b"speaker.bar|x", 0, &mut speaker.person),
        Err(RuntimeError::Stopped)
    ));
}

#[test]
fn a_handler_that_says_something_else_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let plan = Plan::hearer(SequenceMode::Sparse);
    let mut hearer = plan.open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    for frame in speaker.say(BAR, &number(1), 0) {
        hearer.hear(&frame, 0);
    }
    drop(hearer);

    let changed: [fn(&mut Person); 3] =
        [|p| p.twist = 1, |p| p.every = 2, |p| p.publication = None];
    for change in changed {
        let mut hearer = plan.hang(dir.path(), frail(dir.path(), "hearer", DAY));
        change(&mut hearer.person);
        let error = hearer
            .runtime
            .recover(plan.about, &mut hearer.person)
            .unwrap_err()
            .to_string();
        assert!(error.contains("event 1.1"), "{error}");
    }
}

#[test]
fn another_build_rebuilds_itself_from_what_it_said_and_takes_its_sources_anew() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut hearer = Plan::hearer(SequenceMode::Sparse).open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    for n in 0..3 {
        for frame in speaker.say(BAR, &number(n), 0) {
            hearer.hear(&frame, 0);
        }
    }
    drop(hearer);

    let mut hearer = Plan {
        about: b"build 2",
        ..Plan::hearer(SequenceMode::Sparse)
    }
    .open(dir.path())
    .unwrap();
    for frame in speaker.say(BAR, &number(3), 0) {
        hearer.hear(&frame, 0);
    }

    assert_eq!(hearer.person.rebuilt, [2, 3, 4, 5, 6, 7]);
    let heard: Vec<_> = hearer
        .person
        .heard()
        .into_iter()
        .map(|(_, payload)| payload.to_vec())
        .collect();
    assert_eq!(heard, [0, 1, 2, 3].map(|n| number(n).to_vec()));
    let first = split(&hearer.said()[0]).unwrap().header;
    assert_eq!((first.epoch, first.seq, first.topic_seq), (2, 7, 7));
}

#[test]
fn a_new_run_stands_where_the_last_one_had_come_to_until_its_own_clock() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut clock = msgpack::Writer::default();
    clock.array(3).int(1_000).int(50).int(30_000);
    let Service {
        runtime, person, ..
    } = &mut speaker;
    runtime.control(2, &clock.0, 50, person).unwrap();
    speaker.say(BAR, &number(1), 60);
    drop(speaker);

    let anew = Plan {
        begins_run: true,
        ..Plan::speaker()
    };
    for plan in [anew, Plan::speaker()] {
        let stands = plan.open(dir.path()).unwrap();
        assert_eq!(*stands.runtime.clock(), Clock::standing(1_300));
        assert_eq!(stands.runtime.phase(), Phase::Waiting);
    }
}

#[test]
fn a_new_day_begins_with_what_the_last_one_ended_with() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut hearer = Plan::hearer(SequenceMode::Sparse).open(dir.path()).unwrap();
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
        ..Plan::hearer(SequenceMode::Sparse)
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
        ..Plan::hearer(SequenceMode::Sparse)
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
        early.runtime.recover(plan.about, &mut early.person),
        Err(RuntimeError::Recovery(_))
    ));
}

#[test]
fn commands_set_the_clock_and_the_phase_and_survive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut plan = Plan::speaker();
    plan.subscriptions.extend([
        subscription("control.start", Join::Now),
        subscription("control.stop", Join::Now),
    ]);
    let mut speaker = plan.open(dir.path()).unwrap();
    let mut clock = msgpack::Writer::default();
    clock.array(3).uint(1_000).uint(10).uint(30_000);

    speaker
        .runtime
        .control(2, &clock.0, 10, &mut speaker.person)
        .unwrap();
    speaker
        .runtime
        .control(3, &[0x91, 0xa0], 10, &mut speaker.person)
        .unwrap();
    drop(speaker);
    let mut speaker = plan.open(dir.path()).unwrap();

    assert_eq!(speaker.runtime.phase(), Phase::Started);
    assert_eq!(speaker.runtime.clock().market_ns(11), 1_030);
    let bar = speaker.say(BAR, b"1", 12).remove(0);
    assert_eq!(split(&bar).unwrap().header.ts_ns, 1_060);
}

#[test]
fn what_code_outside_services_says_has_no_cause_and_keeps_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    speaker.runtime.publish(0, b"1", 0).unwrap();
    drop(speaker);

    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let bar = speaker.say(BAR, b"2", 0).remove(0);

    assert_eq!(split(&bar).unwrap().header.seq, 2);
}

#[test]
fn what_a_build_made_of_anothers_tape_is_executed_again_from_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut hearer = Plan::hearer(SequenceMode::Sparse).open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    for frame in speaker.say(BAR, &number(1), 0) {
        hearer.hear(&frame, 0);
    }
    drop(hearer);
    let newer = Plan {
        about: b"build 2",
        ..Plan::hearer(SequenceMode::Sparse)
    };
    let mut hearer = newer.open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    let (given, count) = (hearer.person.given.clone(), hearer.person.count);
    drop(hearer);

    let hearer = newer.open(dir.path()).unwrap();

    assert_eq!(hearer.person.given, given);
    assert_eq!(hearer.person.count, count);
    assert_eq!(hearer.person.rebuilt, []);
}

#[test]
fn what_it_said_under_a_schema_that_was_replaced_is_refused_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let older = Plan {
        about: br#"{"build":"f00d","schemas":{}}"#,
        ..Plan::speaker()
    };
    let mut speaker = older.open(dir.path()).unwrap();
    speaker.say(BAR, &number(1), 0);
    drop(speaker);
    let mut newer = Plan {
        about: b"build 2",
        ..Plan::speaker()
    };
    newer.publications[0].schema += 1;

    let why = newer.open(dir.path()).err().unwrap().to_string();

    assert!(
        why.ends_with("does not know, written by build f00d: start a new run folder"),
        "{why}"
    );
}
