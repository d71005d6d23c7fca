//! Every rule of an exchange by its name.
use std::collections::HashMap;

use kitev3_core::exchange::rules::Rules;
use kitev3_core::exchange::rules::kinds::Given;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// A value of TOML. A boolean is asked for first: Python takes it for a number too.
#[derive(FromPyObject, IntoPyObject)]
pub(super) enum PyGiven {
    Flag(bool),
    Whole(i64),
    Text(String),
    Wholes(Vec<i64>),
}

impl From<PyGiven> for Given {
    fn from(given: PyGiven) -> Self {
        match given {
            PyGiven::Flag(flag) => Self::Flag(flag),
            PyGiven::Whole(number) => Self::Whole(number),
            PyGiven::Text(text) => Self::Text(text),
            PyGiven::Wholes(numbers) => Self::Wholes(numbers),
        }
    }
}

impl From<Given> for PyGiven {
    fn from(given: Given) -> Self {
        match given {
            Given::Flag(flag) => Self::Flag(flag),
            Given::Whole(number) => Self::Whole(number),
            Given::Text(text) => Self::Text(text),
            Given::Wholes(numbers) => Self::Wholes(numbers),
        }
    }
}

/// A profile's rules with these in their place.
pub(super) fn rules_of(profile: &str, given: HashMap<String, PyGiven>) -> PyResult<Rules> {
    let rules = Rules::named(profile).ok_or_else(|| {
        PyValueError::new_err(format!("unknown profile {profile:?}: strict-2026, legacy"))
    })?;
    let given: Vec<(String, Given)> = given
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    rules
        .with(&given)
        .map_err(|unfit| PyValueError::new_err(format!("rules: {unfit}")))
}

/// All of them.
pub(super) fn named_values<'py>(py: Python<'py>, rules: &Rules) -> PyResult<Bound<'py, PyDict>> {
    let values = PyDict::new(py);
    for (name, given) in rules.settings() {
        values.set_item(name, PyGiven::from(given))?;
    }
    Ok(values)
}

#[pyfunction]
pub(super) fn exchange_rules<'py>(py: Python<'py>, profile: &str) -> PyResult<Bound<'py, PyDict>> {
    named_values(py, &rules_of(profile, HashMap::new())?)
}
