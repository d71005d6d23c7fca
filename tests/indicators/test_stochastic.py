"""Stochastic: where the close stands in its range."""

import math

import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st
from indicator_promises import (
    NAN,
    Column,
    assert_any_split_gives_the_same_bits,
    assert_close,
    bars,
    by_segment,
    cuts,
    table,
    take,
    windows,
)
from kitev3._core import Indicator

parameters = st.tuples(st.integers(1, 20), st.integers(1, 8), st.integers(1, 8))


def means(values: list[float], period: int) -> list[float]:
    return [math.fsum(window) / period for window in windows(values, period) if window is not None]


def define(
    high: list[float], low: list[float], close: list[float], k: int, smooth: int, d: int
) -> list[tuple[float, float]]:
    fast = []
    for highs, lows, last in zip(windows(high, k), windows(low, k), close, strict=True):
        if highs is not None and lows is not None:
            reach = max(highs) - min(lows)
            fast.append(100 * (last - min(lows)) / reach if reach else 0.0)
    slow_k = means(fast, smooth)
    rows = list(zip(slow_k[d - 1 :], means(slow_k, d), strict=True))
    return [(NAN, NAN)] * (len(close) - len(rows)) + rows


@given(bars(holes=True), parameters, cuts)
def test_any_split_gives_the_same_bits(
    bars: dict[str, Column], parameters: tuple[int, int, int], places: list[int]
) -> None:
    assert_any_split_gives_the_same_bits(
        lambda: Indicator("stochastic", *parameters), take(bars, "high low close"), places, 2
    )


@given(bars(holes=True), parameters)
def test_it_is_the_averaged_standing_of_a_clean_window(
    bars: dict[str, Column], parameters: tuple[int, int, int]
) -> None:
    columns = take(bars, "high low close")

    answer = Indicator("stochastic", *parameters).batch(*columns)

    assert_close(table(answer, 2), by_segment(lambda *part: define(*part, *parameters), columns, 2), columns)


@given(bars(), parameters)
def test_it_equals_talib(bars: dict[str, Column], parameters: tuple[int, int, int]) -> None:
    columns, (k, smooth, d) = take(bars, "high low close"), parameters

    answer = Indicator("stochastic", *parameters).batch(*columns)

    assert_close(table(answer, 2), table(talib.STOCH(*columns, k, smooth, 0, d, 0), 2), columns)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ((0, 3, 3), "k must be a whole number from 1 to 100000, not 0"),
        ((14, -3, 3), "smooth must be a whole number from 1 to 100000, not -3"),
        ((14, 3, 100_001), "d must be a whole number from 1 to 100000, not 100001"),
    ],
)
def test_parameters_out_of_bounds_are_refused_with_what_is_allowed(
    parameters: tuple[int, int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Indicator("stochastic", *parameters)
