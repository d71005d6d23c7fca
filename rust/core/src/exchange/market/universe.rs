//! What the exchange lists on a day: the small universe of the house, or the full one of an exchange run for itself.

use crate::calendar::{Calendar, Day};
use crate::exchange::market::contracts::{BANKNIFTY, NIFTY, SENSEX};
use crate::exchange::market::listed::{BFO, INDICES, List, Listed, Moves, NFO, token};
use crate::exchange::market::option_chain::Chain;
use crate::exchange::market::options::Smile;
use crate::exchange::market::shares::{HOUSE_SHARES, share_at_bse, shares};
use crate::exchange::market::unlisted_underlyings;
use crate::terms::{Exchange, words};

words! {
    /// How much is listed.
    #[derive(Default)]
    Universe {
        /// 2 indices, one NIFTY future, 5 strikes of the week's options, 9 shares.
        #[default]
        House = "house",
        /// 2 indices with three futures each, their option chains of ±30 strikes, 50 shares with three futures and a
        /// month's options each, BSE's index and its futures, a currency pair and a commodity at two exchanges each:
        /// some 3,150 instruments.
        Full = "full",
    }
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

/// Strikes on each side of the money: in the house, of an index, of a share.
const HOUSE_STRIKES: i64 = 2;
const INDEX_STRIKES: i64 = 30;
const WEEKS: usize = 5;
const MONTHS: usize = 3;

/// F&O tokens are given out anew for each contract; these are of our own making.
const FUTURE_TOKEN: u32 = 36_100;
const OPTION_TOKEN: u32 = 39_804;
const SENSEX_FUTURE_TOKEN: u32 = 1_150_001;

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
    let mut list = List::new(calendar, day, expiring);
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
            for (number, (nth, expiry)) in (contract.first_token..).zip((0..).zip(expiries)) {
                self.unlisted_underlying(contract, nth, expiry, token(number, contract.segment));
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
}
