//! Who a runtime is and whom it hears.
use super::header::{Mode, Source};
use super::outbox::Publication;
use super::range::Ask;
use super::sequence::SequenceMode;
use crate::tape::{Day, Folder};

/// How a late hearer takes what was said of a topic before it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Join {
    /// Not at all.
    Now,
    /// All of the day, from the source's tape.
    Day,
    /// The newest row of each value of the field at this place of the payload; none: of each source.
    Keyed(Option<usize>),
}

/// A topic that the service hears.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub topic: String,
    /// All schemas of it that this build reads, the newest first.
    pub schemas: Vec<u32>,
    /// Ticks: carried as columns, on a hearer's tape by their number and CRC.
    pub bulk: bool,
    pub join: Join,
    /// The service whose events a message of it tells that it stands on: they are taken first.
    pub after: Option<String>,
}

/// Who this is and whom it hears.
pub struct Setup {
    pub service: Source,
    pub account: String,
    pub mode: Mode,
    pub day: Day,
    /// Market time until a clock is heard.
    pub start_ns: i64,
    pub subscriptions: Vec<Subscription>,
    pub publications: Vec<Publication>,
    /// Names of services, without shard, and how each is counted.
    pub sequence_modes: Vec<(String, SequenceMode)>,
    /// The folder that has a tape's folder for each source.
    pub tapes: Folder,
    /// How a source is asked for what stands on its tape, where that is not in this folder.
    pub ask: Option<Ask>,
}
