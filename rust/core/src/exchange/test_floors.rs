//! The floors that tests stand on: of Thursday 19 November 2026, with three users, at the open.

use super::dates::{OPEN_NS, SECOND_NS, at_ns};
use super::floor::Floor;
use super::market::Market;
use super::path::{Synthetic, frozen};
use super::rules::Rules;
use crate::day::Day;

pub(super) const DAY: Day = Day::of(2026, 11, 19);

pub(super) fn floor_of(market: Market, rules: Rules) -> Floor {
    let users: Vec<String> = ["A", "B", "C"].map(String::from).into();
    let mut floor = Floor::new(market, rules, &users);
    floor.advance(at_ns(DAY, OPEN_NS));
    floor
}

/// A market that stands still under rules without limits, so that a test says all that happens.
pub(super) fn still(rules: Rules) -> Floor {
    let (previous_close, path) = frozen(1, at_ns(DAY, OPEN_NS));
    let market = Market::new(DAY, previous_close, path, 1, SECOND_NS);
    floor_of(market, unlimited(rules))
}

/// A market that moves, under the rules of 2026 without limits.
pub(super) fn moving(seed: u64) -> Floor {
    let (previous_close, path) = Synthetic::new(seed, DAY, SECOND_NS);
    let market = Market::new(DAY, previous_close, Box::new(path), seed, SECOND_NS);
    floor_of(market, unlimited(Rules::strict_2026()))
}

pub(super) fn unlimited(rules: Rules) -> Rules {
    Rules {
        limits: None,
        ..rules
    }
}

/// The fields of a form: those that are given, and the rest of which the first of a name counts.
pub(super) fn filled(given: &[(&str, &str)], rest: &[(&str, &str)]) -> Vec<(String, String)> {
    let all = given.iter().chain(rest);
    all.map(|(name, text)| ((*name).into(), (*text).into()))
        .collect()
}
