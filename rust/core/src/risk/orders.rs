//! The orders of the account: asked for and approved, or seen in the book.
use super::quick_hash::QuickMap;
use crate::terms::{Overflow, Product, Side};

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
    pub instrument: u32,
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
    /// One of which nothing has traded yet.
    pub fn new(
        (strategy, instrument): (u32, usize),
        product: Product,
        side: Side,
        terms: Terms,
        own: bool,
    ) -> Self {
        Self {
            strategy,
            instrument: instrument as u32,
            product,
            side,
            terms,
            pending: None,
            filled: 0,
            settled: None,
            unknown: false,
            own,
            bound: Bound::default(),
        }
    }

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

fields! {
    Terms { quantity, limit_e4, price_e4, margin_e4 }
    Bound { quantity, value_e4, margin_e4, open }
    Order { strategy, instrument, product, side, terms, pending, filled, settled, unknown, own, bound }
    Orders { all, by_tag, by_order_id }
}
