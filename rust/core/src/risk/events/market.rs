//! Prices and today's rows.
use crate::day::Day;
use crate::kite::TickBatch;
use crate::risk::gate::Gate;
use crate::risk::instrument::Instrument;

const NS_PER_SECOND: i64 = 1_000_000_000;

impl Gate {
    /// Takes a batch of ticks at the market and the machine time at which it came. A flagged tick never trades, so it
    /// is no price either.
    pub fn on_ticks(&mut self, batch: &TickBatch, now_ns: i64, mono_ns: i64) {
        let (tokens, prices) = (batch.token(), batch.last_price_e4());
        let (times, flags) = (batch.exchange_ns(), batch.flags());
        let mut exposed = false;
        for (((token, last_e4), exchange_ns), flags) in
            tokens.iter().zip(prices).zip(times).zip(flags)
        {
            if *flags == 0 {
                let time_ns = if *exchange_ns > 0 {
                    *exchange_ns
                } else {
                    now_ns
                };
                exposed |= self.tick(*token, *last_e4, time_ns, mono_ns);
            }
        }
        if exposed {
            self.watch_loss(Day::at(now_ns));
        }
    }

    /// One tick; whether it moved the worth of anything held.
    #[inline]
    fn tick(&mut self, token: u32, last_e4: i64, time_ns: i64, mono_ns: i64) -> bool {
        let Some(at) = self.instruments.by_token(token) else {
            return false;
        };
        if last_e4 <= 0 {
            return false;
        }
        let instrument = self.instruments.get_mut(at);
        instrument.last_e4 = last_e4;
        instrument.heard_mono_ns = mono_ns;
        instrument
            .reference_price
            .add(time_ns.div_euclid(NS_PER_SECOND), last_e4);
        let moved = instrument.mark_e4 != last_e4;
        instrument.mark_e4 = last_e4;
        let exposed = instrument.exposed && moved;
        if exposed {
            self.revalue(at);
        }
        exposed
    }

    fn revalue(&mut self, at: usize) {
        let instrument = self.instruments.get(at);
        let (mark_e4, positions) = (instrument.mark_e4, instrument.positions);
        let mut fits = self.instruments.reckon(at);
        for position in positions.into_iter().flatten() {
            fits = fits.and(self.portfolio.mark(position as usize, mark_e4));
        }
        self.check(fits);
    }

    /// Today's row of the instruments file.
    pub fn on_instrument(&mut self, mut row: Instrument) {
        let outside = &self.allowed.outside_closing_auction;
        row.closing_auction = !row.is_one_of(outside);
        self.instruments.learn(row);
    }

    /// Today's band, read again.
    pub fn on_quote(&mut self, token: u32, lower_e4: i64, upper_e4: i64) {
        if let Some(at) = self.instruments.by_token(token) {
            let row = &mut self.instruments.get_mut(at).row;
            (row.lower_e4, row.upper_e4) = (lower_e4, upper_e4);
        }
    }

    /// The state of the broker's socket.
    pub fn on_feed(&mut self, up: bool) {
        self.feed_up = up;
    }

    /// Ticks are missing: reference prices start anew. Of all instruments when none is named.
    pub fn on_gap(&mut self, tokens: &[u32]) {
        if tokens.is_empty() {
            self.instruments
                .iter_mut()
                .for_each(|instrument| instrument.reference_price.forget());
        }
        for token in tokens {
            if let Some(at) = self.instruments.by_token(*token) {
                self.instruments.get_mut(at).reference_price.forget();
            }
        }
    }
}
