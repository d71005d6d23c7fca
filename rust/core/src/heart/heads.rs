//! Heartbeats: how far a service has come, and what of that a hearer lacks.
use super::dispatch::Dispatch;
use super::header::{Header, Message, join};
use super::heart::Heart;
use super::mouth::Tape;
use super::numbers::{decode_heads, encode_heads};
use super::sequence::{Lane, Verdict};

/// Neither taped nor numbered: its header stands for the last message that was said.
pub const HEARTBEAT: &[u8] = b"bus.heartbeat";

impl<T: Tape> Heart<T> {
    /// The message that tells hearers how far this service has come. It has no number of its own and is not taped.
    pub fn heartbeat(&self, mono_ns: i64) -> Vec<u8> {
        let numbers = &self.mouth.numbers;
        let header = Header {
            mode: self.mode,
            flags: 0,
            schema: 0,
            epoch: numbers.epoch,
            sparse_seq: numbers.sparse_seq,
            seq: numbers.seq,
            topic_seq: 0,
            ts_ns: self.clock.market_ns(mono_ns),
            cause: 0,
            source: *self.service(),
        };
        let mut heads = Vec::new();
        encode_heads(&numbers.topics, &mut heads);
        join(HEARTBEAT, &header, &heads)
    }

    /// Mends the working sources whose heartbeat was ahead, if they still are: to be called when the PULL is empty.
    pub fn settle<D: Dispatch<T>>(&mut self, mono_ns: i64, d: &mut D) -> Result<(), D::Error> {
        self.check_sound()?;
        for (source, heads) in std::mem::take(&mut self.suspects) {
            if self.sequences.judge_heads(&heads, heads.topic_seq) == Verdict::Hole {
                self.counters.gaps_seen += 1;
                self.mend_hole(source, mono_ns, d)?;
            }
        }
        Ok(())
    }

    pub(super) fn hear_heads<D: Dispatch<T>>(
        &mut self,
        message: &Message<'_>,
        lane: Lane,
        mono_ns: i64,
        d: &mut D,
    ) -> Result<(), D::Error> {
        let mut heads = message.header;
        let Some(topics) = decode_heads(&mut &message.payload[..]) else {
            self.refuse("heads");
            return Ok(());
        };
        if !self.greeted.contains(&heads.source) {
            self.greeted.push(heads.source);
        }
        if lane == Lane::Work {
            let own = topics
                .iter()
                .find(|(topic, _)| self.ear_of(topic.as_bytes()).is_some());
            heads.topic_seq = own.map_or(0, |(_, topic_seq)| *topic_seq);
        }
        match self.sequences.judge_heads(&heads, lane.number(&heads)) {
            Verdict::Apply | Verdict::Duplicate => Ok(()),
            Verdict::Unjoined => self.join(heads.source, mono_ns, d),
            Verdict::NewEpoch => self.follow_epoch(heads.source, mono_ns, d),
            Verdict::Hole if lane == Lane::Work => {
                // The heartbeat came by another socket: what it speaks of may still lie in the PULL.
                self.suspects.retain(|(source, _)| *source != heads.source);
                self.suspects.push((heads.source, heads));
                Ok(())
            }
            Verdict::Hole => {
                self.counters.gaps_seen += 1;
                self.mend_hole(heads.source, mono_ns, d)
            }
        }
    }
}
