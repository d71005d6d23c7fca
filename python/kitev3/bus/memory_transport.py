"""Queues of one process: how the members of an ``InMemoryEventBus`` reach each other."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Collection

from kitev3._core import Runtime
from kitev3.bus.topology import Routes
from kitev3.bus.transport import PolledTransport
from kitev3.runtime.runner import Said
from kitev3.runtime.service import ServiceSpec

_WAKE = b""


class Hub:
    """Where they find each other, and what is on its way.

    Args:
        high_water: messages that one may be behind; what comes beyond them it finds on the tape.
    """

    def __init__(self, high_water: int) -> None:
        self._high_water = high_water
        self._state = threading.Condition()
        self._routes = Routes()
        self._members: dict[str, MemoryTransport] = {}
        self._undelivered = 0

    def add(self, member: MemoryTransport) -> None:
        with self._state:
            self._members[member.name] = member
            self._routes.add(member.name, member.links)

    def remove(self, member: MemoryTransport) -> None:
        """What was on its way to it is gone."""
        with self._state:
            if self._members.pop(member.name, None) is not None:
                self._routes.remove(member.name)
                self._count(-len(member.waiting) - member.in_hand)

    def send(self, source: str, frame: bytes) -> None:
        with self._state:
            for name in self._routes.hearers(source, frame[: frame.index(0)].decode()):
                if len(self._members[name].waiting) < self._high_water:
                    self._put(self._members[name], frame)

    def wake(self, name: str) -> None:
        with self._state:
            if name in self._members:
                self._put(self._members[name], _WAKE)

    def take(self, member: MemoryTransport) -> bytes | None:
        """The next message for it, without waiting; with the one before it is done."""
        with self._state:
            self._count(-member.in_hand)
            member.in_hand = bool(member.waiting)
            if not member.in_hand:
                return None
            frame = member.waiting.popleft()
            if not member.waiting:
                os.eventfd_read(member.stirs)
            return frame

    def settle(self, until: Callable[[], bool]) -> None:
        """Waits until nothing is on its way any more, or something holds; see ``told``."""
        with self._state:
            self._state.wait_for(lambda: self._undelivered == 0 or until())

    def tell(self) -> None:
        """What somebody waits for in ``settle`` may hold now."""
        with self._state:
            self._state.notify_all()

    def _put(self, member: MemoryTransport, frame: bytes) -> None:
        if not member.waiting:
            os.eventfd_write(member.stirs, 1)
        member.waiting.append(frame)
        self._undelivered += 1

    def _count(self, more: int) -> None:
        self._undelivered += more
        if not self._undelivered:
            self._state.notify_all()


class MemoryTransport(PolledTransport):
    """One queue for all that a member hears, so order holds over sources too."""

    offers = frozenset({"publish"})

    def __init__(self, spec: ServiceSpec, running: Collection[str], hub: Hub, name: str = "") -> None:
        super().__init__(spec, running, name)
        self._hub = hub
        self._wait_ms = 0
        self.waiting: deque[bytes] = deque()
        self.in_hand = False

    def open(self) -> None:
        self.stirs = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)  # can be read while something waits
        self._hub.add(self)

    def send(self, frame: bytes, worker: str | None) -> None:
        self._hub.send(self.name, frame)

    def wake(self) -> None:
        self._hub.wake(self.name)

    def carry(self, runtime: Runtime) -> None:
        """What is said comes through ``send``."""

    def receiver(self, runtime: Runtime, watch: memoryview | None, answer_ms: int | None) -> _Receiver:
        return _Receiver(self, self._hub, runtime, watch)

    def set_wait(self, wait_ms: int) -> None:
        self._wait_ms = wait_ms

    def next(self) -> bytes | None:
        """The next message; None when none has come in time."""
        frame = self._hub.take(self)
        if frame is None and self.poll(self._wait_ms, self.stirs):
            frame = self._hub.take(self)
        return frame

    @property
    def has_come(self) -> bool:
        return bool(self.waiting)

    @property
    def descriptors(self) -> tuple[int, ...]:
        return (self.stirs,)

    def serve(self, answer: Callable[[bytes], bytes], at_most: int) -> None:
        """There are no requests."""

    def close(self) -> None:
        self._hub.remove(self)
        os.close(self.stirs)

    def poll(self, wait_ms: int, *descriptors: int) -> bool:
        """Whether one of them can be read in time."""
        poller = select.poll()
        for descriptor in descriptors:
            poller.register(descriptor, select.POLLIN)
        return bool(poller.poll(wait_ms))


class _Receiver:
    """Hears for one runtime."""

    def __init__(self, transport: MemoryTransport, hub: Hub, runtime: Runtime, watch: memoryview | None) -> None:
        self._transport, self._hub, self._runtime, self._watch = transport, hub, runtime, watch
        self._seen = b""

    def receive(self, until_ns: int) -> tuple[bool, Said | None]:
        return self._hear(self._transport.next)

    def drain(self) -> tuple[bool, Said | None]:
        return self._hear(lambda: self._hub.take(self._transport))

    def sleep(self, wait_ms: int, pipe: int) -> tuple[bool, Said | None]:
        return self._transport.poll(wait_ms, self._transport.stirs, pipe), None

    def _hear(self, take: Callable[[], bytes | None]) -> tuple[bool, Said | None]:
        if self._watch is not None and (now := bytes(self._watch)) != self._seen:
            self._seen = now
            return True, None
        frame = take()
        if not frame:
            return frame is not None, None
        return True, self._runtime.hear(frame, time.monotonic_ns())
