//! Steps that the watched instruments alone make, and the others make later.

use crate::exchange::market::day_statistics::Moment;
use crate::exchange::market::deferred_steps::DeferredStep;
use crate::exchange::market::listing::Hit;
use crate::exchange::market::simulated::{Market, minute_of};

impl Market {
    /// Goes on to the next cut for the watched instruments, if nothing but their prints can come of it; else for all.
    /// What the others owe is made up for by `catch_up`, and needs not be once the minute is over.
    pub(in crate::exchange) fn step_watched(&mut self, hits: &mut Vec<Hit>) {
        if !self.may_defer() {
            self.step(hits);
            return;
        }
        self.now_ns = self.next_cut_ns;
        self.next_cut_ns += self.step_ns;
        self.follow_path(self.now_ns + 1);
        self.pass_minutes(self.now_ns);
        let moment = Moment {
            now_ns: self.now_ns,
            step_ns: self.step_ns,
            minute_ns: self.minute_ns,
        };
        let mut fair = Vec::with_capacity(self.deferred.watched.len());
        for &index in &self.deferred.watched {
            let (parents, rest) = self.listings.split_at_mut(index);
            rest[0].step(&moment, &self.spot, parents, hits);
            fair.push(rest[0].fair());
        }
        self.deferred.steps.push(DeferredStep {
            moment,
            spot: self.spot,
            fair,
        });
        if self.path.peek().is_none() || self.trips() {
            self.catch_up();
        }
        self.look_at_breaker();
        self.look_at_end(false);
    }

    /// The steps around a change of phase are made by all, as in a leap.
    pub(super) fn may_defer(&self) -> bool {
        let turn_ns = self
            .turns_ns
            .iter()
            .find(|&&turn_ns| turn_ns >= self.next_cut_ns);
        let quiet = turn_ns.is_none_or(|turn_ns| self.next_cut_ns < minute_of(turn_ns - 1));
        quiet && self.begun && !self.still && !self.ended && !self.halted
    }

    /// From now on these make every step.
    pub(in crate::exchange) fn watch(&mut self, listings: &[usize]) {
        let mut watched = Vec::new();
        for &listing in listings {
            let mut next = Some(listing);
            while let Some(listing) = next {
                watched.push(listing);
                next = self.listings[listing].underlying();
            }
        }
        // An underlying is listed before what is priced by it.
        watched.sort_unstable();
        watched.dedup();
        if watched != self.deferred.watched {
            self.catch_up();
            self.deferred.watched = watched;
        }
    }

    /// Makes the deferred steps. No order of a user is at stake in it: those are watched.
    pub(in crate::exchange) fn catch_up(&mut self) {
        let steps = std::mem::take(&mut self.deferred.steps);
        if steps.is_empty() {
            return;
        }
        let mut late = vec![true; self.listings.len()];
        for &index in &self.deferred.watched {
            late[index] = false;
        }
        for step in &steps {
            for (&index, &fair) in self.deferred.watched.iter().zip(&step.fair) {
                self.listings[index].set_fair(fair);
            }
            for index in (0..self.listings.len()).filter(|&index| late[index]) {
                let (parents, rest) = self.listings.split_at_mut(index);
                let mut hits = Vec::new();
                rest[0].step(&step.moment, &step.spot, parents, &mut hits);
                assert!(hits.is_empty(), "every order's instrument is watched");
            }
        }
    }
}
