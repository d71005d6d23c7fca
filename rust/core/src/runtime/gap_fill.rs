//! Gaps and late joining: what a hearer missed stands on its source's tape.
//!
//! A hearer stops taking a source's messages, reads the tape after what it has applied, own topics only, in order, and goes on
//! live; what comes then and is covered already is a duplicate. A message is on its sender's tape before it is sent, so the one
//! that showed the gap is always found.
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::archive::{ArchiveError, Entry, Follower, Said};
use super::error::RuntimeError;
use super::handler::Handler;
use super::header::{Header, LAST_VALUE, Source, split};
use super::numbers::Numbers;
use super::range::{Asking, SourceTape};
use super::runtime::Runtime;
use super::sequence::{Applied, SequenceMode};
use super::setup::Join;
use crate::kite::{BATCH_TICKS_MAX, Tick, TickBatch};
use crate::msgpack;
use crate::tape::{Day, Kind};

/// Ticks that were said longer ago are not worth reading one by one: the newest of each instrument is taken.
pub const BULK_AGE_NS_MAX: i64 = 1_000_000_000;

/// The newest tick of each instrument among batches that are not handed on one by one.
#[derive(Default)]
struct Newest {
    ticks: BTreeMap<u32, Tick>,
    /// The last batch, whose place is where the newest ticks hold, and its subscription.
    at: Option<(Header, usize)>,
    /// Batches that a hearer who was there has missed.
    skipped: u64,
}

impl Newest {
    fn add(&mut self, said: &Said, subscription: usize) {
        let Ok(message) = split(&said.frame) else {
            return;
        };
        let Ok(batch) = TickBatch::from_bytes(message.payload) else {
            return;
        };
        self.ticks
            .extend(batch.ticks().map(|tick| (tick.token, tick)));
        self.at = Some((said.header, subscription));
    }
}

/// What a late hearer takes of keyed topics.
#[derive(Default)]
struct Survey {
    ticks: Newest,
    /// By subscription and key: the `seq` of the newest row.
    rows: HashMap<(usize, Vec<u8>), u64>,
}

impl Runtime {
    /// Fills a gap that was seen, and tells the handler if that did not succeed, or now has.
    pub(super) fn fill_gap(
        &mut self,
        source: Source,
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        let before = self.sequences.applied(&source);
        let is_read = self.fill(source, mono_ns, handler)?;
        let filled = self.sequences.applied(&source) != before;
        if filled {
            self.counters.gaps_filled += 1;
        } else if is_read {
            // A message is on its sender's tape before it is sent: one that no tape has was never said by it.
            self.refuse("forged");
            return Ok(());
        }
        match self.open_gaps.iter().position(|open| *open == source) {
            Some(open) if filled => {
                self.open_gaps.swap_remove(open);
                self.tell_gap(&source, false, &[], mono_ns, handler)
            }
            None if !filled => {
                self.open_gaps.push(source);
                self.tell_gap(&source, true, &[], mono_ns, handler)
            }
            _ => Ok(()),
        }
    }

    /// Reads on in the source's tape from what has been applied; whether it could be read to its end. One that cannot be leaves
    /// things as they are.
    pub(super) fn fill(
        &mut self,
        source: Source,
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<bool, RuntimeError> {
        let Some(sequence_mode) = self.sequence_mode_of(&source) else {
            return Ok(false);
        };
        let mut follower = self.follower(source);
        follower.pass(self.sequences.applied(&source).unwrap_or_default());
        let mut newest = Newest::default();
        let read = self.read_on(
            source,
            sequence_mode,
            &mut follower,
            &mut newest,
            mono_ns,
            handler,
        )?;
        self.take_newest(&mut newest, mono_ns, handler)?;
        let is_there = self.ask.is_some() || self.tapes.join(source.as_str()).is_dir();
        if read {
            self.followers.push((source, follower));
        }
        Ok(read && is_there)
    }

    /// True if the tape could be read to its end.
    fn read_on(
        &mut self,
        source: Source,
        sequence_mode: SequenceMode,
        follower: &mut SourceTape,
        newest: &mut Newest,
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<bool, RuntimeError> {
        loop {
            let applied = self.sequences.applied(&source).unwrap_or_default();
            let entry = follower.next(|topic, header| {
                !applied.covers(header) && self.subscription_of(topic).is_some()
            });
            let said = match entry {
                Err(_) => {
                    self.refuse("tape");
                    return Ok(false);
                }
                Ok(None) => return Ok(true),
                Ok(Some(Entry::Said(said))) => said,
                Ok(Some(Entry::Day(numbers))) => {
                    if applied.epoch == 0 {
                        let standing = self.stand_at(sequence_mode, &numbers);
                        self.sequences.set(source, standing);
                    }
                    continue;
                }
                Ok(Some(Entry::Epoch(numbers))) => {
                    if numbers.epoch > applied.epoch {
                        self.enter_epoch(
                            source,
                            sequence_mode,
                            applied,
                            &numbers,
                            mono_ns,
                            handler,
                        )?;
                    }
                    continue;
                }
            };
            if applied.covers(&said.header) {
                continue;
            }
            if said.frame.is_empty() {
                self.sequences
                    .set(source, applied.past(&said.header, sequence_mode));
                continue;
            }
            if let Some(subscription) = self.stale_bulk(&said, mono_ns) {
                newest.add(&said, subscription);
                newest.skipped += 1;
                self.sequences
                    .set(source, Applied::at(&said.header, sequence_mode));
                continue;
            }
            self.take_newest(newest, mono_ns, handler)?;
            if let Ok(message) = split(&said.frame) {
                self.apply(&said.frame, &message, sequence_mode, mono_ns, handler)?;
            }
        }
    }

    /// The subscription of a bulk message that is too old to be read by who does not need them all.
    fn stale_bulk(&self, said: &Said, mono_ns: i64) -> Option<usize> {
        let subscription = self.subscription_of(split(&said.frame).ok()?.topic)?;
        let may_skip = self.subscriptions[subscription].bulk
            && self.subscriptions[subscription].join != Join::Day;
        (may_skip && mono_ns - said.mono_ns > BULK_AGE_NS_MAX).then_some(subscription)
    }

    /// The source continues after `numbers`; if that is before what was applied, it has lost its tail.
    fn enter_epoch(
        &mut self,
        source: Source,
        sequence_mode: SequenceMode,
        applied: Applied,
        numbers: &Numbers,
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        let standing = self.stand_at(sequence_mode, numbers);
        self.sequences.set(source, standing);
        if applied.epoch != 0 && applied.seq < numbers.seq {
            self.counters.gaps_seen += 1; // what it said in between stands on no tape that is left
        }
        if applied.seq <= numbers.seq {
            return Ok(());
        }
        self.counters.lost_tails += 1;
        let Some(subscription) = self.subscription_of(b"world.lost_tail") else {
            return Ok(());
        };
        let mut words = msgpack::Writer::default();
        words
            .array(3)
            .text(source.as_str())
            .uint(applied.seq)
            .uint(numbers.seq);
        self.world(subscription, &words.0, mono_ns, handler)
    }

    /// What has been applied of a source that stands at these numbers and of which nothing is missing.
    fn stand_at(&mut self, sequence_mode: SequenceMode, numbers: &Numbers) -> Applied {
        for (subscription, heard) in self.subscriptions.iter().zip(&mut self.heard) {
            *heard = (*heard).max(numbers.topic_seq(subscription.topic.as_bytes()));
        }
        let number = match sequence_mode {
            SequenceMode::All => numbers.seq,
            SequenceMode::Sparse => u64::from(numbers.sparse_seq),
            // Of its topics a worker hears one.
            SequenceMode::Work => self
                .subscriptions
                .iter()
                .map(|subscription| numbers.topic_seq(subscription.topic.as_bytes()))
                .max()
                .unwrap_or(0),
        };
        Applied {
            epoch: numbers.epoch,
            seq: numbers.seq,
            number,
        }
    }

    /// Hands on what was passed over: the newest ticks, as a batch that no single message of the source was.
    fn take_newest(
        &mut self,
        newest: &mut Newest,
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        let Newest {
            ticks,
            at: Some((header, subscription)),
            skipped,
        } = std::mem::take(newest)
        else {
            return Ok(());
        };
        if skipped > 0 {
            self.counters.skipped += skipped;
            let topic = self.subscriptions[subscription].topic.clone();
            self.tell_gap(&header.source, false, &[&topic], mono_ns, handler)?;
        }
        let ticks: Vec<Tick> = ticks.into_values().collect();
        for ticks in ticks.chunks(BATCH_TICKS_MAX) {
            let batch = TickBatch::from_ticks(ticks).expect("at most as many as a batch takes");
            self.take_last_value(subscription, header, batch.as_bytes(), mono_ns, handler)?;
        }
        Ok(())
    }

    /// Hands on a last value: taped whole as EXT, since no single message of the source's tape is it.
    pub(super) fn take_last_value(
        &mut self,
        subscription: usize,
        header: Header,
        payload: &[u8],
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        let header = Header {
            flags: header.flags | LAST_VALUE,
            ..header
        };
        let Some(schema) = self.subscriptions[subscription]
            .schemas
            .iter()
            .position(|known| *known == header.schema)
        else {
            self.refuse("schema");
            return Ok(());
        };
        self.heard[subscription] = header.topic_seq;
        self.tape_message(Kind::Ext, subscription, &header, payload, mono_ns)?;
        self.dispatch(subscription, schema, header, payload, mono_ns, handler)
    }

    /// `world.sequence_gap`, if this service hears it.
    fn tell_gap(
        &mut self,
        source: &Source,
        open: bool,
        skipped: &[&str],
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        let Some(subscription) = self.subscription_of(b"world.sequence_gap") else {
            return Ok(());
        };
        let mut words = msgpack::Writer::default();
        words
            .array(3)
            .text(source.as_str())
            .bool(open)
            .array(skipped.len());
        for topic in skipped {
            words.text(topic);
        }
        self.world(subscription, &words.0, mono_ns, handler)
    }

    /// Takes up a source never heard of. Who hears its very first words was there before them: all of it is new.
    pub(super) fn meet(
        &mut self,
        header: &Header,
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        if header.seq > 1 {
            return self.join(header.source, mono_ns, handler);
        }
        self.sequences.set(header.source, Applied::default());
        self.follow_epoch(header.source, mono_ns, handler)
    }

    /// Takes up a source of which nothing has been applied: its day so far, as each topic's contract says.
    pub fn join(
        &mut self,
        source: Source,
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        let Some(sequence_mode) = self.sequence_mode_of(&source) else {
            return Ok(());
        };
        if self.sequences.applied(&source).is_some() {
            self.fill(source, mono_ns, handler)?;
            return Ok(());
        }
        let Some(mut newest) = self.survey(source) else {
            if self.ask.is_none() {
                self.refuse("tape");
            }
            return Ok(()); // one that does not answer is not there yet: its next heartbeat brings us back
        };
        self.sequences.set(source, Applied::default());
        let mut follower = self.tape_of(source, self.day);
        while let Ok(Some(entry)) = self.own_entry(&mut follower) {
            let said = match entry {
                Entry::Day(numbers) | Entry::Epoch(numbers) => {
                    let standing = self.stand_at(sequence_mode, &numbers);
                    self.sequences.set(source, standing);
                    continue;
                }
                Entry::Said(said) => said,
            };
            let applied = self.sequences.applied(&source).unwrap_or_default();
            self.sequences
                .set(source, applied.past(&said.header, sequence_mode));
            let Ok(message) = split(&said.frame) else {
                continue;
            };
            let Some(subscription) = self.subscription_of(message.topic) else {
                continue;
            };
            self.sequences
                .set(source, Applied::at(&said.header, sequence_mode));
            self.heard[subscription] = said.header.topic_seq;
            match self.subscriptions[subscription].join {
                Join::Now => {}
                Join::Day => self.apply(&said.frame, &message, sequence_mode, mono_ns, handler)?,
                Join::Keyed(_) if self.subscriptions[subscription].bulk => {
                    if newest
                        .ticks
                        .at
                        .as_ref()
                        .is_some_and(|(last, _)| *last == said.header)
                    {
                        self.take_newest(&mut newest.ticks, mono_ns, handler)?;
                    }
                }
                Join::Keyed(_) => {
                    if newest.rows.values().any(|seq| *seq == said.header.seq) {
                        self.counters.heard += 1;
                        self.take_last_value(
                            subscription,
                            said.header,
                            message.payload,
                            mono_ns,
                            handler,
                        )?;
                    }
                }
            }
        }
        if self.ask.is_some() && self.sequences.applied(&source) == Some(Applied::default()) {
            self.sequences.retain(|known| *known != source); // it has stopped answering
            return Ok(());
        }
        self.followers.push((source, follower));
        Ok(())
    }

    /// The newest row of every key on the source's tape; none if the tape cannot be read.
    fn survey(&mut self, source: Source) -> Option<Survey> {
        let mut survey = Survey::default();
        let mut follower = self.tape_of(source, self.day);
        loop {
            let said = match self.own_entry(&mut follower) {
                Err(_) => return None,
                Ok(None) => return Some(survey),
                Ok(Some(Entry::Said(said))) => said,
                Ok(Some(_)) => continue,
            };
            let Ok(message) = split(&said.frame) else {
                continue;
            };
            let Some(subscription) = self.subscription_of(message.topic) else {
                continue;
            };
            let Join::Keyed(field) = &self.subscriptions[subscription].join else {
                continue;
            };
            if self.subscriptions[subscription].bulk {
                survey.ticks.add(&said, subscription);
            } else if self.subscriptions[subscription]
                .schemas
                .contains(&said.header.schema)
            {
                let Some(key) = key_of(message.payload, *field) else {
                    self.refuse("payload");
                    continue;
                };
                survey.rows.insert((subscription, key), said.header.seq);
            }
        }
    }

    /// The tape of a source, from the day's start.
    fn tape_of(&self, source: Source, day: Day) -> SourceTape {
        match &self.ask {
            Some(ask) if source != *self.service() => {
                let topics = self.subscriptions.iter().map(|one| one.topic.clone());
                SourceTape::Asked(Asking::new(Arc::clone(ask), source, day, topics.collect()))
            }
            _ => SourceTape::File(Follower::open(self.tapes.join(source.as_str()), day)),
        }
    }

    fn own_entry(&self, follower: &mut SourceTape) -> Result<Option<Entry>, ArchiveError> {
        follower.next(|topic, _| self.subscription_of(topic).is_some())
    }

    /// The reader of a source's tape, where it stands; at the day's start if there is none yet.
    pub(super) fn follower(&mut self, source: Source) -> SourceTape {
        match self
            .followers
            .iter()
            .position(|(known, _)| *known == source)
        {
            Some(index) => self.followers.swap_remove(index).1,
            None => self.tape_of(source, self.from_day),
        }
    }

    /// The tape of a source that has started anew may be shorter than it was: it is read from the day's start.
    pub(super) fn forget_follower(&mut self, source: &Source) {
        self.followers.retain(|(known, _)| known != source);
    }
}

/// The bytes of a payload's field, equal when the values are; none of a payload that does not have it.
fn key_of(payload: &[u8], field: Option<usize>) -> Option<Vec<u8>> {
    let Some(place) = field else {
        return Some(Vec::new());
    };
    let mut reader = msgpack::Reader(payload);
    if reader.array()? <= place {
        return None;
    }
    for _ in 0..place {
        reader.skip()?;
    }
    let before = reader.0;
    reader.skip()?;
    Some(before[..before.len() - reader.0.len()].to_vec())
}
