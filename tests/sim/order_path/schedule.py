"""Virtual time: deeds in the order of their time, and of their being asked for where that is equal."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any


class Schedule:
    """A heap of deeds. Time is in milliseconds of the real world, which no process of ours can read."""

    __slots__ = ("asked", "heap", "now")

    def __init__(self) -> None:
        self.now = 0
        self.asked = 0
        self.heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []

    def at(self, time: int, deed: Callable[..., None], *words: Any) -> None:
        self.asked += 1
        heapq.heappush(self.heap, (time, self.asked, deed, words))

    def after(self, delay: int, deed: Callable[..., None], *words: Any) -> None:
        self.at(self.now + delay, deed, *words)

    def run(self, until: int) -> None:
        """Everything up to that time."""
        heap, pop = self.heap, heapq.heappop
        while heap and heap[0][0] <= until:
            self.now, _, deed, words = pop(heap)
            deed(*words)
        self.now = until
