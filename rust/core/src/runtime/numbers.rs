//! The numbers of what a service says: without gaps over restarts and days.
use super::header::Header;
use crate::msgpack;

/// How far a service has come, in its own counting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    pub epoch: u32,
    pub seq: u64,
    pub sparse_seq: u32,
    /// Of what the world said to it, and of what it was told to do: events of sources `world` and `control`.
    pub world_seq: u64,
    pub control_seq: u64,
    pub topics: Vec<(String, u64)>,
}

impl Numbers {
    pub fn new(topics: impl IntoIterator<Item = String>) -> Numbers {
        Numbers {
            topics: topics.into_iter().map(|topic| (topic, 0)).collect(),
            ..Numbers::default()
        }
    }

    /// The next event's numbers, of the topic with this index.
    pub fn next(&mut self, topic: usize, dense: bool) -> Next {
        self.seq += 1;
        self.sparse_seq = self.sparse_seq.wrapping_add(u32::from(!dense));
        let topic_seq = &mut self.topics[topic].1;
        *topic_seq += 1;
        Next {
            epoch: self.epoch,
            seq: self.seq,
            sparse_seq: self.sparse_seq,
            topic_seq: *topic_seq,
        }
    }

    /// Takes over the numbers of an event that was said before: rebuilding from a tape that is not executed again.
    pub fn follow(&mut self, topic: &str, header: &Header) {
        self.seq = header.seq;
        self.sparse_seq = header.sparse_seq;
        match self.topics.iter_mut().find(|(known, _)| known == topic) {
            Some((_, topic_seq)) => *topic_seq = header.topic_seq,
            None => self.topics.push((topic.to_owned(), header.topic_seq)),
        }
    }

    /// Takes over a record's numbers; topics keep their places, and one that this build no longer says keeps its count.
    pub fn restore(&mut self, recorded: Numbers) {
        let mut topics = std::mem::take(&mut self.topics);
        for (topic, topic_seq) in &recorded.topics {
            match topics.iter_mut().find(|(known, _)| known == topic) {
                Some((_, held)) => *held = *topic_seq,
                None => topics.push((topic.clone(), *topic_seq)),
            }
        }
        *self = Numbers { topics, ..recorded };
    }

    pub fn topic_seq(&self, topic: &[u8]) -> u64 {
        self.topics
            .iter()
            .find(|(known, _)| known.as_bytes() == topic)
            .map_or(0, |(_, topic_seq)| *topic_seq)
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&self.sparse_seq.to_le_bytes());
        for number in [self.seq, self.world_seq, self.control_seq] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        encode_watermarks(&self.topics, out);
    }

    /// Takes numbers from the front of a record's content.
    pub fn decode(bytes: &mut &[u8]) -> Option<Numbers> {
        let epoch = u32::from_le_bytes(take(bytes)?);
        let sparse_seq = u32::from_le_bytes(take(bytes)?);
        let [seq, world_seq, control_seq] = [
            u64::from_le_bytes(take(bytes)?),
            u64::from_le_bytes(take(bytes)?),
            u64::from_le_bytes(take(bytes)?),
        ];
        let topics = decode_watermarks(bytes)?;
        Some(Numbers {
            epoch,
            seq,
            sparse_seq,
            world_seq,
            control_seq,
            topics,
        })
    }
}

/// What the next header takes from the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    pub epoch: u32,
    pub seq: u64,
    pub sparse_seq: u32,
    pub topic_seq: u64,
}

/// Takes so many bytes from the front.
pub(super) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

/// `{topic: topic_seq}` in msgpack: what a heartbeat carries.
pub fn encode_watermarks(topics: &[(String, u64)], out: &mut Vec<u8>) {
    let mut writer = msgpack::Writer(std::mem::take(out));
    writer.map(topics.len());
    for (topic, topic_seq) in topics {
        writer.text(topic).uint(*topic_seq);
    }
    *out = writer.0;
}

/// Takes watermarks from the front of `bytes`.
pub fn decode_watermarks(bytes: &mut &[u8]) -> Option<Vec<(String, u64)>> {
    let mut reader = msgpack::Reader(bytes);
    let count = reader.map()?;
    let mut watermarks = Vec::new();
    for _ in 0..count {
        let topic = std::str::from_utf8(reader.text()?).ok()?.to_owned();
        watermarks.push((topic, u64::try_from(reader.int()?).ok()?));
    }
    *bytes = reader.0;
    Some(watermarks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers() -> impl Strategy<Value = Numbers> {
        let topics = proptest::collection::vec(("[a-z]{1,9}\\.[a-z]{1,9}", 0..u64::MAX / 2), 0..20);
        (any::<(u32, u32, u64, u64, u64)>(), topics).prop_map(
            |((epoch, sparse_seq, seq, world_seq, control_seq), topics)| Numbers {
                epoch,
                seq,
                sparse_seq,
                world_seq,
                control_seq,
                topics,
            },
        )
    }

    proptest! {
        #[test]
        fn numbers_come_back_as_they_went(numbers in numbers(), rest: Vec<u8>) {
            let mut bytes = Vec::new();
            numbers.encode(&mut bytes);
            bytes.extend_from_slice(&rest);

            let mut left = &bytes[..];
            prop_assert_eq!(Numbers::decode(&mut left), Some(numbers));
            prop_assert_eq!(left, &rest[..]);
        }

        #[test]
        fn any_bytes_are_numbers_or_none(bytes: Vec<u8>) {
            let _ = Numbers::decode(&mut &bytes[..]);
        }
    }

    #[test]
    fn dense_topics_are_left_out_of_the_sparse_count_alone() {
        let mut numbers = Numbers::new(["a.tick".to_owned(), "a.bar".to_owned()]);

        let said: Vec<_> = [0, 1, 0, 1]
            .map(|topic| numbers.next(topic, topic == 0))
            .into();

        assert_eq!(said.iter().map(|n| n.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(
            said.iter().map(|n| n.sparse_seq).collect::<Vec<_>>(),
            [0, 1, 1, 2]
        );
        assert_eq!(
            said.iter().map(|n| n.topic_seq).collect::<Vec<_>>(),
            [1, 1, 2, 2]
        );
    }

    #[test]
    fn a_topic_that_is_no_longer_said_keeps_its_count() {
        let mut old = Numbers::new(["a.gone".to_owned(), "a.kept".to_owned()]);
        old.next(0, false);
        old.next(1, false);
        let mut new = Numbers::new(["a.kept".to_owned(), "a.fresh".to_owned()]);

        new.restore(old);

        assert_eq!(new.topic_seq(b"a.gone"), 1);
        assert_eq!(new.next(0, false).topic_seq, 2);
        assert_eq!(new.next(1, false).topic_seq, 1);
    }
}
