//! What an order asks of its instrument, whether new or modified.

use crate::exchange::market::instruments::{Instrument, RUPEE_E4, decimal};
use crate::exchange::orders::position_product::PositionProduct;
use crate::exchange::orders::request::{PlaceOrder, Protection, normalised, priced, triggered};
use crate::exchange::rules::ProtectionBands;
use crate::terms::{OrderType, Product, Side};

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

impl From<&PlaceOrder> for Asked {
    fn from(placing: &PlaceOrder) -> Self {
        let (price_e4, trigger_e4) =
            normalised(placing.order_type, placing.price_e4, placing.trigger_e4);
        Self {
            side: placing.side,
            product: placing.product,
            held: placing.variety.held(placing.product),
            order_type: placing.order_type,
            quantity: placing.quantity,
            price_e4,
            trigger_e4,
            disclosed_quantity: placing.disclosed_quantity,
            protection: placing.protection,
        }
    }
}

impl Asked {
    pub fn triggered(&self) -> bool {
        triggered(self.order_type)
    }

    /// Without a limit of its own.
    pub fn unpriced(&self) -> bool {
        !priced(self.order_type)
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

/// How far a protected order may go from the last price, in hundredths of a percent: the broker's table for `-1`.
pub fn automatic_protection_bp(
    instrument: &Instrument,
    last_e4: i64,
    bands: &ProtectionBands,
) -> i64 {
    let below = |rupees: i64| last_e4 < rupees * RUPEE_E4;
    let dear = last_e4 > 500 * RUPEE_E4;
    if instrument.kind.is_option() {
        match bands.options_bp {
            [bp, ..] if below(10) => bp,
            [_, bp, ..] if below(100) => bp,
            [_, _, bp, _] if !dear => bp,
            [.., bp] => bp,
        }
    } else {
        match bands.others_bp {
            [bp, ..] if below(100) => bp,
            [_, bp, _] if !dear => bp,
            [.., bp] => bp,
        }
    }
}

/// The limit that stands for a protected MARKET order: the last price and the protection beyond it, on the tick grid
/// on the near side, and never outside the day's band.
pub fn protected_price_e4(
    instrument: &Instrument,
    side: Side,
    last_e4: i64,
    protection_bp: i64,
) -> i64 {
    let away_e4 = (i128::from(last_e4) * i128::from(protection_bp) / 10_000) as i64;
    let tick_e4 = instrument.tick_e4;
    let price_e4 = match side {
        Side::Buy => (last_e4 + away_e4) / tick_e4 * tick_e4,
        Side::Sell => (last_e4 - away_e4 + tick_e4 - 1) / tick_e4 * tick_e4,
    };
    if instrument.upper_e4 > 0 {
        price_e4.clamp(instrument.lower_e4, instrument.upper_e4)
    } else {
        price_e4.max(tick_e4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::Day;
    use crate::exchange::market::universe::{Universe, universe_of};
    use crate::exchange::rules::Rules;
    use crate::terms::InstrumentKind;

    fn instruments() -> impl Iterator<Item = Instrument> {
        let day = Day::of(2026, 11, 19);
        let rows = universe_of(Universe::House, day, 26_000.0, 26_000.0);
        rows.into_iter().map(|row| row.instrument)
    }

    #[test]
    fn a_two_percent_protection_is_kites_own_example() {
        // TATASTEEL: last 156.69, protection 2 %, stored as a limit of 159.82.
        let mut steel = instruments()
            .find(|row| row.tradingsymbol == "TATASTEEL")
            .expect("listed");
        (steel.lower_e4, steel.upper_e4) = (1_400_000, 1_700_000);

        assert_eq!(
            protected_price_e4(&steel, Side::Buy, 1_566_900, 200),
            1_598_200
        );
        assert_eq!(
            protected_price_e4(&steel, Side::Sell, 1_566_900, 200),
            1_535_600
        );
        assert_eq!(
            protected_price_e4(&steel, Side::Buy, 1_690_000, 200),
            1_700_000,
            "not beyond the band"
        );
    }

    #[test]
    fn the_automatic_table_is_zerodhas() {
        let rows: Vec<Instrument> = instruments().collect();
        let of = |kind| rows.iter().find(|row| row.kind == kind).expect("listed");
        let points = |kind, rupees: i64| {
            automatic_protection_bp(
                of(kind),
                rupees * RUPEE_E4,
                &Rules::strict_2026().protection,
            )
        };

        assert_eq!(
            [99, 100, 500, 501].map(|r| points(InstrumentKind::Cash, r)),
            [200, 100, 100, 50]
        );
        assert_eq!(
            [9, 10, 99, 100, 500, 501].map(|r| points(InstrumentKind::Call, r)),
            [500, 300, 300, 200, 200, 100]
        );
    }
}
