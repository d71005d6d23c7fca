//! What an order is known by, and how it begins.

/// The check by which the gate's approvals are known.
pub mod approval;
/// What is checked with a key.
pub mod keyed;
/// From an approval to the words before the first byte.
pub mod placing;
/// Our own tags: made, read, and told from everybody else's.
pub mod tag;
