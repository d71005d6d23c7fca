//! Heartbeats: how far a service has come, and what of that a hearer lacks.
use super::error::RuntimeError;
use super::handler::Handler;
use super::header::{After, HEARTBEAT, Header, Message, Source, join};
use super::numbers::{decode_watermarks, encode_watermarks};
use super::runtime::Runtime;
use super::sequence::{SequenceCheck, SequenceMode};
use crate::payload::Payload;
use crate::payload::world::Beat;

impl Runtime {
    /// The message that tells hearers how far this service has come. It has no number of its own and is not taped.
    pub fn heartbeat(&self, mono_ns: i64) -> Vec<u8> {
        let numbers = &self.outbox.numbers;
        let header = Header {
            mode: self.mode,
            flags: 0,
            schema: 0,
            epoch: numbers.epoch,
            sparse_seq: numbers.sparse_seq,
            seq: numbers.seq,
            topic_seq: 0,
            after: After::default(),
            ts_ns: self.clock.market_ns(mono_ns),
            cause: 0,
            source: *self.service(),
        };
        let mut watermarks = Vec::new();
        encode_watermarks(&numbers.topics, &mut watermarks);
        join(HEARTBEAT, &header, &watermarks)
    }

    /// Fills the working sources whose heartbeat was ahead, if they still are: to be called when the PULL is empty.
    pub fn settle(&mut self, mono_ns: i64, handler: &mut dyn Handler) -> Result<(), RuntimeError> {
        self.check_sound()?;
        for (source, watermarks) in std::mem::take(&mut self.suspects) {
            if self
                .sequences
                .judge_watermarks(&watermarks, watermarks.topic_seq)
                == SequenceCheck::Gap
            {
                self.counters.gaps_seen += 1;
                self.fill_gap(source, mono_ns, handler)?;
            }
        }
        Ok(())
    }

    /// That a source lives is an event for a handler that asks for it.
    pub(super) fn hear_beat(
        &mut self,
        source: &Source,
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        let Some(subscription) = self.subscription_of(Beat::TOPIC.as_bytes()) else {
            return Ok(());
        };
        let beat = Beat {
            source: source.as_str(),
        };
        self.world(subscription, &beat.encode(), mono_ns, handler)
    }

    pub(super) fn hear_watermarks(
        &mut self,
        message: &Message<'_>,
        sequence_mode: SequenceMode,
        mono_ns: i64,
        handler: &mut dyn Handler,
    ) -> Result<(), RuntimeError> {
        let mut watermarks = message.header;
        let Some(topics) = decode_watermarks(&mut &message.payload[..]) else {
            self.refuse("watermarks");
            return Ok(());
        };
        if !self.connected.contains(&watermarks.source) {
            self.connected.push(watermarks.source);
        }
        if sequence_mode == SequenceMode::Work {
            let own = topics
                .iter()
                .find(|(topic, _)| self.subscription_of(topic.as_bytes()).is_some());
            watermarks.topic_seq = own.map_or(0, |(_, topic_seq)| *topic_seq);
        }
        match self
            .sequences
            .judge_watermarks(&watermarks, sequence_mode.number(&watermarks))
        {
            SequenceCheck::Apply | SequenceCheck::Duplicate => Ok(()),
            SequenceCheck::Unjoined => self.meet(&watermarks, mono_ns, handler),
            SequenceCheck::NewEpoch => self.follow_epoch(watermarks.source, mono_ns, handler),
            SequenceCheck::Gap if sequence_mode == SequenceMode::Work => {
                // The heartbeat came by another socket: what it speaks of may still lie in the PULL.
                self.suspects
                    .retain(|(source, _)| *source != watermarks.source);
                self.suspects.push((watermarks.source, watermarks));
                Ok(())
            }
            SequenceCheck::Gap => {
                self.counters.gaps_seen += 1;
                self.fill_gap(watermarks.source, mono_ns, handler)
            }
        }
    }
}
