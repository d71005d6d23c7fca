"""The pace holds in every calendar second of the broker's clock, wherever its seconds begin."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.broker.pace import Limits, Pace

SECOND_NS = 1_000_000_000

arrivals = st.lists(
    st.tuples(
        st.integers(0, SECOND_NS // 2), st.sampled_from(["enter", "exit", "cancel"]), st.integers(0, SECOND_NS // 4)
    ),
    max_size=120,
)


@given(arrivals, st.integers(0, SECOND_NS - 1))
def test_no_calendar_second_at_the_broker_holds_more_than_ten(
    arrivals: list[tuple[int, str, int]], offset_ns: int
) -> None:
    pace, now_ns, there = Pace(Limits()), 0, []
    for pause_ns, kind, delay_ns in arrivals:
        now_ns += pause_ns
        if pace.wait_ns(kind, now_ns) == 0:  # type: ignore[arg-type]
            pace.take(now_ns)
            there.append((now_ns + delay_ns + offset_ns) // SECOND_NS)

    assert all(len(list(same)) <= 10 for _, same in itertools.groupby(sorted(there)))


@given(st.lists(st.integers(0, SECOND_NS // 20), min_size=30, max_size=60))
def test_after_the_wait_it_is_its_turn_and_not_a_moment_before(pauses: list[int]) -> None:
    pace, now_ns = Pace(Limits()), 0
    for pause_ns in pauses:
        now_ns += pause_ns
        wait_ns = pace.wait_ns("exit", now_ns)
        if wait_ns:
            assert pace.wait_ns("exit", now_ns + wait_ns - 1) == 1
            now_ns += wait_ns
        assert pace.wait_ns("exit", now_ns) == 0
        pace.take(now_ns)


def test_the_minute_is_bounded_too() -> None:
    pace = Pace(Limits())
    for number in range(320):
        assert pace.wait_ns("enter", number * 170_000_000) == 0
        pace.take(number * 170_000_000)

    assert pace.wait_ns("enter", 320 * 170_000_000) > 0
    assert pace.wait_ns("exit", 320 * 170_000_000) == 0


def test_limits_must_leave_room_for_exits() -> None:
    with pytest.raises(ValueError, match="room for exits"):
        Limits(entries_second_max=11)
