"""The engine over instruments: for each of them what its indicators by themselves would say."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3._core import (
    Bar,
    BarBatch,
    Indicator,
    IndicatorEngine,
    Tick,
    TickBatch,
)

NAN = float("nan")
NOON_NS = 1_700_000_000_000_000_000

# Each kind with its own class, the parts of a bar that it takes, and the names of its values.
KINDS: dict[str, tuple[Mapping[str, float], Callable[[], Any], str, list[str]]] = {
    "adx": ({"period": 3}, lambda: Indicator("adx", 3), "high low close", [""]),
    "atr": ({"period": 3}, lambda: Indicator("atr", 3), "high low close", [""]),
    "bollinger": ({"period": 4}, lambda: Indicator("bollinger", 4), "close", [".upper", ".middle", ".lower"]),
    "donchian": ({"period": 4}, lambda: Indicator("donchian", 4), "high low", [".upper", ".middle", ".lower"]),
    "ema": ({"period": 5}, lambda: Indicator("ema", 5), "close", [""]),
    "macd": (
        {"fast": 2, "slow": 4, "signal": 2},
        lambda: Indicator("macd", 2, 4, 2),
        "close",
        [".macd", ".signal", ".histogram"],
    ),
    "rsi": ({"period": 3}, lambda: Indicator("rsi", 3), "close", [""]),
    "session_vwap": ({}, lambda: Indicator("session_vwap"), "time_ns high low close volume", [""]),
    "sma": ({"period": 4}, lambda: Indicator("sma", 4), "close", [""]),
    "stochastic": (
        {"k": 3, "smooth": 2, "d": 2},
        lambda: Indicator("stochastic", 3, 2, 2),
        "high low close",
        [".k", ".d"],
    ),
    "supertrend": ({"period": 3}, lambda: Indicator("supertrend", 3), "high low close", [".line", ".trend"]),
    "wma": ({"period": 4}, lambda: Indicator("wma", 4), "close", [""]),
}
DECLARATIONS = [(f"my_{kind}", kind, parameters) for kind, (parameters, _, _, _) in KINDS.items()]
NAMES = [f"my_{kind}{value}" for kind, (_, _, _, values) in KINDS.items() for value in values]

tokens = st.sampled_from([256_265, 260_105, 408_065, 738_561])
prices_e4 = st.integers(1_000_000, 1_001_000).map(lambda price_e4: 500 * (price_e4 // 500))
bars = st.lists(
    st.tuples(tokens, prices_e4, st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 50)), max_size=80
)
ticks = st.lists(st.tuples(tokens, prices_e4, st.sampled_from([0, 0, 0, 1]), st.integers(0, 50)), max_size=80)
cuts = st.lists(st.integers(0, 80), max_size=5)


class Reference:
    """One of each kind for each instrument, fed one by one."""

    def __init__(self) -> None:
        self.instruments: dict[int, list[Any]] = {}

    def update(self, token: int, bar: Mapping[str, float]) -> list[float]:
        kinds = self.instruments.setdefault(token, [make() for _, make, _, _ in KINDS.values()])
        row: list[float] = []
        for indicator, (_, _, parts, _) in zip(kinds, KINDS.values(), strict=True):
            answer = indicator.update(*(bar[part] for part in parts.split()))
            row.extend(answer if isinstance(answer, tuple) else [answer])
        return row


def spans(length: int, places: list[int]) -> list[tuple[int, int]]:
    edges = sorted({0, length, *(place for place in places if place < length)})
    return list(pairwise(edges))


def rows(parts: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    return np.concatenate([np.empty((0, len(NAMES))), *parts])


@given(bars, cuts)
def test_bars_of_many_instruments_give_what_each_instrument_by_itself_would(
    bars: list[tuple[int, int, int, int, int]], places: list[int]
) -> None:
    engine, reference = IndicatorEngine(DECLARATIONS), Reference()
    token, close_e4, up, down, volume = np.array(bars, dtype=np.int64).reshape(-1, 5).T.copy()
    time_ns = NOON_NS + 60_000_000_000 * np.arange(len(bars))
    columns = [token.astype(np.uint32), time_ns, close_e4 + up, close_e4 - down, close_e4, volume]

    answer = rows([engine.update_bars(*(column[a:b] for column in columns)) for a, b in spans(len(bars), places)])

    expected = [
        reference.update(
            token,
            {
                "time_ns": NOON_NS + 60_000_000_000 * at,
                "high": (close_e4 + up) / 1e4,
                "low": (close_e4 - down) / 1e4,
                "close": close_e4 / 1e4,
                "volume": volume,
            },
        )
        for at, (token, close_e4, up, down, volume) in enumerate(bars)
    ]
    np.testing.assert_array_equal(answer, np.array(expected).reshape(-1, len(NAMES)))


@given(ticks, cuts)
def test_ticks_of_many_instruments_give_what_each_instrument_by_itself_would_and_flagged_ones_nothing(
    ticks: list[tuple[int, int, int, int]], places: list[int]
) -> None:
    engine, reference = IndicatorEngine(DECLARATIONS), Reference()
    traded: dict[int, int] = {}
    packets, expected = [], []
    for at, (token, price_e4, flags, volume) in enumerate(ticks):
        day_volume = traded.get(token, 1_000) + volume
        time_ns = NOON_NS + 1_000_000_000 * at
        packets.append(Tick(token, price_e4, kind="full", flags=flags, exchange_ns=time_ns, volume=day_volume))
        if flags:
            expected.append([NAN] * len(NAMES))
            continue
        price = price_e4 / 1e4
        since = day_volume - traded.get(token, day_volume)
        traded[token] = day_volume
        bar = {"time_ns": time_ns, "high": price, "low": price, "close": price, "volume": since}
        expected.append(reference.update(token, bar))

    batches = [TickBatch.from_ticks(packets[a:b]) for a, b in spans(len(packets), places)]
    answer = rows([engine.update_ticks(batch) for batch in batches])

    np.testing.assert_array_equal(answer, np.array(expected).reshape(-1, len(NAMES)))
    for token in traded:
        last = max(at for at, tick in enumerate(ticks) if tick[0] == token and tick[2] == 0)
        np.testing.assert_array_equal(engine.row(token), expected[last])
        assert engine.warm(token) == (not np.isnan(expected[last]).any())


def closes(engine: IndicatorEngine, token: int, prices: list[int]) -> list[float]:
    count = len(prices)
    answer = engine.update(
        np.full(count, token, np.uint32), 10_000 * np.array(prices, np.int64), np.zeros(count, np.uint16)
    )
    return answer[:, 0].tolist()


def test_values_are_read_by_name_row_and_token() -> None:
    engine = IndicatorEngine([("fast", "ema", {"period": 1}), ("bands", "bollinger", {"period": 2, "deviations": 1})])

    closes(engine, 738_561, [10, 14])

    assert engine.names == ["fast", "bands.upper", "bands.middle", "bands.lower"]
    assert engine.tokens == [738_561]
    assert engine.row(738_561).tolist() == [14, 14, 12, 10]
    assert [engine.value(738_561, name) for name in engine.names] == [14, 14, 12, 10]
    assert engine.warm(738_561)


def test_an_instrument_never_seen_has_no_number() -> None:
    engine = IndicatorEngine([("fast", "ema", {"period": 1})])

    assert np.isnan(engine.value(1, "fast"))
    assert np.isnan(engine.row(1)).all()
    assert not engine.warm(1)
    engine.forget(1)
    assert engine.tokens == []


def test_a_forgotten_instrument_warms_up_anew_and_the_others_go_on() -> None:
    engine = IndicatorEngine([("mean", "sma", {"period": 2})])
    closes(engine, 1, [10, 20])
    closes(engine, 2, [10, 20])

    engine.forget(1)

    assert not engine.warm(1)
    assert engine.warm(2)
    np.testing.assert_equal(closes(engine, 1, [30, 40]), [NAN, 35])
    assert closes(engine, 2, [30, 40]) == [25, 35]


def test_one_bar_is_a_batch_of_one() -> None:
    engine = IndicatorEngine([("channel", "donchian", {"period": 1})])

    engine.add(1)
    [batch] = BarBatch.of([Bar(1, "5s", NOON_NS, NOON_NS, 110_000, 120_000, 100_000, 110_000, 5)])
    engine.update_bar_batch(batch, "5s")

    assert engine.row(1).tolist() == [12, 11, 10]


def test_a_tick_without_a_time_has_no_vwap_and_a_new_days_volume_counts_from_zero() -> None:
    engine = IndicatorEngine([("vwap", "session_vwap", {})])
    day_ns = 86_400_000_000_000

    def tick(price: int, time_ns: int, volume: int) -> float:
        packet = Tick(1, 10_000 * price, kind="full", exchange_ns=time_ns, volume=volume)
        return float(engine.update_ticks(TickBatch.from_ticks([packet]))[0, 0])

    assert np.isnan(tick(10, NOON_NS, 500))  # what had traded before the first tick is not ours to weigh
    assert tick(20, NOON_NS + 1, 600) == 20
    assert np.isnan(tick(90, 0, 700))
    assert tick(40, NOON_NS + 2, 800) == 30
    assert tick(50, NOON_NS + day_ns, 10) == 50


def test_a_volume_that_steps_back_within_a_day_is_not_counted_again() -> None:
    engine = IndicatorEngine([("vwap", "session_vwap", {})])

    def tick(price: int, second: int, volume: int) -> float:
        packet = Tick(1, 10_000 * price, kind="full", exchange_ns=NOON_NS + second * 10**9, volume=volume)
        return float(engine.update_ticks(TickBatch.from_ticks([packet]))[0, 0])

    tick(10, 0, 1_000)
    assert tick(20, 1, 1_100) == 20
    assert tick(90, 2, 1_050) == 20  # a bad packet: nothing has traded
    assert tick(40, 3, 1_200) == 30


@pytest.mark.parametrize(
    ("declarations", "message"),
    [
        ([], "declarations must be of 1 to 256 values in all, not 0"),
        ([("a", "hma", {})], 'kind must be one of adx, atr, .*, wma, not "hma"'),
        ([("a", "ema", {})], "period must be given, not missing"),
        ([("a", "ema", {"period": 2.5})], "period must be a whole number from 1 to 100000, not 2.5"),
        ([("a", "ema", {"period": 0})], "period must be a whole number from 1 to 100000, not 0"),
        ([("a", "ema", {"length": 5})], "parameters must be among period"),
        ([("a", "session_vwap", {"period": 5})], "parameters must be none"),
        ([("a", "rsi", {}), ("a", "ema", {"period": 5})], 'names must be different, not "a" twice'),
        ([(f"n{n}", "rsi", {}) for n in range(257)], "declarations must be of 1 to 256 values in all, not 257"),
    ],
)
def test_a_bad_declaration_is_refused_with_what_is_allowed(
    declarations: list[tuple[str, str, dict[str, float]]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        IndicatorEngine(declarations)


def test_columns_of_different_lengths_and_unknown_names_are_refused() -> None:
    engine = IndicatorEngine([("a", "rsi", {})])

    with pytest.raises(ValueError, match="of one length"):
        engine.update(np.zeros(2, np.uint32), np.zeros(1, np.int64), np.zeros(2, np.uint16))
    with pytest.raises(KeyError, match="the values are a"):
        engine.value(1, "b")
