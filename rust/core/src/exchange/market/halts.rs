//! The market-wide breaker trips while the index trades.

use crate::calendar::clock::{MINUTE_NS, at_ns};
use crate::exchange::hours::{Hours, Phase};
use crate::exchange::market::breaker::{halt_of, levels_reached};
use crate::exchange::market::listing::Listing;
use crate::exchange::market::pricing::published_e4;
use crate::exchange::market::simulated::{Market, minute_of, turns_of};
use crate::exchange::market::universe::NIFTY_TOKEN;

impl Market {
    /// How many levels of the breaker the index would have reached at a value, while it trades.
    pub(super) fn levels_at(&self, value_e4: i64) -> usize {
        let index = self
            .by_token(NIFTY_TOKEN)
            .map(|index| &self.listings[index]);
        let trading = |index: &&Listing| index.phase == Phase::Continuous;
        match index.filter(trading).filter(|_| self.hours == Hours::Dated) {
            Some(index) => levels_reached(index.instrument.previous_close_e4, value_e4),
            None => 0,
        }
    }

    pub(super) fn trips(&self) -> bool {
        self.levels_at(published_e4(self.spot.index)) > self.levels_reached
    }

    /// A level that the index has reached halts the market from the next minute on.
    pub(super) fn look_at_breaker(&mut self) {
        if !self.trips() {
            return;
        }
        let levels = self.levels_at(published_e4(self.spot.index));
        self.levels_reached = levels;
        let halt = halt_of(levels, self.now_ns - at_ns(self.day, 0));
        let from_ns = minute_of(self.now_ns) + MINUTE_NS - at_ns(self.day, 0);
        for (segment, table) in &mut self.timetables {
            *table = table.halted(*segment, self.day, self.seed, from_ns, halt);
        }
        self.turns_ns = turns_of(self.day, &self.timetables);
    }
}
