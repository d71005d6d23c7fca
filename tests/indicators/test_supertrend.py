"""Supertrend: a stop that trails price and changes sides."""

import numpy as np
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
    smoothed,
    table,
    take,
    true_ranges,
)
from kitev3._core import Indicator

periods = st.integers(2, 30)
multipliers = st.sampled_from([0.5, 1.0, 3.0])

# Where price meets a band to the last digit, the last digit of the ATR decides: those paths are left to the splits.
UNEVEN = ["walk", "spikes"]


def define(
    high: list[float], low: list[float], close: list[float], period: int, multiplier: float
) -> list[tuple[float, float]]:
    ranges = [NAN, *smoothed(true_ranges(high, low, close), period, 1 / period)]
    answer = [(NAN, NAN)] * len(close)
    upper = lower = NAN
    up = True
    for at in range(period, len(close)):
        middle, distance = (high[at] + low[at]) / 2, multiplier * ranges[at]
        if at == period:
            upper, lower = middle + distance, middle - distance
        else:
            upper = middle + distance if middle + distance < upper or close[at - 1] > upper else upper
            lower = middle - distance if middle - distance > lower or close[at - 1] < lower else lower
            up = not close[at] < lower if up else close[at] > upper
        answer[at] = (lower, 1.0) if up else (upper, -1.0)
    return answer


@given(bars(holes=True), periods, multipliers, cuts)
def test_any_split_gives_the_same_bits(
    bars: dict[str, Column], period: int, multiplier: float, places: list[int]
) -> None:
    columns = take(bars, "high low close")
    assert_any_split_gives_the_same_bits(lambda: Indicator("supertrend", period, multiplier), columns, places, 2)


@given(bars(holes=True, tempers=UNEVEN), periods, multipliers)
def test_it_trails_price_and_begins_anew_after_a_hole(bars: dict[str, Column], period: int, multiplier: float) -> None:
    columns = take(bars, "high low close")

    answer = Indicator("supertrend", period, multiplier).batch(*columns)

    expected = by_segment(lambda *part: define(*part, period, multiplier), columns, 2)
    assert_close(table(answer, 2), expected, columns)


@given(bars(tempers=UNEVEN), periods, multipliers)
def test_it_equals_talib(bars: dict[str, Column], period: int, multiplier: float) -> None:
    columns = take(bars, "high low close")

    line, trend = Indicator("supertrend", period, multiplier).batch(*columns)

    expected_line, expected_trend = talib.SUPERTREND(*columns, period, multiplier)
    assert_close(line, expected_line, columns)
    np.testing.assert_array_equal(np.nan_to_num(trend), expected_trend)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ((0, 3.0), "period must be a whole number from 1 to 100000, not 0"),
        ((10, -1.0), "multiplier must be a number from 0 to 1000000, not -1"),
        ((10, NAN), "multiplier must be a number from 0 to 1000000, not NaN"),
    ],
)
def test_parameters_out_of_bounds_are_refused_with_what_is_allowed(parameters: tuple[int, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Indicator("supertrend", *parameters)
