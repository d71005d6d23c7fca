"""The bus: who says what reaches who hears it, in the order in which it was said.

``InMemoryEventBus`` (threads and queues of one process, for development) and ``ZmqEventBus`` (processes of one machine)
run the same runner and loop over another ``Transport``; ``SteppedBus`` steps runners in one thread, in a defined order:
tests, backtest, replay. Services do not call a bus: their process does, with what their handlers yield. Code outside
services (bridges, notebooks) may.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeAlias

from kitev3.events import Event

Hearer: TypeAlias = Callable[[Event], Iterable[Any] | None]
"""What is subscribed: what it yields is published; None is nothing."""


class EventBus(ABC):
    """Publish and subscribe by topic."""

    @abstractmethod
    def publish(self, topic: str, payload: Any) -> None:
        """Says *payload*, whose class must be the topic's. Within a handler it raises: a handler yields instead."""

    @abstractmethod
    def subscribe(self, topic: str | Collection[str], handler: Hearer, *, name: str = "", own: bool = False) -> None:
        """Calls *handler* with each event of *topic*: a name, ``execution.*`` by segments, ``*`` for all, or several.

        Args:
            name: under which what it yields is said; the bus's own unless given.
            own: also what is said under that name.
        """

    @abstractmethod
    def start(self) -> None:
        """Begins to deliver, in threads of the bus."""

    @abstractmethod
    def stop(self) -> None:
        """Delivers what is on its way, then releases everything. Raises what a handler raised."""

    @abstractmethod
    def run(self) -> None:
        """Delivers until the bus is stopped. Raises what a handler raised."""
