//! The handler's side of a runtime, and what stops it.
use std::fmt;

use super::header::Header;
use super::outbox::{Outbox, Tape};
use crate::tape::TapeError;

/// An event on its way to the handler.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    pub subscription: usize,
    /// Which of the subscription's schemas it is written in.
    pub schema: usize,
    pub header: Header,
    pub payload: &'a [u8],
    pub id: u128,
    pub mono_ns: i64,
    pub now_ns: i64,
}

/// The handler's side: decodes, calls, encodes.
pub trait Dispatch<T: Tape> {
    type Error: From<RuntimeError>;

    /// Hands an event to the handler; what it says goes to `outbox`.
    fn dispatch(
        &mut self,
        arrival: &Arrival<'_>,
        outbox: &mut Outbox<T>,
    ) -> Result<(), Self::Error>;
    /// The value of a payload's field, as bytes that are equal when the values are.
    fn key(
        &mut self,
        subscription: usize,
        schema: usize,
        field: &str,
        payload: &[u8],
    ) -> Result<Vec<u8>, Self::Error>;
    /// The handler's state; empty if it keeps none.
    fn snapshot(&mut self) -> Result<Vec<u8>, Self::Error>;
    /// Puts the handler back into a state.
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), Self::Error>;
    /// What the handler itself said in an earlier build, of which nothing is executed again.
    fn rebuild(&mut self, topic: &str, arrival: &Arrival<'_>) -> Result<(), Self::Error>;
}

/// What stops a runtime. None of it can be passed over.
#[derive(Debug)]
pub enum RuntimeError {
    Tape(TapeError),
    /// Our own tape, or one that a record of ours refers to, cannot be executed again.
    Recovery(String),
    /// An earlier event was not handled to its end.
    Stopped,
}

impl fmt::Display for RuntimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RuntimeError::Tape(error) => error.fmt(f),
            RuntimeError::Recovery(why) => f.write_str(why),
            RuntimeError::Stopped => f.write_str("an earlier event was not handled to its end"),
        }
    }
}

impl std::error::Error for RuntimeError {}

impl From<TapeError> for RuntimeError {
    fn from(error: TapeError) -> Self {
        RuntimeError::Tape(error)
    }
}
