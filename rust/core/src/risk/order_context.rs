//! One order as the rules look at it: everything worked out once, before the first rule.
use super::gate::Gate;
use super::instrument::Instrument;
use super::instruments::{Held, InstrumentState};
use super::margins::{self, NoMargin};
use super::orders::{self, Terms};
use crate::calendar::clock::time_of_day_ns;
use crate::day::Day;
use crate::payload::strategy::{IntentKind, Signal};
use crate::terms::{OrderType, Overflow, Product, Side, product};

/// Why a number about the order cannot be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingInput {
    /// A market order in something whose price is not known.
    NoPrice,
    NotInTable,
    Overflow,
}

impl From<Overflow> for MissingInput {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}

impl From<NoMargin> for MissingInput {
    fn from(missing: NoMargin) -> Self {
        match missing {
            NoMargin::NotInTable => Self::NotInTable,
            NoMargin::Overflow => Self::Overflow,
        }
    }
}

/// Which order a modify names.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// It is a new order.
    None,
    Missing,
    Order(&'a orders::Order),
}

pub struct OrderContext<'a> {
    pub signal: &'a Signal<'a>,
    pub intent: u128,
    pub mono_ns: i64,
    pub day: Day,
    pub time_of_day_ns: i64,
    pub gate: &'a Gate,
    pub instrument: Option<&'a InstrumentState>,
    pub target: Target<'a>,
    /// None when the instrument is not known.
    pub order: Option<OrderRequest<'a>>,
    /// An exit: it provably makes a position smaller.
    pub reduces: bool,
}

/// What is asked for, in full.
pub struct OrderRequest<'a> {
    pub instrument: &'a InstrumentState,
    pub row: &'a Instrument,
    pub side: Side,
    pub product: Product,
    pub order_type: OrderType,
    /// What it may still trade: less than its quantity when it modifies one that has traded.
    pub left: i64,
    /// What is held and on its way in its product, without it.
    pub without: Held,
    /// The worst price at which it may trade, for the price rules.
    pub bound_e4: Result<i64, MissingInput>,
    /// The price at which its quantity is valued.
    pub price_e4: Result<i64, MissingInput>,
    pub value_e4: Result<i64, MissingInput>,
    /// 0 of an exit.
    pub margin_e4: Result<i64, MissingInput>,
}

impl<'a> OrderContext<'a> {
    pub fn new(
        gate: &'a Gate,
        signal: &'a Signal<'a>,
        intent: u128,
        now_ns: i64,
        mono_ns: i64,
    ) -> Self {
        let day = Day::at(now_ns);
        let token = u32::try_from(signal.instrument_token).ok();
        let instrument = token
            .and_then(|token| gate.instruments.by_token(token))
            .map(|at| gate.instruments.get(at));
        let target = match signal.intent {
            IntentKind::Modify => gate
                .orders
                .find(signal.order, "")
                .map_or(Target::Missing, |at| Target::Order(gate.orders.get(at))),
            _ => Target::None,
        };
        let order =
            instrument.and_then(|instrument| OrderRequest::new(signal, instrument, target, day));
        let reduces = order
            .as_ref()
            .is_some_and(|order| order.without.reduces(order.side, order.left));
        let time_of_day_ns = time_of_day_ns(now_ns);
        let mut context = Self {
            signal,
            intent,
            mono_ns,
            day,
            time_of_day_ns,
            gate,
            instrument,
            target,
            order,
            reduces,
        };
        if reduces && let Some(order) = &mut context.order {
            order.margin_e4 = Ok(0);
        }
        context
    }

    pub fn terms(&self, order: &OrderRequest<'_>) -> Result<Terms, MissingInput> {
        let (price_e4, margin_e4) = (order.price_e4?, order.margin_e4?);
        Ok(Terms {
            quantity: self.signal.quantity,
            limit_e4: self.signal.price_e4,
            price_e4,
            margin_e4,
        })
    }
}

impl<'a> OrderRequest<'a> {
    fn new(
        signal: &Signal<'_>,
        instrument: &'a InstrumentState,
        target: Target<'_>,
        day: Day,
    ) -> Option<Self> {
        let (side, held_as) = (signal.action.side()?, signal.product);
        let order_type = signal.order_type;
        let row = &instrument.row;
        let (mut without, mut left) = (*instrument.of(held_as), signal.quantity);
        if let Target::Order(old) = target {
            left = left.saturating_sub(old.filled);
            if old.product == held_as && old.side == side {
                *without.on_its_way(side) -= old.bound.quantity;
            }
        }
        let bound_e4 = bound_price(signal, order_type, side, instrument);
        let price_e4 = match (side, order_type) {
            (Side::Sell, OrderType::Market) if instrument.mark_e4 > 0 => Ok(instrument.mark_e4),
            (Side::Sell, OrderType::SlM) => Ok(signal.trigger_price_e4),
            _ => bound_e4,
        };
        let value_e4 =
            price_e4.and_then(|price_e4| Ok(product(left, price_e4, instrument.multiplier())?));
        let margin_e4 = price_e4.and_then(|price_e4| {
            Ok(margins::required_e4(
                row,
                held_as,
                side,
                signal.quantity,
                price_e4,
                day,
            )?)
        });
        Some(Self {
            instrument,
            row,
            side,
            product: held_as,
            order_type,
            left,
            without,
            bound_e4,
            price_e4,
            value_e4,
            margin_e4,
        })
    }

    /// With this order on its way.
    pub fn held(&self) -> Result<Held, Overflow> {
        self.without.with(self.side, self.left)
    }
}

fn bound_price(
    signal: &Signal<'_>,
    order_type: OrderType,
    side: Side,
    instrument: &InstrumentState,
) -> Result<i64, MissingInput> {
    let from_e4 = match order_type {
        OrderType::Limit | OrderType::Sl => return Ok(signal.price_e4),
        OrderType::SlM => signal.trigger_price_e4,
        OrderType::Market if instrument.mark_e4 > 0 => instrument.mark_e4,
        OrderType::Market => return Err(MissingInput::NoPrice),
    };
    let bp = match signal.market_protection_bp {
        -1 => automatic_protection_bp(instrument.row.kind.is_option(), from_e4),
        bp => bp,
    };
    let away = (i128::from(from_e4) * i128::from(bp) + 9_999).div_euclid(10_000);
    i64::try_from(i128::from(from_e4) + i128::from(side.sign()) * away)
        .map_err(|_| MissingInput::Overflow)
}

/// The broker's table for a market protection of -1, in hundredths of a percent.
fn automatic_protection_bp(is_option: bool, price_e4: i64) -> i64 {
    let rupees_up_to = |rupees: i64| price_e4 <= rupees * 10_000;
    match is_option {
        true if price_e4 < 10 * 10_000 => 500,
        true if price_e4 < 100 * 10_000 => 300,
        true if rupees_up_to(500) => 200,
        true => 100,
        false if price_e4 < 100 * 10_000 => 200,
        false if rupees_up_to(500) => 100,
        false => 50,
    }
}
