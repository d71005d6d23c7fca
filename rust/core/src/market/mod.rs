//! What ticks add up to: bars by time, ticks, volume and value, and the newest price of each instrument.
//!
//! A *tick* is one packet of Kite's feed: a snapshot, not a trade. Bars live by the ticks' exchange timestamps alone, so
//! the same ticks give the same bars at any speed and however they are cut into batches. A time bar without ticks does
//! not exist: a gap stays a gap, and nobody trades on a price that nobody quoted.

/// One closed bar, and one that is open.
pub mod bar;
/// Closed bars in columns, and their wire form.
pub mod batch;
/// Ticks of many instruments to their bars.
pub mod builder;
/// The service marketdata.
pub mod handler;
/// The newest price of each instrument.
pub mod newest;
/// One instrument's bars of one spec.
mod series;
/// What a bar is made of: `5s`, `500t`, `10000v`, `5000000r`.
pub mod spec;

pub use bar::Bar;
pub use batch::{BATCH_BARS_MAX, BarBatch, BarBatchError};
pub use builder::{BAR_SERIES_MAX, BarBuilder, BarCounts, BarError};
pub use handler::MarketdataHandler;
pub use newest::{Newest, NewestRow};
pub use spec::{BarSpec, SpecError};
