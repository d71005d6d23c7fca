"""ATR: how far a bar reaches, smoothed."""

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
    smoothed,
    table,
    take,
    true_ranges,
)
from kitev3._core import Indicator


def define(high: list[float], low: list[float], close: list[float], period: int) -> list[float]:
    return [NAN, *smoothed(true_ranges(high, low, close), period, 1 / period)]


@given(bars(holes=True), periods, cuts)
def test_any_split_gives_the_same_bits(bars: dict[str, Column], period: int, places: list[int]) -> None:
    assert_any_split_gives_the_same_bits(lambda: Indicator("atr", period), take(bars, "high low close"), places, 1)


@given(bars(holes=True), periods)
def test_it_is_the_smoothed_reach_and_begins_anew_after_a_hole(bars: dict[str, Column], period: int) -> None:
    columns = take(bars, "high low close")

    answer = Indicator("atr", period).batch(*columns)

    assert_close(table(answer, 1), by_segment(lambda *part: define(*part, period), columns, 1), columns)


@given(bars(), periods)
def test_it_equals_talib(bars: dict[str, Column], period: int) -> None:
    columns = take(bars, "high low close")

    answer = Indicator("atr", period).batch(*columns)

    assert_close(answer, talib.ATR(*columns, period), columns)


@pytest.mark.parametrize("period", [0, -1, 100_001])
def test_a_period_out_of_bounds_is_refused_with_what_is_allowed(period: int) -> None:
    with pytest.raises(ValueError, match=f"period must be a whole number from 1 to 100000, not {period}"):
        Indicator("atr", period)
