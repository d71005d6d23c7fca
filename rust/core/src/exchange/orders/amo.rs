//! Orders after hours, and what else the broker looks at by an order's variety.

use crate::calendar::clock::{DAY_NS, IST_NS};
use crate::exchange::hours::Phase;
use crate::exchange::market::listing::Listing;
use crate::exchange::orders::asked::Asked;
use crate::exchange::orders::request::{PlaceOrder, Protection};
use crate::exchange::orders::sessions;
use crate::exchange::orders::variety::Variety;
use crate::exchange::refusal::Refusal;
use crate::exchange::rules::{Rules, Window};
use crate::exchange::state::Exchange;
use crate::terms::OrderType;

impl Window {
    pub fn holds(&self, time_of_day_ns: i64) -> bool {
        if self.from_ns <= self.until_ns {
            (self.from_ns..self.until_ns).contains(&time_of_day_ns)
        } else {
            time_of_day_ns >= self.from_ns || time_of_day_ns < self.until_ns
        }
    }
}

impl Exchange {
    /// May an order of this variety be placed now?
    pub(in crate::exchange) fn check_variety(
        &self,
        account: usize,
        listing: usize,
        placing: &PlaceOrder,
    ) -> Result<(), Refusal> {
        self.market.check_expired(listing)?;
        if placing.variety != Variety::Amo {
            self.check_intraday(listing, placing.product)?;
        }
        let row = &self.market.listings[listing];
        match &placing.variety {
            Variety::Amo => return check_amo(&self.rules, row, self.now_ns),
            Variety::Cover { stop_e4 } => check_cover_stop(&self.rules, row, placing, *stop_e4)?,
            Variety::Auction { number } => self.check_auction(account, listing, number)?,
            Variety::Regular | Variety::Iceberg(_) | Variety::CoverStop => {}
        }
        let plain = matches!(placing.variety, Variety::Regular);
        if row.phase == Phase::PostClose && !plain {
            return Err(Refusal::order(
                "Only regular orders are allowed in the post-close session.",
            ));
        }
        let asked = Asked::from(placing);
        sessions::check(row, &asked, placing.validity)
    }

    /// Is there money, or are there shares, for an order that takes the place of one that has ended?
    pub(in crate::exchange) fn funded(
        &self,
        before: usize,
        placing: &PlaceOrder,
    ) -> Result<(), Refusal> {
        let order = &self.orders[before];
        let asked = Asked::from(placing);
        self.check_funds(order.account, order.listing, &asked, None)
    }
}

/// After-market orders are taken in their hours alone.
fn check_amo(rules: &Rules, listing: &Listing, now_ns: i64) -> Result<(), Refusal> {
    let Some(hours) = &rules.amo_hours else {
        return Ok(());
    };
    let time_of_day_ns = (now_ns + IST_NS).rem_euclid(DAY_NS);
    // Futures gather before the open while their orders after hours are still taken.
    let trading = matches!(listing.phase, Phase::Continuous | Phase::PostClose);
    if !trading && hours.of(listing.segment).holds(time_of_day_ns) {
        Ok(())
    } else {
        Err(Refusal::order(
            "AMO orders are not allowed while the markets are open.",
        ))
    }
}

/// The stop is to be a stop that the exchange would take beside the entry.
fn check_cover_stop(
    rules: &Rules,
    listing: &Listing,
    placing: &PlaceOrder,
    stop_e4: i64,
) -> Result<(), Refusal> {
    let stop = Asked {
        side: placing.side.opposite(),
        order_type: OrderType::SlM,
        price_e4: 0,
        trigger_e4: stop_e4,
        disclosed_quantity: 0,
        protection: Protection::Auto,
        ..Asked::from(placing)
    };
    let last_e4 = listing.day.last_e4;
    stop.check(&listing.instrument, last_e4, rules)?;
    let entry_e4 = match placing.order_type {
        OrderType::Limit => placing.price_e4,
        _ => last_e4,
    };
    if stop.stop_on_wrong_side(entry_e4) {
        return Err(Refusal::input(stop.wrong_side(entry_e4)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::clock::{HOUR_NS, MINUTE_NS};
    use crate::exchange::hours::Segment;
    use crate::exchange::rules::AmoHours;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_window_over_midnight_is_what_the_window_between_leaves(
            from_ns in 0..DAY_NS, until_ns in 0..DAY_NS, at_ns in 0..DAY_NS
        ) {
            prop_assume!(from_ns != until_ns);
            let window = Window { from_ns, until_ns };
            let other = Window { from_ns: until_ns, until_ns: from_ns };

            prop_assert!(window.holds(at_ns) != other.holds(at_ns));
        }
    }

    #[test]
    fn shares_are_taken_after_four_and_before_two_minutes_to_nine() {
        let window = AmoHours::KITE.of(Segment::ShareWithDerivatives);
        let minutes = [
            (8, 57),
            (8, 58),
            (12, 0),
            (15, 59),
            (16, 0),
            (23, 59),
            (0, 0),
        ];

        let taken = minutes.map(|(hour, minute)| window.holds(hour * HOUR_NS + minute * MINUTE_NS));

        assert_eq!(taken, [true, false, false, false, true, true, true]);
    }
}
