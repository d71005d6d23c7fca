use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::kite::{Tick, TickFlags};

const INFY: u32 = 408_065;
const NIFTY: u32 = 256_265;
/// 2022-11-24 09:15:00 IST.
const OPEN_NS: i64 = 1_669_261_500 * SECOND_NS;
const CLOSE_NS: i64 = OPEN_NS + 22_500 * SECOND_NS;

fn builder(specs: &[&str]) -> BarBuilder {
    let specs = specs.iter().map(|spec| (INFY, spec.parse().unwrap()));
    BarBuilder::new(specs, Calendar::shipped()).unwrap()
}

/// A tick `seconds` after the opening.
fn tick(seconds: i64, price_e4: i64, volume: u32) -> Tick {
    Tick {
        exchange_ns: OPEN_NS + seconds * SECOND_NS,
        volume,
        ..Tick::new(INFY, price_e4)
    }
}

fn update(builder: &mut BarBuilder, ticks: &[Tick]) -> Vec<Bar> {
    builder.update(&TickBatch::from_ticks(ticks).unwrap())
}

/// What most tests look at: seconds from the opening, open, high, low, close, volume, ticks, short.
fn digest(bars: &[Bar]) -> Vec<(i64, i64, [i64; 4], u64, u64, bool)> {
    let seconds = |time_ns: i64| (time_ns - OPEN_NS) / SECOND_NS;
    let digest = |bar: &Bar| {
        let prices = [bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4];
        (
            seconds(bar.start_ns),
            seconds(bar.end_ns),
            prices,
            bar.volume,
            bar.ticks,
            bar.short,
        )
    };
    bars.iter().map(digest).collect()
}

#[test]
fn a_time_bar_closes_with_the_first_tick_after_it_and_a_gap_stays_a_gap() {
    let mut builder = builder(&["5s"]);
    let ticks = [
        tick(1, 50, 1000),
        tick(4, 70, 1010),
        tick(4, 40, 1030),
        tick(5, 60, 1035),
        tick(21, 65, 1035),
    ];

    let bars = update(&mut builder, &ticks);

    assert_eq!(
        digest(&bars),
        [
            (0, 5, [50, 70, 40, 40], 30, 3, false),
            (5, 10, [60; 4], 5, 1, false)
        ]
    );
    assert_eq!(bars[0].value_e4, 10 * 70 + 20 * 40);
}

#[test]
fn tick_volume_and_value_bars_close_with_the_tick_that_reaches_them() {
    let mut builder = builder(&["2t", "20v", "1r"]);
    let ticks = [
        tick(0, 500, 0),
        tick(1, 500, 15),
        tick(2, 500, 25),
        tick(3, 500, 26),
    ];

    let bars = update(&mut builder, &ticks);

    let closed: Vec<_> = bars
        .iter()
        .map(|bar| (bar.spec.to_string(), bar.volume, bar.ticks))
        .collect();
    let expected = [("2t", 15, 2), ("20v", 25, 3), ("1r", 25, 3), ("2t", 11, 2)];
    assert_eq!(
        closed,
        expected.map(|(spec, volume, ticks)| (spec.to_owned(), volume, ticks))
    );
    assert!(bars.iter().all(|bar| !bar.short));
}

#[test]
fn the_session_closes_the_last_bars_and_says_which_are_short() {
    let mut builder = builder(&["1m", "1h", "1d", "3t"]);
    update(&mut builder, &[tick(22_499, 50, 7)]);

    let bars = builder.close_session(Some(CLOSE_NS));

    // 15:29 ran its minute and the day its day; 15:15 to 15:30 is no hour.
    let shorts: Vec<_> = bars
        .iter()
        .map(|bar| (bar.spec.to_string(), bar.short))
        .collect();
    assert_eq!(
        shorts,
        [("1m", false), ("1h", true), ("1d", false), ("3t", true)].map(|(s, b)| (s.to_owned(), b))
    );
    assert_eq!(bars.iter().map(|bar| bar.end_ns).max(), Some(CLOSE_NS));
    assert_eq!(builder.close_session(None), []);
}

#[test]
fn a_session_that_ends_early_cuts_its_bars() {
    let mut builder = builder(&["1m", "1d"]);
    update(&mut builder, &[tick(60, 50, 7), tick(80, 51, 8)]);

    let bars = builder.close_session(None);

    assert_eq!(
        digest(&bars),
        [
            (60, 80, [50, 51, 50, 51], 1, 2, true),
            (0, 80, [50, 51, 50, 51], 1, 2, true)
        ]
    );
}

#[test]
fn a_closed_session_takes_no_more_ticks_and_the_next_day_begins_anew() {
    let mut builder = builder(&["1m"]);
    update(&mut builder, &[tick(10, 50, 900)]);
    builder.close_session(None);

    assert_eq!(update(&mut builder, &[tick(90, 51, 950)]), []);
    assert_eq!(builder.close_session(None), []);
    update(
        &mut builder,
        &[tick(86_400, 60, 100), tick(86_401, 60, 105)],
    );

    assert_eq!(digest(&builder.close_session(None))[0].3, 5);
    assert_eq!(builder.counts().outside, 1);
}

#[test]
fn a_session_that_is_opened_again_builds_on() {
    let mut builder = builder(&["1m"]);
    update(&mut builder, &[tick(10, 50, 900)]);
    builder.close_session(None);

    builder.open_again();
    builder.gap(OPEN_NS + 70 * SECOND_NS);
    update(&mut builder, &[tick(71, 51, 950), tick(72, 52, 957)]);

    let [bar] = &builder.close_session(None)[..] else {
        panic!("one bar")
    };
    assert_eq!((bar.ticks, bar.volume, bar.gapped), (2, 7, true));
}

#[test]
fn a_tick_from_the_close_on_closes_and_enters_nothing() {
    let mut builder = builder(&["1m", "5t"]);

    let bars = update(&mut builder, &[tick(22_490, 50, 7), tick(22_500, 51, 9)]);

    let closed = [
        (22_440, 22_500, [50; 4], 0, 1, false),
        (22_490, 22_490, [50; 4], 0, 1, true),
    ];
    assert_eq!(digest(&bars), closed);
    assert_eq!(
        builder.counts(),
        BarCounts {
            entered: 1,
            closed: 2,
            outside: 1,
            ..BarCounts::default()
        }
    );
}

#[test]
fn a_new_day_closes_yesterdays_bars_and_sets_the_volume_anew() {
    let mut builder = builder(&["1h", "5t"]);
    update(&mut builder, &[tick(10, 50, 900)]);

    let bars = update(
        &mut builder,
        &[tick(86_400, 60, 100), tick(86_401, 61, 103)],
    );

    assert_eq!(
        digest(&bars),
        [
            (0, 3600, [50; 4], 0, 1, false),
            (10, 10, [50; 4], 0, 1, true)
        ]
    );
    assert_eq!(builder.counts().volume_back, 0);
    assert_eq!(digest(&builder.close_session(None))[0].3, 3);
}

#[test]
fn ticks_before_the_opening_set_the_volume_and_enter_nothing() {
    let mut builder = builder(&["1m"]);
    update(&mut builder, &[tick(-60, 49, 400), tick(2, 50, 450)]);

    assert_eq!(
        digest(&builder.close_session(None)),
        [(0, 2, [50; 4], 50, 1, true)]
    );
    assert_eq!(builder.counts().outside, 1);
}

#[test]
fn what_cannot_be_trusted_enters_no_bar_and_is_counted() {
    let mut builder = builder(&["1d"]);
    let flagged = Tick {
        flags: TickFlags::CROSSED,
        ..tick(1, 90, 20)
    };
    let timeless = Tick {
        exchange_ns: 0,
        ..tick(1, 91, 20)
    };
    let absurd = Tick {
        exchange_ns: i64::MAX,
        ..tick(1, 92, 20)
    };
    let ticks = [
        tick(2, 50, 10),
        flagged,
        timeless,
        absurd,
        tick(1, 93, 20),
        tick(3, 0, 20),
        tick(3, 51, 30),
    ];
    update(&mut builder, &ticks);

    assert_eq!(
        digest(&builder.close_session(None)),
        [(0, 3, [50, 51, 50, 51], 20, 2, true)]
    );
    assert_eq!(
        builder.counts(),
        BarCounts {
            entered: 2,
            closed: 1,
            flagged: 2,
            timeless: 2,
            late: 1,
            ..BarCounts::default()
        }
    );
}

#[test]
fn a_volume_that_goes_back_counts_once_and_no_share_twice() {
    let mut builder = builder(&["1d"]);
    update(
        &mut builder,
        &[
            tick(1, 50, 100),
            tick(2, 50, 130),
            tick(3, 50, 0),
            tick(4, 50, 135),
        ],
    );

    assert_eq!(digest(&builder.close_session(None))[0].3, 35);
    assert_eq!(builder.counts().volume_back, 1);
}

#[test]
fn a_value_beyond_64_bits_is_the_largest_and_counted() {
    let mut builder = builder(&["1d"]);
    update(
        &mut builder,
        &[tick(1, i64::MAX, 0), tick(2, i64::MAX, u32::MAX)],
    );

    assert_eq!(builder.close_session(None)[0].value_e4, i64::MAX);
    assert_eq!(builder.counts().value_overflow, 1);
}

#[test]
fn an_index_has_bars_without_volume() {
    let mut builder = BarBuilder::new([(NIFTY, BarSpec::Seconds(1))], Calendar::shipped()).unwrap();
    let at = |seconds: i64| Tick {
        exchange_ns: OPEN_NS + seconds * SECOND_NS,
        ..Tick::new(NIFTY, 180_000_000)
    };

    let bars = update(&mut builder, &[at(0), at(1)]);

    assert_eq!(digest(&bars), [(0, 1, [180_000_000; 4], 0, 1, false)]);
}

#[test]
fn a_series_is_asked_for_once() {
    let specs = [
        (INFY, BarSpec::Seconds(60)),
        (NIFTY, BarSpec::Seconds(60)),
        (INFY, "1m".parse().unwrap()),
    ];

    let refused = BarBuilder::new(specs, Calendar::shipped()).unwrap_err();

    assert_eq!(
        refused,
        BarError::Twice {
            token: INFY,
            spec: BarSpec::Seconds(60)
        }
    );
    let many = (0..=BAR_SERIES_MAX as u32).map(|token| (token, BarSpec::Day));
    assert_eq!(
        BarBuilder::new(many, Calendar::shipped()).unwrap_err(),
        BarError::Excess
    );
}

/// Ticks of two instruments over two sessions, with steps back, flags and missing times among them.
fn stream() -> impl Strategy<Value = Vec<Tick>> {
    let step = (
        select(vec![INFY, NIFTY]),
        -1..40i64,
        1..1000i64,
        0..50u32,
        0..40u16,
    );
    proptest::collection::vec(step, 0..300).prop_map(|steps| {
        let (mut time_ns, mut volume) = (OPEN_NS - 300 * SECOND_NS, 0);
        let tick = |(token, seconds, price_e4, traded, luck): (u32, i64, i64, u32, u16)| {
            // Now and then a jump of hours, so that sessions and days end.
            time_ns += seconds
                * if luck == 0 {
                    900 * SECOND_NS
                } else {
                    SECOND_NS
                };
            volume += traded;
            let exchange_ns = if luck == 1 { 0 } else { time_ns };
            let volume = if token == INFY { volume } else { 0 };
            Tick {
                exchange_ns,
                volume,
                flags: u16::from(luck == 2),
                ..Tick::new(token, price_e4)
            }
        };
        steps.into_iter().map(tick).collect()
    })
}

const SPECS: [&str; 6] = ["5s", "1m", "1d", "7t", "100v", "1r"];

fn both() -> BarBuilder {
    let specs = [INFY, NIFTY]
        .into_iter()
        .flat_map(|token| SPECS.map(|spec| (token, spec.parse().unwrap())));
    BarBuilder::new(specs, Calendar::shipped()).unwrap()
}

proptest! {
    #[test]
    fn any_split_of_the_ticks_gives_the_same_bars(ticks in stream(), size in 1..50usize) {
        let (mut whole, mut split) = (both(), both());

        let mut at_once = update(&mut whole, &ticks);
        at_once.extend(whole.close_session(None));
        let mut in_parts: Vec<_> = ticks.chunks(size).flat_map(|part| update(&mut split, part)).collect();
        in_parts.extend(split.close_session(None));

        prop_assert_eq!(in_parts, at_once);
        prop_assert_eq!(split.counts(), whole.counts());
    }

    #[test]
    fn every_tick_that_entered_is_in_one_bar_of_each_series(ticks in stream()) {
        let mut builder = both();

        let mut bars = update(&mut builder, &ticks);
        bars.extend(builder.close_session(None));

        for spec in SPECS.map(|spec| spec.parse::<BarSpec>().unwrap()) {
            let of_spec = bars.iter().filter(|bar| bar.spec == spec);
            prop_assert_eq!(of_spec.map(|bar| bar.ticks).sum::<u64>(), builder.counts().entered);
        }
        let volume = |spec: BarSpec| bars.iter().filter(|bar| bar.spec == spec).map(|bar| bar.volume).sum::<u64>();
        prop_assert!(SPECS.iter().all(|spec| volume(spec.parse().unwrap()) == volume(BarSpec::Day)));
        for bar in &bars {
            prop_assert!(bar.high_e4 >= bar.open_e4.max(bar.close_e4) && bar.low_e4 <= bar.open_e4.min(bar.close_e4));
            prop_assert!(bar.start_ns <= bar.end_ns && bar.ticks > 0);
        }
        let counts = builder.counts();
        prop_assert_eq!(counts.entered + counts.flagged + counts.timeless + counts.late + counts.outside, ticks.len() as u64);
    }

    #[test]
    fn time_bars_stand_on_the_sessions_grid_and_never_overlap(ticks in stream()) {
        let mut builder = builder(&["1m"]);

        let mut bars = update(&mut builder, &ticks);
        bars.extend(builder.close_session(None));

        prop_assert!(bars.iter().all(|bar| (bar.start_ns - OPEN_NS) % (60 * SECOND_NS) == 0));
        prop_assert!(bars.windows(2).all(|pair| pair[0].end_ns <= pair[1].start_ns));
    }
}

proptest! {
    /// What the ticks are, a bar is gapped exactly when it began before we listened or was open when an outage ended.
    #[test]
    fn a_bar_is_gapped_exactly_when_it_lacks_ticks(
        seconds in prop::collection::btree_set(0i64..60, 1..30), from in 0i64..60, outage in 0i64..60
    ) {
        let mut builder = builder(&["5s"]);
        builder.gap(OPEN_NS + from * SECOND_NS);
        let mut bars = Vec::new();
        let mut is_out = false;
        for &second in &seconds {
            if second >= outage && !is_out {
                builder.gap(OPEN_NS + outage * SECOND_NS);
                is_out = true;
            }
            bars.extend(update(&mut builder, &[tick(second, 50, 0)]));
        }
        bars.extend(builder.close_session(None));

        for bar in bars {
            let start = (bar.start_ns - OPEN_NS) / SECOND_NS;
            let ticks = seconds.range(start..start + 5);
            let opened_before = ticks.clone().next().is_some_and(|&first| first < outage);
            let limit = if opened_before || !is_out { from } else { outage };
            // Bars close with the next tick only, so one that had ended may still be open when the outage does.
            let was_open = is_out && opened_before && seconds.range(start + 5..).next().is_none_or(|&next| next >= outage);
            prop_assert_eq!(bar.gapped, start < limit || was_open, "bar at {}", start);
        }
    }
}

#[test]
fn bars_that_are_not_of_time_are_gapped_when_they_were_open() {
    let mut builder = builder(&["2t"]);
    update(&mut builder, &[tick(0, 50, 0)]);
    builder.gap(OPEN_NS + 10 * SECOND_NS);

    let bars = update(
        &mut builder,
        &[tick(11, 50, 0), tick(12, 50, 0), tick(13, 50, 0)],
    );

    assert_eq!(
        bars.iter().map(|bar| bar.gapped).collect::<Vec<_>>(),
        [true, false]
    );
}

#[test]
fn a_bar_that_began_when_ticks_began_to_be_heard_lacks_none() {
    let mut builder = builder(&["5s"]);
    update(&mut builder, &[tick(0, 50, 0)]);
    builder.gap(OPEN_NS);

    let bars = update(&mut builder, &[tick(6, 50, 0)]);

    assert_eq!(
        bars.iter().map(|bar| bar.gapped).collect::<Vec<_>>(),
        [false]
    );
}
