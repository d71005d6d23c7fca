"""Two clocks: what the market's shows follows from the machine's, exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from kitev3.calendar import IST
from kitev3.contracts import Clock
from kitev3.runtime.clock import NS, MarketClock, datetime_ns


def test_at_thirty_times_two_seconds_are_a_minute() -> None:
    start = datetime(2026, 11, 19, 9, 20, tzinfo=IST)
    clock = MarketClock.at_speed(datetime_ns(start), m0_ns=7 * NS, speed=30)

    assert clock.at_ns(7 * NS) == datetime_ns(start)
    assert clock.at_ns(9 * NS) == datetime_ns(start + timedelta(minutes=1))
    assert clock.payload() == Clock(t0_ns=datetime_ns(start), m0_ns=7 * NS, speed_e3=30_000)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_moment_is_kept_to_the_microsecond(moment: datetime) -> None:
    assert datetime.fromtimestamp(0, UTC) + timedelta(microseconds=datetime_ns(moment) // 1000) == moment


@given(speed_e3=st.integers(1, 10_000_000), a=st.integers(0, 2**62), b=st.integers(0, 2**62))
def test_market_time_never_goes_back(speed_e3: int, a: int, b: int) -> None:
    clock = MarketClock(0, 0, speed_e3)

    assert clock.at_ns(min(a, b)) <= clock.at_ns(max(a, b))
