"""The bus of one machine, for code that is no service: a bridge, a notebook, a test.

It is a process of the house like any other, under a name of its own: it has a tape, it fills its gaps, and others fill
theirs from it. Services run under ``kitev3.runtime.process``, on the same loop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import zmq

from kitev3.bus import EventBus, Hearer
from kitev3.bus.loop import Loop, Pace
from kitev3.bus.requests import Requests
from kitev3.bus.topology import matches, matching
from kitev3.bus.zmq_transport import ZmqTransport
from kitev3.contracts import TOPIC_OF
from kitev3.errors import ConfigError
from kitev3.events import Event
from kitev3.runtime.handler import Handler
from kitev3.runtime.runner import Runner
from kitev3.runtime.service import Context, ServiceSpec

HIGH_WATER = 100_000
STOP_S_MAX = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nothing:
    """No settings."""


class _Switch(Handler):
    """One handler of many: each subscription's, in their order."""

    def __init__(self, subscriptions: Sequence[tuple[str, Hearer]]) -> None:
        self.subscriptions = subscriptions
        topics = (topic for pattern, _ in subscriptions for topic in matching(pattern))
        super().__init__(dict.fromkeys(topics, self.hear))

    def hear(self, event: Event) -> Iterator[Any]:
        called: list[Hearer] = []
        for pattern, handler in self.subscriptions:
            if matches(pattern, event.type) and handler not in called:
                called.append(handler)
                yield from handler(event) or ()


class ZmqEventBus(EventBus):
    """Subscribe first, then ``start`` (a thread) or ``run`` (this one).

    Args:
        name: under which it is a source; of a service only if that service does not run.
        sockets: the folder of the system's sockets.
        senders: the services that run.
    """

    def __init__(
        self,
        name: str,
        context: Context,
        sockets: Path,
        *,
        senders: Collection[str],
        pace: Pace | None = None,
        high_water: int = HIGH_WATER,
        settings: Mapping[str, Any] = MappingProxyType({}),
        zmq_context: zmq.Context[Any] | None = None,
    ) -> None:
        self.name = name
        self._context, self._folder, self._senders = context, sockets, senders
        self._pace, self._high_water, self._settings = pace or Pace(), high_water, settings
        self._zmq = zmq_context
        self._subscriptions: list[tuple[str, Hearer]] = []
        self._own = False
        self._runner: Runner | None = None
        self._loop: Loop | None = None
        self._thread: threading.Thread | None = None
        self._opened = threading.Event()
        self.error: BaseException | None = None  # what a handler raised in the bus's thread

    def subscribe(self, topic: str, handler: Hearer, *, name: str = "", own: bool = False) -> None:
        if self._runner is not None:
            raise RuntimeError("this bus runs: subscribe before it starts")
        if name not in ("", self.name):
            raise ConfigError(f"this bus speaks as {self.name}; {name} needs one of its own")
        if not matching(topic):
            raise ConfigError(f"no topic {topic!r}: one by its name, `execution.*` by segments, or `*`")
        self._subscriptions.append((topic, handler))
        self._own = self._own or own

    def publish(self, topic: str, payload: Any) -> None:
        if topic != TOPIC_OF.get(type(payload)):
            raise TypeError(f"{type(payload).__name__} is the payload of {TOPIC_OF.get(type(payload))}, not of {topic}")
        if self._runner is None:
            raise RuntimeError("this bus does not run yet")
        self._runner.post(payload)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run_in_thread, name=f"bus of {self.name}", daemon=True)
        self._thread.start()
        self._opened.wait()
        self._raise()

    def stop(self) -> None:
        if self._loop is not None:
            self._loop.stop()
        if self._thread is not None:
            self._thread.join(STOP_S_MAX)
        self._raise()

    def run(self) -> None:
        """Opens the tape, takes up every source, delivers until ``stop``, closes all."""
        handler = _Switch(self._subscriptions)
        topics = tuple(handler.topics)
        spec = ServiceSpec(
            name=self.name,
            config=_Nothing,
            handler=lambda context, config: handler,
            only=(*topics, "control.clock"),
            hears_own=self._own,
        )
        transport = ZmqTransport(spec, self._senders, self._folder, high_water=self._high_water, context=self._zmq)
        runner = Runner(
            spec,
            self._context,
            _Nothing(),
            clock=time.monotonic_ns,
            transport=transport,
            about={"settings": dict(self._settings)},
        )
        requests = Requests(runner, missing=tuple)
        self._loop = Loop(runner, transport, self._pace, answer=requests.answer)
        try:
            runner.recover()
            transport.open()
            runner.begin()
            for link in transport.links:
                runner.join(link.source)
            self._runner = runner
            self._opened.set()
            self._loop.run()
            runner.close()
        finally:
            transport.close()

    def _run_in_thread(self) -> None:
        try:
            self.run()
        except BaseException as error:
            self.error = error
        finally:
            self._opened.set()

    def _raise(self) -> None:
        if self.error is not None:
            raise self.error
