"""JSON that a client has sent is read, or is a ValueError: whatever it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.services.kitesim.client_json import read_json

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values)
def test_json_is_its_value(value: object) -> None:
    assert read_json(json.dumps(value)) == value
    assert read_json(json.dumps(value).encode()) == value


@given(st.binary() | st.text())
def test_anything_else_is_a_value_error(content: bytes | str) -> None:
    try:
        json.loads(content)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            read_json(content)


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a":' * 100_000, "1" * 100_000, b"\xff", '"\ud800"'])
def test_what_is_too_deep_too_large_or_no_text_is_one_too(content: bytes | str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(content, int)


def test_a_value_of_another_type_is_refused() -> None:
    assert read_json("[1, 2]", list[int]) == [1, 2]
    with pytest.raises(ValueError, match="int"):
        read_json('["a"]', list[int])
