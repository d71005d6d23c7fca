//! Stage F: is the order itself too large?
use super::super::ask::{Ask, Order};
use super::super::verdict::Outcome;
use super::at_most;

/// R31: units of one order.
pub fn quantity(ask: &Ask<'_>, _: &Order<'_>) -> Outcome {
    at_most(
        "quantity",
        ask.signal.quantity.into(),
        ask.gate.limits().order_quantity_max,
        "order_quantity_max",
    )
}

/// R32: value of one order.
pub fn value(ask: &Ask<'_>, order: &Order<'_>) -> Outcome {
    match order.value_e4 {
        Ok(value_e4) => at_most(
            "value_e4",
            value_e4.into(),
            ask.gate.limits().order_value_e4_max,
            "order_value_e4_max",
        ),
        Err(lack) => lack.into(),
    }
}
