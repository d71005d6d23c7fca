"""Donchian channel: the highest high and the lowest low."""

import numpy as np
import pytest
import talib
from hypothesis import given
from indicator_promises import (
    NAN,
    Column,
    assert_any_split_gives_the_same_bits,
    assert_close,
    bars,
    by_segment,
    cuts,
    periods,
    table,
    take,
    windows,
)
from kitev3._core import Indicator


def define(high: list[float], low: list[float], period: int) -> list[list[float]]:
    answer = []
    for highs, lows in zip(windows(high, period), windows(low, period), strict=True):
        upper, lower = (NAN, NAN) if highs is None or lows is None else (max(highs), min(lows))
        answer.append([upper, (upper + lower) / 2, lower])
    return answer


@given(bars(holes=True), periods, cuts)
def test_any_split_gives_the_same_bits(bars: dict[str, Column], period: int, places: list[int]) -> None:
    assert_any_split_gives_the_same_bits(lambda: Indicator("donchian", period), take(bars, "high low"), places, 3)


@given(bars(holes=True), periods)
def test_it_spans_a_clean_window(bars: dict[str, Column], period: int) -> None:
    columns = take(bars, "high low")

    answer = table(Indicator("donchian", period).batch(*columns), 3)

    np.testing.assert_array_equal(answer, by_segment(lambda *part: define(*part, period), columns, 3))


@given(bars(), periods.filter(lambda period: period > 1))
def test_it_equals_talib(bars: dict[str, Column], period: int) -> None:
    columns = take(bars, "high low")

    upper, middle, lower = Indicator("donchian", period).batch(*columns)

    np.testing.assert_array_equal(upper, talib.MAX(columns[0], period))
    np.testing.assert_array_equal(lower, talib.MIN(columns[1], period))
    assert_close(table((upper, middle, lower), 3), table(talib.DONCHIAN(*columns, period), 3), columns)


@pytest.mark.parametrize("period", [0, -1, 100_001])
def test_a_period_out_of_bounds_is_refused_with_what_is_allowed(period: int) -> None:
    with pytest.raises(ValueError, match=f"period must be a whole number from 1 to 100000, not {period}"):
        Indicator("donchian", period)
