//! What the records of a tape hold. IN, EXT and OUT are whole messages; these are the others.
//!
//! ```text
//! EPOCH     numbers as they stand before it (their epoch is the new one), a 1 if a run begins with it, JSON of build, schemas and configuration
//! SNAPSHOT  numbers, clock, phase, what has been applied of each source and topic, then the handler's own bytes
//! IN_REF    topic NUL header, u32 ticks, u32 CRC of the batch
//! OUT_REF   the same, then u32 flagged ticks, each u32 index and u16 flags; the frame is the EXT before it
//! ```
use super::clock::Clock;
use super::header::Source;
use super::numbers::{Numbers, decode_watermarks, encode_watermarks, take};
use super::phase::Phase;
use super::sequence::{Applied, Sequences};
use crate::kite::TickBatch;

/// Stands before the JSON, which begins with no such byte.
const BEGINS_RUN: u8 = 1;

/// A service started: where it continues, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    pub numbers: Numbers,
    /// The first of a run: until the run's own clock comes the market stands where it had come to.
    pub begins_run: bool,
    pub about: Vec<u8>,
}

impl Epoch {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.numbers.encode(&mut out);
        if self.begins_run {
            out.push(BEGINS_RUN);
        }
        out.extend_from_slice(&self.about);
        out
    }

    pub fn decode(mut content: &[u8]) -> Option<Epoch> {
        let numbers = Numbers::decode(&mut content)?;
        let begins_run = content.first() == Some(&BEGINS_RUN);
        if begins_run {
            content = &content[1..];
        }
        Some(Epoch {
            numbers,
            begins_run,
            about: content.to_vec(),
        })
    }
}

/// All that a runtime knows, and what its handler made of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub numbers: Numbers,
    pub clock: Clock,
    pub phase: Phase,
    pub sequences: Sequences,
    /// topic -> `topic_seq` of the last one applied
    pub heard: Vec<(String, u64)>,
    /// Empty: the handler keeps nothing.
    pub handler: Vec<u8>,
}

impl Snapshot {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.numbers.encode(&mut out);
        for number in [self.clock.t0_ns, self.clock.m0_ns, self.clock.speed_e3] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.push(self.phase as u8);
        let sources: Vec<_> = self.sequences.iter().collect();
        out.extend_from_slice(
            &u32::try_from(sources.len())
                .expect("a handful of sources")
                .to_le_bytes(),
        );
        for (source, applied) in sources {
            out.extend_from_slice(source.bytes());
            out.extend_from_slice(&applied.epoch.to_le_bytes());
            out.extend_from_slice(&applied.seq.to_le_bytes());
            out.extend_from_slice(&applied.number.to_le_bytes());
        }
        encode_watermarks(&self.heard, &mut out);
        out.extend_from_slice(&self.handler);
        out
    }

    pub fn decode(mut content: &[u8]) -> Option<Snapshot> {
        let bytes = &mut content;
        let numbers = Numbers::decode(bytes)?;
        let [t0_ns, m0_ns, speed_e3] = [
            i64::from_le_bytes(take(bytes)?),
            i64::from_le_bytes(take(bytes)?),
            i64::from_le_bytes(take(bytes)?),
        ];
        let [phase] = take(bytes)?;
        let phase = Phase::from_byte(phase)?;
        let mut sequences = Sequences::default();
        for _ in 0..u32::from_le_bytes(take(bytes)?) {
            let source = Source::from_bytes(take(bytes)?)?;
            let epoch = u32::from_le_bytes(take(bytes)?);
            let [seq, number] = [
                u64::from_le_bytes(take(bytes)?),
                u64::from_le_bytes(take(bytes)?),
            ];
            sequences.set(source, Applied { epoch, seq, number });
        }
        let heard = decode_watermarks(bytes)?;
        let clock = Clock {
            t0_ns,
            m0_ns,
            speed_e3,
        };
        Some(Snapshot {
            numbers,
            clock,
            phase,
            sequences,
            heard,
            handler: content.to_vec(),
        })
    }
}

/// A tick batch by its numbers: enough to prove that a frame, decoded again, gives the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRef {
    pub ticks: u32,
    pub crc: u32,
    pub flagged: Vec<(u32, u16)>,
}

impl BatchRef {
    pub fn of(batch: &TickBatch) -> BatchRef {
        let ticks = u32::try_from(batch.len()).expect("a batch is bounded");
        BatchRef {
            flagged: batch.flagged(),
            ..BatchRef::heard(ticks, batch.as_bytes())
        }
    }

    /// Of a batch that somebody else said: his tape holds the flags.
    pub fn heard(ticks: u32, wire: &[u8]) -> BatchRef {
        BatchRef {
            ticks,
            crc: crc32c::crc32c(wire),
            flagged: Vec::new(),
        }
    }

    /// The tail of an IN_REF.
    pub fn encode_heard(&self) -> [u8; 8] {
        let mut out = [0; 8];
        out[..4].copy_from_slice(&self.ticks.to_le_bytes());
        out[4..].copy_from_slice(&self.crc.to_le_bytes());
        out
    }

    /// The tail of an OUT_REF.
    pub fn encode_said(&self) -> Vec<u8> {
        let mut out = self.encode_heard().to_vec();
        out.extend_from_slice(
            &u32::try_from(self.flagged.len())
                .expect("a batch is bounded")
                .to_le_bytes(),
        );
        for (index, flags) in &self.flagged {
            out.extend_from_slice(&index.to_le_bytes());
            out.extend_from_slice(&flags.to_le_bytes());
        }
        out
    }

    /// From either tail.
    pub fn decode(mut tail: &[u8]) -> Option<BatchRef> {
        let bytes = &mut tail;
        let [ticks, crc] = [
            u32::from_le_bytes(take(bytes)?),
            u32::from_le_bytes(take(bytes)?),
        ];
        let mut flagged = Vec::new();
        if !bytes.is_empty() {
            for _ in 0..u32::from_le_bytes(take(bytes)?) {
                flagged.push((
                    u32::from_le_bytes(take(bytes)?),
                    u16::from_le_bytes(take(bytes)?),
                ));
            }
        }
        bytes.is_empty().then_some(BatchRef {
            ticks,
            crc,
            flagged,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_snapshot_comes_back_as_it_went(
            seqs: (u64, u64, i64, i64),
            sources in proptest::collection::vec(("[a-z]{1,24}", any::<(u32, u64, u64)>()), 0..5),
            handler: Vec<u8>,
        ) {
            let mut sequences = Sequences::default();
            for (name, (epoch, seq, number)) in &sources {
                sequences.set(Source::new(name).unwrap(), Applied { epoch: *epoch, seq: *seq, number: *number });
            }
            let numbers = Numbers { seq: seqs.0, world_seq: seqs.1, ..Numbers::new(["a.b".to_owned()]) };
            let clock = Clock { t0_ns: seqs.2, m0_ns: seqs.3, speed_e3: 1_000 };
            let snapshot = Snapshot { numbers, clock, phase: Phase::Started, sequences, heard: vec![("x.y".to_owned(), 9)], handler };

            prop_assert_eq!(Snapshot::decode(&snapshot.encode()), Some(snapshot));
        }

        #[test]
        fn a_reference_comes_back_as_it_went(ticks: u32, crc: u32, flagged: Vec<(u32, u16)>) {
            let said = BatchRef { ticks, crc, flagged };
            let heard = BatchRef { flagged: vec![], ..said.clone() };

            prop_assert_eq!(BatchRef::decode(&said.encode_said()), Some(said));
            prop_assert_eq!(BatchRef::decode(&heard.encode_heard()), Some(heard));
        }

        #[test]
        fn any_bytes_are_a_record_or_none(bytes: Vec<u8>) {
            let _ = Snapshot::decode(&bytes);
            let _ = Epoch::decode(&bytes);
            let _ = BatchRef::decode(&bytes);
        }
    }
}
