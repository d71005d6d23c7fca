"""One of the bus's test services as an OS process: ``python -m bus.proc NAME RUN_DIR ORDERS``, the orders in JSON.

count     how many bars the speaker says in all, over its restarts
pause     after so many it waits a moment, so that a loss is followed by silence
lose      the share of messages that its sockets lose, heartbeats included; the last bar always
seed      of what is lost
raises    the bar at which the relay's handler raises
slow_ms   how long the listener's handler takes
mode      of the profile
apart     its tape lies in a run folder of its own: what is missing is asked for
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kitev3.bus.message import Message
from kitev3.bus.zmq_transport import ZmqTransport
from kitev3.contracts import Text
from kitev3.events import Event
from kitev3.runtime.process import Process, refusing
from kitev3.runtime.service import Context, Driver, ServiceSpec, World
from kitev3.system.profile import BusConfig, Profile
from kitev3.system.runfolder import RunFolder

from bus.people import LISTENER, RELAY, SPEAKER, START_NS, WORKER, Listener, Relay, Speaker, bar, text

SPECS = {spec.name: spec for spec in (SPEAKER, RELAY, WORKER, LISTENER)}


class Says(Driver):
    """Lets the speaker say its bars, once the test has begun."""

    def __init__(self, speaker: Speaker, orders: dict[str, Any], begun: Path) -> None:
        self.speaker, self.orders, self.begun = speaker, orders, begun
        self.ended = threading.Event()

    def open(self, world: World) -> None:
        self.thread = threading.Thread(target=self.say, args=(world,))
        self.thread.start()

    def say(self, world: World) -> None:
        pause = self.orders.get("pause", 0)
        while not self.begun.exists():
            if self.ended.wait(0.005):
                return
        for number in range(self.speaker.said, self.orders.get("count", 0)):
            if pause and number % pause == 0 and self.ended.wait(0.02):
                return
            world.put(text(number))
            if self.orders.get("healthy"):
                world.put(Text("after a bar"))

    def close(self) -> None:
        self.ended.set()
        self.thread.join()


def speaking(orders: dict[str, Any]) -> ServiceSpec:
    made: list[Speaker] = []

    def handler(context: Context, config: Any) -> Speaker:
        made.append(Speaker())
        return made[-1]

    return replace(
        SPEAKER, handler=handler, driver=lambda context, config: Says(made[-1], orders, Path(orders["begun"]))
    )


class Faulty(Relay):
    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def hear(self, event: Event) -> Iterable[Any]:
        if event.type == "marketdata.ohlc" and event.payload == bar(self.at):
            raise ValueError(f"bar {self.at}")
        return super().hear(event)


class Slow(Listener):
    def __init__(self, ms: float) -> None:
        super().__init__()
        self.ms = ms

    def hear(self, event: Event) -> Iterable[Any]:
        time.sleep(self.ms / 1000)
        return super().hear(event)


def spec_of(name: str, orders: dict[str, Any]) -> ServiceSpec:
    if name == "marketdata":
        return speaking(orders)
    if "raises" in orders:
        return replace(SPECS[name], handler=lambda context, config: Faulty(orders["raises"]))
    if "slow_ms" in orders:
        return replace(SPECS[name], handler=lambda context, config: Slow(orders["slow_ms"]))
    return SPECS[name]


def lose(share: float, seed: int, last: int) -> None:
    """Makes every process's transport lose messages."""
    fate, send = random.Random(seed), ZmqTransport.send

    def lossy(self: ZmqTransport, frame: bytes, worker: str | None) -> None:
        is_last = frame.startswith(b"marketdata.ohlc\0") and Message.parse(frame).topic_seq == last
        if not is_last and fate.random() >= share:
            send(self, frame, worker)

    ZmqTransport.send = lossy  # type: ignore[method-assign]
    ZmqTransport.carry = lambda self, runtime: None  # type: ignore[method-assign]  # so that all goes through the line above


def main(name: str, run_dir: str, text: str) -> None:
    orders = json.loads(text)
    if orders.get("lose"):
        lose(orders["lose"], orders.get("seed", 1), orders.get("count", 0))
    start = datetime.fromtimestamp(START_NS // 10**9, UTC)
    fetch = "request" if orders.get("apart") else "file"
    profile = Profile(name="test", mode=orders.get("mode", "sim"), start=start, bus=BusConfig(fetch=fetch))
    running = orders.get("running", tuple(SPECS))
    folder = RunFolder(Path(run_dir))
    orders["begun"] = folder.path / "begun"
    if orders.get("apart"):
        sockets, folder = folder.sockets, RunFolder(folder.path / name)
        folder.sockets = sockets
    sys.exit(refusing(name, lambda: Process(spec_of(name, orders), profile, folder, running=running).run()))


if __name__ == "__main__":
    main(*sys.argv[1:])
