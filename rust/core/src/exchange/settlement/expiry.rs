//! The last day of a contract: when it has traded for the last time, what is held of it is settled at its final price.
//!
//! Contracts on an index are settled in cash at the index's last value, options at what that leaves of them. Contracts
//! on a share, whose shares would be delivered, are settled in cash at the share's closing price instead: nobody here
//! has a depository for them. What has no underlying here is settled at its own closing price.

use crate::exchange::hours::Hours;
use crate::exchange::market::listing::Listing;
use crate::exchange::market::simulated::Market;
use crate::exchange::refusal::Refusal;
use crate::exchange::state::Exchange;
use crate::portfolio::{exercise_tax_e15, to_e4};
use crate::terms::{InstrumentKind, Side, product};

impl Market {
    /// Whether the contract has ended: nothing of it trades any more. Only a market that closes ends anything.
    pub fn expired(&self, listing: &Listing) -> bool {
        self.hours() == Hours::Dated && listing.last_day() && self.closed_for_good(listing.segment)
    }

    /// A contract that has ended takes no orders, not even for tomorrow.
    pub(in crate::exchange) fn check_expired(&self, listing: usize) -> Result<(), Refusal> {
        let listing = &self.listings[listing];
        if !self.expired(listing) {
            return Ok(());
        }
        let symbol = &listing.instrument.tradingsymbol;
        Err(Refusal::input(format!(
            "{symbol} has expired: its last trading was today."
        )))
    }

    /// The price at which a contract is settled: of an option what it is worth when it is exercised, 0 or more.
    pub fn final_e4(&self, listing: &Listing) -> i64 {
        let value_e4 = self.underlying(listing).unwrap_or(listing).closing_e4();
        let strike_e4 = listing.instrument.strike_e4;
        match listing.instrument.kind {
            InstrumentKind::Call => (value_e4 - strike_e4).max(0),
            InstrumentKind::Put => (strike_e4 - value_e4).max(0),
            InstrumentKind::Index | InstrumentKind::Cash | InstrumentKind::Future => value_e4,
        }
    }
}

impl Exchange {
    /// Settles what all accounts hold of a contract that has just ended, and lets nothing wait for it.
    pub(in crate::exchange) fn settle(&mut self, listing: usize) {
        let row = &self.market.listings[listing];
        if !self.market.expired(row) {
            return;
        }
        let (price_e4, kind) = (self.market.final_e4(row), row.instrument.kind);
        self.withdraw_all(listing);
        self.gtts.end(listing, self.now_ns);
        let (calendar, day) = (&self.market.calendar, self.market.day);
        for account in &mut self.accounts {
            let held = account.positions.iter_mut();
            for (_, position) in held.filter(|((of, _), _)| *of == listing) {
                let quantity = position.quantity();
                if quantity == 0 {
                    continue;
                }
                if kind.is_option() && quantity > 0 {
                    let worth_e4 = product(quantity, price_e4, position.multiplier)
                        .expect("the funds check keeps every sum of money far below 64 bits");
                    account.exercise_tax_e4 += to_e4(exercise_tax_e15(worth_e4, calendar, day));
                }
                let side = if quantity > 0 { Side::Sell } else { Side::Buy };
                position
                    .trade(side, quantity.abs(), price_e4)
                    .expect("the funds check keeps every sum of money far below 64 bits");
            }
        }
    }

    /// Orders that the broker kept for a later session: there is none.
    fn withdraw_all(&mut self, listing: usize) {
        for index in self.open_orders_where(|order| order.listing == listing) {
            self.withdraw(index, Some("Cancelled: the contract has expired.".into()));
        }
    }
}
