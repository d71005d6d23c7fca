//! Money and shares behind the orders of an account.

use super::checks::{Asked, check_shares, rupees};
use super::floor::Floor;
use super::margin::{self, Exposure, Tied};
use super::order::Order;
use super::refusal::Refusal;
use crate::terms::{Product, Side};

impl Floor {
    /// Is there money, or are there shares, for this order? `instead_of` names the order that it replaces.
    pub(super) fn check_cover(
        &self,
        account: usize,
        listing: usize,
        asked: &Asked,
        instead_of: Option<usize>,
    ) -> Result<(), Refusal> {
        let (instrument, last_e4) = self.instrument(listing);
        let filled = instead_of.map_or(0, |order| self.orders[order].now.filled);
        let quantity = asked.quantity - filled;
        if asked.side == Side::Sell && asked.product == Product::Cnc {
            let selling = self
                .open_orders(account, instead_of)
                .filter(|o| {
                    o.listing == listing && o.product == Product::Cnc && o.side == Side::Sell
                })
                .map(|o| o.now.left())
                .sum();
            check_shares(&self.accounts[account], listing, quantity, selling)?;
        }
        let before_e4 = self.tied(account, instead_of, None).total_e4();
        let price_e4 = asked.dearest_e4(instrument, last_e4);
        let with = (listing, asked.product, asked.side, quantity, price_e4);
        let after_e4 = self.tied(account, instead_of, Some(with)).total_e4();
        let available_e4 = self.funds_e4(account) - before_e4;
        let required_e4 = after_e4 - before_e4;
        // An order that ties up nothing more passes even when there is nothing left: it may be the way out.
        if required_e4 > 0 && required_e4 > available_e4 {
            return Err(Refusal::margin(format!(
                "Insufficient funds. Required margin is {} but available margin is {}.",
                rupees(required_e4),
                rupees(available_e4.max(0))
            )));
        }
        Ok(())
    }

    /// Opening cash and what the day has realised, less the tax on options that ended.
    pub fn funds_e4(&self, account: usize) -> i64 {
        let account = &self.accounts[account];
        account.cash_e4 + account.realised_e4() - account.exercise_tax_e4
    }

    /// What an account's positions and open orders tie up.
    pub fn tied_now(&self, account: usize) -> Tied {
        self.tied(account, None, None)
    }

    fn open_orders(&self, account: usize, but: Option<usize>) -> impl Iterator<Item = &Order> {
        self.accounts[account]
            .open
            .iter()
            .filter(move |&&order| Some(order) != but)
            .map(|&order| &self.orders[order])
    }

    /// What they would tie up with further orders: listing, product, side, quantity, price.
    pub(super) fn tied_with(
        &self,
        account: usize,
        orders: impl IntoIterator<Item = (usize, Product, Side, i64, i64)>,
    ) -> Tied {
        self.tied(account, None, orders)
    }

    pub(super) fn tied(
        &self,
        account: usize,
        but: Option<usize>,
        with: impl IntoIterator<Item = (usize, Product, Side, i64, i64)>,
    ) -> Tied {
        let open = self.open_orders(account, but).map(|order| {
            let (instrument, last_e4) = self.instrument(order.listing);
            let price_e4 = order.asked().dearest_e4(instrument, last_e4);
            (
                order.listing,
                order.product,
                order.side,
                order.now.left(),
                price_e4,
            )
        });
        let mut exposures: Vec<((usize, Product), Exposure)> = Vec::new();
        for (listing, product, side, quantity, price_e4) in open.chain(with) {
            let multiplier = self.market.listings[listing].instrument.multiplier;
            let exposure = self.exposure(account, &mut exposures, listing, product);
            let orders = if side == Side::Buy {
                &mut exposure.buys
            } else {
                &mut exposure.sells
            };
            orders.quantity += quantity;
            orders.value_e4 += i128::from(quantity) * i128::from(price_e4) * i128::from(multiplier);
        }
        for &(listing, product) in self.accounts[account].positions.keys() {
            self.exposure(account, &mut exposures, listing, product);
        }
        exposures
            .iter()
            .fold(Tied::default(), |sum, (_, exposure)| {
                sum.plus(exposure.tied())
            })
    }

    pub(super) fn exposure<'a>(
        &self,
        account: usize,
        exposures: &'a mut Vec<((usize, Product), Exposure)>,
        listing: usize,
        product: Product,
    ) -> &'a mut Exposure {
        if let Some(at) = exposures
            .iter()
            .position(|(key, _)| *key == (listing, product))
        {
            return &mut exposures[at].1;
        }
        let open = self.accounts[account]
            .positions
            .get(&(listing, product))
            .map_or(margin::Side::default(), |position| margin::Side {
                quantity: position.open.quantity,
                value_e4: i128::from(position.open.value_e4),
            });
        let exposure = Exposure {
            open,
            ..self.unexposed(listing, product)
        };
        exposures.push(((listing, product), exposure));
        &mut exposures.last_mut().expect("just pushed").1
    }

    /// The exposure of who has nothing of an instrument.
    pub(super) fn unexposed(&self, listing: usize, product: Product) -> Exposure {
        let of = &self.market.listings[listing];
        let underlying = of.underlying().unwrap_or(listing);
        Exposure {
            kind: of.instrument.kind,
            product,
            open: margin::Side::default(),
            buys: margin::Side::default(),
            sells: margin::Side::default(),
            underlying_e4: self.market.listings[underlying].day.last_e4,
        }
    }
}
