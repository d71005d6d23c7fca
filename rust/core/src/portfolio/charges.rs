//! What an executed order costs: one definition for the gate, the reports and the local exchange.

use crate::calendar::{Brokerage, Calendar, Category};
use crate::day::Day;
use crate::terms::{Exchange, InstrumentKind, Overflow, Product, Side, divide_half_even};

/// Rates have 9 decimals, GST 2 more, money 4: in 1/10^15 rupee every charge is an integer.
const E15_PER_E4: i128 = 100_000_000_000;
const E7: i128 = 10_000_000;
const E15_PER_E13: i128 = 100;

/// An order, or what has been executed of it so far: charges go by the order, not by the trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Executed {
    pub exchange: Exchange,
    pub kind: InstrumentKind,
    pub product: Product,
    pub side: Side,
    /// quantity x price x multiplier; of options the premium.
    pub turnover_e4: i64,
}

/// Why an order's charges cannot be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCharges {
    #[error("no charges are known for this kind of order on {day}")]
    NoRate { day: Day },
    #[error("{Overflow}")]
    Overflow,
}

/// The parts of an order's cost, exactly, in 1/10^15 rupee (`_e15`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charges {
    pub brokerage_e15: i128,
    /// STT or CTT.
    pub transaction_tax_e15: i128,
    /// The exchange's charge with its investor fund's part.
    pub exchange_e15: i128,
    pub sebi_e15: i128,
    pub stamp_e15: i128,
    pub gst_e15: i128,
}

impl Charges {
    pub fn total_e15(&self) -> i128 {
        self.brokerage_e15
            + self.transaction_tax_e15
            + self.exchange_e15
            + self.sebi_e15
            + self.stamp_e15
            + self.gst_e15
    }

    /// These and others together.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            brokerage_e15: self.brokerage_e15 + other.brokerage_e15,
            transaction_tax_e15: self.transaction_tax_e15 + other.transaction_tax_e15,
            exchange_e15: self.exchange_e15 + other.exchange_e15,
            sebi_e15: self.sebi_e15 + other.sebi_e15,
            stamp_e15: self.stamp_e15 + other.stamp_e15,
            gst_e15: self.gst_e15 + other.gst_e15,
        }
    }

    pub fn total_e4(&self) -> i64 {
        to_e4(self.total_e15())
    }
}

/// To 1/10,000 rupee, half to even: for showing, and for sums that others read.
pub fn to_e4(exact_e15: i128) -> i64 {
    // Charges are a small share of a turnover that fits.
    divide_half_even(exact_e15, E15_PER_E4) as i64
}

/// The charges of one executed order on a day. Nothing executed costs nothing.
///
/// Sums are exact, as Kite's calculators give them; a contract note rounds the taxes to whole rupees. A depository's
/// fee for delivered sales is by day and share, not by order, and is not in here.
pub fn charges(order: &Executed, calendar: &Calendar, day: Day) -> Result<Charges, NoCharges> {
    if order.turnover_e4 < 0 {
        return Err(NoCharges::Overflow);
    }
    let turnover = i128::from(order.turnover_e4);
    priced(order, turnover, calendar, day).ok_or(NoCharges::NoRate { day })
}

/// None: a rate is not known.
fn priced(order: &Executed, turnover: i128, calendar: &Calendar, day: Day) -> Option<Charges> {
    let fees = calendar.fees();
    let category = Category::of(order.exchange, order.kind, order.product)?;
    let (tax, stamp) = (
        fees.transaction_tax_e9(category, day)?,
        fees.stamp_duty_e9(category, day)?,
    );
    let [exchange_e9, fund_e9] = fees.exchange_charge_e9(order.exchange, category, day)?;
    let (sebi_e9, gst_percent_e7) = (fees.sebi_e9(day)?, fees.gst_percent_e7(day)?);
    let brokerage = fees.brokerage(category, day)?;
    if turnover == 0 {
        return Some(Charges::default());
    }

    let share_e13 = |rate_e9: i64| turnover * i128::from(rate_e9);
    let of_side_e13 = |[buyer_e9, seller_e9]: [i64; 2]| match order.side {
        Side::Buy => share_e13(buyer_e9),
        Side::Sell => share_e13(seller_e9),
    };
    let rupees_e13 = |rupees_e7: i64| i128::from(rupees_e7) * 1_000_000;
    let brokerage_e13 = match brokerage {
        Brokerage::Flat { rupees_e7 } => rupees_e13(rupees_e7),
        Brokerage::AtMost { rate_e9, rupees_e7 } => share_e13(rate_e9).min(rupees_e13(rupees_e7)),
    };
    let (exchange_e13, sebi_e13) = (share_e13(exchange_e9), share_e13(sebi_e9));
    let taxed_e13 = brokerage_e13 + exchange_e13 + sebi_e13;
    Some(Charges {
        brokerage_e15: brokerage_e13 * E15_PER_E13,
        transaction_tax_e15: of_side_e13(tax) * E15_PER_E13,
        exchange_e15: (exchange_e13 + share_e13(fund_e9)) * E15_PER_E13,
        sebi_e15: sebi_e13 * E15_PER_E13,
        stamp_e15: of_side_e13(stamp) * E15_PER_E13,
        gst_e15: taxed_e13 * i128::from(gst_percent_e7) / E7,
    })
}

/// STT on an option that is exercised for its holder when it ends: a share of what it is then worth. The writer pays
/// none, nor does anybody for a future that ends. Nothing before the first day of the table.
pub fn exercise_tax_e15(worth_e4: i64, calendar: &Calendar, day: Day) -> i128 {
    let rate_e9 = calendar.fees().exercise_tax_e9(day).unwrap_or(0);
    i128::from(worth_e4) * i128::from(rate_e9) * E15_PER_E13
}

/// The broker's fee for squaring off a position itself, with GST.
pub fn square_off_e15(calendar: &Calendar, day: Day) -> i128 {
    let fees = calendar.fees();
    let fee = fees.square_off_rupees_e7(day).zip(fees.gst_percent_e7(day));
    fee.map_or(0, |(rupees_e7, gst_percent_e7)| {
        i128::from(rupees_e7) * (100 * E7 + i128::from(gst_percent_e7)) / 10
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOVEMBER_2026: Day = Day::of(2026, 11, 19);

    fn charges(order: &Executed, day: Day) -> Result<Charges, NoCharges> {
        super::charges(order, &Calendar::shipped(), day)
    }

    fn exercise_tax_e15(worth_e4: i64, day: Day) -> i128 {
        super::exercise_tax_e15(worth_e4, &Calendar::shipped(), day)
    }

    fn order(
        exchange: Exchange,
        kind: InstrumentKind,
        product: Product,
        side: Side,
        quantity: i64,
        price: i64,
    ) -> Executed {
        Executed {
            exchange,
            kind,
            product,
            side,
            turnover_e4: quantity * price * 10_000,
        }
    }

    #[test]
    fn the_worked_examples_hold_to_a_hundredth_of_a_paisa() {
        use Exchange::{Bfo, Mcx, Nfo, Nse};
        use Product::{Cnc, Mis, Nrml};
        let examples = [
            (
                order(Nse, InstrumentKind::Cash, Cnc, Side::Buy, 10, 1500),
                17_8111,
            ),
            (
                order(Nse, InstrumentKind::Cash, Mis, Side::Sell, 100, 505),
                32_3910,
            ),
            (
                order(Nfo, InstrumentKind::Future, Nrml, Side::Sell, 65, 25_100),
                876_5058,
            ),
            (
                order(Nfo, InstrumentKind::Call, Nrml, Side::Buy, 65, 100),
                26_5278,
            ),
            (
                order(Nfo, InstrumentKind::Put, Nrml, Side::Sell, 65, 110),
                37_3311,
            ),
            (
                order(Bfo, InstrumentKind::Call, Nrml, Side::Sell, 20, 300),
                34_9081,
            ),
            (
                order(Mcx, InstrumentKind::Future, Nrml, Side::Sell, 1, 700_000),
                111_7720,
            ),
        ];

        for (executed, total_e4) in examples {
            assert_eq!(
                charges(&executed, NOVEMBER_2026).unwrap().total_e4(),
                total_e4,
                "{executed:?}"
            );
        }
    }

    #[test]
    fn the_contract_note_of_2023_comes_out_at_its_own_rates() {
        let july_2023 = Day::of(2023, 7, 10);
        let sbin = charges(
            &order(
                Exchange::Nse,
                InstrumentKind::Cash,
                Product::Cnc,
                Side::Buy,
                1,
                560,
            ),
            july_2023,
        )
        .unwrap();
        let gold = charges(
            &order(
                Exchange::Mcx,
                InstrumentKind::Future,
                Product::Nrml,
                Side::Sell,
                1,
                5862,
            ),
            july_2023,
        )
        .unwrap();
        let nifty = order(
            Exchange::Nfo,
            InstrumentKind::Put,
            Product::Nrml,
            Side::Buy,
            1,
            150,
        );
        let nifty = charges(&nifty, july_2023).unwrap();

        assert_eq!(
            (sbin.transaction_tax_e15, sbin.exchange_e15),
            (560_000_000_000_000, 18_760_000_000_000)
        );
        assert_eq!(
            (sbin.sebi_e15, sbin.gst_e15),
            (560_000_000_000, 3_376_800_000_000)
        );
        assert_eq!(
            (gold.transaction_tax_e15, gold.exchange_e15),
            (586_200_000_000_000, 152_412_000_000_000)
        );
        assert_eq!(
            (gold.brokerage_e15, gold.gst_e15),
            (1_758_600_000_000_000, 345_037_320_000_000)
        );
        assert_eq!(
            (nifty.exchange_e15, nifty.gst_e15),
            (75_750_000_000_000, 3_613_527_000_000_000)
        );
    }

    #[test]
    fn a_rate_changes_on_its_day() {
        let sale = order(
            Exchange::Nfo,
            InstrumentKind::Future,
            Product::Nrml,
            Side::Sell,
            1,
            1_000_000,
        );
        let tax_rupees =
            |day| charges(&sale, day).unwrap().transaction_tax_e15 / 1_000_000_000_000_000;

        assert_eq!(
            (
                tax_rupees(Day::of(2026, 3, 31)),
                tax_rupees(Day::of(2026, 4, 1))
            ),
            (200, 500)
        );
        assert_eq!(
            (
                tax_rupees(Day::of(2024, 9, 30)),
                tax_rupees(Day::of(2024, 10, 1))
            ),
            (125, 200)
        );
    }

    #[test]
    fn what_no_table_covers_has_no_charges() {
        let index = order(
            Exchange::Nse,
            InstrumentKind::Index,
            Product::Cnc,
            Side::Buy,
            1,
            1,
        );
        let share = order(
            Exchange::Nse,
            InstrumentKind::Cash,
            Product::Cnc,
            Side::Buy,
            1,
            1,
        );
        let past = Day::of(2021, 12, 31);

        assert_eq!(
            charges(&index, NOVEMBER_2026),
            Err(NoCharges::NoRate { day: NOVEMBER_2026 })
        );
        assert_eq!(charges(&share, past), Err(NoCharges::NoRate { day: past }));
        assert_eq!(
            charges(
                &Executed {
                    turnover_e4: -1,
                    ..share
                },
                NOVEMBER_2026
            ),
            Err(NoCharges::Overflow)
        );
    }

    #[test]
    fn an_option_that_ends_in_the_money_is_taxed_at_the_rate_of_its_day() {
        // 65 units, 100 rupees in the money: 0.15 % of 6,500 rupees, 0.125 % before April 2026.
        let tax_e4 = |day| to_e4(exercise_tax_e15(65 * 100 * 10_000, day));

        assert_eq!(tax_e4(NOVEMBER_2026), 9_7500);
        assert_eq!(tax_e4(Day::of(2026, 4, 1)), 9_7500);
        assert_eq!(tax_e4(Day::of(2026, 3, 31)), 8_1250);
        assert_eq!(to_e4(exercise_tax_e15(0, NOVEMBER_2026)), 0);
    }

    #[test]
    fn squaring_off_by_the_broker_costs_59_rupees() {
        assert_eq!(
            to_e4(square_off_e15(&Calendar::shipped(), NOVEMBER_2026)),
            59_0000
        );
    }

    proptest! {
        #[test]
        fn a_larger_order_never_costs_less(less in 0i64..i64::MAX, more in 0i64..i64::MAX, sells: bool) {
            let side = if sells { Side::Sell } else { Side::Buy };
            let of = |turnover_e4| {
                let order = Executed { exchange: Exchange::Nfo, kind: InstrumentKind::Future, product: Product::Mis, side, turnover_e4 };
                charges(&order, NOVEMBER_2026).unwrap().total_e15()
            };
            prop_assert!(of(less.min(more)) <= of(less.max(more)));
        }
    }
}
