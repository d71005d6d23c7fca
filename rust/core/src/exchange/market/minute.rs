//! What a minute brings an instrument, and brought it.

/// What a minute brings, drawn at its beginning.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Minute {
    pub trades: bool,
    pub lively: f64,
    /// The instrument's own way, at the minute's two ends, and how far a moment may lie beside the line between.
    pub drift: (f64, f64),
    pub beside: f64,
    /// Lots to be traded in it, and those that were.
    pub lots: i64,
    pub done: i64,
    /// The fair price of the last step, none at the minute's first.
    pub fair: Option<f64>,
    /// The fair price at its beginning; its span and its end, known when it is over.
    pub begins: f64,
    pub span: (f64, f64),
    pub ends: f64,
}
