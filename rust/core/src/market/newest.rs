//! The newest price of each instrument: what a strategy looks at between ticks.
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::kite::sanity::TokenHasher;
use crate::kite::{DEPTH_LEVELS, TickBatch, TickKind};

/// The newest clean tick of one instrument, as far as anybody asks for it. 0 where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewestRow {
    pub last_e4: i64,
    pub bid_e4: i64,
    pub ask_e4: i64,
    pub exchange_ns: i64,
}

/// The newest row per instrument token. A flagged tick changes nothing: nobody trades on it.
#[derive(Debug, Default)]
pub struct Newest {
    rows: HashMap<u32, NewestRow, BuildHasherDefault<TokenHasher>>,
}

impl Newest {
    /// Takes a batch in its order. A form without depth leaves bid and ask as they were.
    pub fn update(&mut self, batch: &TickBatch) {
        let (tokens, flags) = (batch.token(), batch.flags());
        let (last, time) = (batch.last_price_e4(), batch.exchange_ns());
        let kinds = batch.kind();
        let depth = batch.depth_price_e4().as_chunks::<DEPTH_LEVELS>().0;
        for (index, &token) in tokens.iter().enumerate() {
            if flags[index] != 0 {
                continue;
            }
            let row = self.rows.entry(token).or_default();
            row.last_e4 = last[index];
            if time[index] != 0 {
                row.exchange_ns = time[index];
            }
            if kinds[index] == TickKind::Full as u8 {
                let levels = &depth[index];
                row.bid_e4 = levels[0];
                row.ask_e4 = levels[DEPTH_LEVELS / 2];
            }
        }
    }

    /// The instrument's row; zeros before its first clean tick.
    pub fn row(&self, token: u32) -> NewestRow {
        self.rows.get(&token).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kite::Tick;

    fn full(token: u32, last_e4: i64, bid_e4: i64, ask_e4: i64) -> Tick {
        let mut tick = Tick {
            kind: TickKind::Full,
            exchange_ns: 1_000,
            ..Tick::new(token, last_e4)
        };
        tick.depth_price_e4[0] = bid_e4;
        tick.depth_price_e4[DEPTH_LEVELS / 2] = ask_e4;
        tick
    }

    #[test]
    fn the_last_clean_tick_of_an_instrument_stands() {
        let mut newest = Newest::default();
        let flagged = Tick {
            flags: 1,
            ..full(1, 7, 7, 7)
        };

        let batch =
            TickBatch::from_ticks(&[full(1, 100, 99, 101), full(2, 5, 4, 6), flagged]).unwrap();
        newest.update(&batch);

        let expected = NewestRow {
            last_e4: 100,
            bid_e4: 99,
            ask_e4: 101,
            exchange_ns: 1_000,
        };
        assert_eq!(newest.row(1), expected);
        assert_eq!(newest.row(3), NewestRow::default());
    }

    #[test]
    fn a_form_without_depth_keeps_the_quotes() {
        let mut newest = Newest::default();
        newest.update(&TickBatch::from_ticks(&[full(1, 100, 99, 101)]).unwrap());

        let ltp = Tick {
            kind: TickKind::Ltp,
            ..Tick::new(1, 102)
        };
        let mixed = [full(2, 5, 4, 6), ltp];
        newest.update(&TickBatch::from_ticks(&mixed).unwrap());

        let row = newest.row(1);
        assert_eq!((row.last_e4, row.bid_e4, row.ask_e4), (102, 99, 101));
    }
}
