"""A service's own part: one event in, any number of payloads out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from kitev3._core import NativeHandler
from kitev3.events import Event

Handle: TypeAlias = Callable[[Event], Iterable[Any]]
"""What takes the events of one topic; what it yields is said."""


class Handler:
    """Keeps its state in itself and touches nothing else: the same events give the same payloads, live, on replay and
    in a backtest. What it wants done to the world it says as an event. In Rust the trait ``Handler`` is this contract.
    """

    native: Mapping[str, Any] = MappingProxyType({})
    """topic -> the part of ``_core`` that takes its plain events by itself, and says the same byte for byte."""

    def __init__(self, topics: Mapping[str, Handle]) -> None:
        """*topics*: what takes the events of each; those of other topics are nobody's. Fixed from here on."""
        self.topics: Mapping[str, Handle] = MappingProxyType(dict(topics))

    def __call__(self, event: Event) -> Iterable[Any]:
        """Whatever is said about an event."""
        handle = self.topics.get(event.type)
        return () if handle is None else handle(event)

    def snapshot(self) -> bytes | None:
        """The state, so that recovery starts there and not at the first event; None: it keeps none."""
        return None

    def restore(self, snapshot: bytes) -> None:
        """Puts it back into a state that ``snapshot`` gave."""
        raise NotImplementedError(f"{type(self).__name__} keeps no snapshot")

    def rebuild(self, event: Event) -> None:
        """Takes something that it said itself under another build or with other settings: nothing is executed again.

        After all of it the sources are taken anew, as by a late hearer: only what they cannot tell has to be rebuilt.
        """

    @property
    def drained(self) -> bool:
        """Whether it has finished what ``control.stop`` asks of it."""
        return True

    @property
    def waits_for(self) -> tuple[str, ...]:
        """What it still waits for before the session can begin, in words."""
        return ()

    def status(self) -> Mapping[str, Any]:
        """Plain data for the health answer."""
        return {}


AnyHandler: TypeAlias = Handler | NativeHandler
"""A handler in Python or one of the core: a runtime hangs up either."""
