//! What is listed on a day.

use crate::calendar::Day;
use crate::exchange::market::instruments::Instrument;
use crate::exchange::market::universe::{Universe, universe_of};
use crate::terms::{Exchange, InstrumentKind};

fn rows(universe: Universe, day: &str) -> Vec<Instrument> {
    let day = Day::parse(day).expect("a day");
    let listed = universe_of(universe, day, 26_010.0, 26_040.0);
    listed.into_iter().map(|row| row.instrument).collect()
}

fn find<'a>(rows: &'a [Instrument], symbol: &str) -> &'a Instrument {
    rows.iter()
        .find(|row| row.tradingsymbol == symbol)
        .unwrap_or_else(|| panic!("{symbol} is not listed"))
}

#[test]
fn tokens_are_the_real_ones() {
    for universe in [Universe::House, Universe::Full] {
        let rows = rows(universe, "2026-11-19");
        let token = |symbol: &str, exchange| {
            rows.iter()
                .find(|row| row.tradingsymbol == symbol && row.exchange == exchange)
                .map(|row| row.token)
        };

        assert_eq!(token("NIFTY 50", Exchange::Nse), Some(256_265));
        assert_eq!(token("NIFTY BANK", Exchange::Nse), Some(260_105));
        assert_eq!(token("INFY", Exchange::Nse), Some(408_065));
        assert_eq!(token("SBIN", Exchange::Bse), Some(128_028_676));
    }
    let house = rows(Universe::House, "2026-11-19");
    assert_eq!(find(&house, "NIFTY26NOV25950CE").token, 10_189_826);
}

#[test]
fn tokens_and_symbols_are_unique() {
    for (universe, least) in [(Universe::House, 22), (Universe::Full, 3_000)] {
        let rows = rows(universe, "2026-11-19");
        let mut tokens: Vec<_> = rows.iter().map(|row| row.token).collect();
        let mut symbols: Vec<_> = rows
            .iter()
            .map(|row| (row.exchange, &row.tradingsymbol))
            .collect();
        tokens.sort_unstable();
        tokens.dedup();
        symbols.sort_unstable();
        symbols.dedup();

        assert_eq!((tokens.len(), symbols.len()), (rows.len(), rows.len()));
        assert!(rows.len() >= least, "{} instruments", rows.len());
    }
}

#[test]
fn the_full_universe_has_chains_futures_a_currency_and_a_commodity() {
    let rows = rows(Universe::Full, "2026-11-19");
    let of = |name: &str, kind: InstrumentKind| {
        rows.iter()
            .filter(|row| row.name == name && row.kind == kind)
            .collect::<Vec<_>>()
    };

    assert_eq!(
        rows.iter()
            .filter(|row| row.kind == InstrumentKind::Cash)
            .count(),
        51
    );
    for name in ["NIFTY", "BANKNIFTY", "RELIANCE", "TATASTEEL", "M&M"] {
        assert_eq!(of(name, InstrumentKind::Future).len(), 3, "{name}");
    }
    let strikes = |name, expiry: &str| {
        let expiry = Day::parse(expiry);
        of(name, InstrumentKind::Call)
            .iter()
            .filter(|row| row.expiry == expiry)
            .count()
    };
    assert_eq!(
        strikes("NIFTY", "2026-11-23"),
        61,
        "November's, a holiday early"
    );
    assert_eq!(strikes("NIFTY", "2026-12-01"), 61, "a week's");
    assert_eq!(strikes("BANKNIFTY", "2026-12-01"), 0, "no weekly ones");
    assert_eq!(strikes("BANKNIFTY", "2026-12-29"), 61);
    let dollar = find(&rows, "USDINR26NOVFUT");
    assert_eq!(
        (
            dollar.tick_e4,
            dollar.lot,
            dollar.multiplier,
            dollar.segment()
        ),
        (25, 1, 1000, "CDS-FUT")
    );
    let oil = find(&rows, "CRUDEOIL26DECFUT");
    assert_eq!(
        (oil.multiplier, oil.segment(), oil.token & 0xff),
        (100, "MCX-FUT", 7)
    );
}

#[test]
fn every_segment_of_the_wire_has_a_listing() {
    let rows = rows(Universe::Full, "2026-11-19");
    let futures = [
        ("SENSEX26NOVFUT", Exchange::Bfo, 5, "BFO-FUT", "2026-11-26"),
        ("USDINR26NOVFUT", Exchange::Cds, 3, "CDS-FUT", "2026-11-26"),
        ("USDINR26NOVFUT", Exchange::Bcd, 6, "BCD-FUT", "2026-11-26"),
        (
            "CRUDEOIL26DECFUT",
            Exchange::Mcx,
            7,
            "MCX-FUT",
            "2026-12-18",
        ),
        (
            "CRUDEOIL26DECFUT",
            Exchange::Nco,
            12,
            "NCO-FUT",
            "2026-12-18",
        ),
    ];
    for (symbol, exchange, last_byte, segment, expiry) in futures {
        let row = rows
            .iter()
            .find(|row| row.tradingsymbol == symbol && row.exchange == exchange)
            .unwrap_or_else(|| panic!("{symbol} is not listed at {exchange}"));

        assert_eq!((row.token & 0xff, row.segment()), (last_byte, segment));
        assert_eq!(row.expiry, Day::parse(expiry));
    }
    let sensex = find(&rows, "SENSEX");
    assert_eq!(
        (sensex.token, sensex.exchange, sensex.segment()),
        (265, Exchange::Bse, "INDICES")
    );
    let future = find(&rows, "SENSEX26NOVFUT");
    assert_eq!((future.lot, future.order_quantity_max()), (20, Some(1000)));
    let last_bytes: std::collections::BTreeSet<_> =
        rows.iter().map(|row| row.token & 0xff).collect();
    assert_eq!(last_bytes, [1, 2, 3, 4, 5, 6, 7, 9, 12].into());
}

#[test]
fn contracts_bear_the_names_of_their_expiry() {
    let november = rows(Universe::House, "2026-11-19");
    find(&november, "NIFTY26NOVFUT");
    find(&november, "NIFTY26NOV26050PE");

    let weekly = rows(Universe::House, "2026-11-27");
    find(&weekly, "NIFTY26DECFUT");
    find(&weekly, "NIFTY26D0126050PE");
}

#[test]
fn ticks_lots_and_freeze_quantities_are_those_of_the_day() {
    let rows = rows(Universe::Full, "2026-11-19");
    let of = |symbol: &str| find(&rows, symbol);

    assert_eq!(
        (
            of("INFY").tick_e4,
            of("SBIN").tick_e4,
            of("TATASTEEL").tick_e4
        ),
        (1000, 500, 100)
    );
    let future = of("NIFTY26NOVFUT");
    assert_eq!(
        (future.tick_e4, future.lot, future.order_quantity_max()),
        (1000, 65, Some(1755))
    );
    let bank = of("BANKNIFTY26NOVFUT");
    assert_eq!(
        (bank.tick_e4, bank.lot, bank.order_quantity_max()),
        (2000, 30, Some(600))
    );
    assert_eq!(of("NIFTY26NOV26050CE").tick_e4, 500);
    assert_eq!(of("TATASTEEL26NOVFUT").lot, 2750);
    assert_eq!(of("TATASTEEL26NOV172.5CE").tick_e4, 100);
    assert_eq!(of("INFY").order_quantity_max(), None);
}

#[test]
fn an_older_day_is_listed_by_its_own_numbers() {
    let rows = rows(Universe::Full, "2022-11-22");
    let future = find(&rows, "NIFTY22NOVFUT");

    assert_eq!((future.lot, future.tick_e4), (50, 500));
    assert_eq!(find(&rows, "BANKNIFTY22NOVFUT").lot, 25);
    assert_eq!(find(&rows, "TATASTEEL").tick_e4, 500);
}
