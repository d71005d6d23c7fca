"""Ticks a second from marketdata's PUB into a strategy process's indicators, both tapes on.

Batches of 100 in ltp form: frames are decoded, numbered, taped and said by a marketdata process whose socket is a loop,
heard, checked, taped and applied by a real strategy process on the other core. Beside it pyzmq's PUB and SUB with
messages of the same bytes and nothing else.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import zmq
from kitev3._core import TapeReader, Tick, TickBatch, encode_frame
from kitev3.contracts import Frame, Instrument, Instruments, Quote, Quotes, Socket, Subscribed
from kitev3.control import Health
from kitev3.runtime import process
from kitev3.runtime.service import AsyncDriver, Driver, World
from kitev3.services.marketdata.service import SERVICE
from kitev3.strategy import Indicator, Strategy, indicator
from kitev3.system import profile as config
from kitev3.system.runfolder import RunFolder

from bench.places import cores, pinned
from bench.result import Result
from bench.sizes import wire_bytes
from bench.system import System

NAME = "bus_throughput"
ROUNDS = 3
BATCHES = 20_000  # below the high-water mark: a PUB drops beyond it
TICKS = 100  # of a batch, each of another instrument
HIGH_WATER = 100_000
PROFILE = """
mode = "sim"
start = 2026-11-19T10:00:00+05:30
[marketdata]
instruments = ["NSE:*"]
bars = []
[strategy]
[[strategy.run]]
name = "watching"
use = "bench.bus_throughput:Watching"
instruments = ["NSE:*"]
"""
READ_S_MAX = 60.0


class Watching(Strategy):
    """Three indicators on every instrument, fed by ticks, and no opinion."""

    def indicators(self) -> Mapping[str, Indicator]:
        return {
            "fast": indicator("ema", period=9),
            "slow": indicator("ema", period=21),
            "rsi": indicator("rsi", period=14),
        }


def run() -> Result:
    """About fifteen seconds. RuntimeError when a batch did not come."""
    hearer_cpu, speaker_cpu = cores()
    with tempfile.TemporaryDirectory(prefix="kitev3-bench-") as folder:
        profile = Path(folder) / "throughput.toml"
        profile.write_text(PROFILE)
        ours = [our_round(profile, speaker_cpu, hearer_cpu) for _ in range(ROUNDS)]
    floors = [raw_round(speaker_cpu, hearer_cpu) for _ in range(ROUNDS)]
    rows: list[dict[str, object]] = []
    for name, rates in (("into indicators", ours), ("pyzmq PUB/SUB", floors)):
        median = statistics.median(rates)
        each = " ".join(f"{rate / 1e6:.1f}" for rate in rates)
        rows.append({"path": name, "ticks/s": median, "ns a tick": 1e9 / median, "M ticks/s of the rounds": each})
    return Result(
        name=NAME,
        rows=rows,
        ratios={NAME: statistics.median(floors) / statistics.median(ours)},
        notes=[
            f"batches of {TICKS} in ltp form, {wire_bytes(batch(0))} bytes; {BATCHES:,} of them a round",
            "from the first frame that marketdata took to the last batch that strategy took, by their tapes",
        ],
    )


def our_round(profile: Path, speaker_cpu: int, hearer_cpu: int) -> float:
    """Ticks a second."""
    settings = {"MARKETDATA_CPU": str(speaker_cpu), "STRATEGY_CPU": str(hearer_cpu)}
    with System(profile, modules={"marketdata": "bench.bus_throughput"}, settings=settings) as system:
        system.until("strategy", all_heard, f"heard {BATCHES} batches", READ_S_MAX)
        counters = system.health("strategy").counters
        if counters["gaps_seen"]:
            raise RuntimeError(f"batches were lost on the way: {counters}")
        tape = system.folder.path / "tape"
        first_ns = taken_ns(tape / "marketdata", b"world.frame")[0]
        last_ns = taken_ns(tape / "strategy", b"marketdata.tick")[-1]
    return BATCHES * TICKS * 1e9 / (last_ns - first_ns)


def all_heard(health: Health) -> bool:
    return health.heard.get("marketdata.tick", 0) >= BATCHES


def taken_ns(tape: Path, topic: bytes) -> list[int]:
    """When a service took each message of a topic, by its tape."""
    return [mono_ns for _, _, mono_ns, content in TapeReader(tape) if content.startswith(topic + b"\0")]


# --- marketdata, fed by a loop ------------------------------------------------------------------------------------


class Flood(AsyncDriver):
    """Brings in frames as fast as they are taken, once the strategy has had time to be there."""

    async def run(self, world: World) -> None:
        world.put(Instruments(tuple(Subscribed(row(token), ("1m",)) for token in tokens())))
        world.put(Quotes(tuple(quote(token) for token in tokens())))
        world.put(Socket("up"))
        frames = [encode_frame(batch(number), "ltp") for number in range(16)]
        await asyncio.sleep(1.0)
        for number in range(BATCHES):
            world.put(Frame(frames[number % len(frames)]))
        await asyncio.sleep(READ_S_MAX)


def tokens() -> range:
    """Of the NSE's cash segment: the last byte says so (Kite's instrument tokens)."""
    return range(257, 257 + 256 * TICKS, 256)


def batch(number: int) -> TickBatch:
    """A tick of each instrument, its price moving."""
    return TickBatch.from_ticks(Tick(token, 1_000_0000 + (number + token) % 7 * 500, kind="ltp") for token in tokens())


def row(token: int) -> Instrument:
    return Instrument(
        instrument_token=token,
        exchange="NSE",
        tradingsymbol=f"SHARE{token}",
        name="",
        instrument_type="EQ",
        segment="NSE",
        expiry="",
        strike_e4=0,
        tick_size_e4=500,
        lot_size=1,
        freeze_quantity=0,
        products=("CNC", "MIS"),
        lower_circuit_e4=0,
        upper_circuit_e4=0,
        previous_close_e4=0,
        file_date="2026-11-19",
        file_hash="",
    )


def quote(token: int) -> Quote:
    prices = dict.fromkeys(("last_price_e4", "open_e4", "high_e4", "low_e4", "close_e4"), 1_000_0000)
    nothing = dict.fromkeys(("volume", "oi", "bid_e4", "ask_e4", "lower_circuit_e4", "upper_circuit_e4"), 0)
    names = {"exchange": "NSE", "tradingsymbol": f"SHARE{token}"}
    return Quote(instrument_token=token, **names, **prices, **nothing)


def flood(*_: Any) -> Driver:
    return Flood()


def speak(arguments: Iterable[str]) -> int:
    """marketdata as it is, but for its socket."""
    asked = process.parse(list(arguments))
    profile = config.load(asked.config, environment=os.environ)
    folder = RunFolder(asked.run_dir)
    return process.Process(dataclasses.replace(SERVICE, driver=flood), profile, folder).run()


# --- the floor ----------------------------------------------------------------------------------------------------


def raw_round(speaker_cpu: int, hearer_cpu: int) -> float:
    """Ticks a second through PUB and SUB alone."""
    message = b"marketdata.tick\0".ljust(wire_bytes(batch(0)), b"\0")
    with tempfile.TemporaryDirectory(prefix="kitev3-bench-") as folder, zmq.Context() as context:
        address = f"ipc://{folder}/pub"
        command = [sys.executable, "-m", "bench.bus_throughput", "raw", address, str(hearer_cpu)]
        with pinned(speaker_cpu), context.socket(zmq.XPUB) as pub:
            pub.set(zmq.SNDHWM, HIGH_WATER)
            pub.bind(address)
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as hearer:
                assert hearer.stdout is not None
                pub.recv()  # the hearer has subscribed
                began_ns = time.monotonic_ns()
                for _ in range(BATCHES):
                    pub.send(message)
                ended_ns = int(hearer.stdout.readline())
    return BATCHES * TICKS * 1e9 / (ended_ns - began_ns)


def hear_raw(address: str, cpu: str) -> None:
    """Takes what comes; says when the last one has."""
    os.sched_setaffinity(0, {int(cpu)})
    with zmq.Context() as context, context.socket(zmq.SUB) as sub:
        sub.set(zmq.RCVHWM, HIGH_WATER)
        sub.subscribe("marketdata.tick")
        sub.connect(address)
        for _ in range(BATCHES):
            sub.recv()
        print(time.monotonic_ns(), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "raw":
        hear_raw(*sys.argv[2:])
    else:
        sys.exit(speak(sys.argv[1:]))
