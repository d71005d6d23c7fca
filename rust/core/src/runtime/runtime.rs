//! One process's loop without its sockets: every message is checked, put in its place, taped, handed on and answered here.

use super::clock::Clock;
use super::counters::Counters;
use super::error::{HandlerError, RuntimeError};
use super::event_id::EventIdPrefix;
use super::handler::{Arrival, Handler};
use super::header::{
    After, HEARTBEAT, Header, LAST_VALUE, Malformed, Message, Mode, Source, split,
};
use super::outbox::{Outbox, Outgoing, Tape};
use super::phase::Phase;
use super::range::{Ask, SourceTape};
use super::record::BatchRef;
use super::sequence::{Applied, SequenceCheck, SequenceMode, Sequences};
use super::setup::{Setup, Subscription};
use crate::msgpack;
use crate::tape::{Day, Folder, Kind};

/// Sources that are no service: what the process was told to do, and what the world said to it.
pub const CONTROL: &str = "control";
pub const WORLD: &str = "world";

/// See the module.
pub struct Runtime {
    pub(super) account: String,
    pub(super) day: Day,
    /// The day up to which the own tape goes: what is missing of a source may stand on its tape from there.
    pub(super) from_day: Day,
    pub(super) tapes: Folder,
    pub(super) ask: Option<Ask>,
    pub(super) subscriptions: Vec<Subscription>,
    /// By subscription: whether the handler takes it. What it does not take is the runtime's own.
    handled: Vec<bool>,
    /// By subscription: `topic_seq` of the last one applied.
    pub(super) heard: Vec<u64>,
    pub(super) sequence_modes: Vec<(String, SequenceMode)>,
    pub(super) mode: Mode,
    service: Source,
    pub(super) clock: Clock,
    pub(super) phase: Phase,
    /// Machine time of the last record that was read in coming back.
    pub(super) taped_mono_ns: i64,
    /// Market time between the birth of the last message and its arrival here.
    lag_ns: i64,
    pub(super) sequences: Sequences,
    pub(super) outbox: Outbox,
    pub(super) counters: Counters,
    pub(super) followers: Vec<(Source, SourceTape)>,
    /// Sources whose gap could not be filled yet.
    pub(super) open_gaps: Vec<Source>,
    /// Working sources whose heartbeat is ahead of what came by PULL so far.
    pub(super) suspects: Vec<(Source, Header)>,
    pub(super) connected: Vec<Source>,
    /// The build whose epoch of the own tape is being read.
    pub(super) written_by: String,
    id_prefixes: Vec<(Source, u32, EventIdPrefix)>,
    in_hand: Option<(usize, Header, u128)>,
}

impl Runtime {
    pub fn new(setup: Setup, handler: &dyn Handler, tape: Box<dyn Tape>) -> Runtime {
        assert!(
            setup.subscriptions.len() <= 256 && setup.publications.len() <= 256,
            "a service hears and says a handful of topics"
        );
        let topics = handler.topics();
        let handled = |one: &Subscription| topics.contains(&one.topic.as_str());
        let handled = setup.subscriptions.iter().map(handled).collect();
        Runtime {
            account: setup.account,
            day: setup.day,
            from_day: setup.day,
            tapes: setup.tapes,
            ask: setup.ask,
            heard: vec![0; setup.subscriptions.len()],
            handled,
            subscriptions: setup.subscriptions,
            sequence_modes: setup.sequence_modes,
            mode: setup.mode,
            service: setup.service,
            clock: Clock::standing(setup.start_ns),
            phase: Phase::default(),
            taped_mono_ns: 0,
            lag_ns: 0,
            sequences: Sequences::default(),
            outbox: Outbox::new(setup.service, setup.mode, setup.publications, tape),
            counters: Counters::default(),
            followers: Vec::new(),
            open_gaps: Vec::new(),
            suspects: Vec::new(),
            connected: Vec::new(),
            written_by: String::new(),
            id_prefixes: Vec::new(),
            in_hand: None,
        }
    }

    /// A message from the bus, heartbeats included. What is answered waits in `take_said`.
    pub fn hear(
        &mut self,
        frame: &[u8],
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        self.check_sound()?;
        let (message, sequence_mode) = match self.admit(frame) {
            Ok(admitted) => admitted,
            Err(why) => {
                self.refuse(why);
                return Ok(());
            }
        };
        let header = message.header;
        if message.topic == HEARTBEAT {
            self.hear_watermarks(&message, sequence_mode, mono_ns, handler)?;
            return self.hear_beat(&header.source, mono_ns, handler);
        }
        match self.sequences.judge(&header, sequence_mode) {
            SequenceCheck::Apply => self.apply(frame, &message, sequence_mode, mono_ns, handler),
            SequenceCheck::Duplicate => {
                self.counters.duplicates += 1;
                Ok(())
            }
            SequenceCheck::Gap => {
                self.counters.gaps_seen += 1;
                self.fill_gap(header.source, mono_ns, handler)
            }
            SequenceCheck::NewEpoch => self.follow_epoch(header.source, mono_ns, handler),
            SequenceCheck::Unjoined => self.meet(&header, mono_ns, handler),
        }
    }

    /// Something the world said, encoded as the subscription's newest schema.
    pub fn world(
        &mut self,
        subscription: usize,
        payload: &[u8],
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        self.check_sound()?;
        self.outbox.numbers.world_seq += 1;
        let header = self.own_header(
            WORLD,
            self.outbox.numbers.world_seq,
            self.subscriptions[subscription].schemas[0],
            mono_ns,
        );
        self.tape_message(Kind::Ext, subscription, &header, payload, mono_ns)?;
        self.dispatch(subscription, 0, header, payload, mono_ns, handler)
    }

    /// A command, numbered by this process; it is on the tape when this returns.
    pub fn control(
        &mut self,
        subscription: usize,
        payload: &[u8],
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        self.check_sound()?;
        self.outbox.numbers.control_seq += 1;
        self.obey(subscription, payload);
        let header = self.own_header(
            CONTROL,
            self.outbox.numbers.control_seq,
            self.subscriptions[subscription].schemas[0],
            mono_ns,
        );
        self.tape_message(Kind::In, subscription, &header, payload, mono_ns)?;
        self.dispatch(subscription, 0, header, payload, mono_ns, handler)
    }

    /// Says something that no event made: for code outside services.
    pub fn publish(
        &mut self,
        publication: usize,
        payload: &[u8],
        mono_ns: i64,
    ) -> Result<(), RuntimeError> {
        self.check_sound()?;
        self.outbox.open(0, self.clock.market_ns(mono_ns), mono_ns);
        self.outbox.say_as(publication, payload)?;
        Ok(())
    }

    /// The id of an event that this service heard or said.
    pub fn event_id(&mut self, header: &Header) -> u128 {
        self.id_prefix(header).event_id(header.seq)
    }

    /// Goes on with another tape: the next day's.
    pub fn turn_tape(&mut self, tape: Box<dyn Tape>) -> Box<dyn Tape> {
        std::mem::replace(&mut self.outbox.tape, tape)
    }

    pub fn into_tape(self) -> Box<dyn Tape> {
        self.outbox.tape
    }

    /// What was said since this was last asked, in order.
    pub fn take_said(&mut self) -> std::vec::Drain<'_, Outgoing> {
        self.outbox.take_said()
    }

    /// The event that is, or was when an error came, in the handler's hands.
    pub fn in_hand(&self) -> Option<(&str, &Header, u128)> {
        self.in_hand.as_ref().map(|(subscription, header, id)| {
            (
                self.subscriptions[*subscription].topic.as_str(),
                header,
                *id,
            )
        })
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub fn subscriptions(&self) -> &[Subscription] {
        &self.subscriptions
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Machine time between the birth of the last message and its arrival here.
    pub fn lag_ns(&self) -> i64 {
        match self.clock.speed_e3 {
            0 => 0,
            speed_e3 => (i128::from(self.lag_ns) * 1000 / i128::from(speed_e3)) as i64,
        }
    }

    pub fn sequences(&self) -> &Sequences {
        &self.sequences
    }

    /// Topic and `topic_seq` of the last one applied.
    pub fn heard(&self) -> impl Iterator<Item = (&str, u64)> {
        self.subscriptions
            .iter()
            .zip(&self.heard)
            .map(|(subscription, topic_seq)| (subscription.topic.as_str(), *topic_seq))
    }

    /// Sources of which a heartbeat or a message has come in this process.
    pub fn connected(&self) -> &[Source] {
        &self.connected
    }

    pub fn has_open_gap(&self) -> bool {
        !self.open_gaps.is_empty()
    }

    /// Takes a message apart, if it is of our version, our mode and a source that this service hears; else why not.
    fn admit<'a>(&self, frame: &'a [u8]) -> Result<(Message<'a>, SequenceMode), &'static str> {
        let message = split(frame).map_err(Malformed::code)?;
        if message.header.mode != self.mode {
            return Err("mode");
        }
        if message.header.flags & LAST_VALUE != 0 {
            return Err("flags"); // hearers make these for themselves; nobody says one
        }
        let sequence_mode = self
            .sequence_mode_of(&message.header.source)
            .ok_or("source")?;
        Ok((message, sequence_mode))
    }

    /// How a source is counted; none if this service does not hear it.
    pub(super) fn sequence_mode_of(&self, source: &Source) -> Option<SequenceMode> {
        let name = source.as_str();
        let base = name.split_once('.').map_or(name, |(base, _)| base);
        self.sequence_modes
            .iter()
            .find(|(service, _)| service == base)
            .map(|(_, sequence_mode)| *sequence_mode)
    }

    pub(super) fn subscription_of(&self, topic: &[u8]) -> Option<usize> {
        self.subscriptions
            .iter()
            .position(|subscription| subscription.topic.as_bytes() == topic)
    }

    /// A message whose turn it is: put in its place and, if it is of an own topic, taped and handed on.
    pub(super) fn apply(
        &mut self,
        frame: &[u8],
        message: &Message<'_>,
        sequence_mode: SequenceMode,
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        self.take_what_it_stands_on(message, mono_ns, handler)?;
        let header = message.header;
        let Some((subscription, schema)) = self.place(message, sequence_mode) else {
            return Ok(());
        };
        self.lag_ns = self.clock.market_ns(mono_ns).saturating_sub(header.ts_ns);
        let envelope = frame.len() - message.payload.len();
        // What lies elsewhere is taped whole: this service comes back without asking anybody.
        if self.subscriptions[subscription].bulk && self.ask.is_none() {
            let tail = BatchRef::heard(ticks_in(message.payload), message.payload).encode_heard();
            self.outbox
                .tape
                .append(Kind::InRef, mono_ns, &[&frame[..envelope], &tail])?;
        } else {
            self.outbox.tape.append(Kind::In, mono_ns, &[frame])?;
        }
        self.dispatch(
            subscription,
            schema,
            header,
            message.payload,
            mono_ns,
            handler,
        )
    }

    /// Whether a message stands on what its source has said and this service has not applied yet. Two sockets keep no order, so
    /// it is worth a moment's wait: heard at once, the rest is read from the tape.
    pub fn is_ahead(&self, frame: &[u8]) -> bool {
        let lacking = split(frame).ok().and_then(|message| self.lacking(&message));
        lacking.is_some_and(|source| self.sequences.applied(&source).is_some())
    }

    /// The source of what a message stands on, if that has not been applied yet.
    #[inline]
    fn lacking(&self, message: &Message<'_>) -> Option<Source> {
        let After { epoch, seq } = message.header.after;
        if seq == 0 {
            return None;
        }
        let subscription = self.subscription_of(message.topic)?;
        let source = Source::new(self.subscriptions[subscription].after.as_deref()?)?;
        let applied = self.sequences.applied(&source).unwrap_or_default();
        ((applied.epoch, applied.seq) < (epoch, seq)).then_some(source)
    }

    /// Takes what a message stands on first: each event is on its source's tape before it is sent, and the copy that comes late
    /// is a duplicate. A tape that cannot be read is an open gap, which the handler is told.
    #[inline]
    fn take_what_it_stands_on(
        &mut self,
        message: &Message<'_>,
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        let Some(source) = self.lacking(message) else {
            return Ok(());
        };
        if self.sequences.applied(&source).is_none() {
            return self.join(source, mono_ns, handler);
        }
        let filled = self.counters.gaps_filled;
        self.fill_gap(source, mono_ns, handler)?;
        // What was read had only not come yet; what could not be read is a gap.
        if self.counters.gaps_filled == filled {
            self.counters.gaps_seen += 1;
        }
        self.counters.gaps_filled = filled;
        Ok(())
    }

    /// Counts a message as applied; its subscription and schema if it is to be handed on.
    pub(super) fn place(
        &mut self,
        message: &Message<'_>,
        sequence_mode: SequenceMode,
    ) -> Option<(usize, usize)> {
        let header = &message.header;
        self.sequences
            .set(header.source, Applied::at(header, sequence_mode));
        let subscription = self.subscription_of(message.topic)?;
        self.heard[subscription] = header.topic_seq;
        let Some(schema) = self.subscriptions[subscription]
            .schemas
            .iter()
            .position(|known| *known == header.schema)
        else {
            // It keeps its place: no tape can ever give it in a schema that this build reads.
            self.refuse("schema");
            return None;
        };
        self.counters.heard += 1;
        Some((subscription, schema))
    }

    pub(super) fn dispatch(
        &mut self,
        subscription: usize,
        schema: usize,
        header: Header,
        payload: &[u8],
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        if !self.handled[subscription] {
            return Ok(());
        }
        let arrival = Arrival {
            topic: "",
            subscription,
            schema,
            header,
            payload,
            id: self.id_prefix(&header).event_id(header.seq),
            mono_ns,
            now_ns: self.clock.market_ns(mono_ns),
        };
        let arrival = Arrival {
            topic: &self.subscriptions[subscription].topic,
            ..arrival
        };
        self.in_hand = Some((subscription, header, arrival.id));
        if self.outbox.stands_on(&header.source) {
            self.outbox.after = After {
                epoch: header.epoch,
                seq: header.seq,
            };
        }
        self.outbox.open(arrival.id, arrival.now_ns, mono_ns);
        match handler.handle(&arrival, &mut self.outbox) {
            Ok(()) => {}
            Err(HandlerError::Payload(what)) => self.refuse_payload(subscription, &header, &what),
            Err(error) => return Err(error.into()),
        }
        self.in_hand = None;
        Ok(())
    }

    /// An event that is not what its schema says is passed over like one of a schema that is not known, live and whenever it is
    /// executed again: it keeps its place, and who asks for our health is told of it.
    #[cold]
    fn refuse_payload(&mut self, subscription: usize, header: &Header, what: &str) {
        self.refuse("payload");
        let Header {
            epoch, seq, source, ..
        } = header;
        let topic = &self.subscriptions[subscription].topic;
        self.counters.last_refused =
            format!("{topic} {epoch}.{seq} of {}: {what}", source.as_str());
    }

    pub(super) fn service(&self) -> &Source {
        &self.service
    }

    pub(super) fn follow_epoch(
        &mut self,
        source: Source,
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        self.forget_follower(&source);
        self.fill(source, mono_ns, handler).map(drop)
    }

    /// The header of what no service said. Its source's name is shared by all processes, its ids are not: see `id_prefix`.
    pub(super) fn own_header(&self, source: &str, seq: u64, schema: u32, mono_ns: i64) -> Header {
        Header {
            mode: self.mode,
            flags: 0,
            schema,
            epoch: self.outbox.numbers.epoch,
            sparse_seq: 0,
            seq,
            topic_seq: seq,
            after: After::default(),
            ts_ns: self.clock.market_ns(mono_ns),
            cause: 0,
            source: Source::new(source).expect("a name of ours"),
        }
    }

    pub(super) fn tape_message(
        &mut self,
        kind: Kind,
        subscription: usize,
        header: &Header,
        payload: &[u8],
        mono_ns: i64,
    ) -> Result<(), RuntimeError> {
        let topic = self.subscriptions[subscription].topic.as_bytes();
        self.outbox
            .tape
            .append(kind, mono_ns, &[topic, &[0], &header.encode(), payload])?;
        Ok(())
    }

    /// Ids of `control` and `world` are those of this process: the same words said to two services are two events.
    fn id_prefix(&mut self, header: &Header) -> EventIdPrefix {
        let known = self
            .id_prefixes
            .iter()
            .find(|(source, epoch, _)| *source == header.source && *epoch == header.epoch);
        if let Some((_, _, id_prefix)) = known {
            return *id_prefix;
        }
        let name = header.source.as_str();
        let id_prefix = match name {
            CONTROL | WORLD => {
                let name = format!("{name}@{}", self.service.as_str());
                EventIdPrefix::new(&self.account, &name, header.epoch)
            }
            _ => EventIdPrefix::new(&self.account, name, header.epoch),
        };
        self.id_prefixes
            .retain(|(source, _, _)| *source != header.source);
        self.id_prefixes
            .push((header.source, header.epoch, id_prefix));
        id_prefix
    }

    /// The commands that the runtime itself hears, before the handler.
    pub(super) fn obey(&mut self, subscription: usize, payload: &[u8]) {
        match self.subscriptions[subscription].topic.as_str() {
            "control.start" => self.phase = Phase::Started,
            "control.stop" => self.phase = Phase::Stopped,
            "control.clock" => {
                let mut reader = msgpack::Reader(payload);
                if let (Some(3..), Some(t0_ns), Some(m0_ns), Some(speed_e3 @ 0..)) =
                    (reader.array(), reader.int(), reader.int(), reader.int())
                {
                    self.clock = Clock {
                        t0_ns,
                        m0_ns,
                        speed_e3,
                    };
                }
            }
            _ => {}
        }
    }

    pub(super) fn check_sound(&self) -> Result<(), RuntimeError> {
        if self.in_hand.is_some() {
            Err(RuntimeError::Stopped)
        } else {
            Ok(())
        }
    }

    #[cold]
    pub(super) fn refuse(&mut self, why: &'static str) {
        *self.counters.refused.entry(why).or_default() += 1;
    }
}

/// How many ticks a batch's wire form says it holds; whether it is true the decoder will find.
fn ticks_in(wire: &[u8]) -> u32 {
    wire.first_chunk()
        .map_or(0, |count| u32::from_le_bytes(*count))
}
