//! What a handler says: numbered, put on the tape, made a message. In recovery, compared with what was said before.
use std::collections::VecDeque;

use super::error::HandlerError;
use super::header::{After, Header, Mode, Source, join};
use super::numbers::Numbers;
use super::record::BatchRef;
use crate::kite::TickBatch;
use crate::tape::{Kind, Position, TapeError, Writer};

/// Where records go. The real one is `tape::Writer`.
pub trait Tape: Send + Sync {
    fn append(&mut self, kind: Kind, mono_ns: i64, parts: &[&[u8]]) -> Result<Position, TapeError>;
    /// Syncs and trims it.
    fn close(self: Box<Self>) -> Result<(), TapeError>;
}

impl Tape for Writer {
    #[inline]
    fn append(&mut self, kind: Kind, mono_ns: i64, parts: &[&[u8]]) -> Result<Position, TapeError> {
        Writer::append(self, kind, mono_ns, parts)
    }

    fn close(self: Box<Self>) -> Result<(), TapeError> {
        Writer::close(*self)
    }
}

/// For a handler that is called without a runtime: nothing is taped.
struct NoTape;

impl Tape for NoTape {
    fn append(&mut self, _: Kind, _: i64, _: &[&[u8]]) -> Result<Position, TapeError> {
        Ok(Position::default())
    }

    fn close(self: Box<Self>) -> Result<(), TapeError> {
        Ok(())
    }
}

/// A topic that the service says.
#[derive(Clone, Debug)]
pub struct Publication {
    pub topic: String,
    pub schema: u32,
    /// Whether it is left out of `sparse_seq`: ticks, bars, and work.
    pub dense: bool,
    /// The service of which its messages tell how far it had been applied.
    pub after: Option<String>,
}

/// A message that is on the tape and not yet sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Outgoing {
    pub publication: usize,
    pub header: Header,
    pub frame: Vec<u8>,
}

/// An OUT that a re-executed handler has said and the tape has not confirmed yet.
#[derive(Debug)]
pub(super) struct Unconfirmed {
    pub kind: Kind,
    pub mono_ns: i64,
    pub content: Vec<u8>,
    pub outgoing: Outgoing,
}

/// What stands between a handler and the world.
pub struct Outbox {
    source: Source,
    mode: Mode,
    publications: Vec<Publication>,
    pub(super) numbers: Numbers,
    pub(super) tape: Box<dyn Tape>,
    /// Of the event in hand.
    cause: u128,
    ts_ns: i64,
    mono_ns: i64,
    /// How far that service has been applied: the last of its events that the handler was given.
    pub(super) after: After,
    pub(super) said: Vec<Outgoing>,
    taken: u64,
    /// In recovery nothing is appended: what is said waits here to be compared with the tape.
    pub(super) unconfirmed: Option<VecDeque<Unconfirmed>>,
}

impl Outbox {
    pub(super) fn new(
        source: Source,
        mode: Mode,
        publications: Vec<Publication>,
        tape: Box<dyn Tape>,
    ) -> Outbox {
        let numbers = Numbers::new(
            publications
                .iter()
                .map(|publication| publication.topic.clone()),
        );
        Outbox {
            source,
            mode,
            publications,
            numbers,
            tape,
            cause: 0,
            ts_ns: 0,
            mono_ns: 0,
            after: After::default(),
            said: Vec::new(),
            taken: 0,
            unconfirmed: None,
        }
    }

    /// For calling a handler by itself, which may say these topics: nothing is taped, what was said is in `said`.
    pub fn detached(topics: &[&str]) -> Outbox {
        let publication = |topic: &&str| Publication {
            topic: (*topic).to_owned(),
            schema: 0,
            dense: false,
            after: None,
        };
        let source = Source::new("detached").expect("a name");
        let publications = topics.iter().map(publication).collect();
        Outbox::new(source, Mode::Sim, publications, Box::new(NoTape))
    }

    /// Whether what is said tells how far this source had been applied.
    #[inline]
    pub(super) fn stands_on(&self, source: &Source) -> bool {
        let mut afters = self.publications.iter().filter_map(|p| p.after.as_deref());
        afters.any(|service| service == source.as_str())
    }

    /// From here on all that is said is said because of this event.
    #[inline]
    pub(super) fn open(&mut self, cause: u128, ts_ns: i64, mono_ns: i64) {
        (self.cause, self.ts_ns, self.mono_ns) = (cause, ts_ns, mono_ns);
    }

    pub fn publications(&self) -> &[Publication] {
        &self.publications
    }

    /// Says one payload, already encoded.
    #[inline]
    pub fn say(&mut self, topic: &str, payload: &[u8]) -> Result<(), HandlerError> {
        let publication = self.publication_of(topic)?;
        Ok(self.say_as(publication, payload)?)
    }

    /// Says ticks. The tape gets their numbers: the frame that they were decoded from is the EXT before them.
    pub fn say_batch(&mut self, topic: &str, batch: &TickBatch) -> Result<(), HandlerError> {
        let publication = self.publication_of(topic)?;
        Ok(self.say_batch_as(publication, batch)?)
    }

    #[inline]
    fn publication_of(&self, topic: &str) -> Result<usize, HandlerError> {
        let known = self.publications.iter().position(|p| p.topic == topic);
        known.ok_or_else(|| HandlerError::failed(format!("this service does not say {topic}")))
    }

    /// `say` by the topic's place among the publications.
    #[inline]
    pub fn say_as(&mut self, publication: usize, payload: &[u8]) -> Result<(), TapeError> {
        let (header, frame) = self.message(publication, payload);
        self.keep(Kind::Out, frame.len(), &[], publication, header, frame)
    }

    pub fn say_batch_as(&mut self, publication: usize, batch: &TickBatch) -> Result<(), TapeError> {
        let (header, frame) = self.message(publication, batch.as_bytes());
        let envelope = frame.len() - batch.as_bytes().len();
        let tail = BatchRef::of(batch).encode_said();
        self.keep(Kind::OutRef, envelope, &tail, publication, header, frame)
    }

    fn message(&mut self, publication: usize, payload: &[u8]) -> (Header, Vec<u8>) {
        let spoken = &self.publications[publication];
        let next = self.numbers.next(publication, spoken.dense);
        let header = Header {
            mode: self.mode,
            flags: 0,
            schema: spoken.schema,
            epoch: next.epoch,
            sparse_seq: next.sparse_seq,
            seq: next.seq,
            topic_seq: next.topic_seq,
            after: if spoken.after.is_some() {
                self.after
            } else {
                After::default()
            },
            ts_ns: self.ts_ns,
            cause: self.cause,
            source: self.source,
        };
        (header, join(spoken.topic.as_bytes(), &header, payload))
    }

    /// Puts a record (the frame's first bytes, and a tail) on the tape, or beside it to be compared.
    #[inline]
    fn keep(
        &mut self,
        kind: Kind,
        head: usize,
        tail: &[u8],
        publication: usize,
        header: Header,
        frame: Vec<u8>,
    ) -> Result<(), TapeError> {
        let outgoing = Outgoing {
            publication,
            header,
            frame,
        };
        if self.unconfirmed.is_some() {
            self.set_aside(kind, head, tail, outgoing);
            return Ok(());
        }
        self.tape
            .append(kind, self.mono_ns, &[&outgoing.frame[..head], tail])?;
        self.said.push(outgoing);
        Ok(())
    }

    #[cold]
    fn set_aside(&mut self, kind: Kind, head: usize, tail: &[u8], outgoing: Outgoing) {
        let content = [&outgoing.frame[..head], tail].concat();
        let aside = Unconfirmed {
            kind,
            mono_ns: self.mono_ns,
            content,
            outgoing,
        };
        self.unconfirmed.get_or_insert_default().push_back(aside);
    }

    /// On the tape, and not taken yet.
    pub fn said(&self) -> &[Outgoing] {
        &self.said
    }

    /// The same, taken, in order: to be sent.
    pub fn take_said(&mut self) -> std::vec::Drain<'_, Outgoing> {
        self.taken += self.said.len() as u64;
        self.said.drain(..)
    }

    /// How much has been taken so far in this process.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    pub fn numbers(&self) -> &Numbers {
        &self.numbers
    }
}
