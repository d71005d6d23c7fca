"""ADX: how much of the movement goes one way."""

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
    true_ranges,
)
from kitev3._core import Indicator

periods = st.integers(2, 30)


def define(high: list[float], low: list[float], close: list[float], period: int) -> list[float]:
    """Wilder's sums begin with period - 1 movements; where nothing has moved the average stays."""
    answer = [NAN] * len(close)
    up = down = reach = adx = 0.0
    for at, true_range in enumerate(true_ranges(high, low, close), 1):
        rise, fall = high[at] - high[at - 1], low[at - 1] - low[at]
        kept = 0 if at < period else 1 / period
        up += -up * kept + (rise if rise > max(fall, 0) else 0)
        down += -down * kept + (fall if fall > max(rise, 0) else 0)
        reach += -reach * kept + true_range
        if at < period:
            continue
        index = 100 * abs(up - down) / (up + down) if reach and up + down else None
        if at < 2 * period:
            adx += (index or 0) / period
        elif index is not None:
            adx += (index - adx) / period
        if at >= 2 * period - 1:
            answer[at] = adx
    return answer


@given(bars(holes=True), periods, cuts)
def test_any_split_gives_the_same_bits(bars: dict[str, Column], period: int, places: list[int]) -> None:
    assert_any_split_gives_the_same_bits(lambda: Indicator("adx", period), take(bars, "high low close"), places, 1)


@given(bars(holes=True), periods)
def test_it_is_the_smoothed_directional_index_and_begins_anew_after_a_hole(
    bars: dict[str, Column], period: int
) -> None:
    columns = take(bars, "high low close")

    answer = Indicator("adx", period).batch(*columns)

    assert_close(table(answer, 1), by_segment(lambda *part: define(*part, period), columns, 1), columns)


@given(bars(), periods)
def test_it_equals_talib(bars: dict[str, Column], period: int) -> None:
    columns = take(bars, "high low close")

    answer = Indicator("adx", period).batch(*columns)

    assert_close(answer, talib.ADX(*columns, period), columns)


@pytest.mark.parametrize("period", [1, -1, 100_001])
def test_a_period_out_of_bounds_is_refused_with_what_is_allowed(period: int) -> None:
    with pytest.raises(ValueError, match=f"period must be a whole number from 2 to 100000, not {period}"):
        Indicator("adx", period)
