//! What the gate answers.
use std::fmt;

use crate::msgpack::{Reader, Writer};
pub use crate::payload::risk::Reservation;
use crate::payload::{Field, FieldError};

/// Why a rule refused, kept as numbers: most are never read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    Said(&'static str),
    /// In the words of an earlier process.
    Quoted(Box<str>),
    /// A limit that the owner has not set.
    NotSet(&'static str),
    Above {
        what: &'static str,
        have: i64,
        most: i64,
    },
    Below {
        what: &'static str,
        have: i64,
        least: i64,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said(text) => out.write_str(text),
            Self::Quoted(text) => out.write_str(text),
            Self::NotSet(limit) => write!(out, "{limit} is not set in [risk]"),
            Self::Above { what, have, most } => write!(out, "{what} is {have}, at most {most}"),
            Self::Below { what, have, least } => write!(out, "{what} is {have}, at least {least}"),
        }
    }
}

/// One rule's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Pass,
    Refuse(Why),
    /// A fact that the rule needs is missing; the rule that finds it missing refuses, and an order passes only when
    /// every rule was evaluated.
    Unjudged,
}

/// Every rule's result: bit n stands for rule Rn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub evaluated: u64,
    pub refused: u64,
    /// The first that refused, in evaluation order, and why.
    pub first: Option<(u8, Why)>,
}

impl Verdict {
    pub(super) fn note(&mut self, rule: u8, outcome: Outcome) {
        let bit = 1 << rule;
        match outcome {
            Outcome::Pass => self.evaluated |= bit,
            Outcome::Refuse(why) => {
                self.evaluated |= bit;
                self.refused |= bit;
                self.first.get_or_insert((rule, why));
            }
            Outcome::Unjudged => {}
        }
    }
}

/// An order that every rule has passed. Only the gate makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    verdict: Verdict,
    reservation: Reservation,
}

impl Approved {
    pub(super) fn new(verdict: Verdict, reservation: Reservation) -> Self {
        Self {
            verdict,
            reservation,
        }
    }

    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    pub fn reservation(&self) -> &Reservation {
        &self.reservation
    }
}

/// The gate's answer; there is no third, and nothing that overrides the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    Approved(Approved),
    Blocked(Verdict),
}

impl Judgement {
    pub fn verdict(&self) -> &Verdict {
        match self {
            Self::Approved(approved) => approved.verdict(),
            Self::Blocked(verdict) => verdict,
        }
    }

    pub fn is_approved(&self) -> bool {
        matches!(self, Self::Approved(_))
    }
}

/// A reason is kept in its words: whoever reads a snapshot only repeats it.
impl Field<'_> for Why {
    fn read(from: &mut Reader<'_>) -> Result<Self, FieldError> {
        Field::read(from).map(Self::Quoted)
    }

    fn write(&self, to: &mut Writer) {
        to.text(&self.to_string());
    }
}

fields!(Verdict {
    evaluated,
    refused,
    first
});

/// The verdict, and the reservation of an approval.
impl Field<'_> for Judgement {
    fn read(from: &mut Reader<'_>) -> Result<Self, FieldError> {
        let (verdict, reservation): (Verdict, Option<Reservation>) = Field::read(from)?;
        Ok(match reservation {
            Some(reservation) => Self::Approved(Approved::new(verdict, reservation)),
            None => Self::Blocked(verdict),
        })
    }

    fn write(&self, to: &mut Writer) {
        to.array(2);
        self.verdict().write(to);
        match self {
            Self::Approved(approved) => Some(*approved.reservation()).write(to),
            Self::Blocked(_) => None::<Reservation>.write(to),
        }
    }
}
