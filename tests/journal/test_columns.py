"""Events as columns: every payload becomes a row, and nothing of it is lost."""

from __future__ import annotations

from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pyarrow as pa
import pytest
from doubles.journal import batch, fill
from hypothesis import given, settings
from hypothesis import strategies as st
from kitev3._core import Bar, BarBatch, Event
from kitev3.contracts import CONTRACTS, Verdict
from kitev3.journal import columns
from kitev3.journal.columns import BAR_COLUMNS, BATCHES, Rows, column, plain

PAYLOADS = [c for c in CONTRACTS if c.delivery in ("pub", "work")]


def bars(number: int) -> Event:
    closed = [Bar(408065 + n, "5s", n, n + 5, 1, 2, 3, 4, n, 5, 6, n % 2 == 0, n % 3 == 0) for n in range(number)]
    return Event("marketdata.ohlc", BarBatch.of(closed)[0], source="marketdata", seq=number)


def test_a_bar_is_a_row_with_all_its_fields() -> None:
    rows = Rows("marketdata.ohlc")
    events = [bars(3), bars(1)]
    for event in events:
        rows.add(event)

    table = rows.table()

    assert rows.count == table.num_rows == 4
    assert table["seq"].to_pylist() == [3, 3, 3, 1]
    for name in BAR_COLUMNS:
        assert table[name].to_pylist() == [getattr(bar, name) for event in events for bar in event.payload]


@pytest.mark.parametrize("contract", PAYLOADS, ids=lambda c: c.topic)
@settings(max_examples=20)
@given(data=st.data())
def test_every_payload_becomes_a_row_and_nothing_of_it_is_lost(contract: Any, data: st.DataObject) -> None:
    if contract.payload in BATCHES:
        return
    payloads = data.draw(st.lists(drawn(contract.payload), max_size=3))
    rows = Rows(contract.topic)
    for seq, payload in enumerate(payloads):
        rows.add(Event(contract.topic, payload, source="somebody", seq=seq, epoch=77))

    table = rows.table()

    assert table.schema.names[:3] == ["event_id", "ts", "ts_ns"]
    assert table["epoch"].to_pylist() == [77] * len(payloads)
    for name in contract.payload.__struct_fields__:
        expected = [plain(getattr(payload, name)) for payload in payloads]
        assert table[column(name)].to_pylist() == expected


def drawn(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a payload's field type, as they occur: whole numbers of 64 bits and no NaN."""
    origin, args = get_origin(kind), get_args(kind)
    simple = {
        int: st.integers(-(2**63), 2**63 - 1), str: st.text(max_size=8), bool: st.booleans(), bytes: st.binary(),
        float: st.floats(allow_nan=False),
    }  # fmt: skip
    if kind in simple:
        return simple[kind]
    if origin is Literal:
        return st.sampled_from(args)
    if origin is UnionType:
        return st.one_of(*(drawn(one) for one in args))
    if kind is type(None):
        return st.none()
    if origin is tuple:
        return st.lists(drawn(args[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(drawn(args[0]), drawn(args[1]), max_size=2)
    hints = get_type_hints(kind)
    return st.builds(kind, **{name: drawn(hints[name]) for name in kind.__struct_fields__})


@pytest.mark.parametrize("fold_rows", [1, 2, 3, 7])
def test_rows_are_the_same_however_often_they_become_columns(fold_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def tables() -> list[pa.Table]:
        fills, batches = Rows("execution.fill"), Rows("marketdata.tick")
        for number in range(1, 9):
            fills.add(fill(number))
            batches.add(batch(number % 4, number))
        return [fills.table(), batches.table()]

    at_the_end = tables()
    monkeypatch.setattr(columns, "FOLD_ROWS", fold_rows)

    assert [table.to_pylist() for table in tables()] == [table.to_pylist() for table in at_the_end]


def test_nested_fields_are_structs() -> None:
    table = Rows("risk.blocked").table()

    assert str(table.schema.field("verdict").type).startswith("struct<evaluated: int64")
    assert [f.name for f in table.schema.field("verdict").type] == list(Verdict.__struct_fields__)
