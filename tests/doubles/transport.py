"""A transport that reaches nobody."""

from __future__ import annotations

from collections.abc import Callable

from kitev3.bus.transport import Transport


class Recording(Transport):
    """Keeps what is sent."""

    offers = frozenset({"publish", "work"})

    def __init__(self, frames: list[bytes], wake: Callable[[], None] = lambda: None) -> None:
        self.frames, self._wake = frames, wake

    def send(self, frame: bytes, worker: str | None) -> None:
        self.frames.append(frame)

    def wake(self) -> None:
        self._wake()
