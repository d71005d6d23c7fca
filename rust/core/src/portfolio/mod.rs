//! Positions, profit and loss, charges, in exact integers.

mod book;
/// What an executed order costs.
pub mod charges;
mod position;

pub use book::{Booked, FillError, Key, Portfolio, Trade};
pub use charges::{Charges, Executed, NoCharges, charges, exercise_tax_e15, square_off_e15, to_e4};
pub use position::{Lots, Position};
