"""Indicators, batch and streaming, beside TA-Lib; and the engine that updates those of many instruments at once."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import talib
import talib.stream
from kitev3._core import Indicator, IndicatorEngine, Tick, TickBatch

from bench.result import Result

NAME = "indicators"
LENGTH = 1_000_000
# More than it takes on a quiet machine: a median over few rounds tells of the neighbours.
ROUNDS = 31
STREAMED = 20_000
WINDOW = 100
INSTRUMENTS = 500
BATCH_TICKS = 100
BATCHES = 1_000
NINE = [
    ("fast", "ema", {"period": 5}),
    ("slow", "ema", {"period": 21}),
    ("mean", "sma", {"period": 20}),
    ("rsi", "rsi", {}),
    ("atr", "atr", {}),
    ("macd", "macd", {}),
    ("bands", "bollinger", {}),
    ("adx", "adx", {}),
    ("stop", "supertrend", {}),
]

Call = Callable[[], object]


def run() -> Result:
    """The ratio is the worst of the batch forms, over TA-Lib's, each the median of alternating rounds."""
    rows = [batch_row(*pair) for pair in pairs()]
    ratios = [float(str(row["ratio"])) for row in rows]
    worst = max(rows, key=lambda row: float(str(row["ratio"])))
    rows += streaming_rows() + engine_rows()
    return Result(
        name=NAME,
        rows=rows,
        ratios={"indicators_batch_worst": max(ratios)},
        notes=[
            f"batch: ns an element of {LENGTH:,} float64, new arrays out; median of {ROUNDS} alternating rounds",
            f"worst: {worst['what']}",
            f"streaming: ns an update from Python, call included; TA-Lib computes the last of {WINDOW} prices anew",
            f"engine: ns an update, of {INSTRUMENTS} instruments, {BATCH_TICKS} ticks a batch, call included",
        ],
    )


def market() -> dict[str, Any]:
    """A random walk in bars; all in one day, since TA-Lib's VWAP knows none."""
    rng = np.random.default_rng(1)
    close = 1_000 + 0.05 * np.cumsum(rng.normal(0, 1, LENGTH))
    opened = np.concatenate([close[:1], close[:-1]])
    return {
        "close": close,
        "high": np.maximum(opened, close) + rng.random(LENGTH),
        "low": np.minimum(opened, close) - rng.random(LENGTH),
        "volume": np.floor(1 + 1_000 * rng.random(LENGTH)),
        "time_ns": 1_700_000_000_000_000_000 + 10_000 * np.arange(LENGTH),
    }


def pairs() -> list[tuple[str, Call, Call]]:
    """Each indicator that TA-Lib has: its name, ours and theirs."""
    bars = market()
    c, h, l, v, t = (bars[name] for name in ("close", "high", "low", "volume", "time_ns"))  # noqa: E741
    return [
        ("adx 14", lambda: Indicator("adx", 14).batch(h, l, c), lambda: talib.ADX(h, l, c, 14)),
        ("atr 14", lambda: Indicator("atr", 14).batch(h, l, c), lambda: talib.ATR(h, l, c, 14)),
        ("bollinger 20 2", lambda: Indicator("bollinger", 20, 2.0).batch(c), lambda: talib.BBANDS(c, 20, 2.0, 2.0)),
        ("donchian 20", lambda: Indicator("donchian", 20).batch(h, l), lambda: talib.DONCHIAN(h, l, 20)),
        ("ema 20", lambda: Indicator("ema", 20).batch(c), lambda: talib.EMA(c, 20)),
        ("macd 12 26 9", lambda: Indicator("macd", 12, 26, 9).batch(c), lambda: talib.MACD(c, 12, 26, 9)),
        ("rsi 14", lambda: Indicator("rsi", 14).batch(c), lambda: talib.RSI(c, 14)),
        ("session_vwap", lambda: Indicator("session_vwap").batch(t, h, l, c, v), lambda: talib.VWAP(h, l, c, v)),
        ("sma 20", lambda: Indicator("sma", 20).batch(c), lambda: talib.SMA(c, 20)),
        (
            "stochastic 14 3 3",
            lambda: Indicator("stochastic", 14, 3, 3).batch(h, l, c),
            lambda: talib.STOCH(h, l, c, 14, 3, 0, 3, 0),
        ),
        (
            "supertrend 10 3",
            lambda: Indicator("supertrend", 10, 3.0).batch(h, l, c),
            lambda: talib.SUPERTREND(h, l, c, 10, 3.0),
        ),
        ("wma 20", lambda: Indicator("wma", 20).batch(c), lambda: talib.WMA(c, 20)),
    ]


def batch_row(what: str, ours: Call, theirs: Call) -> dict[str, object]:
    """Both in turn, so that what the machine does besides falls on both."""
    times: dict[Call, list[float]] = {ours: [], theirs: []}
    for call in (ours, theirs) * (ROUNDS + 1):
        times[call].append(timed(call) / LENGTH)
    # The first round brings the code and the memory in.
    ns, peer_ns = (statistics.median(times[call][1:]) for call in (ours, theirs))
    return {"what": f"batch {what}", "ns": ns, "talib_ns": peer_ns, "ratio": ns / peer_ns}


def timed(call: Call) -> int:
    """Nanoseconds that it takes."""
    began = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - began


def streaming_rows() -> list[dict[str, object]]:
    """Each indicator, one call an update."""
    bars = market()
    makes: list[tuple[str, Callable[[], Any], str, str, tuple[float, ...]]] = [
        ("adx 14", lambda: Indicator("adx", 14), "high low close", "ADX", (14,)),
        ("atr 14", lambda: Indicator("atr", 14), "high low close", "ATR", (14,)),
        ("bollinger 20 2", lambda: Indicator("bollinger", 20, 2.0), "close", "BBANDS", (20, 2.0, 2.0)),
        ("donchian 20", lambda: Indicator("donchian", 20), "high low", "DONCHIAN", (20,)),
        ("ema 20", lambda: Indicator("ema", 20), "close", "EMA", (20,)),
        ("macd 12 26 9", lambda: Indicator("macd", 12, 26, 9), "close", "MACD", (12, 26, 9)),
        ("rsi 14", lambda: Indicator("rsi", 14), "close", "RSI", (14,)),
        ("session_vwap", lambda: Indicator("session_vwap"), "time_ns high low close volume", "VWAP", ()),
        ("sma 20", lambda: Indicator("sma", 20), "close", "SMA", (20,)),
        ("stochastic 14 3 3", lambda: Indicator("stochastic", 14, 3, 3), "high low close", "STOCH", (14, 3, 0, 3, 0)),
        ("supertrend 10 3", lambda: Indicator("supertrend", 10, 3.0), "high low close", "SUPERTREND", (10, 3.0)),
        ("wma 20", lambda: Indicator("wma", 20), "close", "WMA", (20,)),
    ]
    rows: list[dict[str, object]] = []
    for what, make, names, peer, parameters in makes:
        columns = [bars[name][:STREAMED] for name in names.split()]
        inputs = list(zip(*(column.tolist() for column in columns), strict=True))
        windows = [
            column[:WINDOW].copy() for name, column in zip(names.split(), columns, strict=True) if name != "time_ns"
        ]

        def stream(make: Callable[[], Any] = make, inputs: list[tuple[Any, ...]] = inputs) -> None:
            update = make().update
            for one in inputs:
                update(*one)

        last: Callable[..., object] = getattr(talib.stream, peer)

        def peer_stream(
            last: Callable[..., object] = last, arguments: tuple[Any, ...] = (*windows, *parameters)
        ) -> None:
            for _ in range(STREAMED // 10):
                last(*arguments)

        ns, peer_ns = median_ns(stream) / STREAMED, median_ns(peer_stream) / (STREAMED // 10)
        rows.append({"what": f"streaming {what}", "ns": ns, "talib_ns": peer_ns, "ratio": ns / peer_ns})
    return rows


def engine_rows() -> list[dict[str, object]]:
    """Nine indicators, and two, of many instruments."""
    rng = np.random.default_rng(2)
    tokens = 256 * (1_000 + rng.integers(0, INSTRUMENTS, BATCHES * BATCH_TICKS)) + 1
    prices_e4 = 10_000_000 + 500 * np.cumsum(rng.integers(-1, 2, BATCHES * BATCH_TICKS))
    ticks = [Tick(token, price) for token, price in zip(tokens.tolist(), prices_e4.tolist(), strict=True)]
    batches = [TickBatch.from_ticks(ticks[at : at + BATCH_TICKS]) for at in range(0, len(ticks), BATCH_TICKS)]
    rows: list[dict[str, object]] = []
    for declarations in (NINE, NINE[:2]):
        engine = IndicatorEngine(declarations)

        def update(engine: IndicatorEngine = engine) -> None:
            for batch in batches:
                engine.update_ticks(batch)

        update()
        ns = median_ns(update) / len(ticks) / len(declarations)
        rows.append({"what": f"engine, {len(declarations)} indicators", "ns": ns})
    return rows


def median_ns(call: Call) -> float:
    """Of as many rounds."""
    return statistics.median(timed(call) for _ in range(ROUNDS))
