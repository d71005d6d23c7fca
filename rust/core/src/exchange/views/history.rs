//! `GET /instruments/historical/{token}/{interval}`: candles of today as they were, and of the days before as they
//! would have been.

use crate::calendar::clock::{DAY_NS, IST_NS, time_of_day};
use crate::calendar::{Calendar, Day};
use crate::exchange::market::candles::{Candle, Interval};
use crate::exchange::market::instruments::Instrument;
use crate::exchange::market::listing::Listing;
use crate::exchange::market::simulated::Market;
use crate::exchange::market::synthetic_history::{FIRST_DAY, Mover, listed_from, minutes};
use crate::exchange::refusal::Refusal;
use crate::exchange::rules::Spans;
use crate::exchange::state::Exchange;
use crate::exchange::views::json_value::{Value, object};
use crate::terms::InstrumentKind;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    pub interval: Interval,
    pub from: Moment,
    pub to: Moment,
    /// The future of each month, one after the other.
    pub continuous: bool,
    pub oi: bool,
}

/// A date and a time of it, of any year: ns UTC end in 2262.
pub type Moment = (Day, i64);

impl Spans {
    /// The most days of one request.
    pub(in crate::exchange) fn days(&self, interval: Interval) -> i32 {
        match interval {
            Interval::Minutes(1) => self.minute,
            Interval::Minutes(..=10) => self.few_minutes,
            Interval::Minutes(..=30) => self.half_hour,
            Interval::Minutes(_) => self.hour,
            Interval::Day => self.day,
        }
    }
}

/// The candles that there are of a wish, oldest first.
pub fn candles(exchange: &Exchange, token: &str, wish: &Wish) -> Result<Value, Refusal> {
    let index = token
        .parse()
        .ok()
        .and_then(|token| exchange.market.by_token(token));
    let index = index.ok_or_else(|| Refusal::input("invalid token"))?;
    let market = &exchange.market;
    let listing = &market.listings[index];
    let months = wish.continuous && listing.instrument.kind == InstrumentKind::Future;
    if months && wish.interval != Interval::Day {
        return Err(Refusal::input(
            "invalid interval: contracts that have expired have candles of days only",
        ));
    }
    let mut shown = wish.interval.gather(&before(market, listing, wish, months));
    let mut today = wish.interval.gather(listing.minutes.all());
    // A day's candle ends with the closing price, which need not be the last one.
    if let (Interval::Day, Some(last), Some(closed_e4)) =
        (wish.interval, today.last_mut(), listing.closed_e4())
    {
        last.close_e4 = closed_e4;
    }
    shown.extend(today);
    let rows = shown.iter().filter(|candle| wish.holds(candle.start_ns));
    let rows: Value = rows.map(|candle| row(candle, wish.oi)).collect();
    Ok(object! { candles: rows })
}

impl Wish {
    fn holds(&self, start_ns: i64) -> bool {
        let day = Day::at(start_ns);
        if self.interval == Interval::Day {
            return (self.from.0..=self.to.0).contains(&day);
        }
        let of_day_ns = (start_ns + IST_NS).rem_euclid(DAY_NS);
        (self.from..=self.to).contains(&(day, of_day_ns))
    }
}

/// The minutes of the days before today.
fn before(market: &Market, listing: &Listing, wish: &Wish, months: bool) -> Vec<Candle> {
    let underlying = market.underlying(listing).unwrap_or(listing);
    let mover = Mover {
        calendar: &market.calendar,
        seed: market.seed,
        instrument: &underlying.instrument,
        nature: underlying.nature,
    };
    let mut from = wish.from.0.max(FIRST_DAY);
    if let (Some(first), false) = (listed_from(&listing.instrument), months) {
        from = from.max(first);
    }
    let to = wish.to.0.min(market.day);
    minutes(
        &mover,
        &listing.instrument,
        listing.nature,
        market.day,
        (from, to),
        |value, time_ns| {
            if months {
                let instrument = &of_month(&market.calendar, &listing.instrument, time_ns);
                return listing.worth(instrument, value, time_ns);
            }
            listing.worth(&listing.instrument, value, time_ns)
        },
    )
}

/// The contract that was the nearest on a day.
fn of_month(calendar: &Calendar, future: &Instrument, time_ns: i64) -> Instrument {
    let key = format!("{}:{}", future.exchange, future.name);
    let months = calendar.monthly_expiries(&key, Day::at(time_ns), 1);
    Instrument {
        expiry: months.first().map(|month| month.day),
        ..future.clone()
    }
}

/// The stamp's offset has no colon: the official clients want it so.
fn row(candle: &Candle, oi: bool) -> Value {
    let stamp = format!(
        "{}T{}+0530",
        Day::at(candle.start_ns),
        time_of_day(candle.start_ns)
    );
    let mut row = vec![
        Value::from(stamp),
        Value::Rupees(candle.open_e4),
        Value::Rupees(candle.high_e4),
        Value::Rupees(candle.low_e4),
        Value::Rupees(candle.close_e4),
        Value::Int(candle.volume),
    ];
    if oi {
        row.push(Value::Int(candle.oi));
    }
    Value::List(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::clock::at_ns;
    use crate::calendar::clock::{OPEN_NS, SECOND_NS};
    use crate::exchange::forms::history;
    use crate::exchange::market::path::Synthetic;
    use crate::exchange::rules::Rules;
    use proptest::prelude::*;

    fn exchange(seed: u64) -> Exchange {
        let day = Day::of(2026, 11, 19);
        let (close, path) = Synthetic::new(seed, day, SECOND_NS);
        let market = Market::new(day, close, Box::new(path), seed, SECOND_NS);
        let mut exchange = Exchange::new(market, Rules::strict_2026(), &["U".into()]);
        exchange.advance(at_ns(day, OPEN_NS) + 600 * SECOND_NS);
        exchange
    }

    fn wish(interval: &str, from: &str, to: &str, rules: &Rules) -> Result<Wish, Refusal> {
        let fields = [("from", from), ("to", to), ("oi", "1")];
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, text)| (String::from(*name), String::from(*text)))
            .collect();
        history::wish(interval, &fields, rules)
    }

    fn rows(
        exchange: &Exchange,
        symbol: &str,
        interval: &str,
        from: &str,
        to: &str,
    ) -> Vec<Vec<Value>> {
        let listing = exchange
            .market
            .listings
            .iter()
            .find(|l| l.instrument.tradingsymbol == symbol)
            .expect("listed");
        let wish = wish(interval, from, to, &exchange.rules).expect("within the span");
        let answer =
            candles(exchange, &listing.instrument.token.to_string(), &wish).expect("a known token");
        let Some(Value::List(rows)) = answer.get("candles").cloned() else {
            panic!("no candles")
        };
        rows.into_iter()
            .map(|row| match row {
                Value::List(row) => row,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn e4(value: &Value) -> i64 {
        match value {
            Value::Rupees(e4) => *e4,
            other => panic!("{other:?}"),
        }
    }

    const WEEK: (&str, &str) = ("2026-11-12", "2026-11-18");
    const KINDS: [&str; 5] = ["NIFTY 50", "NIFTY BANK", "INFY", "NIFTY26NOVFUT", "SBIN"];

    #[test]
    fn a_day_is_what_its_minutes_make() {
        let exchange = exchange(1);
        for symbol in KINDS {
            let days = rows(&exchange, symbol, "day", WEEK.0, WEEK.1);
            let minutes = rows(&exchange, symbol, "minute", WEEK.0, WEEK.1);

            assert_eq!((days.len(), minutes.len()), (5, 5 * 375), "{symbol}");
            for (day, minutes) in days.iter().zip(minutes.chunks(375)) {
                assert_eq!(day[1], minutes[0][1]);
                assert_eq!(
                    e4(&day[2]),
                    minutes.iter().map(|m| e4(&m[2])).max().expect("some")
                );
                assert_eq!(
                    e4(&day[3]),
                    minutes.iter().map(|m| e4(&m[3])).min().expect("some")
                );
                assert_eq!(day[4], minutes[374][4]);
            }
        }
    }

    #[test]
    fn yesterday_ended_where_today_says_it_did() {
        let exchange = exchange(2);
        for symbol in ["NIFTY 50", "NIFTY BANK", "INFY", "SBIN"] {
            let listing = exchange
                .market
                .listings
                .iter()
                .find(|l| l.instrument.tradingsymbol == symbol)
                .expect("listed");
            let days = rows(&exchange, symbol, "day", "2026-11-18", "2026-11-18");
            let close_e4 = listing.instrument.previous_close_e4;
            assert!(
                (e4(&days[0][4]) - close_e4).abs() <= listing.instrument.tick_e4.max(500),
                "{symbol} {days:?} {close_e4}"
            );
        }
    }

    #[test]
    fn two_exchanges_of_a_seed_remember_the_same_days_and_another_seed_other_ones() {
        let days = |seed| rows(&exchange(seed), "TCS", "day", "2024-01-01", "2026-11-18");

        assert_eq!(days(1), days(1));
        assert_ne!(days(1), days(2));
        assert!(days(1).len() > 600);
    }

    #[test]
    fn today_is_as_it_was_printed_and_not_further() {
        let exchange = exchange(1);
        let today = rows(&exchange, "INFY", "minute", "2026-11-19", "2026-11-19");
        let infy = exchange
            .market
            .listings
            .iter()
            .find(|l| l.instrument.tradingsymbol == "INFY")
            .expect("listed");

        assert_eq!(today.len(), 11, "09:15 to 09:25");
        assert_eq!(today[0][0], Value::from("2026-11-19T09:15:00+0530"));
        assert_eq!(e4(&today[0][1]), infy.day.open_e4);
        assert_eq!(e4(&today[10][4]), infy.day.last_e4);
        let volume: i64 = today
            .iter()
            .map(|row| match row[5] {
                Value::Int(volume) => volume,
                _ => panic!("{row:?}"),
            })
            .sum();
        assert_eq!(volume, infy.day.volume);
        let day = rows(&exchange, "INFY", "day", "2026-11-19", "2026-11-19");
        assert_eq!(
            (e4(&day[0][2]), e4(&day[0][3])),
            (infy.day.high_e4, infy.day.low_e4)
        );
    }

    #[test]
    fn a_contract_has_candles_from_its_listing_on_and_a_continuous_one_from_before() {
        let exchange = exchange(1);
        let fields: Vec<_> = [
            ("from", "2022-01-01"),
            ("to", "2026-11-18"),
            ("continuous", "1"),
        ]
        .iter()
        .map(|(name, text)| (String::from(*name), String::from(*text)))
        .collect();
        let future = &exchange.market.listings[2].instrument;
        assert_eq!(future.kind, InstrumentKind::Future);

        let own = rows(
            &exchange,
            &future.tradingsymbol,
            "day",
            "2022-01-01",
            "2026-11-18",
        );
        let wish = history::wish("day", &fields, &exchange.rules).expect("within the span");
        let all = candles(&exchange, &future.token.to_string(), &wish).expect("a known token");

        assert!(own.len() < 65, "{}", own.len());
        let Some(Value::List(all)) = all.get("candles") else {
            panic!("no candles")
        };
        assert!(all.len() > 1000);
        let minutes = history::wish("minute", &fields[..0], &exchange.rules);
        assert!(minutes.is_err());
        let short: Vec<_> = [
            ("from", "2026-11-17"),
            ("to", "2026-11-18"),
            ("continuous", "1"),
        ]
        .iter()
        .map(|(name, text)| (String::from(*name), String::from(*text)))
        .collect();
        let minutes = history::wish("minute", &short, &exchange.rules).expect("within the span");
        assert!(candles(&exchange, &future.token.to_string(), &minutes).is_err());
    }

    #[test]
    fn spans_are_the_profiles() {
        let (strict, legacy) = (Rules::strict_2026(), Rules::legacy());
        let to = Day::of(2026, 11, 19);
        for (interval, strict_days, legacy_days) in [
            ("minute", 60, 30),
            ("3minute", 100, 90),
            ("10minute", 100, 90),
            ("15minute", 200, 180),
            ("30minute", 200, 180),
            ("60minute", 400, 365),
            ("day", 2000, 2000),
        ] {
            for (rules, most) in [(&strict, strict_days), (&legacy, legacy_days)] {
                let from = |days: i32| Day(to.0 - days).to_string();
                assert!(wish(interval, &from(most), &to.to_string(), rules).is_ok());
                let refusal = wish(interval, &from(most + 1), &to.to_string(), rules);
                assert_eq!(
                    refusal.expect_err("too long").message,
                    format!("interval exceeds max limit: {most} days")
                );
            }
        }
        assert!(wish("hour", "2026-11-01", "2026-11-02", &legacy).is_ok());
        assert!(wish("hour", "2026-11-01", "2026-11-02", &strict).is_err());
    }

    proptest! {
        #[test]
        fn no_words_of_a_wish_make_it_fall_over(from in "[0-9T: -]{0,22}", to in "[0-9T: -]{0,22}", interval in "[0-9a-z]{0,9}") {
            let _ = wish(&interval, &from, &to, &Rules::legacy());
        }

        #[test]
        fn dates_of_any_year_are_answered(year in 0..9999_i32, days in 0..60_i32) {
            let from = Day::of(year, 1, 1);
            let exchange = exchange(1);
            let found = rows(&exchange, "INFY", "day", &from.to_string(), &Day(from.0 + days).to_string());
            prop_assert!(found.len() <= 61);
        }
    }
}
