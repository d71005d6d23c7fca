//! What a handler or its runtime cannot do.
use std::error::Error;

use crate::payload::PayloadError;
use crate::tape::TapeError;

/// Why a handler did not handle an event.
#[derive(Debug)]
pub enum HandlerError {
    /// The payload is not what its schema says: what, in words.
    Payload(String),
    /// What it said could not be put on the tape.
    Tape(TapeError),
    Failed(Box<dyn Error + Send + Sync>),
}

impl HandlerError {
    pub fn failed(why: impl Into<Box<dyn Error + Send + Sync>>) -> HandlerError {
        HandlerError::Failed(why.into())
    }
}

impl From<PayloadError> for HandlerError {
    fn from(error: PayloadError) -> Self {
        HandlerError::Payload(error.to_string())
    }
}

impl From<TapeError> for HandlerError {
    fn from(error: TapeError) -> Self {
        HandlerError::Tape(error)
    }
}

/// What stops a runtime. None of it can be passed over.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// Our own tape, or one that a record of ours refers to, cannot be executed again.
    #[error("{0}")]
    Recovery(String),
    #[error("an earlier event was not handled to its end")]
    Stopped,
    #[error("{0}")]
    Handler(Box<dyn Error + Send + Sync>),
}

impl From<HandlerError> for RuntimeError {
    fn from(error: HandlerError) -> Self {
        match error {
            HandlerError::Payload(what) => RuntimeError::Handler(what.into()),
            HandlerError::Tape(error) => RuntimeError::Tape(error),
            HandlerError::Failed(error) => RuntimeError::Handler(error),
        }
    }
}
