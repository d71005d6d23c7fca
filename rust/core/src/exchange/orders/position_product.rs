//! What a position is held under.

use crate::terms::Product;

/// An order's product; of cover orders, which are asked for as MIS, one of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PositionProduct {
    As(Product),
    Cover,
}

impl PositionProduct {
    /// As Kite shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::As(product) => product.name(),
            Self::Cover => "CO",
        }
    }

    /// What it counts as for margins and for the end of the day.
    pub fn product(self) -> Product {
        match self {
            Self::As(product) => product,
            Self::Cover => Product::Mis,
        }
    }
}

impl From<Product> for PositionProduct {
    fn from(product: Product) -> Self {
        Self::As(product)
    }
}
