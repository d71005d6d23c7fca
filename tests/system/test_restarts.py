"""When a dead service comes back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from kitev3.system.restarts import DEATHS_MAX, DELAYS_NS, REFUSED, WINDOW_NS, Death, Restarts


def death(mono_ns: int, *, exit_code: int = -9, event: str = "") -> Death:
    return Death("strategy", 1, mono_ns, exit_code, event)


@given(st.lists(st.integers(0, 3 * WINDOW_NS), max_size=12).map(sorted))
def test_how_long_it_stays_away_follows_from_its_deaths_of_the_last_minute_alone(times: list[int]) -> None:
    row = Restarts()

    for number, mono_ns in enumerate(times):
        recent = [t for t in times[:number] if mono_ns - t < WINDOW_NS]
        delay = row.died(death(mono_ns))
        if row.given_up:
            break
        assert delay == DELAYS_NS[len(recent)]


def test_the_edge_of_the_window() -> None:
    inside, outside = Restarts(), Restarts()

    for row, third in ((inside, WINDOW_NS - 1), (outside, WINDOW_NS)):
        row.died(death(0))
        row.died(death(1))
        last = row.died(death(third))
        assert (last is None) == (row is inside)


def test_the_same_event_twice_is_enough_however_long_between() -> None:
    row = Restarts()

    assert row.died(death(0, exit_code=1, event="a")) == DELAYS_NS[0]
    assert row.died(death(100 * WINDOW_NS, exit_code=1, event="b")) == DELAYS_NS[0]
    assert row.died(death(200 * WINDOW_NS, exit_code=1, event="a")) is None
    assert row.given_up == "died twice on one event: exit code 1 on event a"


def test_each_of_others_codes_has_a_count_of_its_own() -> None:
    row = Restarts()
    deaths = [
        Death("strategy", 1, n, 1, asked=asked) for n, asked in enumerate(["", "a", "b", "c", "b", "c", "a", "b"])
    ]

    delays = [row.died(death) for death in deaths]

    assert delays == [DELAYS_NS[0]] * 4 + [DELAYS_NS[1]] * 3 + [None]
    assert row.given_up == "died 3 times within 60 s, at last by exit code 1 as it asked b"


def test_a_refusal_is_never_retried() -> None:
    assert Restarts().died(death(0, exit_code=REFUSED)) is None


@given(st.lists(st.integers(0, 3 * WINDOW_NS), max_size=12).map(sorted))
def test_it_stays_down_exactly_at_the_third_death_within_a_minute(times: list[int]) -> None:
    row = Restarts()

    for number, mono_ns in enumerate(times):
        delay = row.died(death(mono_ns))
        recent = [t for t in times[: number + 1] if mono_ns - t < WINDOW_NS]
        if row.given_up:
            assert delay is None
            break
        assert len(recent) <= DEATHS_MAX
