//! What the world says to one process: on its tape alone, never on the bus.
use crate::terms::words;

words! {
    /// The account's halt latch.
    LatchState { Halted = "HALTED", Reducing = "REDUCING", Active = "ACTIVE" }
}

spelled!(LatchState);

records! {
    /// A machine-time timer ran out.
    Timer<'a>: "world.timer" {
        name: &'a str,
    }

    /// The latch, when it was last seen to change.
    LatchRead: "world.latch" {
        state: LatchState,
    }

    /// A source's messages are missing (open) or have been read from its tape; topics that were too old are skipped.
    Hole<'a>: "world.hole" {
        source: &'a str,
        open: bool,
        skipped: Vec<&'a str>,
    }

    /// The service itself has started.
    Epoch: "world.epoch" {
        epoch: i64,
        after_seq: i64,
    }

    /// A source came back knowing less than it had said.
    LostTail<'a>: "world.lost_tail" {
        source: &'a str,
        applied_seq: i64,
        continues_after: i64,
    }
}
