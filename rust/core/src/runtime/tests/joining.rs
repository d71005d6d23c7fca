//! Ticks by reference, old ticks, and hearers that come late.
use super::*;
use crate::runtime::range::{Ask, answer};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

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
    let mut hearer = Plan::hearer(SequenceMode::All).open(dir.path()).unwrap();
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
    assert_eq!(hearer.runtime.counters().gaps_filled, 1);
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

    let hearer = Plan::hearer(SequenceMode::All).open(dir.path()).unwrap();

    assert_eq!(hearer.person.given, given);
}

#[test]
fn of_ticks_that_are_too_old_the_newest_of_each_instrument_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut hearer = Plan::hearer(SequenceMode::All).open(dir.path()).unwrap();
    hearer.join("speaker", 0);
    for n in 1..=3 {
        speaker.say_ticks(&[Tick::new(256265, n * 100)], n * SECOND);
    }
    speaker.say_ticks(&[Tick::new(408065, 900)], 3 * SECOND);
    speaker.say(BAR, &number(1), 4 * SECOND);
    speaker.say_ticks(&[Tick::new(256265, 500)], 9 * SECOND);

    hearer.hear(&speaker.runtime.heartbeat(0), 9 * SECOND + 1);

    let given = &hearer.person.given;
    let topics: Vec<&str> = given.iter().map(|given| given.0.as_str()).collect();
    assert_eq!(topics, ["world.sequence_gap", TICK, BAR, TICK]);
    let mut gap = msgpack::Reader(&given[0].4);
    assert_eq!((gap.array(), gap.text()), (Some(3), Some(&b"speaker"[..])));
    assert_eq!(ticks_of(&given[1].4), [(256265, 300), (408065, 900)]);
    assert_eq!((given[1].2, given[1].3 & LAST_VALUE), (4, LAST_VALUE));
    assert_eq!(ticks_of(&given[3].4), [(256265, 500)]);
    assert_eq!(hearer.runtime.counters().skipped, 4);
    let given = given.clone();
    drop(hearer);
    assert_eq!(
        Plan::hearer(SequenceMode::All)
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
        (BAR, b"1".to_vec()),
        (HEALTH, row("a", 1)),
        (HEALTH, row("b", 1)),
        (NEWS, b"x".to_vec()),
        (BAR, b"2".to_vec()),
        (HEALTH, row("a", 2)),
    ] {
        speaker.say(topic, &payload, 0);
    }
    speaker.say_ticks(&[Tick::new(256265, 100)], 0);
    speaker.say_ticks(&[Tick::new(408065, 200)], 0);
    let mut plan = Plan::hearer(SequenceMode::All);
    plan.subscriptions.push(subscription(NEWS, Join::Now));
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
            (HEALTH, &row("b", 1)),
            (BAR, b"2"),
            (HEALTH, &row("a", 2))
        ]
    );
    assert_eq!(
        (*tick, ticks_of(newest)),
        (TICK, vec![(256265, 100), (408065, 200)])
    );
    assert_eq!(*news, (NEWS, &b"y"[..]));
    assert_eq!(hearer.runtime.counters().gaps_seen, 0);
}

#[test]
fn who_needs_the_whole_day_is_given_old_ticks_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut speaker = Plan::speaker().open(dir.path()).unwrap();
    let mut plan = Plan::hearer(SequenceMode::All);
    for subscription in &mut plan.subscriptions {
        subscription.join = Join::Day;
    }
    speaker.say_ticks(&[Tick::new(256265, 100)], 0);
    let mut hearer = plan.open(dir.path()).unwrap();
    hearer.join("speaker", 9 * SECOND);
    speaker.say_ticks(&[Tick::new(256265, 200)], 0);

    hearer.hear(&speaker.runtime.heartbeat(0), 9 * SECOND);

    let prices: Vec<_> = hearer
        .person
        .given
        .iter()
        .map(|given| ticks_of(&given.4)[0].1)
        .collect();
    assert_eq!(prices, [100, 200]);
    assert_eq!(hearer.runtime.counters().skipped, 0);
}

#[test]
fn who_hears_the_first_words_of_a_source_misses_nothing_of_what_it_said_meanwhile() {
    for is_beat in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut speaker = Plan::speaker().open(dir.path()).unwrap();
        let mut hearer = Plan::hearer(SequenceMode::All).open(dir.path()).unwrap();
        let beat = speaker.runtime.heartbeat(0);
        let first = speaker.say(HEALTH, &row("speaker", 1), 0);
        for n in 2..=3 {
            speaker.say(HEALTH, &row("speaker", n), 0);
        }

        hearer.hear(if is_beat { &beat } else { &first[0] }, 0);

        let given = hearer.person.given.iter();
        let given: Vec<&str> = given.map(|given| given.0.as_str()).collect();
        assert_eq!(given, [HEALTH; 3]);
    }
}

#[test]
fn what_lies_elsewhere_is_heard_by_request_as_it_would_be_from_the_file() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tapes = there.path().to_owned();
    let ask: Ask =
        Arc::new(move |source, request| answer(tapes.join(source.as_str()), request, 300));
    let elsewhere = || Plan {
        ask: Some(Arc::clone(&ask)),
        ..Plan::hearer(SequenceMode::All)
    };
    let mut speaker = Plan::speaker().open(there.path()).unwrap();
    let say = |speaker: &mut Service, n: u64| {
        let mut frames = speaker.say(BAR, &number(n), 0);
        frames.extend(speaker.say(NEWS, &number(n), 0));
        frames.extend(speaker.say(HEALTH, &row("speaker", n), 0));
        frames.extend(speaker.say_ticks(&[Tick::new(256265, n as i64 * 100)], 0));
        frames
    };
    for n in 1..=20 {
        say(&mut speaker, n);
    }
    let mut by_file = Plan::hearer(SequenceMode::All).open(there.path()).unwrap();
    let mut by_request = elsewhere().open(here.path()).unwrap();
    by_file.join("speaker", 0);
    by_request.join("speaker", 0);
    let joined = by_request.person.given.len();
    for n in 21..=40 {
        let frames = say(&mut speaker, n);
        for hearer in [&mut by_file, &mut by_request] {
            hearer.hear(&frames[n as usize % 4], 0);
        }
    }
    drop(speaker);
    let speaker = Plan::speaker().open(there.path()).unwrap();
    for hearer in [&mut by_file, &mut by_request] {
        hearer.hear(&speaker.runtime.heartbeat(0), 0);
    }

    assert_eq!(joined, 22);
    assert_eq!(by_request.person.given.len(), joined + 60);
    assert_eq!(by_request.person.given, by_file.person.given);
    let given = by_request.person.given.clone();
    drop((by_request, there));
    assert_eq!(elsewhere().open(here.path()).unwrap().person.given, given); // it comes back without asking
}

#[test]
fn a_source_that_does_not_answer_is_taken_up_once_it_does() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (tapes, answers) = (there.path().to_owned(), Arc::new(AtomicUsize::new(0)));
    let left = Arc::clone(&answers);
    let ask: Ask = Arc::new(move |source, request| {
        let left = left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        left.ok()
            .and_then(|_| answer(tapes.join(source.as_str()), request, 300))
    });
    let mut speaker = Plan::speaker().open(there.path()).unwrap();
    for n in 1..=20 {
        speaker.say(BAR, &number(n), 0);
    }
    for possible in [0, 1, 7] {
        let plan = Plan {
            ask: Some(Arc::clone(&ask)),
            ..Plan::hearer(SequenceMode::Sparse)
        };
        let mut hearer = plan.open(&here.path().join(possible.to_string())).unwrap();
        for answered in [possible, usize::MAX, usize::MAX] {
            answers.store(answered, Relaxed);
            hearer.hear(&speaker.runtime.heartbeat(0), 0);
        }
        let bars = hearer.person.given.iter().filter(|given| given.0 == BAR);
        assert_eq!(
            bars.map(|given| given.2).collect::<Vec<_>>(),
            (1..=20).collect::<Vec<u64>>()
        );
    }
}
