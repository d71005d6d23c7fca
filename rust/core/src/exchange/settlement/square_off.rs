//! The broker closes what was meant for the day alone, before the exchange does.

use crate::calendar::clock::{DAY_NS, IST_NS};
use crate::exchange::account::Account;
use crate::exchange::hours::{Hours, Phase, Segment};
use crate::exchange::market::simulated::Market;
use crate::exchange::orders::position_product::PositionProduct;
use crate::exchange::orders::request::PlaceOrder;
use crate::exchange::orders::variety::Variety;
use crate::exchange::refusal::Refusal;
use crate::exchange::rules::{Rules, SquareOff};
use crate::exchange::state::Exchange;
use crate::terms::{Product, Side};

/// Shares that one of the broker's own orders closes at most.
const SHARES_MAX: i64 = 30_000;

impl SquareOff {
    /// The times that are kept: those of a market whose hours are dated.
    fn kept(rules: &Rules, market: &Market) -> Option<Self> {
        rules.square_off.filter(|_| market.hours() == Hours::Dated)
    }
}

impl Exchange {
    /// Closes what is due: open orders are withdrawn, then positions are traded away.
    pub(in crate::exchange) fn square_off(&mut self) {
        let Some(times) = SquareOff::kept(&self.rules, &self.market) else {
            return;
        };
        let now_ns = (self.now_ns() + IST_NS).rem_euclid(DAY_NS);
        let before_ns = std::mem::replace(&mut self.squared_ns, now_ns);
        let due = |segment: Segment| (before_ns + 1..=now_ns).contains(&times.of(segment));
        let all = [
            Segment::ShareWithDerivatives,
            Segment::Future,
            Segment::Currency,
            Segment::Commodity,
        ];
        if !all.into_iter().any(due) {
            return;
        }
        self.withdraw_intraday(due);
        for (account, listing, held, quantity) in intraday_positions(&self.accounts) {
            if due(self.market.listings[listing].segment) {
                self.close(account, listing, held, quantity);
            }
        }
    }

    /// Whether a time at which the broker closes positions comes by then.
    pub(in crate::exchange) fn squares_off_by(&self, to_ns: i64) -> bool {
        let time_of_day_ns = (to_ns + IST_NS).rem_euclid(DAY_NS);
        let passed = self.squared_ns.min(time_of_day_ns) + 1..=time_of_day_ns;
        SquareOff::kept(&self.rules, &self.market).is_some_and(|times| {
            let mut all = Segment::ALL.iter();
            all.any(|&segment| passed.contains(&times.of(segment)))
        })
    }

    /// Whether somebody has a position that the broker will close: then the market's steps are all looked at.
    pub(in crate::exchange) fn awaits_square_off(&self) -> bool {
        SquareOff::kept(&self.rules, &self.market).is_some()
            && !intraday_positions(&self.accounts).is_empty()
    }

    /// Nothing more is opened for the day once the broker has closed it.
    pub(in crate::exchange) fn check_intraday(
        &self,
        listing: usize,
        product: Product,
    ) -> Result<(), Refusal> {
        let Some(times) =
            SquareOff::kept(&self.rules, &self.market).filter(|_| product == Product::Mis)
        else {
            return Ok(());
        };
        let now_ns = (self.now_ns() + IST_NS).rem_euclid(DAY_NS);
        if now_ns < times.of(self.market.listings[listing].segment) {
            Ok(())
        } else {
            Err(Refusal::order(
                "MIS orders are not allowed after the square-off time.",
            ))
        }
    }

    /// A cover order's entry that has traded in part leaves a stop behind, which goes too.
    fn withdraw_intraday(&mut self, due: impl Fn(Segment) -> bool) {
        loop {
            let open = self.open_orders_where(|order| {
                order.product == Product::Mis && due(self.market.listings[order.listing].segment)
            });
            if open.is_empty() {
                return;
            }
            for index in open {
                self.withdraw(
                    index,
                    Some("Cancelled by the broker at the square-off time.".into()),
                );
            }
            self.follow();
        }
    }

    fn close(&mut self, account: usize, listing: usize, held: PositionProduct, quantity: i64) {
        let row = &self.market.listings[listing];
        if row.phase != Phase::Continuous {
            return;
        }
        let most = row.instrument.order_quantity_max().unwrap_or(SHARES_MAX);
        let side = if quantity > 0 { Side::Sell } else { Side::Buy };
        let mut placing = PlaceOrder {
            // What a cover order has left is closed as its stop would have closed it.
            variety: match held {
                PositionProduct::Cover => Variety::CoverStop,
                PositionProduct::As(_) => Variety::Regular,
            },
            ..PlaceOrder::market(&row.instrument, side, 0, Product::Mis)
        };
        let mut left = quantity.abs();
        while left > 0 {
            placing.quantity = left.min(most);
            left -= placing.quantity;
            let index = self.put(account, listing, &placing);
            self.orders[index].squares_off = true;
            self.send(index);
        }
    }
}

fn intraday_positions(accounts: &[Account]) -> Vec<(usize, usize, PositionProduct, i64)> {
    let accounts = accounts.iter().enumerate();
    accounts
        .flat_map(|(account, of)| {
            let positions = of.positions.iter();
            positions.map(move |(&(listing, held), position)| {
                (account, listing, held, position.quantity())
            })
        })
        .filter(|&(_, _, held, quantity)| held.product() == Product::Mis && quantity != 0)
        .collect()
}
