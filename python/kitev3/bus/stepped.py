"""The stepped bus: all services in one thread, in a defined order, under a virtual machine clock.

The same services with the same inputs leave the same tapes, byte for byte. Tests, backtests and replay hang services
here; nothing in them knows. What comes next the core's schedule says, here and for services that are native alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import Any, TypeAlias

from kitev3._core import Schedule
from kitev3.bus.topology import links
from kitev3.bus.transport import Transport
from kitev3.contracts import BY_TOPIC
from kitev3.runtime.runner import Runner
from kitev3.runtime.service import Context, Driver, ServiceSpec
from kitev3.runtime.setup import SEGMENT_BYTES

Loses: TypeAlias = Callable[[str, bytes], bool]
"""Whether the bus loses this message on its way to this hearer."""


class VirtualClock:
    """Machine time that moves when it is told to."""

    def __init__(self, now_ns: int = 0) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns


class _Queued(Transport):
    """What one service says goes to the bus's queue."""

    offers = frozenset({"publish", "work"})

    def __init__(self, send: Callable[[str, bytes], None], source: str) -> None:
        self._send, self._source = send, source

    def send(self, frame: bytes, worker: str | None) -> None:
        self._send(self._source, frame)

    def wake(self) -> None:
        """Nobody waits."""


class SteppedBus:
    """Hang services up in the order in which they shall be served, then ``open``, ``advance`` and ``close``."""

    def __init__(
        self,
        clock: VirtualClock | None = None,
        loses: Loses = lambda hearer, frame: False,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.clock = clock or VirtualClock()
        self.runners: dict[str, Runner] = {}
        self.published: list[tuple[str, bytes]] = []
        self.keeps_published = False
        self._loses = loses
        self._segment_bytes = segment_bytes
        self._schedule = Schedule(self.clock())

    def add(
        self,
        spec: ServiceSpec,
        context: Context,
        config: Any = None,
        *,
        name: str = "",
        driver: Driver | None = None,
        about: Mapping[str, Any] = MappingProxyType({}),
    ) -> Runner:
        """Hangs a service up: its tape is read and its epoch begun before this returns."""
        source = name or spec.name

        runner = Runner(
            spec,
            context,
            spec.config() if config is None else config,
            clock=self.clock,
            transport=_Queued(self._send, source),
            about=about,
            name=source,
            driver=driver,
            segment_bytes=self._segment_bytes,
        )
        self.runners[source] = runner
        heard = links(spec.name, spec.hears, own=spec.hears_own)
        said = [BY_TOPIC[topic] for topic in spec.says]
        self._schedule.hang_up(
            source,
            [(link.source, link.mode) for link in heard],
            [(contract.topic, contract.dense, contract.worker or None) for contract in said],
        )
        runner.recover()
        runner.begin()
        self._schedule.set_due(source, runner.due_ns)
        return runner

    def open(self) -> None:
        """The drivers begin; then every service takes up those it hears."""
        for runner in list(self.runners.values()):
            runner.open()
        for name in self.runners:
            self.join(name)
        self.run()

    def join(self, name: str) -> None:
        """A service takes up those that it hears."""
        for source in self.runners:
            self.runners[name].join(source)

    def remove(self, name: str) -> None:
        """Takes a service away as a kill would: its tape stays as it is, what was on its way to it is gone."""
        del self.runners[name]
        self._schedule.take_down(name)

    def run(self) -> None:
        """Delivers until nothing is on its way."""
        while (step := self._schedule.next_now()) is not None:
            self._do(*step)

    def advance(self, duration_ns: int) -> None:
        """Lets machine time pass: timers and heartbeats in their order, everything delivered in between."""
        end_ns = self.clock.now_ns + duration_ns
        while (step := self._schedule.next(end_ns)) is not None:
            self.clock.now_ns = self._schedule.now_ns
            self._do(*step)
        self.clock.now_ns = end_ns

    def beat(self) -> None:
        """Everybody's heartbeat, and what it shows is missing is filled."""
        self._schedule.beat()
        self.run()

    def control(self, payload: Any, *names: str) -> None:
        """Gives a command to these services, or to all, in their order."""
        for name in names or tuple(self.runners):
            self.runners[name].control(payload)
            self.run()

    def close(self) -> None:
        """Finishes what is on its way, then closes drivers and tapes."""
        self.run()
        for runner in self.runners.values():
            runner.close()

    def __enter__(self) -> SteppedBus:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()

    def _do(self, what: str, name: str, frame: bytes | None) -> None:
        runner = self.runners[name]
        match what:
            case "deliver":
                assert frame is not None
                runner.hear(frame)
            case "beat":
                self._schedule.send(name, runner.runtime.heartbeat(self.clock()), self._loses)
            case "settle":
                runner.settle()
            case "look":
                runner.look()
                self._schedule.set_due(name, runner.due_ns)

    def _send(self, source: str, frame: bytes) -> None:
        if self.keeps_published:
            self.published.append((source, frame))
        self._schedule.send(source, frame, self._loses)
