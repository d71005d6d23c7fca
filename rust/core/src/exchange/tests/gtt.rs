//! Triggers: what is taken, how a trailing one follows the price, and what a fired one places.

use proptest::prelude::*;

use crate::exchange::orders::gtt::{Gtt, GttKind, GttLeg, GttStatus, PlaceGtt, PlaceGttLeg};
use crate::exchange::refusal::Refusal;
use crate::exchange::rules::Rules;
use crate::exchange::state::Exchange;
use crate::exchange::tests::exchanges::{moving, still};
use crate::terms::{self, OrderType, Product, Side};

fn leg(trigger_e4: i64, side: Side) -> PlaceGttLeg {
    PlaceGttLeg {
        trigger_e4,
        side,
        quantity: 1,
        order_type: OrderType::Limit,
        product: Product::Mis,
        price_e4: trigger_e4,
        trail_e4: 0,
    }
}

fn asked(kind: GttKind, legs: Vec<PlaceGttLeg>) -> PlaceGtt {
    PlaceGtt {
        kind,
        exchange: terms::Exchange::Nse,
        tradingsymbol: "INFY".into(),
        last_e4: None,
        legs,
    }
}

/// INFY's last price, on a grid of ten paise.
fn last_e4(exchange: &Exchange) -> i64 {
    let listing = exchange.market.by_symbol(terms::Exchange::Nse, "INFY");
    exchange.market.listings[listing.expect("listed")]
        .day
        .last_e4
        / 1_000
        * 1_000
}

fn set(exchange: &mut Exchange, change: impl Fn(i64) -> PlaceGttLeg) -> Result<i64, Refusal> {
    let (last_e4, now_ns) = (last_e4(exchange), exchange.now_ns());
    exchange.place_gtt(0, &asked(GttKind::Single, vec![change(last_e4)]), now_ns)
}

#[test]
fn what_no_exchange_would_take_later_is_refused_when_it_is_set_unless_the_rules_say_otherwise() {
    let below = |last_e4: i64| leg(last_e4 - 200_000, Side::Sell);
    let wrong: [fn(PlaceGttLeg) -> PlaceGttLeg; 4] = [
        |leg| PlaceGttLeg {
            trigger_e4: leg.trigger_e4 + 1,
            ..leg
        },
        |leg| PlaceGttLeg {
            price_e4: leg.price_e4 + 1,
            ..leg
        },
        |leg| PlaceGttLeg {
            product: Product::Nrml,
            ..leg
        },
        |leg| PlaceGttLeg {
            quantity: 100_001,
            ..leg
        },
    ];
    let mut lax = Rules::strict_2026();
    lax.triggers.checked = false;
    for change in wrong {
        assert!(set(&mut still(Rules::strict_2026()), |e4| change(below(e4))).is_err());
        assert!(set(&mut still(lax.clone()), |e4| change(below(e4))).is_ok());
    }
    assert!(set(&mut still(Rules::strict_2026()), below).is_ok());
}

#[test]
fn of_what_is_cheap_a_trigger_is_some_paise_away() {
    let mut rules = Rules::strict_2026();
    // As if a share of some ₹1,500 were cheap.
    (rules.triggers.cheap_below_e4, rules.triggers.nearest_e4) = (100_000_000, 400_000);
    let away = |e4: i64| move |last_e4: i64| leg(last_e4 - e4, Side::Sell);

    assert!(set(&mut still(rules.clone()), away(300_000)).is_err());
    assert!(set(&mut still(rules), away(400_000)).is_ok());
    assert!(set(&mut still(Rules::strict_2026()), away(300_000)).is_ok());
}

#[test]
fn a_trailing_trigger_waits_where_its_order_would_lose() {
    let trailing = |side: Side, away_e4: i64| {
        let mut exchange = still(Rules::strict_2026());
        let (last_e4, now_ns) = (last_e4(&exchange), exchange.now_ns());
        let leg = PlaceGttLeg {
            trail_e4: 10_000,
            ..leg(last_e4 + away_e4, side)
        };
        exchange.place_gtt(0, &asked(GttKind::TrailingSingle, vec![leg]), now_ns)
    };

    assert!(trailing(Side::Sell, -200_000).is_ok());
    assert!(trailing(Side::Buy, 200_000).is_ok());
    assert!(trailing(Side::Sell, 200_000).is_err());
    assert!(trailing(Side::Buy, -200_000).is_err());
}

/// Over a day that moves, a trailing stop ends where the day's own prints say: it is placed at the price that it had
/// followed to.
#[test]
fn a_fired_trailing_trigger_places_its_order_where_it_had_followed_to() {
    let mut exchange = moving(5);
    let (last_e4, now_ns) = (last_e4(&exchange), exchange.now_ns());
    let stop = PlaceGttLeg {
        trail_e4: 5_000,
        price_e4: last_e4 - 80_000,
        ..leg(last_e4 - 60_000, Side::Sell)
    };
    let id = exchange
        .place_gtt(0, &asked(GttKind::TrailingSingle, vec![stop]), now_ns)
        .expect("taken");

    while exchange.gtts.of(0, id).expect("set").is_active() && !exchange.market.ended() {
        exchange.advance(exchange.market.next_cut_ns());
    }

    let leg = &exchange.gtts.of(0, id).expect("set").legs[0];
    let outcome = leg
        .result
        .as_ref()
        .expect("a day has a fall of six rupees in it");
    assert!(outcome.print_e4 <= leg.trigger_e4());
    let order = exchange.find(0, outcome.order.as_ref().expect("placed"));
    let order = &exchange.orders[order.expect("in the book")];
    assert_eq!(order.history[0].price_e4, leg.price_e4());
    assert_eq!(leg.price_e4() - stop.price_e4, leg.followed_e4);
}

proptest! {
    /// A stop follows the best print by whole steps, or by all of it, never turns back, and keeps its distance.
    #[test]
    fn a_leg_follows_the_best_print(
        prints in prop::collection::vec((0_i64..2_000, 0_i64..200), 1..60),
        rising: bool,
        in_steps: bool,
        trail in 1_i64..50,
    ) {
        let from_e4 = 1_000_000;
        let side = if rising { Side::Buy } else { Side::Sell };
        let away_e4 = if rising { 50_000 } else { -50_000 };
        let asked = PlaceGttLeg { trail_e4: trail * 500, ..leg(from_e4 + away_e4, side) };
        let mut leg = GttLeg { asked, rising, from_e4, followed_e4: 0, result: None };
        let (mut best_e4, mut before_e4) = (0, 0);
        for (low, wide) in prints {
            let (low_e4, high_e4) = (from_e4 + (low - 1_000) * 500, from_e4 + (low - 1_000 + wide) * 500);
            leg.follow((low_e4, high_e4), in_steps);
            best_e4 = best_e4.max(if rising { from_e4 - low_e4 } else { high_e4 - from_e4 });
            let wanted_e4 = if in_steps { best_e4 / asked.trail_e4 * asked.trail_e4 } else { best_e4 };

            prop_assert_eq!(leg.followed_e4, wanted_e4);
            prop_assert!(leg.followed_e4 >= before_e4);
            let moved_e4 = if rising { -wanted_e4 } else { wanted_e4 };
            prop_assert_eq!(leg.trigger_e4(), asked.trigger_e4 + moved_e4);
            before_e4 = leg.followed_e4;
        }
    }

    /// What is not printed moves and fires nothing.
    #[test]
    fn a_step_without_a_print_is_none(trigger_e4 in 1_i64..2_000_000) {
        let asked = PlaceGttLeg { trail_e4: 500, ..leg(trigger_e4, Side::Sell) };
        let mut leg = GttLeg { asked, rising: false, from_e4: 1_000_000, followed_e4: 0, result: None };
        leg.follow((i64::MAX, i64::MIN), true);
        prop_assert_eq!(leg.followed_e4, 0);
        let gtt = Gtt {
            id: 1,
            account: 0,
            kind: GttKind::TrailingSingle,
            listing: 0,
            last_e4: 1_000_000,
            legs: vec![leg],
            status: GttStatus::Active,
            created_ns: 0,
            updated_ns: 0,
        };
        prop_assert_eq!(gtt.fires((i64::MAX, i64::MIN)), None);
    }
}

#[test]
fn a_step_in_which_nothing_was_paid_fires_and_moves_no_trigger() {
    let mut exchange = still(Rules::strict_2026());
    let unpaid = (i64::MAX, i64::MIN);
    for away_e4 in [-200_000, 200_000] {
        set(&mut exchange, |last_e4| leg(last_e4 + away_e4, Side::Sell)).expect("taken");
    }

    for trigger in &exchange.gtts.0 {
        assert_eq!(trigger.fires(unpaid), None);
        let mut leg = trigger.legs[0].clone();
        leg.asked.trail_e4 = 10_000;
        leg.follow(unpaid, true);
        assert_eq!(leg.followed_e4, 0);
    }
}
