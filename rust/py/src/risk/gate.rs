//! `Gate`, one method per kind of event.
use std::collections::BTreeMap;

use kitev3_core::calendar::Calendar;
use kitev3_core::risk::{Column, Gate, Judgement, Limits};
use kitev3_core::terms::Exchange;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::read::{self, AccountTexts, OrderTexts, SignalTexts, field};
use super::say::{self, Passed};
use crate::calendar::{PyCalendar, given};
use crate::kite::PyTickBatch;

#[pyclass(module = "kitev3._core", name = "Gate")]
pub struct PyGate {
    pub gate: Gate,
    passed: Passed,
    approved: u64,
    /// By the rule that is named.
    blocked: BTreeMap<Option<u8>, u64>,
}

impl PyGate {
    pub fn count(&mut self, judgement: &Judgement) {
        match judgement {
            Judgement::Approved(_) => self.approved += 1,
            Judgement::Blocked(verdict) => {
                let rule = verdict.first.map(|(rule, _)| rule);
                *self.blocked.entry(rule).or_default() += 1;
            }
        }
    }
}

#[pymethods]
impl PyGate {
    #[new]
    #[pyo3(signature = (limits, *, live=true, calendar=None))]
    fn new(
        limits: &Bound<'_, PyDict>,
        live: bool,
        calendar: Option<&PyCalendar>,
    ) -> PyResult<Self> {
        let column = if live { Column::Live } else { Column::Kitesim };
        let mut set = Limits::default();
        for (name, value) in limits {
            if !value.is_none() {
                let name: String = name.extract()?;
                set.set(&name, value.extract()?, column)
                    .map_err(|error| PyValueError::new_err(error.to_string()))?;
            }
        }
        Ok(Self {
            gate: Gate::new(set).with_calendar(given(calendar, Calendar::shipped)),
            passed: Passed::default(),
            approved: 0,
            blocked: BTreeMap::new(),
        })
    }

    fn judge<'py>(
        &mut self,
        signal: &Bound<'py, PyAny>,
        intent_id: &Bound<'py, PyString>,
        now_ns: i64,
        mono_ns: i64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let texts = SignalTexts::read(signal)?;
        let intent = read::intent_id(intent_id.to_str()?);
        let judgement = self
            .gate
            .judge(&texts.with(signal)?, intent, now_ns, mono_ns);
        self.count(&judgement);
        say::judgement(signal.py(), intent_id, signal, &judgement, &mut self.passed)
    }

    fn on_ticks(&mut self, batch: &PyTickBatch, now_ns: i64, mono_ns: i64) {
        self.gate.on_ticks(&batch.0, now_ns, mono_ns);
    }

    #[pyo3(signature = (row, closing_auction=true))]
    fn on_instrument(&mut self, row: &Bound<'_, PyAny>, closing_auction: bool) -> PyResult<()> {
        if let Some(instrument) = read::instrument(row, closing_auction)? {
            self.gate.on_instrument(instrument);
        }
        Ok(())
    }

    fn on_quote(&mut self, quote: &Bound<'_, PyAny>) -> PyResult<()> {
        let band = (
            field!(quote, lower_circuit_e4).extract()?,
            field!(quote, upper_circuit_e4).extract()?,
        );
        self.gate
            .on_quote(field!(quote, instrument_token).extract()?, band.0, band.1);
        Ok(())
    }

    fn on_feed(&mut self, up: bool) {
        self.gate.on_feed(up);
    }

    fn on_gap(&mut self, instrument_tokens: Vec<u32>) {
        self.gate.on_gap(&instrument_tokens);
    }

    fn on_latch(&mut self, state: &str, now_ns: i64) -> PyResult<()> {
        self.gate.on_latch(read::latch(state)?, now_ns);
        Ok(())
    }

    fn on_kill(&mut self) {
        self.gate.on_kill();
    }

    fn on_arm(&mut self, now_ns: i64) {
        self.gate.on_arm(now_ns);
    }

    fn limit_strategy(&mut self, strategy: &str, state: &str) -> PyResult<()> {
        self.gate.limit_strategy(strategy, read::latch(state)?);
        Ok(())
    }

    fn limit_symbol(&mut self, exchange: &str, tradingsymbol: &str, state: &str) -> PyResult<()> {
        let known = Exchange::parse(exchange);
        let exchange = known.ok_or_else(|| {
            PyValueError::new_err(format!("{exchange:?} is no exchange that is known"))
        })?;
        self.gate
            .limit_symbol(exchange, tradingsymbol, read::latch(state)?);
        Ok(())
    }

    fn on_hole(&mut self, source: &str, open: bool) {
        self.gate.on_hole(source, open);
    }

    fn on_reconciled(&mut self, agree: bool) {
        self.gate.on_reconciled(agree);
    }

    fn on_execution_restarted(&mut self) {
        self.gate.on_execution_restarted();
    }

    fn on_funds(&mut self, funds: &Bound<'_, PyAny>) -> PyResult<()> {
        self.gate.on_funds(
            field!(funds, available_e4).extract()?,
            field!(funds, utilised_e4).extract()?,
        );
        Ok(())
    }

    fn on_holdings(&mut self, holdings: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut rows = Vec::new();
        for row in field!(holdings, rows).try_iter()? {
            let row = row?;
            let exchange = read::text(field!(row, exchange))?;
            // Shares on an exchange that is not known cannot be sold there either.
            if let Some(exchange) = Exchange::parse(exchange.to_str()?) {
                let token: u32 = field!(row, instrument_token).extract()?;
                rows.push((
                    exchange,
                    read::text(field!(row, tradingsymbol))?,
                    token,
                    field!(row, quantity).extract()?,
                ));
            }
        }
        let texts: Vec<_> = rows
            .iter()
            .map(|(exchange, symbol, token, quantity)| {
                Ok((*exchange, symbol.to_str()?, *token, *quantity))
            })
            .collect::<PyResult<_>>()?;
        self.gate.on_holdings(texts);
        Ok(())
    }

    fn on_intent(&mut self, intent: &Bound<'_, PyAny>) -> PyResult<()> {
        let approved = field!(intent, approved);
        let id = read::text(field!(approved, intent_id))?;
        self.gate.on_intent(
            read::text(field!(intent, tag))?.to_str()?,
            read::intent_id(id.to_str()?),
        );
        Ok(())
    }

    fn on_placed(&mut self, placed: &Bound<'_, PyAny>) -> PyResult<()> {
        let (tag, order_id) = (
            read::text(field!(placed, tag))?,
            read::text(field!(placed, order_id))?,
        );
        self.gate.on_placed(tag.to_str()?, order_id.to_str()?);
        Ok(())
    }

    fn on_reject(&mut self, reject: &Bound<'_, PyAny>) -> PyResult<()> {
        let (tag, order_id) = (
            read::text(field!(reject, tag))?,
            read::text(field!(reject, order_id))?,
        );
        let (intent, verb) = (
            read::text(field!(reject, intent_id))?,
            read::text(field!(reject, verb))?,
        );
        let (intent, verb) = (
            read::intent_id(intent.to_str()?),
            read::verb(verb.to_str()?)?,
        );
        self.gate
            .on_reject(tag.to_str()?, order_id.to_str()?, intent, verb);
        Ok(())
    }

    fn on_unknown(&mut self, unknown: &Bound<'_, PyAny>) -> PyResult<()> {
        let (tag, verb) = (
            read::text(field!(unknown, tag))?,
            read::text(field!(unknown, verb))?,
        );
        self.gate
            .on_unknown(tag.to_str()?, read::verb(verb.to_str()?)?);
        Ok(())
    }

    fn on_update(&mut self, update: &Bound<'_, PyAny>) -> PyResult<()> {
        self.gate
            .on_update(&OrderTexts::of_update(update)?.update()?);
        Ok(())
    }

    fn on_fill(&mut self, fill: &Bound<'_, PyAny>, now_ns: i64) -> PyResult<()> {
        self.gate
            .on_fill(&OrderTexts::of_fill(fill)?.fill()?, now_ns);
        Ok(())
    }

    fn on_book(&mut self, book: &Bound<'_, PyAny>, now_ns: i64) -> PyResult<()> {
        let orders = each(&field!(book, orders), OrderTexts::of_update)?;
        let trades = each(&field!(book, trades), OrderTexts::of_fill)?;
        let rows = each(&field!(book, carried), AccountTexts::read)?;
        let updates: Vec<_> = orders
            .iter()
            .map(OrderTexts::update)
            .collect::<PyResult<_>>()?;
        let fills: Vec<_> = trades
            .iter()
            .map(OrderTexts::fill)
            .collect::<PyResult<_>>()?;
        let carried: Vec<_> = rows
            .iter()
            .map(AccountTexts::carried)
            .collect::<PyResult<_>>()?;
        self.gate.on_book(&updates, &fills, &carried, now_ns);
        Ok(())
    }

    #[getter]
    fn approved(&self) -> u64 {
        self.approved
    }

    #[getter]
    fn blocked(&self) -> BTreeMap<String, u64> {
        let name = |rule: &Option<u8>| rule.map_or(String::new(), |rule| format!("R{rule:02}"));
        let counts = self.blocked.iter();
        counts.map(|(rule, count)| (name(rule), *count)).collect()
    }

    /// The limits that are not set.
    fn missing(&self) -> Vec<&'static str> {
        self.gate.limits().missing()
    }

    fn standing(&self, now_ns: i64) -> String {
        self.gate.standing(now_ns).to_string()
    }

    #[getter]
    fn fault(&self) -> Option<&'static str> {
        self.gate.fault()
    }

    fn snapshot<'py>(&self, py: Python<'py>, now_ns: i64) -> PyResult<Bound<'py, PyAny>> {
        say::snapshot(py, &self.gate, now_ns)
    }
}

fn each<'py, T>(
    rows: &Bound<'py, PyAny>,
    read: impl Fn(&Bound<'py, PyAny>) -> PyResult<T>,
) -> PyResult<Vec<T>> {
    rows.try_iter()?.map(|row| read(&row?)).collect()
}
