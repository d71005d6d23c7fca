//! Steps of a minute that the watched instruments alone have made.
//!
//! An exchange that comes back executes its day again. Where an order waits all day, each step has to be made, but only
//! the order's instrument, and what that is priced by, can do anything about it. The others make their steps later, when
//! somebody looks at them, or never, when the minute passes: a minute ends the same with all of its steps or none.

use crate::exchange::market::day_statistics::{Moment, Spot};
use crate::exchange::market::simulated::Market;

/// What the others owe.
#[derive(Debug, Default)]
pub(in crate::exchange) struct DeferredSteps {
    /// Those that make every step, each after what it is priced by.
    pub watched: Vec<usize>,
    pub steps: Vec<DeferredStep>,
}

#[derive(Debug)]
pub(in crate::exchange) struct DeferredStep {
    pub moment: Moment,
    pub spot: Spot,
    /// What the watched were worth then, in their order: others are priced by them.
    pub fair: Vec<f64>,
}

impl Market {
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
                rest[0].step(&step.moment, &step.spot, parents, index, &mut hits);
                assert!(hits.is_empty(), "every order's instrument is watched");
            }
        }
    }
}
