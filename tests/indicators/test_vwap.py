"""Session VWAP: what was paid on average since the day began."""

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st
from indicator_promises import NAN, Column, assert_close, bars, cuts, take
from kitev3._core import Indicator

IST = ZoneInfo("Asia/Kolkata")
NAMES = "high low close volume"

# From a few bars within a day to one every two days.
gaps_s = st.sampled_from([60, 3_600, 50_000, 172_800])
starts_s = st.integers(1_600_000_000, 1_800_000_000)


def times(length: int, start_s: int, gap_s: int) -> npt.NDArray[np.int64]:
    return (start_s + gap_s * np.arange(length)) * 1_000_000_000


def define(time_ns: npt.NDArray[np.int64], columns: list[Column]) -> list[float]:
    answer = []
    day, paid, traded = None, 0.0, 0.0
    for time, high, low, close, volume in zip(time_ns.tolist(), *(column.tolist() for column in columns), strict=True):
        date = dt.datetime.fromtimestamp(time // 1_000_000_000, IST).date()
        if date != day:
            day, paid, traded = date, 0.0, 0.0
        # A hole stays in the sums for the rest of the day; 0 * infinity and the like are none of our numbers.
        clean = np.isfinite([high, low, close, volume]).all() and volume >= 0
        paid += (high + low + close) / 3 * volume if clean else NAN
        traded += volume if clean else NAN
        answer.append(paid / traded if traded else NAN)
    return answer


@given(bars(holes=True), starts_s, gaps_s, cuts)
def test_any_split_gives_the_same_bits(bars: dict[str, Column], start_s: int, gap_s: int, places: list[int]) -> None:
    columns = take(bars, NAMES)
    length = len(columns[0])
    time_ns = times(length, start_s, gap_s)
    streaming, pieces = Indicator("session_vwap"), Indicator("session_vwap")

    rows = zip(time_ns.tolist(), *(column.tolist() for column in columns), strict=True)
    expected = np.array([streaming.update(*row) for row in rows])
    edges = sorted({0, length, *(place for place in places if place < length)})
    spans = list(itertools.pairwise(edges))
    answer = [pieces.batch(time_ns[a:b], *(column[a:b] for column in columns)) for a, b in spans]

    np.testing.assert_array_equal(np.concatenate([np.empty(0), *answer]), expected)
    np.testing.assert_equal(pieces.value, streaming.value)


@given(bars(holes=True), starts_s, gaps_s)
def test_it_is_the_average_of_the_indian_day_and_a_hole_lasts_until_the_next(
    bars: dict[str, Column], start_s: int, gap_s: int
) -> None:
    columns = take(bars, NAMES)
    time_ns = times(len(columns[0]), start_s, gap_s)

    answer = Indicator("session_vwap").batch(time_ns, *columns)

    assert_close(answer, np.array(define(time_ns, columns)), columns)


@given(bars())
def test_within_one_day_it_equals_talib_once_something_has_traded(bars: dict[str, Column]) -> None:
    columns = take(bars, NAMES)
    time_ns = times(len(columns[0]), 1_700_000_000, 1)
    traded = np.cumsum(columns[3]) > 0

    answer = Indicator("session_vwap").batch(time_ns, *columns)

    expected = np.where(traded, talib.VWAP(*columns), NAN)
    assert_close(answer, expected, columns[:3])


def test_a_day_begins_at_midnight_in_india() -> None:
    midnight = dt.datetime(2026, 11, 20, tzinfo=IST)
    vwap = Indicator("session_vwap")
    at = [int((midnight + dt.timedelta(seconds=second)).timestamp()) * 1_000_000_000 for second in (-2, -1, 0, 1)]

    answer = [vwap.update(time_ns, price, price, price, 1) for time_ns, price in zip(at, (10, 20, 30, 40), strict=True)]

    assert answer == [10, 15, 30, 35]


@pytest.mark.parametrize("time_ns", [-(2**63), 2**63 - 1])
def test_the_ends_of_time_are_days_too(time_ns: int) -> None:
    assert Indicator("session_vwap").update(time_ns, 10.0, 10.0, 10.0, 1.0) == 10.0
