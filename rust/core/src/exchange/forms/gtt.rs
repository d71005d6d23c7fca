//! The form of a trigger: its condition and its orders, a form each.

use crate::exchange::forms::form::{Fields, Form};
use crate::exchange::orders::gtt::{GttKind, PlaceGtt, PlaceGttLeg};
use crate::exchange::refusal::Refusal;
use crate::terms::{Exchange, OrderType, Product, Side};

/// A trigger as it came.
pub struct GttForm<'a> {
    pub kind: &'a str,
    pub condition: &'a Fields,
    pub triggers: &'a [String],
    /// Of a trailing one, by how much it follows: for each trigger, or once, then its stop does.
    pub trailing: &'a [String],
    pub orders: &'a [Vec<(String, String)>],
}

impl GttForm<'_> {
    pub fn read(&self) -> Result<PlaceGtt, Refusal> {
        let condition = Form(self.condition);
        let (exchange, tradingsymbol) = instrument(&condition)?;
        let kind = GttKind::parse(self.kind).ok_or_else(|| Refusal::invalid("type"))?;
        let legs_wanted = kind.legs();
        if self.triggers.len() != legs_wanted || self.orders.len() != legs_wanted {
            return Err(Refusal::input(format!(
                "A trigger of the type {} has {legs_wanted} of `trigger_values` and of `orders`.",
                kind.name()
            )));
        }
        let legs = self.triggers.iter().zip(self.orders).enumerate();
        let legs = legs.map(|(at, (trigger, order))| {
            let form = Form(order);
            Refusal::invalid_if(
                instrument(&form)? != (exchange, tradingsymbol.clone()),
                "tradingsymbol",
            )?;
            let leg = leg(&form, trigger)?;
            let stop = legs_wanted == 1 || (at == 1) == (leg.side == Side::Buy);
            let trail = match self.trailing {
                [one] if stop => Some(one),
                [_] => None,
                each => each.get(at),
            };
            let trail_e4 = trail.map(|text| points(text)).transpose()?.unwrap_or(0);
            Ok(PlaceGttLeg { trail_e4, ..leg })
        });
        let legs = legs.collect::<Result<Vec<PlaceGttLeg>, Refusal>>()?;
        let follows = legs.iter().any(|leg| leg.trail_e4 > 0);
        Refusal::invalid_if(
            follows != kind.trails() || self.trailing.len() > legs_wanted,
            "trailing_points",
        )?;
        Ok(PlaceGtt {
            kind,
            last_e4: condition.price("last_price")?,
            legs,
            exchange,
            tradingsymbol,
        })
    }
}

/// Trailing points in rupees; 0: none.
fn points(text: &str) -> Result<i64, Refusal> {
    let fields = [("trailing_points".to_owned(), text.to_owned())];
    Ok(Form(&fields).price("trailing_points")?.unwrap_or(0))
}

/// The number of a trigger; one that is none is that of no trigger.
pub fn id(text: &str) -> i64 {
    text.parse().unwrap_or(-1)
}

fn instrument(form: &Form<'_>) -> Result<(Exchange, String), Refusal> {
    let exchange = form.word("exchange", Exchange::parse)?;
    Ok((exchange, form.needed("tradingsymbol")?.to_owned()))
}

fn leg(form: &Form<'_>, trigger: &str) -> Result<PlaceGttLeg, Refusal> {
    let values = [("trigger_values".to_owned(), trigger.to_owned())];
    Ok(PlaceGttLeg {
        trigger_e4: Form(&values).positive_price("trigger_values")?,
        side: form.word("transaction_type", Side::parse)?,
        quantity: form.quantity()?,
        order_type: form.word("order_type", OrderType::parse)?,
        product: form.word("product", Product::parse)?,
        price_e4: form.positive_price("price")?,
        trail_e4: 0,
    })
}
