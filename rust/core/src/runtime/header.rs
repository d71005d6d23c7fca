//! The 96 bytes between a message's topic and its payload.
use std::fmt;

use crate::terms::words;

pub const HEADER_BYTES: usize = 96;
/// What this build speaks. Another version is refused and counted, never guessed at.
pub const VERSION: u8 = 2;
pub const SOURCE_BYTES: usize = 24;
pub const TOPIC_BYTES_MAX: usize = 64;

/// The topic of how far a service has come: neither taped nor numbered, its header stands for the last message that was said.
pub const HEARTBEAT: &[u8] = b"bus.heartbeat";

/// The newest row of a key, taken in place of the messages before it: `seq` is the number at which it holds.
pub const LAST_VALUE: u16 = 2;
const FLAGS_KNOWN: u16 = LAST_VALUE;

words! {
    /// Which world a message belongs to, in the order of its bytes. A message of another world is refused.
    Mode { Live = "live", Paper = "paper", Sim = "sim", Backtest = "backtest" }
}

impl Mode {
    pub fn from_byte(byte: u8) -> Option<Mode> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

/// Who said it: a service, with its shard (`strategy.2`). ASCII, at most 24 bytes, padded with NUL.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source([u8; SOURCE_BYTES]);

impl Source {
    /// `None` for a name that is empty, longer than 24 bytes or not of printable ASCII.
    pub fn new(name: &str) -> Option<Source> {
        let bytes = name.as_bytes();
        if bytes.is_empty() || bytes.len() > SOURCE_BYTES || !bytes.iter().all(u8::is_ascii_graphic)
        {
            return None;
        }
        let mut padded = [0; SOURCE_BYTES];
        padded[..bytes.len()].copy_from_slice(bytes);
        Some(Source(padded))
    }

    pub fn from_bytes(bytes: [u8; SOURCE_BYTES]) -> Option<Source> {
        let length = bytes.iter().position(|b| *b == 0).unwrap_or(SOURCE_BYTES);
        let name = std::str::from_utf8(&bytes[..length]).ok()?;
        Source::new(name).filter(|source| source.0 == bytes)
    }

    pub fn bytes(&self) -> &[u8; SOURCE_BYTES] {
        &self.0
    }

    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|b| *b == 0).unwrap_or(SOURCE_BYTES);
        // Only `new` makes one, of ASCII; an empty name would be our bug and shows as such.
        std::str::from_utf8(&self.0[..length]).unwrap_or("")
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// How far one source had been applied when a message was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct After {
    pub epoch: u32,
    pub seq: u64,
}

/// What a message says about itself. Little-endian on the wire, in this order after version, mode and flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub mode: Mode,
    pub flags: u16,
    pub schema: u32,
    pub epoch: u32,
    /// How many of the source's messages up to this one are of no dense topic (wraps): who hears none of those
    /// counts by this, who hears some by `seq`.
    pub sparse_seq: u32,
    pub seq: u64,
    pub topic_seq: u64,
    /// What the speaker had applied of the source that the topic's contract names; zeros: of none.
    pub after: After,
    pub ts_ns: i64,
    /// The id of the event that made this one; 0: none.
    pub cause: u128,
    pub source: Source,
}

/// Why the bytes of a message are not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// No NUL within the first 65 bytes, or fewer than 96 bytes after it.
    Short,
    Version(u8),
    Mode(u8),
    /// A flag that this version does not know.
    Flags,
    Source,
}

impl Malformed {
    pub fn code(self) -> &'static str {
        match self {
            Malformed::Short => "short",
            Malformed::Version(_) => "version",
            Malformed::Mode(_) => "mode",
            Malformed::Flags => "flags",
            Malformed::Source => "source",
        }
    }
}

fn at<const N: usize>(bytes: &[u8; HEADER_BYTES], offset: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[offset..offset + N]);
    out
}

impl Header {
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[0] = VERSION;
        out[1] = self.mode as u8;
        out[2..4].copy_from_slice(&self.flags.to_le_bytes());
        out[4..8].copy_from_slice(&self.schema.to_le_bytes());
        out[8..12].copy_from_slice(&self.epoch.to_le_bytes());
        out[12..16].copy_from_slice(&self.sparse_seq.to_le_bytes());
        out[16..24].copy_from_slice(&self.seq.to_le_bytes());
        out[24..32].copy_from_slice(&self.topic_seq.to_le_bytes());
        out[32..36].copy_from_slice(&self.after.epoch.to_le_bytes());
        // Four bytes are reserved: zeros.
        out[40..48].copy_from_slice(&self.after.seq.to_le_bytes());
        out[48..56].copy_from_slice(&self.ts_ns.to_le_bytes());
        out[56..72].copy_from_slice(&self.cause.to_be_bytes()); // a UUID's bytes are big-endian everywhere
        out[72..96].copy_from_slice(&self.source.0);
        out
    }

    /// Total: any 96 bytes are a header of this version or a reason why not.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Header, Malformed> {
        if bytes[0] != VERSION {
            return Err(Malformed::Version(bytes[0]));
        }
        let mode = Mode::from_byte(bytes[1]).ok_or(Malformed::Mode(bytes[1]))?;
        let flags = u16::from_le_bytes(at(bytes, 2));
        if flags & !FLAGS_KNOWN != 0 || bytes[36..40] != [0; 4] {
            return Err(Malformed::Flags);
        }
        Ok(Header {
            mode,
            flags,
            schema: u32::from_le_bytes(at(bytes, 4)),
            epoch: u32::from_le_bytes(at(bytes, 8)),
            sparse_seq: u32::from_le_bytes(at(bytes, 12)),
            seq: u64::from_le_bytes(at(bytes, 16)),
            topic_seq: u64::from_le_bytes(at(bytes, 24)),
            after: After {
                epoch: u32::from_le_bytes(at(bytes, 32)),
                seq: u64::from_le_bytes(at(bytes, 40)),
            },
            ts_ns: i64::from_le_bytes(at(bytes, 48)),
            cause: u128::from_be_bytes(at(bytes, 56)),
            source: Source::from_bytes(at(bytes, 72)).ok_or(Malformed::Source)?,
        })
    }
}

/// A message taken apart, without a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    pub topic: &'a [u8],
    pub header: Header,
    pub payload: &'a [u8],
}

/// Takes `topic NUL header payload` apart.
pub fn split(frame: &[u8]) -> Result<Message<'_>, Malformed> {
    let window = &frame[..frame.len().min(TOPIC_BYTES_MAX + 1)];
    let nul = window
        .iter()
        .position(|b| *b == 0)
        .ok_or(Malformed::Short)?;
    let rest = &frame[nul + 1..];
    let (head, payload) = rest
        .split_first_chunk::<HEADER_BYTES>()
        .ok_or(Malformed::Short)?;
    Ok(Message {
        topic: &frame[..nul],
        header: Header::decode(head)?,
        payload,
    })
}

/// Puts a message together.
pub fn join(topic: &[u8], header: &Header, payload: &[u8]) -> Vec<u8> {
    debug_assert!(!topic.is_empty() && topic.len() <= TOPIC_BYTES_MAX && !topic.contains(&0));
    let mut out = Vec::with_capacity(topic.len() + 1 + HEADER_BYTES + payload.len());
    out.extend_from_slice(topic);
    out.push(0);
    out.extend_from_slice(&header.encode());
    out.extend_from_slice(payload);
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub fn headers() -> impl Strategy<Value = Header> {
        (
            (
                0u8..4,
                prop_oneof![Just(0), Just(LAST_VALUE)],
                any::<u32>(),
                any::<u32>(),
                any::<u32>(),
            ),
            (any::<u64>(), any::<u64>(), any::<i64>(), any::<u128>()),
            (any::<u32>(), any::<u64>()),
            "[a-z_]{1,20}(\\.[0-9]{1,3})?",
        )
            .prop_map(
                |(
                    (mode, flags, schema, epoch, sparse_seq),
                    (seq, topic_seq, ts_ns, cause),
                    (after_epoch, after_seq),
                    source,
                )| Header {
                    mode: Mode::from_byte(mode).unwrap(),
                    flags,
                    schema,
                    epoch,
                    sparse_seq,
                    seq,
                    topic_seq,
                    after: After {
                        epoch: after_epoch,
                        seq: after_seq,
                    },
                    ts_ns,
                    cause,
                    source: Source::new(&source).unwrap(),
                },
            )
    }

    proptest! {
        #[test]
        fn a_header_comes_back_as_it_went(header in headers()) {
            prop_assert_eq!(Header::decode(&header.encode()), Ok(header));
        }

        #[test]
        fn a_message_comes_back_as_it_went(header in headers(), topic in "[a-z]{1,20}\\.[a-z]{1,20}", payload: Vec<u8>) {
            let frame = join(topic.as_bytes(), &header, &payload);
            prop_assert_eq!(split(&frame), Ok(Message { topic: topic.as_bytes(), header, payload: &payload }));
        }

        #[test]
        fn any_bytes_are_a_message_or_a_reason(bytes: Vec<u8>) {
            if let Ok(message) = split(&bytes) {
                prop_assert_eq!(join(message.topic, &message.header, message.payload), bytes);
            }
        }

        #[test]
        fn any_header_bytes_are_a_header_or_a_reason(head: [u8; 72], tail: [u8; 24]) {
            let mut bytes = [0; HEADER_BYTES];
            bytes[..72].copy_from_slice(&head);
            bytes[72..].copy_from_slice(&tail);
            bytes[0] = VERSION;
            if let Ok(header) = Header::decode(&bytes) {
                prop_assert_eq!(header.encode(), bytes);
            }
        }
    }

    #[test]
    fn what_this_version_does_not_know_is_refused() {
        let header = Header {
            mode: Mode::Sim,
            flags: 0,
            schema: 1,
            epoch: 1,
            sparse_seq: 1,
            seq: 1,
            topic_seq: 1,
            after: After::default(),
            ts_ns: 0,
            cause: 0,
            source: Source::new("gate").unwrap(),
        };
        let changed = |offset: usize, byte: u8| {
            let mut bytes = header.encode();
            bytes[offset] = byte;
            Header::decode(&bytes).unwrap_err()
        };

        assert_eq!(changed(0, 1), Malformed::Version(1));
        assert_eq!(changed(1, 4), Malformed::Mode(4));
        assert_eq!(changed(2, 4), Malformed::Flags);
        assert_eq!(changed(36, 1), Malformed::Flags);
        assert_eq!(changed(72, 0), Malformed::Source);
        assert_eq!(changed(86, b'x'), Malformed::Source);
    }

    #[test]
    fn a_source_is_one_to_24_bytes_of_printable_ascii() {
        assert!(Source::new("abcdefghijklmnopqrstuvwx").is_some());
        assert!(Source::new("abcdefghijklmnopqrstuvwxy").is_none());
        assert!(Source::new("").is_none());
        assert!(Source::new("a b").is_none());
        assert!(Source::new("straße").is_none());
        assert_eq!(Source::new("strategy.2").unwrap().as_str(), "strategy.2");
    }
}
