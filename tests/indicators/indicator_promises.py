"""What every indicator promises, written once: each indicator's own file says what it computes.

1. Any mixture of `update` and `batch` over the same inputs gives the same bits.
2. It agrees with its definition in plain Python, holes included, to 1e-9 of the largest input.
3. It agrees with TA-Lib where TA-Lib has it, to the same.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

Column = npt.NDArray[np.float64]
Columns = list[Column]

TOLERANCE = 1e-9
NAN = float("nan")

periods = st.integers(1, 40)
cuts = st.lists(st.integers(0, 2_000), max_size=8)


def _path(kind: str, length: int, rng: np.random.Generator) -> Column:
    """A price path of one temper."""
    steps = rng.normal(0, 1, length)
    match kind:
        case "walk":
            return 1_000 + 0.5 * np.cumsum(steps)
        case "ticks":  # whole paise, and often the same price again
            return np.round(20 * (500 + np.cumsum(np.where(rng.random(length) < 0.6, 0, np.round(steps)) * 0.05))) / 20
        case "constant":
            return np.full(length, np.round(1e5 * rng.random(), 2))
        case "spikes":
            return np.where(rng.random(length) < 0.05, 1e6, 0.01) * (1 + rng.random(length))
        case "jumps":
            return np.repeat(1e4 * rng.random(length // 50 + 1), 50)[:length]
    raise AssertionError(kind)


TEMPERS = ["walk", "ticks", "constant", "spikes", "jumps"]
HOLES = [NAN, math.inf, -math.inf]


@st.composite
def bars(draw: st.DrawFn, holes: bool = False, tempers: Sequence[str] = tuple(TEMPERS)) -> dict[str, Column]:
    """Bars as columns (high, low, close, volume), from none to a few chunks of them, with or without holes."""
    length = draw(st.one_of(st.integers(0, 60), st.integers(200, 1_100)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    close = _path(draw(st.sampled_from(list(tempers))), length, rng)
    reach = 0.002 * abs(close) * draw(st.sampled_from([0.0, 1.0]))
    columns = {
        "high": close + reach * rng.random(length),
        "low": close - reach * rng.random(length),
        "close": close,
        "volume": np.floor(100 * rng.random(length)),
    }
    if holes and length:
        for _ in range(draw(st.integers(0, 5))):
            name = draw(st.sampled_from(["high", "low", "close", "volume"]))
            columns[name][draw(st.integers(0, length - 1))] = draw(st.sampled_from(HOLES))
    return columns


def take(columns: dict[str, Column], names: str) -> Columns:
    """The named columns, in that order: `take(bars, "high low close")`."""
    return [columns[name] for name in names.split()]


def table(values: Any, width: int) -> Column:
    """A batch's answer, one array or a tuple of several, as rows."""
    return np.column_stack(values) if width > 1 else np.asarray(values).reshape(-1, 1)


def assert_any_split_gives_the_same_bits(
    make: Callable[[], Any], columns: Columns, places: list[int], width: int
) -> None:
    """Streams it all, then goes over it again in pieces, batch and stream in turn."""
    length = len(columns[0])
    streaming = make()
    rows = [streaming.update(*(column[at].item() for column in columns)) for at in range(length)]
    expected = np.array(rows, dtype=np.float64).reshape(length, width)

    pieces = make()
    edges = sorted({0, length, *(place for place in places if place < length)})
    answers = [np.empty((0, width))]
    for turn, (start, end) in enumerate(itertools.pairwise(edges)):
        if turn % 2 == 0:
            answers.append(table(pieces.batch(*(column[start:end] for column in columns)), width))
        else:
            part = [pieces.update(*(column[at].item() for column in columns)) for at in range(start, end)]
            answers.append(np.array(part, dtype=np.float64).reshape(end - start, width))
    answer = np.concatenate(answers)

    same_bits = answer.view(np.uint64) == expected.view(np.uint64)
    both_nan = np.isnan(answer) & np.isnan(expected)
    assert np.all(same_bits | both_nan)
    np.testing.assert_equal(pieces.value, streaming.value)
    whole = make()
    np.testing.assert_array_equal(table(whole.batch(*columns), width), expected)


def assert_close(answer: Column, expected: Column, columns: Columns) -> None:
    """NaN at the same places, and elsewhere no further apart than 1e-9 of the largest input."""
    assert answer.shape == expected.shape
    np.testing.assert_array_equal(np.isnan(answer), np.isnan(expected))
    clean = [column[np.isfinite(column)] for column in columns]
    largest = max((abs(column).max() for column in clean if len(column)), default=0.0)
    np.testing.assert_allclose(answer, expected, rtol=0, atol=TOLERANCE * largest, equal_nan=True)


def segments(columns: Columns) -> list[tuple[int, int]]:
    """The stretches between holes: where an indicator begins anew."""
    clean = np.all([np.isfinite(column) for column in columns], axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], clean, [False]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def by_segment(define: Callable[..., list[Any]], columns: Columns, width: int) -> Column:
    """A definition for clean inputs, applied to each stretch by itself; NaN in the holes."""
    answer = np.full((len(columns[0]), width), NAN)
    for start, end in segments(columns):
        answer[start:end] = np.array(define(*(column[start:end].tolist() for column in columns))).reshape(-1, width)
    return answer


def windows(values: list[float], period: int) -> list[list[float] | None]:
    """For each value the last `period` of them, itself included; `None` where there are fewer."""
    return [values[at + 1 - period : at + 1] if at + 1 >= period else None for at in range(len(values))]


def smoothed(values: list[float], period: int, weight: float) -> list[float]:
    """Exponential smoothing in its plainest form, started from the mean of the first `period` values."""
    answer = [NAN] * len(values)
    for at, value in enumerate(values):
        if at == period - 1:
            answer[at] = math.fsum(values[:period]) / period
        elif at >= period:
            answer[at] = answer[at - 1] + weight * (value - answer[at - 1])
    return answer


def true_ranges(high: list[float], low: list[float], close: list[float]) -> list[float]:
    """Of each bar but the first."""
    return [
        max(high[at] - low[at], abs(high[at] - close[at - 1]), abs(low[at] - close[at - 1]))
        for at in range(1, len(close))
    ]
