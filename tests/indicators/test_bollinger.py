"""Bollinger bands: the mean, and deviations to either side."""

import math

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
    table,
    take,
    windows,
)
from kitev3._core import Indicator

periods = st.integers(2, 40)
deviations = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0])


def define(prices: list[float], period: int, deviations: float) -> list[list[float]]:
    def bands(window: list[float]) -> list[float]:
        mean = math.fsum(window) / period
        deviation = math.sqrt(math.fsum((price - mean) ** 2 for price in window) / period)
        return [mean + deviations * deviation, mean, mean - deviations * deviation]

    return [[NAN] * 3 if window is None else bands(window) for window in windows(prices, period)]


@given(bars(holes=True), periods, deviations, cuts)
def test_any_split_gives_the_same_bits(
    bars: dict[str, Column], period: int, deviations: float, places: list[int]
) -> None:
    assert_any_split_gives_the_same_bits(
        lambda: Indicator("bollinger", period, deviations), take(bars, "close"), places, 3
    )


@given(bars(holes=True), periods, deviations)
def test_it_is_mean_and_deviation_of_a_clean_window(bars: dict[str, Column], period: int, deviations: float) -> None:
    prices = take(bars, "close")

    answer = Indicator("bollinger", period, deviations).batch(*prices)

    assert_close(table(answer, 3), by_segment(lambda part: define(part, period, deviations), prices, 3), prices)


@given(bars(), periods, deviations)
def test_it_equals_talib(bars: dict[str, Column], period: int, deviations: float) -> None:
    prices = take(bars, "close")

    answer = Indicator("bollinger", period, deviations).batch(*prices)

    assert_close(table(answer, 3), table(talib.BBANDS(*prices, period, deviations, deviations), 3), prices)


@pytest.mark.parametrize("height", [1e-3, 1.0, 1e3, 1e9])
def test_a_spike_that_has_left_the_window_leaves_no_width_behind(height: float) -> None:
    prices = np.concatenate([[height], np.full(100, 0.1)])

    upper, middle, lower = Indicator("bollinger", 20, 2.0).batch(prices)

    assert set(upper[20:]) == set(middle[20:]) == set(lower[20:]) == {0.1}


def test_a_small_deviation_far_from_where_the_sums_began_keeps_its_digits() -> None:
    prices = np.linspace(1.0, 1e6, 5_000) + np.random.default_rng(1).normal(0, 1e-3, 5_000)
    prices = np.concatenate([prices, 1e6 + np.random.default_rng(2).normal(0, 1e-3, 5_000)])
    exact = np.lib.stride_tricks.sliding_window_view(prices, 20).std(axis=1)

    upper, middle, _ = Indicator("bollinger", 20, 1.0).batch(prices)

    np.testing.assert_allclose((upper - middle)[19:], exact, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("period", [1, -1, 100_001])
def test_a_period_out_of_bounds_is_refused_with_what_is_allowed(period: int) -> None:
    with pytest.raises(ValueError, match=f"period must be a whole number from 2 to 100000, not {period}"):
        Indicator("bollinger", period)


@pytest.mark.parametrize("deviations", [-0.1, NAN, math.inf])
def test_deviations_out_of_bounds_are_refused_with_what_is_allowed(deviations: float) -> None:
    with pytest.raises(ValueError, match="deviations must be a number from 0 to 1000000, not"):
        Indicator("bollinger", 20, deviations)
