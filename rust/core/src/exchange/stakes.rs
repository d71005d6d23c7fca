//! All that an account has and has asked for, and what that ties up: one scan for each underlying.

use std::collections::BTreeMap;

use super::floor::Floor;
use super::held::Held;
use super::margin::{Stake, Tied};
use super::scan::{Leg, MOST_E4, Outcomes, scan};
use super::scan_rates::{Class, Rates};
use crate::terms::{Kind, Side};

/// An order as margins see it.
#[derive(Clone, Copy, Debug)]
pub struct Asking {
    pub listing: usize,
    pub held: Held,
    pub side: Side,
    pub quantity: i64,
    pub price_e4: i64,
}

/// An account's instruments by what they are held under, or those of a basket.
#[derive(Clone, Debug, Default)]
pub struct Stakes(BTreeMap<(usize, Held), Stake>);

impl Stakes {
    /// One more open order: it may trade or not.
    pub fn ask(&mut self, floor: &Floor, order: &Asking) {
        let (quantity, value_e4) = sizes(floor, order);
        let stake = self.of(floor, order.listing, order.held);
        match order.side {
            Side::Buy => stake.buys.add(quantity, value_e4),
            Side::Sell => stake.sells.add(quantity, value_e4),
        }
    }

    /// One that is taken as traded, an option that is sold at what it is worth now.
    pub fn trade(&mut self, floor: &Floor, order: &Asking) {
        let listing = &floor.market.listings[order.listing];
        let price_e4 = if listing.instrument.kind.is_option() && order.side == Side::Sell {
            floor.outcomes(order.listing).now_e4
        } else {
            order.price_e4
        };
        let (quantity, value_e4) = sizes(floor, &Asking { price_e4, ..*order });
        let open = &mut self.of(floor, order.listing, order.held).open;
        let sign = i128::from(order.side.sign());
        let closing = quantity.min((-sign * open.quantity).max(0));
        if closing > 0 {
            open.add(
                sign * closing,
                -open.value_e4 * closing / open.quantity.abs(),
            );
        }
        let opening = quantity - closing;
        open.add(sign * opening, sign * (value_e4 * opening / quantity));
    }

    fn of(&mut self, floor: &Floor, listing: usize, held: Held) -> &mut Stake {
        self.0.entry((listing, held)).or_insert_with(|| Stake {
            listing,
            kind: floor.market.listings[listing].instrument.kind,
            product: held.product(),
            open: super::margin::Side::default(),
            buys: super::margin::Side::default(),
            sells: super::margin::Side::default(),
        })
    }
}

/// An order's quantity and its value.
fn sizes(floor: &Floor, order: &Asking) -> (i128, i128) {
    let multiplier = floor.market.listings[order.listing].instrument.multiplier;
    let quantity = i128::from(order.quantity);
    (
        quantity,
        quantity * i128::from(order.price_e4) * i128::from(multiplier),
    )
}

impl Floor {
    /// What an account has, and its open orders but for one.
    pub(super) fn stakes(&self, account: usize, but: Option<usize>) -> Stakes {
        let mut stakes = Stakes::default();
        for (&(listing, held), position) in &self.accounts[account].positions {
            stakes.of(self, listing, held).open.add(
                i128::from(position.open.quantity),
                i128::from(position.open.value_e4),
            );
        }
        for order in self.open_orders(account, but) {
            let (instrument, last_e4) = self.instrument(order.listing);
            let asking = Asking {
                listing: order.listing,
                held: order.held(),
                side: order.side,
                quantity: order.now.left(),
                price_e4: order
                    .asked()
                    .dearest_e4(instrument, last_e4, &self.rules.protection),
            };
            stakes.ask(self, &asking);
        }
        stakes
    }

    /// What all of it ties up.
    pub(super) fn tied(&self, stakes: &Stakes) -> Tied {
        let mut grouped: Vec<(usize, &Stake)> = stakes
            .0
            .values()
            .map(|stake| (self.market.reference(stake.listing), stake))
            .collect();
        grouped.sort_by_key(|(reference, _)| *reference);
        let groups = grouped.chunk_by(|one, next| one.0 == next.0);
        let tied = groups.map(|group| {
            let of_group: Vec<&Stake> = group.iter().map(|(_, stake)| *stake).collect();
            self.tied_in_group(group[0].0, &of_group)
        });
        Tied {
            m2m_e4: self.lost_e4(stakes),
            ..tied.fold(Tied::default(), Tied::plus)
        }
    }

    /// What the stakes of one underlying tie up: an order changes nothing elsewhere.
    pub(super) fn tied_on(&self, stakes: &Stakes, reference: usize) -> Tied {
        let of_group: Vec<&Stake> = stakes
            .0
            .values()
            .filter(|stake| self.market.reference(stake.listing) == reference)
            .collect();
        self.tied_in_group(reference, &of_group)
    }

    fn tied_in_group(&self, reference: usize, stakes: &[&Stake]) -> Tied {
        let mut tied = Tied::default();
        let mut contracts: Vec<(usize, Leg)> = Vec::new();
        for stake in stakes {
            if stake.kind == Kind::Cash {
                tied.delivery_e4 = tied
                    .delivery_e4
                    .saturating_add(stake.delivery_e4(&self.rules.margins));
                continue;
            }
            if stake.kind.is_option() {
                let premium_e4 = stake.paid_e4() - stake.received_e4();
                tied.premium_e4 = tied.premium_e4.saturating_add(premium_e4);
            }
            self.add_leg(&mut contracts, stake);
        }
        if contracts.iter().any(|(_, leg)| leg.risky()) {
            for (listing, leg) in &mut contracts {
                leg.outcomes = self.outcomes(*listing);
            }
            let legs = contracts.iter().map(|(_, leg)| *leg).collect();
            let last_e4 = self.market.listings[reference].day.last_e4;
            let scanned = scan(legs, last_e4, self.scan_rates(contracts[0].0));
            (tied.span_e4, tied.exposure_e4) = (scanned.span_e4, scanned.exposure_e4);
        }
        // Premiums that have come in cover what their own underlying may cost, and nothing else.
        tied.premium_e4 = tied.premium_e4.max(-tied.span_e4 - tied.exposure_e4);
        tied
    }

    /// Under which product a contract is held makes no difference to its risk.
    fn add_leg(&self, contracts: &mut Vec<(usize, Leg)>, stake: &Stake) {
        let instrument = &self.market.listings[stake.listing].instrument;
        let units = |quantity: i128| quantity * i128::from(instrument.multiplier);
        let (open, buys, sells) = (
            units(stake.open.quantity),
            units(stake.buys.quantity),
            units(stake.sells.quantity),
        );
        match contracts.last_mut() {
            Some((listing, leg)) if *listing == stake.listing => {
                leg.open += open;
                leg.buys += buys;
                leg.sells += sells;
            }
            _ => {
                let leg = Leg {
                    kind: stake.kind,
                    expiry: instrument.expiry.expect("a contract ends"),
                    open,
                    buys,
                    sells,
                    outcomes: Outcomes::default(),
                };
                contracts.push((stake.listing, leg));
            }
        }
    }

    /// One unit of a contract in the scan of its underlying.
    pub(super) fn outcomes(&self, listing: usize) -> Outcomes {
        let row = &self.market.listings[listing];
        let reference_e4 = self.market.listings[self.market.reference(listing)]
            .day
            .last_e4;
        let rates = self.scan_rates(listing);
        match row.instrument.kind {
            Kind::Call | Kind::Put => Outcomes::of_option(
                &row.instrument,
                row.volatility(),
                reference_e4,
                rates,
                self.now_ns(),
            ),
            _ => Outcomes::of_future(reference_e4, rates),
        }
    }

    fn scan_rates(&self, listing: usize) -> &Rates {
        let reference = &self.market.listings[self.market.reference(listing)].instrument;
        let class = Class::of(&self.market.listings[listing].instrument, reference);
        self.rules.margins.of(class)
    }

    /// What is lost but not realised, gains of some against losses of others; 0 when there is none.
    fn lost_e4(&self, stakes: &Stakes) -> i64 {
        let gained_e4: i128 = stakes
            .0
            .values()
            .map(|stake| {
                let listing = &self.market.listings[stake.listing];
                stake.gained_e4(listing.day.last_e4, listing.instrument.multiplier)
            })
            .sum();
        i64::try_from((-gained_e4).max(0)).map_or(MOST_E4, |e4| e4.min(MOST_E4))
    }
}
