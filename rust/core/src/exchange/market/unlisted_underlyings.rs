//! Futures whose underlying is not listed here: a currency pair and a commodity, each at two exchanges.

use crate::exchange::market::instruments::RUPEE_E4;
use crate::terms::Exchange;

/// One of them, whatever its expiry.
#[derive(Clone, Copy, Debug)]
pub struct UnlistedUnderlying {
    pub name: &'static str,
    pub exchange: Exchange,
    /// The last byte of its tokens, and what stands before it in the first contract's.
    pub segment: u32,
    pub first_token: u32,
    pub close: f64,
    pub tick_e4: i64,
    pub multiplier: i64,
    pub volatility: f64,
    /// Lots a day.
    pub volume: f64,
}

impl UnlistedUnderlying {
    /// What the calendar knows it by.
    pub fn key(&self) -> String {
        format!("{}:{}", self.exchange, self.name)
    }
}

/// 1,000 dollars a lot.
const USDINR: UnlistedUnderlying = UnlistedUnderlying {
    name: "USDINR",
    exchange: Exchange::Cds,
    segment: 3,
    first_token: 1_612,
    close: 88.6525,
    tick_e4: 25,
    multiplier: 1000,
    volatility: 0.03,
    volume: 1.2e6,
};

/// 100 barrels a lot.
const CRUDEOIL: UnlistedUnderlying = UnlistedUnderlying {
    name: "CRUDEOIL",
    exchange: Exchange::Mcx,
    segment: 7,
    first_token: 208_970,
    close: 5_312.0,
    tick_e4: RUPEE_E4,
    multiplier: 100,
    volatility: 0.32,
    volume: 2.4e4,
};

/// Everything that is listed of them. The second exchanges trade a fraction of what the first do; their tokens are of
/// our own making.
pub const ALL: [UnlistedUnderlying; 4] = [
    USDINR,
    UnlistedUnderlying {
        exchange: Exchange::Bcd,
        segment: 6,
        first_token: 1_100_612,
        volume: 6.0e4,
        ..USDINR
    },
    CRUDEOIL,
    UnlistedUnderlying {
        exchange: Exchange::Nco,
        segment: 12,
        first_token: 300_970,
        volume: 1.2e3,
        ..CRUDEOIL
    },
];
