//! Limit price protection: the exchange rejects an order for a contract whose limit is too far beyond what
//! has lately been paid. It stands beside the day's price bands, which the broker looks at before it takes an order.

use crate::calendar::clock::SECOND_NS;
use crate::exchange::hours::Phase;
use crate::exchange::market::listing::Listing;
use crate::exchange::market::simulated::Market;
use crate::exchange::rules::{PriceProtection, Reach, Rules};
use crate::terms::{InstrumentKind, Side};

/// What the exchange says.
pub const BEYOND: &str = "17070 : The Price is out of the current execution range";

impl Reach {
    fn of(self, reference_e4: i64) -> i64 {
        let part_e4 = i128::from(reference_e4) * i128::from(self.bp) / 10_000;
        self.least_e4.max(part_e4 as i64)
    }
}

impl PriceProtection {
    /// Whether the exchange rejects a limit.
    fn rejects(&self, kind: InstrumentKind, side: Side, price_e4: i64, reference_e4: i64) -> bool {
        let reach = match kind.is_option() {
            true => self.options,
            false => self.futures,
        };
        let beyond_e4 = side.sign() * (price_e4 - reference_e4);
        let far_e4 = if self.both_sides {
            beyond_e4.abs()
        } else {
            beyond_e4
        };
        far_e4 > reach.of(reference_e4)
    }
}

impl Listing {
    /// What a limit is measured by: the mean of what was paid of late, and without a trade the last price.
    fn reference_e4(&self, now_ns: i64, seconds: i64) -> i64 {
        let mean_e4 = self
            .recent
            .as_ref()
            .and_then(|r| r.mean_e4(now_ns, seconds));
        mean_e4.unwrap_or(self.day.last_e4)
    }
}

impl Market {
    /// Whether the exchange would reject an order at this price now. Auctions find a price of their own.
    pub(in crate::exchange) fn is_too_far(
        &self,
        rules: &Rules,
        (listing, side, price_e4): (usize, Side, i64),
        now_ns: i64,
    ) -> bool {
        let listing = &self.listings[listing];
        let Some(protection) = &rules.price_protection else {
            return false;
        };
        let of = self.underlying(listing);
        let of_index = of.is_some_and(|of| of.instrument.kind == InstrumentKind::Index);
        let holds = listing.recent.is_some()
            && (protection.indices || !of_index)
            && listing.phase == Phase::Continuous
            && self.day >= protection.from;
        let reference_e4 = listing.reference_e4(now_ns, protection.window_seconds);
        holds && protection.rejects(listing.instrument.kind, side, price_e4, reference_e4)
    }
}

impl Rules {
    /// Time before a request during which no step of the market may be left out.
    pub(in crate::exchange) fn looked_back_ns(&self) -> i64 {
        let protection = self.price_protection.as_ref();
        protection.map_or(0, |protection| (protection.window_seconds + 1) * SECOND_NS)
    }
}

#[cfg(test)]
mod tests {
    use crate::day::Day;
    use crate::exchange::state::Exchange;

    use super::*;
    use crate::calendar::clock::{MINUTE_NS, OPEN_NS, at_ns};
    use crate::exchange::hours::Hours;
    use crate::exchange::market::instruments::{RUPEE_E4, decimal};
    use crate::exchange::market::path::Synthetic;
    use crate::exchange::market::simulated::{Market, Opening};
    use crate::exchange::market::universe::Universe;
    use crate::exchange::orders::order::OrderStatus;
    use crate::exchange::rules::Rules;
    use crate::exchange::tests::exchanges::{DAY, exchange_of, unlimited};

    const FUTURE: &str = "RELIANCE26NOVFUT";

    fn moving(rules: Rules) -> Exchange {
        let (previous_close, path) = Synthetic::new(5, DAY, SECOND_NS);
        let market = Market::open(Opening {
            day: DAY,
            previous_close,
            path: Box::new(path),
            seed: 5,
            step_ns: SECOND_NS,
            universe: Universe::Full,
            hours: Hours::Plain,
            open_ns: at_ns(DAY, OPEN_NS),
        });
        exchange_of(market, unlimited(rules))
    }

    fn listing(exchange: &Exchange) -> usize {
        let found = exchange
            .market
            .by_symbol(crate::terms::Exchange::Nfo, FUTURE);
        found.expect("listed")
    }

    fn reference_e4(exchange: &Exchange) -> i64 {
        exchange.market.listings[listing(exchange)].reference_e4(exchange.now_ns(), 30)
    }

    /// Places an order so far from the reference; what became of it, and why.
    fn placed(exchange: &mut Exchange, side: &str, away_bp: i64) -> (OrderStatus, Option<String>) {
        let row = &exchange.market.listings[listing(exchange)].instrument;
        let (lot, tick_e4) = (row.lot, row.tick_e4);
        let sign = if side == "BUY" { 1 } else { -1 };
        let reference_e4 = reference_e4(exchange);
        let price_e4 = (reference_e4 + sign * reference_e4 * away_bp / 10_000) / tick_e4 * tick_e4;
        let fields: Vec<(String, String)> = [
            ("exchange", "NFO"),
            ("tradingsymbol", FUTURE),
            ("transaction_type", side),
            ("product", "MIS"),
            ("order_type", "LIMIT"),
            ("quantity", &lot.to_string()),
            ("price", &format!("{}", price_e4 as f64 / 1e4)),
        ]
        .map(|(name, text)| (name.into(), text.into()))
        .into();
        let now_ns = exchange.now_ns();
        let id = exchange
            .place_form(0, "regular", &fields, now_ns)
            .expect("taken");
        let order = &exchange.orders[exchange.find(0, &id).expect("in the book")];
        (order.now.status, order.now.message.clone())
    }

    #[test]
    fn what_is_too_far_is_accepted_by_the_broker_and_rejected_by_the_exchange() {
        let mut exchange = moving(Rules::strict_2026());
        exchange.advance(at_ns(DAY, OPEN_NS) + 10 * MINUTE_NS);
        let rejected = (OrderStatus::Rejected, Some(BEYOND.to_owned()));

        assert_eq!(placed(&mut exchange, "BUY", 310), rejected);
        assert_eq!(placed(&mut exchange, "SELL", 310), rejected);
        assert!(exchange.orders[0].now.exchange_order_id.is_some());
        assert_eq!(placed(&mut exchange, "BUY", 290).0, OrderStatus::Complete);
        assert_eq!(placed(&mut exchange, "BUY", -500).0, OrderStatus::Open);
    }

    #[test]
    fn the_safe_side_is_free_unless_the_rules_say_otherwise_and_legacy_knows_nothing_of_it() {
        let both = PriceProtection {
            both_sides: true,
            ..PriceProtection::KNOWN
        };
        for (rules, away_bp, wanted) in [
            (
                Rules {
                    price_protection: Some(both),
                    ..Rules::strict_2026()
                },
                -500,
                OrderStatus::Rejected,
            ),
            (Rules::legacy(), 500, OrderStatus::Complete),
        ] {
            let mut exchange = moving(rules);

            assert_eq!(placed(&mut exchange, "BUY", away_bp).0, wanted);
        }
    }

    #[test]
    fn before_its_day_it_does_not_hold() {
        let later = PriceProtection {
            from: Day::of(2026, 11, 20),
            ..PriceProtection::KNOWN
        };
        let mut exchange = moving(Rules {
            price_protection: Some(later),
            ..Rules::strict_2026()
        });

        assert_eq!(placed(&mut exchange, "BUY", 310).0, OrderStatus::Complete);
    }

    /// What was paid of late is the same whether the market was looked at second by second or passed in leaps.
    #[test]
    fn the_reference_does_not_depend_on_who_looked() {
        let start_ns = at_ns(DAY, OPEN_NS);
        let times = [61, 65, 200, 601, 3_600, 3_610].map(|s| start_ns + s * SECOND_NS);
        let (mut leapt, mut stepped) = (moving(Rules::strict_2026()), moving(Rules::strict_2026()));
        for at_ns in times {
            leapt.advance(at_ns);
            while stepped.market.next_cut_ns() <= at_ns {
                stepped.step();
            }
            leapt.hear(at_ns);
            stepped.hear(at_ns);

            assert_eq!(reference_e4(&leapt), reference_e4(&stepped));
            assert_ne!(reference_e4(&leapt), 0);
        }
    }

    /// An option on the index at so much more than its last price.
    fn dear_option(indices: bool) -> OrderStatus {
        let known = PriceProtection {
            indices,
            ..PriceProtection::KNOWN
        };
        let mut exchange = moving(Rules {
            price_protection: Some(known),
            ..Rules::strict_2026()
        });
        let option = exchange.market.listings.iter().find(|row| {
            row.instrument.kind == InstrumentKind::Call && row.day.last_e4 > 100 * RUPEE_E4
        });
        let row = option.expect("a call of more than ₹100");
        let price = decimal(
            row.instrument
                .on_tick(row.day.last_e4 as f64 * 1.6 / RUPEE_E4 as f64),
        );
        let lot = row.instrument.lot.to_string();
        let fields = [
            ("exchange", "NFO"),
            ("tradingsymbol", row.instrument.tradingsymbol.as_str()),
            ("transaction_type", "BUY"),
            ("quantity", lot.as_str()),
            ("product", "NRML"),
            ("order_type", "LIMIT"),
            ("price", price.as_str()),
        ]
        .map(|(name, text)| (name.to_owned(), text.to_owned()));
        let now_ns = exchange.now_ns();
        let id = exchange
            .place_form(0, "regular", &fields, now_ns)
            .expect("taken");
        exchange.orders[exchange.find(0, &id).expect("in the book")]
            .now
            .status
    }

    #[test]
    fn contracts_on_indices_are_protected_too_unless_the_rules_say_otherwise() {
        assert_eq!(dear_option(true), OrderStatus::Rejected);
        assert_eq!(dear_option(false), OrderStatus::Complete);
    }
}
