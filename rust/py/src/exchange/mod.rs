//! The local exchange for Python.

/// Real days from a file.
mod market_file;
/// Where a market begins.
mod opening;
/// An order as our own struct.
mod order;
/// A request turned away.
mod refusal;
/// Every rule by its name.
mod rules;
/// What one socket shows.
mod subscription;
/// Forms in, answers out.
mod values;

use std::collections::HashMap;

use kitev3_core::calendar::clock::SECOND_NS;
use kitev3_core::calendar::{Calendar, Segment};
use kitev3_core::exchange::forms::{self, order_fault};
use kitev3_core::exchange::hours::Hours;
use kitev3_core::exchange::market::instruments::{Instrument, instruments_csv};
use kitev3_core::exchange::market::simulated::Market;
use kitev3_core::exchange::market::universe::{Universe, is_covered};
use kitev3_core::exchange::orders::limits::Read;
use kitev3_core::exchange::refusal::Refusal;
use kitev3_core::exchange::rules::TOKENS_MAX;
use kitev3_core::exchange::state::{Exchange as Core, USERS_MAX};
use kitev3_core::exchange::views::feed;
use kitev3_core::exchange::views::instruments::instruments_json;
use kitev3_core::exchange::views::quotes::{Depth, LTPS_MAX, QUOTES_MAX};
use kitev3_core::exchange::views::rows::Rows;
use kitev3_core::exchange::views::{calculators, gtt, history, holdings, overview};
use kitev3_core::exchange::views::{orders, portfolio, quotes};
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::calendar::{CalendarError, PyCalendar, given, parse_day};
use crate::words::known;
use market_file::{MarketFile, MarketFileError};
use opening::{Source, open_market};
use order::PyOrder;
use refusal::{ExchangeRefusal, refused};
use rules::{PyGiven, rules_of};
use subscription::PySubscription;
use values::{json, python, texts};

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add_class::<Exchange>()?;
    module.add_class::<PySubscription>()?;
    module.add_class::<MarketFile>()?;
    module.add_class::<ExchangeRefusal>()?;
    module.add("MarketFileError", py.get_type::<MarketFileError>())?;
    module.add("SUBSCRIPTION_TOKENS_MAX", TOKENS_MAX)?;
    module.add("QUOTES_MAX", QUOTES_MAX)?;
    module.add("LTPS_MAX", LTPS_MAX)?;
    module.add_function(wrap_pyfunction!(rules::exchange_rules, module)?)?;
    Ok(())
}

#[pyclass(module = "kitev3._core")]
struct Exchange(Core, Rows);

#[pymethods]
impl Exchange {
    #[new]
    #[pyo3(signature = (*, users, market, seed, start_ns, profile = "strict-2026", frame_ms = 1000,
                        universe = "house", hours = "plain", rules = None, calendar = None))]
    #[expect(
        clippy::too_many_arguments,
        reason = "keywords, each with its own default"
    )]
    fn new(
        users: Vec<String>,
        market: Source<'_>,
        seed: u64,
        start_ns: i64,
        profile: &str,
        frame_ms: i64,
        universe: &str,
        hours: &str,
        rules: Option<HashMap<String, PyGiven>>,
        calendar: Option<&PyCalendar>,
    ) -> PyResult<Self> {
        let rules = rules_of(profile, rules.unwrap_or_default())?;
        if users.is_empty() || users.len() > USERS_MAX {
            return Err(PyValueError::new_err(format!(
                "from 1 to {USERS_MAX} users, not {}",
                users.len()
            )));
        }
        if !(10..=60_000).contains(&frame_ms) {
            return Err(PyValueError::new_err(format!(
                "frame_ms from 10 to 60000, not {frame_ms}"
            )));
        }
        let universe = known("universe", universe, Universe::parse, Universe::names)?;
        let hours = known("hours", hours, Hours::parse, Hours::names)?;
        let step_ns = frame_ms * SECOND_NS / 1000;
        let calendar = given(calendar, Calendar::with_guesses);
        let opening = open_market(market, seed, start_ns, step_ns, universe, hours)?;
        if !is_covered(&calendar, opening.day) {
            let text = format!("{} is outside the calendar", opening.day);
            return Err(CalendarError::new_err(text));
        }
        let market = Market::open_by(calendar, opening);
        let mut exchange = Core::new(market, rules, &users);
        exchange.advance(start_ns);
        Ok(Self(exchange, Rows::default()))
    }

    /// This date, or the last trading day before it.
    fn trading_day(&self, date: &str) -> PyResult<String> {
        let back = self
            .0
            .market
            .calendar
            .trading_day_back(parse_day(date)?, Segment::ShareWithDerivatives);
        let outside = || CalendarError::new_err(format!("{date} is outside the calendar"));
        back.map(|day| day.to_string()).ok_or_else(outside)
    }

    #[getter]
    fn session(&self) -> String {
        self.0.market.day.to_string()
    }

    #[getter]
    fn profile(&self) -> &'static str {
        self.0.rules.name
    }

    #[getter]
    fn rules<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        rules::named_values(py, &self.0.rules)
    }

    #[getter]
    fn now_ns(&self) -> i64 {
        self.0.now_ns()
    }

    #[getter]
    fn next_cut_ns(&self) -> i64 {
        self.0.market.next_cut_ns()
    }

    #[getter]
    fn next_due_ns(&self) -> i64 {
        let cut_ns = self.0.market.next_cut_ns();
        self.0
            .under_way
            .next_ns()
            .map_or(cut_ns, |transit_ns| transit_ns.min(cut_ns))
    }

    #[getter]
    fn market_ended(&self) -> bool {
        self.0.market.ended()
    }

    fn advance(&mut self, market_ns: i64) -> usize {
        self.0.advance(market_ns)
    }

    #[pyo3(signature = (subscription, since_ns = None, /))]
    fn frame<'py>(
        &self,
        py: Python<'py>,
        subscription: &PySubscription,
        since_ns: Option<i64>,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let since_ns = since_ns.unwrap_or(self.0.market.now_ns() - 1);
        let frame = feed::frame(&self.0.market, &subscription.0, since_ns).map_err(unfit)?;
        Ok(frame.map(|bytes| PyBytes::new(py, &bytes)))
    }

    fn snapshot<'py>(
        &self,
        py: Python<'py>,
        subscription: &PySubscription,
        tokens: Vec<u32>,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let frame = feed::snapshot(&self.0.market, &subscription.0, &tokens).map_err(unfit)?;
        Ok(frame.map(|bytes| PyBytes::new(py, &bytes)))
    }

    fn take_order_frames(&mut self, py: Python<'_>) -> PyResult<Vec<(String, Py<PyAny>)>> {
        let frames = self.0.take_frames().into_iter();
        frames
            .map(|frame| Ok((frame.user, python(py, &frame.data)?)))
            .collect()
    }

    #[pyo3(signature = (user, /, *, variety = "regular", at_ns = None, **fields))]
    fn place(
        &mut self,
        user: &str,
        variety: &str,
        at_ns: Option<i64>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<String> {
        let (account, fields) = (self.account(user)?, texts(fields)?);
        let at_ns = at_ns.unwrap_or(self.0.now_ns());
        self.0
            .place_form(account, variety, &fields, at_ns)
            .map_err(refused)
    }

    #[pyo3(signature = (user, order, /, *, tag, at_ns = None))]
    fn place_order(
        &mut self,
        user: &str,
        order: PyOrder,
        tag: String,
        at_ns: Option<i64>,
    ) -> PyResult<String> {
        let (account, at_ns) = (self.account(user)?, at_ns.unwrap_or(self.0.now_ns()));
        let placed = self.0.place(account, order.placing(tag)?, at_ns);
        placed.map_err(refused)
    }

    #[pyo3(signature = (user, order_id, order, /, *, at_ns = None))]
    fn modify_order(
        &mut self,
        user: &str,
        order_id: &str,
        order: PyOrder,
        at_ns: Option<i64>,
    ) -> PyResult<()> {
        let (account, at_ns) = (self.account(user)?, at_ns.unwrap_or(self.0.now_ns()));
        let (variety, change) = (order.variety.clone(), order.change()?);
        self.0
            .modify(account, &variety, order_id, change, at_ns)
            .map_err(refused)
    }

    #[pyo3(signature = (user, /, *, variety = "regular", at_ns = None, **fields))]
    fn place_sliced(
        &mut self,
        py: Python<'_>,
        user: &str,
        variety: &str,
        at_ns: Option<i64>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let (account, fields) = (self.account(user)?, texts(fields)?);
        let at_ns = at_ns.unwrap_or(self.0.now_ns());
        let sliced = self
            .0
            .place_sliced_form(account, variety, &fields, at_ns)
            .map_err(refused)?;
        python(py, &orders::sliced(sliced))
    }

    #[pyo3(signature = (user, order_id, /, *, variety = "regular", at_ns = None, **fields))]
    fn modify(
        &mut self,
        user: &str,
        order_id: &str,
        variety: &str,
        at_ns: Option<i64>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let (account, fields) = (self.account(user)?, texts(fields)?);
        let at_ns = at_ns.unwrap_or(self.0.now_ns());
        self.0
            .modify_form(account, variety, order_id, &fields, at_ns)
            .map_err(refused)
    }

    #[pyo3(signature = (user, order_id, /, *, variety = "regular", at_ns = None, **fields))]
    fn cancel(
        &mut self,
        user: &str,
        order_id: &str,
        variety: &str,
        at_ns: Option<i64>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let (account, fields) = (self.account(user)?, texts(fields)?);
        let at_ns = at_ns.unwrap_or(self.0.now_ns());
        let cancelled = match order_fault::outruns_cancel(&fields).map_err(refused)? {
            true => self.0.cancel_too_late(account, variety, order_id, at_ns),
            false => self.0.cancel(account, variety, order_id, at_ns),
        };
        cancelled.map_err(refused)
    }

    fn orders(&self, py: Python<'_>, user: &str) -> PyResult<Py<PyAny>> {
        python(py, &orders::orders(&self.0, self.account(user)?))
    }

    fn order_history(&self, py: Python<'_>, user: &str, order_id: &str) -> PyResult<Py<PyAny>> {
        match self.order(user, order_id)? {
            Some(index) => python(py, &orders::history(&self.0, index)),
            None => Ok(PyList::empty(py).into_any().unbind()),
        }
    }

    fn order_trades(&self, py: Python<'_>, user: &str, order_id: &str) -> PyResult<Py<PyAny>> {
        match self.order(user, order_id)? {
            Some(index) => python(py, &orders::order_trades(&self.0, index)),
            None => Ok(PyList::empty(py).into_any().unbind()),
        }
    }

    fn trades(&self, py: Python<'_>, user: &str) -> PyResult<Py<PyAny>> {
        python(py, &orders::trades(&self.0, self.account(user)?))
    }

    fn read<'py>(
        &mut self,
        py: Python<'py>,
        user: &str,
        what: &str,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let account = self.account(user)?;
        Ok(match what {
            "orders" => PyBytes::new(py, self.1.orders(&self.0, account).as_bytes()),
            "trades" => json(py, &orders::trades(&self.0, account)),
            "positions" => json(py, &portfolio::positions(&self.0, account)),
            "holdings" => json(py, &portfolio::holdings(&self.0, account)),
            "margins" => json(py, &portfolio::margins(&self.0, account)),
            _ => {
                return Err(PyValueError::new_err(format!(
                    "nothing is read as {what:?}"
                )));
            }
        })
    }

    fn positions(&self, py: Python<'_>, user: &str) -> PyResult<Py<PyAny>> {
        python(py, &portfolio::positions(&self.0, self.account(user)?))
    }

    fn holdings(&self, py: Python<'_>, user: &str) -> PyResult<Py<PyAny>> {
        python(py, &portfolio::holdings(&self.0, self.account(user)?))
    }

    fn holdings_compact(&self, py: Python<'_>, user: &str) -> PyResult<Py<PyAny>> {
        python(py, &holdings::compact(&self.0, self.account(user)?))
    }

    fn holdings_summary(&self, py: Python<'_>, user: &str) -> PyResult<Py<PyAny>> {
        python(py, &holdings::summary(&self.0, self.account(user)?))
    }

    fn auctions(&self, py: Python<'_>, user: &str) -> PyResult<Py<PyAny>> {
        python(py, &holdings::auctions(&self.0, self.account(user)?))
    }

    fn trigger_range(&self, py: Python<'_>, names: Vec<String>) -> PyResult<Py<PyAny>> {
        python(py, &holdings::trigger_range(&self.0, &names))
    }

    #[pyo3(signature = (user, /, *, at_ns = None, **fields))]
    fn convert(
        &mut self,
        user: &str,
        at_ns: Option<i64>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let (account, fields) = (self.account(user)?, texts(fields)?);
        let at_ns = at_ns.unwrap_or(self.0.now_ns());
        self.0
            .convert_form(account, &fields, at_ns)
            .map_err(refused)
    }

    fn margins(&self, py: Python<'_>, user: &str) -> PyResult<Py<PyAny>> {
        python(py, &portfolio::margins(&self.0, self.account(user)?))
    }

    fn quote(&self, py: Python<'_>, names: Vec<String>) -> PyResult<Py<PyAny>> {
        python(py, &quotes::quotes(&self.0, &names, Depth::Quote))
    }

    fn ohlc(&self, py: Python<'_>, names: Vec<String>) -> PyResult<Py<PyAny>> {
        python(py, &quotes::quotes(&self.0, &names, Depth::Ohlc))
    }

    fn ltp(&self, py: Python<'_>, names: Vec<String>) -> PyResult<Py<PyAny>> {
        python(py, &quotes::quotes(&self.0, &names, Depth::Ltp))
    }

    #[pyo3(signature = (exchange = None, /))]
    fn instruments_csv(&self, exchange: Option<&str>) -> String {
        instruments_csv(self.listed(exchange))
    }

    #[pyo3(signature = (exchange = None, /))]
    fn instruments_json(&self, exchange: Option<&str>) -> String {
        instruments_json(self.listed(exchange))
    }

    #[getter]
    fn tokens(&self) -> Vec<u32> {
        self.0
            .market
            .listings
            .iter()
            .map(|listing| listing.instrument.token)
            .collect()
    }

    #[pyo3(signature = (user, /, *, kind, condition, triggers, orders, trailing = vec![], at_ns = None, gtt_id = None))]
    #[allow(clippy::too_many_arguments)] // the members of one request
    fn place_gtt(
        &mut self,
        user: &str,
        kind: &str,
        condition: &Bound<'_, PyDict>,
        triggers: Vec<String>,
        orders: Vec<Bound<'_, PyDict>>,
        trailing: Vec<String>,
        at_ns: Option<i64>,
        gtt_id: Option<&str>,
    ) -> PyResult<i64> {
        let (account, condition) = (self.account(user)?, texts(Some(condition))?);
        let orders: Vec<_> = orders
            .iter()
            .map(|order| texts(Some(order)))
            .collect::<PyResult<_>>()?;
        let asked = forms::gtt::GttForm {
            kind,
            condition: &condition,
            triggers: &triggers,
            trailing: &trailing,
            orders: &orders,
        };
        let asked = asked.read().map_err(refused)?;
        let at_ns = at_ns.unwrap_or(self.0.now_ns());
        match gtt_id {
            Some(id) => self
                .0
                .modify_gtt(account, forms::gtt::id(id), &asked, at_ns),
            None => self.0.place_gtt(account, &asked, at_ns),
        }
        .map_err(refused)
    }

    #[pyo3(signature = (user, gtt_id, /, *, at_ns = None))]
    fn delete_gtt(&mut self, user: &str, gtt_id: &str, at_ns: Option<i64>) -> PyResult<i64> {
        let account = self.account(user)?;
        let at_ns = at_ns.unwrap_or(self.0.now_ns());
        self.0
            .delete_gtt(account, forms::gtt::id(gtt_id), at_ns)
            .map_err(refused)
    }

    fn gtts(&self, py: Python<'_>, user: &str) -> PyResult<Py<PyAny>> {
        python(py, &gtt::gtts(&self.0, self.account(user)?))
    }

    fn gtt(&self, py: Python<'_>, user: &str, gtt_id: &str) -> PyResult<Py<PyAny>> {
        let id = forms::gtt::id(gtt_id);
        let found = self.0.gtts.of(self.account(user)?, id).map_err(refused)?;
        python(py, &gtt::row(&self.0, found))
    }

    #[pyo3(signature = (user, orders, /, *, compact = false))]
    fn order_margins(
        &self,
        py: Python<'_>,
        user: &str,
        orders: Vec<Bound<'_, PyDict>>,
        compact: bool,
    ) -> PyResult<Py<PyAny>> {
        let (account, items) = (self.account(user)?, self.items(&orders, "price")?);
        let rows = calculators::order_margins(&self.0, account, &items, compact);
        python(py, &rows.map_err(refused)?)
    }

    #[pyo3(signature = (user, orders, /, *, consider_positions = true, compact = false))]
    fn basket_margins(
        &self,
        py: Python<'_>,
        user: &str,
        orders: Vec<Bound<'_, PyDict>>,
        consider_positions: bool,
        compact: bool,
    ) -> PyResult<Py<PyAny>> {
        let (account, items) = (self.account(user)?, self.items(&orders, "price")?);
        let basket =
            calculators::basket_margins(&self.0, account, &items, consider_positions, compact);
        python(py, &basket.map_err(refused)?)
    }

    fn contract_note(&self, py: Python<'_>, orders: Vec<Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        let items = self.items(&orders, "average_price")?;
        python(
            py,
            &calculators::contract_note(&self.0, &items).map_err(refused)?,
        )
    }

    #[pyo3(signature = (token, interval, /, **fields))]
    fn candles(
        &self,
        py: Python<'_>,
        token: &str,
        interval: &str,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let wish =
            forms::history::wish(interval, &texts(fields)?, &self.0.rules).map_err(refused)?;
        let candles = history::candles(&self.0, token, &wish).map_err(refused)?;
        python(py, &candles)
    }

    #[pyo3(signature = (most, /, *, user = None, token = None, open = false))]
    fn newest_orders(
        &self,
        py: Python<'_>,
        most: usize,
        user: Option<&str>,
        token: Option<u32>,
        open: bool,
    ) -> PyResult<Py<PyAny>> {
        let listing = token.map(|token| {
            let listing = self.0.market.by_token(token);
            listing.ok_or_else(|| PyKeyError::new_err(token))
        });
        let which = overview::Which {
            account: user.map(|user| self.account(user)).transpose()?,
            listing: listing.transpose()?,
            open,
        };
        python(py, &overview::newest_orders(&self.0, which, most))
    }

    fn order_story(&self, py: Python<'_>, order_id: &str) -> PyResult<Py<PyAny>> {
        let story = overview::story(&self.0, order_id);
        python(
            py,
            &story.ok_or_else(|| PyKeyError::new_err(order_id.to_owned()))?,
        )
    }

    fn newest_trades(&self, py: Python<'_>, most: usize) -> PyResult<Py<PyAny>> {
        python(py, &overview::newest_trades(&self.0, most))
    }

    fn prices(&self, py: Python<'_>, tokens: Vec<u32>) -> PyResult<Py<PyAny>> {
        python(py, &overview::prices(&self.0.market, &tokens))
    }

    fn phases(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        python(py, &overview::phases(&self.0.market))
    }

    #[getter]
    fn halted(&self) -> bool {
        self.0.market.halted
    }

    #[pyo3(signature = (api_key, kind = "other", /, *, at_ns))]
    fn admit_read(&mut self, api_key: &str, kind: &str, at_ns: i64) -> PyResult<()> {
        let kind = known("kind of request", kind, Read::parse, Read::names)?;
        self.0.admit_read(api_key, kind, at_ns).map_err(refused)
    }

    fn halt(&mut self, why: Option<String>) {
        self.0.halt(why);
    }

    fn replaying(&mut self, replaying: bool) {
        self.0.replaying(replaying);
    }
}

impl Exchange {
    /// The instruments, all or those of one exchange.
    fn listed<'a>(&'a self, exchange: Option<&'a str>) -> impl Iterator<Item = &'a Instrument> {
        let rows = self.0.market.listings.iter().map(|row| &row.instrument);
        rows.filter(move |row| exchange.is_none_or(|name| row.exchange.name() == name))
    }

    fn account(&self, user: &str) -> PyResult<usize> {
        self.0
            .user(user)
            .ok_or_else(|| PyKeyError::new_err(user.to_owned()))
    }

    fn items(&self, orders: &[Bound<'_, PyDict>], price: &str) -> PyResult<Vec<calculators::Item>> {
        if orders.len() > calculators::ITEMS_MAX {
            return Err(refused(Refusal::input(format!(
                "At most {} orders at once.",
                calculators::ITEMS_MAX
            ))));
        }
        orders
            .iter()
            .map(|order| {
                forms::calculators::item(&self.0, &texts(Some(order))?, price).map_err(refused)
            })
            .collect()
    }

    /// None: nobody knows it, and the rules answer that with an empty list.
    fn order(&self, user: &str, order_id: &str) -> PyResult<Option<usize>> {
        match self.0.find(self.account(user)?, order_id) {
            Some(index) => Ok(Some(index)),
            None => self
                .0
                .rules
                .unknown_order_refusal()
                .map_or(Ok(None), |refusal| Err(refused(refusal))),
        }
    }
}

fn unfit(error: kitev3_core::kite::EncodeError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
