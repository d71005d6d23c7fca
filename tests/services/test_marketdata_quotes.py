"""An answer of GET /quote, row by row: a bad row costs itself and is named."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.broker.row import BadRow
from kitev3.contracts import Quote
from kitev3.instruments import Row
from kitev3.services.marketdata import quotes

ROWS = {
    row.key: row
    for row in (
        Row(408065, "NSE", "INFY", "INFOSYS", "EQ", "NSE", "", 0, 500, 1),
        Row(2953217, "NSE", "TCS", "TATA CONSULTANCY", "EQ", "NSE", "", 0, 500, 1),
    )
}
GOOD: dict[str, Any] = {
    "last_price": 1500.05, "volume": 7, "oi": 0, "ohlc": {"open": 1, "high": 2, "low": 0.5, "close": 1499.95},
    "depth": {"buy": [{"price": 1500.0, "quantity": 1, "orders": 1}], "sell": []},
    "lower_circuit_limit": 1350, "upper_circuit_limit": 1650,
}  # fmt: skip
FLOATS = st.floats(allow_nan=False, allow_infinity=False)  # JSON has no others
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), FLOATS, st.text(max_size=9), st.just([]), st.just({}), st.just([None])
)


def paths(fields: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a value could be another."""
    keys = fields if isinstance(fields, dict) else range(len(fields)) if isinstance(fields, list) else ()
    return [path for key in keys for path in ((*before, key), *paths(fields[key], (*before, key)))]


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    fields = copy.deepcopy(GOOD)
    at: Any = fields
    for key in path[:-1]:
        at = at[key]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return fields


@given(st.sampled_from([("instrument_token",), *paths(GOOD)]), st.one_of(st.just(...), ODD))
def test_whatever_stands_in_one_row_the_other_is_read(path: tuple[Any, ...], value: Any) -> None:
    odd = GOOD | {"instrument_token": value} if path == ("instrument_token",) else changed(path, value)
    odd = {name: one for name, one in odd.items() if one is not ...}

    good, bad = quotes.read(json.dumps({"NSE:INFY": odd, "NSE:TCS": GOOD}).encode(), ROWS)

    assert [row.tradingsymbol for row in good][-1] == "TCS"
    assert len(good) + len(bad) == 2
    assert all(one.startswith("NSE:INFY: ") for one in bad)


@given(st.sampled_from(paths(GOOD)), st.sampled_from([..., None]))
def test_null_and_absent_are_nothing(path: tuple[Any, ...], value: Any) -> None:
    if path[-1] == 0:
        return  # a level that is null is no level
    good, bad = quotes.read(json.dumps({"NSE:INFY": changed(path, value)}).encode(), ROWS)

    assert (len(good), bad) == (1, ())


def test_a_row_is_read_whatever_form_its_numbers_have() -> None:
    text = json.loads(json.dumps(GOOD), parse_int=str, parse_float=str)

    good, _ = quotes.read(json.dumps({"NSE:INFY": GOOD}).encode(), ROWS)
    same, _ = quotes.read(json.dumps({"NSE:INFY": text}).encode(), ROWS)

    assert good == same == (
        Quote(408065, "NSE", "INFY", 15_000_500, 10_000, 20_000, 5_000, 14_999_500, 7, 0, 15_000_000, 0,
              13_500_000, 16_500_000),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (None, "None is no row"),
        (GOOD | {"volume": "7,000"}, "volume: '7,000' is no number"),
        (GOOD | {"last_price": -1}, "no price and no volume is below 0"),
        (GOOD | {"instrument_token": 5}, "instrument_token 5 is not 408065"),
    ],
)
def test_a_bad_row_says_why(row: Any, why: str) -> None:
    good, [bad] = quotes.read(json.dumps({"NSE:INFY": row}).encode(), ROWS)

    assert (good, why in bad) == ((), True)


def test_what_nobody_asked_for_is_left_out() -> None:
    assert quotes.read(json.dumps({"X:Y": GOOD}).encode(), ROWS) == ((), ("X:Y: nobody asked for it",))


@pytest.mark.parametrize("body", [b"null", b"[]", b"", b"{", b"\xff"])
def test_an_answer_that_is_no_map_is_refused(body: bytes) -> None:
    with pytest.raises(BadRow):
        quotes.read(body, ROWS)
