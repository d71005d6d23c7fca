"""A decision is whole and of its types, or the line that made it says what is wrong with it."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from math import inf, nan
from typing import Any, get_type_hints

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.contracts import Signal
from kitev3.errors import KiteError
from kitev3.strategy import Decision, WrongDecision
from kitev3.strategy.decision import DECISIONS_MAX, PRICE_E4_MAX, WORDS, decisions
from msgspec.structs import force_setattr

GOOD: dict[str, Any] = {"action": "BUY", "intent": "enter", "quantity": 1, "reason": "why"}
FIELDS = Decision.__struct_fields__
HINTS = {field: hint for field, hint in get_type_hints(Signal).items() if field in FIELDS}


class Side(StrEnum):
    """As users like to write them."""

    BUY = "BUY"


class Hostile:
    """Whatever a value can do."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr either")


odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.decimals(), st.complex_numbers(),
    st.lists(st.integers(), max_size=3), st.dictionaries(st.text(), st.integers(), max_size=2),
    st.integers(-2**63, 2**63 - 1).map(np.int64), st.integers(0, 255).map(np.uint8), st.floats().map(np.float64),
    st.floats(width=32).map(np.float32), st.booleans().map(np.bool_), st.text(max_size=5).map(np.str_),
    st.builds(Hostile), st.builds(object), st.just(Side.BUY), st.just(np.array([1, 2])),
    st.sampled_from([10**18, -(10**18), 2**63, 2**64, 10**400, "\ud800", "é" * 2_000, "\0"]),
    st.sampled_from([word for words in WORDS.values() for word in words]).flatmap(
        lambda word: st.sampled_from([word, word.lower(), word.title(), f"{word} ", word[:-1], np.str_(word)])
    ),
)  # fmt: skip


@given(st.sampled_from(FIELDS), odd)
def test_any_value_in_any_field_is_refused_by_name_or_exactly_of_the_signals_type(field: str, value: Any) -> None:
    try:
        decision = Decision(**{**GOOD, field: value})
    except WrongDecision as error:
        assert error.field == field
        assert f"Decision.{field} is " in str(error)
        assert "write " in str(error)
        return

    taken = getattr(decision, field)
    assert type(taken) in (str, int, float)
    msgspec.msgpack.decode(msgspec.msgpack.encode(decision), type=Decision)
    if field in HINTS:
        assert msgspec.convert(taken, HINTS[field]) == taken


@pytest.mark.parametrize(
    ("field", "got", "instead"),
    [
        ("intent", "entry", "'enter' (one of enter, exit, modify, cancel)"),
        ("intent", "Exit", "'exit'"),
        ("action", "buy", "'BUY'"),
        ("action", "long", "one of BUY, SELL, HOLD"),
        ("order_type", "limit", "'LIMIT'"),
        ("order_type", "SLM", "'SL-M'"),
        ("product", "mis", "'MIS'"),
        ("validity", "day", "'DAY'"),
        ("action", None, "one of BUY"),
    ],
)
def test_a_wrong_word_is_told_the_nearest_right_one(field: str, got: Any, instead: str) -> None:
    with pytest.raises(WrongDecision, match=f"Decision.{field} is ") as caught:
        Decision(**{**GOOD, field: got})

    assert f"write {instead}" in str(caught.value)


@pytest.mark.parametrize("got", [1500.5, 15e6, nan, inf, -1, PRICE_E4_MAX + 1, True, "15000000", None, Decimal(1)])
def test_a_price_that_is_no_whole_number_in_range_is_told_how_to_make_one(got: Any) -> None:
    with pytest.raises(WrongDecision, match=r"price_e4 is .* of 1/10,000 rupee: int\(rupees \* 10_000\)"):
        Decision(**GOOD, price_e4=got)


def test_numpys_integers_are_integers_and_its_floats_are_floats() -> None:
    decision = Decision(
        **{**GOOD, "quantity": np.int64(3)}, price_e4=np.uint32(7), confidence=np.float32(0.5), ttl_s=np.int16(2)
    )

    assert (decision.quantity, decision.price_e4, decision.confidence, decision.ttl_s) == (3, 7, 0.5, 2.0)
    assert [type(x) for x in (decision.quantity, decision.price_e4, decision.confidence)] == [int, int, float]


def test_what_was_put_into_a_decision_afterwards_is_checked_where_it_is_taken() -> None:
    decision = Decision(**GOOD)
    force_setattr(decision, "quantity", "ten")

    with pytest.raises(WrongDecision, match="quantity is 'ten'"):
        list(decisions(decision, "on_bar"))


def test_a_callback_may_answer_nothing_one_decision_or_many() -> None:
    one = Decision(**GOOD)

    assert list(decisions(None, "on_bar")) == []
    assert list(decisions(one, "on_bar")) == [one]
    assert list(decisions([one, None, one], "on_bar")) == [one, one]
    assert list(decisions((d for d in (one, one)), "on_bar")) == [one, one]


@pytest.mark.parametrize("answer", ["BUY", 1, {"action": "BUY"}, [1], ("BUY",), object(), b"x"])
def test_what_is_no_decision_is_named_with_the_callback_that_gave_it(answer: Any) -> None:
    with pytest.raises(KiteError, match=r"on_tick gave .*: return a Decision, several of them, or nothing"):
        list(decisions(answer, "on_tick"))


def test_a_callback_that_never_ends_wanting_is_ended() -> None:
    def endless() -> Any:
        while True:
            yield Decision(**GOOD)

    taken = decisions(endless(), "on_bar")

    with pytest.raises(KiteError, match="more than 1,000"):
        assert len([one for one, _ in zip(taken, range(DECISIONS_MAX + 1), strict=False)]) <= DECISIONS_MAX
