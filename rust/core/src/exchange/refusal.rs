//! Requests that the exchange's front door turns away, in Kite's words.

use crate::exchange::rules::{AnswerForm, Rules, UnknownOrder};

/// A request that had no effect: the HTTP status, the error_type and the message of its answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status} {error_type}: {message}")]
pub struct Refusal {
    pub status: u16,
    pub error_type: &'static str,
    pub message: String,
}

pub const TOO_MANY: &str = "Too many requests";
const UNKNOWN_ORDER: &str = "Couldn't find that `order_id`.";

impl Refusal {
    /// No order of the account has that id.
    pub fn unknown_order() -> Self {
        Self::order(UNKNOWN_ORDER)
    }

    /// A missing or bad parameter.
    pub fn input(message: impl Into<String>) -> Self {
        AnswerForm::of(400, "InputException").says(message)
    }

    /// The order cannot be placed, modified or cancelled.
    pub fn order(message: impl Into<String>) -> Self {
        AnswerForm::of(400, "OrderException").says(message)
    }

    /// Not enough money.
    pub fn margin(message: impl Into<String>) -> Self {
        AnswerForm::of(400, "MarginException").says(message)
    }

    /// Not enough shares.
    pub fn holding(message: impl Into<String>) -> Self {
        AnswerForm::of(400, "HoldingException").says(message)
    }

    /// Over a request limit. Nothing was accepted.
    pub fn too_many() -> Self {
        AnswerForm::of(429, "NetworkException").says(TOO_MANY)
    }

    /// A parameter whose value is none of the known words.
    pub fn invalid(parameter: &str) -> Self {
        Self::input(format!("Invalid `{parameter}`."))
    }

    /// Turns the request away when that parameter does not fit.
    pub fn invalid_if(unfit: bool, parameter: &str) -> Result<(), Self> {
        if unfit {
            Err(Self::invalid(parameter))
        } else {
            Ok(())
        }
    }
}

impl AnswerForm {
    pub fn says(self, message: impl Into<String>) -> Refusal {
        Refusal {
            status: self.status,
            error_type: self.error_type,
            message: message.into(),
        }
    }
}

impl Rules {
    /// What is said of an order's history or trades when nobody knows the order; none: an empty list.
    pub fn unknown_order_refusal(&self) -> Option<Refusal> {
        match self.unknown_order {
            UnknownOrder::EmptyList => None,
            UnknownOrder::Refused(status) => Some(Refusal {
                status,
                error_type: self.unknown_order_error_type,
                message: UNKNOWN_ORDER.into(),
            }),
        }
    }
}
