"""Every implementation of the bus behind one small surface, for the tests that hold for all of them."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kitev3.bus import EventBus, Hearer
from kitev3.bus.loop import Pace
from kitev3.bus.memory import InMemoryEventBus
from kitev3.bus.zmq import ZmqEventBus
from kitev3.contracts import TOPIC_OF
from kitev3.system.runfolder import RunFolder

from bus.people import context

WAIT_S_MAX = 20.0


class Buses(ABC):
    """Several sources on one kind of bus."""

    @abstractmethod
    def of(self, name: str) -> EventBus:
        """The bus on which *name* speaks and hears."""

    @abstractmethod
    def start(self) -> None:
        """Starts what has been asked for and does not run yet."""

    @abstractmethod
    def until(self, holds: Callable[[], bool]) -> None:
        """Delivers until something holds."""

    @abstractmethod
    def close(self) -> None:
        """Raises what a handler raised."""

    def hear(self, name: str, topic: str, handler: Hearer, *, own: bool = False) -> None:
        self.of(name).subscribe(topic, handler, name=name, own=own)

    @abstractmethod
    def say(self, name: str, payload: Any) -> None: ...


class InMemory(Buses):
    def __init__(self, *, threads: bool) -> None:
        self.bus = InMemoryEventBus(threads=threads)
        self.threads = threads

    def of(self, name: str) -> EventBus:
        return self.bus

    def start(self) -> None:
        if self.threads:
            self.bus.start()

    def say(self, name: str, payload: Any) -> None:
        self.bus.publish(TOPIC_OF[type(payload)], payload, name=name)

    def until(self, holds: Callable[[], bool]) -> None:
        if not self.threads:
            self.bus.run()
            assert holds()
            return
        wait(holds)

    def close(self) -> None:
        self.bus.stop()


class OverZmq(Buses):
    def __init__(self, run_dir: Path) -> None:
        self.folder = RunFolder(run_dir)
        self.folder.make()
        self.run_dir = run_dir
        self.buses: dict[str, ZmqEventBus] = {}
        self.started: set[str] = set()

    def of(self, name: str) -> EventBus:
        if name not in self.buses:
            self.buses[name] = ZmqEventBus(
                name,
                context(self.run_dir),
                self.folder.sockets,
                senders=("marketdata", "strategy", "execution"),
                pace=Pace(heartbeat_ms=50),
            )
        return self.buses[name]

    def start(self) -> None:
        for name, bus in self.buses.items():
            if name not in self.started:
                self.started.add(name)
                bus.start()

    def say(self, name: str, payload: Any) -> None:
        self.of(name).publish(TOPIC_OF[type(payload)], payload)

    def until(self, holds: Callable[[], bool]) -> None:
        def holds_or_failed() -> bool:
            return holds() or any(bus.error is not None for bus in self.buses.values())

        wait(holds_or_failed)

    def close(self) -> None:
        errors = []
        for bus in self.buses.values():
            try:
                bus.stop()
            except Exception as error:
                errors.append(error)
        self.folder.clear()
        if errors:
            raise errors[0]


def wait(holds: Callable[[], bool]) -> None:
    """Polls: what is waited for happens in other threads."""
    until = time.monotonic() + WAIT_S_MAX
    while not holds():
        assert time.monotonic() < until, "it never came to hold"
        time.sleep(0.002)
