//! The rules by stage, and the one list of them in evaluation order.
//!
//! The order's reasons: authority and identity first (cheapest, and nothing may follow), facts about the instrument
//! before numbers that need them, price before value, stateless before stateful, the only consuming check last.
use super::order_context::{MissingInput, OrderContext, OrderRequest};
use super::verdict::{Outcome, Why};

mod authority;
mod data;
mod exposure;
mod identity;
mod instrument;
mod loss;
mod margin;
mod pace;
mod price;
mod reserve;
mod size;

/// How a rule looks: at the circumstances alone, or at an order that is known in full.
#[derive(Clone, Copy)]
enum Check {
    Always(fn(&OrderContext<'_>) -> Outcome),
    Order(fn(&OrderContext<'_>, &OrderRequest<'_>) -> Outcome),
}

/// One rule of the catalogue.
#[derive(Clone, Copy)]
pub struct Rule {
    pub number: u8,
    pub stage: char,
    /// What it controls, in a trader's words.
    pub title: &'static str,
    check: Check,
}

impl Rule {
    pub fn id(&self) -> String {
        format!("R{:02}", self.number)
    }

    #[inline]
    pub(super) fn judge(&self, context: &OrderContext<'_>) -> Outcome {
        match self.check {
            Check::Always(check) => check(context),
            Check::Order(check) => context
                .order
                .as_ref()
                .map_or(Outcome::Unjudged, |order| check(context, order)),
        }
    }
}

const fn always(
    number: u8,
    stage: char,
    title: &'static str,
    check: fn(&OrderContext<'_>) -> Outcome,
) -> Rule {
    Rule {
        number,
        stage,
        title,
        check: Check::Always(check),
    }
}

const fn order(
    number: u8,
    stage: char,
    title: &'static str,
    check: fn(&OrderContext<'_>, &OrderRequest<'_>) -> Outcome,
) -> Rule {
    Rule {
        number,
        stage,
        title,
        check: Check::Order(check),
    }
}

/// Every rule, in evaluation order.
pub const RULES: &[Rule] = &[
    always(1, 'A', "kill switch", authority::trading_state),
    always(2, 'A', "kill per strategy or symbol", authority::scopes),
    always(4, 'A', "reconciled", authority::reconciled),
    always(5, 'A', "heartbeats", authority::heartbeats),
    always(7, 'B', "intent once", identity::intent_once),
    always(9, 'B', "signal freshness", identity::freshness),
    always(11, 'B', "names an order of ours", identity::names_an_order),
    always(12, 'C', "instrument known", instrument::known),
    order(14, 'C', "tick multiple", instrument::tick),
    order(15, 'C', "lot multiple", instrument::lot),
    order(16, 'C', "freeze quantity", instrument::freeze),
    always(17, 'C', "type, product and validity", instrument::matrix),
    order(18, 'C', "delivery needs shares", instrument::delivery),
    order(19, 'C', "session", instrument::session),
    order(22, 'C', "trigger side", instrument::trigger),
    order(23, 'D', "stale data", data::fresh),
    order(26, 'E', "price collar", price::collar),
    order(27, 'E', "circuit band", price::band),
    order(31, 'F', "order quantity", size::quantity),
    order(32, 'F', "order value", size::value),
    order(35, 'G', "net position", exposure::position),
    order(37, 'G', "gross and net value", exposure::leverage),
    order(39, 'G', "open orders", exposure::open_orders),
    order(41, 'G', "an exit never flips", exposure::exit),
    always(44, 'H', "daily loss", loss::daily),
    order(49, 'I', "margin", margin::enough),
    always(52, 'J', "rate", pace::rate),
    always(54, 'K', "reserve", reserve::possible),
];

/// A cancel always passes, whatever the trading state: it is only counted and kept.
pub const EVALUATED_OF_A_CANCEL: u64 = 1 << 1 | 1 << 7 | 1 << 52 | 1 << 54;

fn refuse(text: &'static str) -> Outcome {
    Outcome::Refuse(Why::Said(text))
}

fn pass_if(holds: bool, text: &'static str) -> Outcome {
    if holds { Outcome::Pass } else { refuse(text) }
}

/// Passes what is at most the limit, refuses what is more, and refuses everything when the limit is not set.
fn at_most(what: &'static str, have: i128, limit: Option<i64>, name: &'static str) -> Outcome {
    match limit {
        None => Outcome::Refuse(Why::NotSet(name)),
        Some(most) if have <= i128::from(most) => Outcome::Pass,
        Some(most) => Outcome::Refuse(Why::Above {
            what,
            have: clamp(have),
            most,
        }),
    }
}

/// Refuses when one of the limits that a rule needs is not set.
fn all_set<const N: usize>(limits: [(Option<i64>, &'static str); N]) -> Outcome {
    let unset = limits.iter().find(|(limit, _)| limit.is_none());
    unset.map_or(Outcome::Pass, |(_, name)| {
        Outcome::Refuse(Why::NotSet(name))
    })
}

/// For showing only.
fn clamp(value: i128) -> i64 {
    value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// The first refusal of several checks that make one rule.
fn each(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    outcomes
        .into_iter()
        .find(|outcome| *outcome != Outcome::Pass)
        .unwrap_or(Outcome::Pass)
}

impl From<MissingInput> for Outcome {
    fn from(missing: MissingInput) -> Self {
        refuse(match missing {
            MissingInput::NoPrice => "no price is known",
            MissingInput::NotInTable => "the table does not cover it",
            MissingInput::Overflow => "a number left its range",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_stand_in_evaluation_order() {
        assert!(RULES.is_sorted_by(|a, b| (a.stage, a.number) < (b.stage, b.number)));
        assert!(RULES.iter().all(|rule| (1..=54).contains(&rule.number)));
    }
}
