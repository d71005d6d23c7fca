"""Whatever the broker's JSON says, a field is read or its row is bad; nothing else comes out."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.broker import row
from kitev3.broker.row import BadRow

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.integers().map(str)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["a", "b"]), VALUES))
def test_a_field_is_read_or_its_row_is_bad(fields: dict[str, Any]) -> None:
    readers: list[Any] = [row.whole, row.e4, row.text, lambda f, n: row.whole(f, n, 0), row.part, row.parts]
    for read in readers:
        try:
            read(fields, "a")
        except BadRow as error:
            assert "a" in str(error)


@given(st.integers(-(2**53), 2**53))
def test_a_whole_number_is_the_same_as_int_and_text(number: int) -> None:
    assert {row.whole({"n": form}, "n") for form in (number, str(number), f" {number} ".strip())} == {number}


@given(st.integers(-(10**14), 10**14))
def test_rupees_are_the_same_as_float_and_text(paise: int) -> None:
    text = f"{'-' if paise < 0 else ''}{abs(paise) // 100}.{abs(paise) % 100:02d}"

    assert row.e4({"n": text}, "n") == paise * 100
    if abs(paise) < 10**13:  # a double carries 15 digits
        assert row.e4({"n": float(text)}, "n") == paise * 100


@pytest.mark.parametrize("fields", [{}, {"n": None}])
def test_null_and_absent_are_the_same(fields: dict[str, Any]) -> None:
    assert (row.whole(fields, "n", 7), row.e4(fields, "n", 0), row.text(fields, "n", "")) == (7, 0, "")
    for read in (row.whole, row.e4, row.text):
        with pytest.raises(BadRow, match="n is missing"):
            read(fields, "n")


@pytest.mark.parametrize("value", ["1e999999999", "-1e400", 1e300, "NaN", "Infinity", "", "1,500", True, [], {}])
def test_what_no_number_can_be_is_a_bad_row_at_once(value: Any) -> None:
    for read in (row.whole, row.e4):
        with pytest.raises(BadRow, match="n: "):
            read({"n": value}, "n")


def test_a_fraction_is_no_quantity() -> None:
    assert row.whole({"n": 7.0}, "n") == 7
    with pytest.raises(BadRow, match="whole"):
        row.whole({"n": 7.5}, "n")


@given(st.binary(max_size=60))
def test_any_bytes_are_rows_or_bad(body: bytes) -> None:
    for read in (row.members, row.elements, row.row):
        with suppress(BadRow):
            read(body)


def test_one_bad_member_costs_itself() -> None:
    good = json.dumps({"a": 1}).encode()
    body = b'{"x":' + good + b',"huge":{"a":1e999},"null":null,"cut":{"a":"\xe0\xa4"},"y":' + good + b"}"

    read, bad = {}, []
    for name, raw in row.members(body).items():
        try:
            read[name] = row.row(raw)
        except BadRow:
            bad.append(name)

    assert (list(read), bad) == (["x", "y"], ["huge", "null", "cut"])


LINES = st.text(st.characters(codec="utf-8"), max_size=20)
BODIES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), LINES
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(LINES, inner, max_size=3)),
)


@given(BODIES, st.booleans())
def test_what_is_json_is_left_as_it_is(body: Any, ascii_only: bool) -> None:
    text = json.dumps(body, ensure_ascii=ascii_only).encode()

    assert row.mended(text) == text


@pytest.mark.parametrize(
    "odd",
    [
        b"NaN", b"-Infinity", b"007", b"1.", b".5", b"+1", b"-", b"1e", b"0x10", b"True", b"undefined", b"'a'",
        b"1_000", rb'"\ud83d"', rb'"\ude00"', rb'"\ud83d\u0041"', rb'"\u12"', rb'"\x41"', b'"a\nb"', b'"\x00"',
        b'"\xff"', rb'"\ud83d x"',
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", [b'{"m": %s}', b"[1, %s]", b'{"a": {"b": [%s]}}', b"{%s: 1}"])
def test_what_is_no_text_and_no_number_costs_its_row_alone(odd: bytes, form: bytes) -> None:
    if b"{%" in form and not odd.startswith(b'"'):
        return  # no object at all
    good = rb'{"m": "\ud83d\ude00 \" \\ x", "n": -1.5e3}'
    cut = row.elements(row.mended(b"[%s, %s, %s]" % (good, form % odd, good)))

    assert [bytes(one) for one in cut[::2]] == [good, good]
    with suppress(BadRow):  # what stands in its place is no number and no text
        fields = row.row(cut[1])
        for read in (row.whole, row.e4, row.text):
            with pytest.raises(BadRow):
                read(fields, "m")


@pytest.mark.parametrize("name", [b'"\xff"', rb'"\ud83d"', b'"a\nb"', rb'"\x41"'])
def test_a_name_that_cannot_be_read_costs_its_member_alone(name: bytes) -> None:
    cut = row.members(b'{"a": {"n": 1}, %s : {"n": 2}, "b": {"n": 3}}' % name)

    assert {key: bytes(value) for key, value in cut.items() if key != "?"} == {"a": b'{"n": 1}', "b": b'{"n": 3}'}


@pytest.mark.parametrize("odd", [b"", b" ", b"[" * 3_000 + b"1" + b"]" * 3_000, b'{"x":' * 3_000 + b"1" + b"}" * 3_000])
def test_what_is_missing_or_lies_too_deep_costs_its_row_alone(odd: bytes) -> None:
    cut = row.members(b'{"a": {"n": 1}, "odd": %s, "b": {"n": 3}, "end":%s}' % (odd, odd))

    assert (bytes(cut["a"]), bytes(cut["b"])) == (b'{"n": 1}', b'{"n": 3}')
    for key in ("odd", "end"):
        with suppress(BadRow), pytest.raises(BadRow):
            row.whole(row.row(cut[key]), "n")


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_they_are_mended_once(body: bytes) -> None:
    once = row.mended(body)

    assert row.mended(once) == once
