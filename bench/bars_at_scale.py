"""From a frame that closes 3,000 bars to the last signal of it, as the next process hears it.

A marketdata process whose socket is a loop takes full frames of 3,000 instruments, each of which closes a 5 s bar of
every one; a real strategy process runs ``ema_cross`` on all of them, and one in a hundred crosses. Beside it the same
bars asked of strategies that do nothing, and 3,000 calls of an empty function: what Python itself costs.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec
import zmq
from kitev3._core import Bar, BarBatch, Event, TapeReader, Tick, encode_frame
from kitev3.bus.message import Message
from kitev3.contracts import Frame, Instrument, Instruments, Quote, Quotes, Signal, Socket, Subscribed
from kitev3.runtime import process
from kitev3.runtime.service import AsyncDriver, Driver, World
from kitev3.services.marketdata.service import SERVICE
from kitev3.services.strategy.hosted import Run
from kitev3.services.strategy.service import StrategyHandler
from kitev3.strategy import Strategy, View
from kitev3.system import profile as config
from kitev3.system.runfolder import RunFolder

from bench.places import cores, pinned
from bench.result import Result
from bench.system import System

NAME = "bars_at_scale"
INSTRUMENTS = 3_000
FRAMES = 100  # that close bars, after those that warm the means
WARM = 20
ONE_IN = 100  # crosses in a frame
BAR_S = 5
SPEED = 50
APART_S = BAR_S / SPEED  # between two frames, of machine time: one never waits for the one before it
NS = 1_000_000_000
OPEN_NS = 1_795_059_900 * NS  # 2026-11-19 09:15 IST
PROFILE = """
mode = "sim"
start = 2026-11-19T09:15:00+05:30
speed = 50
[marketdata]
instruments = ["NSE:*"]
bars = []
[strategy]
[[strategy.run]]
name = "cross"
use = "ema_cross"
instruments = ["NSE:*"]
bars = "5s"
"""
READ_S_MAX = 60.0


def run() -> Result:
    """About half a minute. RuntimeError when the signals of a frame did not come."""
    ours_cpu, other_cpu = cores()
    with tempfile.TemporaryDirectory(prefix="kitev3-bench-") as folder, pinned(other_cpu):
        profile = Path(folder) / "bars.toml"
        profile.write_text(PROFILE)
        last_ms, signals = our_round(profile, ours_cpu)
    with pinned(ours_cpu):
        idle_ms, empty_ms = idle_round(), empty_round()
    rows: list[dict[str, object]] = [
        {"path": name, "p50 ms": statistics.median(each), "p99 ms": sorted(each)[-1 - len(each) // 100]}
        for name, each in (
            ("frame taken to last signal heard", last_ms),
            ("the bars asked of strategies that do nothing", idle_ms),
            (f"{INSTRUMENTS:,} calls of an empty function", empty_ms),
        )
    ]
    return Result(
        name=NAME,
        rows=rows,
        ratios={NAME: statistics.median(last_ms) / statistics.median(idle_ms)},
        notes=[f"{len(last_ms)} frames of {INSTRUMENTS:,} instruments, {signals / len(last_ms):.0f} signals a frame"],
    )


def our_round(profile: Path, cpu: int) -> tuple[list[float], int]:
    """Of each closing frame: ms from its taking to its last signal; and how many signals came."""
    settings = {"MARKETDATA_CPU": str(cpu), "STRATEGY_CPU": str(cpu)}
    with System(profile, modules={"marketdata": "bench.bars_at_scale"}, settings=settings) as system:
        heard = list(hear(f"ipc://{system.folder.sockets}/strategy.pub"))
        taken_ns = frames_taken(system.folder.path / "tape" / "marketdata")
        clock = system.clock
    last_ns: dict[int, int] = {}
    for mono_ns, signal in heard:
        frame_ns = (signal.data_ts_ns - clock.t0_ns) // SPEED + clock.m0_ns
        last_ns[frame_ns] = max(last_ns.get(frame_ns, 0), mono_ns)
    missing = [frame_ns for frame_ns in taken_ns[WARM + 1 :] if frame_ns not in last_ns]
    if missing:
        raise RuntimeError(f"{len(missing)} of {FRAMES} frames have no signal")
    return [(last_ns[frame_ns] - frame_ns) / 1e6 for frame_ns in taken_ns[WARM + 1 :]], len(heard)


def hear(address: str) -> Iterable[tuple[int, Signal]]:
    """Signals with the machine time at which they came, until none has come for a while."""
    with zmq.Context() as context, context.socket(zmq.SUB) as sub:
        sub.subscribe(b"strategy.signal\0")
        sub.connect(address)
        sub.set(zmq.RCVTIMEO, int(READ_S_MAX * 1e3))
        frames = []
        while True:
            try:
                frames.append((sub.recv(), time.monotonic_ns()))
            except zmq.Again:
                break
            sub.set(zmq.RCVTIMEO, 2_000)
    for frame, mono_ns in frames:
        yield mono_ns, msgspec.msgpack.decode(Message.parse(frame).payload, type=Signal)


def frames_taken(tape: Path) -> list[int]:
    """When marketdata took each frame, by its tape."""
    return [mono_ns for _, _, mono_ns, content in TapeReader(tape) if content.startswith(b"world.frame\0")]


# --- marketdata, fed by a loop ------------------------------------------------------------------------------------


class Closing(AsyncDriver):
    """A frame for each bar, some time apart."""

    async def run(self, world: World) -> None:
        world.put(Instruments(tuple(Subscribed(instrument(token), ("5s",)) for token in tokens())))
        world.put(Quotes(tuple(quote(token) for token in tokens())))
        world.put(Socket("up"))
        frames = [frame(number) for number in range(WARM + FRAMES + 1)]
        await asyncio.sleep(2.0)
        for one in frames:
            world.put(Frame(one))
            await asyncio.sleep(APART_S)
        await asyncio.sleep(READ_S_MAX)


def tokens() -> range:
    """Of the NSE's cash segment: the last byte says so (Kite's instrument tokens)."""
    return range(257, 257 + 256 * INSTRUMENTS, 256)


def frame(number: int) -> bytes:
    """The first tick of a bar of each instrument: of one in ONE_IN the price goes to its other level."""
    return encode_frame(
        [
            Tick(token, price_e4(at, number), kind="full", exchange_ns=OPEN_NS + number * BAR_S * NS, volume=number)
            for at, token in enumerate(tokens())
        ]
    )


def price_e4(at: int, number: int) -> int:
    return 1_000_0000 + (number + at) // ONE_IN % 2 * 10_0000


def instrument(token: int) -> Instrument:
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
    names = (token, "NSE", f"SHARE{token}")
    return Quote(*names, 1_000_0000, 1_000_0000, 1_000_0000, 1_000_0000, 1_000_0000, 0, 0, 0, 0, 0, 0)


def closing(*_: object) -> Driver:
    return Closing()


# --- what Python costs --------------------------------------------------------------------------------------------


class Idle(Strategy):
    """Is asked, and wants nothing."""

    def on_bar(self, bar: Bar, view: View) -> None:
        return


def idle_round() -> list[float]:
    """Ms for a batch of bars through the handler, to strategies that do nothing."""
    handler = StrategyHandler([Run(name="idle", use="bench.bars_at_scale:Idle", instruments=("NSE:*",), bars="5s")])
    for token in tokens():
        handler(Event("marketdata.instrument", instrument(token), source="marketdata"))
    [batch] = BarBatch.of([Bar(token, "5s", OPEN_NS, OPEN_NS + 5 * NS, 1, 1, 1, 1) for token in tokens()])
    event = Event("marketdata.ohlc", batch, source="marketdata")
    return [timed_ms(lambda: list(handler(event))) for _ in range(FRAMES)]


def empty_round() -> list[float]:
    """Ms for as many calls of a function of two arguments that does nothing."""
    strategy = Idle(None)

    def calls() -> None:
        for _ in range(INSTRUMENTS):
            strategy.on_bar(None, None)  # type: ignore[arg-type]

    return [timed_ms(calls) for _ in range(FRAMES)]


def timed_ms(call: object) -> float:
    began_ns = time.perf_counter_ns()
    call()  # type: ignore[operator]
    return (time.perf_counter_ns() - began_ns) / 1e6


def main(arguments: Iterable[str]) -> int:
    """marketdata as it is, but for its socket."""
    asked = process.parse(list(arguments))
    profile = config.load(asked.config, environment=os.environ)
    folder = RunFolder(asked.run_dir)
    return process.Process(dataclasses.replace(SERVICE, driver=closing), profile, folder).run()


if __name__ == "__main__":
    import sys

    sys.exit(main(sys.argv[1:]))
