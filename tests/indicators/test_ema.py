"""EMA: each value is the one before it, moved towards the price."""

import numpy as np
import pytest
import talib
from hypothesis import given
from indicator_promises import (
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
)
from kitev3._core import Indicator


@given(bars(holes=True), periods, cuts)
def test_any_split_gives_the_same_bits(bars: dict[str, Column], period: int, places: list[int]) -> None:
    assert_any_split_gives_the_same_bits(lambda: Indicator("ema", period), take(bars, "close"), places, 1)


@given(bars(holes=True), periods)
def test_it_moves_towards_the_price_and_begins_anew_after_a_hole(bars: dict[str, Column], period: int) -> None:
    prices = take(bars, "close")

    answer = Indicator("ema", period).batch(*prices)

    expected = by_segment(lambda part: smoothed(part, period, 2 / (period + 1)), prices, 1)
    assert_close(table(answer, 1), expected, prices)


@given(bars(), periods)
def test_it_equals_talib(bars: dict[str, Column], period: int) -> None:
    prices = take(bars, "close")

    answer = Indicator("ema", period).batch(*prices)

    assert_close(answer, talib.EMA(*prices, period), prices)


def test_two_averages_of_a_price_that_has_stopped_meet_exactly_and_never_cross_again() -> None:
    prices = np.concatenate([np.random.default_rng(1).normal(1000, 5, 200), np.full(3_000, 1234.55)])

    fast, slow = Indicator("ema", 5).batch(prices), Indicator("ema", 21).batch(prices)

    assert set(fast[-1_000:]) == set(slow[-1_000:]) == {1234.55}


@pytest.mark.parametrize("period", [0, -1, 100_001])
def test_a_period_out_of_bounds_is_refused_with_what_is_allowed(period: int) -> None:
    with pytest.raises(ValueError, match=f"period must be a whole number from 1 to 100000, not {period}"):
        Indicator("ema", period)
