//! What is to go wrong with an order, asked for by fields of its form that Kite does not have. So it lies with the
//! requests that are asked again after a crash, and goes wrong again in the same way.

use crate::calendar::clock::MINUTE_NS;
use crate::exchange::forms::form::{Fields, Form};
use crate::exchange::orders::order_fault::OrderFault;
use crate::exchange::refusal::Refusal;

/// Names the order fault.
pub const FIELD: &str = "order_fault";
const MS_FIELD: &str = "order_fault_ms";
const MESSAGE_FIELD: &str = "order_fault_message";
const SLICES_FIELD: &str = "order_fault_slices";
const MS_MAX: i64 = 24 * 60 * MINUTE_NS / MS_NS;
const MS_NS: i64 = 1_000_000;
const MESSAGE_CHARS_MAX: usize = 500;

/// Of a placement's form; none for an order that goes its way.
pub fn of_placing(fields: &Fields) -> Result<Option<OrderFault>, Refusal> {
    match Form(fields).text(FIELD) {
        None => Ok(None),
        Some("slices") => Ok(None), // of the slices, and this one is whole
        Some("stuck") => Ok(Some(OrderFault::Stuck {
            for_ns: time_ns(fields)?,
        })),
        Some("rejected") => Ok(Some(OrderFault::Rejected {
            after_ns: time_ns(fields)?,
            message: message(fields),
        })),
        Some(_) => Err(Refusal::invalid(FIELD)),
    }
}

/// From which slice on, counted from 0, the slices of an order are refused, and in which words.
pub fn of_slices(fields: &Fields) -> Result<Option<(i64, String)>, Refusal> {
    if Form(fields).text(FIELD) != Some("slices") {
        return Ok(None);
    }
    let after = Form(fields).text(SLICES_FIELD).unwrap_or("0").parse();
    let after = after.map_err(|_| Refusal::invalid(SLICES_FIELD))?;
    Ok(Some((after, message(fields))))
}

/// Whether a cancellation comes too late: the order is filled while the request is under way.
pub fn outruns_cancel(fields: &Fields) -> Result<bool, Refusal> {
    match Form(fields).text(FIELD) {
        None => Ok(false),
        Some("filled") => Ok(true),
        Some(_) => Err(Refusal::invalid(FIELD)),
    }
}

fn message(fields: &Fields) -> String {
    let text = Form(fields).text(MESSAGE_FIELD).unwrap_or_default();
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

fn time_ns(fields: &Fields) -> Result<i64, Refusal> {
    let ms: i64 = Form(fields)
        .text(MS_FIELD)
        .unwrap_or("0")
        .parse()
        .map_err(|_| Refusal::invalid(MS_FIELD))?;
    if (0..=MS_MAX).contains(&ms) {
        Ok(ms * MS_NS)
    } else {
        Err(Refusal::invalid(MS_FIELD))
    }
}
