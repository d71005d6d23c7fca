//! Stage C: does the order fit the instrument?
use super::super::order_context::{OrderContext, OrderRequest};
use super::super::verdict::{Outcome, Why};
use super::{pass_if, refuse};
use crate::calendar::Segment;
use crate::terms::{Exchange, InstrumentKind, OrderType, Product, Side, Validity};

/// Quantities are 32-bit integers on the broker's side.
const QUANTITY_MAX: i64 = i32::MAX as i64;
const PROTECTION_BP_MAX: i64 = 10_000;

/// R12: in today's file, under that name, not expired, and of a kind whose units and lots are known.
pub fn known(context: &OrderContext<'_>) -> Outcome {
    let Some(instrument) = context.instrument else {
        return refuse("no row of today's instruments file is known for its token");
    };
    let row = &instrument.row;
    if row.exchange.name() != context.signal.exchange
        || *row.tradingsymbol != *context.signal.tradingsymbol
    {
        return refuse("its token is another instrument's");
    }
    if row.file_day != Some(context.day) {
        return refuse("its instruments file is not today's");
    }
    if row.expiry.is_some_and(|expiry| expiry < context.day) {
        return refuse("it has expired");
    }
    if row.kind == InstrumentKind::Index {
        return refuse("an index cannot be traded");
    }
    if row.kind.is_derivative() && row.expiry.is_none() {
        return refuse("its expiry is not known");
    }
    pass_if(
        row.exchange.multiplier().is_some() && row.lot > 0 && row.tick_e4 > 0,
        "the units, lot or tick of its contract are not known",
    )
}

/// R14: price and trigger are multiples of the tick.
pub fn tick(context: &OrderContext<'_>, order: &OrderRequest<'_>) -> Outcome {
    let tick_e4 = order.row.tick_e4;
    if tick_e4 <= 0 {
        return refuse("its tick is not known");
    }
    let fits = |price_e4: i64| price_e4 >= 0 && price_e4 % tick_e4 == 0;
    pass_if(
        fits(context.signal.price_e4) && fits(context.signal.trigger_price_e4),
        "price or trigger is below zero or no multiple of the tick",
    )
}

/// R15: a quantity above zero in whole lots.
pub fn lot(context: &OrderContext<'_>, order: &OrderRequest<'_>) -> Outcome {
    let (quantity, lot) = (context.signal.quantity, order.row.lot);
    pass_if(
        lot > 0 && quantity > 0 && quantity <= QUANTITY_MAX && quantity % lot == 0,
        "quantity is not a number of whole lots",
    )
}

/// R16: not beyond the largest order that the exchange takes. What is more must come as several orders.
pub fn freeze(context: &OrderContext<'_>, order: &OrderRequest<'_>) -> Outcome {
    let (freeze, lot) = (order.row.freeze, order.row.lot);
    if freeze <= 0 {
        return pass_if(
            !order.row.kind.is_derivative(),
            "its freeze quantity is not known",
        );
    }
    if lot <= 0 {
        return refuse("its lot is not known");
    }
    let most = freeze / lot * lot;
    match context.signal.quantity {
        quantity if quantity <= most => Outcome::Pass,
        have => Outcome::Refuse(Why::Above {
            what: "quantity",
            have,
            most,
        }),
    }
}

/// R17: the broker takes this type, product and validity in this instrument, and the order has the prices of its type.
pub fn matrix(context: &OrderContext<'_>) -> Outcome {
    let signal = context.signal;
    let (product, order_type, validity) = (signal.product, signal.order_type, signal.validity);
    if signal.action.side().is_none() {
        return refuse("HOLD is no order");
    }
    let Some(instrument) = context.instrument else {
        return Outcome::Unjudged;
    };
    let row = &instrument.row;
    let at_market = matches!(order_type, OrderType::Market | OrderType::SlM);
    let (has_price, has_trigger) = (signal.price_e4 > 0, signal.trigger_price_e4 > 0);
    let wants_price = matches!(order_type, OrderType::Limit | OrderType::Sl);
    let wants_trigger = matches!(order_type, OrderType::Sl | OrderType::SlM);
    let protection = signal.market_protection_bp;
    let protected = protection == -1 || (1..=PROTECTION_BP_MAX).contains(&protection);
    let problem = if !row.takes(product) {
        "the broker does not take that product for it"
    } else if matches!(product, Product::Cnc | Product::Mtf) != row.kind.eq(&InstrumentKind::Cash)
        && product != Product::Mis
    {
        "CNC and MTF are for shares, NRML for derivatives"
    } else if (has_price, has_trigger) != (wants_price, wants_trigger) {
        "price or trigger does not fit the type"
    } else if at_market && !protected {
        "an order at market needs a market protection"
    } else if !at_market && protection != 0 {
        "market protection is for orders at market"
    } else if at_market && row.kind.is_option() && !row.of_index {
        "options on shares take no orders at market"
    } else if validity == Validity::Ioc && row.exchange == Exchange::Mcx {
        "MCX takes no IOC"
    } else if validity == Validity::Ttl {
        "TTL needs its minutes, which a signal does not carry"
    } else {
        return Outcome::Pass;
    };
    refuse(problem)
}

/// R18: for delivery only what is there is sold: shares in the account, today's purchases, less sales on their way.
pub fn delivery(_: &OrderContext<'_>, order: &OrderRequest<'_>) -> Outcome {
    if order.side == Side::Buy || !matches!(order.product, Product::Cnc | Product::Mtf) {
        return Outcome::Pass;
    }
    let holding = if order.product == Product::Cnc {
        order.instrument.holding
    } else {
        0
    };
    let there =
        i128::from(holding) + i128::from(order.without.quantity) - i128::from(order.without.sells);
    pass_if(
        i128::from(order.left) <= there,
        "more is sold for delivery than is there",
    )
}

/// R19: inside the hours of its list; entries and intraday entries end earlier than exits.
pub fn session(context: &OrderContext<'_>, order: &OrderRequest<'_>) -> Outcome {
    let row = order.row;
    let segment = Segment::of(row.kind, row.exchange, row.closing_auction, false);
    let calendar = &context.gate.calendar;
    let Some(hours) = segment.and_then(|segment| calendar.hours(context.day, segment)) else {
        return refuse("the table of sessions has no hours for it on this day");
    };
    let until_ns = match (context.reduces, order.product) {
        (true, _) => hours.exit_until_ns,
        (false, Product::Mis) => hours.mis_entry_until_ns,
        (false, _) => hours.entry_until_ns,
    };
    pass_if(
        (hours.open_ns..until_ns).contains(&context.time_of_day_ns),
        "outside the hours for such an order",
    )
}

/// R22: a stop waits on the far side of the last price, its limit on the far side of its trigger.
pub fn trigger(context: &OrderContext<'_>, order: &OrderRequest<'_>) -> Outcome {
    if !matches!(order.order_type, OrderType::Sl | OrderType::SlM) {
        return Outcome::Pass;
    }
    let (last_e4, trigger_e4) = (order.instrument.last_e4, context.signal.trigger_price_e4);
    if last_e4 == 0 {
        return refuse("no tick has been heard");
    }
    let beyond = |a: i64, b: i64| match order.side {
        Side::Buy => a > b,
        Side::Sell => a < b,
    };
    if !beyond(trigger_e4, last_e4) {
        return refuse("its trigger is not beyond the last price");
    }
    let limit_fits =
        order.order_type == OrderType::SlM || !beyond(trigger_e4, context.signal.price_e4);
    pass_if(limit_fits, "its limit is on the wrong side of its trigger")
}
