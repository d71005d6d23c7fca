//! What events carry, by position: the one place in Rust that knows where a field of a payload stands.
//!
//! The definition is `kitev3.contracts`; `tests/test_payload.py` holds both together, every topic in both directions. A
//! file here stands for each service that speaks. Reading is total: bytes that are not exactly a payload of the newest
//! schema are an error that names topic and field.

use crate::msgpack::{Reader, Writer};

mod field;
#[macro_use]
mod record;
#[macro_use]
mod kept;
pub mod control;
pub mod execution;
pub mod marketdata;
pub mod risk;
pub mod strategy;
pub mod world;

pub use field::{Field, FieldError, List, Table, Whole};
pub(crate) use record::check_count;

/// A payload that has a topic of its own.
pub trait Payload<'a>: Field<'a> {
    const TOPIC: &'static str;
    /// Its fields in order.
    const FIELDS: &'static [&'static str];

    /// Reads a message's payload, all of it.
    #[inline]
    fn decode(bytes: &'a [u8]) -> Result<Self, PayloadError> {
        decode(Self::TOPIC, bytes)
    }

    fn encode(&self) -> Vec<u8> {
        encode(self)
    }
}

/// Reads all of a payload that travels as *topic*: several may carry the same struct.
#[inline]
pub fn decode<'a, T: Field<'a>>(topic: &str, bytes: &'a [u8]) -> Result<T, PayloadError> {
    let mut from = Reader(bytes);
    let payload = T::read(&mut from).map_err(|error| PayloadError::new(topic, error))?;
    match from.0.len() {
        0 => Ok(payload),
        more => {
            let error = FieldError::new(format!("{more} bytes follow its end"));
            Err(PayloadError::new(topic, error))
        }
    }
}

pub fn encode<'a>(payload: &impl Field<'a>) -> Vec<u8> {
    let mut to = Writer(Vec::with_capacity(256));
    payload.write(&mut to);
    to.0
}

/// Bytes that are no payload of their topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{topic}: {error}")]
pub struct PayloadError {
    topic: Box<str>,
    error: FieldError,
}

impl PayloadError {
    #[cold]
    fn new(topic: &str, error: FieldError) -> Self {
        Self {
            topic: topic.into(),
            error,
        }
    }

    /// A field that is what its type says and still cannot be meant.
    #[cold]
    pub fn refused(topic: &str, field: &str, what: impl Into<String>) -> Self {
        Self::new(topic, FieldError::new(what).within(field))
    }

    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Where it went wrong, as `signal.quantity` or `orders[3].price_e4`; empty for the payload as a whole.
    pub fn field(&self) -> &str {
        self.error.path()
    }
}

macro_rules! known {
    ($($payload:path),+ $(,)?) => {
        /// The topics whose payloads are known here, each with its fields.
        pub const KNOWN: &[(&str, &[&str])] = &[$((<$payload>::TOPIC, <$payload>::FIELDS)),+];

        /// Reads a payload and writes it again; `None` for a topic that is not known here.
        pub fn reread(topic: &str, bytes: &[u8]) -> Option<Result<Vec<u8>, PayloadError>> {
            $(if topic == <$payload>::TOPIC {
                return Some(<$payload>::decode(bytes).map(|payload| payload.encode()));
            })+
            None
        }
    };
}

known! {
    marketdata::Quote,
    marketdata::Instrument,
    marketdata::FeedHealth,
    marketdata::Gap,
    marketdata::OrderFrame,
    strategy::Signal,
    risk::Approved,
    risk::Blocked,
    risk::PortfolioSnapshot,
    execution::Intent,
    execution::Sending,
    execution::OrderPlaced,
    execution::OrderUpdate,
    execution::Fill,
    execution::Reject,
    execution::UnknownOutcome,
    execution::Book,
    execution::Holdings,
    execution::Funds,
    execution::Reconciled,
    control::Clock,
    control::Start,
    control::Stop,
    control::Kill,
    control::Arm,
    world::Frame,
    world::Text,
    world::Socket,
    world::Instruments,
    world::Quotes,
    world::LeftOut,
    world::Timer,
    world::LatchRead,
    world::RiskLimits,
    world::Beat,
    world::SequenceGap,
    world::Epoch,
    world::LostTail,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_payload_or_an_error_that_names_its_topic(bytes: Vec<u8>, lead in 0u8..16) {
            let mut bytes = bytes;
            bytes.insert(0, 0x90 | lead);
            for (topic, _) in KNOWN {
                if let Some(Err(error)) = reread(topic, &bytes) {
                    prop_assert!(error.to_string().starts_with(topic));
                }
            }
        }
    }

    #[test]
    fn a_list_that_claims_more_rows_than_it_has_bytes_takes_no_room_for_them() {
        let message = [0x92, 0xdd, 0xff, 0xff, 0xff, 0xff, 0x01, 0xa0];

        let error = marketdata::Gap::decode(&message).unwrap_err();

        assert_eq!(error.field(), "instrument_tokens[1]");
    }
}
