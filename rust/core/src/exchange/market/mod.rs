//! How prices come about: what is listed, the index path, the market maker, candles.

/// The market-wide circuit breaker.
pub mod breaker;
/// Candles and how they are made of shorter ones.
pub mod candles;
/// Lots, freeze quantities, ticks and symbols by date.
pub mod contracts;
/// From cut to cut.
mod cuts;
/// Where a day stands: an instrument, the path, the moment.
pub mod day_statistics;
/// Steps that only some instruments have made.
pub mod deferred_steps;
/// The market-wide breaker trips.
mod halts;
/// An instrument of the simulated day, and their file.
pub mod instruments;
/// Rows of the day's list.
pub mod listed;
/// One instrument on the market.
pub mod listing;
/// Reading a market file.
pub mod market_file;
/// The maker who quotes and the takers who trade.
pub mod market_maker;
/// What a minute brings.
mod minute;
/// Minutes of an instrument.
mod minutes;
/// Moments of an instrument.
mod moments;
/// The options on one underlying.
mod option_chain;
/// Black's formula and the smile.
pub mod options;
/// Paths of the index: synthetic, frozen.
pub mod path;
/// Phases of an instrument.
mod phases;
/// What contracts are worth on their underlying.
pub mod pricing;
/// Real days from a file.
pub mod recorded;
/// The shares that are listed.
pub mod shares;
/// The simulated market around an index path.
pub mod simulated;
/// The days before today.
pub mod synthetic_history;
/// What is listed on a day.
pub mod universe;
/// Futures whose underlying is not listed here.
pub mod unlisted_underlyings;
/// Steps of the watched instruments.
mod watched;
