//! What the exchange lists on a day: the small universe of the house, or the full one of an exchange run for itself.

use crate::calendar::{Calendar, Day, Expiry};
use crate::exchange::market::contracts::{
    BANKNIFTY, INDEX_OPTION_TICK_E4, IndexContracts, NIFTY, SENSEX, future_symbol,
    index_future_tick_e4, option_symbol, share_tick_e4, stock_option_tick_e4,
};
use crate::exchange::market::instruments::{Instrument, RUPEE_E4};
use crate::exchange::market::option_chain::Chain;
use crate::exchange::market::options::Smile;
use crate::exchange::market::shares::{HOUSE_SHARES, Share, share_at_bse, shares};
use crate::exchange::market::unlisted_underlyings;
use crate::terms::{Exchange, Kind};

/// How much is listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Universe {
    /// 2 indices, one NIFTY future, 5 strikes of the week's options, 9 shares.
    #[default]
    House,
    /// 2 indices with three futures each, their option chains of ±30 strikes, 50 shares with three futures and a
    /// month's options each, BSE's index and its futures, a currency pair and a commodity at two exchanges each: some
    /// Some 3,150 instruments.
    Full,
}

impl Universe {
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "house" => Some(Self::House),
            "full" => Some(Self::Full),
            _ => None,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::House => "house",
            Self::Full => "full",
        }
    }
}

/// What moves an instrument's fair price.
#[derive(Clone, Copy, Debug)]
pub enum Moves {
    /// The path itself.
    Path,
    /// The index's day times `beta`, and a way of its own at a yearly `volatility`.
    Beside { beta: f64, volatility: f64 },
    /// The underlying carried to the expiry; without one listed, the previous close by a way of its own. The basis
    /// breathes around that at a yearly `volatility`.
    Future {
        underlying: Option<usize>,
        volatility: f64,
    },
    /// Black's formula on the underlying's forward.
    Option { underlying: usize, smile: Smile },
}

/// An instrument and how it behaves.
#[derive(Clone, Debug)]
pub struct Listed {
    pub instrument: Instrument,
    pub moves: Moves,
    /// Units traded on an ordinary day, and contracts open at its start.
    pub volume: f64,
    pub oi: i64,
}

pub const NIFTY_TOKEN: u32 = token(1001, INDICES);
pub const BANK_TOKEN: u32 = token(1016, INDICES);
pub const SENSEX_TOKEN: u32 = token(1, INDICES);
/// NIFTY BANK stands at this multiple of NIFTY 50 at the previous close.
const BANK_OF_NIFTY: f64 = 2.25;
/// And SENSEX at this one.
const SENSEX_OF_NIFTY: f64 = 3.27;
const SENSEX_BETA: f64 = 0.98;
const SENSEX_VOLATILITY: f64 = 0.02;
const BANK_BETA: f64 = 1.1;
const BANK_VOLATILITY: f64 = 0.07;
const NIFTY_SMILE: Smile = Smile {
    at_the_money: 0.118,
    skew: -0.55,
    wings: 4.0,
};
const BANK_SMILE: Smile = Smile {
    at_the_money: 0.136,
    skew: -0.5,
    wings: 4.0,
};
const BASIS_VOLATILITY: f64 = 0.006;

/// Strikes on each side of the money: in the house, of an index, of a share.
const HOUSE_STRIKES: i64 = 2;
const INDEX_STRIKES: i64 = 30;
const WEEKS: usize = 5;
const MONTHS: usize = 3;

/// F&O tokens are given out anew for each contract; these are of our own making.
const FUTURE_TOKEN: u32 = 36_100;
const OPTION_TOKEN: u32 = 39_804;
const FULL_TOKEN: u32 = 50_000;
const SENSEX_FUTURE_TOKEN: u32 = 1_150_001;

/// The last byte of a token says where its instrument trades.
const NSE: u32 = 1;
const NFO: u32 = 2;
const BSE: u32 = 4;
const BFO: u32 = 5;
const INDICES: u32 = 9;

const fn token(exchange_token: u32, segment: u32) -> u32 {
    exchange_token * 256 + segment
}

/// The instruments of a day; an underlying stands before its derivatives. `previous_close` and `open` are NIFTY 50's,
/// in rupees. Options have no previous close and no band yet: the market prices them.
pub fn universe_of(universe: Universe, day: Day, previous_close: f64, open: f64) -> Vec<Listed> {
    let calendar = Calendar::with_guesses();
    universe_from(&calendar, universe, day, day, previous_close, open)
}

/// Whether the calendar reaches from a day to the last expiry that is listed on it.
pub fn is_covered(calendar: &Calendar, day: Day) -> bool {
    calendar.covers(day)
        && calendar.monthly_expiries(&NIFTY.key(), day, MONTHS).len() == MONTHS
        && calendar.covers(Day(day.0 + 1))
}

/// The same by a calendar, with no contract that ends before the day `expiring`.
pub fn universe_from(
    calendar: &Calendar,
    universe: Universe,
    day: Day,
    expiring: Day,
    previous_close: f64,
    open: f64,
) -> Vec<Listed> {
    let mut list = List {
        calendar,
        day,
        expiring,
        rows: Vec::new(),
        next_token: FULL_TOKEN,
    };
    list.index(
        "NIFTY 50",
        NIFTY_TOKEN,
        Exchange::Nse,
        previous_close,
        Moves::Path,
    );
    let bank = Moves::Beside {
        beta: BANK_BETA,
        volatility: BANK_VOLATILITY,
    };
    let bank_close = previous_close * BANK_OF_NIFTY;
    list.index("NIFTY BANK", BANK_TOKEN, Exchange::Nse, bank_close, bank);
    match universe {
        Universe::House => list.house(previous_close, open),
        Universe::Full => list.full(previous_close, open),
    }
    list.rows
}

struct List<'a> {
    calendar: &'a Calendar,
    day: Day,
    /// The first day on which a contract may end.
    expiring: Day,
    rows: Vec<Listed>,
    next_token: u32,
}

impl List<'_> {
    fn house(&mut self, previous_close: f64, open: f64) {
        let month = self.months(1)[0];
        self.index_future(&NIFTY, 0, month, previous_close, token(FUTURE_TOKEN, NFO));
        let week = self.weeks(1)[0];
        let chain = Chain::of_index(&NIFTY, 0, NIFTY_SMILE, open, HOUSE_STRIKES);
        for (number, (strike_e4, kind)) in (OPTION_TOKEN..).zip(chain.sides()) {
            self.option(&chain, week, 0, strike_e4, kind, token(number, NFO));
        }
        for share in shares().take(HOUSE_SHARES).chain([share_at_bse()]) {
            self.share(&share);
        }
    }

    fn full(&mut self, previous_close: f64, open: f64) {
        let months = self.months(MONTHS);
        let bank_of_day = 1.0 + BANK_BETA * (open / previous_close - 1.0);
        let at_bank = previous_close * BANK_OF_NIFTY * bank_of_day;
        for (index, contracts, smile, close, open) in [
            (0, &NIFTY, NIFTY_SMILE, previous_close, open),
            (
                1,
                &BANKNIFTY,
                BANK_SMILE,
                previous_close * BANK_OF_NIFTY,
                at_bank,
            ),
        ] {
            for &month in &months {
                let token = self.token(NFO);
                self.index_future(contracts, index, month, close, token);
            }
            let chain = Chain::of_index(contracts, index, smile, open, INDEX_STRIKES);
            let mut expiries = months.clone();
            if contracts.weekly {
                expiries.extend(self.weeks(WEEKS));
                expiries.sort_unstable_by_key(|expiry| expiry.day);
                expiries.dedup();
            }
            self.chain(&chain, &expiries);
        }
        for share in shares() {
            self.share(&share);
            let underlying = self.rows.len() - 1;
            for &month in &months {
                self.stock_future(&share, underlying, month);
            }
            self.chain(&Chain::of_share(&share, underlying), &months[..1]);
        }
        self.share(&share_at_bse());
        self.sensex(previous_close);
        for contract in &unlisted_underlyings::ALL {
            let expiries = self
                .calendar
                .expiries(&contract.key(), self.expiring, MONTHS);
            for (token, (nth, expiry)) in
                (contract.first_token..).zip(expiries.into_iter().enumerate())
            {
                self.elsewhere(
                    contract,
                    nth,
                    expiry,
                    crate::exchange::market::universe::token(token, contract.segment),
                );
            }
        }
    }

    /// BSE's index and its futures.
    fn sensex(&mut self, nifty_close: f64) {
        let close = nifty_close * SENSEX_OF_NIFTY;
        let moves = Moves::Beside {
            beta: SENSEX_BETA,
            volatility: SENSEX_VOLATILITY,
        };
        let index = self.rows.len();
        self.index("SENSEX", SENSEX_TOKEN, Exchange::Bse, close, moves);
        let expiries = self.calendar.expiries(&SENSEX.key(), self.expiring, MONTHS);
        for (nth, expiry) in expiries.into_iter().enumerate() {
            let token = token(SENSEX_FUTURE_TOKEN + nth as u32, BFO);
            self.index_future(&SENSEX, index, expiry, close, token);
        }
    }

    /// NSE's next expiries, one a week.
    fn weeks(&self, count: usize) -> Vec<Expiry> {
        self.calendar.expiries(&NIFTY.key(), self.expiring, count)
    }

    /// Its next ones that are their month's last.
    fn months(&self, count: usize) -> Vec<Expiry> {
        self.calendar
            .monthly_expiries(&NIFTY.key(), self.expiring, count)
    }

    /// A contract's lot and freeze quantity. A calendar with guesses has both of everything that is listed.
    fn numbers(&self, key: &str, expiry: Day) -> (i64, i64) {
        let lot = self
            .calendar
            .lot(key, expiry)
            .expect("a lot of what is listed");
        let freeze = self.calendar.freeze(key, self.day);
        (
            lot,
            freeze
                .expect("a freeze quantity of what is listed")
                .units(lot),
        )
    }

    /// The day's band around the previous close, drawn in to the tick grid.
    fn with_band(&self, mut row: Instrument) -> Instrument {
        let key = format!("{}:{}", row.exchange, row.name);
        let percent = self.calendar.band_percent(&key, self.day);
        let width = row.previous_close_e4 * percent.expect("a band of what is listed") / 100;
        row.lower_e4 =
            (row.previous_close_e4 - width + row.tick_e4 - 1) / row.tick_e4 * row.tick_e4;
        row.upper_e4 = (row.previous_close_e4 + width) / row.tick_e4 * row.tick_e4;
        row
    }

    fn token(&mut self, segment: u32) -> u32 {
        self.next_token += 1;
        token(self.next_token, segment)
    }

    fn add(&mut self, instrument: Instrument, moves: Moves, volume: f64, oi: f64) {
        let lot = instrument.lot.max(1);
        self.rows.push(Listed {
            oi: oi as i64 / lot * lot,
            instrument,
            moves,
            volume,
        });
    }

    fn index(&mut self, symbol: &str, token: u32, exchange: Exchange, close: f64, moves: Moves) {
        let mut row = blank(token, symbol.into(), symbol, exchange, Kind::Index);
        (row.tick_e4, row.lot) = (0, 0);
        // An index is published to five paise.
        row.previous_close_e4 = (close * 20.0).round() as i64 * 500;
        self.add(row, moves, 0.0, 0.0);
    }

    fn share(&mut self, share: &Share) {
        let segment = if share.exchange == Exchange::Bse {
            BSE
        } else {
            NSE
        };
        let token = token(share.exchange_token, segment);
        let mut row = blank(
            token,
            share.symbol.into(),
            share.name,
            share.exchange,
            Kind::Cash,
        );
        row.tick_e4 = share_tick_e4(self.day, share.close);
        row.previous_close_e4 = row.on_tick(share.close);
        let moves = Moves::Beside {
            beta: share.beta,
            volatility: share.volatility,
        };
        self.add(self.with_band(row), moves, share.volume, 0.0);
    }

    fn index_future(
        &mut self,
        contracts: &IndexContracts,
        underlying: usize,
        expiry: Expiry,
        close: f64,
        token: u32,
    ) {
        let mut row = future(contracts.name, contracts.exchange, expiry, token);
        row.tick_e4 = index_future_tick_e4(self.day, close);
        (row.lot, row.freeze_quantity) = self.numbers(&contracts.key(), expiry.day);
        row.previous_close_e4 = row.on_tick(close);
        let months = self.months_until(expiry.day);
        let moves = Moves::Future {
            underlying: Some(underlying),
            volatility: BASIS_VOLATILITY,
        };
        let busy = 0.12_f64.powi(months);
        self.add(
            self.with_band(row),
            moves,
            9.0e6 * busy,
            1.5e7 * busy.sqrt(),
        );
    }

    fn stock_future(&mut self, share: &Share, underlying: usize, expiry: Expiry) {
        let token = self.token(NFO);
        let mut row = future(share.symbol, Exchange::Nfo, expiry, token);
        row.tick_e4 = share_tick_e4(self.day, share.close);
        let key = format!("{}:{}", Exchange::Nfo, share.symbol);
        (row.lot, row.freeze_quantity) = self.numbers(&key, expiry.day);
        row.previous_close_e4 = row.on_tick(share.close);
        let months = self.months_until(expiry.day);
        let moves = Moves::Future {
            underlying: Some(underlying),
            volatility: BASIS_VOLATILITY,
        };
        let busy = 0.1_f64.powi(months);
        self.add(
            self.with_band(row),
            moves,
            share.volume * busy,
            share.volume * 5.0 * busy,
        );
    }

    fn elsewhere(
        &mut self,
        contract: &unlisted_underlyings::Elsewhere,
        nth: usize,
        expiry: Expiry,
        token: u32,
    ) {
        let mut row = future(contract.name, contract.exchange, expiry, token);
        row.tick_e4 = contract.tick_e4;
        row.multiplier = contract.multiplier;
        let freeze = self.calendar.freeze(&contract.key(), self.day);
        row.freeze_quantity = freeze
            .expect("a freeze quantity of what is listed")
            .units(row.lot);
        row.previous_close_e4 = row.on_tick(contract.close);
        let moves = Moves::Future {
            underlying: None,
            volatility: contract.volatility,
        };
        let busy = 0.2_f64.powi(nth as i32);
        self.add(
            self.with_band(row),
            moves,
            contract.volume * busy,
            contract.volume * busy,
        );
    }

    fn chain(&mut self, chain: &Chain, expiries: &[Expiry]) {
        for (nth, &expiry) in expiries.iter().enumerate() {
            for (strike_e4, kind) in chain.sides() {
                let token = self.token(NFO);
                self.option(chain, expiry, nth, strike_e4, kind, token);
            }
        }
    }

    /// `nth` expiry of its chain: business gathers at the first, and at the money.
    fn option(
        &mut self,
        chain: &Chain,
        expiry: Expiry,
        nth: usize,
        strike_e4: i64,
        kind: Kind,
        token: u32,
    ) {
        let symbol = option_symbol(chain.name, expiry, strike_e4, kind);
        let mut row = blank(token, symbol, chain.name, Exchange::Nfo, kind);
        row.expiry = Some(expiry.day);
        row.strike_e4 = strike_e4;
        row.tick_e4 = match chain.share {
            Some(share) => stock_option_tick_e4(self.day, share.close),
            None => INDEX_OPTION_TICK_E4,
        };
        let key = format!("{}:{}", Exchange::Nfo, chain.name);
        (row.lot, row.freeze_quantity) = self.numbers(&key, expiry.day);
        let away = (strike_e4 as f64 / RUPEE_E4 as f64 / chain.money - 1.0).abs();
        let near = (1.0 - 100.0 * away).max(0.2 / (1.0 + (40.0 * away).powi(2)));
        let busy = near * 0.3_f64.powi(nth as i32);
        let moves = Moves::Option {
            underlying: chain.underlying,
            smile: chain.smile,
        };
        self.add(row, moves, chain.volume * busy, chain.volume / 5.0 * busy);
    }

    /// How many calendar months an expiry is from the first one listed: 0 is the busy one.
    fn months_until(&self, expiry: Day) -> i32 {
        let month = |day: Day| {
            let (year, month, _) = day.civil();
            year * 12 + month as i32
        };
        month(expiry) - month(self.months(1)[0].day)
    }
}

fn future(name: &str, exchange: Exchange, expiry: Expiry, token: u32) -> Instrument {
    let symbol = future_symbol(name, expiry.day);
    let mut row = blank(token, symbol, name, exchange, Kind::Future);
    row.expiry = Some(expiry.day);
    row
}

fn blank(
    token: u32,
    tradingsymbol: String,
    name: &str,
    exchange: Exchange,
    kind: Kind,
) -> Instrument {
    Instrument {
        token,
        tradingsymbol,
        name: name.into(),
        exchange,
        kind,
        expiry: None,
        strike_e4: 0,
        tick_e4: 1,
        lot: 1,
        multiplier: 1,
        freeze_quantity: 0,
        previous_close_e4: 0,
        lower_e4: 0,
        upper_e4: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let of = |name: &str, kind: Kind| {
            rows.iter()
                .filter(|row| row.name == name && row.kind == kind)
                .collect::<Vec<_>>()
        };

        assert_eq!(rows.iter().filter(|row| row.kind == Kind::Cash).count(), 51);
        for name in ["NIFTY", "BANKNIFTY", "RELIANCE", "TATASTEEL", "M&M"] {
            assert_eq!(of(name, Kind::Future).len(), 3, "{name}");
        }
        let strikes = |name, expiry: &str| {
            let expiry = Day::parse(expiry);
            of(name, Kind::Call)
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
}
