"""The journal: every event is a row, whatever its topic, and a restart writes the same files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kitev3._core import Bar, BarBatch, Event, Tick, TickBatch
from kitev3.contracts import CONTRACTS, Fill, Start, Stop, Timer, Verdict
from kitev3.journal import columns, query
from kitev3.journal.columns import BAR_COLUMNS, BATCHES, Rows, column, plain
from kitev3.journal.store import ParquetStore
from kitev3.services.journal.service import JournalHandler

DATE = "2026-11-19"
PAYLOADS = [c for c in CONTRACTS if c.delivery in ("pub", "work")]
NOON_NS = 1_795_000_000 * 10**9


def fill(number: int) -> Event:
    trade = ("K1", f"o{number}", f"t{number}", "NSE", "INFY", 408065, "BUY", "MIS", 10, 15_000_500, number, "cross")
    return Event("execution.fill", Fill(*trade), source="execution", seq=number, topic_seq=number, ts=NOON_NS)


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


def batch(number: int) -> Event:
    some = [Tick(408065, 15_000_000 + n, exchange_ns=10**9, kind="full" if n % 2 else "ltp") for n in range(number)]
    return Event("marketdata.tick", TickBatch.from_ticks(some), source="marketdata", seq=number)


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
    if origin is tuple:
        return st.lists(drawn(args[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(drawn(args[0]), drawn(args[1]), max_size=2)
    hints = get_type_hints(kind)
    return st.builds(kind, **{name: drawn(hints[name]) for name in kind.__struct_fields__})


def journal(folder: Path, rows_max: int = 5) -> JournalHandler:
    return JournalHandler(ParquetStore(folder), DATE, rows_max)


def events() -> Iterator[Event]:
    for n in range(1, 13):
        yield fill(n)
        yield batch(n % 4)
        if n == 8:
            yield Event("world.timer", Timer("flush"), source="world")
        if n == 10:
            yield Event("world.timer", Timer("look"), source="world")  # before the stop it writes nothing
    yield Event("control.stop", Stop(), source="control")
    yield fill(13)
    yield Event("world.timer", Timer("look"), source="world")


def test_every_event_is_a_row_and_a_batch_as_many_as_it_has_ticks(tmp_path: Path) -> None:
    handler = journal(tmp_path)
    for event in events():
        assert list(handler(event)) == []

    assert query.sql(tmp_path, "select distinct ts::varchar, ts_ns from execution.fill")[1] == [
        ("2026-11-18 16:36:40", NOON_NS)
    ]
    names, rows = query.sql(tmp_path, "select trade_id, price_e4, strategy from execution.fill order by seq")
    assert names == ["trade_id", "price_e4", "strategy"]
    assert rows == [(f"t{n}", 15_000_500, "cross") for n in range(1, 14)]
    assert query.sql(tmp_path, "select count(*), max(last_price_e4) from marketdata.tick")[1] == [(18, 15_000_002)]
    assert query.sql(tmp_path, "select count(*) from control.stop")[1] == [(1,)]
    assert handler.status()["waiting"] == 0


def test_after_a_start_the_rows_wait_for_their_file_again(tmp_path: Path) -> None:
    handler = journal(tmp_path)
    for event in events():
        handler(event)
    files = handler.status()["files"]
    handler(Event("control.start", Start(DATE), source="control"))
    handler(fill(14))
    handler(Event("world.timer", Timer("look"), source="world"))

    assert not handler.drained
    assert handler.status()["files"] == files
    assert handler.status()["waiting"] == 2  # the start and the fill


def test_a_restart_makes_the_same_files_and_repeats_no_row(tmp_path: Path) -> None:
    whole = list(events())
    first = journal(tmp_path)
    for event in whole[:17]:
        first(event)  # then killed: what waited in memory is gone, the tape has it
    before = {p: p.read_bytes() for p in tmp_path.rglob("*.parquet")}

    again = journal(tmp_path)
    for event in whole:
        again(event)

    assert before.items() <= {p: p.read_bytes() for p in tmp_path.rglob("*.parquet")}.items()
    assert query.sql(tmp_path, "select count(*), count(distinct trade_id) from execution.fill")[1] == [(13, 13)]


@pytest.mark.parametrize("fold_rows", [1, 2, 3, 7])
def test_rows_are_the_same_however_often_they_become_columns(fold_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def tables() -> list[pa.Table]:
        fills, batches = Rows("execution.fill"), Rows("marketdata.tick")
        for number in range(1, 9):
            fills.add(fill(number))
            batches.add(batch(number % 4))
        return [fills.table(), batches.table()]

    at_the_end = tables()
    monkeypatch.setattr(columns, "FOLD_ROWS", fold_rows)

    assert [table.to_pylist() for table in tables()] == [table.to_pylist() for table in at_the_end]


def test_nested_fields_are_structs() -> None:
    table = Rows("risk.blocked").table()

    assert str(table.schema.field("verdict").type).startswith("struct<evaluated: int64")
    assert [f.name for f in table.schema.field("verdict").type] == list(Verdict.__struct_fields__)


def test_a_file_is_whole_or_absent(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.write("execution.fill", DATE, 1, Rows("execution.fill").table())

    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["001.parquet"]
    assert pq.read_table(store.path("execution.fill", DATE, 1), partitioning=None).num_rows == 0


def test_a_wrong_question_is_answered_with_the_views_there_are(tmp_path: Path) -> None:
    with pytest.raises(query.JournalError, match="run `kitev3 up` first"):
        query.sql(tmp_path, "select 1")
    ParquetStore(tmp_path).write("execution.fill", DATE, 1, Rows("execution.fill").table())

    with pytest.raises(query.JournalError, match=r"views: .*execution\.fill, "):
        query.sql(tmp_path, "select * from execution.fil")


def test_files_and_folders_are_ours_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ParquetStore(tmp_path / "journal").write("execution.fill", DATE, 1, Rows("execution.fill").table())
    finally:
        os.umask(before)

    modes = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    folders = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})
