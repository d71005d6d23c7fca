//! The orders that the calculators are asked about.

use crate::exchange::forms::form::{Fields, Form};
use crate::exchange::refusal::Refusal;
use crate::exchange::state::Exchange;
use crate::exchange::views::calculators::Item;
use crate::terms::{self, OrderType, Product, Side};

const VARIETIES: [&str; 6] = ["regular", "amo", "co", "iceberg", "auction", "bo"];

/// Reads an order whose price is under `price` or, of one that is executed, under `average_price`. Without one it
/// would trade at its trigger, or at the last price.
pub fn item(exchange: &Exchange, fields: &Fields, price: &str) -> Result<Item, Refusal> {
    let form = Form(fields);
    let symbol = form.needed("tradingsymbol")?;
    let listing = exchange
        .market
        .by_symbol(form.word("exchange", terms::Exchange::parse)?, symbol)
        .filter(|&listing| exchange.market.listings[listing].instrument.tradable())
        .ok_or_else(|| Refusal::invalid("tradingsymbol"))?;
    let variety = form.text("variety").unwrap_or("regular");
    Refusal::invalid_if(!VARIETIES.contains(&variety), "variety")?;
    let named_e4 = form.price(price)?.unwrap_or(0);
    let trigger_e4 = form.price("trigger_price")?.unwrap_or(0);
    let last_e4 = exchange.market.listings[listing].day.last_e4;
    let first = [named_e4, trigger_e4, last_e4];
    Ok(Item {
        listing,
        side: form.word("transaction_type", Side::parse)?,
        product: form.word("product", Product::parse)?,
        order_type: form.word("order_type", OrderType::parse)?,
        variety: variety.to_owned(),
        quantity: form.quantity()?,
        price_e4: first.into_iter().find(|&e4| e4 > 0).unwrap_or(0),
        order_id: form.text("order_id").map(str::to_owned),
    })
}
