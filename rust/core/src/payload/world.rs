//! What the world says to one process: on its tape alone, never on the bus.
use super::marketdata::{FeedState, Instrument, Quote};
use super::{Table, Whole};
use crate::terms::words;

words! {
    /// The account's halt latch.
    #[derive(Default)]
    LatchState {
        #[default]
        Halted = "HALTED", Reducing = "REDUCING", Active = "ACTIVE",
    }
}

words! {
    /// What of the broker's market side something was part of.
    FeedPart { Instruments = "instruments", Quote = "quote", Text = "text" }
}

spelled!(LatchState, FeedPart);

records! {
    /// A binary message of the broker's socket, as it came.
    Frame<'a>: "world.frame" {
        data: &'a [u8],
    }

    /// An order update on the broker's socket, read.
    Text<'a>: "world.text" {
        order_id: &'a str,
        status: &'a str,
        filled_quantity: i64,
        tag: &'a str,
    }

    /// The broker's socket changed its state.
    Socket<'a>: "world.socket" {
        state: FeedState,
        reason: &'a str,
    }

    /// An instrument that marketdata listens to, and the bars that are asked of it.
    Subscribed<'a> {
        instrument: Whole<'a, Instrument<'a>>,
        bars: Vec<&'a str>,
    }

    /// What of today's instruments file is subscribed.
    Instruments<'a>: "world.instruments" {
        rows: Vec<Subscribed<'a>>,
    }

    /// The good rows of one answer of GET /quote.
    Quotes<'a>: "world.quotes" {
        rows: Vec<Whole<'a, Quote<'a>>>,
    }

    /// Something that the broker sent could not be read, and was left out.
    LeftOut<'a>: "world.left_out" {
        what: FeedPart,
        count: i64,
        why: &'a str,
    }

    /// A machine-time timer ran out.
    Timer<'a>: "world.timer" {
        name: &'a str,
    }

    /// The latch, when it was last seen to change.
    LatchRead: "world.latch" {
        state: LatchState,
    }

    /// A heartbeat of a source has come.
    Beat<'a>: "world.beat" {
        source: &'a str,
    }

    /// What the owner allows, from now on.
    RiskLimits<'a>: "world.limits" {
        /// By name; one that is not there refuses every order.
        limits: Table<'a, i64>,
        /// Whose hard ceilings hold: a broker's, or the local exchange's.
        live: bool,
        /// Strategies, and symbols as EXCHANGE:SYMBOL, of which only cancels pass, or exits as well.
        halted: Vec<&'a str>,
        reducing: Vec<&'a str>,
        /// Shares (EXCHANGE:SYMBOL) that trade on when the closing auction begins.
        outside_closing_auction: Vec<&'a str>,
    }

    /// A source's messages are missing (open) or have been read from its tape; topics that were too old are skipped.
    SequenceGap<'a>: "world.sequence_gap" {
        source: &'a str,
        open: bool,
        skipped: Vec<&'a str>,
    }

    /// The service itself has started.
    Epoch: "world.epoch" {
        epoch: i64,
        after_seq: i64,
        begins_run: bool,
    }

    /// A source came back knowing less than it had said.
    LostTail<'a>: "world.lost_tail" {
        source: &'a str,
        applied_seq: i64,
        continues_after: i64,
    }
}
