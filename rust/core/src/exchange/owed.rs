//! Steps of a minute that the watched instruments alone have made.
//!
//! An exchange that comes back executes its day again. Where an order waits all day, each step has to be made, but only
//! the order's instrument, and what that is priced by, can do anything about it. The others make their steps later, when
//! somebody looks at them, or never, when the minute passes: a minute ends the same with all of its steps or none.

use super::market::Market;
use super::so_far::{Moment, Spot};

/// What the others owe.
#[derive(Debug, Default)]
pub(super) struct Owed {
    /// Those that make every step, each after what it is priced by.
    pub watched: Vec<usize>,
    pub steps: Vec<OwedStep>,
}

#[derive(Debug)]
pub(super) struct OwedStep {
    pub moment: Moment,
    pub spot: Spot,
    /// What the watched were worth then, in their order: others are priced by them.
    pub fair: Vec<f64>,
}

impl Market {
    /// From now on these make every step.
    pub(super) fn watch(&mut self, listings: &[usize]) {
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
        if watched != self.owed.watched {
            self.catch_up();
            self.owed.watched = watched;
        }
    }

    /// Makes what is owed. No order of a user is at stake in it: those are watched.
    pub(super) fn catch_up(&mut self) {
        let steps = std::mem::take(&mut self.owed.steps);
        if steps.is_empty() {
            return;
        }
        let mut late = vec![true; self.listings.len()];
        for &index in &self.owed.watched {
            late[index] = false;
        }
        for step in &steps {
            for (&index, &fair) in self.owed.watched.iter().zip(&step.fair) {
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
