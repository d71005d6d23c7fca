//! The trader's terms, each with the spelling that Kite gives it.

/// A closed set of words: an enum whose variants have one spelling each.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every word, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Kite's spelling.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The word of that exact spelling, if there is one.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }

            /// All spellings, for whoever is told that a word is none of them.
            #[allow(dead_code)] // of words that nobody outside says
            pub fn names() -> String {
                Self::ALL.iter().map(|word| word.name()).collect::<Vec<_>>().join(", ")
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, out: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                out.write_str(self.name())
            }
        }
    };
}

pub(crate) use words;

words! {
    /// Where an instrument trades.
    Exchange {
        Nse = "NSE", Bse = "BSE", Nfo = "NFO", Bfo = "BFO",
        Cds = "CDS", Bcd = "BCD", Mcx = "MCX", Nco = "NCO",
    }
}

words! {
    /// Which way an order or a trade goes.
    Side { Buy = "BUY", Sell = "SELL" }
}

words! {
    /// How a position is held and financed.
    Product {
        /// Delivery of shares.
        Cnc = "CNC",
        /// Intraday: squared off the same day.
        Mis = "MIS",
        /// Derivatives held overnight.
        Nrml = "NRML",
        /// Delivery on the broker's money.
        Mtf = "MTF",
    }
}

words! {
    /// How an order names its price.
    OrderType { Market = "MARKET", Limit = "LIMIT", Sl = "SL", SlM = "SL-M" }
}

words! {
    /// How long an order stands.
    Validity { Day = "DAY", Ioc = "IOC", Ttl = "TTL" }
}

words! {
    /// What an instrument is. An index is no instrument of the file's `instrument_type`; its segment says so.
    InstrumentKind { Cash = "EQ", Future = "FUT", Call = "CE", Put = "PE", Index = "INDEX" }
}

impl Side {
    /// +1 to buy, -1 to sell.
    pub const fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }

    /// The other side.
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

impl InstrumentKind {
    pub const fn is_option(self) -> bool {
        matches!(self, Self::Call | Self::Put)
    }

    pub const fn is_derivative(self) -> bool {
        matches!(self, Self::Future | Self::Call | Self::Put)
    }
}

impl Exchange {
    /// Shares and units that one of the order's quantity stands for; none where it differs by contract and Kite's
    /// instruments file does not say it (currency and commodities), so that nothing is valued by a guess.
    pub const fn multiplier(self) -> Option<i64> {
        match self {
            Self::Nse | Self::Bse | Self::Nfo | Self::Bfo => Some(1),
            Self::Cds | Self::Bcd | Self::Mcx | Self::Nco => None,
        }
    }

    /// Shares, not derivatives.
    pub const fn is_cash(self) -> bool {
        matches!(self, Self::Nse | Self::Bse)
    }
}

/// A number left the range in which it can be reckoned exactly. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sum or product of money left the range of 64 bits")]
pub struct Overflow;

/// `a * b * c` of money or quantities, exactly, or an overflow.
pub fn product(a: i64, b: i64, c: i64) -> Result<i64, Overflow> {
    (i128::from(a) * i128::from(b))
        .checked_mul(i128::from(c))
        .and_then(|value| i64::try_from(value).ok())
        .ok_or(Overflow)
}

/// `value / by`, half to even; `by` is above zero.
pub const fn divide_half_even(value: i128, by: i128) -> i128 {
    let (down, rest) = (value.div_euclid(by), value.rem_euclid(by));
    let twice = rest * 2;
    if twice > by || (twice == by && down % 2 != 0) {
        down + 1
    } else {
        down
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_as_itself() {
        assert!(
            Exchange::ALL
                .iter()
                .all(|w| Exchange::parse(w.name()) == Some(*w))
        );
        assert!(
            OrderType::ALL
                .iter()
                .all(|w| OrderType::parse(w.name()) == Some(*w))
        );
        assert_eq!(Product::parse("cnc"), None);
    }

    #[test]
    fn halves_go_to_the_even_neighbour_on_both_sides_of_zero() {
        let halves: Vec<i128> = [-5, -3, -1, 1, 3, 5]
            .iter()
            .map(|v| divide_half_even(*v, 2))
            .collect();

        assert_eq!(halves, [-2, -2, 0, 0, 2, 2]);
        assert_eq!(
            (
                divide_half_even(7, 3),
                divide_half_even(8, 3),
                divide_half_even(-7, 3)
            ),
            (2, 3, -2)
        );
    }

    #[test]
    fn a_product_beyond_64_bits_is_an_overflow() {
        assert_eq!(product(i64::MAX, 1, 1), Ok(i64::MAX));
        assert_eq!(product(i64::MAX, 2, 1), Err(Overflow));
        assert_eq!(product(i64::MAX, i64::MAX, i64::MAX), Err(Overflow));
    }
}
