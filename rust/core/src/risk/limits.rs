//! Capital and limits, and the hard ceilings that no configuration passes.
//!
//! A limit that is not set refuses every order but cancels. Each limit is an "at most", so lowering one never lets
//! more pass.

/// Whose ceilings hold: the account's broker decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Live,
    Kitesim,
}

/// One limit's place: its name, the rule that needs it, and how high it may be set.
#[derive(Clone, Copy, Debug)]
pub struct Ceiling {
    pub name: &'static str,
    pub rule: u8,
    pub live: i64,
    pub kitesim: i64,
}

/// Why a limit cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    #[error("no limit is called {name}")]
    Unknown { name: String },
    #[error("{name} = {value}: a limit is 0 or more")]
    Negative { name: &'static str, value: i64 },
    #[error("{name} = {value} is above its hard ceiling of {ceiling}")]
    AboveCeiling {
        name: &'static str,
        value: i64,
        ceiling: i64,
    },
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: R $rule:literal, $live:expr, $kitesim:expr;)+) => {
        /// What the owner allows; `None` is not set.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Limits { $($(#[$doc])* pub $name: Option<i64>),+ }

        fields!(Limits { $($name),+ });

        /// Every limit with its rule and its ceilings.
        pub const CEILINGS: &[Ceiling] =
            &[$(Ceiling { name: stringify!($name), rule: $rule, live: $live, kitesim: $kitesim }),+];

        impl Limits {
            /// Sets one limit. Refused when there is none of that name, or it is negative or above its ceiling.
            pub fn set(&mut self, name: &str, value: i64, column: Column) -> Result<(), LimitError> {
                let known = CEILINGS.iter().find(|ceiling| ceiling.name == name);
                let known = known.ok_or_else(|| LimitError::Unknown { name: name.to_owned() })?;
                let ceiling = match column { Column::Live => known.live, Column::Kitesim => known.kitesim };
                if value < 0 {
                    return Err(LimitError::Negative { name: known.name, value });
                }
                if value > ceiling {
                    return Err(LimitError::AboveCeiling { name: known.name, value, ceiling });
                }
                match name { $(stringify!($name) => self.$name = Some(value),)+ _ => unreachable!("it was found above") }
                Ok(())
            }

            /// The limits that are not set, in the table's order.
            pub fn missing(&self) -> Vec<&'static str> {
                let mut names = Vec::new();
                $(if self.$name.is_none() { names.push(stringify!($name)); })+
                names
            }
        }
    };
}

const LAKH_E4: i64 = 100_000 * 10_000;
const CRORE_E4: i64 = 100 * LAKH_E4;

limits! {
    /// What leverage and loss are measured against.
    capital_e4: R 37, 100 * CRORE_E4, 1_000_000 * CRORE_E4;
    /// Age of execution's last heartbeat.
    beat_age_ms_max: R 5, 3_000, 60_000;
    /// Age of the newest tick of an instrument that is entered.
    tick_age_ms_max: R 23, 10_000, 60_000;
    /// Life that the signal of an entry may still have.
    entry_age_ms_max: R 9, 5_000, 60_000;
    exit_age_ms_max: R 9, 30_000, 60_000;
    /// Distance of a price from the mean of the last 30 s, in hundredths of a percent.
    collar_cash_bp_max: R 26, 300, 10_000;
    collar_index_future_bp_max: R 26, 100, 10_000;
    collar_stock_future_bp_max: R 26, 285, 10_000;
    /// Units of one order. The broker takes none of 1,00,000 shares or more.
    order_quantity_max: R 31, 99_999, 10_000_000;
    order_value_e4_max: R 32, 10 * CRORE_E4, 1_000_000 * CRORE_E4;
    /// Units of one instrument, long or short, everything on its way filled the worst way.
    position_quantity_max: R 35, 1_000_000, 1_000_000_000;
    /// Value of all positions, worst case, in percent of capital: added up, and netted.
    gross_pct_max: R 37, 1_000, 1_000_000;
    net_pct_max: R 37, 1_000, 1_000_000;
    open_orders_max: R 39, 50, 10_000_000;
    open_orders_symbol_max: R 39, 10, 10_000_000;
    open_orders_strategy_max: R 39, 20, 10_000_000;
    open_value_e4_max: R 39, 100 * CRORE_E4, 1_000_000 * CRORE_E4;
    /// The day's loss that stops entries, in hundredths of a percent of capital.
    daily_loss_bp_max: R 44, 500, 10_000;
    /// Use of margin beyond which only exits pass, in percent.
    margin_use_pct_max: R 49, 90, 100;
    /// Messages to the broker, account-wide: entries in 1.25 s, a minute and a day; everything in 1.25 s.
    entries_burst_max: R 52, 8, 1_000_000;
    entries_minute_max: R 52, 320, 10_000_000;
    entries_day_max: R 52, 4_000, 10_000_000;
    all_burst_max: R 52, 10, 1_000_000;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_may_stand_at_its_ceiling_and_not_above() {
        for ceiling in CEILINGS {
            for (column, top) in [
                (Column::Live, ceiling.live),
                (Column::Kitesim, ceiling.kitesim),
            ] {
                let mut limits = Limits::default();
                let above = LimitError::AboveCeiling {
                    name: ceiling.name,
                    value: top + 1,
                    ceiling: top,
                };

                assert_eq!(limits.set(ceiling.name, top + 1, column), Err(above));
                assert_eq!(limits.missing().len(), CEILINGS.len());
                assert_eq!(limits.set(ceiling.name, top, column), Ok(()));
                assert_eq!(limits.missing().len(), CEILINGS.len() - 1);
            }
            assert!(ceiling.live <= ceiling.kitesim, "{}", ceiling.name);
        }
    }

    #[test]
    fn a_limit_that_does_not_exist_or_is_negative_is_refused() {
        let mut limits = Limits::default();

        assert!(matches!(
            limits.set("order_qty", 1, Column::Live),
            Err(LimitError::Unknown { .. })
        ));
        assert!(matches!(
            limits.set("open_orders_max", -1, Column::Live),
            Err(LimitError::Negative { .. })
        ));
    }
}
