"""What a reader must be shown: the same market once more, made here.

A market is a function of seed and time, whoever trades in it. So every frame that a socket should carry is known byte
for byte without asking the exchange that is measured, and a frame that was lost, doubled, changed or out of order is
one that is not the next.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime

from kitev3._core import Exchange, Subscription
from kitev3.calendar import IST
from kitev3.runtime.clock import datetime_ns

KEPT_CUTS = 40  # a reader that is further behind than this is lost


class Shown:
    """The frames of each cut for some subscriptions.

    Args:
        clock: market time at which the exchange began, as its command line says it.
        wishes: name -> (mode, tokens from, to): the slice of what is listed.
    """

    def __init__(
        self, clock: str, wishes: dict[str, tuple[str, int, int]], seed: int = 1, frame_ms: int = 1000
    ) -> None:
        start_ns = datetime_ns(datetime.fromisoformat(clock).replace(tzinfo=IST))
        self.exchange = Exchange(
            users=["-"], market="synthetic", seed=seed, start_ns=start_ns, frame_ms=frame_ms, universe="full",
            hours="dated",
        )  # fmt: skip
        listed = self.exchange.tokens
        self.tokens = {name: listed[first:last] for name, (_, first, last) in wishes.items()}
        self.modes = {name: mode for name, (mode, _, _) in wishes.items()}
        self.subscriptions = {name: Subscription() for name in wishes}
        for name, subscription in self.subscriptions.items():
            if not subscription.set_mode(self.modes[name], self.tokens[name]):
                raise ValueError(f"{name}: more than a socket may have")
        self.frames: deque[dict[str, bytes]] = deque(maxlen=KEPT_CUTS)
        self.cut = 0  # the number of the last one made here; the first was made before anyone could come
        opened = {name: self.exchange.snapshot(one, self.tokens[name]) for name, one in self.subscriptions.items()}
        self.frames.append({name: frame for name, frame in opened.items() if frame is not None})

    def frame(self, name: str, cut: int) -> bytes:
        """The frame of a cut. KeyError for one that is forgotten."""
        while self.cut < cut:
            self._make()
        at = cut - self.cut - 1
        if -at > len(self.frames):
            raise KeyError(f"{name}: cut {cut} is forgotten; {self.cut} was the last")
        return self.frames[at][name]

    def find(self, name: str, frame: bytes, after: int, most: int) -> int | None:
        """The first cut after that one, and at most so many after it, that is shown by this frame."""
        first = max(after + 1, self.cut + 1 - len(self.frames))
        return next((cut for cut in range(first, after + most + 1) if self.frame(name, cut) == frame), None)

    def last_price(self, name: str) -> float:
        """Of an instrument, ``NSE:INFY``."""
        return float(self.exchange.ltp([name])[name]["last_price"])

    def _make(self) -> None:
        self.exchange.advance(self.exchange.next_cut_ns)
        self.cut += 1
        made = {name: self.exchange.frame(one) for name, one in self.subscriptions.items()}
        self.frames.append({name: frame for name, frame in made.items() if frame is not None})
