//! Requests that the exchange's front door turns away, in Kite's words.

use std::fmt;

/// A request that had no effect: the HTTP status, the error_type and the message of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub error_type: &'static str,
    pub message: String,
}

pub const TOO_MANY: &str = "Too many requests";

impl Refusal {
    /// A missing or bad parameter.
    pub fn input(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            error_type: "InputException",
            message: message.into(),
        }
    }

    /// The order cannot be placed, modified or cancelled.
    pub fn order(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            error_type: "OrderException",
            message: message.into(),
        }
    }

    /// Not enough money.
    pub fn margin(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            error_type: "MarginException",
            message: message.into(),
        }
    }

    /// Not enough shares.
    pub fn holding(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            error_type: "HoldingException",
            message: message.into(),
        }
    }

    /// Over a request limit. Nothing was accepted.
    pub fn too_many() -> Self {
        Self {
            status: 429,
            error_type: "NetworkException",
            message: TOO_MANY.into(),
        }
    }

    /// A parameter whose value is none of the known words.
    pub fn invalid(parameter: &str) -> Self {
        Self::input(format!("Invalid `{parameter}`."))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}: {}", self.status, self.error_type, self.message)
    }
}

impl std::error::Error for Refusal {}
