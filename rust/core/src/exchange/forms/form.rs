//! Fields as they came, read by their names into numbers and words.

use crate::exchange::orders::request::{PRICE_E4_MAX, Protection, QUANTITY_MAX};
use crate::exchange::refusal::Refusal;

/// Fields as they came: names and texts. A field named twice counts once, the first time.
pub type Fields = [(String, String)];

pub(in crate::exchange) fn within(quantity: i64, name: &str, least: i64) -> Result<i64, Refusal> {
    if (least..=QUANTITY_MAX).contains(&quantity) {
        Ok(quantity)
    } else {
        Err(Refusal::invalid(name))
    }
}

/// Fields as they are asked for by name.
pub(in crate::exchange) struct Form<'a>(pub &'a Fields);

impl<'a> Form<'a> {
    /// A field's text; an empty one is as good as none.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, text)| text.trim())
            .filter(|t| !t.is_empty())
    }

    /// Yes or no, in the words of all the clients; absent is no.
    pub fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.text(name) {
            None | Some("0" | "false" | "False") => Ok(false),
            Some("1" | "true" | "True") => Ok(true),
            Some(_) => Err(Refusal::invalid(name)),
        }
    }

    pub fn word_if<T>(
        &self,
        name: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        self.text(name)
            .map(|text| parse(text).ok_or_else(|| Refusal::invalid(name)))
            .transpose()
    }

    pub fn word_or<T>(
        &self,
        name: &str,
        parse: fn(&str) -> Option<T>,
        or: T,
    ) -> Result<T, Refusal> {
        Ok(self.word_if(name, parse)?.unwrap_or(or))
    }

    pub fn word<T>(&self, name: &str, parse: fn(&str) -> Option<T>) -> Result<T, Refusal> {
        self.word_if(name, parse)?
            .ok_or_else(|| Refusal::invalid(name))
    }

    pub fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let parse = |text: &str| text.parse().map_err(|_| undecodable(name, text, "integer"));
        self.text(name).map(parse).transpose()
    }

    pub fn needed_integer(&self, name: &str) -> Result<i64, Refusal> {
        self.integer(name)?.ok_or_else(|| Refusal::invalid(name))
    }

    /// A text that has to be there.
    pub fn needed(&self, name: &str) -> Result<&'a str, Refusal> {
        self.text(name).ok_or_else(|| Refusal::invalid(name))
    }

    /// The quantity of an order.
    pub fn quantity(&self) -> Result<i64, Refusal> {
        within(self.needed_integer("quantity")?, "quantity", 1)
    }

    pub fn positive_price(&self, name: &str) -> Result<i64, Refusal> {
        let price_e4 = self.price(name)?.filter(|&e4| e4 > 0);
        price_e4.ok_or_else(|| Refusal::invalid(name))
    }

    /// Rupees; float noise beyond 1/10,000 is rounded away before anything looks at it.
    pub fn price(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let rupees = decimal(text).ok_or_else(|| undecodable(name, text, "decimal"))?;
        let e4 = (rupees * 1e4).round();
        if (0.0..=PRICE_E4_MAX as f64).contains(&e4) {
            Ok(Some(e4 as i64))
        } else {
            Err(Refusal::invalid(name))
        }
    }

    /// A price of an order that has use for one; else 0, whatever is written there.
    pub fn price_if(&self, name: &str, used: bool) -> Result<i64, Refusal> {
        let price_e4 = used.then(|| self.price(name)).transpose()?.flatten();
        Ok(price_e4.unwrap_or(0))
    }

    pub fn protection(&self) -> Result<Option<Protection>, Refusal> {
        const NAME: &str = "market_protection";
        let Some(text) = self.text(NAME) else {
            return Ok(None);
        };
        let percent = decimal(text).ok_or_else(|| undecodable(NAME, text, "decimal"))?;
        match (percent * 100.0).round() {
            0.0 => Ok(Some(Protection::None)),
            -100.0 => Ok(Some(Protection::Auto)),
            points @ 1.0..=10_000.0 => Ok(Some(Protection::BasisPoints(points as i64))),
            _ => Err(Refusal::invalid(NAME)),
        }
    }
}

/// A finite decimal number in digits; `inf` and `nan` are words, not numbers.
fn decimal(text: &str) -> Option<f64> {
    let digits = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    digits
        .then(|| text.parse().ok())
        .flatten()
        .filter(|number: &f64| number.is_finite())
}

fn undecodable(name: &str, text: &str, wanted: &str) -> Refusal {
    let text: String = text.chars().take(40).collect();
    Refusal::input(format!(
        "Invalid request (failed to decode {name}, got: {text} (expected {wanted}))"
    ))
}
