//! The handler's side of a heart, and what stops it.
use std::fmt;

use super::header::Header;
use super::mouth::{Mouth, Tape};
use crate::tape::TapeError;

/// An event on its way to the handler.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    pub ear: usize,
    /// Which of the ear's schemas it is written in.
    pub schema: usize,
    pub header: Header,
    pub payload: &'a [u8],
    pub id: u128,
    pub mono_ns: i64,
    pub now_ns: i64,
}

/// The handler's side: decodes, calls, encodes.
pub trait Dispatch<T: Tape> {
    type Error: From<HeartError>;

    /// Hands an event to the handler; what it says goes to `mouth`.
    fn dispatch(&mut self, arrival: &Arrival<'_>, mouth: &mut Mouth<T>) -> Result<(), Self::Error>;
    /// The value of a payload's field, as bytes that are equal when the values are.
    fn key(
        &mut self,
        ear: usize,
        schema: usize,
        field: &str,
        payload: &[u8],
    ) -> Result<Vec<u8>, Self::Error>;
    /// The handler's state; empty if it keeps none.
    fn snapshot(&mut self) -> Result<Vec<u8>, Self::Error>;
    /// Puts the handler back into a state.
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), Self::Error>;
    /// What the handler itself said in an earlier build, of which nothing is executed again.
    fn fold(&mut self, topic: &str, arrival: &Arrival<'_>) -> Result<(), Self::Error>;
}

/// What stops a heart. None of it can be passed over.
#[derive(Debug)]
pub enum HeartError {
    Tape(TapeError),
    /// Our own tape, or one that a record of ours refers to, cannot be executed again.
    Recovery(String),
    /// An earlier event was not handled to its end.
    Stopped,
}

impl fmt::Display for HeartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeartError::Tape(error) => error.fmt(f),
            HeartError::Recovery(why) => f.write_str(why),
            HeartError::Stopped => f.write_str("an earlier event was not handled to its end"),
        }
    }
}

impl std::error::Error for HeartError {}

impl From<TapeError> for HeartError {
    fn from(error: TapeError) -> Self {
        HeartError::Tape(error)
    }
}
