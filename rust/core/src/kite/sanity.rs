//! What makes a tick untrustworthy, per instrument. A flagged tick is counted and passed on, and never trades.
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::batch::TickBatch;
use super::kind::TickKind;
use super::tick::{BEST_SELL, DEPTH_LEVELS};

/// Most instruments whose times are kept: three connections of 3,000 tokens, with room for a day's changes.
pub const SANITY_TOKENS_MAX: usize = 16_384;

/// By how much an exchange's time may be ahead of the machine's clock: whole seconds on the wire, and what two clocks that
/// are kept right may differ.
pub const AHEAD_NS_MAX: i64 = 5_000_000_000;

/// The bits of a tick's flags.
pub struct TickFlags;

impl TickFlags {
    /// The last price is 0 or less.
    pub const PRICE: u16 = 1;
    /// Its exchange time lies before one already seen for the instrument.
    pub const TIME_BACK: u16 = 2;
    /// The best buy is at or above the best sell.
    pub const CROSSED: u16 = 4;
    /// More instruments than are kept, so nobody knows whether its time went back.
    pub const UNKNOWN_PAST: u16 = 8;
    /// Its exchange time is one that the machine's clock has not come to.
    pub const TIME_AHEAD: u16 = 16;
}

/// How many ticks were flagged: in all, and for each reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SanityCounts {
    pub flagged: u64,
    pub price: u64,
    pub time_back: u64,
    pub crossed: u64,
    pub unknown_past: u64,
    pub time_ahead: u64,
}

/// Flags ticks by what was seen before them. Its state is the newest exchange time of each instrument that could be
/// believed: one far ahead of the clock is never what others are measured by, whenever it came.
#[derive(Debug, Default)]
pub struct Sanity {
    newest_ns: HashMap<u32, i64, BuildHasherDefault<TokenHasher>>,
    counts: SanityCounts,
}

impl Sanity {
    pub fn counts(&self) -> SanityCounts {
        self.counts
    }

    /// Forgets all times: a new day, or a feed that begins anew. Counts stay.
    pub fn clear(&mut self) {
        self.newest_ns.clear();
    }

    /// Sets the flags of the batch's ticks. `now_ns` is market time by the machine's clock; none while nobody has told it.
    pub fn check(&mut self, batch: &mut TickBatch, now_ns: Option<i64>) {
        let latest_ns = now_ns.map_or(i64::MAX, |now_ns| now_ns.saturating_add(AHEAD_NS_MAX));
        let columns = batch.columns_mut();
        for index in 0..columns.token.len() {
            let mut flags = 0;
            if columns.last_price_e4[index] <= 0 {
                flags |= TickFlags::PRICE;
            }
            if columns.exchange_ns[index] != 0 {
                flags |=
                    self.check_time(columns.token[index], columns.exchange_ns[index], latest_ns);
            }
            if columns.kind[index] == TickKind::Full as u8 {
                let prices = &columns.depth_price_e4[index * DEPTH_LEVELS..][..DEPTH_LEVELS];
                flags |= check_book(prices[0], prices[BEST_SELL]);
            }
            if flags != 0 {
                columns.flags[index] |= flags;
                self.counts.add(flags);
            }
        }
    }

    #[inline]
    fn check_time(&mut self, token: u32, exchange_ns: i64, latest_ns: i64) -> u16 {
        if exchange_ns > latest_ns {
            return TickFlags::TIME_AHEAD;
        }
        if let Some(newest_ns) = self.newest_ns.get_mut(&token) {
            // A time that came before anybody had told the clock may turn out to be ahead of it.
            if exchange_ns < *newest_ns && *newest_ns <= latest_ns {
                return TickFlags::TIME_BACK;
            }
            *newest_ns = exchange_ns;
            return 0;
        }
        if self.newest_ns.len() == SANITY_TOKENS_MAX {
            return TickFlags::UNKNOWN_PAST;
        }
        self.newest_ns.insert(token, exchange_ns);
        0
    }
}

/// A side without a level is 0, and crosses nothing.
#[inline]
fn check_book(best_buy_e4: i64, best_sell_e4: i64) -> u16 {
    let crossed = best_buy_e4 > 0 && best_sell_e4 > 0 && best_buy_e4 >= best_sell_e4;
    if crossed { TickFlags::CROSSED } else { 0 }
}

impl SanityCounts {
    fn add(&mut self, flags: u16) {
        self.flagged += 1;
        self.price += u64::from(flags & TickFlags::PRICE != 0);
        self.time_back += u64::from(flags & TickFlags::TIME_BACK != 0);
        self.crossed += u64::from(flags & TickFlags::CROSSED != 0);
        self.unknown_past += u64::from(flags & TickFlags::UNKNOWN_PAST != 0);
        self.time_ahead += u64::from(flags & TickFlags::TIME_AHEAD != 0);
    }
}

/// One multiplication: tokens are exchange token · 256 + segment, so their low bits alone would collide.
#[derive(Default)]
pub struct TokenHasher(u64);

impl Hasher for TokenHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }

    fn write_u32(&mut self, token: u32) {
        self.0 = (self.0 ^ u64::from(token)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        // The table takes its bucket from the low bits and its tag from the top seven.
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kite::Tick;

    fn flags(sanity: &mut Sanity, ticks: &[Tick]) -> Vec<u16> {
        let mut batch = TickBatch::from_ticks(ticks).unwrap();
        sanity.check(&mut batch, None);
        batch.flags().to_vec()
    }

    fn at(token: u32, exchange_ns: i64) -> Tick {
        Tick {
            exchange_ns,
            ..Tick::new(token, 100)
        }
    }

    #[test]
    fn a_price_of_nothing_is_flagged() {
        let flagged = flags(
            &mut Sanity::default(),
            &[Tick::new(1, 1), Tick::new(1, 0), Tick::new(1, -1)],
        );

        assert_eq!(flagged, [0, TickFlags::PRICE, TickFlags::PRICE]);
    }

    #[test]
    fn time_goes_back_per_instrument_and_against_the_newest_over_batches() {
        let mut sanity = Sanity::default();

        assert_eq!(
            flags(&mut sanity, &[at(1, 20), at(2, 10), at(1, 20), at(1, 0)]),
            [0, 0, 0, 0]
        );
        // 19 after 18 is still before 20: the newest counts, not the last.
        assert_eq!(
            flags(&mut sanity, &[at(1, 18), at(1, 19), at(2, 11), at(1, 21)]),
            [2, 2, 0, 0]
        );
        assert_eq!(
            sanity.counts(),
            SanityCounts {
                flagged: 2,
                time_back: 2,
                ..SanityCounts::default()
            }
        );

        sanity.clear();
        assert_eq!(flags(&mut sanity, &[at(1, 1)]), [0]);
    }

    proptest! {
        /// Whatever times come: one beyond the clock is flagged, and changes nothing for the others.
        #[test]
        fn a_time_ahead_of_the_clock_is_never_the_reference(
            seconds in prop::collection::vec((0u32..3, 0i64..200), 1..60), now in 50i64..150
        ) {
            let ticks: Vec<_> = seconds.iter().map(|&(token, s)| at(token, s * 1_000_000_000 + 1)).collect();
            let now_ns = now * 1_000_000_000;
            let ahead = |tick: &Tick| tick.exchange_ns > now_ns + AHEAD_NS_MAX;
            let check = |ticks: &[Tick]| {
                let mut batch = TickBatch::from_ticks(ticks).unwrap();
                Sanity::default().check(&mut batch, Some(now_ns));
                batch.flags().to_vec()
            };

            let all = check(&ticks);
            let sane: Vec<_> = ticks.iter().copied().filter(|tick| !ahead(tick)).collect();

            let (mut flagged, mut rest) = (Vec::new(), Vec::new());
            for (tick, flags) in ticks.iter().zip(all) {
                if ahead(tick) { flagged.push(flags) } else { rest.push(flags) }
            }
            prop_assert!(flagged.iter().all(|&flags| flags == TickFlags::TIME_AHEAD));
            prop_assert_eq!(rest, check(&sane));
        }
    }

    #[test]
    fn a_time_taken_before_the_clock_was_told_stands_only_if_the_clock_agrees() {
        let mut sanity = Sanity::default();
        assert_eq!(
            flags(&mut sanity, &[at(1, 900 * AHEAD_NS_MAX), at(2, 5)]),
            [0, 0]
        );

        let mut batch = TickBatch::from_ticks(&[at(1, 10), at(2, 4), at(1, 9)]).unwrap();
        sanity.check(&mut batch, Some(20));

        assert_eq!(
            batch.flags(),
            [0, TickFlags::TIME_BACK, TickFlags::TIME_BACK]
        );
    }

    #[test]
    fn a_book_is_crossed_when_both_sides_are_there_and_touch() {
        let book = |buy_e4, sell_e4| {
            let mut tick = Tick::new(1, 100);
            tick.depth_price_e4[0] = buy_e4;
            tick.depth_price_e4[BEST_SELL] = sell_e4;
            tick
        };
        let books = [
            book(99, 100),
            book(100, 100),
            book(101, 100),
            book(101, 0),
            book(0, 100),
        ];

        assert_eq!(flags(&mut Sanity::default(), &books), [0, 4, 4, 0, 0]);
    }

    #[test]
    fn instruments_beyond_those_kept_are_flagged_not_trusted() {
        let mut sanity = Sanity::default();
        let known: Vec<_> = (0..SANITY_TOKENS_MAX as u32)
            .map(|token| at(token, 5))
            .collect();
        for batch in known.chunks(1000) {
            flags(&mut sanity, batch);
        }

        let flagged = flags(&mut sanity, &[at(u32::MAX, 5), at(7, 5)]);

        assert_eq!(flagged, [TickFlags::UNKNOWN_PAST, 0]);
        assert_eq!(sanity.counts().flagged, 1);
    }
}
