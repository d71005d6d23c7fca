//! The forms of an order's requests, and what a request comes to that is asked for by a form.

use crate::exchange::forms::form::{Fields, Form, within};
use crate::exchange::forms::order_fault;
use crate::exchange::orders::autoslice::Sliced;
use crate::exchange::orders::request::{ModifyOrder, PlaceOrder, Protection, priced, triggered};
use crate::exchange::orders::variety::{Legs, Variety};
use crate::exchange::refusal::Refusal;
use crate::exchange::rules::Rules;
use crate::exchange::state::Exchange;
use crate::terms::{self, OrderType, Product, Side, Validity};

const TTL_MINUTES_MAX: i64 = 24 * 60;
/// Legs that an iceberg has at least.
const LEGS_MIN: i64 = 2;

impl Exchange {
    /// Places what a form asks for. One that cannot be read was a request all the same.
    pub fn place_form(
        &mut self,
        account: usize,
        variety: &str,
        fields: &Fields,
        at_ns: i64,
    ) -> Result<String, Refusal> {
        match placing(variety, fields, &self.rules) {
            Ok(order) => self.place(account, order, at_ns),
            Err(refusal) => Err(self.unread(account, true, refusal, at_ns)),
        }
    }

    /// The same with `autoslice`.
    pub fn place_sliced_form(
        &mut self,
        account: usize,
        variety: &str,
        fields: &Fields,
        at_ns: i64,
    ) -> Result<Sliced, Refusal> {
        let failing = order_fault::of_slices(fields)?;
        let order = placing(variety, fields, &self.rules)?;
        self.place_sliced(account, order, failing.as_ref(), at_ns)
    }

    /// Modifies as a form asks.
    pub fn modify_form(
        &mut self,
        account: usize,
        variety: &str,
        order_id: &str,
        fields: &Fields,
        at_ns: i64,
    ) -> Result<(), Refusal> {
        match modifying(fields) {
            Ok(change) => self.modify(account, variety, order_id, change, at_ns),
            Err(refusal) => Err(self.unread(account, false, refusal, at_ns)),
        }
    }

    /// Counts a request that could not be read: too many of them are refused for that.
    fn unread(&mut self, account: usize, placement: bool, refusal: Refusal, at_ns: i64) -> Refusal {
        self.hear(at_ns);
        self.admit(account, placement).err().unwrap_or(refusal)
    }
}

/// `POST /orders/{variety}`
pub fn placing(variety: &str, fields: &Fields, rules: &Rules) -> Result<PlaceOrder, Refusal> {
    let form = Form(fields);
    let order_type = form.word("order_type", OrderType::parse)?;
    let validity = form.word_or("validity", Validity::parse, Validity::Day)?;
    let ttl_minutes = form.integer("validity_ttl")?.unwrap_or(0);
    Refusal::invalid_if(
        validity == Validity::Ttl && !(1..=TTL_MINUTES_MAX).contains(&ttl_minutes),
        "validity_ttl",
    )?;
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
    let quantity = form.quantity()?;
    let side = form.word("transaction_type", Side::parse)?;
    let product = form.word("product", Product::parse)?;
    let terms = VarietyTerms {
        side,
        product,
        order_type,
        validity,
        quantity,
    };
    let variety = variety_of(variety, &form, &terms, rules)?;
    Ok(PlaceOrder {
        exchange: form.word("exchange", terms::Exchange::parse)?,
        tradingsymbol: form.needed("tradingsymbol")?.to_owned(),
        side,
        quantity: match &variety {
            Variety::Iceberg(legs) => legs.leg_quantity,
            _ => quantity,
        },
        variety,
        product,
        order_type,
        price_e4: form.price_if("price", priced(order_type))?,
        trigger_e4: form.price_if("trigger_price", triggered(order_type))?,
        validity,
        ttl_minutes,
        disclosed_quantity: within(disclosed_quantity, "disclosed_quantity", 0)?,
        protection: form.protection()?.unwrap_or(Protection::None),
        tag,
        tags: Vec::new(),
        algo_id: algo_id(&form)?,
        fault: order_fault::of_placing(fields)?,
    })
}

/// `PUT /orders/{variety}/{order_id}`
pub fn modifying(fields: &Fields) -> Result<ModifyOrder, Refusal> {
    let form = Form(fields);
    let quantity = form
        .integer("quantity")?
        .map(|q| within(q, "quantity", 1))
        .transpose()?;
    let disclosed = form.integer("disclosed_quantity")?;
    Ok(ModifyOrder {
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

/// Reads what a variety asks of the form besides what every order does. `quantity` is that of the whole.
fn variety_of(
    name: &str,
    form: &Form,
    asked: &VarietyTerms,
    rules: &Rules,
) -> Result<Variety, Refusal> {
    match name {
        "regular" => Ok(Variety::Regular),
        "amo" => Ok(Variety::Amo),
        "co" => cover(form, asked),
        "iceberg" => iceberg(form, asked, rules.iceberg_legs_max),
        "auction" => auction(form, asked),
        _ => Err(Refusal::invalid("variety")),
    }
}

/// What of an order its variety looks at.
struct VarietyTerms {
    side: Side,
    product: Product,
    order_type: OrderType,
    validity: Validity,
    quantity: i64,
}

fn cover(form: &Form, asked: &VarietyTerms) -> Result<Variety, Refusal> {
    Refusal::invalid_if(asked.product != Product::Mis, "product")?;
    Refusal::invalid_if(
        !matches!(asked.order_type, OrderType::Market | OrderType::Limit),
        "order_type",
    )?;
    Ok(Variety::Cover {
        stop_e4: form.positive_price("trigger_price")?,
    })
}

fn iceberg(form: &Form, asked: &VarietyTerms, legs_max: i64) -> Result<Variety, Refusal> {
    Refusal::invalid_if(asked.order_type != OrderType::Limit, "order_type")?;
    Refusal::invalid_if(asked.validity == Validity::Ioc, "validity")?;
    let legs = form.integer("iceberg_legs")?.unwrap_or(0);
    Refusal::invalid_if(!(LEGS_MIN..=legs_max).contains(&legs), "iceberg_legs")?;
    // The last leg may be the smallest, but it trades something.
    let leg_quantity = form.integer("iceberg_quantity")?.unwrap_or(0);
    let fits = (1..=asked.quantity).contains(&leg_quantity)
        && (asked.quantity + leg_quantity - 1) / leg_quantity == legs;
    Refusal::invalid_if(!fits, "iceberg_quantity")?;
    Ok(Variety::Iceberg(Legs {
        leg: 1,
        legs,
        leg_quantity,
        total: asked.quantity,
    }))
}

fn auction(form: &Form, asked: &VarietyTerms) -> Result<Variety, Refusal> {
    Refusal::invalid_if(asked.side != Side::Sell, "transaction_type")?;
    Refusal::invalid_if(asked.order_type != OrderType::Limit, "order_type")?;
    Refusal::invalid_if(asked.product != Product::Cnc, "product")?;
    Ok(Variety::Auction {
        number: form.needed("auction_number")?.to_owned(),
    })
}

/// Characters of an `algo_id`.
const ALGO_ID_CHARS_MAX: usize = 64;

/// The exchange's number of the algorithm that sends the order, which clients since 2026 may name.
fn algo_id(form: &Form) -> Result<Option<String>, Refusal> {
    let algo_id = form.text("algo_id");
    match algo_id.filter(|text| text.chars().count() > ALGO_ID_CHARS_MAX) {
        Some(_) => Err(Refusal::invalid("algo_id")),
        None => Ok(algo_id.map(str::to_owned)),
    }
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
        let placing = placing(
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
            let refusal =
                placing("regular", &fields(&[(key, text)]), &Rules::strict_2026()).expect_err(text);
            assert_eq!((refusal.status, refusal.message.as_str()), (400, message));
        }
        assert_eq!(
            placing("bo", &fields(&[]), &Rules::strict_2026()),
            Err(Refusal::invalid("variety"))
        );
    }

    #[test]
    fn protection_is_automatic_a_percentage_or_none() {
        let read = |text| {
            placing(
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
            let _ = placing("regular", &fields(&[(&key, &text)]), &Rules::strict_2026());
            let _ = modifying(&fields(&[(&key, &text)]));
        }
    }
}
