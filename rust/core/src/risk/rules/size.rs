//! Stage F: is the order itself too large?
use super::super::order_context::{OrderContext, OrderRequest};
use super::super::verdict::Outcome;
use super::at_most;

/// R31: units of one order.
pub fn quantity(context: &OrderContext<'_>, _: &OrderRequest<'_>) -> Outcome {
    at_most(
        "quantity",
        context.signal.quantity.into(),
        context.gate.limits().order_quantity_max,
        "order_quantity_max",
    )
}

/// R32: value of one order.
pub fn value(context: &OrderContext<'_>, order: &OrderRequest<'_>) -> Outcome {
    match order.value_e4 {
        Ok(value_e4) => at_most(
            "value_e4",
            value_e4.into(),
            context.gate.limits().order_value_e4_max,
            "order_value_e4_max",
        ),
        Err(missing) => missing.into(),
    }
}
