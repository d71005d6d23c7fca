use proptest::prelude::*;

use super::clock::{HOUR_NS, MINUTE_NS};
use super::*;
use crate::exchange::hours::{Hours as Kept, timetable};
use crate::terms::{Exchange, InstrumentKind};

fn day(text: &str) -> Day {
    Day::parse(text).expect("a day")
}

const fn at(hour: i64, minute: i64) -> i64 {
    hour * HOUR_NS + minute * MINUTE_NS
}

/// Every day of the years that the tables know.
fn known_days() -> impl Iterator<Item = Day> {
    (day("2022-01-01").0..=day("2026-12-31").0).map(Day)
}

fn days(expiries: Vec<Expiry>) -> Vec<String> {
    expiries
        .iter()
        .map(|expiry| expiry.day.to_string())
        .collect()
}

#[test]
fn gate_exchange_and_bars_agree_on_every_known_day() {
    let (settled, guessed) = (Calendar::shipped(), Calendar::with_guesses());
    for day in known_days() {
        for &segment in Segment::ALL {
            let trades = settled.trades(day, segment);
            let kept = timetable(&guessed, Kept::Dated, segment, day, 1).continuous_ns();
            let shown = settled.continuous_ns(day, segment);
            assert!(settled.covers(day) && shown.is_some());
            assert_eq!(kept, shown.filter(|_| trades), "{day} {}", segment.name());
            if let Some(hours) = settled.hours(day, segment) {
                assert_eq!(Some((hours.open_ns, hours.exit_until_ns)), kept, "{day}");
                assert!(hours.broker_square_off_ns - hours.mis_square_off_ns >= 5 * MINUTE_NS);
                assert!(hours.open_ns < hours.mis_entry_until_ns);
                assert!(hours.mis_entry_until_ns < hours.mis_square_off_ns);
                assert!(hours.broker_square_off_ns < hours.exit_until_ns);
            }
            // What the gate judges has hours on each day that trades; currencies and commodities have none here.
            let judged = !matches!(
                segment,
                Segment::Index | Segment::Currency | Segment::CurrencyEnding | Segment::Commodity
            );
            assert_eq!(settled.hours(day, segment).is_some(), trades && judged);
        }
    }
}

#[test]
fn a_closed_weekday_is_a_holiday_and_an_open_weekend_a_special_session() {
    let calendar = Calendar::shipped();
    let open = |day: &Day| calendar.trades(*day, Segment::Future);
    let closed = known_days().filter(|day| !day.is_weekend() && !open(day));
    let special = known_days().filter(|day| day.is_weekend() && open(day));

    assert_eq!(closed.count(), 75);
    assert_eq!(
        special.map(|day| day.to_string()).collect::<Vec<_>>(),
        ["2024-01-20", "2025-02-01"]
    );
}

#[test]
fn a_day_outside_the_tables_has_nothing() {
    let calendar = Calendar::shipped();
    for text in ["2021-12-31", "2027-01-01", "1999-12-31", "2050-06-01"] {
        let day = day(text);
        assert!(!calendar.covers(day));
        for &segment in Segment::ALL {
            assert!(!calendar.trades(day, segment));
            assert_eq!(calendar.hours(day, segment), None, "{text}");
            assert_eq!(calendar.trading_day_back(day, segment), None);
        }
        assert_eq!(calendar.expiries("NFO:NIFTY", day, 1), []);
    }
    let late = calendar.expiries("NFO:NIFTY", day("2026-12-24"), 5);
    assert_eq!(days(late), ["2026-12-29"], "the next one is next year's");
}

#[test]
fn a_guess_is_taken_only_by_who_asks_for_guesses() {
    let republic_day = day("2027-01-26");
    assert_eq!(
        republic_day.weekday(),
        1,
        "a Tuesday, on which NSE's contracts end"
    );
    let (settled, guessed) = (Calendar::shipped(), Calendar::with_guesses());

    let january = guessed.monthly_expiries("NFO:NIFTY", day("2027-01-01"), 1);
    assert_eq!(days(january), ["2027-01-25"]);
    assert_eq!(
        settled.monthly_expiries("NFO:NIFTY", day("2027-01-01"), 1),
        []
    );
    assert!(!guessed.trades(republic_day, Segment::Future));
    assert_eq!(settled.freeze("NFO:RELIANCE", day("2026-11-19")), None);
    assert_eq!(
        guessed.freeze("NFO:RELIANCE", day("2026-11-19")),
        Some(Freeze::Lots(40))
    );
}

#[test]
fn the_hours_of_a_day_are_those_then_in_force() {
    let calendar = Calendar::shipped();
    let hours = |text: &str, segment| {
        let hours = calendar.hours(day(text), segment).expect("hours");
        (hours.exit_until_ns, hours.mis_square_off_ns)
    };
    for text in ["2022-09-30", "2022-11-24", "2024-06-03", "2026-07-31"] {
        for segment in [Segment::ShareWithDerivatives, Segment::OtherShare] {
            assert_eq!(hours(text, segment), (at(15, 30), at(15, 15)), "{text}");
        }
        assert_eq!(hours(text, Segment::Option), (at(15, 30), at(15, 20)));
    }
    let since = "2026-08-03";
    assert_eq!(
        hours(since, Segment::ShareWithDerivatives),
        (at(15, 15), at(15, 5))
    );
    assert_eq!(hours(since, Segment::OtherShare), (at(15, 30), at(15, 15)));
    assert_eq!(hours(since, Segment::Future), (at(15, 40), at(15, 20)));
}

#[test]
fn every_holiday_on_a_tuesday_moves_an_expiry_to_the_trading_day_before() {
    let calendar = Calendar::shipped();
    let next = |text: &str| calendar.expiries("NFO:NIFTY", day(text), 1)[0];
    for (holiday, expiry) in [
        ("2026-03-03", "2026-03-02"),
        ("2026-03-31", "2026-03-30"),
        ("2026-04-14", "2026-04-13"),
        ("2026-10-20", "2026-10-19"),
        ("2026-11-10", "2026-11-09"),
        ("2026-11-24", "2026-11-23"),
    ] {
        assert_eq!(next(expiry).day, day(expiry));
        assert!(next(holiday).day > day(holiday));
    }
    // November's last Tuesday is a holiday, and its contract ends on Monday.
    assert_eq!(
        next("2026-11-19"),
        Expiry {
            day: day("2026-11-23"),
            monthly: true
        }
    );
    assert_eq!(
        next("2026-11-24"),
        Expiry {
            day: day("2026-12-01"),
            monthly: false
        }
    );
}

#[test]
fn before_september_2025_expiries_fell_on_thursday() {
    let calendar = Calendar::shipped();
    let next = calendar.expiries("NFO:BANKNIFTY", day("2022-11-22"), 2);

    assert_eq!(days(next.clone()), ["2022-11-24", "2022-12-01"]);
    assert_eq!([next[0].monthly, next[1].monthly], [true, false]);
    let turn = calendar.expiries("NFO:NIFTY", day("2025-08-22"), 3);
    assert_eq!(days(turn), ["2025-08-28", "2025-09-02", "2025-09-09"]);
}

#[test]
fn dollars_oil_and_bse_expire_by_their_own_rules() {
    let calendar = Calendar::with_guesses();
    let from = |key: &str, text: &str, count| days(calendar.expiries(key, day(text), count));

    assert_eq!(
        from("CDS:USDINR", "2026-11-19", 3),
        ["2026-11-26", "2026-12-29", "2027-01-27"]
    );
    assert_eq!(from("CDS:USDINR", "2026-11-26", 1), ["2026-11-26"]);
    assert_eq!(
        from("MCX:CRUDEOIL", "2026-11-19", 2),
        ["2026-11-19", "2026-12-18"]
    );
    assert_eq!(
        from("BFO:SENSEX", "2026-11-19", 2),
        ["2026-11-26", "2026-12-31"]
    );
    assert_eq!(from("NCO:GOLD", "2026-11-19", 1), [""; 0]);
}

#[test]
fn lots_are_those_of_the_expiry_and_freeze_quantities_those_of_the_day() {
    let calendar = Calendar::with_guesses();
    let lots = |key| {
        [
            "2020-06-24",
            "2022-11-24",
            "2024-01-24",
            "2024-08-24",
            "2025-03-24",
            "2025-08-24",
            "2026-11-24",
        ]
        .map(|expiry| calendar.lot(key, day(expiry)).expect("a lot"))
    };
    assert_eq!(lots("NFO:NIFTY"), [75, 50, 50, 25, 75, 75, 65]);
    assert_eq!(lots("NFO:BANKNIFTY"), [25, 25, 15, 15, 30, 35, 30]);
    let freeze = |text| {
        calendar
            .freeze("NFO:BANKNIFTY", day(text))
            .map(|f| f.units(1))
    };
    for (text, units) in [
        ("2025-06-30", 900),
        ("2025-07-01", 600),
        ("2025-09-01", 900),
        ("2025-11-03", 600),
        ("2026-11-19", 600),
    ] {
        assert_eq!(freeze(text), Some(units), "{text}");
    }
    assert_eq!(
        calendar
            .freeze("NFO:INFY", day("2026-11-19"))
            .map(|f| f.units(400)),
        Some(16_000)
    );
}

#[test]
fn a_share_among_contracts_has_no_segment() {
    for exchange in Exchange::ALL {
        for kind in InstrumentKind::ALL {
            let segment = Segment::of(*kind, *exchange, true, false);
            let cash = matches!(exchange, Exchange::Nse | Exchange::Bse);
            let fits = *kind == InstrumentKind::Index || cash == (*kind == InstrumentKind::Cash);
            assert_eq!(segment.is_some(), fits, "{kind} at {exchange}");
        }
    }
}

#[test]
fn of_several_rows_the_later_one_wins() {
    let own = "day,*,weekdays,2027-01-01,2027-12-31,,a list of my own
day,*,closed,2027-03-09,2027-03-09,,a holiday
day,shares,open,2027-03-09,2027-03-09,,but shares trade
freeze,NFO:NIFTY,900,2026-11-19,2026-11-19,,a day of fear
expiry,NFO:NIFTY,2026-12-09,2026-12-01,2026-12-31,,moved";
    let calendar = Calendar::read(own, false).unwrap();

    assert!(calendar.covers(day("2027-12-31")) && !calendar.covers(day("2028-01-03")));
    assert!(!calendar.trades(day("2027-03-09"), Segment::Future));
    assert!(calendar.trades(day("2027-03-09"), Segment::ShareWithDerivatives));
    let freeze = |text| calendar.freeze("NFO:NIFTY", day(text)).map(|f| f.units(1));
    assert_eq!(
        ["2026-11-18", "2026-11-19", "2026-11-20"].map(freeze),
        [Some(1800), Some(900), Some(1800)]
    );
    assert_eq!(
        days(calendar.expiries("NFO:NIFTY", day("2026-12-01"), 2)),
        ["2026-12-09", "2027-01-05"]
    );
    assert_ne!(calendar.sha256(), Calendar::shipped().sha256());
}

#[test]
fn a_row_that_cannot_be_read_is_named() {
    for (row, wanted) in [
        ("day,*,weekdays,2027-01-01,2027-12-31,", "the seven columns"),
        ("days,*,weekdays,2027-01-01,,,mine", "one of day, phases"),
        (
            "day,*,sometimes,2027-01-01,2027-01-01,,mine",
            "weekdays, open or closed",
        ),
        (
            "day,gold,open,2027-01-01,2027-01-01,,mine",
            "a segment (indices",
        ),
        ("day,*,open,2027-01-01,,,mine", "within two hundred years"),
        ("day,*,open,2027-02-29,,,mine", "a date YYYY-MM-DD"),
        (
            "day,*,open,2027-02-02,2027-02-01,,mine",
            "a valid_to not before",
        ),
        ("day,*,open,2027-02-02,2027-02-02,no,mine", "yes or nothing"),
        (
            "day,*,open,2027-02-02,2027-02-02,,",
            "a key, a value and a source",
        ),
        (
            "phases,shares,09:15 open 15:30 closed,2027-01-01,,,mine",
            "phases as in",
        ),
        (
            "phases,shares,15:30 closed | 09:15 open,2027-01-01,,,mine",
            "phases as in",
        ),
        (
            "phases,shares,09:15 halted,2027-01-01,,,mine",
            "phases as in",
        ),
        ("square off,shares,3 pm,2027-01-01,,,mine", "a time HH:MM"),
        (
            "expiry,NFO:X,sunday,2027-01-01,,,mine",
            "tuesday, last tuesday",
        ),
        (
            "expiry,NFO:X,day 29,2027-01-01,,,mine",
            "tuesday, last tuesday",
        ),
        ("lot,NFO:X,0,2027-01-01,,,mine", "a whole number above 0"),
        (
            "freeze,NFO:X,many lots,2027-01-01,,,mine",
            "units as in 1800",
        ),
    ] {
        let bad = Calendar::read(&format!("# mine\n{row}\n"), true).unwrap_err();
        assert_eq!(bad.line, 2, "{row}");
        assert!(bad.wanted.contains(wanted), "{row}: {bad}");
    }
}

proptest! {
    #[test]
    fn an_expiry_is_a_trading_day_not_before_the_day(days in 11_000_i32..22_000) {
        let calendar = Calendar::with_guesses();
        let expiry = calendar.expiries("NFO:NIFTY", Day(days), 1)[0];
        prop_assert!(expiry.day >= Day(days) && expiry.day.0 - days <= 14);
        prop_assert!(calendar.trades(expiry.day, Segment::Future));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(day|phases|expiry|freeze|lot)?,?[*a-z0-9:,| -]{0,60}\n?.{0,80}") {
        let _ = Calendar::read(&text, true);
    }
}
