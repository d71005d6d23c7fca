//! A local exchange: what it lists, how its market moves, who trades there and what that costs them.

/// Price-time order book with partial fills.
pub mod book;
/// Days, IST, trading days and expiries.
pub mod dates;
/// The instruments of the simulated day and their file.
pub mod instruments;
/// The simulated market around an index path.
pub mod market;
/// Black's formula and the smile.
pub mod options;
/// Paths of the index: synthetic, frozen, from a file.
pub mod path;
/// Seeded randomness, the same on every machine.
pub mod rng;
/// The maker who quotes and the takers who trade.
pub mod street;
