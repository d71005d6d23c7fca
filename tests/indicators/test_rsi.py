"""RSI: the rises' share of all movement."""

import itertools

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
)
from kitev3._core import Indicator

periods = st.integers(2, 30)


def define(prices: list[float], period: int) -> list[float]:
    changes = [after - before for before, after in itertools.pairwise(prices)]
    gains = smoothed([max(change, 0.0) for change in changes], period, 1 / period)
    losses = smoothed([max(-change, 0.0) for change in changes], period, 1 / period)
    strength = [100 * gain / (gain + loss) if gain + loss else 0.0 for gain, loss in zip(gains, losses, strict=True)]
    return [NAN, *(NAN if at < period - 1 else value for at, value in enumerate(strength))][: len(prices)]


@given(bars(holes=True), periods, cuts)
def test_any_split_gives_the_same_bits(bars: dict[str, Column], period: int, places: list[int]) -> None:
    assert_any_split_gives_the_same_bits(lambda: Indicator("rsi", period), take(bars, "close"), places, 1)


@given(bars(holes=True), periods)
def test_it_is_the_share_of_rises_and_begins_anew_after_a_hole(bars: dict[str, Column], period: int) -> None:
    prices = take(bars, "close")

    answer = Indicator("rsi", period).batch(*prices)

    assert_close(table(answer, 1), by_segment(lambda part: define(part, period), prices, 1), prices)


@given(bars(), periods)
def test_it_equals_talib(bars: dict[str, Column], period: int) -> None:
    prices = take(bars, "close")

    answer = Indicator("rsi", period).batch(*prices)

    assert_close(answer, talib.RSI(*prices, period), prices)


def test_only_rises_are_exactly_100_only_falls_and_an_unmoving_price_exactly_0() -> None:
    rising = np.cumsum(np.random.default_rng(1).random(500)) + 1

    assert set(Indicator("rsi", 14).batch(rising)[14:]) == {100.0}
    assert set(Indicator("rsi", 14).batch(-rising)[14:]) == {0.0}
    assert set(Indicator("rsi", 14).batch(np.full(500, 101.3))[14:]) == {0.0}


def test_after_a_hole_it_is_not_a_number_rather_than_zero() -> None:
    prices = np.arange(40.0)
    prices[20] = np.nan

    answer = Indicator("rsi", 14).batch(prices)

    assert np.isnan(answer[20:35]).all()
    assert set(answer[35:]) == {100.0}


@pytest.mark.parametrize("period", [1, -1, 100_001])
def test_a_period_out_of_bounds_is_refused_with_what_is_allowed(period: int) -> None:
    with pytest.raises(ValueError, match=f"period must be a whole number from 2 to 100000, not {period}"):
        Indicator("rsi", period)
