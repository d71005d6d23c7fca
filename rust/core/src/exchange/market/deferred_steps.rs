//! Steps of a minute that the watched instruments alone have made.
//!
//! An exchange that comes back executes its day again. Where an order waits all day, each step has to be made, but only
//! the order's instrument, and what that is priced by, can do anything about it. The others make their steps later, when
//! somebody looks at them, or never, when the minute passes: a minute ends the same with all of its steps or none.

use crate::exchange::market::day_statistics::{Moment, Spot};

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
