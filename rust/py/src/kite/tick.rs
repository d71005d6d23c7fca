//! `Tick`: one instrument's state, for code that looks at single ticks and for tests.
use kitev3_core::kite::{DEPTH_LEVELS, Mode, Tick, TickKind};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::getters::with_getters;
use crate::words::known;

/// One instrument's state as one packet tells it.
#[pyclass(frozen, eq, module = "kitev3._core", name = "Tick")]
#[derive(Clone, Copy, PartialEq)]
pub struct PyTick(pub Tick);

with_getters!(PyTick, tick {
    token: u32 = tick.token;
    flags: u16 = tick.flags;
    exchange_ns: i64 = tick.exchange_ns;
    last_price_e4: i64 = tick.last_price_e4;
    open_e4: i64 = tick.open_e4;
    high_e4: i64 = tick.high_e4;
    low_e4: i64 = tick.low_e4;
    close_e4: i64 = tick.close_e4;
    average_price_e4: i64 = tick.average_price_e4;
    last_quantity: u32 = tick.last_quantity;
    volume: u32 = tick.volume;
    buy_quantity: u32 = tick.buy_quantity;
    sell_quantity: u32 = tick.sell_quantity;
    last_trade_ns: i64 = tick.last_trade_ns;
    oi: u32 = tick.oi;
    oi_high: u32 = tick.oi_high;
    oi_low: u32 = tick.oi_low;
    depth_price_e4: [i64; DEPTH_LEVELS] = tick.depth_price_e4;
    depth_quantity: [u32; DEPTH_LEVELS] = tick.depth_quantity;
    depth_orders: [u16; DEPTH_LEVELS] = tick.depth_orders;
} {
    #[new]
    #[allow(clippy::too_many_arguments)] // Python calls it by keyword
    #[pyo3(signature = (
        token, last_price_e4, *, kind = None, flags = 0, exchange_ns = 0, open_e4 = 0, high_e4 = 0, low_e4 = 0,
        close_e4 = 0, average_price_e4 = 0, last_quantity = 0, volume = 0, buy_quantity = 0, sell_quantity = 0,
        last_trade_ns = 0, oi = 0, oi_high = 0, oi_low = 0, depth_price_e4 = [0; DEPTH_LEVELS],
        depth_quantity = [0; DEPTH_LEVELS], depth_orders = [0; DEPTH_LEVELS],
    ), text_signature = "(token, last_price_e4, *, kind=None, flags=0, exchange_ns=0, open_e4=0, high_e4=0, low_e4=0, close_e4=0, average_price_e4=0, last_quantity=0, volume=0, buy_quantity=0, sell_quantity=0, last_trade_ns=0, oi=0, oi_high=0, oi_low=0, depth_price_e4=..., depth_quantity=..., depth_orders=...)")]
    fn new(
        token: u32,
        last_price_e4: i64,
        kind: Option<&str>,
        flags: u16,
        exchange_ns: i64,
        open_e4: i64,
        high_e4: i64,
        low_e4: i64,
        close_e4: i64,
        average_price_e4: i64,
        last_quantity: u32,
        volume: u32,
        buy_quantity: u32,
        sell_quantity: u32,
        last_trade_ns: i64,
        oi: u32,
        oi_high: u32,
        oi_low: u32,
        depth_price_e4: [i64; DEPTH_LEVELS],
        depth_quantity: [u32; DEPTH_LEVELS],
        depth_orders: [u16; DEPTH_LEVELS],
    ) -> PyResult<Self> {
        let kind = match kind {
            Some(name) => known("kind", name, TickKind::parse, TickKind::names)?,
            None => Mode::Full.kind(token),
        };
        Ok(Self(Tick {
            token,
            kind,
            flags,
            exchange_ns,
            last_price_e4,
            open_e4,
            high_e4,
            low_e4,
            close_e4,
            average_price_e4,
            last_quantity,
            volume,
            buy_quantity,
            sell_quantity,
            last_trade_ns,
            oi,
            oi_high,
            oi_low,
            depth_price_e4,
            depth_quantity,
            depth_orders,
        }))
    }

    #[getter]
    fn kind<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::intern(py, self.0.kind.name())
    }

    fn __repr__(&self) -> String {
        let tick = &self.0;
        format!(
            "Tick({}, {}, kind='{}', exchange_ns={}, volume={}, flags={})",
            tick.token,
            tick.last_price_e4,
            tick.kind.name(),
            tick.exchange_ns,
            tick.volume,
            tick.flags
        )
    }
});
