//! The contracts' structs as the core takes them. What cannot be read of a signal is `None` or out of range, and refused.
use kitev3_core::day::Day;
use kitev3_core::risk::{Carried, Fill, Instrument, Intent, Latch, Signal, Update, Verb};
use kitev3_core::terms::{Exchange, Kind, OrderType, Product, Side, Validity};
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// An attribute by its interned name.
macro_rules! field {
    ($object:expr, $name:ident) => {
        $object.getattr(pyo3::intern!($object.py(), stringify!($name)))?
    };
}
pub(super) use field;

pub fn text<'py>(value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    Ok(value.cast_into::<PyString>()?)
}

/// An integer; one beyond 64 bits is the largest, which every rule refuses.
pub fn whole(value: &Bound<'_, PyAny>) -> i64 {
    value.extract().unwrap_or(i64::MAX)
}

/// A word that a message of the account must have.
fn word<T>(value: &Bound<'_, PyString>, parse: impl Fn(&str) -> Option<T>) -> PyResult<T> {
    let text = value.to_str()?;
    parse(text).ok_or_else(|| {
        PyValueError::new_err(format!("{text:?} is no word of the trade that is known"))
    })
}

/// Cover and bracket orders, which others may place, are intraday.
fn held_as(product: &str) -> Option<Product> {
    match product {
        "CO" | "BO" => Some(Product::Mis),
        _ => Product::parse(product),
    }
}

pub fn latch(state: &str) -> PyResult<Latch> {
    match state {
        "HALTED" => Ok(Latch::Halted),
        "REDUCING" => Ok(Latch::Reducing),
        "ACTIVE" => Ok(Latch::Active),
        _ => Err(PyValueError::new_err(format!(
            "{state:?} is none of HALTED, REDUCING, ACTIVE"
        ))),
    }
}

pub fn verb(value: &str) -> PyResult<Verb> {
    match value {
        "place" => Ok(Verb::Place),
        "modify" => Ok(Verb::Modify),
        "cancel" => Ok(Verb::Cancel),
        _ => Err(PyValueError::new_err(format!(
            "{value:?} is none of place, modify, cancel"
        ))),
    }
}

/// 32 hex digits; anything else is 0, which no rule passes.
pub fn intent_id(text: &str) -> u128 {
    if text.len() == 32 {
        u128::from_str_radix(text, 16).unwrap_or(0)
    } else {
        0
    }
}

/// A signal's texts, kept alive while the core looks at them.
pub struct SignalTexts<'py> {
    strategy: Bound<'py, PyString>,
    exchange: Bound<'py, PyString>,
    tradingsymbol: Bound<'py, PyString>,
    action: Bound<'py, PyString>,
    intent: Bound<'py, PyString>,
    order_type: Bound<'py, PyString>,
    product: Bound<'py, PyString>,
    validity: Bound<'py, PyString>,
    order: Bound<'py, PyString>,
}

impl<'py> SignalTexts<'py> {
    pub fn read(signal: &Bound<'py, PyAny>) -> PyResult<Self> {
        Ok(Self {
            strategy: text(field!(signal, strategy))?,
            exchange: text(field!(signal, exchange))?,
            tradingsymbol: text(field!(signal, tradingsymbol))?,
            action: text(field!(signal, action))?,
            intent: text(field!(signal, intent))?,
            order_type: text(field!(signal, order_type))?,
            product: text(field!(signal, product))?,
            validity: text(field!(signal, validity))?,
            order: text(field!(signal, order))?,
        })
    }

    pub fn with<'a>(&'a self, signal: &Bound<'py, PyAny>) -> PyResult<Signal<'a>> {
        Ok(Signal {
            strategy: self.strategy.to_str()?,
            exchange: self.exchange.to_str()?,
            tradingsymbol: self.tradingsymbol.to_str()?,
            token: whole(&field!(signal, instrument_token)),
            side: Side::parse(self.action.to_str()?),
            intent: Intent::parse(self.intent.to_str()?),
            quantity: whole(&field!(signal, quantity)),
            order_type: OrderType::parse(self.order_type.to_str()?),
            price_e4: whole(&field!(signal, price_e4)),
            trigger_price_e4: whole(&field!(signal, trigger_price_e4)),
            product: Product::parse(self.product.to_str()?),
            validity: Validity::parse(self.validity.to_str()?),
            deadline_ns: whole(&field!(signal, deadline_ns)),
            order: self.order.to_str()?,
            market_protection_bp: whole(&field!(signal, market_protection_bp)),
        })
    }
}

/// A row of `marketdata.instrument`. None when its exchange is none that is known: nothing trades there.
pub fn instrument(row: &Bound<'_, PyAny>, closing_auction: bool) -> PyResult<Option<Instrument>> {
    let exchange = text(field!(row, exchange))?;
    let Some(exchange) = Exchange::parse(exchange.to_str()?) else {
        return Ok(None);
    };
    let (segment, kind) = (
        text(field!(row, segment))?,
        text(field!(row, instrument_type))?,
    );
    let kind = if segment.to_str()? == "INDICES" {
        Kind::Index
    } else {
        word(&kind, Kind::parse)?
    };
    let name = text(field!(row, name))?;
    let (expiry, file_date) = (text(field!(row, expiry))?, text(field!(row, file_date))?);
    let products: Vec<String> = field!(row, products).extract()?;
    let taken = products
        .iter()
        .filter_map(|product| Product::parse(product));
    let symbol = text(field!(row, tradingsymbol))?;
    Ok(Some(Instrument {
        kind,
        of_index: Instrument::is_index_name(name.to_str()?),
        expiry: Day::parse(expiry.to_str()?),
        strike_e4: whole(&field!(row, strike_e4)),
        tick_e4: whole(&field!(row, tick_size_e4)),
        lot: whole(&field!(row, lot_size)),
        freeze: whole(&field!(row, freeze_quantity)),
        products: taken.fold(0, |bits, product| bits | Instrument::product_bit(product)),
        lower_e4: whole(&field!(row, lower_circuit_e4)),
        upper_e4: whole(&field!(row, upper_circuit_e4)),
        previous_close_e4: whole(&field!(row, previous_close_e4)),
        file_day: Day::parse(file_date.to_str()?),
        closing_auction,
        ..Instrument::unknown(
            field!(row, instrument_token).extract()?,
            exchange,
            symbol.to_str()?,
        )
    }))
}

/// What updates, fills and positions have in common, kept alive while the core looks at it.
pub struct AccountTexts<'py> {
    object: Bound<'py, PyAny>,
    exchange: Exchange,
    tradingsymbol: Bound<'py, PyString>,
    product: Product,
    token: u32,
}

impl<'py> AccountTexts<'py> {
    pub fn read(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        let (exchange, product) = (
            text(field!(object, exchange))?,
            text(field!(object, product))?,
        );
        Ok(Self {
            exchange: word(&exchange, Exchange::parse)?,
            product: word(&product, held_as)?,
            tradingsymbol: text(field!(object, tradingsymbol))?,
            token: field!(object, instrument_token).extract()?,
            object: object.clone(),
        })
    }

    pub fn carried(&self) -> PyResult<Carried<'_>> {
        let row = &self.object;
        Ok(Carried {
            exchange: self.exchange,
            tradingsymbol: self.tradingsymbol.to_str()?,
            token: self.token,
            product: self.product,
            quantity: field!(row, quantity).extract()?,
            average_e4: field!(row, average_price_e4).extract()?,
        })
    }
}

/// An order of the book, or a trade, with its names.
pub struct OrderTexts<'py> {
    common: AccountTexts<'py>,
    side: Side,
    tag: Bound<'py, PyString>,
    order_id: Bound<'py, PyString>,
    strategy: Bound<'py, PyString>,
    trade_id: Option<Bound<'py, PyString>>,
}

impl<'py> OrderTexts<'py> {
    pub fn of_update(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        Ok(Self {
            common: AccountTexts::read(object)?,
            side: word(&text(field!(object, side))?, Side::parse)?,
            tag: text(field!(object, tag))?,
            order_id: text(field!(object, order_id))?,
            strategy: text(field!(object, strategy))?,
            trade_id: None,
        })
    }

    pub fn of_fill(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        Ok(Self {
            trade_id: Some(text(field!(object, trade_id))?),
            ..Self::of_update(object)?
        })
    }

    pub fn update(&self) -> PyResult<Update<'_>> {
        let object = &self.common.object;
        Ok(Update {
            tag: self.tag.to_str()?,
            order_id: self.order_id.to_str()?,
            exchange: self.common.exchange,
            tradingsymbol: self.common.tradingsymbol.to_str()?,
            token: self.common.token,
            side: self.side,
            product: self.common.product,
            quantity: field!(object, quantity).extract()?,
            filled: field!(object, filled_quantity).extract()?,
            price_e4: field!(object, price_e4).extract()?,
            is_final: object.getattr(intern!(object.py(), "final"))?.extract()?,
            strategy: self.strategy.to_str()?,
        })
    }

    pub fn fill(&self) -> PyResult<Fill<'_>> {
        let object = &self.common.object;
        Ok(Fill {
            tag: self.tag.to_str()?,
            order_id: self.order_id.to_str()?,
            trade_id: self.trade_id.as_ref().map_or(Ok(""), |id| id.to_str())?,
            exchange: self.common.exchange,
            tradingsymbol: self.common.tradingsymbol.to_str()?,
            token: self.common.token,
            side: self.side,
            product: self.common.product,
            quantity: field!(object, quantity).extract()?,
            price_e4: field!(object, price_e4).extract()?,
            strategy: self.strategy.to_str()?,
        })
    }
}
