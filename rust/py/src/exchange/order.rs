//! An order as our own struct, with integers and words: no form is written for it.
use kitev3_core::exchange::orders::request::{ModifyOrder, PlaceOrder, Protection};
use kitev3_core::exchange::orders::variety::Variety;
use kitev3_core::terms::{Exchange, OrderType, Product, Side, Validity};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

#[derive(FromPyObject)]
pub(super) struct PyOrder {
    pub variety: String,
    exchange: String,
    tradingsymbol: String,
    side: String,
    quantity: i64,
    product: String,
    order_type: String,
    price_e4: i64,
    trigger_price_e4: i64,
    validity: String,
    market_protection_bp: i64,
}

impl PyOrder {
    pub fn placing(self, tag: String) -> PyResult<PlaceOrder> {
        let validity = self.validity()?;
        Ok(PlaceOrder {
            variety: match self.variety.as_str() {
                "regular" => Variety::Regular,
                "amo" => Variety::Amo,
                _ => return Err(unknown("variety", &self.variety)),
            },
            exchange: word(Exchange::parse, "exchange", &self.exchange)?,
            side: word(Side::parse, "side", &self.side)?,
            quantity: positive(self.quantity)?,
            product: word(Product::parse, "product", &self.product)?,
            order_type: word(OrderType::parse, "order_type", &self.order_type)?,
            price_e4: self.price_e4,
            trigger_e4: self.trigger_price_e4,
            validity,
            ttl_minutes: 0,
            disclosed_quantity: 0,
            protection: protection(self.market_protection_bp),
            tag: Some(tag).filter(|tag| !tag.is_empty()),
            tags: Vec::new(),
            algo_id: None,
            fault: None,
            tradingsymbol: self.tradingsymbol,
        })
    }

    pub fn change(self) -> PyResult<ModifyOrder> {
        Ok(ModifyOrder {
            quantity: Some(positive(self.quantity)?),
            price_e4: Some(self.price_e4),
            trigger_e4: Some(self.trigger_price_e4),
            order_type: Some(word(OrderType::parse, "order_type", &self.order_type)?),
            validity: Some(self.validity()?),
            disclosed_quantity: None,
            protection: Some(protection(self.market_protection_bp)),
        })
    }

    fn validity(&self) -> PyResult<Validity> {
        let validity = word(Validity::parse, "validity", &self.validity)?;
        match validity {
            Validity::Ttl => Err(unknown("validity", &self.validity)), // it has no minutes here
            _ => Ok(validity),
        }
    }
}

fn word<T>(parse: fn(&str) -> Option<T>, name: &str, text: &str) -> PyResult<T> {
    parse(text).ok_or_else(|| unknown(name, text))
}

fn unknown(name: &str, text: &str) -> PyErr {
    PyValueError::new_err(format!("no order has the {name} {text:?}"))
}

fn positive(quantity: i64) -> PyResult<i64> {
    match quantity {
        1.. => Ok(quantity),
        _ => Err(PyValueError::new_err(format!("no order is of {quantity}"))),
    }
}

fn protection(bp: i64) -> Protection {
    match bp {
        ..0 => Protection::Auto,
        0 => Protection::None,
        _ => Protection::BasisPoints(bp),
    }
}
