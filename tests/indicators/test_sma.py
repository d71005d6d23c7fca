"""SMA: the mean of the last prices."""

import math

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


def define(prices: list[float], period: int) -> list[float]:
    return [NAN if window is None else math.fsum(window) / period for window in windows(prices, period)]


@given(bars(holes=True), periods, cuts)
def test_any_split_gives_the_same_bits(bars: dict[str, Column], period: int, places: list[int]) -> None:
    assert_any_split_gives_the_same_bits(lambda: Indicator("sma", period), take(bars, "close"), places, 1)


@given(bars(holes=True), periods)
def test_it_is_the_mean_of_a_clean_window(bars: dict[str, Column], period: int) -> None:
    prices = take(bars, "close")

    answer = Indicator("sma", period).batch(*prices)

    assert_close(table(answer, 1), by_segment(lambda part: define(part, period), prices, 1), prices)


@given(bars(), periods)
def test_it_equals_talib(bars: dict[str, Column], period: int) -> None:
    prices = take(bars, "close")

    answer = Indicator("sma", period).batch(*prices)

    assert_close(answer, talib.SMA(*prices, period), prices)


def test_errors_do_not_add_up_over_a_million_prices() -> None:
    prices = 1e5 + np.random.default_rng(1).normal(0, 1, 1_000_000)
    exact = np.lib.stride_tricks.sliding_window_view(prices, 20).mean(axis=1)

    answer = Indicator("sma", 20).batch(prices)

    np.testing.assert_allclose(answer[19:], exact, rtol=1e-14)


def test_means_of_an_unmoving_price_are_that_price_whatever_the_period() -> None:
    prices = np.full(20_000, 1234.55)

    for period in (1, 3, 7, 50):
        assert set(Indicator("sma", period).batch(prices)[period - 1 :]) == {1234.55}


@pytest.mark.parametrize("period", [0, -1, 100_001])
def test_a_period_out_of_bounds_is_refused_with_what_is_allowed(period: int) -> None:
    with pytest.raises(ValueError, match=f"period must be a whole number from 1 to 100000, not {period}"):
        Indicator("sma", period)
