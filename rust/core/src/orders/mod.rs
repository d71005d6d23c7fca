//! What an order is known by, and how it begins.

/// From an approval to the words before the first byte.
pub mod placing;
/// Our own tags: made, read, and told from everybody else's.
pub mod tag;
