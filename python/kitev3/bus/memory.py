"""The bus of one process: a thread and a queue for each name, for development.

Each name is a member as on the bus of processes: it has a tape, and a late hearer joins from the others' as the
contracts say. The tapes lie in a temporary folder and go with the bus.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kitev3.bus import EventBus, Hearer
from kitev3.bus.loop import LoopTiming
from kitev3.bus.member import Member
from kitev3.bus.memory_transport import Hub, MemoryTransport
from kitev3.contracts import CONTRACTS
from kitev3.runtime.clock import MarketClock, datetime_ns, market_date
from kitev3.runtime.service import Context, ServiceSpec

HIGH_WATER = 100_000
TIMING = LoopTiming(hello_ms=1_000)  # a hearer finds what was said before it came on the tapes; none waits to be found
SPEAKERS = frozenset(speaker for contract in CONTRACTS for speaker in contract.speakers)


class InMemoryEventBus(EventBus):
    """Several names in one process. One that subscribes again while it runs does so as a shard of its own,
    ``name.2``; what is subscribed in one call, or before the start, is heard in one order.

    Args:
        name: who hears and speaks, unless ``subscribe`` and ``publish`` are told otherwise.
        mode: of its events; its market time is the wall clock's.
    """

    def __init__(self, name: str = "local", *, mode: str = "sim", account: str = "local") -> None:
        self.name = name
        self._tapes = TemporaryDirectory(prefix="kitev3-")
        start = datetime.now(UTC)
        self._clock = MarketClock.at_speed(datetime_ns(start), time.monotonic_ns(), 1.0).payload()
        self._context = Context(
            profile="memory",
            mode=mode,
            account=account,
            seed=0,
            run_dir=Path(self._tapes.name),
            session=market_date(start),
            start_ns=datetime_ns(start),
        )
        self._hub = Hub(HIGH_WATER)
        self._members: dict[str, list[Member]] = {}
        self._lock = threading.RLock()
        self._running = False
        self._ended = threading.Event()

    def publish(self, topic: str, payload: Any, *, name: str = "") -> None:
        if self._is_called_by_us:
            raise RuntimeError("a handler yields what it has to say; publish is for code outside services")
        if not self._running:
            raise RuntimeError("this bus does not run")
        with self._lock:
            member = self._members_of(name or self.name)[0]
            if not member.has_begun:
                member.start()
        member.publish(topic, payload)

    def subscribe(self, topic: str | Collection[str], handler: Hearer, *, name: str = "", own: bool = False) -> None:
        name = name or self.name
        with self._lock:
            members = self._members_of(name)
            if members[-1].has_begun:
                members.append(self._member(f"{name}.{len(members) + 1}", members[0].turn))
            members[-1].subscribe(topic, handler, own=own)
            if self._running:
                members[-1].start()

    def start(self) -> None:
        with self._lock:
            self._running = True
            for member in self._all():
                if not member.has_begun:
                    member.start()

    def run(self) -> None:
        self.start()
        self._ended.wait()
        self._close()

    def stop(self) -> None:
        if self._is_called_by_us:
            self._ended.set()  # who runs the bus does the rest
            return
        self._hub.settle(self._ended.is_set)
        self._ended.set()
        self._close()

    # --- the inside ---

    @property
    def _is_called_by_us(self) -> bool:
        return any(member.is_this_thread for member in self._all())

    def _all(self) -> list[Member]:
        return [member for members in tuple(self._members.values()) for member in tuple(members)]

    def _members_of(self, name: str) -> list[Member]:
        """The name's own, and its shards."""
        if name not in self._members:
            self._members[name] = [self._member(name, threading.Lock())]
        return self._members[name]

    def _member(self, name: str, turn: threading.Lock) -> Member:
        def connect(spec: ServiceSpec) -> MemoryTransport:
            return MemoryTransport(spec, SPEAKERS, self._hub, name)

        return Member(name, self._context, connect, timing=TIMING, clock=self._clock, turn=turn, ended=self._end)

    def _end(self) -> None:
        """A member's thread has ended: told to, or by its handler's error."""
        self._ended.set()
        self._hub.tell()

    def _close(self) -> None:
        with self._lock:
            self._running = False
            for member in self._all():
                member.end()
            for member in self._all():
                member.join()
            self._tapes.cleanup()
        for member in self._all():
            member.raise_error()
