"""Rust's payloads are the contracts' structs: the same fields at the same places, and every value comes through."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from kitev3._core import payload_fields, payload_reread
from kitev3.contracts import BY_TOPIC

ENCODE = msgspec.msgpack.Encoder().encode
FIELDS = dict(payload_fields())
TOPICS = sorted(FIELDS)
OTHERS: tuple[Any, ...] = (None, True, 1.5, "word", b"bytes", [[]], {"a": None}, 2**64 - 1)


@pytest.mark.parametrize("topic", TOPICS)
def test_fields_have_the_contracts_names_in_the_contracts_order(topic: str) -> None:
    assert FIELDS[topic] == list(BY_TOPIC[topic].payload.__struct_fields__)


@pytest.mark.parametrize("topic", TOPICS)
@settings(max_examples=40)
@given(data=st.data())
def test_any_payload_comes_back_byte_for_byte(topic: str, data: st.DataObject) -> None:
    payload = ENCODE(data.draw(strategies.payloads(BY_TOPIC[topic].payload)))

    assert payload_reread(topic, payload) == payload


@pytest.mark.parametrize("topic", TOPICS)
@settings(max_examples=20)
@given(data=st.data())
def test_a_payload_with_a_field_too_few_or_too_many_is_named(topic: str, data: st.DataObject) -> None:
    values = list(msgspec.structs.astuple(data.draw(strategies.payloads(BY_TOPIC[topic].payload))))

    for wrong in (values[:-1], [*values, 1]):
        with pytest.raises(ValueError, match=rf"{topic}: it has {len(wrong)} fields, this build reads {len(values)}"):
            payload_reread(topic, ENCODE(wrong))


@pytest.mark.parametrize("topic", TOPICS)
@settings(max_examples=40)
@given(data=st.data())
def test_a_value_that_the_contracts_refuse_is_refused_and_its_field_named(topic: str, data: st.DataObject) -> None:
    kind = BY_TOPIC[topic].payload
    values = list(msgspec.structs.astuple(data.draw(strategies.payloads(kind))))
    at = data.draw(st.integers(0, len(values) - 1))
    values[at] = data.draw(st.sampled_from(OTHERS))
    payload = ENCODE(values)
    try:
        msgspec.msgpack.decode(payload, type=kind)
        expected = "" if values[at] != 2**64 - 1 else FIELDS[topic][at]  # beyond the 64 bits of money and time
    except msgspec.ValidationError:
        expected = FIELDS[topic][at]

    try:
        payload_reread(topic, payload)
        named = ""
    except ValueError as error:
        named = str(error)

    assert bool(named) == bool(expected)
    assert named.startswith(f"{topic}: {expected}" if expected else "")


def test_text_that_is_no_utf8_and_more_bytes_than_the_payload_are_refused() -> None:
    with pytest.raises(ValueError, match=r"world\.timer: name: such a text is no text in UTF-8"):
        payload_reread("world.timer", b"\x91\xa2\xc3\x28")
    with pytest.raises(ValueError, match=r"world\.timer: 1 bytes follow its end"):
        payload_reread("world.timer", b"\x91\xa1a\xc0")
