"""The pace holds in every second and minute of the broker's clock, wherever they begin, however late they arrive."""

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.broker.pace import Limits, Pace

SECOND_NS = 1_000_000_000
SPEEDS = [0.5, 1.0, 7.0, 30.0, 600.0]
NARROW = Limits(entries_minute_max=20, all_minute_max=30)

pauses = st.integers(0, SECOND_NS // 2)
wishes = st.lists(
    st.tuples(
        pauses,
        st.sampled_from(["enter", "exit", "cancel"]),
        st.integers(0, SECOND_NS // 3),  # from the first byte to the reply
        st.floats(0, 1),  # where in between the broker counts it
    ),
    max_size=120,
)


def most_in_one(times: Iterable[float], window_ns: float) -> int:
    """Of all windows of a clock the fullest's number."""
    return max((len(list(same)) for _, same in itertools.groupby(sorted(times), lambda at: at // window_ns)), default=0)


@given(wishes, st.sampled_from(SPEEDS), st.integers(0, 60 * SECOND_NS), st.sampled_from([Limits(), NARROW]))
def test_no_second_and_no_minute_at_the_broker_holds_too_many(
    wished: list[tuple[int, str, int, float]], speed: float, offset_ns: int, limits: Limits
) -> None:
    pace, now_ns, there = Pace(limits, speed), 0, []
    for pause_ns, kind, takes_ns, part in wished:
        now_ns += int(pause_ns / speed)
        if pace.wait_ns(kind, now_ns) == 0:  # type: ignore[arg-type]
            pace.take(now_ns)
            there.append((now_ns + part * takes_ns) * speed + offset_ns)
            now_ns += takes_ns
            pace.ended(now_ns, throttled=False)

    assert most_in_one(there, SECOND_NS) <= limits.all_second_max
    assert most_in_one(there, 60 * SECOND_NS) <= limits.all_minute_max


@given(st.lists(st.tuples(pauses, st.integers(0, SECOND_NS // 3)), max_size=200), st.sampled_from(SPEEDS))
def test_whatever_entries_leave_an_exit_never_waits_for_them(wished: list[tuple[int, int]], speed: float) -> None:
    pace, now_ns = Pace(NARROW, speed), 0
    for pause_ns, takes_ns in wished:
        now_ns += int(pause_ns / speed)
        if pace.wait_ns("enter", now_ns) == 0:
            pace.take(now_ns)
            now_ns += takes_ns
            pace.ended(now_ns, throttled=False)

        assert pace.wait_ns("exit", now_ns) == pace.wait_ns("cancel", now_ns) == 0


@given(st.lists(st.integers(0, SECOND_NS // 20), min_size=30, max_size=60))
def test_after_the_wait_it_is_its_turn_and_not_a_moment_before(gaps: list[int]) -> None:
    pace, now_ns = Pace(Limits()), 0
    for gap_ns in gaps:
        now_ns += gap_ns
        wait_ns = pace.wait_ns("exit", now_ns)
        if wait_ns:
            assert pace.wait_ns("exit", now_ns + wait_ns - 1) == 1
            now_ns += wait_ns
        assert pace.wait_ns("exit", now_ns) == 0
        pace.take(now_ns)
        pace.ended(now_ns, throttled=False)


@given(st.integers(1, 12), st.sampled_from(SPEEDS))
def test_a_broker_that_had_too_much_is_left_alone_twice_as_long_each_time(times: int, speed: float) -> None:
    pace, now_ns, waits = Pace(Limits(), speed), 0, []
    for _ in range(times):
        pace.take(now_ns)
        pace.ended(now_ns, throttled=True)
        waits.append(pace.wait_ns("exit", now_ns))
        now_ns += waits[-1]
    pace.take(now_ns)
    pace.ended(now_ns, throttled=False)

    second_ns = waits[0]
    assert second_ns * speed >= SECOND_NS
    assert waits == [second_ns * min(2**number, 60) for number in range(times)]
    pace.take(now_ns)
    pace.ended(now_ns, throttled=True)
    assert pace.wait_ns("exit", now_ns) == second_ns, "one that was taken ends it"


@given(st.lists(st.tuples(pauses, st.integers(0, SECOND_NS // 3), st.floats(0, 1)), max_size=80))
def test_no_second_at_the_broker_holds_too_many_reads(wished: list[tuple[int, int, float]]) -> None:
    pace, now_ns, there = Pace(Limits()), 0, []
    for pause_ns, takes_ns, part in wished:
        now_ns += pause_ns + pace.read_wait_ns(now_ns + pause_ns)
        assert pace.read_wait_ns(now_ns) == 0
        there.append(now_ns + part * takes_ns)
        now_ns += takes_ns
        pace.read_ended(now_ns)

    assert most_in_one(there, SECOND_NS) <= 8


@pytest.mark.parametrize("wrong", [{"entries_second_max": 10}, {"entries_day_max": 0}, {"reads_second_max": 0}])
def test_limits_must_leave_room_for_exits(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"room for exits|above 0"):
        Limits(**wrong)
