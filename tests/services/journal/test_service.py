"""The journal: every event is a row, whatever its topic, and a restart writes the same files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.journal import DATE, NOON_NS, batch, fill, journal
from kitev3._core import Event
from kitev3.contracts import CONTRACTS, Start, Stop, Timer
from kitev3.journal import query

PAYLOADS = [c for c in CONTRACTS if c.delivery in ("pub", "work")]


def events() -> Iterator[Event]:
    for n in range(1, 13):
        yield fill(n)
        yield batch(n % 4, n)
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


@pytest.mark.parametrize("killed_at", [3, 17, 27])
def test_another_build_that_hears_the_day_again_in_other_files_loses_no_row_and_doubles_none(
    tmp_path: Path, killed_at: int
) -> None:
    whole = list(events())
    first = journal(tmp_path)
    for event in whole[:killed_at]:
        first(event)

    again = journal(tmp_path, rows_max=4)
    for event in whole:
        again(event)

    assert query.sql(tmp_path, "select count(*), count(distinct trade_id) from execution.fill")[1] == [(13, 13)]
    assert query.sql(tmp_path, "select count(*) from marketdata.tick")[1] == [(18,)]
