//! How the gate learns: prices, rows, funds, and what became of orders. Execution's events alone change reservations.
mod authority;
mod market;
mod orders;
mod positions;

pub use orders::Update;
pub use positions::{Carried, Fill};
