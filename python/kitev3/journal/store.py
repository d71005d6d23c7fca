"""Parquet files: ``<folder>/<topic>/date=<date>/<nnn>.parquet``, each written whole or not at all, and ours alone."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kitev3.system.private import private_folder


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
        for folder in (self.folder, path.parent.parent, path.parent):
            private_folder(folder)
        partial = path.with_suffix(".partial")
        try:
            handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as file:
                pq.write_table(table, file, compression="zstd")
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
            pa.default_memory_pool().release_unused()
