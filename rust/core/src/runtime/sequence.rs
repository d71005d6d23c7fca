//! What has been applied of each source: nothing twice, nothing out of order, no loss unseen.
use super::header::{Header, Source};

/// How a hearer counts one source, so that every loss shows at the very next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceMode {
    /// It receives all that the source says: `seq` has no gaps.
    All,
    /// It receives all but dense topics: `sparse_seq` has no gaps.
    Sparse,
    /// It takes the source's one working topic from its PULL: `topic_seq` has no gaps.
    Work,
}

impl SequenceMode {
    pub fn number(self, header: &Header) -> u64 {
        match self {
            SequenceMode::All => header.seq,
            SequenceMode::Sparse => u64::from(header.sparse_seq),
            SequenceMode::Work => header.topic_seq,
        }
    }
}

/// Up to where a source has been applied. `seq` is the one number that matters over restarts; `number` is the sequence_mode's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    pub epoch: u32,
    pub seq: u64,
    pub number: u64,
}

impl Applied {
    pub fn at(header: &Header, sequence_mode: SequenceMode) -> Applied {
        Applied {
            epoch: header.epoch,
            seq: header.seq,
            number: sequence_mode.number(header),
        }
    }

    /// After a message of a topic that this hearer does not take: in a working sequence_mode it has no number.
    pub fn past(self, header: &Header, sequence_mode: SequenceMode) -> Applied {
        let number = match sequence_mode {
            SequenceMode::Work => self.number,
            SequenceMode::All | SequenceMode::Sparse => sequence_mode.number(header),
        };
        Applied {
            number,
            ..Applied::at(header, sequence_mode)
        }
    }

    /// Whether a message is at or below what has been applied.
    pub fn covers(&self, header: &Header) -> bool {
        header.epoch < self.epoch || (header.epoch == self.epoch && header.seq <= self.seq)
    }
}

/// What to do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceCheck {
    Apply,
    /// It has been applied, or comes from an epoch that is over.
    Duplicate,
    /// Something before it is missing: read the source's tape after what has been applied.
    Gap,
    /// The source has started anew: its tape says after which `seq` it continues.
    NewEpoch,
    /// Never heard of: join it as the contracts say.
    Unjoined,
}

/// One number per source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequences(Vec<(Source, Applied)>);

impl Sequences {
    pub fn judge(&self, header: &Header, sequence_mode: SequenceMode) -> SequenceCheck {
        let Some(applied) = self.applied(&header.source) else {
            return SequenceCheck::Unjoined;
        };
        if applied.covers(header) {
            SequenceCheck::Duplicate
        } else if header.epoch != applied.epoch {
            SequenceCheck::NewEpoch
        } else if sequence_mode.number(header) == applied.number + 1 {
            SequenceCheck::Apply
        } else {
            SequenceCheck::Gap
        }
    }

    /// The same of a heartbeat, whose header stands for the last message that was said.
    pub fn judge_watermarks(&self, header: &Header, number: u64) -> SequenceCheck {
        match self.applied(&header.source) {
            None => SequenceCheck::Unjoined,
            Some(applied) if header.epoch > applied.epoch => SequenceCheck::NewEpoch,
            Some(applied) if header.epoch == applied.epoch && number > applied.number => {
                SequenceCheck::Gap
            }
            Some(_) => SequenceCheck::Duplicate,
        }
    }

    pub fn applied(&self, source: &Source) -> Option<Applied> {
        // A service hears a handful of sources: a scan is faster than a hash.
        self.0
            .iter()
            .find(|(known, _)| known == source)
            .map(|(_, applied)| *applied)
    }

    pub fn set(&mut self, source: Source, applied: Applied) {
        match self.0.iter_mut().find(|(known, _)| *known == source) {
            Some((_, held)) => *held = applied,
            None => self.0.push((source, applied)),
        }
    }

    pub fn retain(&mut self, keep: impl Fn(&Source) -> bool) {
        self.0.retain(|(source, _)| keep(source));
    }

    pub fn iter(&self) -> impl Iterator<Item = &(Source, Applied)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::header::{After, Mode};
    use proptest::prelude::*;

    const OWN: [bool; 4] = [true, true, false, false];
    const BULK: [bool; 4] = [false, false, false, true];

    fn speaker() -> Source {
        Source::new("speaker").unwrap()
    }

    fn header() -> Header {
        Header {
            mode: Mode::Sim,
            flags: 0,
            schema: 0,
            epoch: 1,
            sparse_seq: 0,
            seq: 0,
            topic_seq: 0,
            after: After::default(),
            ts_ns: 0,
            cause: 0,
            source: speaker(),
        }
    }

    /// All that a source says over some epochs: a topic number each, and whether it was started anew before.
    fn said(plan: &[(u8, bool)]) -> Vec<(usize, Header)> {
        let (mut last, mut topic_seqs) = (header(), [0u64; 4]);
        plan.iter()
            .map(|(topic, restarted)| {
                let topic = usize::from(*topic);
                topic_seqs[topic] += 1;
                last.epoch += u32::from(*restarted);
                last.seq += 1;
                last.sparse_seq += u32::from(!BULK[topic]);
                last.topic_seq = topic_seqs[topic];
                (topic, last)
            })
            .collect()
    }

    /// A hearer that fills from the complete list, as from the source's tape.
    struct Hearer<'a> {
        tape: &'a [(usize, Header)],
        sequences: Sequences,
        sequence_mode: SequenceMode,
        heard: Vec<u64>,
    }

    impl Hearer<'_> {
        fn hear(&mut self, topic: usize, header: &Header) {
            match self.sequences.judge(header, self.sequence_mode) {
                SequenceCheck::Apply => self.apply(topic, header),
                SequenceCheck::Duplicate => {}
                _ => self.fill(header),
            }
        }

        fn watermarks(&mut self, header: &Header) {
            let verdict = self
                .sequences
                .judge_watermarks(header, self.sequence_mode.number(header));
            if verdict != SequenceCheck::Duplicate {
                self.fill(header);
            }
        }

        fn fill(&mut self, upto: &Header) {
            let applied = self.sequences.applied(&speaker()).unwrap_or_default();
            for (topic, header) in self
                .tape
                .iter()
                .filter(|(_, h)| h.seq <= upto.seq && !applied.covers(h))
            {
                self.apply(*topic, header);
            }
        }

        fn apply(&mut self, topic: usize, header: &Header) {
            self.sequences
                .set(header.source, Applied::at(header, self.sequence_mode));
            if OWN[topic] {
                self.heard.push(header.seq);
            }
        }
    }

    proptest! {
        /// Messages are lost and repeated at random; whatever is missing is known at the next message that arrives, or the heartbeat.
        #[test]
        fn nothing_is_applied_twice_or_out_of_order_and_no_loss_stays_unseen(
            plan in proptest::collection::vec((0u8..4, proptest::bool::weighted(0.05)), 1..200),
            fates in proptest::collection::vec(0u8..10, 200),
            all: bool,
        ) {
            let tape = said(&plan);
            let sequence_mode = if all { SequenceMode::All } else { SequenceMode::Sparse };
            let mut hearer = Hearer { tape: &tape, sequences: Sequences::default(), sequence_mode, heard: vec![] };
            for ((topic, header), fate) in tape.iter().zip(&fates) {
                if BULK[*topic] && !all || *fate == 0 {
                    continue;
                }
                hearer.hear(*topic, header);
                let expected: Vec<u64> =
                    tape.iter().filter(|(t, h)| OWN[*t] && h.seq <= header.seq).map(|(_, h)| h.seq).collect();
                prop_assert_eq!(&hearer.heard, &expected);
                if *fate == 1 {
                    hearer.hear(*topic, header);
                }
            }

            hearer.watermarks(&tape.last().unwrap().1);

            let expected: Vec<u64> = tape.iter().filter(|(t, _)| OWN[*t]).map(|(_, h)| h.seq).collect();
            prop_assert_eq!(hearer.heard, expected);
        }
    }

    #[test]
    fn a_message_of_an_epoch_that_is_over_is_dropped() {
        let mut sequences = Sequences::default();
        sequences.set(
            speaker(),
            Applied {
                epoch: 3,
                seq: 10,
                number: 10,
            },
        );

        assert_eq!(
            sequences.judge(
                &Header {
                    epoch: 2,
                    seq: 11,
                    ..header()
                },
                SequenceMode::All
            ),
            SequenceCheck::Duplicate
        );
        assert_eq!(
            sequences.judge(
                &Header {
                    epoch: 4,
                    seq: 9,
                    ..header()
                },
                SequenceMode::All
            ),
            SequenceCheck::NewEpoch
        );
    }

    #[test]
    fn a_source_never_heard_of_is_joined() {
        assert_eq!(
            Sequences::default().judge(&header(), SequenceMode::All),
            SequenceCheck::Unjoined
        );
        assert_eq!(
            Sequences::default().judge_watermarks(&header(), 0),
            SequenceCheck::Unjoined
        );
    }

    #[test]
    fn a_worker_counts_its_own_topic_alone() {
        let mut sequences = Sequences::default();
        sequences.set(
            speaker(),
            Applied {
                epoch: 1,
                seq: 10,
                number: 4,
            },
        );
        let next = |topic_seq| Header {
            seq: 17,
            topic_seq,
            ..header()
        };

        assert_eq!(
            sequences.judge(&next(5), SequenceMode::Work),
            SequenceCheck::Apply
        );
        assert_eq!(
            sequences.judge(&next(6), SequenceMode::Work),
            SequenceCheck::Gap
        );
    }
}
