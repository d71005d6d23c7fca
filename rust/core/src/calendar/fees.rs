//! What an order pays: the law, the exchanges and the broker, by what is traded and by date.
use super::day::Day;
use super::table::{BadRow, Dated, Row};
use crate::terms::{Exchange, InstrumentKind, Product, words};

words! {
    /// How the tax law and the exchanges sort an order.
    Category {
        EquityDelivery = "equity delivery",
        EquityIntraday = "equity intraday",
        EquityFuture = "equity future",
        EquityOption = "equity option",
        CurrencyFuture = "currency future",
        CurrencyOption = "currency option",
        CommodityFuture = "commodity future",
        CommodityOption = "commodity option",
    }
}

impl Category {
    /// None for an index, which nobody can trade, and for a cash instrument of a derivatives exchange.
    pub fn of(exchange: Exchange, kind: InstrumentKind, product: Product) -> Option<Self> {
        use Exchange::{Bcd, Bfo, Bse, Cds, Mcx, Nco, Nfo, Nse};
        match (exchange, kind) {
            (Nse | Bse, InstrumentKind::Cash) if product == Product::Mis => {
                Some(Self::EquityIntraday)
            }
            (Nse | Bse, InstrumentKind::Cash) => Some(Self::EquityDelivery),
            (Nfo | Bfo, InstrumentKind::Future) => Some(Self::EquityFuture),
            (Nfo | Bfo, InstrumentKind::Call | InstrumentKind::Put) => Some(Self::EquityOption),
            (Cds | Bcd, InstrumentKind::Future) => Some(Self::CurrencyFuture),
            (Cds | Bcd, InstrumentKind::Call | InstrumentKind::Put) => Some(Self::CurrencyOption),
            (Mcx | Nco, InstrumentKind::Future) => Some(Self::CommodityFuture),
            (Mcx | Nco, InstrumentKind::Call | InstrumentKind::Put) => Some(Self::CommodityOption),
            _ => None,
        }
    }
}

/// What the broker takes for an executed order.
#[derive(Clone, Copy, Debug)]
pub enum Brokerage {
    /// In 1/10,000,000 rupee (`_e7`).
    Flat {
        rupees_e7: i64,
    },
    AtMost {
        rate_e9: i64,
        rupees_e7: i64,
    },
}

/// Rates are thousand-millionths of the turnover (`_e9`): 0.1 % is 1,000,000.
#[derive(Clone, Debug)]
pub struct Fees {
    transaction_tax: Dated<[i64; 2]>,
    stamp_duty: Dated<[i64; 2]>,
    exchange_charge: Dated<[i64; 2]>,
    brokerage: Dated<Brokerage>,
    levies: Dated<i64>,
}

impl Fees {
    pub(super) fn read(
        transaction_tax: &[&Row],
        stamp_duty: &[&Row],
        exchange_charge: &[&Row],
        brokerage: &[&Row],
        levies: &[&Row],
    ) -> Result<Self, BadRow> {
        let pair = |row: &Row| match numbers(row)[..] {
            [Some(one), Some(other)] => Ok([one, other]),
            _ => Err(row.bad("two numbers as in 0.1 | 0.025")),
        };
        let taken = |row: &Row| match numbers(row)[..] {
            [Some(rupees_e7)] => Ok(Brokerage::Flat { rupees_e7 }),
            [Some(rate_e9), Some(rupees_e7)] => Ok(Brokerage::AtMost { rate_e9, rupees_e7 }),
            _ => Err(row.bad("rupees as in 20, or percent and rupees as in 0.03 | 20")),
        };
        let one = |row: &Row| decimal_e7(&row.value).ok_or_else(|| row.bad("a number as in 18"));
        Ok(Self {
            transaction_tax: Dated::read(transaction_tax, pair)?,
            stamp_duty: Dated::read(stamp_duty, pair)?,
            exchange_charge: Dated::read(exchange_charge, pair)?,
            brokerage: Dated::read(brokerage, taken)?,
            levies: Dated::read(levies, one)?,
        })
    }

    /// STT or CTT, of the buyer and of the seller.
    pub fn transaction_tax_e9(&self, category: Category, day: Day) -> Option<[i64; 2]> {
        self.transaction_tax.of(category.name(), day).copied()
    }

    /// Of the buyer and of the seller.
    pub fn stamp_duty_e9(&self, category: Category, day: Day) -> Option<[i64; 2]> {
        self.stamp_duty.of(category.name(), day).copied()
    }

    /// Of the exchange, and of its investor fund, whose part bears no GST.
    pub fn exchange_charge_e9(
        &self,
        exchange: Exchange,
        category: Category,
        day: Day,
    ) -> Option<[i64; 2]> {
        let key = format!("{exchange}:{category}");
        self.exchange_charge.of(&key, day).copied()
    }

    pub fn brokerage(&self, category: Category, day: Day) -> Option<Brokerage> {
        self.brokerage.of(category.name(), day).copied()
    }

    /// SEBI's fee.
    pub fn sebi_e9(&self, day: Day) -> Option<i64> {
        self.levies.of("SEBI", day).copied()
    }

    /// Goods and services tax on brokerage, exchange charge and SEBI's fee, in 1/10,000,000 percent.
    pub fn gst_percent_e7(&self, day: Day) -> Option<i64> {
        self.levies.of("GST", day).copied()
    }

    /// STT on what an exercised option is worth, paid by its holder.
    pub fn exercise_tax_e9(&self, day: Day) -> Option<i64> {
        self.levies.of("exercise", day).copied()
    }

    /// What the broker takes, before GST, for squaring off an intraday position itself.
    pub fn square_off_rupees_e7(&self, day: Day) -> Option<i64> {
        self.levies.of("square off", day).copied()
    }
}

fn numbers(row: &Row) -> Vec<Option<i64>> {
    row.value.split(" | ").map(decimal_e7).collect()
}

/// Ten-millionths. Of a percentage they are thousand-millionths of the whole.
fn decimal_e7(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{part:0<7}");
    let plain = !whole.is_empty() && part.len() <= 7;
    (plain && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_at_most_seven_decimals_and_no_sign() {
        for (text, e7) in [
            ("0.1", 1_000_000),
            ("18", 180_000_000),
            ("0.0000001", 1),
            ("0", 0),
        ] {
            assert_eq!(decimal_e7(text), Some(e7), "{text}");
        }
        for text in [
            "",
            ".5",
            "-1",
            "+1",
            "1e3",
            "0.00000001",
            "1.2.3",
            "99999999999999999999",
        ] {
            assert_eq!(decimal_e7(text), None, "{text}");
        }
    }
}
