//! Good till triggered: orders that the broker keeps until a price is printed, and then places once.
//!
//! A single trigger waits on its side of the last price; of two legs the lower waits below, the upper above, and the
//! one that fires ends the other. What comes of the order is the exchange's affair: a refusal is kept with the leg.

use crate::exchange::dates::{DAY_NS, stamp};
use crate::exchange::orders::form::{Fields, Form, within};
use crate::exchange::refusal::Refusal;
use crate::exchange::state::Exchange;
use crate::exchange::views::json_value::{Value, object};
use crate::terms::{self, OrderType, Product, Side};

/// Triggers of one account in a day, those that are over too.
const MADE_MAX: usize = 2_000;
const FIRST_ID: i64 = 100_001;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Active,
    Triggered,
    Deleted,
    /// Its contract has ended.
    Expired,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Triggered => "triggered",
            Self::Deleted => "deleted",
            Self::Expired => "expired",
        }
    }
}

/// The order of a trigger.
#[derive(Clone, Debug, PartialEq)]
struct Leg {
    trigger_e4: i64,
    /// It fires when a print is not below its trigger; else when one is not above.
    rising: bool,
    side: Side,
    quantity: i64,
    order_type: OrderType,
    product: Product,
    price_e4: i64,
    result: Option<Outcome>,
}

/// What became of a leg's order.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    at_ns: i64,
    print_e4: i64,
    order: Result<String, String>,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
struct Wish {
    listing: usize,
    last_e4: i64,
    legs: Vec<Leg>,
}

/// One trigger of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Gtt {
    id: i64,
    account: usize,
    wish: Wish,
    status: Status,
    created_ns: i64,
    updated_ns: i64,
}

impl Gtt {
    /// Whether the market may still fire it.
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    /// What it looks at.
    pub(in crate::exchange) fn listing(&self) -> usize {
        self.wish.listing
    }

    /// The leg that a step's lowest and highest print fire.
    fn fires(&self, low_e4: i64, high_e4: i64) -> Option<(usize, i64)> {
        self.wish.legs.iter().enumerate().find_map(|(at, leg)| {
            let print_e4 = if leg.rising { high_e4 } else { low_e4 };
            let reached = if leg.rising {
                high_e4 >= leg.trigger_e4
            } else {
                low_e4 <= leg.trigger_e4
            };
            (low_e4 <= high_e4 && reached).then_some((at, print_e4))
        })
    }
}

impl Exchange {
    /// `POST /gtt/triggers`: the new trigger's number.
    ///
    /// Args: `kind` is `single` or `two-leg`; `condition` has the instrument and `last_price`; `triggers` are texts;
    /// `orders` are forms, one for each trigger.
    pub fn place_gtt(
        &mut self,
        account: usize,
        asked: &Asked<'_>,
        at_ns: i64,
    ) -> Result<i64, Refusal> {
        self.hear(at_ns);
        let wish = self.gtt_wish(asked)?;
        let mine = self.gtts.iter().filter(|gtt| gtt.account == account);
        let active = mine.clone().filter(|gtt| gtt.is_active());
        if active.count() >= self.rules.triggers.active_max || mine.count() >= MADE_MAX {
            return Err(Refusal::input("Maximum allowed triggers exceeded."));
        }
        let id = FIRST_ID + self.gtts.len() as i64;
        let now_ns = self.now_ns();
        self.gtts.push(Gtt {
            id,
            account,
            wish,
            status: Status::Active,
            created_ns: now_ns,
            updated_ns: now_ns,
        });
        Ok(id)
    }

    /// `PUT /gtt/triggers/{id}`
    pub fn modify_gtt(
        &mut self,
        account: usize,
        id: &str,
        asked: &Asked<'_>,
        at_ns: i64,
    ) -> Result<i64, Refusal> {
        self.hear(at_ns);
        let at = self.active_gtt(account, id)?;
        let wish = self.gtt_wish(asked)?;
        let now_ns = self.now_ns();
        let gtt = &mut self.gtts[at];
        (gtt.wish, gtt.updated_ns) = (wish, now_ns);
        Ok(gtt.id)
    }

    /// `DELETE /gtt/triggers/{id}`
    pub fn delete_gtt(&mut self, account: usize, id: &str, at_ns: i64) -> Result<i64, Refusal> {
        self.hear(at_ns);
        let at = self.active_gtt(account, id)?;
        let now_ns = self.now_ns();
        let gtt = &mut self.gtts[at];
        (gtt.status, gtt.updated_ns) = (Status::Deleted, now_ns);
        Ok(gtt.id)
    }

    /// Triggers on a contract that has ended have nothing more to wait for.
    pub(in crate::exchange) fn end_gtts(&mut self, listing: usize) {
        let now_ns = self.now_ns();
        let waiting = self.gtts.iter_mut().filter(|gtt| gtt.is_active());
        for gtt in waiting.filter(|gtt| gtt.wish.listing == listing) {
            (gtt.status, gtt.updated_ns) = (Status::Expired, now_ns);
        }
    }

    /// Whether a print of this step fires a trigger.
    pub(in crate::exchange) fn fires_gtts(&self) -> bool {
        self.gtts.iter().filter(|gtt| gtt.is_active()).any(|gtt| {
            let (low_e4, high_e4) = self.market.listings[gtt.wish.listing].prints_e4;
            gtt.fires(low_e4, high_e4).is_some()
        })
    }

    /// After a step of the market: triggers whose price was printed place their orders, oldest first.
    pub(in crate::exchange) fn fire_gtts(&mut self) {
        for at in 0..self.gtts.len() {
            let gtt = &self.gtts[at];
            let (low_e4, high_e4) = self.market.listings[gtt.wish.listing].prints_e4;
            if !gtt.is_active() {
                continue;
            }
            if let Some((leg, print_e4)) = gtt.fires(low_e4, high_e4) {
                self.fire_gtt(at, leg, print_e4);
            }
        }
    }

    fn fire_gtt(&mut self, at: usize, leg: usize, print_e4: i64) {
        let now_ns = self.now_ns();
        let gtt = &mut self.gtts[at];
        (gtt.status, gtt.updated_ns) = (Status::Triggered, now_ns);
        let (account, form) = (gtt.account, self.order_form(at, leg));
        let order = self.place(account, "regular", &form, now_ns);
        self.gtts[at].wish.legs[leg].result = Some(Outcome {
            at_ns: now_ns,
            print_e4,
            order: order.map_err(|refusal| refusal.message),
        });
    }

    fn order_form(&self, at: usize, leg: usize) -> Vec<(String, String)> {
        let wish = &self.gtts[at].wish;
        let instrument = &self.market.listings[wish.listing].instrument;
        let leg = &wish.legs[leg];
        let price = format!("{}.{:04}", leg.price_e4 / 10_000, leg.price_e4 % 10_000);
        [
            ("exchange", instrument.exchange.name()),
            ("tradingsymbol", &instrument.tradingsymbol),
            ("transaction_type", leg.side.name()),
            ("quantity", &leg.quantity.to_string()),
            ("product", leg.product.name()),
            ("order_type", leg.order_type.name()),
            ("price", &price),
        ]
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .into()
    }

    fn gtt(&self, account: usize, id: &str) -> Result<usize, Refusal> {
        let id: Option<i64> = id.parse().ok();
        let known = |gtt: &Gtt| gtt.account == account && Some(gtt.id) == id;
        self.gtts
            .iter()
            .position(known)
            .ok_or_else(|| Refusal::input("Couldn't find that `trigger_id`."))
    }

    fn active_gtt(&self, account: usize, id: &str) -> Result<usize, Refusal> {
        let at = self.gtt(account, id)?;
        if !self.gtts[at].is_active() {
            return Err(Refusal::input("The trigger is not active."));
        }
        Ok(at)
    }

    fn gtt_wish(&self, asked: &Asked<'_>) -> Result<Wish, Refusal> {
        let condition = Form(asked.condition);
        let listing = self.gtt_listing(&condition)?;
        self.check_expired(listing)?;
        let last_e4 = self.market.listings[listing].day.last_e4;
        let legs_wanted = match asked.kind {
            "single" => 1,
            "two-leg" => 2,
            _ => return Err(Refusal::invalid("type")),
        };
        if asked.triggers.len() != legs_wanted || asked.orders.len() != legs_wanted {
            return Err(Refusal::input(format!(
                "A trigger of the type {} has {legs_wanted} of `trigger_values` and of `orders`.",
                asked.kind
            )));
        }
        let mut legs = Vec::new();
        for (at, (trigger, order)) in asked.triggers.iter().zip(asked.orders).enumerate() {
            let trigger_e4 = rupees_e4(trigger)?;
            let rising = if legs_wanted == 2 {
                at == 1
            } else {
                trigger_e4 > last_e4
            };
            if (trigger_e4 > last_e4) != rising
                || (trigger_e4 - last_e4).abs() * 10_000 < last_e4 * self.rules.triggers.nearest_bp
            {
                return Err(Refusal::input(
                    "Trigger price is on the wrong side of the last price, or too close to it.",
                ));
            }
            if self.gtt_listing(&Form(order))? != listing {
                return Err(Refusal::invalid("tradingsymbol"));
            }
            legs.push(leg(order, trigger_e4, rising)?);
        }
        Ok(Wish {
            listing,
            last_e4: condition.price("last_price")?.unwrap_or(last_e4),
            legs,
        })
    }

    fn gtt_listing(&self, form: &Form<'_>) -> Result<usize, Refusal> {
        let exchange = form.word("exchange", terms::Exchange::parse)?;
        form.text("tradingsymbol")
            .and_then(|symbol| self.market.by_symbol(exchange, symbol))
            .filter(|&listing| self.market.listings[listing].instrument.tradable())
            .ok_or_else(|| Refusal::invalid("tradingsymbol"))
    }
}

/// A trigger as it came.
pub struct Asked<'a> {
    pub kind: &'a str,
    pub condition: &'a Fields,
    pub triggers: &'a [String],
    pub orders: &'a [Vec<(String, String)>],
}

fn leg(order: &Fields, trigger_e4: i64, rising: bool) -> Result<Leg, Refusal> {
    let form = Form(order);
    let quantity = form
        .integer("quantity")?
        .ok_or_else(|| Refusal::invalid("quantity"))?;
    let price_e4 = form.price("price")?.filter(|&e4| e4 > 0);
    Ok(Leg {
        trigger_e4,
        rising,
        side: form.word("transaction_type", Side::parse)?,
        quantity: within(quantity, "quantity", 1)?,
        order_type: Some(form.word("order_type", OrderType::parse)?)
            .filter(|&kind| kind == OrderType::Limit)
            .ok_or_else(|| Refusal::input("Triggers place LIMIT orders only."))?,
        product: form.word("product", Product::parse)?,
        price_e4: price_e4.ok_or_else(|| Refusal::invalid("price"))?,
        result: None,
    })
}

fn rupees_e4(text: &str) -> Result<i64, Refusal> {
    let fields = [("trigger_values".to_owned(), text.to_owned())];
    let e4 = Form(&fields).price("trigger_values")?;
    e4.filter(|&e4| e4 > 0)
        .ok_or_else(|| Refusal::invalid("trigger_values"))
}

// --- views ----------------------------------------------------------------------------------------------------

/// `GET /gtt/triggers`
pub fn gtts(exchange: &Exchange, account: usize) -> Value {
    let mine = exchange.gtts.iter().filter(|gtt| gtt.account == account);
    mine.map(|gtt| row(exchange, gtt))
        .collect::<Vec<_>>()
        .into()
}

/// `GET /gtt/triggers/{id}`
pub fn gtt(exchange: &Exchange, account: usize, id: &str) -> Result<Value, Refusal> {
    Ok(row(exchange, &exchange.gtts[exchange.gtt(account, id)?]))
}

fn row(exchange: &Exchange, gtt: &Gtt) -> Value {
    let instrument = &exchange.market.listings[gtt.wish.listing].instrument;
    let triggers = gtt.wish.legs.iter();
    object! {
        id: gtt.id,
        user_id: exchange.accounts[gtt.account].user.clone(),
        parent_trigger: Value::Null,
        r#type: if gtt.wish.legs.len() == 1 { "single" } else { "two-leg" },
        created_at: stamp(gtt.created_ns),
        updated_at: stamp(gtt.updated_ns),
        expires_at: stamp(gtt.created_ns + exchange.rules.triggers.life_days * DAY_NS),
        status: gtt.status.name(),
        condition: object! {
            exchange: instrument.exchange.name(),
            last_price: Value::Rupees(gtt.wish.last_e4),
            tradingsymbol: instrument.tradingsymbol.clone(),
            trigger_values: triggers.map(|leg| Value::Rupees(leg.trigger_e4)).collect::<Vec<_>>(),
            instrument_token: instrument.token,
        },
        orders: gtt.wish.legs.iter().map(|leg| leg_row(exchange, gtt, leg)).collect::<Vec<_>>(),
        meta: Value::Null,
    }
}

fn leg_row(exchange: &Exchange, gtt: &Gtt, leg: &Leg) -> Value {
    let instrument = &exchange.market.listings[gtt.wish.listing].instrument;
    let mut row = object! {
        exchange: instrument.exchange.name(),
        tradingsymbol: instrument.tradingsymbol.clone(),
        transaction_type: leg.side.name(),
        quantity: leg.quantity,
        order_type: leg.order_type.name(),
        product: leg.product.name(),
        price: Value::Rupees(leg.price_e4),
    };
    let result = leg.result.as_ref().map(|outcome| {
        let mut result = row.clone();
        let (status, order_id, reason) = match &outcome.order {
            Ok(order_id) => ("success", order_id.clone(), String::new()),
            Err(reason) => ("failed", String::new(), reason.clone()),
        };
        result.set("account_id", exchange.accounts[gtt.account].user.clone());
        result.set("validity", "DAY");
        result.set("meta", "{}");
        result.set("timestamp", stamp(outcome.at_ns));
        result.set("triggered_at", Value::Rupees(outcome.print_e4));
        result.set(
            "order_result",
            object! { status: status, order_id: order_id, rejection_reason: reason },
        );
        result
    });
    row.set("result", result);
    row
}
