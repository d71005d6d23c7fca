"""The latency histogram: its percentiles are within one bucket of the exact ones."""

import math

from hypothesis import given
from hypothesis import strategies as st
from kitev3.system.latency import Latency

durations = st.lists(st.integers(-5, 10**12) | st.integers(0, 300), min_size=1, max_size=200)


@given(durations, st.sampled_from([1, 500, 990, 999, 1000]))
def test_a_percentile_is_the_exact_one_rounded_up_by_less_than_a_128th(durations: list[int], per_mille: int) -> None:
    latency = Latency()
    for duration_ns in durations:
        latency.add(duration_ns)
    exact_ns = sorted(max(d, 0) for d in durations)[math.ceil(len(durations) * per_mille / 1000) - 1]

    said_ns = latency.percentile_ns(per_mille)

    assert exact_ns <= said_ns <= exact_ns + exact_ns // 128
    assert latency.n == len(durations)


@given(durations)
def test_it_goes_on_from_its_counts(durations: list[int]) -> None:
    latency = Latency()
    for duration_ns in durations:
        latency.add(duration_ns)

    assert Latency(latency.counts).summary_us() == latency.summary_us()


def test_without_any_there_is_nothing_to_say() -> None:
    assert Latency().summary_us() == {"p50": 0, "p99": 0, "p999": 0, "n": 0}
