//! The exchanges that tests stand on: of Thursday 19 November 2026, with three users, at the open.

use crate::calendar::clock::{OPEN_NS, SECOND_NS, at_ns};
use crate::day::Day;
use crate::exchange::forms::form::Fields;
use crate::exchange::market::path::{Synthetic, frozen};
use crate::exchange::market::simulated::Market;
use crate::exchange::refusal::Refusal;
use crate::exchange::rules::Rules;
use crate::exchange::state::Exchange;

pub(in crate::exchange) const DAY: Day = Day::of(2026, 11, 19);

pub(in crate::exchange) fn exchange_of(market: Market, rules: Rules) -> Exchange {
    let users: Vec<String> = ["A", "B", "C"].map(String::from).into();
    let mut exchange = Exchange::new(market, rules, &users);
    exchange.advance(at_ns(DAY, OPEN_NS));
    exchange
}

/// A market that stands still under rules without limits, so that a test says all that happens.
pub(in crate::exchange) fn still(rules: Rules) -> Exchange {
    let (previous_close, path) = frozen(1, at_ns(DAY, OPEN_NS));
    let market = Market::new(DAY, previous_close, path, 1, SECOND_NS);
    exchange_of(market, unlimited(rules))
}

/// A market that moves, under the rules of 2026 without limits.
pub(in crate::exchange) fn moving(seed: u64) -> Exchange {
    let (previous_close, path) = Synthetic::new(seed, DAY, SECOND_NS);
    let market = Market::new(DAY, previous_close, Box::new(path), seed, SECOND_NS);
    exchange_of(market, unlimited(Rules::strict_2026()))
}

pub(in crate::exchange) fn unlimited(rules: Rules) -> Rules {
    Rules {
        limits: None,
        ..rules
    }
}

/// The fields of a form: those that are given, and the rest of which the first of a name counts.
pub(in crate::exchange) fn filled(
    given: &[(&str, &str)],
    rest: &[(&str, &str)],
) -> Vec<(String, String)> {
    let all = given.iter().chain(rest);
    all.map(|(name, text)| ((*name).into(), (*text).into()))
        .collect()
}

/// Requests that name the variety of the order they mean, as a client's do.
impl Exchange {
    pub(in crate::exchange) fn cancel_it(
        &mut self,
        account: usize,
        id: &str,
        at_ns: i64,
    ) -> Result<(), Refusal> {
        let variety = self.variety_of(account, id);
        self.cancel(account, variety, id, at_ns)
    }

    pub(in crate::exchange) fn modify_it(
        &mut self,
        account: usize,
        id: &str,
        fields: &Fields,
        at_ns: i64,
    ) -> Result<(), Refusal> {
        let variety = self.variety_of(account, id);
        self.modify_form(account, variety, id, fields, at_ns)
    }

    fn variety_of(&self, account: usize, id: &str) -> &'static str {
        let order = self.find(account, id);
        order.map_or("regular", |index| self.orders[index].variety.name())
    }
}
