"""Parquet files: ``<folder>/<topic>/date=<date>/<nnn>.parquet``, each written whole or not at all, and ours alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from kitev3.system.private import private_folder

Place: TypeAlias = tuple[int, int]
"""Epoch and number of what a source has said: it says nothing twice, and nothing of a place that is lower."""
NOWHERE: Place = (0, -1)


class ParquetStore:
    """Keeps tables by number; one that is there already is not written again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        pa.set_cpu_count(1)  # each thread would have buffers of its own, and the cores are others'

    def path(self, topic: str, date: str, number: int) -> Path:
        """Where a table stands."""
        return self.folder / topic / f"date={date}" / f"{number:03d}.parquet"

    def held(self, topic: str, date: str) -> tuple[int, dict[str, Place]]:
        """The number of the last table of the topic's day, and how far its rows go of each source."""
        number, places = 0, dict[str, Place]()
        for file in self.path(topic, date, 1).parent.glob("*.parquet"):
            number = max(number, int(file.stem))
            table: pa.Table = pq.read_table(file, columns=["source", "epoch", "seq"], partitioning=None)
            for row in table.group_by(["source", "epoch"]).aggregate([("seq", "max")]).to_pylist():
                place = row["epoch"], row["seq_max"]
                places[row["source"]] = max(places.get(row["source"], NOWHERE), place)
        return number, places

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
