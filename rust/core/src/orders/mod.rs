//! What an order is known by.

/// Our own tags: made, read, and told from everybody else's.
pub mod tag;
