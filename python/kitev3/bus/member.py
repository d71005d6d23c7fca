"""One name on a bus, for code that is no service: a bridge, a notebook, a test.

It is a process of the house like any other, under a name of its own: it has a tape, it fills its gaps, and others fill
theirs from it. Services run under ``kitev3.runtime.process``, on the same loop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from kitev3.bus import EventBus, Hearer
from kitev3.bus.loop import Loop, LoopTiming
from kitev3.bus.requests import Requests
from kitev3.bus.topology import base, matches, matching
from kitev3.bus.transport import PolledTransport
from kitev3.contracts import BY_TOPIC, TOPIC_OF, Clock
from kitev3.errors import ConfigError
from kitev3.events import Event
from kitev3.runtime.handler import Handler
from kitev3.runtime.runner import Runner
from kitev3.runtime.service import Context, ServiceSpec

STOP_S_MAX = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nothing:
    """No settings."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one handler wants to hear."""

    patterns: tuple[str, ...]
    handler: Hearer
    own: bool

    @classmethod
    def of(cls, topic: str | Collection[str], handler: Hearer, own: bool) -> Subscription:
        """ConfigError for a pattern that means no topic."""
        patterns = (topic,) if isinstance(topic, str) else tuple(topic)
        for pattern in patterns:
            if not matching(pattern):
                raise ConfigError(f"no topic {pattern!r}: one by its name, `execution.*` by segments, or `*`")
        return cls(patterns, handler, own)


class Switch(Handler):
    """One handler of many: each subscription's, in their order.

    Args:
        name: under which they speak.
        turn: held while one of them is called.
    """

    def __init__(self, name: str, subscriptions: Sequence[Subscription], turn: threading.Lock | None = None) -> None:
        self.name, self.subscriptions = name, subscriptions
        self._turn = turn or threading.Lock()
        topics = (topic for one in subscriptions for pattern in one.patterns for topic in matching(pattern))
        super().__init__(dict.fromkeys(topics, self.hear))

    def hear(self, event: Event) -> Iterator[Any]:
        is_own = base(event.source) == base(self.name)
        wanting = (
            one.handler
            for one in self.subscriptions
            if (one.own or not is_own) and any(matches(pattern, event.type) for pattern in one.patterns)
        )
        with self._turn:
            for handler in dict.fromkeys(wanting):
                yield from handler(event) or ()

    def spec(self) -> ServiceSpec:
        """As a service."""
        return ServiceSpec(
            name=base(self.name),
            config=_Nothing,
            handler=lambda context, config: self,
            only=(*self.topics, "control.clock"),
            hears_own=any(one.own for one in self.subscriptions),
        )


class Member(EventBus):
    """Subscribe first, then ``start`` (a thread) or ``run`` (this one).

    Args:
        name: under which it is a source; of a service only if that service does not run.
        connect: makes the transport, not open yet.
        clock: what its market time is; it stands at the context's start until one is heard.
    """

    def __init__(
        self,
        name: str,
        context: Context,
        connect: Callable[[ServiceSpec], PolledTransport],
        *,
        timing: LoopTiming,
        settings: Mapping[str, Any] = MappingProxyType({}),
        clock: Clock | None = None,
        turn: threading.Lock | None = None,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.error: BaseException | None = None  # what a handler raised in the bus's thread
        self._context, self._connect, self._timing, self._settings, self._clock = (
            context,
            connect,
            timing,
            settings,
            clock,
        )
        self.turn, self._ended = turn or threading.Lock(), ended
        self._subscriptions: list[Subscription] = []
        self._runner: Runner | None = None
        self._loop: Loop | None = None
        self._thread: threading.Thread | None = None
        self._opened = threading.Event()

    def subscribe(self, topic: str | Collection[str], handler: Hearer, *, name: str = "", own: bool = False) -> None:
        if self.has_begun:
            raise RuntimeError("this bus runs: subscribe before it starts")
        if name not in ("", self.name):
            raise ConfigError(f"this bus speaks as {self.name}; {name} needs one of its own")
        self._subscriptions.append(Subscription.of(topic, handler, own))

    def publish(self, topic: str, payload: Any) -> None:
        if topic != TOPIC_OF.get(type(payload)):
            raise TypeError(f"{type(payload).__name__} is the payload of {TOPIC_OF.get(type(payload))}, not of {topic}")
        if base(self.name) not in (speakers := BY_TOPIC[topic].speakers):
            raise ConfigError(f"{self.name} does not say {topic}: {' and '.join(speakers)} does")
        if self._runner is None:
            raise RuntimeError("this bus does not run yet")
        self._runner.post(payload)

    @property
    def has_begun(self) -> bool:
        return self._loop is not None or self._thread is not None

    @property
    def is_this_thread(self) -> bool:
        """Whether who asks is called by this member."""
        return self._thread is threading.current_thread()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run_in_thread, name=f"bus of {self.name}", daemon=True)
        self._thread.start()
        self._opened.wait()
        self.raise_error()

    def stop(self) -> None:
        self.end()
        self.join()
        self.raise_error()

    def end(self) -> None:
        """Has the loop end after what has arrived."""
        if self._loop is not None:
            self._loop.stop()
            self._loop.transport.wake()

    def join(self) -> None:
        """Waits for the thread's end."""
        if self._thread is not None:
            self._thread.join(STOP_S_MAX)

    def raise_error(self) -> None:
        """What a handler raised."""
        if self.error is not None:
            raise self.error

    def run(self) -> None:
        """Opens the tape, takes up every source, delivers until ``stop``, closes all."""
        spec = Switch(self.name, self._subscriptions, self.turn).spec()
        transport = self._connect(spec)
        runner = Runner(
            spec,
            self._context,
            _Nothing(),
            clock=time.monotonic_ns,
            transport=transport,
            about={"settings": dict(self._settings)},
            name=self.name,
        )
        requests = Requests(runner, missing=tuple)
        self._loop = Loop(runner, transport, self._timing, answer=requests.answer)
        try:
            runner.recover()
            transport.open()
            runner.begin()
            if self._clock is not None:
                runner.control(self._clock)
            for link in transport.links:
                runner.join(link.source)
            self._runner = runner
            self._opened.set()
            self._loop.run()
            runner.close()
        except Exception as error:
            if (in_hand := runner.runtime.in_hand) is not None:
                error.add_note(f"{self.name} was handling {in_hand[0]} {in_hand[2]} of {in_hand[1]}")
            raise
        finally:
            transport.close()

    def _run_in_thread(self) -> None:
        try:
            self.run()
        except BaseException as error:
            self.error = error
        finally:
            self._opened.set()
            self._ended()
