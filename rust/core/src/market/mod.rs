//! market

/// The newest price of each instrument.
pub mod newest;

pub use newest::{Newest, NewestRow};
