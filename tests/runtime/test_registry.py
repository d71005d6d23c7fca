"""The services of the house, and the orders in which they begin and end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.contracts import BY_TOPIC
from kitev3.errors import ConfigError
from kitev3.runtime.registry import markets, spec, start_order, stop_order
from kitev3.system.profile import known_services

names = st.permutations(known_services()).flatmap(lambda all: st.integers(0, len(all)).map(lambda n: all[:n]))


@given(names)
def test_who_hears_begins_before_who_speaks_and_ends_after(some: list[str]) -> None:
    order = start_order(some)

    assert sorted(order) == sorted(some)
    assert stop_order(some) == order[::-1]
    ranks = [spec(name).rank for name in order]
    assert ranks == sorted(ranks, reverse=True)
    assert [name for name in order if name in markets(some)] == order[len(order) - len(markets(some)) :]


def test_a_service_is_of_its_name_and_hears_what_there_is() -> None:
    for name in known_services():
        declared = spec(name)

        assert declared.name == name
        assert {*declared.hears, *declared.says} <= BY_TOPIC.keys()


def test_a_service_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no service 'stratgy', did you mean 'strategy'"):
        spec("stratgy")
