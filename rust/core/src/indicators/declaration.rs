//! What a strategy declares: a name of its own, a kind of indicator and its parameters.
use super::engine::{Alone, Column, column};
use super::{
    Adx, Atr, BadParameter, Bollinger, Donchian, Ema, Macd, Rsi, SessionVwap, Sma, Stochastic,
    Supertrend, Wma, whole_numbers,
};

/// One kind of indicator: how it is called in a declaration, what it takes and what it answers.
pub struct Kind {
    pub name: &'static str,
    /// What it takes, in order; a time in nanoseconds comes first.
    pub inputs: &'static [&'static str],
    /// Parameters in order, each with its default; without one it must be given.
    pub parameters: &'static [(&'static str, Option<f64>)],
    /// The names of its values; empty when there is one, which has the declaration's own name.
    pub values: &'static [&'static str],
    make: fn(&Given) -> Result<Box<dyn Column>, BadParameter>,
}

/// The parameters of one declaration, in the order of its kind.
struct Given<'a>(&'a [(&'static str, f64)]);

impl Given<'_> {
    fn number(&self, at: usize) -> f64 {
        self.0[at].1
    }

    fn whole(&self, at: usize) -> Result<i64, BadParameter> {
        let (name, number) = self.0[at];
        // What is whole and below this is exact, and what lies between it and the longest period is refused later.
        if number.fract() == 0.0 && number.abs() < 1e15 {
            return Ok(number as i64);
        }
        Err(BadParameter {
            name,
            allowed: whole_numbers(1),
            got: number.to_string(),
        })
    }
}

/// The input that is a time.
pub const TIME: &str = "time_ns";
const BAR: &[&str] = &["high", "low", "close"];
const PRICE: &[&str] = &["price"];

impl Kind {
    /// The kind of a name.
    pub fn named(name: &str) -> Result<&'static Kind, BadParameter> {
        KINDS
            .iter()
            .find(|kind| kind.name == name)
            .ok_or_else(|| BadParameter {
                name: "kind",
                allowed: format!(
                    "one of {}",
                    KINDS
                        .iter()
                        .map(|kind| kind.name)
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
                got: format!("{name:?}"),
            })
    }

    /// How many values it gives.
    pub fn width(&self) -> usize {
        self.values.len().max(1)
    }
}

/// Every indicator there is, by name.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "adx",
        inputs: BAR,
        parameters: &[("period", Some(14.0))],
        values: &[],
        make: |p| Ok(column(Adx::new(p.whole(0)?)?)),
    },
    Kind {
        name: "atr",
        inputs: BAR,
        parameters: &[("period", Some(14.0))],
        values: &[],
        make: |p| Ok(column(Atr::new(p.whole(0)?)?)),
    },
    Kind {
        name: "bollinger",
        inputs: PRICE,
        parameters: &[("period", Some(20.0)), ("deviations", Some(2.0))],
        values: &["upper", "middle", "lower"],
        make: |p| Ok(column(Bollinger::new(p.whole(0)?, p.number(1))?)),
    },
    Kind {
        name: "donchian",
        inputs: &["high", "low"],
        parameters: &[("period", Some(20.0))],
        values: &["upper", "middle", "lower"],
        make: |p| Ok(column(Donchian::new(p.whole(0)?)?)),
    },
    Kind {
        name: "ema",
        inputs: PRICE,
        parameters: &[("period", None)],
        values: &[],
        make: |p| Ok(column(Ema::new(p.whole(0)?)?)),
    },
    Kind {
        name: "macd",
        inputs: PRICE,
        parameters: &[
            ("fast", Some(12.0)),
            ("slow", Some(26.0)),
            ("signal", Some(9.0)),
        ],
        values: &["macd", "signal", "histogram"],
        make: |p| Ok(column(Macd::new(p.whole(0)?, p.whole(1)?, p.whole(2)?)?)),
    },
    Kind {
        name: "rsi",
        inputs: PRICE,
        parameters: &[("period", Some(14.0))],
        values: &[],
        make: |p| Ok(column(Rsi::new(p.whole(0)?)?)),
    },
    Kind {
        name: "session_vwap",
        inputs: &[TIME, "high", "low", "close", "volume"],
        parameters: &[],
        values: &[],
        make: |_| Ok(column(SessionVwap::new())),
    },
    Kind {
        name: "sma",
        inputs: PRICE,
        parameters: &[("period", None)],
        values: &[],
        make: |p| Ok(column(Sma::new(p.whole(0)?)?)),
    },
    Kind {
        name: "stochastic",
        inputs: BAR,
        parameters: &[("k", Some(14.0)), ("smooth", Some(3.0)), ("d", Some(3.0))],
        values: &["k", "d"],
        make: |p| {
            Ok(column(Stochastic::new(
                p.whole(0)?,
                p.whole(1)?,
                p.whole(2)?,
            )?))
        },
    },
    Kind {
        name: "supertrend",
        inputs: BAR,
        parameters: &[("period", Some(10.0)), ("multiplier", Some(3.0))],
        values: &["line", "trend"],
        make: |p| Ok(column(Supertrend::new(p.whole(0)?, p.number(1))?)),
    },
    Kind {
        name: "wma",
        inputs: PRICE,
        parameters: &[("period", None)],
        values: &[],
        make: |p| Ok(column(Wma::new(p.whole(0)?)?)),
    },
];

/// One declared indicator.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// The strategy's name for it, as in `ema_fast`.
    pub name: String,
    /// As in [`KINDS`].
    pub kind: String,
    pub parameters: Vec<(String, f64)>,
}

impl Declaration {
    /// The names under which its values are read: its own, or `name.value` for each of several.
    pub(super) fn values(&self, kind: &Kind) -> Vec<String> {
        if kind.values.is_empty() {
            return vec![self.name.clone()];
        }
        kind.values
            .iter()
            .map(|value| format!("{}.{value}", self.name))
            .collect()
    }

    pub(super) fn kind(&self) -> Result<&'static Kind, BadParameter> {
        Kind::named(&self.kind)
    }

    /// The indicator, for one stream of inputs.
    pub fn alone(&self) -> Result<Box<dyn Alone>, BadParameter> {
        Ok(self.make()?.alone())
    }

    pub(super) fn make(&self) -> Result<Box<dyn Column>, BadParameter> {
        let kind = self.kind()?;
        if let Some((name, _)) = self
            .parameters
            .iter()
            .find(|(name, _)| !kind.parameters.iter().any(|(n, _)| n == name))
        {
            let known: Vec<_> = kind.parameters.iter().map(|(name, _)| *name).collect();
            let allowed = if known.is_empty() {
                "none".to_string()
            } else {
                format!("among {}", known.join(", "))
            };
            let name_of = format!("{name:?} (of {}, kind {})", self.name, kind.name);
            return Err(BadParameter {
                name: "parameters",
                allowed,
                got: name_of,
            });
        }
        let mut given = Vec::with_capacity(kind.parameters.len());
        for &(name, default) in kind.parameters {
            let declared = self
                .parameters
                .iter()
                .find(|(n, _)| n == name)
                .map(|&(_, number)| number);
            let missing = || BadParameter {
                name,
                allowed: "given".to_string(),
                got: format!("missing (of {})", self.name),
            };
            given.push((name, declared.or(default).ok_or_else(missing)?));
        }
        (kind.make)(&Given(&given))
    }
}
