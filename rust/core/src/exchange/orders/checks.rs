//! What the broker looks at before an order gets a number. What fails here is a 400 and never in the order book.

use crate::exchange::account::Account;
use crate::exchange::market::instruments::{Instrument, decimal};
use crate::exchange::orders::form::{Placing, Protection};
use crate::exchange::orders::order::{automatic_protection_bp, protected_price_e4};
use crate::exchange::orders::position_product::PositionProduct;
use crate::exchange::refusal::Refusal;
use crate::exchange::rules::{ProtectionBands, Rules};
use crate::terms::{Kind, OrderType, Product, Side};

/// What an order asks of its instrument, whether new or modified.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub side: Side,
    pub product: Product,
    pub held: PositionProduct,
    pub order_type: OrderType,
    pub quantity: i64,
    pub price_e4: i64,
    pub trigger_e4: i64,
    pub disclosed_quantity: i64,
    pub protection: Protection,
}

impl From<&Placing> for Asked {
    fn from(placing: &Placing) -> Self {
        Self {
            side: placing.side,
            product: placing.product,
            held: placing.variety.held(placing.product),
            order_type: placing.order_type,
            quantity: placing.quantity,
            price_e4: placing.price_e4,
            trigger_e4: placing.trigger_e4,
            disclosed_quantity: placing.disclosed_quantity,
            protection: placing.protection,
        }
    }
}

impl Asked {
    pub fn triggered(&self) -> bool {
        matches!(self.order_type, OrderType::Sl | OrderType::SlM)
    }

    /// Without a limit of its own.
    pub fn unpriced(&self) -> bool {
        matches!(self.order_type, OrderType::Market | OrderType::SlM)
    }

    /// All that can be said from the instrument and the last price alone.
    pub fn check(
        &self,
        instrument: &Instrument,
        last_e4: i64,
        rules: &Rules,
    ) -> Result<(), Refusal> {
        self.check_instrument(instrument)?;
        self.check_quantity(instrument, rules)?;
        if !self.unpriced() {
            check_price("price", self.price_e4, instrument)?;
            if !instrument.in_band(self.price_e4) {
                return Err(out_of_band());
            }
        }
        if self.unpriced() && rules.protection_required && self.protection == Protection::None {
            return Err(rules.unprotected_answer.says(
                "Market orders without market protection are not allowed via API. Please set market protection or \
                 use a Limit order.",
            ));
        }
        if self.triggered() {
            check_price("trigger_price", self.trigger_e4, instrument)?;
            if !instrument.in_band(self.trigger_e4) {
                return Err(out_of_band());
            }
            self.check_stop(last_e4, rules)?;
        }
        Ok(())
    }

    fn check_instrument(&self, instrument: &Instrument) -> Result<(), Refusal> {
        if !instrument.tradable() {
            return Err(Refusal::input(format!(
                "{} is an index and cannot be traded.",
                instrument.tradingsymbol
            )));
        }
        let allowed = match instrument.kind {
            Kind::Cash => &[Product::Cnc, Product::Mis, Product::Mtf][..],
            _ => &[Product::Nrml, Product::Mis][..],
        };
        if allowed.contains(&self.product) {
            Ok(())
        } else {
            Err(Refusal::invalid("product"))
        }
    }

    fn check_quantity(&self, instrument: &Instrument, rules: &Rules) -> Result<(), Refusal> {
        let lot = instrument.lot;
        if self.quantity % lot != 0 {
            return Err(Refusal::input(format!(
                "Quantity should be in multiples of {lot}."
            )));
        }
        if let Some(most) = instrument
            .order_quantity_max()
            .filter(|most| self.quantity > *most)
        {
            return Err(Refusal::input(format!(
                "Quantity exceeds the freeze quantity of {}: one order can have at most {most}.",
                instrument.freeze_quantity
            )));
        }
        if self.disclosed_quantity > 0 {
            // Equity only, and at least a part of the order.
            let least = (self.quantity * rules.disclosed_percent_min + 99) / 100;
            if instrument.kind != Kind::Cash
                || !(least..=self.quantity).contains(&self.disclosed_quantity)
            {
                return Err(Refusal::invalid("disclosed_quantity"));
            }
        }
        Ok(())
    }

    fn check_stop(&self, last_e4: i64, rules: &Rules) -> Result<(), Refusal> {
        let (word, beyond) = match self.side {
            Side::Buy => ("buy", "higher"),
            Side::Sell => ("sell", "lower"),
        };
        let past = |a_e4: i64, b_e4: i64| self.side.sign() * (a_e4 - b_e4) > 0;
        if self.order_type == OrderType::Sl && past(self.trigger_e4, self.price_e4) {
            return Err(Refusal::input(format!(
                "Trigger price for stoploss {word} orders cannot be {beyond} than the limit price."
            )));
        }
        if rules.stops_refused_at_the_door && self.stop_on_wrong_side(last_e4) {
            return Err(Refusal::input(self.wrong_side(last_e4)));
        }
        Ok(())
    }

    /// A stop that would trigger at once.
    pub fn stop_on_wrong_side(&self, last_e4: i64) -> bool {
        self.triggered() && self.side.sign() * (self.trigger_e4 - last_e4) <= 0
    }

    pub fn wrong_side(&self, last_e4: i64) -> String {
        let (word, beyond) = match self.side {
            Side::Buy => ("buy", "higher"),
            Side::Sell => ("sell", "lower"),
        };
        format!(
            "Trigger price for stoploss {word} orders should be {beyond} than the last traded price ({}).",
            decimal(last_e4)
        )
    }

    /// The limit that stands for an unpriced order with protection, and the protection in hundredths of a percent.
    pub fn protected(
        &self,
        instrument: &Instrument,
        last_e4: i64,
        bands: &ProtectionBands,
    ) -> Option<(i64, i64)> {
        let bp = match self.protection {
            Protection::None => return None,
            Protection::Auto => automatic_protection_bp(instrument, last_e4, bands),
            Protection::BasisPoints(bp) => bp,
        };
        Some((protected_price_e4(instrument, self.side, last_e4, bp), bp))
    }

    /// The dearest price it may trade at: what its margin is reckoned with.
    pub fn dearest_e4(
        &self,
        instrument: &Instrument,
        last_e4: i64,
        bands: &ProtectionBands,
    ) -> i64 {
        if self.unpriced() {
            self.protected(instrument, last_e4, bands)
                .map_or(last_e4, |(price_e4, _)| price_e4.max(last_e4))
        } else {
            self.price_e4
        }
    }
}

/// Sold for delivery what is not there?
pub fn check_shares(
    account: &Account,
    listing: usize,
    quantity: i64,
    selling: i64,
) -> Result<(), Refusal> {
    let bought = account
        .positions
        .get(&(listing, Product::Cnc.into()))
        .map_or(0, |position| {
            // Sales out of holdings stand here with a minus; they are counted as used there.
            position.day_bought.quantity
        });
    let sold_of_today = account
        .positions
        .get(&(listing, Product::Cnc.into()))
        .map_or(0, |position| position.day_sold.quantity)
        - account
            .holdings
            .iter()
            .filter(|h| h.listing == listing)
            .map(|h| h.used)
            .sum::<i64>();
    let there = account.free_shares(listing) + bought - sold_of_today;
    if quantity + selling <= there {
        Ok(())
    } else {
        Err(Refusal::holding(
            "Insufficient stock holding or there are pending sell orders for this stock. Check the orderbook.",
        ))
    }
}

/// Rupees with two digits, as the funds message has them.
pub fn rupees(e4: i64) -> String {
    let paise = (e4.unsigned_abs() + 50) / 100;
    format!(
        "{}{}.{:02}",
        if e4 < 0 { "-" } else { "" },
        paise / 100,
        paise % 100
    )
}

fn check_price(name: &str, price_e4: i64, instrument: &Instrument) -> Result<(), Refusal> {
    if price_e4 <= 0 {
        return Err(Refusal::invalid(name));
    }
    if price_e4 % instrument.tick_e4 != 0 {
        return Err(Refusal::input(format!(
            "Tick size for this instrument is {}. Kindly enter {} in the multiple of tick size for this instrument.",
            decimal(instrument.tick_e4),
            name.replace('_', " ")
        )));
    }
    Ok(())
}

fn out_of_band() -> Refusal {
    Refusal::input(
        "Price exceeds circuit limits for the instrument. Place an order within the daily range.",
    )
}
