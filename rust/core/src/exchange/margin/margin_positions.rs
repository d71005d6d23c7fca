//! All that an account has and has asked for, and what that blocks: one scan for each underlying.

use std::collections::BTreeMap;

use crate::exchange::margin::blocked_margin::{BlockedMargin, MarginPosition};
use crate::exchange::margin::scan::{Leg, MOST_E4, Outcomes, scan};
use crate::exchange::margin::scan_rates::Class;
use crate::exchange::market::simulated::Market;
use crate::exchange::orders::position_product::PositionProduct;
use crate::exchange::rules::{MarginRates, Rates};
use crate::exchange::state::Exchange;
use crate::terms::{InstrumentKind, Side};

/// An order as margins see it.
#[derive(Clone, Copy, Debug)]
pub struct MarginOrder {
    pub listing: usize,
    pub held: PositionProduct,
    pub side: Side,
    pub quantity: i64,
    pub price_e4: i64,
}

/// An account's instruments by what they are held under, or those of a basket.
#[derive(Clone, Debug, Default)]
pub struct MarginPositions(BTreeMap<(usize, PositionProduct), MarginPosition>);

impl MarginPositions {
    /// One more open order: it may trade or not.
    pub fn ask(&mut self, market: &Market, order: &MarginOrder) {
        let (quantity, value_e4) = sizes(market, order);
        let position = self.of(market, order.listing, order.held);
        match order.side {
            Side::Buy => position.buys.add(quantity, value_e4),
            Side::Sell => position.sells.add(quantity, value_e4),
        }
    }

    /// One that is taken as traded, an option that is sold at what it is worth now.
    pub fn trade(&mut self, scale: &MarginScale<'_>, order: &MarginOrder) {
        let listing = &scale.market.listings[order.listing];
        let price_e4 = if listing.instrument.kind.is_option() && order.side == Side::Sell {
            scale.outcomes(order.listing).now_e4
        } else {
            order.price_e4
        };
        let (quantity, value_e4) = sizes(scale.market, &MarginOrder { price_e4, ..*order });
        let open = &mut self.of(scale.market, order.listing, order.held).open;
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

    fn of(
        &mut self,
        market: &Market,
        listing: usize,
        held: PositionProduct,
    ) -> &mut MarginPosition {
        self.0
            .entry((listing, held))
            .or_insert_with(|| MarginPosition {
                listing,
                kind: market.listings[listing].instrument.kind,
                product: held.product(),
                open: crate::exchange::margin::blocked_margin::Side::default(),
                buys: crate::exchange::margin::blocked_margin::Side::default(),
                sells: crate::exchange::margin::blocked_margin::Side::default(),
            })
    }
}

/// An order's quantity and its value.
fn sizes(market: &Market, order: &MarginOrder) -> (i128, i128) {
    let multiplier = market.listings[order.listing].instrument.multiplier;
    let quantity = i128::from(order.quantity);
    (
        quantity,
        quantity * i128::from(order.price_e4) * i128::from(multiplier),
    )
}

impl Exchange {
    /// What an account has, and its open orders but for one.
    pub(in crate::exchange) fn margin_positions(
        &self,
        account: usize,
        but: Option<usize>,
    ) -> MarginPositions {
        let mut margin_positions = MarginPositions::default();
        for (&(listing, held), position) in &self.accounts[account].positions {
            margin_positions.of(&self.market, listing, held).open.add(
                i128::from(position.open.quantity),
                i128::from(position.open.value_e4),
            );
        }
        for order in self.open_orders(account, but) {
            let (instrument, last_e4) = self.instrument(order.listing);
            let order = MarginOrder {
                listing: order.listing,
                held: order.held(),
                side: order.side,
                quantity: order.now.left(),
                price_e4: order
                    .asked()
                    .dearest_e4(instrument, last_e4, &self.rules.protection),
            };
            margin_positions.ask(&self.market, &order);
        }
        margin_positions
    }

    /// By what they are weighed now.
    pub(in crate::exchange) fn margin_scale(&self) -> MarginScale<'_> {
        MarginScale {
            market: &self.market,
            rates: &self.rules.margins,
            now_ns: self.now_ns,
        }
    }
}

/// What margins are weighed by: the market as it stands, and the rates of the rules.
#[derive(Clone, Copy)]
pub struct MarginScale<'a> {
    market: &'a Market,
    rates: &'a MarginRates,
    now_ns: i64,
}

impl MarginScale<'_> {
    /// What all of it ties up.
    pub fn blocked(&self, margin_positions: &MarginPositions) -> BlockedMargin {
        let mut grouped: Vec<(usize, &MarginPosition)> = margin_positions
            .0
            .values()
            .map(|position| (self.market.reference(position.listing), position))
            .collect();
        grouped.sort_by_key(|(reference, _)| *reference);
        let groups = grouped.chunk_by(|one, next| one.0 == next.0);
        let blocked = groups.map(|group| {
            let of_group: Vec<&MarginPosition> =
                group.iter().map(|(_, position)| *position).collect();
            self.blocked_in_group(group[0].0, &of_group)
        });
        BlockedMargin {
            m2m_e4: self.lost_e4(margin_positions),
            ..blocked.fold(BlockedMargin::default(), BlockedMargin::plus)
        }
    }

    /// What the positions of one underlying tie up: an order changes nothing elsewhere.
    pub fn blocked_on(
        &self,
        margin_positions: &MarginPositions,
        reference: usize,
    ) -> BlockedMargin {
        let of_group: Vec<&MarginPosition> = margin_positions
            .0
            .values()
            .filter(|position| self.market.reference(position.listing) == reference)
            .collect();
        self.blocked_in_group(reference, &of_group)
    }

    fn blocked_in_group(
        &self,
        reference: usize,
        margin_positions: &[&MarginPosition],
    ) -> BlockedMargin {
        let mut blocked = BlockedMargin::default();
        let mut contracts: Vec<(usize, Leg)> = Vec::new();
        for position in margin_positions {
            if position.kind == InstrumentKind::Cash {
                blocked.delivery_e4 = blocked
                    .delivery_e4
                    .saturating_add(position.delivery_e4(self.rates));
                continue;
            }
            if position.kind.is_option() {
                let premium_e4 = position.paid_e4() - position.received_e4();
                blocked.premium_e4 = blocked.premium_e4.saturating_add(premium_e4);
            }
            self.add_leg(&mut contracts, position);
        }
        if contracts.iter().any(|(_, leg)| leg.risky()) {
            for (listing, leg) in &mut contracts {
                leg.outcomes = self.outcomes(*listing);
            }
            let legs = contracts.iter().map(|(_, leg)| *leg).collect();
            let last_e4 = self.market.listings[reference].day.last_e4;
            let scanned = scan(legs, last_e4, self.scan_rates(contracts[0].0));
            (blocked.span_e4, blocked.exposure_e4) = (scanned.span_e4, scanned.exposure_e4);
        }
        // Premiums that have come in cover what their own underlying may cost, and nothing else.
        blocked.premium_e4 = blocked
            .premium_e4
            .max(-blocked.span_e4 - blocked.exposure_e4);
        blocked
    }

    /// Under which product a contract is held makes no difference to its risk.
    fn add_leg(&self, contracts: &mut Vec<(usize, Leg)>, position: &MarginPosition) {
        let instrument = &self.market.listings[position.listing].instrument;
        let units = |quantity: i128| quantity * i128::from(instrument.multiplier);
        let (open, buys, sells) = (
            units(position.open.quantity),
            units(position.buys.quantity),
            units(position.sells.quantity),
        );
        match contracts.last_mut() {
            Some((listing, leg)) if *listing == position.listing => {
                leg.open += open;
                leg.buys += buys;
                leg.sells += sells;
            }
            _ => {
                let leg = Leg {
                    kind: position.kind,
                    expiry: instrument.expiry.expect("a contract ends"),
                    open,
                    buys,
                    sells,
                    outcomes: Outcomes::default(),
                };
                contracts.push((position.listing, leg));
            }
        }
    }

    /// One unit of a contract in the scan of its underlying.
    fn outcomes(&self, listing: usize) -> Outcomes {
        let row = &self.market.listings[listing];
        let reference_e4 = self.market.listings[self.market.reference(listing)]
            .day
            .last_e4;
        let rates = self.scan_rates(listing);
        match row.instrument.kind {
            InstrumentKind::Call | InstrumentKind::Put => Outcomes::of_option(
                &row.instrument,
                row.volatility(),
                reference_e4,
                rates,
                self.now_ns,
            ),
            _ => Outcomes::of_future(reference_e4, rates),
        }
    }

    fn scan_rates(&self, listing: usize) -> &Rates {
        let reference = &self.market.listings[self.market.reference(listing)].instrument;
        let class = Class::of(&self.market.listings[listing].instrument, reference);
        self.rates.of(class)
    }

    /// What is lost but not realised, gains of some against losses of others; 0 when there is none.
    fn lost_e4(&self, margin_positions: &MarginPositions) -> i64 {
        let gained_e4: i128 = margin_positions
            .0
            .values()
            .map(|position| {
                let listing = &self.market.listings[position.listing];
                position.gained_e4(listing.day.last_e4, listing.instrument.multiplier)
            })
            .sum();
        i64::try_from((-gained_e4).max(0)).map_or(MOST_E4, |e4| e4.min(MOST_E4))
    }
}
