//! One position: shorts, reversals and partial fills, in exact integers.
use crate::terms::{Overflow, Side, divide_half_even, product};

/// A quantity and what it cost. The average is their quotient, and is rounded only when it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lots {
    pub quantity: i64,
    /// quantity x price x multiplier, summed.
    pub value_e4: i64,
}

impl Lots {
    fn add(&mut self, quantity: i64, value_e4: i64) -> Result<(), Overflow> {
        self.quantity = self.quantity.checked_add(quantity).ok_or(Overflow)?;
        self.value_e4 = self.value_e4.checked_add(value_e4).ok_or(Overflow)?;
        Ok(())
    }

    /// Value per unit, half to even; 0 of nothing.
    pub fn price_e4(&self, multiplier: i64) -> i64 {
        let units = i128::from(self.quantity) * i128::from(multiplier);
        if units == 0 {
            return 0;
        }
        // Value and quantity have the same sign, so this never leaves 64 bits.
        divide_half_even(i128::from(self.value_e4) * units.signum(), units.abs()) as i64
    }
}

/// What one account holds of one (exchange, tradingsymbol, product).
///
/// The cost of what is open is its moving average. A part of it that is closed takes its share of the cost, rounded
/// half to even; the rest stays with what is open, so `realised - cost = sold - bought` holds exactly at all times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Units per unit of quantity: 1 but for contracts counted in lots.
    pub multiplier: i64,
    /// What is open: negative quantity and value when short.
    pub open: Lots,
    pub realised_e4: i64,
    /// The price at which what is open is valued; 0 before there is one.
    pub last_e4: i64,
    /// What was brought into the day, at its cost.
    pub overnight: Lots,
    /// The previous day's close, at which Kite's m2m values what was brought in.
    pub close_e4: i64,
    pub day_bought: Lots,
    pub day_sold: Lots,
}

impl Position {
    pub fn new(multiplier: i64) -> Self {
        let none = Lots::default();
        Self {
            multiplier,
            open: none,
            realised_e4: 0,
            last_e4: 0,
            overnight: none,
            close_e4: 0,
            day_bought: none,
            day_sold: none,
        }
    }

    /// A position brought into the day: its signed quantity, what it cost on average, and yesterday's close, or its
    /// average again when that is not known.
    pub fn carried(
        multiplier: i64,
        quantity: i64,
        average_e4: i64,
        close_e4: i64,
    ) -> Result<Self, Overflow> {
        let overnight = Lots {
            quantity,
            value_e4: product(quantity, average_e4, multiplier)?,
        };
        Ok(Self {
            open: overnight,
            overnight,
            close_e4,
            last_e4: close_e4,
            ..Self::new(multiplier)
        })
    }

    /// The day's trades on another opening: what was brought into the day, its cost on average, and yesterday's close.
    ///
    /// The same opening changes the close alone. On another, what is open costs what its side was traded for on average and the
    /// rest is realised; so quantity and gain are exact in whatever order the opening and the trades became known.
    pub fn opened_with(
        &self,
        quantity: i64,
        average_e4: i64,
        close_e4: i64,
    ) -> Result<Self, Overflow> {
        let opening = Self::carried(self.multiplier, quantity, average_e4, close_e4)?;
        if opening.overnight == self.overnight {
            return Ok(Self { close_e4, ..*self });
        }
        let mut after = Self {
            day_bought: self.day_bought,
            day_sold: self.day_sold,
            last_e4: self.last_e4,
            ..opening
        };
        let (bought, sold) = (after.bought()?, after.sold()?);
        let open = bought.quantity.checked_sub(sold.quantity).ok_or(Overflow)?;
        let side = if open > 0 { bought } else { sold };
        let value_e4 = match side.quantity {
            0 => 0,
            // At most the side's whole value, so it fits.
            all => divide_half_even(
                i128::from(side.value_e4) * i128::from(open),
                i128::from(all),
            ) as i64,
        };
        after.open = Lots {
            quantity: open,
            value_e4,
        };
        after.realised_e4 = value_e4
            .checked_add(sold.value_e4)
            .and_then(|sum| sum.checked_sub(bought.value_e4))
            .ok_or(Overflow)?;
        Ok(after)
    }

    pub fn quantity(&self) -> i64 {
        self.open.quantity
    }

    pub fn average_e4(&self) -> i64 {
        self.open.price_e4(self.multiplier)
    }

    /// Books one trade of a quantity above zero. On overflow nothing has changed.
    pub fn trade(&mut self, side: Side, quantity: i64, price_e4: i64) -> Result<(), Overflow> {
        assert!(
            quantity > 0 && price_e4 >= 0,
            "a trade has a quantity above zero and a price not below"
        );
        let mut after = *self;
        let value_e4 = product(quantity, price_e4, self.multiplier)?;
        let day = match side {
            Side::Buy => &mut after.day_bought,
            Side::Sell => &mut after.day_sold,
        };
        day.add(quantity, value_e4)?;
        let against = self.open.quantity.signum() == -side.sign();
        let closing = if against {
            quantity.min(self.open.quantity.checked_abs().ok_or(Overflow)?)
        } else {
            0
        };
        after.close(side, closing, price_e4)?;
        let opening = quantity - closing;
        after.open.add(
            side.sign() * opening,
            side.sign() * product(opening, price_e4, self.multiplier)?,
        )?;
        *self = after;
        Ok(())
    }

    fn close(&mut self, side: Side, quantity: i64, price_e4: i64) -> Result<(), Overflow> {
        if quantity == 0 {
            return Ok(());
        }
        let share = i128::from(self.open.value_e4) * i128::from(quantity);
        // At most the whole cost, so it fits; exact when all is closed.
        let cost_e4 = divide_half_even(share, i128::from(self.open.quantity).abs()) as i64;
        let proceeds_e4 = -side.sign() * product(quantity, price_e4, self.multiplier)?;
        let gain_e4 = proceeds_e4.checked_sub(cost_e4).ok_or(Overflow)?;
        self.realised_e4 = self.realised_e4.checked_add(gain_e4).ok_or(Overflow)?;
        self.open.add(side.sign() * quantity, -cost_e4)
    }

    /// Takes a part of what is open away: what stays, and the part, each with its share of the cost. `brought` says
    /// that it is of what was brought into the day, else it is of what the day traded.
    ///
    /// Panics when the part is not above zero and within what is open.
    pub fn parted(&self, quantity: i64, brought: bool) -> Result<(Self, Self), Overflow> {
        let sign = self.open.quantity.signum();
        assert!(
            0 < quantity && quantity <= self.open.quantity.abs(),
            "a part of what is open"
        );
        let share = i128::from(self.open.value_e4) * i128::from(quantity);
        let cost_e4 = divide_half_even(share, i128::from(self.open.quantity).abs()) as i64;
        let mut part = Self {
            last_e4: self.last_e4,
            close_e4: self.close_e4,
            ..Self::new(self.multiplier)
        };
        let mut rest = *self;
        part.open.add(sign * quantity, cost_e4)?;
        rest.open.add(-sign * quantity, -cost_e4)?;
        if brought {
            part.overnight.add(sign * quantity, cost_e4)?;
            rest.overnight.add(-sign * quantity, -cost_e4)?;
        } else {
            part.day(sign).add(quantity, sign * cost_e4)?;
            rest.day(sign).add(-quantity, -sign * cost_e4)?;
        }
        Ok((rest, part))
    }

    /// This and another position of the same side, or of none, as one.
    pub fn joined(&self, other: &Self) -> Result<Self, Overflow> {
        assert!(
            self.open.quantity.signum() * other.open.quantity.signum() >= 0,
            "what is long and what is short do not join without a trade"
        );
        let mut both = *self;
        for (lots, more) in [
            (&mut both.open, other.open),
            (&mut both.overnight, other.overnight),
            (&mut both.day_bought, other.day_bought),
            (&mut both.day_sold, other.day_sold),
        ] {
            lots.add(more.quantity, more.value_e4)?;
        }
        both.realised_e4 = both
            .realised_e4
            .checked_add(other.realised_e4)
            .ok_or(Overflow)?;
        Ok(both)
    }

    fn day(&mut self, sign: i64) -> &mut Lots {
        if sign > 0 {
            &mut self.day_bought
        } else {
            &mut self.day_sold
        }
    }

    /// What is open at `last_e4`; 0 while no price is known.
    pub fn market_value_e4(&self) -> Result<i64, Overflow> {
        product(self.open.quantity, self.last_e4, self.multiplier)
    }

    /// Gain of what is open against its cost. 0 while no price is known: `last_e4` tells.
    pub fn unrealised_e4(&self) -> Result<i64, Overflow> {
        if self.last_e4 == 0 {
            return Ok(0);
        }
        self.market_value_e4()?
            .checked_sub(self.open.value_e4)
            .ok_or(Overflow)
    }

    /// Everything bought, what was brought in long included: Kite's `buy_quantity` and `buy_value`.
    pub fn bought(&self) -> Result<Lots, Overflow> {
        let mut all = self.day_bought;
        if self.overnight.quantity > 0 {
            all.add(self.overnight.quantity, self.overnight.value_e4)?;
        }
        Ok(all)
    }

    /// Everything sold, what was brought in short included: Kite's `sell_quantity` and `sell_value`.
    pub fn sold(&self) -> Result<Lots, Overflow> {
        let mut all = self.day_sold;
        if self.overnight.quantity < 0 {
            all.add(-self.overnight.quantity, -self.overnight.value_e4)?;
        }
        Ok(all)
    }

    /// Kite's `value`: sold less bought.
    pub fn value_e4(&self) -> Result<i64, Overflow> {
        self.sold()?
            .value_e4
            .checked_sub(self.bought()?.value_e4)
            .ok_or(Overflow)
    }

    /// Kite's `pnl`: `value + quantity x last_price x multiplier`. Equals realised plus unrealised once there is a price.
    pub fn pnl_e4(&self) -> Result<i64, Overflow> {
        self.value_e4()?
            .checked_add(self.market_value_e4()?)
            .ok_or(Overflow)
    }

    /// Kite's `buy_m2m`: the day's purchases, and what was brought in long at yesterday's close.
    pub fn buy_m2m_e4(&self) -> Result<i64, Overflow> {
        let carried_e4 = product(
            self.overnight.quantity.max(0),
            self.close_e4,
            self.multiplier,
        )?;
        self.day_bought
            .value_e4
            .checked_add(carried_e4)
            .ok_or(Overflow)
    }

    /// Kite's `sell_m2m`: the day's sales, and what was brought in short at yesterday's close.
    pub fn sell_m2m_e4(&self) -> Result<i64, Overflow> {
        let short = self
            .overnight
            .quantity
            .min(0)
            .checked_neg()
            .ok_or(Overflow)?;
        let carried_e4 = product(short, self.close_e4, self.multiplier)?;
        self.day_sold
            .value_e4
            .checked_add(carried_e4)
            .ok_or(Overflow)
    }

    /// Kite's `m2m`, the day's gain: `sell_m2m - buy_m2m + quantity x last_price x multiplier`.
    pub fn m2m_e4(&self) -> Result<i64, Overflow> {
        let traded_e4 = self
            .sell_m2m_e4()?
            .checked_sub(self.buy_m2m_e4()?)
            .ok_or(Overflow)?;
        traded_e4
            .checked_add(self.market_value_e4()?)
            .ok_or(Overflow)
    }
}

fields! {
    Lots { quantity, value_e4 }
    Position { multiplier, open, realised_e4, last_e4, overnight, close_e4, day_bought, day_sold }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn traded(trades: &[(Side, i64, i64)]) -> Position {
        let mut position = Position::new(1);
        for (side, quantity, price_e4) in trades {
            position.trade(*side, *quantity, *price_e4).unwrap();
        }
        position
    }

    #[test]
    fn a_reversal_realises_what_was_open_and_opens_the_rest_at_its_own_price() {
        let position = traded(&[(Side::Buy, 50, 1_000_000), (Side::Sell, 80, 1_100_000)]);

        assert_eq!(
            position.open,
            Lots {
                quantity: -30,
                value_e4: -33_000_000
            }
        );
        assert_eq!(
            (position.realised_e4, position.average_e4()),
            (5_000_000, 1_100_000)
        );
    }

    #[test]
    fn a_short_gains_when_the_price_falls() {
        let mut position = traded(&[(Side::Sell, 65, 1_000_000), (Side::Buy, 15, 900_000)]);
        position.last_e4 = 950_000;

        assert_eq!(
            (position.realised_e4, position.unrealised_e4()),
            (1_500_000, Ok(2_500_000))
        );
        assert_eq!(position.pnl_e4(), Ok(4_000_000));
    }

    #[test]
    fn a_cost_that_does_not_divide_is_realised_in_full_when_flat() {
        // 3 units for 100.0001: a third is no integer.
        let position = traded(&[
            (Side::Buy, 1, 333_333),
            (Side::Buy, 2, 333_334),
            (Side::Sell, 1, 0),
            (Side::Sell, 2, 0),
        ]);

        assert_eq!(position.open, Lots::default());
        assert_eq!(position.realised_e4, -1_000_001);
    }

    #[test]
    fn kites_identities_price_the_overnight_part_at_the_close() {
        // Kite's documented arithmetic: 3 brought in at a close of 23232, 1 bought at 23388 gives buy_m2m 93084.
        let mut position = Position::carried(1, 3, 230_000_000, 232_320_000).unwrap();
        position.trade(Side::Buy, 1, 233_880_000).unwrap();
        position.last_e4 = 233_880_000;

        assert_eq!(position.buy_m2m_e4(), Ok(930_840_000));
        assert_eq!(position.m2m_e4(), Ok(4 * 233_880_000 - 930_840_000));
        assert_eq!(
            position.pnl_e4(),
            Ok(4 * 233_880_000 - 3 * 230_000_000 - 233_880_000)
        );
    }

    #[test]
    fn an_overflow_changes_nothing() {
        let mut position = traded(&[(Side::Buy, 10, 1_000_000)]);
        let before = position;

        assert_eq!(position.trade(Side::Buy, i64::MAX, 2), Err(Overflow));
        assert_eq!(
            position.trade(Side::Sell, i64::MAX, i64::MAX),
            Err(Overflow)
        );
        assert_eq!(position, before);
    }

    proptest! {
        #[test]
        fn parting_and_joining_again_changes_nothing(
            trades in prop::collection::vec((any::<bool>(), 1_i64..500, 1_i64..1_000_000), 1..20),
            part in 0.0_f64..1.0,
        ) {
            let trades: Vec<_> = trades
                .into_iter()
                .map(|(buy, quantity, price)| (if buy { Side::Buy } else { Side::Sell }, quantity, price))
                .collect();
            let whole = traded(&trades);
            prop_assume!(whole.quantity() != 0);
            let quantity = 1 + (part * (whole.quantity().abs() - 1) as f64) as i64;

            let (rest, moved) = whole.parted(quantity, false).unwrap();

            prop_assert_eq!(rest.joined(&moved).unwrap(), whole);
            prop_assert_eq!((moved.quantity().abs(), moved.realised_e4), (quantity, 0));
            for position in [rest, moved] {
                prop_assert_eq!(
                    position.realised_e4 - position.open.value_e4,
                    position.sold().unwrap().value_e4 - position.bought().unwrap().value_e4
                );
            }
        }
    }

    proptest! {
        #[test]
        fn an_opening_that_is_heard_between_any_trades_makes_the_same_quantity_and_gain(
            openings in prop::collection::vec((-500_i64..500, 1_i64..1_000_000, 0_usize..20), 1..4),
            trades in prop::collection::vec((any::<bool>(), 1_i64..500, 1_i64..1_000_000), 0..20),
            last_e4 in 1_i64..1_000_000,
        ) {
            let (quantity, average_e4, _) = *openings.last().unwrap();
            let mut first = Position::carried(1, quantity, average_e4, average_e4).unwrap();
            let mut between = Position::new(1);
            let mut openings = openings.clone();
            openings.sort_by_key(|opening| opening.2);
            openings.push((quantity, average_e4, 0)); // the last word, after all trades
            for (n, (buys, quantity, price_e4)) in trades.into_iter().enumerate() {
                for (quantity, average_e4, _) in openings.iter().filter(|opening| opening.2 == n) {
                    between = between.opened_with(*quantity, *average_e4, *average_e4).unwrap();
                }
                let side = if buys { Side::Buy } else { Side::Sell };
                first.trade(side, quantity, price_e4).unwrap();
                between.trade(side, quantity, price_e4).unwrap();
            }
            between = between.opened_with(quantity, average_e4, average_e4).unwrap();
            (first.last_e4, between.last_e4) = (last_e4, last_e4);

            prop_assert_eq!(between.quantity(), first.quantity());
            prop_assert_eq!(between.pnl_e4(), first.pnl_e4());
            for position in [first, between] {
                prop_assert_eq!(
                    position.realised_e4 + position.unrealised_e4().unwrap(),
                    position.pnl_e4().unwrap()
                );
                prop_assert!(position.quantity().signum() * position.open.value_e4.signum() >= 0);
            }
        }
    }

    proptest! {
        #[test]
        fn cash_and_position_at_mark_are_conserved_under_any_fills(
            multiplier in prop_oneof![Just(1i64), Just(1000)],
            overnight in -500i64..500,
            trades in prop::collection::vec((any::<bool>(), 1i64..1000, 1i64..10_000_000), 0..60),
            last_e4 in 1i64..10_000_000,
        ) {
            let mut position = Position::carried(multiplier, overnight, 77_777, 80_001).unwrap();
            let mut cash_e4 = -position.open.value_e4;
            let mut held = overnight;
            for (buys, quantity, price_e4) in trades {
                let side = if buys { Side::Buy } else { Side::Sell };
                position.trade(side, quantity, price_e4).unwrap();
                cash_e4 -= side.sign() * quantity * price_e4 * multiplier;
                held += side.sign() * quantity;
            }
            position.last_e4 = last_e4;

            let worth_e4 = cash_e4 + held * last_e4 * multiplier;
            prop_assert_eq!(position.quantity(), held);
            prop_assert_eq!(position.realised_e4 + position.unrealised_e4().unwrap(), worth_e4);
            prop_assert_eq!(position.pnl_e4().unwrap(), worth_e4);
            prop_assert_eq!(position.quantity().signum(), position.open.value_e4.signum());
        }
    }
}
