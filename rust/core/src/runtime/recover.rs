//! Coming back: what was heard is executed again, and must say again what was said.
//!
//! Between two inputs a tape holds what the handler said of the first. An end that lacks some of it is what a kill leaves: the rest is
//! said now, at its old place in the numbers. Anything else that differs stops the service. If the build or the settings are others than
//! those of the epoch, nothing is executed again: numbers are taken over, the handler rebuilds itself from what it said, and its sources
//! are taken anew, as by a late hearer. Working sources go on where they were: a command is not given twice.
use std::collections::VecDeque;

use super::archive::Entry;
use super::clock::Clock;
use super::error::{HandlerError, RuntimeError};
use super::handler::{Arrival, Handler};
use super::header::{After, HEADER_BYTES, Header, LAST_VALUE, Message, Source, split};
use super::outbox::Unconfirmed;
use super::phase::Phase;
use super::record::{BatchRef, Epoch, Snapshot};
use super::runtime::{CONTROL, Runtime, WORLD};
use super::sequence::{Applied, SequenceMode};
use crate::tape::{Day, Kind, Position, Reader, Record};

/// After so many records a restart begins a fresh SNAPSHOT, so that the next one does not read them again.
pub const SNAPSHOT_AFTER_RECORDS: u64 = 20_000;

/// What was found on the tape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    pub records: u64,
    /// OUTs that a kill had kept from the tape; they are on it now.
    pub appended: u64,
    /// The tape is another build's: its numbers were taken over and nothing was executed again.
    pub rebuilt: bool,
}

/// Where on its tape a service begins to come back.
struct Start {
    day: Day,
    position: Position,
    rebuilt: bool,
}

impl Runtime {
    /// Reads the own tape of the newest day and executes again what was heard since its last SNAPSHOT.
    ///
    /// `about` is what this build's EPOCH record will say.
    pub fn recover(
        &mut self,
        about: &[u8],
        handler: &mut dyn Handler,
    ) -> Result<Recovered, RuntimeError> {
        let dir = self.tapes.join(self.service().as_str());
        let Some(start) = self.find_start(about)? else {
            return Ok(Recovered::default());
        };
        self.from_day = start.day;
        let mut recovered = Recovered {
            rebuilt: start.rebuilt,
            ..Recovered::default()
        };
        let mut reader = Reader::open_at(dir, start.day, start.position)?;
        self.outbox.unconfirmed = Some(VecDeque::new());
        while let Some(record) = reader.read()? {
            recovered.records += 1;
            if start.rebuilt {
                self.rebuild(&record, handler)?;
            } else {
                self.execute(&record, handler)?;
            }
            self.taped_mono_ns = record.mono_ns;
        }
        let missing = self.outbox.unconfirmed.take().unwrap_or_default();
        for Unconfirmed {
            kind,
            mono_ns,
            content,
            outgoing,
        } in missing
        {
            self.outbox.tape.append(kind, mono_ns, &[&content])?;
            self.outbox.said.push(outgoing);
            recovered.appended += 1;
        }
        Ok(recovered)
    }

    /// Begins an epoch. A new day's tape begins with a SNAPSHOT; so does what follows a long recovery.
    ///
    /// `begins_run`: a new run has begun, and not one process come back into it.
    pub fn begin(
        &mut self,
        about: &[u8],
        recovered: Recovered,
        is_new_day: bool,
        begins_run: bool,
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        if is_new_day || begins_run {
            self.wait_for_start();
        }
        let state = handler.snapshot()?.unwrap_or_default();
        let is_worth_it = recovered.rebuilt || recovered.records > SNAPSHOT_AFTER_RECORDS;
        if is_new_day || (is_worth_it && !state.is_empty()) {
            let snapshot = self.snapshot(state);
            self.outbox
                .tape
                .append(Kind::Snapshot, mono_ns, &[&snapshot.encode()])?;
            self.stand_on_what_is_applied();
        }
        self.outbox.numbers.epoch += 1;
        let epoch = Epoch {
            numbers: self.outbox.numbers.clone(),
            begins_run,
            about: about.to_vec(),
        };
        self.outbox
            .tape
            .append(Kind::Epoch, mono_ns, &[&epoch.encode()])?;
        Ok(())
    }

    /// A day and a run are started by their own commands, whose clock says how the machine's time counts from there: until then
    /// the market stands where it was at the last record.
    fn wait_for_start(&mut self) {
        self.clock = Clock::standing(self.clock.market_ns(self.taped_mono_ns));
        self.phase = Phase::Waiting;
    }

    /// All that this runtime knows.
    pub fn snapshot(&self, handler: Vec<u8>) -> Snapshot {
        Snapshot {
            numbers: self.outbox.numbers.clone(),
            clock: self.clock,
            phase: self.phase,
            sequences: self.sequences.clone(),
            heard: self
                .heard()
                .map(|(topic, topic_seq)| (topic.to_owned(), topic_seq))
                .collect(),
            handler,
        }
    }

    /// The last SNAPSHOT of the newest day, or its start if an epoch since then was another build's.
    fn find_start(&self, about: &[u8]) -> Result<Option<Start>, RuntimeError> {
        let dir = self.tapes.join(self.service().as_str());
        let Some(day) = dir.days()?.into_iter().next_back() else {
            return Ok(None);
        };
        if day > self.day {
            return Err(RuntimeError::Recovery(format!(
                "{}: has a tape of {day}, after {}",
                dir.path.display(),
                self.day
            )));
        }
        let mut reader = Reader::open(&dir, day);
        let mut start = Start {
            day,
            position: Position::default(),
            rebuilt: false,
        };
        let mut snapshot = None; // the record just before, if it is one
        while let Some(record) = reader.read()? {
            let before = snapshot.take();
            match record.kind {
                Kind::Snapshot => snapshot = Some(record.position),
                Kind::Epoch => {
                    let epoch = Epoch::decode(record.content);
                    let is_ours = epoch.is_some_and(|epoch| epoch.about == about);
                    match before {
                        _ if !is_ours => {
                            (start.position, start.rebuilt) = (Position::default(), true);
                        }
                        // What this build made of itself, if of another's tape then of what it had said.
                        Some(position) => (start.position, start.rebuilt) = (position, false),
                        None => {}
                    }
                }
                _ => {}
            }
        }
        Ok(Some(start))
    }

    fn execute(
        &mut self,
        record: &Record<'_>,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        if matches!(record.kind, Kind::Out | Kind::OutRef) {
            return self.confirm(record);
        }
        if let Some(unconfirmed) = self.outbox.unconfirmed.as_ref().and_then(VecDeque::front) {
            let header = &unconfirmed.outgoing.header;
            let why = format!(
                "the handler now says {}, which it did not say before",
                self.describe(header)
            );
            return Err(self.cannot(record, &why));
        }
        match record.kind {
            Kind::Snapshot => {
                let snapshot = Snapshot::decode(record.content)
                    .ok_or_else(|| self.cannot(record, "not a SNAPSHOT"))?;
                self.restore(&snapshot);
                if !snapshot.handler.is_empty() {
                    handler.restore(&snapshot.handler)?;
                }
                Ok(())
            }
            Kind::Epoch => Ok(self.enter_own_epoch(record)?),
            Kind::Ext => self.execute_ext(record, handler),
            Kind::In | Kind::InRef => self.execute_in(record, handler),
            Kind::Out | Kind::OutRef => unreachable!("confirmed above"),
        }
    }

    fn execute_in(
        &mut self,
        record: &Record<'_>,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        let message = self.message(record)?;
        let header = message.header;
        if header.source.as_str() == CONTROL {
            let subscription = self.own_subscription(record, &message)?;
            self.outbox.numbers.control_seq = header.seq;
            self.obey(subscription, message.payload);
            return self.dispatch(
                subscription,
                0,
                header,
                message.payload,
                record.mono_ns,
                handler,
            );
        }
        let sequence_mode = self
            .sequence_mode_of(&header.source)
            .ok_or_else(|| self.cannot(record, "heard from a source that it does not hear"))?;
        let fetched;
        let payload = if record.kind == Kind::In {
            message.payload
        } else {
            fetched = self.fetch(record, &message)?;
            &fetched[fetched.len() - payload_bytes(&fetched, message.topic)..]
        };
        let (subscription, schema) = self
            .place(&Message { payload, ..message }, sequence_mode)
            .ok_or_else(|| self.replaced(record))?;
        self.dispatch(
            subscription,
            schema,
            header,
            payload,
            record.mono_ns,
            handler,
        )
    }

    fn execute_ext(
        &mut self,
        record: &Record<'_>,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        let message = self.message(record)?;
        let header = message.header;
        let subscription = self.own_subscription(record, &message)?;
        if header.flags & LAST_VALUE == 0 {
            self.outbox.numbers.world_seq = header.seq;
            return self.dispatch(
                subscription,
                0,
                header,
                message.payload,
                record.mono_ns,
                handler,
            );
        }
        let sequence_mode = self
            .sequence_mode_of(&header.source)
            .ok_or_else(|| self.cannot(record, "a last value of a source that it does not hear"))?;
        self.sequences
            .set(header.source, Applied::at(&header, sequence_mode));
        self.heard[subscription] = header.topic_seq;
        let schema = self.subscriptions[subscription]
            .schemas
            .iter()
            .position(|known| *known == header.schema);
        let schema = schema.ok_or_else(|| self.replaced(record))?;
        self.dispatch(
            subscription,
            schema,
            header,
            message.payload,
            record.mono_ns,
            handler,
        )
    }

    /// An OUT of the tape against the next that was said again.
    fn confirm(&mut self, record: &Record<'_>) -> Result<(), RuntimeError> {
        let message = self.message(record)?;
        if message.header.cause == 0 {
            // Said by code outside services: no event made it, so none makes it again.
            self.follow(&message);
            return Ok(());
        }
        let again = self
            .outbox
            .unconfirmed
            .as_mut()
            .and_then(VecDeque::pop_front);
        let Some(again) = again else {
            let why = format!(
                "{} was said and is not said again",
                self.describe(&message.header)
            );
            return Err(self.cannot(record, &why));
        };
        if (again.kind, again.mono_ns, &again.content[..])
            != (record.kind, record.mono_ns, record.content)
        {
            let why = format!(
                "{} was said; executed again, the handler says {} with other content",
                self.describe(&message.header),
                self.describe(&again.outgoing.header)
            );
            return Err(self.cannot(record, &why));
        }
        Ok(())
    }

    /// Takes over what a record did to the numbers, without executing it.
    fn rebuild(
        &mut self,
        record: &Record<'_>,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        match record.kind {
            Kind::Snapshot => {
                let snapshot = Snapshot::decode(record.content)
                    .ok_or_else(|| self.cannot(record, "not a SNAPSHOT"))?;
                self.restore(&snapshot);
                self.sequences
                    .retain(|source| is_work(&self.sequence_modes, source));
                return Ok(());
            }
            Kind::Epoch => return self.enter_own_epoch(record),
            _ => {}
        }
        let message = self.message(record)?;
        let header = message.header;
        let subscription = self.subscription_of(message.topic);
        match (record.kind, header.source.as_str()) {
            (Kind::Out | Kind::OutRef, _) => {
                self.follow(&message);
                if record.kind == Kind::Out {
                    return self.rebuild_from(record, &message, handler);
                }
            }
            (_, WORLD) => self.outbox.numbers.world_seq = header.seq,
            (_, CONTROL) => {
                self.outbox.numbers.control_seq = header.seq;
                if let Some(subscription) = subscription {
                    self.obey(subscription, message.payload);
                }
            }
            _ => {
                if self.sequence_mode_of(&header.source) == Some(SequenceMode::Work) {
                    self.sequences
                        .set(header.source, Applied::at(&header, SequenceMode::Work));
                    if let Some(subscription) = subscription {
                        self.heard[subscription] = header.topic_seq;
                    }
                }
            }
        }
        Ok(())
    }

    fn rebuild_from(
        &mut self,
        record: &Record<'_>,
        message: &Message<'_>,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        let (header, mono_ns) = (message.header, record.mono_ns);
        let mut publications = self.outbox.publications().iter();
        let Some(known) = publications.find(|p| p.topic.as_bytes() == message.topic) else {
            return Ok(()); // a topic that this build no longer says
        };
        if known.schema != header.schema {
            return Err(self.replaced(record));
        }
        let topic = &known.topic.clone();
        let said = Arrival {
            topic,
            subscription: 0,
            schema: 0,
            header,
            payload: message.payload,
            id: self.event_id(&header),
            mono_ns,
            now_ns: self.clock.market_ns(mono_ns),
        };
        match handler.rebuild(&said) {
            Err(HandlerError::Payload(what)) => Err(self.cannot(record, &what)),
            done => Ok(done?),
        }
    }

    fn follow(&mut self, message: &Message<'_>) {
        if let Ok(topic) = std::str::from_utf8(message.topic) {
            self.outbox.numbers.follow(topic, &message.header);
        }
    }

    fn restore(&mut self, snapshot: &Snapshot) {
        self.outbox.numbers.restore(snapshot.numbers.clone());
        self.clock = snapshot.clock;
        self.phase = snapshot.phase;
        self.sequences = snapshot.sequences.clone();
        self.stand_on_what_is_applied();
        for (topic, topic_seq) in &snapshot.heard {
            if let Some(subscription) = self.subscription_of(topic.as_bytes()) {
                self.heard[subscription] = *topic_seq;
            }
        }
    }

    /// At a SNAPSHOT, live and when it is read: it tells what has been applied, and not which of it was an own topic.
    fn stand_on_what_is_applied(&mut self) {
        let mut sources = self.sequences.iter();
        let source = sources.find(|(source, _)| self.outbox.stands_on(source));
        self.outbox.after = source.map_or(After::default(), |(_, applied)| After {
            epoch: applied.epoch,
            seq: applied.seq,
        });
    }

    fn enter_own_epoch(&mut self, record: &Record<'_>) -> Result<(), RuntimeError> {
        let epoch =
            Epoch::decode(record.content).ok_or_else(|| self.cannot(record, "not an EPOCH"))?;
        self.outbox.numbers.restore(epoch.numbers);
        self.written_by = build_of(&epoch.about);
        if epoch.begins_run {
            self.wait_for_start();
        }
        Ok(())
    }

    /// The message that an IN_REF names, from its source's tape.
    fn fetch(
        &mut self,
        record: &Record<'_>,
        message: &Message<'_>,
    ) -> Result<Vec<u8>, RuntimeError> {
        let source = message.header.source;
        let mut tape = self.follower(source);
        let wanted = (message.header.epoch, message.header.seq);
        let frame = loop {
            let entry = tape.next(|_, header| (header.epoch, header.seq) == wanted);
            match entry {
                Err(error) => {
                    return Err(
                        self.cannot(record, &format!("{}'s tape: {error}", source.as_str()))
                    );
                }
                Ok(None) => {
                    let why = format!(
                        "{}'s tape does not have {}",
                        source.as_str(),
                        self.describe(&message.header)
                    );
                    return Err(self.cannot(record, &why));
                }
                Ok(Some(Entry::Said(said))) if (said.header.epoch, said.header.seq) == wanted => {
                    break said.frame;
                }
                Ok(Some(_)) => {}
            }
        };
        self.followers.push((source, tape));
        let payload = &frame[frame.len() - payload_bytes(&frame, message.topic)..];
        let heard = BatchRef::decode(message.payload)
            .ok_or_else(|| self.cannot(record, "not an IN_REF"))?;
        if heard != BatchRef::heard(heard.ticks, payload) {
            return Err(self.cannot(record, "its source's tape has another batch there"));
        }
        Ok(frame)
    }

    fn message<'a>(&self, record: &Record<'a>) -> Result<Message<'a>, RuntimeError> {
        let message = split(record.content).map_err(|_| {
            self.cannot(
                record,
                "not a message of this version: start a new run folder",
            )
        })?;
        if message.header.mode != self.mode {
            let (then, now) = (message.header.mode.name(), self.mode.name());
            let why = format!("of mode {then}, and this is {now}: start a new run folder");
            return Err(self.cannot(record, &why));
        }
        Ok(message)
    }

    fn own_subscription(
        &self,
        record: &Record<'_>,
        message: &Message<'_>,
    ) -> Result<usize, RuntimeError> {
        self.subscription_of(message.topic)
            .ok_or_else(|| self.cannot(record, "of a topic that this build does not hear"))
    }

    fn describe(&self, header: &Header) -> String {
        format!("event {}.{}", header.epoch, header.seq)
    }

    fn replaced(&self, record: &Record<'_>) -> RuntimeError {
        let why = format!(
            "of a topic or schema that this build does not know, written by build {}: start a new run folder",
            self.written_by
        );
        self.cannot(record, &why)
    }

    fn cannot(&self, record: &Record<'_>, why: &str) -> RuntimeError {
        let Position {
            segment,
            offset,
            number,
        } = record.position;
        let dir = self.tapes.join(self.service().as_str());
        RuntimeError::Recovery(format!(
            "{}: record {number} (segment {segment}, offset {offset}): {why}",
            dir.path.display()
        ))
    }
}

/// The build that an EPOCH's JSON names.
fn build_of(about: &[u8]) -> String {
    let about = String::from_utf8_lossy(about);
    let build = about.split_once(r#""build":""#);
    let build = build.and_then(|(_, rest)| rest.split_once('"'));
    build.map_or("unknown", |(build, _)| build).to_owned()
}

fn payload_bytes(frame: &[u8], topic: &[u8]) -> usize {
    frame.len() - topic.len() - 1 - HEADER_BYTES
}

fn is_work(modes: &[(String, SequenceMode)], source: &Source) -> bool {
    let name = source.as_str();
    let service = name.split_once('.').map_or(name, |(service, _)| service);
    modes
        .iter()
        .any(|(known, mode)| known == service && *mode == SequenceMode::Work)
}
