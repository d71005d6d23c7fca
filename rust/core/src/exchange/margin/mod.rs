//! What positions and orders block, and what trades cost.

/// What positions and open orders block, one by one.
pub mod blocked_margin;
/// What executed orders cost their account.
pub mod charging;
/// Money and shares behind an account's orders.
pub mod funds_check;
/// All that an account has and has asked for.
pub mod margin_positions;
/// What contracts of one underlying lose together.
pub mod scan;
/// How far the scan looks, by class and date.
pub mod scan_rates;
