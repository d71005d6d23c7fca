//! The forms of `POST /orders/{variety}` and `PUT /orders/{variety}/{order_id}`, read into numbers and words.

use crate::exchange::orders::variety::{Terms, Variety};
use crate::exchange::refusal::Refusal;
use crate::exchange::rules::Rules;
use crate::terms::{Exchange, OrderType, Product, Side, Validity};

/// No order is larger: what is left of 64 bits holds every sum of money that follows.
const QUANTITY_MAX: i64 = 100_000_000;
const PRICE_E4_MAX: f64 = 1e7 * 1e4;
const TTL_MINUTES_MAX: i64 = 24 * 60;

/// Fields as they came: names and texts. A field named twice counts once, the first time.
pub type Fields = [(String, String)];

/// How far from the last price a MARKET or SL-M order may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// `0` or absent.
    None,
    /// `-1`: the broker's table.
    Auto,
    /// Hundredths of a percent.
    BasisPoints(i64),
}

/// A new order as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placing {
    pub variety: Variety,
    pub exchange: Exchange,
    pub tradingsymbol: String,
    pub side: Side,
    /// Of an iceberg that of its first leg.
    pub quantity: i64,
    pub product: Product,
    pub order_type: OrderType,
    /// 0 unless LIMIT or SL.
    pub price_e4: i64,
    /// 0 unless SL or SL-M.
    pub trigger_e4: i64,
    pub validity: Validity,
    pub ttl_minutes: i64,
    pub disclosed_quantity: i64,
    pub protection: Protection,
    pub tag: Option<String>,
}

/// What to change of an order; none: as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modifying {
    pub quantity: Option<i64>,
    pub price_e4: Option<i64>,
    pub trigger_e4: Option<i64>,
    pub order_type: Option<OrderType>,
    pub validity: Option<Validity>,
    pub disclosed_quantity: Option<i64>,
    pub protection: Option<Protection>,
}

impl Placing {
    /// Reads the form of a variety.
    pub fn read(variety: &str, fields: &Fields, rules: &Rules) -> Result<Self, Refusal> {
        let form = Form(fields);
        let order_type = form.word("order_type", OrderType::parse)?;
        let priced = matches!(order_type, OrderType::Limit | OrderType::Sl);
        let triggered = matches!(order_type, OrderType::Sl | OrderType::SlM);
        let validity = form.word_or("validity", Validity::parse, Validity::Day)?;
        let ttl_minutes = form.integer("validity_ttl")?.unwrap_or(0);
        if validity == Validity::Ttl && !(1..=TTL_MINUTES_MAX).contains(&ttl_minutes) {
            return Err(Refusal::invalid("validity_ttl"));
        }
        let quantity = form
            .integer("quantity")?
            .ok_or_else(|| Refusal::invalid("quantity"))?;
        let disclosed_quantity = form.integer("disclosed_quantity")?.unwrap_or(0);
        let tag = form.text("tag").map(str::to_owned);
        if tag
            .as_ref()
            .is_some_and(|tag| tag.chars().count() > rules.tag_chars_max)
        {
            return Err(Refusal::input(format!(
                "Invalid `tag`. It can have at most {} characters.",
                rules.tag_chars_max
            )));
        }
        let quantity = within(quantity, "quantity", 1)?;
        let side = form.word("transaction_type", Side::parse)?;
        let product = form.word("product", Product::parse)?;
        let terms = Terms {
            side,
            product,
            order_type,
            validity,
            quantity,
        };
        let variety = Variety::read(variety, &form, &terms, rules)?;
        Ok(Self {
            exchange: form.word("exchange", Exchange::parse)?,
            tradingsymbol: form
                .text("tradingsymbol")
                .ok_or_else(|| Refusal::invalid("tradingsymbol"))?
                .to_owned(),
            side,
            quantity: match &variety {
                Variety::Iceberg(legs) => legs.leg_quantity,
                _ => quantity,
            },
            variety,
            product,
            order_type,
            price_e4: if priced {
                form.price("price")?.unwrap_or(0)
            } else {
                0
            },
            trigger_e4: if triggered {
                form.price("trigger_price")?.unwrap_or(0)
            } else {
                0
            },
            validity,
            ttl_minutes,
            disclosed_quantity: within(disclosed_quantity, "disclosed_quantity", 0)?,
            protection: form.protection()?.unwrap_or(Protection::None),
            tag,
        })
    }
}

impl Modifying {
    pub fn read(fields: &Fields) -> Result<Self, Refusal> {
        let form = Form(fields);
        let quantity = form
            .integer("quantity")?
            .map(|q| within(q, "quantity", 1))
            .transpose()?;
        let disclosed = form.integer("disclosed_quantity")?;
        Ok(Self {
            quantity,
            price_e4: form.price("price")?,
            trigger_e4: form.price("trigger_price")?,
            order_type: form.word_if("order_type", OrderType::parse)?,
            validity: form.word_if("validity", Validity::parse)?,
            disclosed_quantity: disclosed
                .map(|q| within(q, "disclosed_quantity", 0))
                .transpose()?,
            protection: form.protection()?,
        })
    }
}

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
    pub(in crate::exchange) fn text(&self, name: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, text)| text.trim())
            .filter(|t| !t.is_empty())
    }

    /// Yes or no, in the words of all the clients; absent is no.
    pub(in crate::exchange) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.text(name) {
            None | Some("0" | "false" | "False") => Ok(false),
            Some("1" | "true" | "True") => Ok(true),
            Some(_) => Err(Refusal::invalid(name)),
        }
    }

    fn word_if<T>(&self, name: &str, parse: fn(&str) -> Option<T>) -> Result<Option<T>, Refusal> {
        self.text(name)
            .map(|text| parse(text).ok_or_else(|| Refusal::invalid(name)))
            .transpose()
    }

    fn word_or<T>(&self, name: &str, parse: fn(&str) -> Option<T>, or: T) -> Result<T, Refusal> {
        Ok(self.word_if(name, parse)?.unwrap_or(or))
    }

    pub(in crate::exchange) fn word<T>(
        &self,
        name: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<T, Refusal> {
        self.word_if(name, parse)?
            .ok_or_else(|| Refusal::invalid(name))
    }

    pub(in crate::exchange) fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let parse = |text: &str| text.parse().map_err(|_| undecodable(name, text, "integer"));
        self.text(name).map(parse).transpose()
    }

    /// Rupees; float noise beyond 1/10,000 is rounded away before anything looks at it.
    pub(in crate::exchange) fn price(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let rupees = decimal(text).ok_or_else(|| undecodable(name, text, "decimal"))?;
        let e4 = (rupees * 1e4).round();
        if (0.0..=PRICE_E4_MAX).contains(&e4) {
            Ok(Some(e4 as i64))
        } else {
            Err(Refusal::invalid(name))
        }
    }

    fn protection(&self) -> Result<Option<Protection>, Refusal> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut fields: Vec<(String, String)> = pairs
            .iter()
            .map(|(key, text)| ((*key).into(), (*text).into()))
            .collect();
        let rest = [
            ("exchange", "NSE"),
            ("tradingsymbol", "INFY"),
            ("transaction_type", "BUY"),
            ("quantity", "1"),
            ("product", "CNC"),
            ("order_type", "LIMIT"),
            ("price", "1500"),
        ];
        fields.extend(rest.map(|(key, text)| (key.into(), text.into())));
        fields
    }

    #[test]
    fn float_noise_is_rounded_away() {
        let placing = Placing::read(
            "regular",
            &fields(&[("price", "2067.7000000000003")]),
            &Rules::strict_2026(),
        );

        assert_eq!(placing.map(|placing| placing.price_e4), Ok(20_677_000));
    }

    #[test]
    fn every_bad_field_is_named() {
        let cases = [
            ("exchange", "XYZ", "Invalid `exchange`."),
            ("transaction_type", "buy", "Invalid `transaction_type`."),
            ("quantity", "0", "Invalid `quantity`."),
            ("quantity", "-5", "Invalid `quantity`."),
            ("quantity", "100000001", "Invalid `quantity`."),
            (
                "quantity",
                "1.5",
                "Invalid request (failed to decode quantity, got: 1.5 (expected integer))",
            ),
            ("product", "BO", "Invalid `product`."),
            ("order_type", "STOP", "Invalid `order_type`."),
            (
                "price",
                "inf",
                "Invalid request (failed to decode price, got: inf (expected decimal))",
            ),
            ("price", "-1", "Invalid `price`."),
            ("price", "1e300", "Invalid `price`."),
            ("validity", "GTC", "Invalid `validity`."),
            ("validity", "TTL", "Invalid `validity_ttl`."),
            (
                "market_protection",
                "True",
                "Invalid request (failed to decode market_protection, got: True (expected decimal))",
            ),
            ("market_protection", "101", "Invalid `market_protection`."),
            ("market_protection", "-2", "Invalid `market_protection`."),
            (
                "tag",
                "123456789012345678901",
                "Invalid `tag`. It can have at most 20 characters.",
            ),
        ];
        for (key, text, message) in cases {
            let refusal = Placing::read("regular", &fields(&[(key, text)]), &Rules::strict_2026())
                .expect_err(text);
            assert_eq!((refusal.status, refusal.message.as_str()), (400, message));
        }
        assert_eq!(
            Placing::read("bo", &fields(&[]), &Rules::strict_2026()),
            Err(Refusal::invalid("variety"))
        );
    }

    #[test]
    fn protection_is_automatic_a_percentage_or_none() {
        let read = |text| {
            Placing::read(
                "regular",
                &fields(&[("market_protection", text)]),
                &Rules::strict_2026(),
            )
            .map(|p| p.protection)
        };

        assert_eq!(read("-1"), Ok(Protection::Auto));
        assert_eq!(read("2.5"), Ok(Protection::BasisPoints(250)));
        assert_eq!(read("0"), Ok(Protection::None));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(key in "quantity|price|trigger_price|tag|market_protection|validity", text in "\\PC{0,24}") {
            let _ = Placing::read("regular", &fields(&[(&key, &text)]), &Rules::strict_2026());
            let _ = Modifying::read(&fields(&[(&key, &text)]));
        }
    }
}
