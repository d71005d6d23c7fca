//! The form of `PUT /portfolio/positions`.

use crate::exchange::forms::form::{Fields, Form, within};
use crate::exchange::refusal::Refusal;
use crate::exchange::settlement::conversion::Conversion;
use crate::exchange::state::Exchange;
use crate::terms::{self, Product, Side};

impl Exchange {
    /// Converts what a form asks for.
    pub fn convert_form(
        &mut self,
        account: usize,
        fields: &Fields,
        at_ns: i64,
    ) -> Result<(), Refusal> {
        self.convert(account, &conversion(fields)?, at_ns)
    }
}

fn conversion(fields: &Fields) -> Result<Conversion, Refusal> {
    let form = Form(fields);
    let exchange = form.word("exchange", terms::Exchange::parse)?;
    let symbol = form.text("tradingsymbol");
    let symbol = symbol.ok_or_else(|| Refusal::invalid("tradingsymbol"))?;
    Ok(Conversion {
        exchange,
        tradingsymbol: symbol.to_owned(),
        side: form.word("transaction_type", Side::parse)?,
        overnight: form.word("position_type", |text| match text {
            "day" => Some(false),
            "overnight" => Some(true),
            _ => None,
        })?,
        quantity: within(form.needed_integer("quantity")?, "quantity", 1)?,
        from: form.word("old_product", Product::parse)?,
        to: form.word("new_product", Product::parse)?,
    })
}
