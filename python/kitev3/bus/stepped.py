"""The stepped bus: all services in one thread, in a defined order, under a virtual machine clock.

The same services with the same inputs leave the same tapes, byte for byte. Tests, backtests and replay hang services
here; nothing in them knows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import Any, TypeAlias

from kitev3.bus.topology import HEARTBEAT, Routes, links
from kitev3.bus.transport import Transport
from kitev3.runtime.runner import Runner
from kitev3.runtime.service import Context, Driver, ServiceSpec
from kitev3.runtime.setup import SEGMENT_BYTES

HEARTBEAT_NS = 1_000_000_000
QUEUE_MAX = 1_000_000  # messages on their way; more is a circle of services that answer each other

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

    def __init__(self, put: Callable[[str, bytes, str | None], None], source: str) -> None:
        self._put, self._source = put, source

    def send(self, frame: bytes, worker: str | None) -> None:
        self._put(self._source, frame, worker)

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
        self._routes = Routes()
        self._queue: deque[tuple[str, bytes]] = deque()
        self._beat_ns = self.clock() + HEARTBEAT_NS

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
        self._routes.add(source, links(spec.name, spec.hears, own=spec.hears_own))
        runner.recover()
        runner.begin()
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
        self._routes.remove(name)
        self._queue = deque(item for item in self._queue if item[0] != name)

    def run(self) -> None:
        """Delivers until nothing is on its way."""
        while self._queue:
            hearer, frame = self._queue.popleft()
            self.runners[hearer].hear(frame)

    def advance(self, duration_ns: int) -> None:
        """Lets machine time pass: timers and heartbeats in their order, everything delivered in between."""
        end_ns = self.clock.now_ns + duration_ns
        self.run()
        while (due_ns := min((d.due_ns for d in self.runners.values()), default=end_ns + 1)) <= end_ns or (
            self._beat_ns <= end_ns
        ):
            self.clock.now_ns = max(self.clock.now_ns, min(due_ns, self._beat_ns))
            if self._beat_ns <= self.clock.now_ns:
                self._beat_ns += HEARTBEAT_NS
                self.beat()
            for runner in list(self.runners.values()):
                runner.look()
            self.run()
        self.clock.now_ns = end_ns

    def beat(self) -> None:
        """Everybody's heartbeat, and what it shows is missing is filled."""
        for name, runner in list(self.runners.items()):
            frame = runner.runtime.heartbeat(self.clock())
            self._put(self._routes.hearers(name, HEARTBEAT), frame)
        self.run()
        for runner in self.runners.values():
            runner.settle()
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

    def _send(self, source: str, frame: bytes, worker: str | None) -> None:
        if self.keeps_published:
            self.published.append((source, frame))
        self._put(self._routes.hearers(source, frame[: frame.index(0)].decode(), worker), frame)
        assert len(self._queue) <= QUEUE_MAX, f"{len(self._queue)} messages on their way: who answers whom?"

    def _put(self, hearers: tuple[str, ...], frame: bytes) -> None:
        self._queue.extend((hearer, frame) for hearer in hearers if not self._loses(hearer, frame))
