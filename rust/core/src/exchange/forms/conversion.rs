//! The form of `PUT /portfolio/positions`.

use crate::exchange::forms::form::{Fields, Form};
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
    Ok(Conversion {
        exchange: form.word("exchange", terms::Exchange::parse)?,
        tradingsymbol: form.needed("tradingsymbol")?.to_owned(),
        side: form.word("transaction_type", Side::parse)?,
        overnight: form.word("position_type", |text| match text {
            "day" => Some(false),
            "overnight" => Some(true),
            _ => None,
        })?,
        quantity: form.quantity()?,
        from: form.word("old_product", Product::parse)?,
        to: form.word("new_product", Product::parse)?,
    })
}
