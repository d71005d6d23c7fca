//! A day of which only some instruments make every step is the day of which all do.

use crate::calendar::clock::{HOUR_NS, MINUTE_NS, SECOND_NS, at_ns};
use crate::exchange::hours::Hours;
use crate::exchange::market::path::Synthetic;
use crate::exchange::market::simulated::{Market, Opening};
use crate::exchange::market::universe::Universe;
use crate::exchange::rules::Rules;
use crate::exchange::state::Exchange;
use crate::exchange::tests::exchanges::{DAY, unlimited};
use crate::exchange::views::json_value::Value;
use crate::exchange::views::orders;
use crate::exchange::views::portfolio;
use crate::terms::{self, Side};
use proptest::prelude::*;

fn exchange(seed: u64, hours: Hours) -> Exchange {
    let (previous_close, path) = Synthetic::new(seed, DAY, SECOND_NS);
    let market = Market::open(Opening {
        day: DAY,
        previous_close,
        path: Box::new(path),
        seed,
        step_ns: SECOND_NS,
        universe: Universe::House,
        hours,
        open_ns: at_ns(DAY, 9 * HOUR_NS),
    });
    let users = ["A", "B"].map(String::from);
    let mut exchange = Exchange::new(market, unlimited(Rules::strict_2026()), &users);
    exchange.advance(at_ns(DAY, 9 * HOUR_NS + 20 * MINUTE_NS));
    exchange
}

#[derive(Clone, Debug)]
struct Deed {
    after_s: i64,
    user: usize,
    share: bool,
    buys: bool,
    /// Of the last price, in 1/1000: how far the limit lies away, below for a buyer.
    away: i64,
    stop: bool,
    product: &'static str,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = (
        0_i64..4_000,
        0_usize..2,
        any::<bool>(),
        any::<bool>(),
        -3_i64..25,
        prop::bool::weighted(0.3),
        prop_oneof![Just("MIS"), Just("NRML")],
    )
        .prop_map(|(after_s, user, share, buys, away, stop, product)| Deed {
            after_s,
            user,
            share,
            buys,
            away,
            stop,
            product: if share { "MIS" } else { product },
        });
    prop::collection::vec(deed, 1..8)
}

fn place(exchange: &mut Exchange, deed: &Deed) {
    let future = exchange
        .market
        .listings
        .iter()
        .position(|listing| listing.instrument.kind == crate::terms::InstrumentKind::Future)
        .expect("a future is listed");
    let listing = if deed.share {
        exchange
            .market
            .by_symbol(terms::Exchange::Nse, "INFY")
            .expect("listed")
    } else {
        future
    };
    let row = exchange.market.listings[listing].instrument.clone();
    let last_e4 = exchange.market.listings[listing].day.last_e4;
    let sign = if deed.buys == deed.stop { 1 } else { -1 };
    let price_e4 = (last_e4 + sign * last_e4 * deed.away / 1_000) / row.tick_e4 * row.tick_e4;
    let rupees = |e4: i64| format!("{}.{:04}", e4 / 10_000, e4 % 10_000);
    let mut fields = vec![
        ("exchange", row.exchange.name().to_owned()),
        ("tradingsymbol", row.tradingsymbol.clone()),
        (
            "transaction_type",
            if deed.buys { "BUY" } else { "SELL" }.to_owned(),
        ),
        ("quantity", row.lot.to_string()),
        ("product", deed.product.to_owned()),
        (
            "order_type",
            if deed.stop { "SL" } else { "LIMIT" }.to_owned(),
        ),
        ("price", rupees(price_e4)),
    ];
    if deed.stop {
        fields.push(("trigger_price", rupees(price_e4)));
    }
    let fields: Vec<(String, String)> = fields
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text))
        .collect();
    let now_ns = exchange.now_ns();
    // Refused or not: both exchanges hear the same.
    let _ = exchange.place_form(deed.user, "regular", &fields, now_ns);
}

fn told(exchange: &Exchange) -> (Vec<Value>, Vec<String>) {
    let users = 0..2;
    let views = users
        .flat_map(|user| {
            [
                orders::orders(exchange, user),
                orders::trades(exchange, user),
                portfolio::positions(exchange, user),
                portfolio::margins(exchange, user),
            ]
        })
        .collect();
    // All that anybody can see of an instrument, and what others are priced by.
    let market = exchange.market.listings.iter().map(|listing| {
        let depth = [Side::Buy, Side::Sell].map(|side| listing.depth(side));
        let candles = listing.minutes.all();
        format!(
            "{} {:?} {depth:?} {:?} {:?} {} {} {:?} {}",
            listing.instrument.tradingsymbol,
            listing.day,
            listing.prints_e4,
            listing.phase,
            listing.changed_ns,
            candles.len(),
            candles.last(),
            listing.fair(),
        )
    });
    (views, market.collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn who_asks_seldom_is_told_the_same_as_who_looks_at_every_step(
        seed in 1_u64..1_000,
        dated in any::<bool>(),
        deeds in deeds(),
        until_s in 0_i64..600,
    ) {
        let hours = if dated { Hours::Dated } else { Hours::Plain };
        let (mut seldom, mut always) = (exchange(seed, hours), exchange(seed, hours));
        let mut at_ns = seldom.now_ns();
        let (mut said, mut heard) = (Vec::new(), Vec::new());
        for deed in deeds.iter().map(Some).chain([None]) {
            at_ns += deed.map_or(until_s, |deed| deed.after_s) * SECOND_NS;
            seldom.advance(at_ns);
            while always.market.next_cut_ns() <= at_ns {
                let cut_ns = always.market.next_cut_ns();
                always.advance(cut_ns);
            }
            if let Some(deed) = deed {
                place(&mut seldom, deed);
                place(&mut always, deed);
            }
            said.extend(seldom.take_frames());
            heard.extend(always.take_frames());
            prop_assert_eq!(&said, &heard);
            let (one, other) = (told(&seldom), told(&always));
            prop_assert_eq!(one.0, other.0);
            for (one, other) in one.1.iter().zip(&other.1) {
                prop_assert_eq!(one, other);
            }
        }
    }
}
