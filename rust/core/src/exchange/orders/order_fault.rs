//! What goes wrong with one order on its way: it is stuck at the broker, the exchange takes it and thinks better of it,
//! or its cancellation loses a race.
//!
//! It is asked for by fields of the request's own form, which Kite does not have. So it lies with the requests that are
//! asked again after a crash, and goes wrong again in the same way. Times are market time.

use crate::exchange::dates::MINUTE_NS;
use crate::exchange::orders::form::Fields;
use crate::exchange::refusal::Refusal;

/// Names the order fault.
pub const FIELD: &str = "order_fault";
const MS_FIELD: &str = "order_fault_ms";
const MESSAGE_FIELD: &str = "order_fault_message";
const SLICES_FIELD: &str = "order_fault_slices";
const MS_MAX: i64 = 24 * 60 * MINUTE_NS / MS_NS;
const MS_NS: i64 = 1_000_000;
const MESSAGE_CHARS_MAX: usize = 500;

/// What goes wrong with a new order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderFault {
    /// It stays in PUT ORDER REQ RECEIVED for so long, and cannot be modified or cancelled until then.
    Stuck { for_ns: i64 },
    /// It is acknowledged and stands, where nothing trades with it, until the exchange rejects it.
    Rejected { after_ns: i64, message: String },
}

impl OrderFault {
    /// Of a placement's form; none for an order that goes its way.
    pub fn of_placing(fields: &Fields) -> Result<Option<Self>, Refusal> {
        match text(fields, FIELD) {
            None => Ok(None),
            Some("slices") => Ok(None), // of the slices, and this one is whole
            Some("stuck") => Ok(Some(Self::Stuck {
                for_ns: time_ns(fields)?,
            })),
            Some("rejected") => Ok(Some(Self::Rejected {
                after_ns: time_ns(fields)?,
                message: message(fields),
            })),
            Some(_) => Err(Refusal::invalid(FIELD)),
        }
    }

    /// From which slice on, counted from 0, the slices of an order are refused, and in which words.
    pub fn of_slices(fields: &Fields) -> Result<Option<(i64, String)>, Refusal> {
        if text(fields, FIELD) != Some("slices") {
            return Ok(None);
        }
        let after = text(fields, SLICES_FIELD).unwrap_or("0").parse();
        let after = after.map_err(|_| Refusal::invalid(SLICES_FIELD))?;
        Ok(Some((after, message(fields))))
    }

    /// Whether a cancellation comes too late: the order is filled while the request is under way.
    pub fn outruns_cancel(fields: &Fields) -> Result<bool, Refusal> {
        match text(fields, FIELD) {
            None => Ok(false),
            Some("filled") => Ok(true),
            Some(_) => Err(Refusal::invalid(FIELD)),
        }
    }
}

/// An order fault that has begun and ends at its time.
#[derive(Clone, Debug)]
pub struct Due {
    pub order: usize,
    pub at_ns: i64,
    pub ends: Ends,
}

/// How an order fault ends.
#[derive(Clone, Debug)]
pub enum Ends {
    /// The order goes on its way.
    Goes,
    /// It is rejected, with this message.
    Rejected(String),
}

fn text<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    let field = fields.iter().find(|(key, _)| key == name);
    field.map(|(_, text)| text.trim()).filter(|t| !t.is_empty())
}

fn message(fields: &Fields) -> String {
    let text = text(fields, MESSAGE_FIELD).unwrap_or_default();
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

fn time_ns(fields: &Fields) -> Result<i64, Refusal> {
    let ms: i64 = text(fields, MS_FIELD)
        .unwrap_or("0")
        .parse()
        .map_err(|_| Refusal::invalid(MS_FIELD))?;
    if (0..=MS_MAX).contains(&ms) {
        Ok(ms * MS_NS)
    } else {
        Err(Refusal::invalid(MS_FIELD))
    }
}
