"""``[risk]`` of a profile: every limit reaches the gate under its name, and none above its ceiling."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3._core import risk_limits
from kitev3.errors import ConfigError
from kitev3.risk import Risk, limits

NAMES = [name for name, *_ in risk_limits()]
LOCAL, BROKER = "kitesim-KS0001", "zerodha-AB1234"


def test_each_limit_of_the_core_is_a_setting() -> None:
    settings = {field.name for field in dataclasses.fields(Risk)}

    assert settings == {*NAMES, "halted", "reducing", "outside_closing_auction"}


@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from([None, 0, 1]), max_size=len(NAMES)))
def test_what_is_set_is_told_and_what_is_not_is_missing(given_: dict[str, Any]) -> None:
    risk = Risk(**given_)

    told = limits(risk, LOCAL)

    assert told.limits == {name: value for name in NAMES if (value := getattr(risk, name)) is not None}


def test_a_brokers_account_has_other_ceilings_than_the_local_exchange() -> None:
    bold = Risk(entries_day_max=40_000)

    assert limits(bold, LOCAL).limits["entries_day_max"] == 40_000
    with pytest.raises(ConfigError, match="entries_day_max"):
        limits(bold, BROKER)


@pytest.mark.parametrize("value", [-1, 2**63])
@pytest.mark.parametrize("name", ["capital_e4", "order_quantity_max"])
def test_a_limit_out_of_range_is_refused(name: str, value: int) -> None:
    with pytest.raises(ConfigError, match=r"\[risk\]: "):
        limits(Risk(**{name: value}), LOCAL)
