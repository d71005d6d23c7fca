"""Events for a journal, and one that writes to a folder."""

from __future__ import annotations

from pathlib import Path

from kitev3._core import Event, Tick, TickBatch
from kitev3.contracts import Fill
from kitev3.journal.store import ParquetStore
from kitev3.services.journal.service import JournalHandler

DATE = "2026-11-19"
NOON_NS = 1_795_000_000 * 10**9


def fill(number: int) -> Event:
    trade = ("K1", f"o{number}", f"t{number}", "NSE", "INFY", 408065, "BUY", "MIS", 10, 15_000_500, number, "cross")
    return Event("execution.fill", Fill(*trade), source="execution", seq=number, topic_seq=number, ts=NOON_NS)


def batch(number: int, seq: int) -> Event:
    """So many ticks."""
    some = [Tick(408065, 15_000_000 + n, exchange_ns=10**9, kind="full" if n % 2 else "ltp") for n in range(number)]
    return Event("marketdata.tick", TickBatch.from_ticks(some), source="marketdata", seq=seq)


def journal(folder: Path, rows_max: int = 5) -> JournalHandler:
    return JournalHandler(ParquetStore(folder), DATE, rows_max)
