//! The gate as a service: signals in, verdicts out; everything else only changes what it knows.
mod execution;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::gate::Gate;
use super::verdict::Judgement;
use super::{incoming, outgoing};
use crate::calendar::Calendar;
use crate::day::Day;
use crate::kite::TickBatch;
use crate::orders::approval::ApprovalKey;
use crate::payload::control::{Arm, Clock, Kill, Stop};
use crate::payload::execution::{
    Book, Fill, Funds, Holdings, Intent, OrderPlaced, OrderUpdate, Reconciled, Reject,
    UnknownOutcome,
};
use crate::payload::marketdata::{FeedHealth, FeedState, Gap, Instrument, Quote};
use crate::payload::risk::{Approved, Blocked, PortfolioSnapshot};
use crate::payload::strategy::{Action, Signal};
use crate::payload::world::{Beat, LatchRead, LostTail, RiskLimits, SequenceGap, Timer};
use crate::payload::{Payload, PayloadError, Whole, decode, encode};
use crate::runtime::error::HandlerError;
use crate::runtime::handler::{Arrival, Datum, Handler, Status};
use crate::runtime::outbox::Outbox;

/// What it hears beside signals.
const TOPICS: &[&str] = &[
    "marketdata.tick",
    Quote::TOPIC,
    Instrument::TOPIC,
    FeedHealth::TOPIC,
    Gap::TOPIC,
    Intent::TOPIC,
    OrderPlaced::TOPIC,
    OrderUpdate::TOPIC,
    Fill::TOPIC,
    Reject::TOPIC,
    UnknownOutcome::TOPIC,
    Book::TOPIC,
    Holdings::TOPIC,
    Funds::TOPIC,
    Reconciled::TOPIC,
    Clock::TOPIC,
    Kill::TOPIC,
    Arm::TOPIC,
    Stop::TOPIC,
    Timer::TOPIC,
    LatchRead::TOPIC,
    RiskLimits::TOPIC,
    Beat::TOPIC,
    SequenceGap::TOPIC,
    LostTail::TOPIC,
];

/// Whether it is execution, or a shard of it.
fn is_execution(source: &str) -> bool {
    source.split('.').next() == Some("execution")
}

/// Judges signals; keeps positions and reservations, which execution's events alone change.
#[derive(Clone)]
pub struct GateHandler {
    /// Topics of signals: those whose contract names this service as their worker.
    signals: Vec<Box<str>>,
    /// What approvals are known by; none where nobody asks.
    key: Option<ApprovalKey>,
    state: State,
}

/// What a snapshot holds.
#[derive(Clone, Default)]
struct State {
    gate: Gate,
    /// The market day as the clock says it.
    day: Option<Day>,
    /// The day of what is known of orders and positions: execution's word alone begins another, since it comes in order.
    known_of: Option<Day>,
    execution_epoch: u32,
    now_ns: i64,
    /// The portfolio as it was said last.
    portfolio: Box<[u8]>,
    approved: i64,
    /// By the rule that is named.
    blocked: BTreeMap<u8, i64>,
    /// Books with a row that could not be read, and what was wrong with the last.
    rows_refused: i64,
    row_refused_last: Box<str>,
}

fields!(State {
    gate,
    day,
    known_of,
    execution_epoch,
    now_ns,
    portfolio,
    approved,
    blocked,
    rows_refused,
    row_refused_last
});

impl GateHandler {
    /// HALTED, and knowing nothing. `signals` are the topics that it judges.
    pub fn new(signals: impl IntoIterator<Item = String>, calendar: Arc<Calendar>) -> Self {
        let gate = Gate {
            calendar,
            ..Gate::default()
        };
        Self::with(gate, signals)
    }

    /// Around a gate that knows something.
    pub fn with(gate: Gate, signals: impl IntoIterator<Item = String>) -> Self {
        Self {
            signals: signals.into_iter().map(Into::into).collect(),
            key: None,
            state: State {
                gate,
                ..State::default()
            },
        }
    }

    /// The same, its approvals known by a key.
    pub fn keyed(self, key: ApprovalKey) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }
}

impl Handler for GateHandler {
    fn topics(&self) -> Vec<&str> {
        let signals = self.signals.iter().map(|topic| &**topic);
        TOPICS.iter().copied().chain(signals).collect()
    }

    fn handle(&mut self, event: &Arrival<'_>, out: &mut Outbox) -> Result<(), HandlerError> {
        let (gate, bytes, now_ns) = (&mut self.state.gate, event.payload, event.now_ns);
        match event.topic {
            "marketdata.tick" => self.ticks(event)?,
            Quote::TOPIC => {
                let quote = Quote::decode(bytes)?;
                let band = (quote.lower_circuit_e4, quote.upper_circuit_e4);
                if let Ok(token) = u32::try_from(quote.instrument_token) {
                    gate.on_quote(token, band.0, band.1);
                }
            }
            Instrument::TOPIC => {
                if let Some(row) = incoming::instrument(&Instrument::decode(bytes)?)? {
                    gate.on_instrument(row);
                }
            }
            FeedHealth::TOPIC => gate.on_feed(FeedHealth::decode(bytes)?.state == FeedState::Up),
            Gap::TOPIC => {
                let gap = Gap::decode(bytes)?;
                let tokens = gap.instrument_tokens.iter();
                let known: Vec<u32> = tokens
                    .filter_map(|token| (*token).try_into().ok())
                    .collect();
                // A gap of instruments that cannot be is no gap of all.
                if gap.instrument_tokens.is_empty() || !known.is_empty() {
                    gate.on_gap(&known);
                }
            }
            topic if topic.starts_with("execution.") => self.execution(event)?,
            Clock::TOPIC => {
                let clock = Clock::decode(bytes)?;
                gate.pace.on_clock(clock.speed_e3);
                self.on_day(Day::at(clock.t0_ns));
            }
            Kill::TOPIC => {
                gate.on_kill();
                self.say_portfolio(now_ns, out)?;
            }
            Arm::TOPIC => {
                gate.on_arm(now_ns);
                self.say_portfolio(now_ns, out)?;
            }
            LatchRead::TOPIC => {
                gate.on_latch(LatchRead::decode(bytes)?.state, now_ns);
                self.say_portfolio(now_ns, out)?;
            }
            Stop::TOPIC | Timer::TOPIC => self.say_portfolio(now_ns, out)?,
            RiskLimits::TOPIC => {
                let allowed = incoming::allowed(&RiskLimits::decode(bytes)?);
                let refused = |(field, what)| PayloadError::refused(RiskLimits::TOPIC, field, what);
                gate.on_limits(allowed.map_err(refused)?);
            }
            Beat::TOPIC if is_execution(Beat::decode(bytes)?.source) => {
                gate.on_execution_beat(event.mono_ns);
            }
            SequenceGap::TOPIC => {
                let gap = SequenceGap::decode(bytes)?;
                gate.on_sequence_gap(gap.source, gap.open);
                if gap.skipped.contains(&"marketdata.tick") {
                    gate.on_gap(&[]);
                }
            }
            LostTail::TOPIC => {
                let lost = LostTail::decode(bytes)?;
                if is_execution(lost.source) {
                    gate.on_execution_restarted();
                }
            }
            topic if self.signals.iter().any(|known| **known == *topic) => {
                self.signal(event, out)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn snapshot(&mut self) -> Result<Option<Vec<u8>>, HandlerError> {
        Ok(Some(encode(&self.state)))
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), HandlerError> {
        let calendar = Arc::clone(&self.state.gate.calendar);
        self.state = decode("snapshot", snapshot)?;
        self.state.gate.calendar = calendar;
        Ok(())
    }

    /// Verdicts, what approvals hold back, the pace, the day's loss. The rest comes from its sources, as to a late
    /// hearer.
    fn rebuild(&mut self, said: &Arrival<'_>) -> Result<(), HandlerError> {
        self.state.known_of = self.state.known_of.max(Some(Day::at(said.now_ns)));
        let (intent, signal, judgement) = match said.topic {
            Approved::TOPIC => {
                let approved = Approved::decode(said.payload)?;
                let judgement = outgoing::recalled(&approved.verdict, Some(&approved.reservation));
                (approved.intent_id, approved.signal, judgement)
            }
            Blocked::TOPIC => {
                let blocked = Blocked::decode(said.payload)?;
                let judgement = outgoing::recalled(&blocked.verdict, None);
                (blocked.intent_id, blocked.signal, judgement)
            }
            PortfolioSnapshot::TOPIC => {
                if PortfolioSnapshot::decode(said.payload)?.tripped == "R44" {
                    self.state.gate.recall_loss(said.now_ns);
                }
                self.state.portfolio = said.payload.into();
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.count(&judgement);
        let intent = incoming::intent_id(intent);
        self.state
            .gate
            .recall(&signal, intent, judgement, said.now_ns, said.mono_ns);
        Ok(())
    }

    fn status(&self, out: &mut Status) {
        let State {
            gate,
            now_ns,
            approved,
            blocked,
            rows_refused,
            row_refused_last,
            ..
        } = &self.state;
        let portfolio = outgoing::portfolio(gate, *now_ns);
        let held = portfolio.positions.iter().filter(|row| row.quantity != 0);
        let held: Vec<Datum> = held.map(|row| outgoing::shown(row).into()).collect();
        let missing = portfolio.missing.iter().map(|name| Datum::from(*name));
        let mut by_rule = Status::default();
        for (rule, count) in blocked {
            let name = match rule {
                0 => String::new(),
                rule => format!("R{rule:02}"),
            };
            by_rule.set(&name, *count);
        }
        out.set("positions", held)
            .set("gross_pnl_e4", portfolio.gross_pnl_e4)
            .set("net_pnl_e4", portfolio.net_pnl_e4)
            .set("state", portfolio.state)
            .set("missing", missing.collect::<Vec<_>>())
            .set("tripped", portfolio.tripped)
            .set("approved", *approved)
            .set("blocked", by_rule)
            .set("rows_refused", *rows_refused)
            .set("row_refused_last", &**row_refused_last);
    }
}

impl GateHandler {
    /// The market's clock begins: on another day nothing leaves before execution has compared that day's book.
    fn on_day(&mut self, day: Day) {
        self.state.day = Some(day);
        if *self.state.known_of.get_or_insert(day) != day {
            self.state.gate.on_execution_restarted();
        }
    }

    /// Execution says something at a market time: the first of another day ends the last one's orders and counts.
    fn on_executions_day(&mut self, ts_ns: i64) {
        let state = &mut self.state;
        let Some(day) = state.day.filter(|day| Day::at(ts_ns) >= *day) else {
            return;
        };
        if *state.known_of.get_or_insert(day) == day {
            return;
        }
        state.known_of = Some(day);
        state.gate.begin_day();
        (state.approved, state.blocked) = Default::default();
        (state.rows_refused, state.row_refused_last) = Default::default();
    }

    fn ticks(&mut self, event: &Arrival<'_>) -> Result<(), PayloadError> {
        let batch = TickBatch::from_bytes(event.payload)
            .map_err(|error| PayloadError::refused(event.topic, "", error.to_string()))?;
        self.state
            .gate
            .on_ticks(&batch, event.now_ns, event.mono_ns);
        Ok(())
    }

    /// Approved or blocked, with every rule's result. HOLD asks for nothing, so it gets no verdict.
    fn signal(&mut self, event: &Arrival<'_>, out: &mut Outbox) -> Result<(), HandlerError> {
        let signal: Whole<'_, Signal<'_>> = decode(event.topic, event.payload)?;
        if signal.action == Action::Hold {
            return Ok(());
        }
        let judgement = self
            .state
            .gate
            .judge(&signal, event.id, event.now_ns, event.mono_ns);
        self.count(&judgement);
        let (topic, answer) = outgoing::answer(event.id, signal, &judgement, self.key.as_ref());
        out.say(topic, &answer)
    }

    fn count(&mut self, judgement: &Judgement) {
        if judgement.is_approved() {
            self.state.approved += 1;
        } else {
            let first = judgement.verdict().first.as_ref();
            let rule = first.map_or(0, |(rule, _)| *rule);
            *self.state.blocked.entry(rule).or_default() += 1;
        }
    }

    /// The portfolio, if it is not what was said last.
    fn say_portfolio(&mut self, now_ns: i64, out: &mut Outbox) -> Result<(), HandlerError> {
        self.state.now_ns = now_ns;
        let portfolio = outgoing::portfolio(&self.state.gate, now_ns);
        let bytes = encode(&portfolio);
        if *bytes != *self.state.portfolio {
            out.say(PortfolioSnapshot::TOPIC, &bytes)?;
            self.state.portfolio = bytes.into();
        }
        Ok(())
    }
}
