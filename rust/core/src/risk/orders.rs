//! What strategies ask for, and the orders that came of it.
use std::hash::Hasher;

use super::quick_hash::{QuickHasher, QuickMap};
use crate::terms::{OrderType, Overflow, Product, Side, Validity};

/// What a signal wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    Enter,
    Exit,
    Modify,
    Cancel,
}

impl Intent {
    /// The word of that exact spelling, if there is one.
    pub fn parse(text: &str) -> Option<Intent> {
        match text {
            "enter" => Some(Intent::Enter),
            "exit" => Some(Intent::Exit),
            "modify" => Some(Intent::Modify),
            "cancel" => Some(Intent::Cancel),
            _ => None,
        }
    }
}

/// A signal as it arrived. What could not be read is `None`, and refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal<'a> {
    pub strategy: &'a str,
    pub exchange: &'a str,
    pub tradingsymbol: &'a str,
    pub token: i64,
    pub side: Option<Side>,
    pub intent: Option<Intent>,
    pub quantity: i64,
    pub order_type: Option<OrderType>,
    pub price_e4: i64,
    pub trigger_price_e4: i64,
    pub product: Option<Product>,
    pub validity: Option<Validity>,
    /// Machine time.
    pub deadline_ns: i64,
    /// The tag that a modify or a cancel names.
    pub order: &'a str,
    /// Hundredths of a percent; -1: the broker's own table.
    pub market_protection_bp: i64,
}

/// One odd number per word of a fingerprint, so that two fields cannot change places unseen.
const KEYS: [u64; 7] = [
    0x9e37_79b9_7f4a_7c15,
    0xbf58_476d_1ce4_e5b9,
    0x94d0_49bb_1331_11eb,
    0xd6e8_feb8_6659_fd93,
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x8ebc_6af0_9c88_c6e3,
];

impl Signal<'_> {
    /// A number that another signal has only by a chance of one in 2^64.
    #[inline]
    pub fn fingerprint(&self) -> u64 {
        let word = |number: Option<u8>| u64::from(number.unwrap_or(u8::MAX));
        let words = word(self.side.map(|w| w as u8))
            | word(self.intent.map(|w| w as u8)) << 8
            | word(self.order_type.map(|w| w as u8)) << 16
            | word(self.product.map(|w| w as u8)) << 24
            | word(self.validity.map(|w| w as u8)) << 32;
        let numbers = [
            words,
            self.token as u64,
            self.quantity as u64,
            self.price_e4 as u64,
            self.trigger_price_e4 as u64,
            self.deadline_ns as u64,
            self.market_protection_bp as u64,
        ];
        // Each number is mixed by itself, so that the processor does all of them at once.
        let mixed = numbers.iter().zip(KEYS).map(|(number, key)| {
            let product = u128::from(number ^ key) * u128::from(key.rotate_left(32) | 1);
            product as u64 ^ (product >> 64) as u64
        });
        let mut texts = QuickHasher::default();
        for text in [self.strategy, self.exchange, self.tradingsymbol, self.order] {
            texts.write(text.as_bytes());
        }
        mixed.fold(texts.finish(), u64::wrapping_add)
    }
}

/// What was tried at the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Place,
    Modify,
    Cancel,
}

/// How large an order is and what it binds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    pub quantity: i64,
    /// As asked for; 0 of a market order.
    pub limit_e4: i64,
    /// At which its quantity is valued.
    pub price_e4: i64,
    /// Of the whole quantity.
    pub margin_e4: i64,
}

/// What an order holds back now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    pub quantity: i64,
    pub value_e4: i64,
    pub margin_e4: i64,
    /// Counts as an open order.
    pub open: bool,
}

/// One order: asked for and approved, or seen in the account.
#[derive(Clone, Debug)]
pub struct Order {
    pub strategy: u32,
    pub line: u32,
    pub product: Product,
    pub side: Side,
    pub terms: Terms,
    /// What an approved modify would make of it: until the book shows which, the larger counts.
    pub pending: Option<Terms>,
    /// Sum of its trades.
    pub filled: i64,
    /// Final, with that quantity filled; trades for it may still be to come.
    pub settled: Option<i64>,
    pub unknown: bool,
    /// Asked for here. What others have placed shows its terms in the book alone.
    pub own: bool,
    pub bound: Bound,
}

impl Order {
    /// What it may still trade, at worst, and what that binds.
    pub fn worst(&self, multiplier: i64) -> Result<Bound, Overflow> {
        let open = self.settled.is_none();
        let of = |terms: &Terms| -> Result<Bound, Overflow> {
            let whole = self.settled.unwrap_or(terms.quantity);
            let quantity = whole.checked_sub(self.filled).ok_or(Overflow)?.max(0);
            let value_e4 = crate::terms::product(quantity, terms.price_e4, multiplier)?;
            Ok(Bound {
                quantity,
                value_e4,
                margin_e4: terms.margin_of(quantity)?,
                open,
            })
        };
        let now = of(&self.terms)?;
        let Some(pending) = self.pending.as_ref().map(of).transpose()? else {
            return Ok(now);
        };
        Ok(Bound {
            quantity: now.quantity.max(pending.quantity),
            value_e4: now.value_e4.max(pending.value_e4),
            margin_e4: now.margin_e4.max(pending.margin_e4),
            open,
        })
    }
}

impl Terms {
    /// The part of the margin that a part of the quantity binds, rounded up.
    fn margin_of(&self, quantity: i64) -> Result<i64, Overflow> {
        if self.margin_e4 == 0 || quantity == self.quantity {
            return Ok(self.margin_e4);
        }
        let (whole, part) = (i128::from(self.quantity.max(1)), i128::from(quantity));
        let share = (i128::from(self.margin_e4) * part + whole - 1).div_euclid(whole);
        i64::try_from(share).map_err(|_| Overflow)
    }
}

/// The day's orders, found by what names them.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    all: Vec<Order>,
    by_tag: QuickMap<Box<str>, u32>,
    by_order_id: QuickMap<Box<str>, u32>,
}

impl Orders {
    pub fn add(&mut self, order: Order) -> usize {
        self.all.push(order);
        self.all.len() - 1
    }

    pub fn get(&self, at: usize) -> &Order {
        &self.all[at]
    }

    pub fn get_mut(&mut self, at: usize) -> &mut Order {
        &mut self.all[at]
    }

    pub fn name(&mut self, at: usize, tag: &str, order_id: &str) {
        if !tag.is_empty() {
            self.by_tag.insert(tag.into(), at as u32);
        }
        if !order_id.is_empty() {
            self.by_order_id.insert(order_id.into(), at as u32);
        }
    }

    pub fn find(&self, tag: &str, order_id: &str) -> Option<usize> {
        let by_tag = if tag.is_empty() {
            None
        } else {
            self.by_tag.get(tag)
        };
        by_tag
            .or_else(|| self.by_order_id.get(order_id))
            .map(|at| *at as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_other_field_gives_another_fingerprint() {
        let one = Signal {
            strategy: "cross",
            exchange: "NSE",
            tradingsymbol: "INFY",
            token: 408_065,
            side: Some(Side::Buy),
            intent: Some(Intent::Enter),
            quantity: 10,
            order_type: Some(OrderType::Limit),
            price_e4: 15_000_000,
            trigger_price_e4: 0,
            product: Some(Product::Cnc),
            validity: Some(Validity::Day),
            deadline_ns: 5,
            order: "",
            market_protection_bp: 0,
        };
        let others = [
            Signal {
                strategy: "dip",
                ..one
            },
            Signal {
                exchange: "BSE",
                ..one
            },
            Signal {
                tradingsymbol: "ITC",
                ..one
            },
            Signal { token: 1, ..one },
            Signal {
                side: Some(Side::Sell),
                ..one
            },
            Signal {
                intent: Some(Intent::Exit),
                ..one
            },
            Signal {
                quantity: 11,
                ..one
            },
            Signal {
                order_type: None,
                ..one
            },
            Signal {
                price_e4: 0,
                trigger_price_e4: 15_000_000,
                ..one
            },
            Signal {
                product: Some(Product::Mis),
                ..one
            },
            Signal {
                validity: Some(Validity::Ioc),
                ..one
            },
            Signal {
                deadline_ns: 6,
                ..one
            },
            Signal { order: "K1", ..one },
            Signal {
                market_protection_bp: -1,
                ..one
            },
        ];

        let mut all: Vec<u64> = others
            .iter()
            .chain([&one])
            .map(Signal::fingerprint)
            .collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), others.len() + 1);
    }
}
