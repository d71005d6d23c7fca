"""Files that are whole or absent, and ours alone."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow.parquet as pq
from doubles.journal import DATE
from kitev3.contracts import CONTRACTS
from kitev3.journal.columns import Rows
from kitev3.journal.store import ParquetStore

PAYLOADS = [c for c in CONTRACTS if c.delivery in ("pub", "work")]


def test_a_file_is_whole_or_absent(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.write("execution.fill", DATE, 1, Rows("execution.fill").table())

    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["001.parquet"]
    assert pq.read_table(store.path("execution.fill", DATE, 1), partitioning=None).num_rows == 0


def test_files_and_folders_are_ours_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ParquetStore(tmp_path / "journal").write("execution.fill", DATE, 1, Rows("execution.fill").table())
    finally:
        os.umask(before)

    modes = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    folders = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})
