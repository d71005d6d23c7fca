"""The tape: an append beside a copy into warm memory with its CRC, and a durable one beside an fdatasync."""

from __future__ import annotations

import mmap
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from kitev3._core import TapeKind, TapeWriter

from bench.example import rows_of
from bench.result import Result

NAME = "tape"
ROUNDS = 9
FRAME_BYTES = 18_230  # 98 full packets
# All rounds fit one segment: the next one is made at the disk's speed, which is not what is measured.
SEGMENT_BYTES = 32 << 20


def run() -> Result:
    """The ratios are Rust against Rust; what an append costs from Python is mostly the call."""
    with tempfile.TemporaryDirectory(prefix="kitev3-bench-", dir=Path.cwd()) as folder:
        rows = rows_of("tape_bench", f"{folder}/rust")
        rows += [from_python(Path(folder) / str(size), size) for size in (200, FRAME_BYTES)]
    by_name = {row["what"]: row for row in rows}
    return Result(
        name=NAME,
        rows=rows,
        ratios={
            "tape_append_200": float(str(by_name["append_200"]["ratio"])),
            "tape_append_18k": float(str(by_name["append_18k"]["ratio"])),
            "tape_durable": float(str(by_name["durable_600"]["ratio"])),
        },
        notes=[
            "floor: copy and CRC32C in warm memory; of durable_600 one write and fdatasync in place",
            "python: best of the rounds as well; its floor is a slice assignment into a mapped file, without a CRC",
            "paced: one append every 100 µs with the syncs going on, so with cold caches and the clock's own 40 ns",
        ],
    )


def from_python(folder: Path, size: int) -> dict[str, object]:
    """Calls in turn with slice assignments into a mapped file, which is the least that Python can do."""
    content = (bytes(range(256)) * (size // 256 + 1))[:size]
    count = min(2_000, SEGMENT_BYTES // 2 // ROUNDS // (size + 24))
    ours: list[float] = []
    floors: list[float] = []
    with (
        TapeWriter(folder, "2026-11-19", segment_bytes=SEGMENT_BYTES) as writer,
        (folder / "floor").open("w+b") as file,
    ):
        file.write(bytes(SEGMENT_BYTES))
        file.flush()
        mapped = mmap.mmap(file.fileno(), 0)
        append, kind = writer.append, TapeKind.EXT
        for _ in range(ROUNDS):
            ours.append(each_ns(lambda at: append(kind, at, content), count))
            floors.append(each_ns(lambda at: mapped.__setitem__(slice(at * size, at * size + size), content), count))
        mapped.close()
    ns, floor_ns = min(ours), min(floors)
    return {"what": f"python_{size}", "bytes": size, "ns": ns, "floor_ns": floor_ns, "ratio": ns / floor_ns}


def each_ns(work: Callable[[int], object], count: int) -> float:
    """Nanoseconds a call."""
    began = time.perf_counter_ns()
    for at in range(count):
        work(at)
    return (time.perf_counter_ns() - began) / count
