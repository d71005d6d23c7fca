//! A row of the day's list for an instrument of each kind: its numbers, and what moves its price.

use crate::calendar::{Calendar, Day, Expiry};
use crate::exchange::market::contracts::{
    INDEX_OPTION_TICK_E4, IndexContracts, NIFTY, future_symbol, index_future_tick_e4,
    option_symbol, share_tick_e4, stock_option_tick_e4,
};
use crate::exchange::market::instruments::{Instrument, RUPEE_E4};
use crate::exchange::market::option_chain::Chain;
use crate::exchange::market::options::Smile;
use crate::exchange::market::shares::Share;
use crate::exchange::market::unlisted_underlyings::UnlistedUnderlying;
use crate::terms::{Exchange, InstrumentKind};

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

const BASIS_VOLATILITY: f64 = 0.006;
const FULL_TOKEN: u32 = 50_000;

/// The last byte of a token says where its instrument trades.
const NSE: u32 = 1;
pub const NFO: u32 = 2;
const BSE: u32 = 4;
pub const BFO: u32 = 5;
pub const INDICES: u32 = 9;

pub const fn token(exchange_token: u32, segment: u32) -> u32 {
    exchange_token * 256 + segment
}

/// The list of a day as it grows.
pub(super) struct List<'a> {
    pub calendar: &'a Calendar,
    day: Day,
    /// The first day on which a contract may end.
    pub expiring: Day,
    pub rows: Vec<Listed>,
    next_token: u32,
}

impl<'a> List<'a> {
    /// Empty.
    pub fn new(calendar: &'a Calendar, day: Day, expiring: Day) -> Self {
        Self {
            calendar,
            day,
            expiring,
            rows: Vec::new(),
            next_token: FULL_TOKEN,
        }
    }

    /// NSE's next expiries, one a week.
    pub fn weeks(&self, count: usize) -> Vec<Expiry> {
        self.calendar.expiries(&NIFTY.key(), self.expiring, count)
    }

    /// Its next ones that are their month's last.
    pub fn months(&self, count: usize) -> Vec<Expiry> {
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

    pub fn token(&mut self, segment: u32) -> u32 {
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

    pub fn index(
        &mut self,
        symbol: &str,
        token: u32,
        exchange: Exchange,
        close: f64,
        moves: Moves,
    ) {
        let mut row = blank(
            token,
            symbol.into(),
            symbol,
            exchange,
            InstrumentKind::Index,
        );
        (row.tick_e4, row.lot) = (0, 0);
        // An index is published to five paise.
        row.previous_close_e4 = (close * 20.0).round() as i64 * 500;
        self.add(row, moves, 0.0, 0.0);
    }

    pub fn share(&mut self, share: &Share) {
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
            InstrumentKind::Cash,
        );
        row.tick_e4 = share_tick_e4(self.day, share.close);
        row.previous_close_e4 = row.on_tick(share.close);
        let moves = Moves::Beside {
            beta: share.beta,
            volatility: share.volatility,
        };
        self.add(self.with_band(row), moves, share.volume, 0.0);
    }

    pub fn index_future(
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

    pub fn stock_future(&mut self, share: &Share, underlying: usize, expiry: Expiry) {
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

    pub fn unlisted_underlying(
        &mut self,
        contract: &UnlistedUnderlying,
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

    pub fn chain(&mut self, chain: &Chain, expiries: &[Expiry]) {
        for (nth, &expiry) in expiries.iter().enumerate() {
            for (strike_e4, kind) in chain.sides() {
                let token = self.token(NFO);
                self.option(chain, expiry, nth, strike_e4, kind, token);
            }
        }
    }

    /// `nth` expiry of its chain: business gathers at the first, and at the money.
    pub fn option(
        &mut self,
        chain: &Chain,
        expiry: Expiry,
        nth: usize,
        strike_e4: i64,
        kind: InstrumentKind,
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
    let mut row = blank(token, symbol, name, exchange, InstrumentKind::Future);
    row.expiry = Some(expiry.day);
    row
}

fn blank(
    token: u32,
    tradingsymbol: String,
    name: &str,
    exchange: Exchange,
    kind: InstrumentKind,
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
