//! The auction in which the exchange buys what was sold and not delivered: whoever has the shares may sell them to it.
//!
//! How much is missing, and who else sells, is drawn by the seed for each share and auction. Sellers are served by their
//! price and get one price, that of the last who is needed.

use crate::calendar::clock::{MINUTE_NS, at_ns};
use crate::exchange::hours::Hours;
use crate::exchange::market::instruments::Instrument;
use crate::exchange::matching::auction::uncross;
use crate::exchange::matching::book::{Limit, MARKET_MAKER};
use crate::exchange::orders::variety::Variety;
use crate::exchange::refusal::Refusal;
use crate::exchange::state::Exchange;
use crate::random::{Stream, key};
use crate::terms::Side;

/// Where the day has no hours, there is one so often.
const EVERY_NS: i64 = 5 * MINUTE_NS;
/// The exchange pays at most so much more than the previous close.
const PAID_PERCENT: i64 = 20;
/// Shares that may be missing.
const MISSING: (i64, i64) = (100, 5_000);
/// Others who sell, each at most so far above the last price.
const SELLERS: i64 = 4;
const ABOVE_MOST: f64 = 0.03;

impl Exchange {
    /// Whether the day's auction has been held.
    pub fn auctions_over(&self) -> bool {
        self.market.hours() == Hours::Dated
            && self.now_ns() >= at_ns(self.market.day, self.rules.auction_ns)
    }

    /// Whoever sells in an auction has the shares, and names today's auction of them.
    pub(in crate::exchange) fn check_auction(
        &self,
        account: usize,
        listing: usize,
        number: &str,
    ) -> Result<(), Refusal> {
        if self.auctions_over() {
            return Err(Refusal::order("The auction of the day is over."));
        }
        let instrument = &self.market.listings[listing].instrument;
        let held = self.accounts[account].free_shares(listing) > 0;
        if held && instrument.exchange_token().to_string() == number {
            Ok(())
        } else {
            Err(Refusal::invalid("auction_number"))
        }
    }

    /// Holds the auctions that have become due since the last step. One that falls into a halt is held after it.
    pub(in crate::exchange) fn hold_auctions(&mut self) {
        if self.halted.is_some() {
            return;
        }
        let now_ns = self.now_ns();
        let before_ns = std::mem::replace(&mut self.auctioned_ns, now_ns);
        let held_ns = match self.market.hours() {
            Hours::Dated => at_ns(self.market.day, self.rules.auction_ns),
            Hours::Plain | Hours::Always => now_ns.div_euclid(EVERY_NS) * EVERY_NS,
        };
        if !(before_ns + 1..=now_ns).contains(&held_ns) {
            return;
        }
        let mut offered = self.open_orders_where(|order| {
            matches!(order.variety, Variety::Auction { .. })
                && order.now.exchange_order_id.is_some()
        });
        offered.sort_unstable(); // oldest first
        while let Some(&first) = offered.first() {
            let listing = self.orders[first].listing;
            let (sellers, rest): (Vec<usize>, _) = offered
                .into_iter()
                .partition(|&index| self.orders[index].listing == listing);
            offered = rest;
            self.hold_auction(listing, &sellers, held_ns);
        }
    }

    fn hold_auction(&mut self, listing: usize, sellers: &[usize], held_ns: i64) {
        let (instrument, last_e4) = self.instrument(listing);
        let name = format!(
            "auction {}:{}",
            instrument.exchange, instrument.tradingsymbol
        );
        let mut stream = Stream::at(key(self.market.seed, &name), held_ns);
        let mut orders = maker_orders(&mut stream, instrument, last_e4);
        let offers = sellers
            .iter()
            .map(|&index| self.limit(index, self.orders[index].now.price_e4));
        orders.extend(offers);
        let trades = uncross(&orders, last_e4).trades;
        for trade in &trades {
            self.book_trade(trade);
        }
        for &index in sellers {
            if !self.orders[index].now.status.terminal() {
                self.withdraw(
                    index,
                    Some("Cancelled by the exchange: the auction is over.".into()),
                );
            }
        }
    }
}

/// The exchange, which buys what is missing, and the others who sell: together about as much, so that at times it
/// needs everybody.
fn maker_orders(stream: &mut Stream, instrument: &Instrument, last_e4: i64) -> Vec<Limit> {
    let missing = stream.between(MISSING.0, MISSING.1);
    let order = |side, price_e4, quantity| Limit {
        id: 0,
        owner: MARKET_MAKER,
        side,
        price_e4,
        quantity,
    };
    let most_e4 = instrument.previous_close_e4 * (100 + PAID_PERCENT) / 100;
    let most_e4 = most_e4 / instrument.tick_e4 * instrument.tick_e4;
    let mut orders = vec![order(Side::Buy, most_e4, missing)];
    for _ in 0..SELLERS {
        let above_e4 = (last_e4 as f64 * ABOVE_MOST * stream.unit()) as i64;
        let price_e4 = (last_e4 + above_e4) / instrument.tick_e4 * instrument.tick_e4;
        let part = stream.between(missing / (4 * SELLERS), missing * 2 / SELLERS);
        orders.push(order(Side::Sell, price_e4, part));
    }
    orders
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::clock::{HOUR_NS, OPEN_NS, SECOND_NS};
    use crate::exchange::market::instruments::decimal;
    use crate::exchange::market::path::Synthetic;
    use crate::exchange::market::simulated::{Market, Opening};
    use crate::exchange::market::universe::Universe;
    use crate::exchange::rules::Rules;
    use crate::exchange::tests::exchanges::{DAY, moving, unlimited};
    use crate::terms;
    use proptest::prelude::*;

    const HELD_NS: i64 = 15 * HOUR_NS;

    fn dated(seed: u64) -> Exchange {
        let open_ns = at_ns(DAY, OPEN_NS);
        let (previous_close, path) = Synthetic::between(seed, open_ns, i64::MAX, SECOND_NS);
        let market = Market::open(Opening {
            day: DAY,
            previous_close,
            path: Box::new(path),
            seed,
            step_ns: SECOND_NS,
            universe: Universe::House,
            hours: Hours::Dated,
            open_ns,
        });
        let users = ["A".to_owned(), "B".to_owned()];
        Exchange::new(market, unlimited(Rules::strict_2026()), &users)
    }

    fn infy(exchange: &Exchange) -> usize {
        let infy = exchange.market.by_symbol(terms::Exchange::Nse, "INFY");
        infy.expect("listed")
    }

    /// Offers shares at so many rupees above the last price.
    fn offer(
        exchange: &mut Exchange,
        account: usize,
        quantity: i64,
        above: i64,
    ) -> Result<usize, Refusal> {
        let listing = &exchange.market.listings[infy(exchange)];
        let price_e4 = listing.day.last_e4 / 1000 * 1000 + above * 10_000;
        let form = [
            ("exchange", "NSE"),
            ("tradingsymbol", "INFY"),
            ("transaction_type", "SELL"),
            ("quantity", &quantity.to_string()),
            ("product", "CNC"),
            ("order_type", "LIMIT"),
            ("price", &decimal(price_e4)),
            (
                "auction_number",
                &listing.instrument.exchange_token().to_string(),
            ),
        ]
        .map(|(name, text)| (name.to_owned(), text.to_owned()));
        let now_ns = exchange.now_ns();
        let id = exchange.place_form(account, "auction", &form, now_ns)?;
        Ok(exchange.find(account, &id).expect("in the book"))
    }

    #[test]
    fn shares_offered_at_the_last_price_are_bought_at_three() {
        let mut exchange = dated(6);
        exchange.advance(at_ns(DAY, 11 * HOUR_NS));
        let index = offer(&mut exchange, 0, 10, -20).expect("taken");
        exchange.advance(at_ns(DAY, HELD_NS) - SECOND_NS);
        assert_eq!(exchange.orders[index].now.status.name(), "OPEN");
        let last_e4 = exchange.market.listings[infy(&exchange)].day.last_e4;

        exchange.advance(at_ns(DAY, HELD_NS));

        let state = &exchange.orders[index].now;
        assert_eq!((state.status.name(), state.filled), ("COMPLETE", 10));
        assert!(state.average_e4() >= state.price_e4);
        assert!(state.average_e4() <= last_e4 * 120 / 100);
        assert_eq!(exchange.accounts[0].free_shares(infy(&exchange)), 90);
        let refusal = offer(&mut exchange, 0, 10, 0).expect_err("over");
        assert_eq!(refusal.message, "The auction of the day is over.");
    }

    #[test]
    fn where_the_day_has_no_hours_an_auction_is_held_every_five_minutes() {
        let mut exchange = moving(2);
        exchange.advance(at_ns(DAY, OPEN_NS) + 62 * SECOND_NS);
        let low = offer(&mut exchange, 0, 10, -20).expect("taken");
        let high = offer(&mut exchange, 1, 10, 100).expect("taken");
        let id = exchange.orders[low].id.clone();
        let change = [("quantity".to_owned(), "5".to_owned())];
        let now_ns = exchange.now_ns();
        let refusal = exchange
            .modify_it(0, &id, &change, now_ns)
            .expect_err("not in an auction");
        assert!(refusal.message.contains("cannot be modified"));
        exchange.advance(at_ns(DAY, OPEN_NS) + EVERY_NS - SECOND_NS);
        assert_eq!(exchange.orders[low].now.status.name(), "OPEN");

        exchange.advance(at_ns(DAY, OPEN_NS) + EVERY_NS);

        assert_eq!(exchange.orders[low].now.status.name(), "COMPLETE");
        let state = &exchange.orders[high].now;
        assert!(
            state.filled == 0 || exchange.orders[low].now.average_e4() >= state.price_e4,
            "nobody is passed over who asked for less"
        );
        assert!(state.status.terminal());
    }

    #[test]
    fn an_auction_that_falls_into_a_halt_is_held_after_it() {
        let mut exchange = dated(6);
        exchange.advance(at_ns(DAY, 11 * HOUR_NS));
        let index = offer(&mut exchange, 0, 10, -20).expect("taken");
        exchange.halt(Some("halted".into()));
        exchange.advance(at_ns(DAY, HELD_NS) + MINUTE_NS);
        assert_eq!(exchange.orders[index].now.status.name(), "OPEN");
        exchange.halt(None);
        exchange.advance(at_ns(DAY, HELD_NS) + 2 * MINUTE_NS);

        assert_eq!(exchange.orders[index].now.status.name(), "COMPLETE");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Whoever offers what: one price, not below anybody's own, and the same again.
        #[test]
        fn an_auction_is_the_seeds(seed in 0_u64..1000, offers in prop::collection::vec((1_i64..50, -30_i64..60), 1..4)) {
            let run = || {
                let mut exchange = moving(seed);
                let mut taken = Vec::new();
                for (account, &(quantity, above)) in offers.iter().enumerate() {
                    taken.push(offer(&mut exchange, account, quantity, above).expect("taken"));
                }
                exchange.advance(at_ns(DAY, OPEN_NS) + EVERY_NS);
                (exchange, taken)
            };
            let ((exchange, taken), (again, _)) = (run(), run());
            prop_assert_eq!(&exchange.executions, &again.executions);
            let price_e4 = exchange.executions.first().map(|e| e.price_e4);
            for execution in &exchange.executions {
                prop_assert_eq!(Some(execution.price_e4), price_e4);
                prop_assert!(execution.price_e4 >= exchange.orders[execution.order].now.price_e4);
            }
            for index in taken {
                prop_assert!(exchange.orders[index].now.status.terminal());
            }
            prop_assert!(exchange.accounts.iter().all(|account| account.open.is_empty()));
        }
    }
}
