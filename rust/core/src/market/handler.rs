//! marketdata: frames, rows and texts in; batches, bars, quotes, instruments and hints out, and nothing is made up.
//!
//! Sockets, silence, reconnects and the reading of JSON are its driver's, in Python.
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::batch::BarBatch;
use super::builder::BarBuilder;
use super::spec::BarSpec;
use crate::calendar::Calendar;
use crate::kite::Decoder;
use crate::payload::marketdata::{FeedHealth, FeedState, Gap, Instrument, OrderFrame, Quote};
use crate::payload::world::{Frame, Instruments, LeftOut, Quotes, Socket, Text, Timer};
use crate::payload::{Payload, control};
use crate::runtime::error::HandlerError;
use crate::runtime::handler::{Arrival, Handler, Status};
use crate::runtime::outbox::Outbox;

/// Machine time within which everyone has heard the clock, and before which no market begins.
const START_NS_MAX: i64 = 1_000_000_000;

/// The service's state: what is subscribed, what the feed is like, and the bars under way.
pub struct MarketdataHandler {
    decoder: Decoder,
    calendar: Arc<Calendar>,
    bars: BarBuilder,
    /// Market time before which ticks are missing.
    heard_from_ns: i64,
    /// The subscribed rows as they were read, by token.
    rows: HashMap<u32, Vec<u8>>,
    /// Of which instruments the broker has ever said a quote: nobody knows the others.
    quoted: HashSet<u32>,
    /// The bars that are built, in the rows' order.
    specs: Vec<(u32, BarSpec)>,
    state: FeedState,
    reason: String,
    /// The feed was up and is not: ticks are missing, to be said once it is up again.
    lost: bool,
    reconnects: i64,
    left_out: i64,
    /// Ticks, and flagged ones among them, when the feed was last looked at.
    seen: (u64, u64),
    /// Why the feed is sick; empty when it is not.
    sick: String,
    /// `control.stop` has been heard, and no `control.start` since: nothing is said.
    stopped: bool,
    /// Quotes that came meanwhile, as they were read, by token.
    withheld: BTreeMap<u32, Vec<u8>>,
}

impl MarketdataHandler {
    /// `calendar`: when bars begin and end.
    pub fn new(calendar: Arc<Calendar>) -> Self {
        let bars = BarBuilder::new([], calendar.clone()).expect("no series is not too many");
        Self {
            decoder: Decoder::default(),
            calendar,
            bars,
            heard_from_ns: 0,
            rows: HashMap::new(),
            quoted: HashSet::new(),
            specs: Vec::new(),
            state: FeedState::Down,
            reason: String::new(),
            lost: false,
            reconnects: 0,
            left_out: 0,
            seen: (0, 0),
            sick: String::new(),
            stopped: false,
            withheld: BTreeMap::new(),
        }
    }

    fn frame(&mut self, event: &Arrival<'_>, out: &mut Outbox) -> Result<(), HandlerError> {
        let frame = Frame::decode(event.payload)?;
        let batch = self.decoder.decode(frame.data, event.now_ns);
        if batch.is_empty() {
            return Ok(());
        }
        out.say_batch("marketdata.tick", &batch)?;
        for closed in BarBatch::of(&self.bars.update(&batch)) {
            out.say("marketdata.ohlc", closed.as_bytes())?;
        }
        Ok(())
    }

    /// An order update is a hint to read the book, never truth.
    fn text(&mut self, event: &Arrival<'_>, out: &mut Outbox) -> Result<(), HandlerError> {
        let Text {
            order_id,
            status,
            filled_quantity,
            tag,
        } = Text::decode(event.payload)?;
        let hint = OrderFrame {
            order_id,
            status,
            filled_quantity,
            tag,
        };
        out.say(OrderFrame::TOPIC, &hint.encode())
    }

    /// Ticks that fell into an outage are gone: that is said once the socket is up again.
    fn socket(&mut self, event: &Arrival<'_>, out: &mut Outbox) -> Result<(), HandlerError> {
        let socket = Socket::decode(event.payload)?;
        if socket.state == FeedState::Up {
            self.hear_from(event.now_ns);
            if std::mem::take(&mut self.lost) {
                self.reconnects += 1;
                let reason = format!("socket was {}: {}", self.state.name(), self.reason);
                self.say_gap(&reason, out)?;
            }
        } else if self.state == FeedState::Up {
            self.lost = true;
        }
        self.state = socket.state;
        self.reason = socket.reason.to_owned();
        self.say_health(out)
    }

    /// Stopped, and started again: what the market did meanwhile is missing.
    fn start(&mut self, event: &Arrival<'_>, out: &mut Outbox) -> Result<(), HandlerError> {
        control::Start::decode(event.payload)?;
        if !std::mem::take(&mut self.stopped) {
            return Ok(());
        }
        self.bars.open_again();
        self.hear_from(event.now_ns);
        for (token, bytes) in std::mem::take(&mut self.withheld) {
            if let Some(row) = self.rows.get(&token) {
                say_quote(row, &bytes, &Quote::decode(&bytes)?, out)?;
            }
        }
        self.say_gap("stopped, and started again", out)?;
        self.say_health(out)
    }

    /// From now on ticks have a clock to agree with. Whoever hears it late has missed what came before.
    fn clock(&mut self, event: &Arrival<'_>) -> Result<(), HandlerError> {
        let clock = control::Clock::decode(event.payload)?;
        self.decoder.believes_clock = true;
        let is_in_time = event.mono_ns.saturating_sub(clock.m0_ns) < START_NS_MAX;
        self.hear_from(if is_in_time {
            clock.t0_ns
        } else {
            event.now_ns
        });
        Ok(())
    }

    fn instruments(&mut self, event: &Arrival<'_>) -> Result<(), HandlerError> {
        let read = Instruments::decode(event.payload)?;
        let refused = |field, what| {
            HandlerError::from(crate::payload::PayloadError::refused(
                Instruments::TOPIC,
                field,
                what,
            ))
        };
        let (mut rows, mut specs) = (HashMap::new(), Vec::new());
        for row in &read.rows {
            let token = u32::try_from(row.instrument.instrument_token)
                .map_err(|_| refused("rows", "a token of more than 32 bits".to_owned()))?;
            rows.insert(token, row.instrument.bytes().to_vec());
            for text in &row.bars {
                let spec = text.parse::<BarSpec>();
                specs.push((
                    token,
                    spec.map_err(|error| refused("rows", error.to_string()))?,
                ));
            }
        }
        // The same day's file read again must not drop the bars under way.
        if specs != self.specs {
            let bars = BarBuilder::new(specs.iter().copied(), self.calendar.clone());
            self.bars = bars.map_err(|error| refused("rows", error.to_string()))?;
            self.bars.gap(self.heard_from_ns);
            self.specs = specs;
        }
        self.rows = rows;
        Ok(())
    }

    fn quotes(&mut self, event: &Arrival<'_>, out: &mut Outbox) -> Result<(), HandlerError> {
        for quote in &Quotes::decode(event.payload)?.rows {
            let token = u32::try_from(quote.instrument_token).unwrap_or(0);
            let Some(row) = self.rows.get(&token) else {
                continue;
            };
            self.quoted.insert(token);
            if self.stopped {
                self.withheld.insert(token, quote.bytes().to_vec());
            } else {
                say_quote(row, quote.bytes(), quote, out)?;
            }
        }
        Ok(())
    }

    fn leave_out(&mut self, event: &Arrival<'_>, out: &mut Outbox) -> Result<(), HandlerError> {
        let left = LeftOut::decode(event.payload)?;
        self.left_out = self.left_out.saturating_add(left.count);
        self.reason = format!(
            "{}: {} left out: {}",
            left.what.name(),
            left.count,
            left.why
        );
        self.say_health(out)
    }

    /// A feed is as good as its ticks of the last while: when all were flagged nothing can be traded on it.
    fn timer(&mut self, event: &Arrival<'_>, out: &mut Outbox) -> Result<(), HandlerError> {
        Timer::decode(event.payload)?;
        let now = (self.decoder.ticks(), self.decoder.flagged().flagged);
        let (ticks, flagged) = (now.0 - self.seen.0, now.1 - self.seen.1);
        if ticks > 0 {
            self.seen = now;
            self.sick.clear();
            if flagged == ticks {
                self.sick = "all ticks of the last second are flagged".to_owned();
            }
        }
        self.say_health(out)
    }

    /// The session is over: its last bars close, and nothing more is said until it is started again.
    fn stop(&mut self, event: &Arrival<'_>, out: &mut Outbox) -> Result<(), HandlerError> {
        control::Stop::decode(event.payload)?;
        for closed in BarBatch::of(&self.bars.close_session(None)) {
            out.say("marketdata.ohlc", closed.as_bytes())?;
        }
        self.stopped = true;
        Ok(())
    }

    fn hear_from(&mut self, market_ns: i64) {
        self.heard_from_ns = market_ns;
        self.bars.gap(market_ns);
    }

    /// Ticks are missing; a start after a stop says it for all that was lost meanwhile.
    fn say_gap(&self, reason: &str, out: &mut Outbox) -> Result<(), HandlerError> {
        if self.stopped {
            return Ok(());
        }
        let instrument_tokens = Vec::new();
        let gap = Gap {
            instrument_tokens,
            reason,
        };
        out.say(Gap::TOPIC, &gap.encode())
    }

    /// The feed's state and why it is so.
    fn health(&self) -> (FeedState, &str) {
        if self.state == FeedState::Up && !self.sick.is_empty() {
            (FeedState::Sick, &self.sick)
        } else {
            (self.state, &self.reason)
        }
    }

    fn say_health(&self, out: &mut Outbox) -> Result<(), HandlerError> {
        if self.stopped {
            return Ok(());
        }
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let (state, reason) = self.health();
        let health = FeedHealth {
            state,
            frames: count(self.decoder.batches()),
            ticks: count(self.decoder.ticks()),
            errors: count(self.decoder.frame_counts().errors()),
            flagged: count(self.decoder.flagged().flagged),
            reconnects: self.reconnects,
            reason,
            left_out: self.left_out,
        };
        out.say(FeedHealth::TOPIC, &health.encode())
    }
}

/// The day's row of an instrument and its quote.
fn say_quote(
    row: &[u8],
    bytes: &[u8],
    quote: &Quote<'_>,
    out: &mut Outbox,
) -> Result<(), HandlerError> {
    let instrument = Instrument {
        lower_circuit_e4: quote.lower_circuit_e4,
        upper_circuit_e4: quote.upper_circuit_e4,
        previous_close_e4: quote.close_e4,
        ..Instrument::decode(row)?
    };
    out.say(Instrument::TOPIC, &instrument.encode())?;
    out.say(Quote::TOPIC, bytes)
}

impl Handler for MarketdataHandler {
    fn topics(&self) -> Vec<&str> {
        vec![
            Frame::TOPIC,
            Text::TOPIC,
            Socket::TOPIC,
            Instruments::TOPIC,
            Quotes::TOPIC,
            LeftOut::TOPIC,
            Timer::TOPIC,
            control::Clock::TOPIC,
            control::Start::TOPIC,
            control::Stop::TOPIC,
        ]
    }

    fn handle(&mut self, event: &Arrival<'_>, out: &mut Outbox) -> Result<(), HandlerError> {
        match event.topic {
            Socket::TOPIC => self.socket(event, out),
            Instruments::TOPIC => self.instruments(event),
            Quotes::TOPIC => self.quotes(event, out),
            control::Clock::TOPIC => self.clock(event),
            control::Start::TOPIC => self.start(event, out),
            control::Stop::TOPIC => self.stop(event, out),
            _ if self.stopped => Ok(()),
            Frame::TOPIC => self.frame(event, out),
            Text::TOPIC => self.text(event, out),
            LeftOut::TOPIC => self.leave_out(event, out),
            Timer::TOPIC => self.timer(event, out),
            other => Err(HandlerError::failed(format!("{other} is not taken here"))),
        }
    }

    /// Nothing of what it said is needed: the driver brings file, quotes and socket anew, and bars that were under way have a
    /// hole.
    fn rebuild(&mut self, _: &Arrival<'_>) -> Result<(), HandlerError> {
        Ok(())
    }

    /// A market that begins before we listen is a day that lacks its beginning.
    fn waits_for(&self) -> Vec<String> {
        if self.state == FeedState::Up && !self.rows.is_empty() {
            return Vec::new();
        }
        let why = match self.reason.as_str() {
            "" => String::new(),
            why => format!(": {why}"),
        };
        vec![format!("the broker's feed ({}{why})", self.state.name())]
    }

    fn status(&self, out: &mut Status) {
        let (state, reason) = self.health();
        out.set("ticks", self.decoder.ticks())
            .set("batches", self.decoder.batches())
            .set("bars", self.bars.counts().closed)
            .set("reconnects", self.reconnects)
            .set("left_out", self.left_out)
            .set("state", state.name())
            .set("reason", reason)
            .set("errors", self.decoder.frame_counts().errors())
            .set("flagged", self.decoder.flagged().flagged)
            .set("instruments", self.rows.len())
            .set(
                "unquoted",
                self.rows
                    .keys()
                    .filter(|token| !self.quoted.contains(token))
                    .count(),
            );
    }
}
