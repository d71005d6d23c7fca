//! The options on one underlying: its strikes around the money, a call and a put each.

use crate::exchange::market::contracts::{IndexContracts, stock_strike_step_e4};
use crate::exchange::market::instruments::RUPEE_E4;
use crate::exchange::market::options::Smile;
use crate::exchange::market::shares::Share;
use crate::terms::InstrumentKind;

/// Strikes on each side of the money.
const STOCK_STRIKES: i64 = 8;

/// A chain of options on one underlying.
pub(super) struct Chain {
    pub name: &'static str,
    pub share: Option<Share>,
    pub underlying: usize,
    pub smile: Smile,
    /// Where the money was when the strikes were chosen, in rupees.
    pub money: f64,
    pub step_e4: i64,
    pub strikes_beside: i64,
    /// Of an ordinary day, at the money, in the first expiry.
    pub volume: f64,
}

impl Chain {
    pub fn of_index(
        contracts: &IndexContracts,
        underlying: usize,
        smile: Smile,
        money: f64,
        strikes_beside: i64,
    ) -> Self {
        Self {
            name: contracts.name,
            share: None,
            underlying,
            smile,
            money,
            step_e4: contracts.strike_step * RUPEE_E4,
            strikes_beside,
            volume: 3.0e7,
        }
    }

    pub fn of_share(share: &Share, underlying: usize) -> Self {
        Self {
            name: share.symbol,
            share: Some(*share),
            underlying,
            smile: Smile {
                // What the share does beside the index, and what it does with it.
                at_the_money: (share.volatility.powi(2) + (0.12 * share.beta).powi(2)).sqrt(),
                skew: -0.15,
                wings: 1.0,
            },
            money: share.close,
            step_e4: stock_strike_step_e4(share.close),
            strikes_beside: STOCK_STRIKES,
            volume: share.volume / 2.0,
        }
    }

    /// Every strike with its call and put, from the lowest on.
    pub fn sides(&self) -> impl Iterator<Item = (i64, InstrumentKind)> + use<> {
        let step_e4 = self.step_e4;
        let middle = (self.money * RUPEE_E4 as f64 / step_e4 as f64).round() as i64;
        let beside = self.strikes_beside;
        (-beside..=beside).flat_map(move |place| {
            [InstrumentKind::Call, InstrumentKind::Put]
                .map(|kind| ((middle + place) * step_e4, kind))
        })
    }
}
