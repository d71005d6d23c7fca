//! How contracts are classed by what they are on, and the margin rates of each class.

use crate::exchange::market::instruments::Instrument;
use crate::exchange::rules::{MarginRates, Rates};
use crate::terms::{Exchange, InstrumentKind};

/// Underlyings that are scanned alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Index,
    Stock,
    Currency,
    Commodity,
}

impl Class {
    /// Of a contract by what it is a contract on.
    pub fn of(contract: &Instrument, reference: &Instrument) -> Self {
        match contract.exchange {
            Exchange::Cds | Exchange::Bcd => Self::Currency,
            Exchange::Mcx | Exchange::Nco => Self::Commodity,
            _ if reference.kind == InstrumentKind::Index => Self::Index,
            _ => Self::Stock,
        }
    }
}

impl MarginRates {
    /// Those of a class.
    pub fn of(&self, class: Class) -> &Rates {
        match class {
            Class::Index => &self.index,
            Class::Stock => &self.stock,
            Class::Currency => &self.currency,
            Class::Commodity => &self.commodity,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_rates_are_fit_to_be_set() {
        for class in [
            Class::Index,
            Class::Stock,
            Class::Currency,
            Class::Commodity,
        ] {
            let rates = MarginRates::USUAL.of(class);
            assert_eq!(Rates::from_list(rates.listed()).as_ref(), Some(rates));
        }
    }

    #[test]
    fn a_spread_between_expiries_always_costs_less_than_its_legs() {
        assert_eq!(Rates::from_list([900, 400, 900, 200, 300]), None);
        assert_eq!(Rates::from_list([900, -1, 100, 200, 300]), None);
        assert_eq!(Rates::from_list([10_001, 400, 100, 200, 300]), None);
    }
}
