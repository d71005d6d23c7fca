//! The codec's promises over whole frames: identity, totality, and real packets.
use proptest::prelude::*;

use super::*;

/// INFY's quote packet of Kite's published mocks.
const INFY_QUOTE: [u8; 44] = [
    0x00, 0x06, 0x3a, 0x01, 0x00, 0x02, 0x66, 0x83, 0x00, 0x00, 0x00, 0x01, 0x00, 0x02, 0x65, 0x69,
    0x00, 0x11, 0xf1, 0xb2, 0x00, 0x03, 0xe9, 0xff, 0x00, 0x05, 0x80, 0x37, 0x00, 0x02, 0x64, 0xf3,
    0x00, 0x02, 0x67, 0x3c, 0x00, 0x02, 0x61, 0xc9, 0x00, 0x02, 0x64, 0x6c,
];

fn frame_of(bodies: &[&[u8]]) -> Vec<u8> {
    let mut frame = (bodies.len() as u16).to_be_bytes().to_vec();
    for body in bodies {
        frame.extend_from_slice(&(body.len() as u16).to_be_bytes());
        frame.extend_from_slice(body);
    }
    frame
}

fn plain(frame: &[u8]) -> Decoded {
    decode(frame, &Divisors::default())
}

fn ltp(token: u32) -> [u8; 8] {
    let [a, b, c, d] = token.to_be_bytes();
    [a, b, c, d, 0, 0, 0, 7]
}

fn tokens(decoded: &Decoded) -> Vec<u32> {
    decoded.batch.token().to_vec()
}

#[test]
fn the_published_quote_packet_reads_as_published() {
    let decoded = plain(&frame_of(&[&INFY_QUOTE]));

    let infy = Tick {
        kind: TickKind::Quote,
        open_e4: 15_691_500,
        high_e4: 15_750_000,
        low_e4: 15_610_500,
        close_e4: 15_678_000,
        average_price_e4: 15_703_300,
        last_quantity: 1,
        volume: 1_175_986,
        buy_quantity: 256_511,
        sell_quantity: 360_503,
        ..Tick::new(408_065, 15_731_500)
    };
    assert_eq!(decoded.batch.ticks().collect::<Vec<_>>(), [infy]);
    assert_eq!(decoded.counts, FrameCounts::default());
}

#[test]
fn an_index_says_high_low_open_close() {
    let mut body = [0; 32];
    for (field, value) in [
        256_265,
        1_810_000,
        1_820_000,
        1_790_000,
        1_800_000,
        1_795_000,
        15_000,
        1_669_262_100u32,
    ]
    .into_iter()
    .enumerate()
    {
        body[field * 4..][..4].copy_from_slice(&value.to_be_bytes());
    }

    let tick = plain(&frame_of(&[&body])).batch.tick(0).unwrap();

    let nifty = Tick {
        kind: TickKind::IndexFull,
        exchange_ns: 1_669_262_100_000_000_000,
        open_e4: 180_000_000,
        high_e4: 182_000_000,
        low_e4: 179_000_000,
        close_e4: 179_500_000,
        ..Tick::new(256_265, 181_000_000)
    };
    assert_eq!(tick, nifty);
}

#[test]
fn a_heartbeat_is_no_tick_and_no_error() {
    let decoded = plain(&[0]);

    assert!(decoded.batch.is_empty());
    assert_eq!(
        decoded.counts,
        FrameCounts {
            heartbeats: 1,
            ..FrameCounts::default()
        }
    );
}

#[test]
fn an_unknown_length_costs_that_packet_alone() {
    let decoded = plain(&frame_of(&[&ltp(1), &[9; 33], &[], &ltp(2)]));

    assert_eq!(tokens(&decoded), [1, 2]);
    assert_eq!(
        decoded.counts,
        FrameCounts {
            unknown: 2,
            ..FrameCounts::default()
        }
    );
}

#[test]
fn a_frame_that_ends_early_keeps_its_whole_packets() {
    let whole = frame_of(&[&ltp(1), &ltp(2), &INFY_QUOTE]);
    for end in [24, 23, 22] {
        let decoded = plain(&whole[..end]);

        assert_eq!(tokens(&decoded), [1, 2], "cut at {end}");
        assert_eq!(
            decoded.counts,
            FrameCounts {
                truncated: 1,
                ..FrameCounts::default()
            }
        );
    }
}

#[test]
fn bytes_after_the_last_packet_are_one_error() {
    let mut frame = frame_of(&[&ltp(1)]);
    frame.extend_from_slice(&[1, 2, 3]);

    let decoded = plain(&frame);

    assert_eq!(tokens(&decoded), [1]);
    assert_eq!(
        decoded.counts,
        FrameCounts {
            trailing: 1,
            ..FrameCounts::default()
        }
    );
}

#[test]
fn an_empty_frame_is_an_error_and_a_frame_of_no_packets_is_none() {
    assert_eq!(plain(&[]).counts.errors(), 1);
    assert_eq!(plain(&[0, 0]).counts.errors(), 0);
}

#[test]
fn a_batch_takes_as_many_packets_as_a_connection_has_and_counts_the_rest() {
    let body = ltp(5);
    let bodies = vec![&body[..]; BATCH_TICKS_MAX + 2];

    let decoded = plain(&frame_of(&bodies));

    assert_eq!(decoded.batch.len(), BATCH_TICKS_MAX);
    assert_eq!(
        decoded.counts,
        FrameCounts {
            excess: 2,
            ..FrameCounts::default()
        }
    );
}

#[test]
fn currency_is_rounded_half_even_to_our_unit() {
    let body = |wire: u32| {
        let mut body = ltp(1612 << 8 | 3);
        body[4..].copy_from_slice(&wire.to_be_bytes());
        body
    };

    let decoded = plain(&frame_of(&[
        &body(832_412_500),
        &body(832_411_500),
        &body(832_411_501),
    ]));

    assert_eq!(decoded.batch.last_price_e4(), [832_412, 832_412, 832_412]);
}

#[test]
fn a_value_that_no_packet_carries_is_refused_and_the_frame_left_alone() {
    let good = Tick::new(408_065, 15_731_500);
    let bad = Tick {
        exchange_ns: -1,
        ..good
    };
    let mut frame = vec![7];

    let refused = encode_frame(
        [(good, Mode::Full), (bad, Mode::Full)],
        &Divisors::default(),
        &mut frame,
    );

    assert_eq!(
        refused,
        Err(EncodeError::Unfit {
            index: 1,
            field: "exchange_ns",
            value: -1
        })
    );
    assert_eq!(frame, [7]);
    assert_eq!(
        encode_frame([(bad, Mode::Quote)], &Divisors::default(), &mut frame),
        Ok(())
    );
    let many = std::iter::repeat_n((good, Mode::Ltp), BATCH_TICKS_MAX + 1);
    assert_eq!(
        encode_frame(many, &Divisors::default(), &mut frame),
        Err(EncodeError::Excess)
    );
}

proptest! {
    #[test]
    fn decoding_gives_back_what_was_encoded(ticks in strategies::ticks(0..20)) {
        let mut frame = Vec::new();
        let modes = ticks.iter().map(|tick| (tick, tick.kind.mode()));
        encode_frame(modes, &Divisors::default(), &mut frame).unwrap();

        let decoded = plain(&frame);

        prop_assert_eq!(decoded.batch.ticks().collect::<Vec<_>>(), ticks);
        prop_assert_eq!(decoded.counts, FrameCounts::default());
    }
}

proptest! {
    #[test]
    fn whatever_follows_good_packets_they_are_kept(
        ticks in strategies::ticks(0..8),
        junk in proptest::collection::vec(any::<u8>(), 0..400),
        announced_more in 0..300u16,
    ) {
        let mut frame = Vec::new();
        let modes = ticks.iter().map(|tick| (tick, tick.kind.mode()));
        encode_frame(modes, &Divisors::default(), &mut frame).unwrap();
        frame[..2].copy_from_slice(&(ticks.len() as u16 + announced_more).to_be_bytes());
        frame.extend_from_slice(&junk);

        let decoded = plain(&frame);

        let kept: Vec<_> = decoded.batch.ticks().take(ticks.len()).collect();
        prop_assert_eq!(&kept, &ticks);
        let announced = ticks.len() + usize::from(announced_more);
        prop_assert!(decoded.batch.len() == announced || decoded.counts.errors() > 0);
    }
}

/// xorshift64*: enough to choose mutations, and the same at each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as usize % sides
    }
}

/// Changes a frame where its structure is: the count, a length, a body, an end; or anywhere at all.
fn mutate(frame: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.roll(frame.len().max(1));
    match dice.roll(8) {
        0 => frame.truncate(at),
        1 => frame.extend_from_slice(&[0xa5; 200][..dice.roll(200)]),
        2 if frame.len() > 1 => frame[1] = dice.roll(256) as u8,
        3 if frame.len() > 3 => frame[3] = [0, 8, 28, 32, 44, 184, 185, 255][dice.roll(8)],
        4 if frame.len() > 2 => frame[2] = dice.roll(3) as u8,
        5 if !frame.is_empty() => drop(frame.remove(at)),
        6 => frame.insert(at, dice.roll(256) as u8),
        _ if !frame.is_empty() => frame[at] ^= 1 << dice.roll(8),
        _ => frame.push(0),
    }
}

#[test]
fn a_million_mutated_frames_give_ticks_or_counted_errors() {
    let full: Vec<u8> = (0..184).map(|at| (at * 37) as u8).collect();
    let seeds = [
        frame_of(&[&INFY_QUOTE]),
        frame_of(&[&INFY_QUOTE, &full, &ltp(256_265), &full[..28], &full[..32]]),
        frame_of(&[&full, &full]),
        frame_of(&[&ltp(884_737)]),
    ];
    let mut dice = Dice(0x006b_6974_6576_3320);
    let mut sanity = Sanity::default();
    let (mut ticks, mut errors) = (0, 0);
    for round in 0..1_000_000 {
        let mut frame = seeds[round % seeds.len()].clone();
        for _ in 0..=dice.roll(4) {
            mutate(&mut frame, &mut dice);
        }

        let mut decoded = plain(&frame);
        sanity.check(&mut decoded.batch, None);

        // Each good packet takes its bytes: no tick is made of nothing.
        let bodies: usize = decoded
            .batch
            .kind()
            .iter()
            .map(|&kind| TickKind::ALL[usize::from(kind)].packet_bytes() + 2)
            .sum();
        assert!(bodies <= frame.len(), "round {round}");
        ticks += decoded.batch.len();
        errors += decoded.counts.errors();
    }
    assert!(
        ticks > 500_000 && errors > 500_000,
        "{ticks} ticks and {errors} errors: mutations miss a side"
    );
}
