//! Triggers are kept, changed and fired. What comes of a fired one's order is the exchange's affair: a refusal is kept
//! with the leg.

use crate::exchange::market::instruments::Instrument;
use crate::exchange::market::listing::Listing;
use crate::exchange::orders::asked::Asked;
use crate::exchange::orders::checks::check_price;
use crate::exchange::orders::gtt::{Gtt, GttLeg, GttStatus, Outcome, PlaceGtt, PlaceGttLeg};
use crate::exchange::orders::request::PlaceOrder;
use crate::exchange::refusal::Refusal;
use crate::exchange::rules::Rules;
use crate::exchange::state::Exchange;
use crate::terms::{OrderType, Side};

/// Triggers of one account in a day, those that are over too.
const MADE_MAX: usize = 2_000;

impl Exchange {
    /// A new trigger: its number.
    pub fn place_gtt(
        &mut self,
        account: usize,
        asked: &PlaceGtt,
        at_ns: i64,
    ) -> Result<i64, Refusal> {
        self.hear(at_ns);
        let (listing, legs) = self.gtt_legs(asked)?;
        let mine = |gtt: &&Gtt| gtt.account == account;
        let active = self.gtts.active().filter(mine).count();
        let made = self.gtts.0.iter().filter(mine).count();
        if active >= self.rules.triggers.active_max || made >= MADE_MAX {
            return Err(Refusal::input("Maximum allowed triggers exceeded."));
        }
        let id = self.gtts.next_id();
        self.gtts.0.push(Gtt {
            id,
            account,
            kind: asked.kind,
            listing,
            last_e4: asked.last_e4.unwrap_or(self.instrument(listing).1),
            legs,
            status: GttStatus::Active,
            created_ns: self.now_ns,
            updated_ns: self.now_ns,
        });
        Ok(id)
    }

    /// An active trigger waits for something else.
    pub fn modify_gtt(
        &mut self,
        account: usize,
        id: i64,
        asked: &PlaceGtt,
        at_ns: i64,
    ) -> Result<i64, Refusal> {
        self.hear(at_ns);
        self.gtts.active_of(account, id)?;
        let (listing, legs) = self.gtt_legs(asked)?;
        let last_e4 = asked.last_e4.unwrap_or(self.instrument(listing).1);
        let gtt = self.gtts.active_of(account, id)?;
        *gtt = Gtt {
            kind: asked.kind,
            listing,
            last_e4,
            legs,
            updated_ns: self.now_ns,
            ..*gtt
        };
        Ok(id)
    }

    /// An active trigger waits no more.
    pub fn delete_gtt(&mut self, account: usize, id: i64, at_ns: i64) -> Result<i64, Refusal> {
        self.hear(at_ns);
        let gtt = self.gtts.active_of(account, id)?;
        (gtt.status, gtt.updated_ns) = (GttStatus::Deleted, self.now_ns);
        Ok(id)
    }

    fn gtt_legs(&self, asked: &PlaceGtt) -> Result<(usize, Vec<GttLeg>), Refusal> {
        let listing = self
            .market
            .by_symbol(asked.exchange, &asked.tradingsymbol)
            .filter(|&listing| self.market.listings[listing].instrument.tradable())
            .ok_or_else(|| Refusal::invalid("tradingsymbol"))?;
        self.market.check_expired(listing)?;
        let last_e4 = self.instrument(listing).1;
        let mut legs = Vec::new();
        for (at, leg) in asked.legs.iter().enumerate() {
            let rising = match asked.legs.len() {
                1 => leg.trigger_e4 > last_e4,
                _ => at == 1,
            };
            check_leg(leg, &self.market.listings[listing], rising, &self.rules)?;
            legs.push(GttLeg {
                asked: *leg,
                rising,
                from_e4: last_e4,
                followed_e4: 0,
                result: None,
            });
        }
        Ok((listing, legs))
    }

    /// After a step of the market: triggers whose price was printed place their orders, oldest first.
    pub(in crate::exchange) fn fire_gtts(&mut self) {
        for at in 0..self.gtts.0.len() {
            let gtt = &self.gtts.0[at];
            let prints_e4 = self.market.listings[gtt.listing].prints_e4;
            if !gtt.is_active() {
                continue;
            }
            match gtt.fires(prints_e4) {
                Some((leg, print_e4)) => self.fire_gtt(at, leg, print_e4),
                None => {
                    let in_steps = self.rules.triggers.trail_in_steps;
                    for leg in &mut self.gtts.0[at].legs {
                        leg.follow(prints_e4, in_steps);
                    }
                }
            }
        }
    }

    fn fire_gtt(&mut self, at: usize, leg: usize, print_e4: i64) {
        let (now_ns, gtt) = (self.now_ns, &mut self.gtts.0[at]);
        (gtt.status, gtt.updated_ns) = (GttStatus::Triggered, now_ns);
        let (account, price_e4) = (gtt.account, gtt.legs[leg].price_e4());
        let asked = gtt.legs[leg].asked;
        let instrument = &self.market.listings[gtt.listing].instrument;
        let order = PlaceOrder {
            price_e4,
            ..placing(&asked, instrument)
        };
        let order = self.place(account, order, now_ns);
        self.gtts.0[at].legs[leg].result = Some(Outcome {
            at_ns: now_ns,
            print_e4,
            order: order.map_err(|refusal| refusal.message),
        });
    }
}

fn check_leg(leg: &PlaceGttLeg, row: &Listing, rising: bool, rules: &Rules) -> Result<(), Refusal> {
    let (instrument, last_e4) = (&row.instrument, row.day.last_e4);
    let of = &rules.triggers;
    let away_e4 = leg.trigger_e4 - last_e4;
    let cheap = last_e4 < of.cheap_below_e4 && away_e4.abs() < of.nearest_e4;
    if (away_e4 > 0) != rising || away_e4.abs() * 10_000 < last_e4 * of.nearest_bp || cheap {
        return Err(Refusal::input(
            "Trigger price is on the wrong side of the last price, or too close to it.",
        ));
    }
    if leg.order_type != OrderType::Limit {
        return Err(Refusal::input("Triggers place LIMIT orders only."));
    }
    if leg.trail_e4 > 0 && rising != (leg.side == Side::Buy) {
        return Err(Refusal::input(
            "A trailing trigger follows the price: it waits below the last price to sell, above it to buy.",
        ));
    }
    if of.checked {
        Asked::from(&placing(leg, instrument)).check_terms(instrument, rules)?;
        check_price("trigger_price", leg.trigger_e4, instrument)?;
        if leg.trail_e4 > 0 {
            check_price("trailing_points", leg.trail_e4, instrument)?;
        }
    }
    Ok(())
}

/// The order of a leg as it was asked for.
fn placing(leg: &PlaceGttLeg, instrument: &Instrument) -> PlaceOrder {
    PlaceOrder {
        order_type: leg.order_type,
        price_e4: leg.price_e4,
        ..PlaceOrder::market(instrument, leg.side, leg.quantity, leg.product)
    }
}
