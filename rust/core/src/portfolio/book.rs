//! All positions of one account, marked by price and charged by order.
use std::collections::HashMap;

use super::charges::{Executed, charges, to_e4};
use super::position::Position;
use crate::calendar::Calendar;
use crate::day::Day;
use crate::terms::{Exchange, InstrumentKind, Overflow, Product, Side, product};

/// What makes two trades one position.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub exchange: Exchange,
    pub tradingsymbol: Box<str>,
    pub product: Product,
}

/// One trade, as the broker reports it. `kind` is known from the instruments file.
#[derive(Clone, Copy, Debug)]
pub struct Trade<'a> {
    pub order_id: &'a str,
    pub exchange: Exchange,
    pub tradingsymbol: &'a str,
    pub product: Product,
    pub kind: InstrumentKind,
    pub side: Side,
    pub quantity: i64,
    pub price_e4: i64,
    pub day: Day,
}

/// Why a trade was not booked. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    #[error("a trade has a quantity above zero and a price not below")]
    NotATrade,
    #[error("{Overflow}")]
    Overflow,
}

impl From<Overflow> for FillError {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}

/// A position with its key and what its orders cost.
#[derive(Clone, Debug)]
pub struct Booked {
    pub key: Key,
    pub position: Position,
    charges_e15: i128,
    /// No rate was found for one of its orders, so its charges are not known.
    pub uncharged: bool,
}

impl Booked {
    pub fn charges_e4(&self) -> i64 {
        to_e4(self.charges_e15)
    }
}

/// What has been executed of one order, and what that cost.
#[derive(Clone, Copy, Debug, Default)]
struct Turnover {
    value_e4: i64,
    charges_e15: i128,
}

/// The positions of one account. A position's index holds for the portfolio's life.
#[derive(Clone, Debug, Default)]
pub struct Portfolio {
    positions: Vec<Booked>,
    index: HashMap<Key, usize>,
    orders: HashMap<Box<str>, Turnover>,
    gross_e4: i64,
    day_gross_e4: i64,
    charges_e15: i128,
    uncharged: usize,
}

impl Portfolio {
    /// In the order in which they were first seen.
    pub fn positions(&self) -> &[Booked] {
        &self.positions
    }

    pub fn find(&self, key: &Key) -> Option<usize> {
        self.index.get(key).copied()
    }

    /// The index of a position, flat and new when there was none.
    pub fn open(&mut self, key: Key) -> usize {
        if let Some(at) = self.find(&key) {
            return at;
        }
        // Charges and values of a contract with an unknown multiplier are refused before they get here (R12).
        let position = Position::new(key.exchange.multiplier().unwrap_or(1));
        self.index.insert(key.clone(), self.positions.len());
        self.positions.push(Booked {
            key,
            position,
            charges_e15: 0,
            uncharged: false,
        });
        self.positions.len() - 1
    }

    /// Sets a position as the broker's book has it.
    pub fn set(&mut self, at: usize, position: Position) -> Result<(), Overflow> {
        let before = &self.positions[at].position;
        let moved = |sum: i64, was: i64, is: i64| sum.checked_sub(was)?.checked_add(is);
        let gross_e4 =
            moved(self.gross_e4, gain_e4(before)?, gain_e4(&position)?).ok_or(Overflow)?;
        let day_gross_e4 =
            moved(self.day_gross_e4, before.m2m_e4()?, position.m2m_e4()?).ok_or(Overflow)?;
        self.positions[at].position = position;
        (self.gross_e4, self.day_gross_e4) = (gross_e4, day_gross_e4);
        Ok(())
    }

    /// Books a trade and returns its position's index. The trade's price is the mark of a position that has none.
    pub fn fill(&mut self, trade: &Trade<'_>, calendar: &Calendar) -> Result<usize, FillError> {
        if trade.quantity <= 0 || trade.price_e4 < 0 {
            return Err(FillError::NotATrade);
        }
        let key = Key {
            exchange: trade.exchange,
            tradingsymbol: trade.tradingsymbol.into(),
            product: trade.product,
        };
        let at = self.open(key);
        let mut after = self.positions[at].position;
        let value_e4 = product(trade.quantity, trade.price_e4, after.multiplier)?;
        let turnover_e4 = self
            .executed_e4(trade.order_id)
            .checked_add(value_e4)
            .ok_or(Overflow)?;
        after.trade(trade.side, trade.quantity, trade.price_e4)?;
        if after.last_e4 == 0 {
            after.last_e4 = trade.price_e4;
        }
        self.set(at, after)?;
        if !trade.order_id.is_empty() {
            self.charge(at, trade, turnover_e4, calendar); // a person's adjustment is of no order, and costs nothing
        }
        Ok(at)
    }

    /// Charges go by the order: each trade adds what the whole order now costs more.
    fn charge(&mut self, at: usize, trade: &Trade<'_>, turnover_e4: i64, calendar: &Calendar) {
        let Trade {
            exchange,
            kind,
            product,
            side,
            ..
        } = *trade;
        let booked = &mut self.positions[at];
        let order = self.orders.entry(trade.order_id.into()).or_default();
        order.value_e4 = turnover_e4;
        let executed = Executed {
            exchange,
            kind,
            product,
            side,
            turnover_e4,
        };
        match charges(&executed, calendar, trade.day) {
            Ok(cost) => {
                let more_e15 = cost.total_e15() - order.charges_e15;
                order.charges_e15 += more_e15;
                booked.charges_e15 += more_e15;
                self.charges_e15 += more_e15;
            }
            Err(_) if booked.uncharged => {}
            Err(_) => {
                booked.uncharged = true;
                self.uncharged += 1;
            }
        }
    }

    /// Values a position at a price.
    #[inline]
    pub fn mark(&mut self, at: usize, last_e4: i64) -> Result<(), Overflow> {
        let after = Position {
            last_e4,
            ..self.positions[at].position
        };
        self.set(at, after)
    }

    /// Turnover of an order so far.
    pub fn executed_e4(&self, order_id: &str) -> i64 {
        self.orders.get(order_id).map_or(0, |order| order.value_e4)
    }

    /// Realised and unrealised gain of all positions, before charges.
    pub fn gross_e4(&self) -> i64 {
        self.gross_e4
    }

    pub fn charges_e4(&self) -> i64 {
        to_e4(self.charges_e15)
    }

    /// After charges.
    pub fn net_e4(&self) -> Result<i64, Overflow> {
        self.gross_e4.checked_sub(self.charges_e4()).ok_or(Overflow)
    }

    /// The day's gain after charges: what was brought into the day counts from yesterday's close.
    pub fn day_net_e4(&self) -> Result<i64, Overflow> {
        self.day_gross_e4
            .checked_sub(self.charges_e4())
            .ok_or(Overflow)
    }

    /// Positions with an order whose charges no table knows.
    pub fn uncharged(&self) -> usize {
        self.uncharged
    }
}

fn gain_e4(position: &Position) -> Result<i64, Overflow> {
    position
        .realised_e4
        .checked_add(position.unrealised_e4()?)
        .ok_or(Overflow)
}

fields! {
    Key { exchange, tradingsymbol, product }
    Booked { key, position, charges_e15, uncharged }
    Turnover { value_e4, charges_e15 }
    Portfolio { positions, index, orders, gross_e4, day_gross_e4, charges_e15, uncharged }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    const DAY: Day = Day::of(2026, 11, 19);

    impl Portfolio {
        fn fills(&mut self, trade: &Trade<'_>) -> Result<usize, FillError> {
            self.fill(trade, &Calendar::shipped())
        }
    }

    fn trade<'a>(
        order_id: &'a str,
        symbol: &'a str,
        side: Side,
        quantity: i64,
        price_e4: i64,
    ) -> Trade<'a> {
        let (exchange, product, kind) = (Exchange::Nfo, Product::Nrml, InstrumentKind::Put);
        Trade {
            order_id,
            exchange,
            tradingsymbol: symbol,
            product,
            kind,
            side,
            quantity,
            price_e4,
            day: DAY,
        }
    }

    #[test]
    fn a_trade_of_no_order_moves_the_position_and_costs_nothing() {
        let mut portfolio = Portfolio::default();
        let adjusted = trade("", "NIFTY26NOV26000PE", Side::Sell, 30, 110_0000);
        let at = portfolio.fills(&adjusted).unwrap();

        assert_eq!(portfolio.positions()[at].position.quantity(), -30);
        assert_eq!((portfolio.charges_e4(), portfolio.executed_e4("")), (0, 0));
    }

    #[test]
    fn an_order_filled_in_parts_pays_its_brokerage_once() {
        let mut parts = Portfolio::default();
        parts
            .fills(&trade("1", "NIFTY26NOV26000PE", Side::Sell, 30, 110_0000))
            .unwrap();
        parts
            .fills(&trade("1", "NIFTY26NOV26000PE", Side::Sell, 35, 110_0000))
            .unwrap();

        assert_eq!(parts.charges_e4(), 37_3311); // the worked example of 65 at 110
        assert_eq!(parts.executed_e4("1"), 7150_0000);
    }

    #[test]
    fn what_is_no_trade_is_refused_and_changes_nothing() {
        let mut portfolio = Portfolio::default();

        for (quantity, price_e4) in [(0, 1), (-1, 1), (1, -1)] {
            let refused = portfolio.fills(&trade("1", "X", Side::Buy, quantity, price_e4));
            assert_eq!(refused, Err(FillError::NotATrade));
        }
        assert_eq!(
            portfolio.fills(&trade("1", "X", Side::Buy, i64::MAX, 2)),
            Err(FillError::Overflow)
        );
        assert_eq!(
            (
                portfolio.gross_e4(),
                portfolio.charges_e4(),
                portfolio.executed_e4("1")
            ),
            (0, 0, 0)
        );
    }

    #[test]
    fn a_trade_without_a_rate_is_booked_and_told() {
        let mut portfolio = Portfolio::default();
        portfolio
            .fills(&Trade {
                day: Day::of(2000, 1, 3),
                ..trade("1", "X", Side::Buy, 1, 10_000)
            })
            .unwrap();

        assert_eq!(
            (
                portfolio.uncharged(),
                portfolio.positions()[0].position.quantity()
            ),
            (1, 1)
        );
    }

    proptest! {
        #[test]
        fn cash_and_positions_at_mark_are_conserved(
            steps in prop::collection::vec((0usize..3, any::<bool>(), 0i64..200, 1i64..5_000_000), 0..80),
        ) {
            let symbols = ["A", "B", "C"];
            let (mut portfolio, mut cash_e4) = (Portfolio::default(), 0i64);
            for (n, (symbol, buys, quantity, price_e4)) in steps.into_iter().enumerate() {
                let side = if buys { Side::Buy } else { Side::Sell };
                if quantity > 0 {
                    let order_id = n.to_string();
                    portfolio.fills(&trade(&order_id, symbols[symbol], side, quantity, price_e4)).unwrap();
                    cash_e4 -= side.sign() * quantity * price_e4;
                } else if symbol < portfolio.positions().len() {
                    portfolio.mark(symbol, price_e4).unwrap();
                }
            }

            let worth_e4: i64 = portfolio.positions().iter().map(|b| b.position.market_value_e4().unwrap()).sum();
            let charged_e4: i64 = portfolio.positions().iter().map(Booked::charges_e4).sum();
            prop_assert_eq!(portfolio.gross_e4(), cash_e4 + worth_e4);
            prop_assert!((portfolio.charges_e4() - charged_e4).abs() <= portfolio.positions().len() as i64);
        }

        #[test]
        fn charges_go_by_the_order_however_it_was_filled(
            fills in prop::collection::vec((0usize..6, 1i64..500, 1i64..50_000_000), 0..60),
        ) {
            let (mut portfolio, mut turnover_e4) = (Portfolio::default(), BTreeMap::<usize, i64>::new());
            let side = |order: usize| if order < 3 { Side::Buy } else { Side::Sell };
            for (order, quantity, price_e4) in fills {
                portfolio.fills(&trade(&order.to_string(), "A", side(order), quantity, price_e4)).unwrap();
                *turnover_e4.entry(order).or_default() += quantity * price_e4;
            }

            let whole_e15 = turnover_e4.into_iter().map(|(order, turnover_e4)| {
                let Trade { exchange, kind, product, side, .. } = trade("", "A", side(order), 1, 1);
                let executed = Executed { exchange, kind, product, side, turnover_e4 };
                charges(&executed, &Calendar::shipped(), DAY).unwrap().total_e15()
            });
            prop_assert_eq!(portfolio.charges_e4(), to_e4(whole_e15.sum()));
        }
    }
}
