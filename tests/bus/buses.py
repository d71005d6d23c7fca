"""Every implementation of the bus behind one small surface, for the tests that hold for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kitev3.bus import Hearer
from kitev3.bus.loop import LoopTiming
from kitev3.bus.member import Subscription, Switch
from kitev3.bus.memory import InMemoryEventBus
from kitev3.bus.stepped import SteppedBus
from kitev3.bus.zmq import ZmqEventBus
from kitev3.contracts import TOPIC_OF
from kitev3.system.runfolder import RunFolder
from waiting import until

from bus.people import context


class Buses(ABC):
    """Several sources on one kind of bus."""

    @abstractmethod
    def start(self) -> None:
        """Starts what has been asked for and does not run yet."""

    @abstractmethod
    def until(self, holds: Callable[[], bool]) -> None:
        """Delivers until something holds."""

    @abstractmethod
    def close(self) -> None:
        """Raises what a handler raised."""

    @abstractmethod
    def hear(self, name: str, topic: str, handler: Hearer, *, own: bool = False) -> None: ...

    @abstractmethod
    def say(self, name: str, payload: Any) -> None: ...


class InMemory(Buses):
    def __init__(self) -> None:
        self.bus = InMemoryEventBus()

    def start(self) -> None:
        self.bus.start()

    def hear(self, name: str, topic: str, handler: Hearer, *, own: bool = False) -> None:
        self.bus.subscribe(topic, handler, name=name, own=own)

    def say(self, name: str, payload: Any) -> None:
        self.bus.publish(TOPIC_OF[type(payload)], payload, name=name)

    def until(self, holds: Callable[[], bool]) -> None:
        until(holds)

    def close(self) -> None:
        self.bus.stop()


class Stepped(Buses):
    def __init__(self, run_dir: Path) -> None:
        self.bus = SteppedBus(segment_bytes=1 << 20)
        self.run_dir = run_dir
        self.subscriptions: dict[str, list[Subscription]] = {"marketdata": []}

    def hear(self, name: str, topic: str, handler: Hearer, *, own: bool = False) -> None:
        self.subscriptions.setdefault(name, []).append(Subscription.of(topic, handler, own))

    def start(self) -> None:
        for name in [name for name in self.subscriptions if name not in self.bus.runners]:
            self.bus.add(Switch(name, self.subscriptions[name]).spec(), context(self.run_dir), name=name)
            self.bus.join(name)

    def say(self, name: str, payload: Any) -> None:
        self.bus.runners[name].publish(payload)

    def until(self, holds: Callable[[], bool]) -> None:
        self.bus.run()
        assert holds()

    def close(self) -> None:
        self.bus.close()


class OverZmq(Buses):
    def __init__(self, run_dir: Path, *, apart: bool = False) -> None:
        self.apart = apart  # each tape in a run folder of its own
        self.folder = RunFolder(run_dir)
        self.folder.make()
        self.run_dir = run_dir
        self.buses: dict[str, ZmqEventBus] = {}
        self.started: set[str] = set()
        self.of("marketdata")

    def of(self, name: str) -> ZmqEventBus:
        if name not in self.buses:
            self.buses[name] = ZmqEventBus(
                name,
                context(self.run_dir / name if self.apart else self.run_dir),
                self.folder.sockets,
                senders=("marketdata", "strategy", "execution"),
                timing=LoopTiming(heartbeat_ms=50),
                answer_ms=5_000 if self.apart else None,
            )
        return self.buses[name]

    def start(self) -> None:
        for name, bus in self.buses.items():
            if name not in self.started:
                self.started.add(name)
                bus.start()

    def say(self, name: str, payload: Any) -> None:
        self.of(name).publish(TOPIC_OF[type(payload)], payload)

    def hear(self, name: str, topic: str, handler: Hearer, *, own: bool = False) -> None:
        self.of(name).subscribe(topic, handler, name=name, own=own)

    def until(self, holds: Callable[[], bool]) -> None:
        def holds_or_failed() -> bool:
            return holds() or any(bus.error is not None for bus in self.buses.values())

        until(holds_or_failed)

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
