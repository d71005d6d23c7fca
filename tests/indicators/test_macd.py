"""MACD: a fast average minus a slow one, and its signal."""

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

parameters = st.tuples(st.integers(2, 20), st.integers(1, 20), st.integers(1, 12)).map(
    lambda drawn: (drawn[0], drawn[0] + drawn[1], drawn[2])
)


def define(prices: list[float], fast: int, slow: int, signal: int) -> list[list[float]]:
    """The fast average begins so late that both have their first value with the same price."""
    late = slow - fast
    fast_values = [NAN] * late + smoothed(prices[late:], fast, 2 / (fast + 1))
    slow_values = smoothed(prices, slow, 2 / (slow + 1))
    macd = [a - b for a, b in zip(fast_values, slow_values, strict=False)][slow - 1 : len(prices)]
    rows = zip(macd, smoothed(macd, signal, 2 / (signal + 1)), strict=True)
    answer = [[NAN] * 3] * (slow - 1) + [[a, b, a - b] if b == b else [NAN] * 3 for a, b in rows]
    return answer[: len(prices)]


@given(bars(holes=True), parameters, cuts)
def test_any_split_gives_the_same_bits(
    bars: dict[str, Column], parameters: tuple[int, int, int], places: list[int]
) -> None:
    assert_any_split_gives_the_same_bits(lambda: Indicator("macd", *parameters), take(bars, "close"), places, 3)


@given(bars(holes=True), parameters)
def test_it_is_the_distance_of_two_averages_and_begins_anew_after_a_hole(
    bars: dict[str, Column], parameters: tuple[int, int, int]
) -> None:
    prices = take(bars, "close")

    answer = Indicator("macd", *parameters).batch(*prices)

    assert_close(table(answer, 3), by_segment(lambda part: define(part, *parameters), prices, 3), prices)


@given(bars(), parameters)
def test_it_equals_talib(bars: dict[str, Column], parameters: tuple[int, int, int]) -> None:
    prices = take(bars, "close")

    answer = Indicator("macd", *parameters).batch(*prices)

    assert_close(table(answer, 3), table(talib.MACD(*prices, *parameters), 3), prices)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ((0, 26, 9), "fast must be a whole number from 1 to 100000, not 0"),
        ((12, 100_001, 9), "slow must be a whole number from 2 to 100000, not 100001"),
        ((12, 26, 0), "signal must be a whole number from 1 to 100000, not 0"),
        ((26, 26, 9), "fast must be less than slow, which is 26, not 26"),
    ],
)
def test_parameters_out_of_bounds_are_refused_with_what_is_allowed(
    parameters: tuple[int, int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Indicator("macd", *parameters)
