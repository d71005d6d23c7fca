"""A service at work: its runtime, driver, timers and watch. What is still missing is how messages come and go.

That is a transport's affair: the process hangs one on a runner, the stepped bus a queue; all run the same lines below.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from kitev3._core import Event
from kitev3.bus.transport import Transport
from kitev3.contracts import TOPIC_OF, Epoch, Timer
from kitev3.runtime.service import Context, Driver, ServiceSpec, World
from kitev3.runtime.setup import SEGMENT_BYTES, open_runtime

Said: TypeAlias = list[tuple[bytes, str | None, Event | None]]

INBOX_MAX = 100_000  # what the world may have said while one event is handled
NEVER_NS = 1 << 62


@dataclass(frozen=True, slots=True)
class _Died:
    """What a thread of the driver's has died of."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class _Posted:
    """Something to be said that no event made."""

    payload: Any


class Runner(World):
    """One service, hung up. All but ``put`` and ``sync`` belong to the thread that opened it."""

    def __init__(
        self,
        spec: ServiceSpec,
        context: Context,
        config: Any,
        *,
        clock: Callable[[], int],
        transport: Transport,
        about: Mapping[str, Any],
        name: str = "",
        driver: Driver | None = None,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        """Opens the tape. *clock* is machine time."""
        self.spec = spec
        self.name = name or spec.name
        self.session = context.session
        self.handler = spec.handler(context, config)
        if driver is None and spec.driver is not None:
            driver = spec.driver(context, config)
        self.driver = driver
        self.runtime = open_runtime(
            spec,
            context,
            self.handler,
            name=self.name,
            about=about,
            driven=driver.topics if driver else (),
            offers_work="work" in transport.offers,
            ask=transport.ask,
            segment_bytes=segment_bytes,
        )
        self._clock = clock
        self._transport = transport
        self._watch = spec.watch(context, config) if spec.watch else None
        self._every = dict(spec.timers_of(config))
        self._due: dict[str, int] = {}
        self._inbox: deque[Any] = deque()
        self._busy = False
        self._owner = threading.get_ident()
        self._sync = self.runtime.sync_handle()

    # --- life ---

    def recover(self) -> None:
        """Comes back to where the tape ends. Nothing is sent: hearers find it on the tape."""
        self.runtime.recover()

    def begin(self, *, begins_run: bool = False) -> None:
        """Begins an epoch, and tells the handler so; *begins_run* when it is the first of a run."""
        now_ns = self._clock()
        epoch, after_seq = self.runtime.begin(now_ns, begins_run=begins_run)
        self._sync = self.runtime.sync_handle()  # a new day has another tape
        self._due = {name: now_ns + every_ns for name, every_ns in self._every.items()}
        if TOPIC_OF[Epoch] in self.handler.topics:
            self.put(Epoch(epoch, after_seq, begins_run))

    def open(self) -> None:
        """Lets the driver begin."""
        if self.driver is not None:
            self.driver.open(self)

    def close(self) -> None:
        """Ends the driver, then the tape."""
        if self.driver is not None:
            self.driver.close()
            self._drain()
        self.runtime.close()

    # --- what comes in ---

    def hear(self, frame: bytes) -> None:
        """A message from the bus."""
        if self._watch is not None and (seen := self._watch()) is not None:
            self.put(seen)
        self._busy = True
        said = self.runtime.hear(frame, self._clock())
        if said is not None:
            self._say(said)
        self._busy = False
        if self._inbox:
            self._drain()

    def poll(self, take: Callable[..., tuple[bool, Said | None]], *how: int) -> bool:
        """A round of the poll loop, which hears and sends by itself; whether anything came."""
        self._busy = True
        has_come, said = take(*how)
        self._finish(said)
        if self._inbox:
            self._drain()
        return has_come

    def put(self, payload: Any) -> None:
        if threading.get_ident() != self._owner:
            self._keep(payload)
            self._transport.wake()
        elif self._busy:
            self._keep(payload)
        else:
            self._do(self.runtime.world, payload)
            self._drain()

    def control(self, payload: Any) -> None:
        """A command: on the tape, and handled, when this returns."""
        self._do(self.runtime.control, payload)
        self._drain()

    def publish(self, payload: Any) -> None:
        """Says something that no event made. Within a handler it raises: a handler yields what it has to say."""
        if self._busy:
            raise RuntimeError("a handler yields what it has to say; publish is for code outside services")
        self._do(self.runtime.publish, payload)
        self._drain()

    def post(self, payload: Any) -> None:
        """``publish`` from any thread; it is said in the loop's own time."""
        if threading.get_ident() == self._owner:
            self.publish(payload)
        else:
            self._keep(_Posted(payload))
            self._transport.wake()

    def join(self, source: str) -> None:
        """Takes up a source: from where it was left, or as a late hearer."""
        self._busy = True
        self._finish(self.runtime.join(source, self._clock()))
        self._drain()

    def settle(self) -> None:
        """To be called when the PULL is empty."""
        self._busy = True
        self._finish(self.runtime.settle(self._clock()))
        self._drain()

    def look(self) -> None:
        """What other threads have put, what the watch sees, and the timers that ran out."""
        self._drain()
        if self._watch is not None and (seen := self._watch()) is not None:
            self.put(seen)
        now_ns = self._clock()
        for name, due_ns in self._due.items():
            if due_ns <= now_ns:
                # After a stall the missed ones are not made up for: a timer is a rhythm, not a count.
                self._due[name] = max(due_ns + self._every[name], now_ns + 1)
                self.put(Timer(name))

    @property
    def watched(self) -> memoryview | None:
        """The memory that the watch looks at; when it has not changed the watch sees nothing new."""
        return self._watch.word if self._watch is not None else None

    @property
    def due_ns(self) -> int:
        """Machine time at which the next timer runs out."""
        return min(self._due.values(), default=NEVER_NS)

    @property
    def drained(self) -> bool:
        """Whether handler and driver have finished what ``control.stop`` asks of them; most have nothing to finish."""
        return not self._inbox and self.handler.drained and (self.driver is None or self.driver.drained)

    def status(self) -> dict[str, Any]:
        """Plain data of handler and driver."""
        return {**self.handler.status(), **(self.driver.status() if self.driver is not None else {})}

    # --- what the driver may ask ---

    def sync(self) -> None:
        self._sync.sync()

    def mono_ns(self) -> int:
        return self._clock()

    def fail(self, error: BaseException) -> None:
        self._inbox.appendleft(_Died(error))
        self._transport.wake()

    # --- the inside ---

    def _keep(self, payload: Any) -> None:
        if len(self._inbox) >= INBOX_MAX:
            raise RuntimeError(f"{self.name}: the world has said {INBOX_MAX} things that nobody has heard")
        self._inbox.append(payload)

    def _do(self, deed: Callable[[Any, int], Said | None], payload: Any) -> None:
        self._busy = True
        self._finish(deed(payload, self._clock()))

    def _finish(self, said: Said | None) -> None:
        if said is not None:
            self._say(said)
        self._busy = False

    def _say(self, said: Said) -> None:
        # The driver first: the broker waits for it, and a hearer finds on the tape what does not come in time.
        if self.driver is not None:
            for _, _, event in said:
                if event is not None:
                    self.driver.said(event)
        for frame, worker, _ in said:
            self._transport.send(frame, worker)

    def _drain(self) -> None:
        while self._inbox:
            payload = self._inbox.popleft()
            if type(payload) is _Died:
                raise RuntimeError(f"a thread of {self.name}'s driver has died") from payload.error
            if type(payload) is _Posted:
                self._do(self.runtime.publish, payload.payload)
            else:
                self._do(self.runtime.world, payload)
