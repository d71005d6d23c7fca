//! What a runtime counts.
use std::collections::BTreeMap;

/// What happened so far in this process. Counts only rise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub heard: u64,
    pub duplicates: u64,
    pub gaps_seen: u64,
    pub gaps_filled: u64,
    /// Bulk messages too old to be worth reading: their newest rows were taken.
    pub skipped: u64,
    pub lost_tails: u64,
    /// The last event whose payload was not what its schema says, and why; empty if there was none.
    pub last_refused: String,
    /// Why messages were refused.
    pub refused: BTreeMap<&'static str, u64>,
}
