//! The form of a trigger: its condition and its orders, a form each.

use crate::exchange::forms::form::{Fields, Form, within};
use crate::exchange::orders::gtt::{Kind, PlaceGtt, PlaceLeg};
use crate::exchange::refusal::Refusal;
use crate::terms::{Exchange, OrderType, Product, Side};

/// A trigger as it came.
pub struct GttForm<'a> {
    pub kind: &'a str,
    pub condition: &'a Fields,
    pub triggers: &'a [String],
    pub orders: &'a [Vec<(String, String)>],
}

impl GttForm<'_> {
    pub fn read(&self) -> Result<PlaceGtt, Refusal> {
        let condition = Form(self.condition);
        let (exchange, tradingsymbol) = instrument(&condition)?;
        let kind = Kind::parse(self.kind).ok_or_else(|| Refusal::invalid("type"))?;
        let legs = kind.legs();
        if self.triggers.len() != legs || self.orders.len() != legs {
            return Err(Refusal::input(format!(
                "A trigger of the type {} has {legs} of `trigger_values` and of `orders`.",
                kind.name()
            )));
        }
        let legs = self.triggers.iter().zip(self.orders);
        let legs = legs.map(|(trigger, order)| {
            let form = Form(order);
            if instrument(&form)? != (exchange, tradingsymbol.clone()) {
                return Err(Refusal::invalid("tradingsymbol"));
            }
            leg(&form, trigger)
        });
        Ok(PlaceGtt {
            kind,
            last_e4: condition.price("last_price")?,
            legs: legs.collect::<Result<_, Refusal>>()?,
            exchange,
            tradingsymbol,
        })
    }
}

/// The number of a trigger; one that is none is that of no trigger.
pub fn id(text: &str) -> i64 {
    text.parse().unwrap_or(-1)
}

fn instrument(form: &Form<'_>) -> Result<(Exchange, String), Refusal> {
    let exchange = form.word("exchange", Exchange::parse)?;
    let symbol = form.text("tradingsymbol");
    let symbol = symbol.ok_or_else(|| Refusal::invalid("tradingsymbol"))?;
    Ok((exchange, symbol.to_owned()))
}

fn leg(form: &Form<'_>, trigger: &str) -> Result<PlaceLeg, Refusal> {
    let values = [("trigger_values".to_owned(), trigger.to_owned())];
    Ok(PlaceLeg {
        trigger_e4: Form(&values).positive_price("trigger_values")?,
        side: form.word("transaction_type", Side::parse)?,
        quantity: within(form.needed_integer("quantity")?, "quantity", 1)?,
        order_type: form.word("order_type", OrderType::parse)?,
        product: form.word("product", Product::parse)?,
        price_e4: form.positive_price("price")?,
    })
}
