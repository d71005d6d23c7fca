"""What of one core the local exchange takes for a socket of 3,000 instruments in full mode at four updates a second.

The whole process is measured, the market of everything that is listed and the socket's writes included, while a reader
on another core compares every frame with the one that must come.
"""

from __future__ import annotations

import asyncio
from time import perf_counter

import uvloop

from bench.load.exchange import exchange, logins
from bench.load.reader import Reader, until_begun
from bench.load.shown import Shown
from bench.places import cores, pinned
from bench.result import Result

NAME = "kitesim_feed"
CLOCK = "2026-11-19T11:00"
FRAME_MS = 250
SECONDS = 15
SOCKETS = 3  # all that a key may have
BEGUN_S_MAX = 20.0


def run() -> Result:
    server_cpu, reader_cpu = cores()
    with pinned(reader_cpu), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure(server_cpu))


async def measure(cpu: int) -> Result:
    (login,) = logins(1)
    rows: list[dict[str, object]] = []
    with exchange((login,), CLOCK, "--frame-ms", str(FRAME_MS), cpu=cpu) as running:
        shown = Shown(CLOCK, {"full": ("full", 0, 3_000)}, frame_ms=FRAME_MS)
        readers: list[Reader] = []
        async with asyncio.TaskGroup() as group:
            reading = []
            for sockets in (1, SOCKETS):
                while len(readers) < sockets:
                    readers.append(await Reader(shown, login, "full").open(running.address))
                    reading.append(group.create_task(readers[-1].read()))
                await until_begun(readers, BEGUN_S_MAX)
                cpu_s, began_s = running.cpu_s, perf_counter()
                frames, bytes_ = sum(one.frames for one in readers), sum(one.bytes for one in readers)
                await asyncio.sleep(SECONDS)
                taken_s = perf_counter() - began_s
                rows.append(
                    {
                        "sockets": sockets,
                        "frames/s": (sum(one.frames for one in readers) - frames) / taken_s,
                        "MB/s": (sum(one.bytes for one in readers) - bytes_) / taken_s / 1e6,
                        "part of a core": (running.cpu_s - cpu_s) / taken_s,
                    }
                )
            for task in reading:
                task.cancel()
    return Result(
        NAME,
        rows,
        {"kitesim_feed_of_a_core": float(str(rows[0]["part of a core"]))},
        [
            f"3,000 instruments in full, {1000 // FRAME_MS} updates a second, {SECONDS} s each; server on core {cpu}",
            "every frame was the next, byte for byte",
        ],
    )
