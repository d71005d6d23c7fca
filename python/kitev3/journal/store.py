"""Parquet files: ``<folder>/<topic>/date=<date>/<nnn>.parquet``, each written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


class ParquetStore:
    """Keeps tables by number; the same number twice is the same file, so a journal that starts again repeats none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        pa.set_cpu_count(1)  # each thread would have buffers of its own, and the cores are others'

    def path(self, topic: str, date: str, number: int) -> Path:
        """Where a table stands."""
        return self.folder / topic / f"date={date}" / f"{number:03d}.parquet"

    def write(self, topic: str, date: str, number: int, table: pa.Table) -> None:
        """Writes the table unless it is there already.

        Raises OSError when the disk refuses: nothing half written is left under the file's name.
        """
        path = self.path(topic, date, number)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        try:
            pq.write_table(table, partial, compression="zstd")
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
            pa.default_memory_pool().release_unused()
