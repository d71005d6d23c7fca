//! What orders would tie up and cost, were they placed: `/margins/orders`, `/margins/basket`, `/charges/orders`.

use crate::exchange::margin::blocked_margin::BlockedMargin;
use crate::exchange::margin::margin_positions::{MarginOrder, MarginPositions};
use crate::exchange::refusal::Refusal;
use crate::exchange::rules::MarginRates;
use crate::exchange::state::Exchange;
use crate::exchange::views::json_value::{Value, object};
use crate::portfolio::{Charges, Executed, charges};
use crate::terms::{self, OrderType, Product, Side};

/// Orders in one request.
pub const ITEMS_MAX: usize = 200;

/// One order of a request.
pub struct Item {
    pub listing: usize,
    pub side: Side,
    pub product: Product,
    pub order_type: OrderType,
    pub variety: String,
    pub quantity: i64,
    pub price_e4: i64,
    pub order_id: Option<String>,
}

impl Item {
    fn value_e4(&self, exchange: &Exchange) -> i128 {
        let multiplier = exchange.market.listings[self.listing].instrument.multiplier;
        i128::from(self.quantity) * i128::from(self.price_e4) * i128::from(multiplier)
    }

    fn charges(&self, exchange: &Exchange) -> Result<Charges, Refusal> {
        let instrument = &exchange.market.listings[self.listing].instrument;
        let turnover_e4 = i64::try_from(self.value_e4(exchange));
        let executed = Executed {
            exchange: instrument.exchange,
            kind: instrument.kind,
            product: self.product,
            side: self.side,
            turnover_e4: turnover_e4.map_err(|_| Refusal::invalid("quantity"))?,
        };
        charges(&executed, &exchange.market.calendar, exchange.market.day)
            .map_err(|_| Refusal::input("There are no charges known for such an order."))
    }

    /// As margins count an order.
    fn order(&self) -> MarginOrder {
        MarginOrder {
            listing: self.listing,
            held: self.product.into(),
            side: self.side,
            quantity: self.quantity,
            price_e4: self.price_e4,
        }
    }

    fn tax(&self, exchange: &Exchange) -> &'static str {
        match exchange.market.listings[self.listing].instrument.exchange {
            terms::Exchange::Cds | terms::Exchange::Bcd => "",
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

fn commodity(exchange: terms::Exchange) -> bool {
    matches!(exchange, terms::Exchange::Mcx | terms::Exchange::Nco)
}

/// What an order blocks where there is nothing else.
fn alone(exchange: &Exchange, item: &Item) -> BlockedMargin {
    let mut margin_positions = MarginPositions::default();
    margin_positions.ask(&exchange.market, &item.order());
    exchange.margin_scale().blocked(&margin_positions)
}

/// What an order blocks beyond what an account has blocked already.
fn beside(exchange: &Exchange, account: usize, item: &Item) -> BlockedMargin {
    let mut margin_positions = exchange.margin_positions(account, None);
    let before = exchange.margin_scale().blocked(&margin_positions);
    margin_positions.ask(&exchange.market, &item.order());
    beyond(exchange.margin_scale().blocked(&margin_positions), before)
}

/// What orders block together once all of them have traded, beyond what is blocked already: their own spreads, and
/// those with what is there, cost less than each leg for itself.
fn together(
    exchange: &Exchange,
    mut margin_positions: MarginPositions,
    items: &[Item],
) -> BlockedMargin {
    let scale = exchange.margin_scale();
    let before = scale.blocked(&margin_positions);
    for item in items {
        margin_positions.trade(&scale, &item.order());
    }
    // At whatever price they are wished for: they have lost nothing yet.
    let after = BlockedMargin {
        m2m_e4: before.m2m_e4,
        ..scale.blocked(&margin_positions)
    };
    beyond(after, before)
}

/// What is blocked more than before; less than nothing of premiums, but not of all together.
fn beyond(after: BlockedMargin, before: BlockedMargin) -> BlockedMargin {
    let more = |after_e4: i64, before_e4: i64| (after_e4 - before_e4).max(0);
    let mut blocked = BlockedMargin {
        delivery_e4: more(after.delivery_e4, before.delivery_e4),
        span_e4: more(after.span_e4, before.span_e4),
        exposure_e4: more(after.exposure_e4, before.exposure_e4),
        premium_e4: after.premium_e4 - before.premium_e4,
        m2m_e4: more(after.m2m_e4, before.m2m_e4),
    };
    blocked.premium_e4 -= blocked.total_e4().min(0);
    blocked
}

/// `POST /margins/orders`: each order for itself, beside what the account has.
pub fn order_margins(
    exchange: &Exchange,
    account: usize,
    items: &[Item],
    compact: bool,
) -> Result<Value, Refusal> {
    let rows = items.iter().map(|item| {
        let blocked = beside(exchange, account, item);
        Ok(shortened(margin(exchange, Some(item), blocked)?, compact))
    });
    Ok(rows.collect::<Result<Vec<_>, Refusal>>()?.into())
}

/// `POST /margins/basket`: each order for itself, the sum of that, and what all of them tie up together.
pub fn basket_margins(
    exchange: &Exchange,
    account: usize,
    items: &[Item],
    consider_positions: bool,
    compact: bool,
) -> Result<Value, Refusal> {
    let each: Vec<BlockedMargin> = items.iter().map(|item| alone(exchange, item)).collect();
    let initial = each
        .iter()
        .fold(BlockedMargin::default(), |sum, &blocked| sum.plus(blocked));
    let there = if consider_positions {
        exchange.margin_positions(account, None)
    } else {
        MarginPositions::default()
    };
    let together = together(exchange, there, items);
    let orders: Vec<Value> = items
        .iter()
        .zip(&each)
        .map(|(item, &blocked)| Ok(shortened(margin(exchange, Some(item), blocked)?, compact)))
        .collect::<Result<_, Refusal>>()?;
    let all = items.iter().try_fold(Charges::default(), |sum, item| {
        Ok::<_, Refusal>(sum.plus(&item.charges(exchange)?))
    })?;
    Ok(object! {
        initial: shortened(margin(exchange, None, initial)?, compact),
        r#final: shortened(margin(exchange, None, together)?, compact),
        orders: orders,
        charges: charges_row(&all, items.first().map_or("", |item| item.tax(exchange))),
    })
}

/// `POST /charges/orders`: what each executed order cost.
pub fn contract_note(exchange: &Exchange, items: &[Item]) -> Result<Value, Refusal> {
    let rows = items.iter().map(|item| {
        let instrument = &exchange.market.listings[item.listing].instrument;
        Refusal::invalid_if(item.order_id.is_none(), "order_id")?;
        Ok(object! {
            transaction_type: item.side.name(),
            tradingsymbol: instrument.tradingsymbol.clone(),
            exchange: instrument.exchange.name(),
            variety: item.variety.clone(),
            product: item.product.name(),
            order_type: item.order_type.name(),
            quantity: item.quantity,
            price: Value::Rupees(item.price_e4),
            charges: charges_row(&item.charges(exchange)?, item.tax(exchange)),
        })
    });
    Ok(rows.collect::<Result<Vec<_>, Refusal>>()?.into())
}

fn margin(
    exchange: &Exchange,
    item: Option<&Item>,
    blocked: BlockedMargin,
) -> Result<Value, Refusal> {
    let instrument = item.map(|item| &exchange.market.listings[item.listing].instrument);
    let cost = item.map(|item| item.charges(exchange)).transpose()?;
    Ok(object! {
        r#type: match instrument {
            Some(instrument) if commodity(instrument.exchange) => "commodity",
            Some(_) => "equity",
            None => "",
        },
        tradingsymbol: instrument.map_or(String::new(), |row| row.tradingsymbol.clone()),
        exchange: instrument.map_or("", |row| row.exchange.name()),
        span: Value::Rupees(blocked.span_e4),
        exposure: Value::Rupees(blocked.exposure_e4),
        option_premium: Value::Rupees(blocked.premium_e4),
        additional: 0_i64,
        bo: 0_i64,
        cash: 0_i64,
        var: Value::Rupees(blocked.delivery_e4),
        pnl: object! { realised: 0_i64, unrealised: 0_i64 },
        leverage: item.map_or(1, |item| item.leverage(&exchange.rules.margins)),
        charges: charges_row(
            &cost.unwrap_or_default(),
            item.map_or("", |item| item.tax(exchange)),
        ),
        total: Value::Rupees(blocked.total_e4()),
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
