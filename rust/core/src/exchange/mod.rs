//! A local exchange: what it lists, how its market moves, who trades there and what that costs them.

/// One trader: money, shares, positions.
pub mod account;
/// Orders after hours, and checks by variety.
pub mod amo;
/// One price for all: the call auction.
pub mod auction;
/// An order above the freeze quantity as several.
pub mod autoslice;
/// Price-time order book with partial fills.
pub mod book;
/// The market-wide circuit breaker.
pub mod breaker;
/// The auction of what was not delivered.
pub mod buy_in;
/// What orders would tie up and cost.
pub mod calculators;
/// Candles and how they are made of shorter ones.
pub mod candles;
/// What executed orders cost their account.
pub mod charging;
/// What the broker looks at before an order gets a number.
pub mod checks;
/// Lots, freeze quantities, ticks and symbols by date.
pub mod contracts;
/// Positions from one product to another.
pub mod conversion;
/// Money and shares behind an account's orders.
pub mod cover;
/// IST, trading days and expiries.
pub mod dates;
/// Futures whose underlying is not listed here.
pub mod elsewhere;
/// What the socket shows: subscriptions and frames.
pub mod feed;
/// The exchange whole: market, accounts, orders and time.
pub mod floor;
/// Orders that the broker sends by itself.
pub mod followers;
/// The forms of an order, read into numbers and words.
pub mod form;
/// Orders that wait for a price at the broker's.
pub mod gtt;
/// What a position is held under.
pub mod held;
/// The request for candles.
pub mod history;
/// Holdings shorter, summed up, and what of them is in auction.
pub mod holdings;
/// Sessions by date: pre-open, continuous, closing auction.
pub mod hours;
/// Order ids, exchange order ids, trade ids.
pub mod ids;
/// An instrument of the simulated day, and their file.
pub mod instruments;
/// Request limits in windows of market time.
pub mod limits;
/// One instrument on the market.
pub mod listing;
/// What positions and open orders tie up, one by one.
pub mod margin;
/// The simulated market around an index path.
pub mod market;
/// What goes wrong with one order on its way.
pub mod mishap;
/// An order becomes another.
pub mod modifying;
/// Black's formula and the smile.
pub mod options;
/// One order and every state it went through.
pub mod order;
/// The whole floor at a glance, for who runs it.
pub mod overview;
/// Steps that only some instruments have made.
mod owed;
#[cfg(test)]
mod owed_tests;
/// The days before today.
pub mod past;
/// Paths of the index: synthetic, frozen.
pub mod path;
/// What the exchange takes for too far from the market.
pub mod price_protection;
/// Real days from a file.
pub mod recorded;
/// Requests turned away, in Kite's words.
pub mod refusal;
/// Seeded randomness, the same on every machine.
pub mod rng;
/// The book of orders as JSON.
pub mod rows;
/// What differs between profiles.
pub mod rules;
/// What contracts of one underlying lose together.
pub mod scan;
/// How far the scan looks, by class and date.
pub mod scan_rates;
/// What the day's sessions allow an order, and end.
pub mod sessions;
/// Every rule under a name.
pub mod settings;
/// The end of a contract.
pub mod settlement;
/// Answers before they are JSON or Python.
pub mod shape;
/// The shares that are listed.
pub mod shares;
/// Where a day stands: an instrument, the path, the moment.
pub mod so_far;
/// What the broker closes before the day ends.
pub mod squareoff;
/// All that an account has and has asked for.
pub mod stakes;
/// The maker who quotes and the takers who trade.
pub mod street;
/// What is listed on a day.
pub mod universe;
/// What the broker does with an order besides handing it on.
pub mod variety;
/// What the exchange knows, in Kite's shapes.
pub mod views;
/// What contracts are worth on their underlying.
pub mod worth;

#[cfg(test)]
mod breaker_tests;
#[cfg(test)]
mod floor_tests;
#[cfg(test)]
mod flow_tests;
#[cfg(test)]
mod hops_tests;
#[cfg(test)]
mod market_tests;
#[cfg(test)]
mod mishap_tests;
#[cfg(test)]
mod scan_tests;
#[cfg(test)]
mod sessions_tests;
#[cfg(test)]
mod settlement_tests;
#[cfg(test)]
mod test_floors;
#[cfg(test)]
mod variety_tests;
