//! How to draw ticks and frames.
use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::select;

use super::segment::{Divisors, SEGMENT_BCD, SEGMENT_CDS, SEGMENT_INDICES, SEGMENT_NCO, Scale};
use super::{Mode, Tick, TickKind};

pub fn tokens() -> impl Strategy<Value = u32> {
    let segments = select(vec![
        1,
        2,
        SEGMENT_CDS,
        4,
        SEGMENT_BCD,
        7,
        SEGMENT_INDICES,
        SEGMENT_NCO,
    ]);
    (0..1u32 << 24, segments).prop_map(|(exchange_token, segment)| exchange_token << 8 | segment)
}

/// Ticks that a packet of their kind carries without loss.
pub fn tick() -> impl Strategy<Value = Tick> {
    let kind = select(Mode::ALL);
    let wire = proptest::collection::vec(any::<u32>(), 16 + 2 * super::DEPTH_LEVELS);
    let orders = any::<[u16; super::DEPTH_LEVELS]>();
    (tokens(), kind, wire, orders)
        .prop_map(|(token, mode, wire, orders)| build(token, mode.kind(token), &wire, orders))
}

pub fn ticks(length: Range<usize>) -> impl Strategy<Value = Vec<Tick>> {
    proptest::collection::vec(tick(), length)
}

fn build(token: u32, kind: TickKind, wire: &[u32], orders: [u16; super::DEPTH_LEVELS]) -> Tick {
    let e4 = |at: usize| match Divisors::default().scale(token) {
        Scale::Hundredth => i64::from(wire[at]) * 100,
        Scale::TenThousandth => i64::from(wire[at]),
        // Representable both ways: a whole number of 1/10,000 whose thousandfold fits the packet.
        Scale::TenMillionth => i64::from(wire[at] / 1000),
    };
    let ns = |at: usize| i64::from(wire[at]) * 1_000_000_000;
    let mut tick = Tick {
        kind,
        ..Tick::new(token, e4(0))
    };
    if matches!(kind, TickKind::IndexFull | TickKind::Full) {
        tick.exchange_ns = ns(1);
    }
    if kind != TickKind::Ltp {
        (tick.open_e4, tick.high_e4, tick.low_e4, tick.close_e4) = (e4(2), e4(3), e4(4), e4(5));
    }
    if matches!(kind, TickKind::Quote | TickKind::Full) {
        tick.average_price_e4 = e4(6);
        (
            tick.last_quantity,
            tick.volume,
            tick.buy_quantity,
            tick.sell_quantity,
        ) = (wire[7], wire[8], wire[9], wire[10]);
    }
    if kind == TickKind::Full {
        tick.last_trade_ns = ns(11);
        (tick.oi, tick.oi_high, tick.oi_low) = (wire[12], wire[13], wire[14]);
        tick.depth_price_e4 = std::array::from_fn(|level| e4(16 + level));
        tick.depth_quantity = std::array::from_fn(|level| wire[26 + level]);
        tick.depth_orders = orders;
    }
    tick
}
