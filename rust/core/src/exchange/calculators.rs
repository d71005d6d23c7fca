//! What orders would tie up and cost, were they placed: `/margins/orders`, `/margins/basket`, `/charges/orders`.

use super::floor::Floor;
use super::form::{Fields, Form, within};
use super::margin::Tied;
use super::refusal::Refusal;
use super::scan_rates::MarginRates;
use super::shape::{Value, object};
use super::stakes::{Asking, Stakes};
use crate::portfolio::{Charges, Executed, charges};
use crate::terms::{Exchange, OrderType, Product, Side};

/// Orders in one request.
pub const ITEMS_MAX: usize = 200;
const VARIETIES: [&str; 6] = ["regular", "amo", "co", "iceberg", "auction", "bo"];

/// One order of a request.
pub struct Item {
    listing: usize,
    side: Side,
    product: Product,
    order_type: OrderType,
    variety: String,
    quantity: i64,
    price_e4: i64,
    order_id: Option<String>,
}

impl Item {
    /// Reads an order whose price is under `price` or, of one that is executed, under `average_price`. Without one it
    /// would trade at its trigger, or at the last price.
    pub fn read(floor: &Floor, fields: &Fields, price: &str) -> Result<Self, Refusal> {
        let form = Form(fields);
        let symbol = form.text("tradingsymbol");
        let symbol = symbol.ok_or_else(|| Refusal::invalid("tradingsymbol"))?;
        let listing = floor
            .market
            .by_symbol(form.word("exchange", Exchange::parse)?, symbol)
            .filter(|&listing| floor.market.listings[listing].instrument.tradable())
            .ok_or_else(|| Refusal::invalid("tradingsymbol"))?;
        let variety = form.text("variety").unwrap_or("regular");
        if !VARIETIES.contains(&variety) {
            return Err(Refusal::invalid("variety"));
        }
        let quantity = form
            .integer("quantity")?
            .ok_or_else(|| Refusal::invalid("quantity"))?;
        let named_e4 = form.price(price)?.unwrap_or(0);
        let trigger_e4 = form.price("trigger_price")?.unwrap_or(0);
        let last_e4 = floor.market.listings[listing].day.last_e4;
        let first = [named_e4, trigger_e4, last_e4];
        Ok(Self {
            listing,
            side: form.word("transaction_type", Side::parse)?,
            product: form.word("product", Product::parse)?,
            order_type: form.word("order_type", OrderType::parse)?,
            variety: variety.to_owned(),
            quantity: within(quantity, "quantity", 1)?,
            price_e4: first.into_iter().find(|&e4| e4 > 0).unwrap_or(0),
            order_id: form.text("order_id").map(str::to_owned),
        })
    }

    fn value_e4(&self, floor: &Floor) -> i128 {
        let multiplier = floor.market.listings[self.listing].instrument.multiplier;
        i128::from(self.quantity) * i128::from(self.price_e4) * i128::from(multiplier)
    }

    fn charges(&self, floor: &Floor) -> Result<Charges, Refusal> {
        let instrument = &floor.market.listings[self.listing].instrument;
        let turnover_e4 = i64::try_from(self.value_e4(floor));
        let executed = Executed {
            exchange: instrument.exchange,
            kind: instrument.kind,
            product: self.product,
            side: self.side,
            turnover_e4: turnover_e4.map_err(|_| Refusal::invalid("quantity"))?,
        };
        charges(&executed, floor.market.day)
            .map_err(|_| Refusal::input("There are no charges known for such an order."))
    }

    /// As margins count an order.
    fn asking(&self) -> Asking {
        Asking {
            listing: self.listing,
            held: self.product.into(),
            side: self.side,
            quantity: self.quantity,
            price_e4: self.price_e4,
        }
    }

    fn tax(&self, floor: &Floor) -> &'static str {
        match floor.market.listings[self.listing].instrument.exchange {
            Exchange::Cds | Exchange::Bcd => "",
            exchange if commodity(exchange) => "ctt",
            _ => "stt",
        }
    }

    /// How many times its own money an order moves.
    fn leverage(&self, rates: &MarginRates) -> i64 {
        let bp = match self.product {
            Product::Mis => rates.intraday_bp,
            Product::Mtf => rates.funded_bp,
            Product::Cnc | Product::Nrml => return 1,
        };
        10_000 / bp.max(1)
    }
}

fn commodity(exchange: Exchange) -> bool {
    matches!(exchange, Exchange::Mcx | Exchange::Nco)
}

/// What an order ties up where there is nothing else.
fn alone(floor: &Floor, item: &Item) -> Tied {
    let mut stakes = Stakes::default();
    stakes.ask(floor, &item.asking());
    floor.tied(&stakes)
}

/// What an order ties up beyond what an account has tied up already.
fn beside(floor: &Floor, account: usize, item: &Item) -> Tied {
    let mut stakes = floor.stakes(account, None);
    let before = floor.tied(&stakes);
    stakes.ask(floor, &item.asking());
    beyond(floor.tied(&stakes), before)
}

/// What orders tie up together once all of them have traded, beyond what is tied up already: their own spreads, and
/// those with what is there, cost less than each leg for itself.
fn together(floor: &Floor, mut stakes: Stakes, items: &[Item]) -> Tied {
    let before = floor.tied(&stakes);
    for item in items {
        stakes.trade(floor, &item.asking());
    }
    // At whatever price they are wished for: they have lost nothing yet.
    let after = Tied {
        m2m_e4: before.m2m_e4,
        ..floor.tied(&stakes)
    };
    beyond(after, before)
}

/// What is tied up more than before; less than nothing of premiums, but not of all together.
fn beyond(after: Tied, before: Tied) -> Tied {
    let more = |after_e4: i64, before_e4: i64| (after_e4 - before_e4).max(0);
    let mut tied = Tied {
        delivery_e4: more(after.delivery_e4, before.delivery_e4),
        span_e4: more(after.span_e4, before.span_e4),
        exposure_e4: more(after.exposure_e4, before.exposure_e4),
        premium_e4: after.premium_e4 - before.premium_e4,
        m2m_e4: more(after.m2m_e4, before.m2m_e4),
    };
    tied.premium_e4 -= tied.total_e4().min(0);
    tied
}

/// `POST /margins/orders`: each order for itself, beside what the account has.
pub fn order_margins(
    floor: &Floor,
    account: usize,
    items: &[Item],
    compact: bool,
) -> Result<Value, Refusal> {
    let rows = items.iter().map(|item| {
        let tied = beside(floor, account, item);
        Ok(shortened(margin(floor, Some(item), tied)?, compact))
    });
    Ok(rows.collect::<Result<Vec<_>, Refusal>>()?.into())
}

/// `POST /margins/basket`: each order for itself, the sum of that, and what all of them tie up together.
pub fn basket_margins(
    floor: &Floor,
    account: usize,
    items: &[Item],
    consider_positions: bool,
    compact: bool,
) -> Result<Value, Refusal> {
    let each: Vec<Tied> = items.iter().map(|item| alone(floor, item)).collect();
    let initial = each
        .iter()
        .fold(Tied::default(), |sum, &tied| sum.plus(tied));
    let there = if consider_positions {
        floor.stakes(account, None)
    } else {
        Stakes::default()
    };
    let together = together(floor, there, items);
    let orders: Vec<Value> = items
        .iter()
        .zip(&each)
        .map(|(item, &tied)| Ok(shortened(margin(floor, Some(item), tied)?, compact)))
        .collect::<Result<_, Refusal>>()?;
    let all = items.iter().try_fold(Charges::default(), |sum, item| {
        Ok::<_, Refusal>(sum.plus(&item.charges(floor)?))
    })?;
    Ok(object! {
        initial: shortened(margin(floor, None, initial)?, compact),
        r#final: shortened(margin(floor, None, together)?, compact),
        orders: orders,
        charges: charges_row(&all, items.first().map_or("", |item| item.tax(floor))),
    })
}

/// `POST /charges/orders`: what each executed order cost.
pub fn contract_note(floor: &Floor, items: &[Item]) -> Result<Value, Refusal> {
    let rows = items.iter().map(|item| {
        let instrument = &floor.market.listings[item.listing].instrument;
        if item.order_id.is_none() {
            return Err(Refusal::invalid("order_id"));
        }
        Ok(object! {
            transaction_type: item.side.name(),
            tradingsymbol: instrument.tradingsymbol.clone(),
            exchange: instrument.exchange.name(),
            variety: item.variety.clone(),
            product: item.product.name(),
            order_type: item.order_type.name(),
            quantity: item.quantity,
            price: Value::Rupees(item.price_e4),
            charges: charges_row(&item.charges(floor)?, item.tax(floor)),
        })
    });
    Ok(rows.collect::<Result<Vec<_>, Refusal>>()?.into())
}

fn margin(floor: &Floor, item: Option<&Item>, tied: Tied) -> Result<Value, Refusal> {
    let instrument = item.map(|item| &floor.market.listings[item.listing].instrument);
    let cost = item.map(|item| item.charges(floor)).transpose()?;
    Ok(object! {
        r#type: match instrument {
            Some(instrument) if commodity(instrument.exchange) => "commodity",
            Some(_) => "equity",
            None => "",
        },
        tradingsymbol: instrument.map_or(String::new(), |row| row.tradingsymbol.clone()),
        exchange: instrument.map_or("", |row| row.exchange.name()),
        span: Value::Rupees(tied.span_e4),
        exposure: Value::Rupees(tied.exposure_e4),
        option_premium: Value::Rupees(tied.premium_e4),
        additional: 0_i64,
        bo: 0_i64,
        cash: 0_i64,
        var: Value::Rupees(tied.delivery_e4),
        pnl: object! { realised: 0_i64, unrealised: 0_i64 },
        leverage: item.map_or(1, |item| item.leverage(&floor.rules.margins)),
        charges: charges_row(
            &cost.unwrap_or_default(),
            item.map_or("", |item| item.tax(floor)),
        ),
        total: Value::Rupees(tied.total_e4()),
    })
}

/// What compact mode leaves of a margin.
fn shortened(row: Value, compact: bool) -> Value {
    if !compact {
        return row;
    }
    let kept = ["type", "tradingsymbol", "exchange", "total"];
    match row {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(name, _)| kept.contains(&name.as_ref()))
                .collect(),
        ),
        other => other,
    }
}

/// Unrounded, as the real calculators give them.
fn charges_row(charges: &Charges, tax: &'static str) -> Value {
    let rupees = |e15: i128| Value::Number(e15 as f64 / 1e15);
    object! {
        transaction_tax: rupees(charges.transaction_tax_e15),
        transaction_tax_type: tax,
        exchange_turnover_charge: rupees(charges.exchange_e15),
        sebi_turnover_charge: rupees(charges.sebi_e15),
        brokerage: rupees(charges.brokerage_e15),
        stamp_duty: rupees(charges.stamp_e15),
        gst: object! {
            igst: rupees(charges.gst_e15),
            cgst: 0_i64,
            sgst: 0_i64,
            total: rupees(charges.gst_e15),
        },
        total: rupees(charges.total_e15()),
    }
}
