//! What one socket shows.
use std::collections::HashMap;

use kitev3_core::exchange::rules::TOKENS_MAX;
use kitev3_core::exchange::views::feed::Subscription;
use kitev3_core::kite::Mode;
use pyo3::prelude::*;

use crate::kite::divisors;
use crate::words::known;

#[pyclass(name = "Subscription", module = "kitev3._core")]
pub(super) struct PySubscription(pub(super) Subscription);

#[pymethods]
impl PySubscription {
    #[new]
    #[pyo3(signature = (tokens_max = TOKENS_MAX, /, *, nco_divisor = 10_000))]
    fn new(tokens_max: usize, nco_divisor: u32) -> PyResult<Self> {
        Ok(Self(Subscription::new(tokens_max, divisors(nco_divisor)?)))
    }

    fn __contains__(&self, token: u32) -> bool {
        self.0.has(token)
    }

    fn subscribe(&mut self, tokens: Vec<u32>) -> bool {
        self.0.subscribe(&tokens)
    }

    fn set_mode(&mut self, mode: &str, tokens: Vec<u32>) -> PyResult<bool> {
        let mode = known("mode", mode, Mode::parse, Mode::names)?;
        Ok(self.0.set_mode(mode, &tokens))
    }

    fn unsubscribe(&mut self, tokens: Vec<u32>) {
        self.0.unsubscribe(&tokens);
    }

    #[getter]
    fn modes(&self) -> HashMap<u32, &'static str> {
        self.0
            .modes()
            .map(|(token, mode)| (token, mode.name()))
            .collect()
    }

    fn __len__(&self) -> usize {
        self.0.modes().count()
    }
}
