//! What the broker looks at before an order gets a number. What fails here is a 400 and never in the order book.

use crate::exchange::market::instruments::{Instrument, decimal};
use crate::exchange::orders::asked::Asked;
use crate::exchange::orders::request::{PRICE_E4_MAX, Protection, QUANTITY_MAX};
use crate::exchange::refusal::Refusal;
use crate::exchange::rules::Rules;
use crate::terms::{InstrumentKind, OrderType, Product, Side};

impl Asked {
    /// All that can be said from the instrument and the last price alone.
    pub fn check(
        &self,
        instrument: &Instrument,
        last_e4: i64,
        rules: &Rules,
    ) -> Result<(), Refusal> {
        self.check_terms(instrument, rules)?;
        if !self.unpriced() && !instrument.in_band(self.price_e4) {
            return Err(out_of_band());
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

    /// What holds whenever it is to trade: the product, the lot and the tick, whatever the market does.
    pub fn check_terms(&self, instrument: &Instrument, rules: &Rules) -> Result<(), Refusal> {
        self.check_instrument(instrument, rules)?;
        self.check_quantity(instrument, rules)?;
        if !self.unpriced() {
            check_price("price", self.price_e4, instrument)?;
        }
        Ok(())
    }

    fn check_instrument(&self, instrument: &Instrument, rules: &Rules) -> Result<(), Refusal> {
        if !instrument.tradable() {
            return Err(Refusal::input(format!(
                "{} is an index and cannot be traded.",
                instrument.tradingsymbol
            )));
        }
        let allowed = match instrument.kind {
            InstrumentKind::Cash if rules.nrml_of_shares => {
                &[Product::Cnc, Product::Mis, Product::Mtf, Product::Nrml]
            }
            InstrumentKind::Cash => &[Product::Cnc, Product::Mis, Product::Mtf][..],
            _ => &[Product::Nrml, Product::Mis][..],
        };
        if allowed.contains(&self.product) {
            Ok(())
        } else {
            Err(Refusal::invalid("product"))
        }
    }

    fn check_quantity(&self, instrument: &Instrument, rules: &Rules) -> Result<(), Refusal> {
        Refusal::invalid_if(!(1..=QUANTITY_MAX).contains(&self.quantity), "quantity")?;
        let lot = instrument.lot;
        if self.quantity % lot != 0 {
            return Err(Refusal::input(format!(
                "Quantity should be in multiples of {lot}."
            )));
        }
        if instrument.kind == InstrumentKind::Cash && self.quantity > rules.share_quantity_max {
            return Err(Refusal::input(format!(
                "Quantity exceeds the maximum of {} shares in one order.",
                rules.share_quantity_max
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
            if instrument.kind != InstrumentKind::Cash
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
}

pub(in crate::exchange) fn check_price(
    name: &str,
    price_e4: i64,
    instrument: &Instrument,
) -> Result<(), Refusal> {
    Refusal::invalid_if(!(1..=PRICE_E4_MAX).contains(&price_e4), name)?;
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
