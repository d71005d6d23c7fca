"""The bus of one process: threads and queues for development, or stepped: without threads, in the order of publishing.

Nothing is taped here and nothing outlives the process. A late hearer still joins as the contracts say, from what the
bus has kept of the day.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from kitev3._core import TickBatch
from kitev3.bus import EventBus, Hearer
from kitev3.bus.topology import matches, matching
from kitev3.contracts import BY_TOPIC, TOPIC_OF
from kitev3.errors import ConfigError
from kitev3.events import Event

QUEUE_MAX = 100_000  # events that one hearer may be behind
KEPT_MAX = 1_000_000  # events of the day that a late hearer may ask for


@dataclass
class _Mailbox:
    """One hearer: what it is called with, and what it has not been called with yet."""

    name: str
    handler: Hearer
    own: bool
    patterns: list[str] = field(default_factory=list)
    waiting: deque[Event] = field(default_factory=deque)
    thread: threading.Thread | None = None

    def wants(self, event: Event) -> bool:
        return (self.own or event.source != self.name) and any(matches(p, event.type) for p in self.patterns)


class InMemoryEventBus(EventBus):
    """Order per source holds, also over topics: one queue, and one thread, per hearer.

    Args:
        name: who publishes, unless ``publish`` is told otherwise.
        threads: False: nothing is delivered until ``run``, and then in the order of publishing.
        clock: market time of what is published.
    """

    def __init__(
        self,
        name: str = "local",
        *,
        mode: str = "sim",
        account: str = "local",
        threads: bool = True,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name, self.mode, self.account = name, mode, account
        self._threads, self._clock = threads, clock
        self._mailboxes: list[_Mailbox] = []
        self._numbers: dict[str, itertools.count[int]] = {}
        self._topic_numbers: dict[tuple[str, str], itertools.count[int]] = {}
        self._kept = _Kept()
        self._state = threading.Condition()
        self._handling = threading.local()
        self._undelivered = 0
        self._running = self._stopping = False
        self._error: BaseException | None = None

    def publish(self, topic: str, payload: Any, *, name: str = "") -> None:
        if getattr(self._handling, "event", None) is not None:
            raise RuntimeError("a handler yields what it has to say; publish is for code outside services")
        if topic != TOPIC_OF.get(type(payload)):
            raise TypeError(f"{type(payload).__name__} is the payload of {TOPIC_OF.get(type(payload))}, not of {topic}")
        self._say(name or self.name, payload, None)

    def subscribe(self, topic: str, handler: Hearer, *, name: str = "", own: bool = False) -> None:
        if not matching(topic):
            raise ConfigError(f"no topic {topic!r}: one by its name, `execution.*` by segments, or `*`")
        with self._state:
            mailbox = next((m for m in self._mailboxes if m.handler == handler), None)
            if mailbox is None:
                mailbox = _Mailbox(name or self.name, handler, own)
                self._mailboxes.append(mailbox)
                if self._running:
                    self._begin(mailbox)
            kept = self._kept.events()
            had = {self._kept.place(event) for event in kept if mailbox.wants(event)}
            mailbox.patterns.append(topic)
            for event in kept:
                if mailbox.wants(event) and self._kept.place(event) not in had:
                    self._put(mailbox, event)
            mailbox.waiting = deque(sorted(mailbox.waiting, key=self._kept.place))

    def start(self) -> None:
        with self._state:
            self._running = True
            for mailbox in self._mailboxes:
                self._begin(mailbox)

    def run(self) -> None:
        if not self._threads:
            self._step()
            return
        if not self._running:
            self.start()
        with self._state:
            self._state.wait_for(lambda: self._stopping or self._error is not None)
        self._raise()

    def stop(self) -> None:
        if not self._threads:
            self._step()
            return
        with self._state:
            self._state.wait_for(lambda: self._undelivered == 0 or self._error is not None or not self._running)
            self._stopping = True
            self._state.notify_all()
        for mailbox in self._mailboxes:
            if mailbox.thread is not None and mailbox.thread is not threading.current_thread():
                mailbox.thread.join()
        self._running = False
        self._raise()

    # --- the inside ---

    def _say(self, source: str, payload: Any, cause: Event | None) -> None:
        topic = TOPIC_OF[type(payload)]
        with self._state:
            if self._stopping:
                raise RuntimeError("the bus is stopped")
            event = Event(
                topic,
                payload,
                source=source,
                ts=self._clock(),
                seq=next(self._numbers.setdefault(source, itertools.count(1))),
                topic_seq=next(self._topic_numbers.setdefault((source, topic), itertools.count(1))),
                cause=None if cause is None else cause.event_id,
                mode=self.mode,
                mono_ns=time.monotonic_ns(),
                account=self.account,
            )
            self._kept.add(event)
            for mailbox in self._mailboxes:
                if mailbox.wants(event):
                    self._put(mailbox, event)

    def _put(self, mailbox: _Mailbox, event: Event) -> None:
        if len(mailbox.waiting) >= QUEUE_MAX:
            raise RuntimeError(f"{mailbox.name} is {QUEUE_MAX} events behind")
        mailbox.waiting.append(event)
        self._undelivered += 1
        self._state.notify_all()

    def _begin(self, mailbox: _Mailbox) -> None:
        if self._threads and mailbox.thread is None:
            mailbox.thread = threading.Thread(target=self._deliver, args=(mailbox,), name=mailbox.name, daemon=True)
            mailbox.thread.start()

    def _deliver(self, mailbox: _Mailbox) -> None:
        while True:
            with self._state:
                self._state.wait_for(lambda: mailbox.waiting or self._stopping or self._error is not None)
                if self._error is not None or not mailbox.waiting:
                    return
                event = mailbox.waiting.popleft()
            try:
                self._hand(mailbox, event)
            except BaseException as error:
                with self._state:
                    self._error = error
                    self._state.notify_all()
                return
            with self._state:
                self._undelivered -= 1
                self._state.notify_all()

    def _step(self) -> None:
        while waiting := [mailbox for mailbox in self._mailboxes if mailbox.waiting]:
            mailbox = min(waiting, key=lambda m: self._kept.place(m.waiting[0]))
            self._hand(mailbox, mailbox.waiting.popleft())
            self._undelivered -= 1

    def _hand(self, mailbox: _Mailbox, event: Event) -> None:
        self._handling.event = event
        try:
            for payload in mailbox.handler(event) or ():
                self._say(mailbox.name, payload, event)
        except Exception as error:
            error.add_note(f"{mailbox.name} was handling {event.type} {event.event_id} of {event.source}")
            raise
        finally:
            self._handling.event = None

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error


class _Kept:
    """What a late hearer takes of the day: each topic as its contract says."""

    def __init__(self) -> None:
        self._order = itertools.count()
        self._places: dict[tuple[str, int], int] = {}
        self._day: list[Event] = []
        self._rows: dict[tuple[str, str, Any], Event] = {}
        self._ticks: dict[str, dict[int, TickBatch]] = {}
        self._last_ticks: dict[str, Event] = {}

    def add(self, event: Event) -> None:
        self._places[event.source, event.seq] = next(self._order)
        join = BY_TOPIC[event.type].join
        if isinstance(event.payload, TickBatch):
            self._ticks.setdefault(event.source, {}).update(dict.fromkeys(event.payload.token.tolist(), event.payload))
            self._last_ticks[event.source] = event
        elif join == "day":
            if len(self._day) >= KEPT_MAX:
                raise RuntimeError(f"more than {KEPT_MAX} events in a day: this bus is for development")
            self._day.append(event)
        elif join.startswith("keyed:"):
            name = join.partition(":")[2]
            key = event.source if name == "source" else getattr(event.payload, name)
            self._rows[event.source, event.type, key] = event

    def place(self, event: Event) -> int:
        """The order of publishing."""
        return self._places[event.source, event.seq]

    def events(self) -> list[Event]:
        """In the order of publishing."""
        return sorted([*self._day, *self._rows.values(), *self._newest_ticks()], key=self.place)

    def _newest_ticks(self) -> Iterable[Event]:
        for source, batches in self._ticks.items():
            last = self._last_ticks[source]
            ticks = [next(t for t in reversed(list(batch)) if t.token == token) for token, batch in batches.items()]
            yield Event(
                last.type,
                TickBatch.from_ticks(ticks),
                source=source,
                ts=last.ts,
                seq=last.seq,
                topic_seq=last.topic_seq,
                mode=last.mode,
                mono_ns=last.mono_ns,
            )
