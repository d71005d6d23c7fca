"""How many requests may leave.

The broker counts by its own clock's seconds and minutes, wherever they begin; a local exchange's pass as fast as its
market's. Requests leave one after another, so what the broker counts lies between the first byte and the reply: a
stretch that is measured from the end of each request holds for every delay on the way.

Entries have a lower bound, so that there is always room for exits and cancels. An entry beyond it is refused, never
queued: it would leave on old data. Exits and cancels wait for their turn.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from kitev3.broker.interface import Kind

SECOND_NS = 1_000_000_000
MINUTE = 60  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Requests per second and minute of the broker's clock and per market day.

    Kite allows 10 orders a second, 400 a minute, 5,000 a day; and 10 reads a second to all who read with the same key.
    """

    entries_second_max: int = 8
    all_second_max: int = 10
    entries_minute_max: int = 320
    all_minute_max: int = 400
    entries_day_max: int = 4_000
    all_day_max: int = 5_000
    reads_second_max: int = 8

    def __post_init__(self) -> None:
        for entries, everything in (
            (self.entries_second_max, self.all_second_max),
            (self.entries_minute_max, self.all_minute_max),
            (self.entries_day_max, self.all_day_max),
        ):
            if not 0 < entries < everything:
                raise ValueError("entries must leave room for exits: 0 < entries_*_max < all_*_max")
        if self.reads_second_max <= 0:
            raise ValueError("reads_second_max must be above 0")


class Pace:
    """The requests that have left lately, and how the broker took them.

    Args:
        speed: seconds of the broker's clock in one of machine time.
    """

    def __init__(self, limits: Limits, speed: float = 1.0) -> None:
        self._limits = limits
        self._second_ns = int(SECOND_NS / speed) + 1  # never shorter than the broker's
        self._orders: deque[int] = deque()  # when they ended, those of the last minute, ns of machine time
        self._reads: deque[int] = deque(maxlen=limits.reads_second_max)
        self._throttled = 0  # times in a row that the broker said: too many
        self._free_ns = 0  # and when it may be asked again

    def wait_ns(self, kind: Kind, now_ns: int) -> int:
        """How long until a write of this kind may leave; 0: now."""
        limits, orders = self._limits, self._orders
        while orders and orders[0] <= now_ns - MINUTE * self._second_ns:
            orders.popleft()
        second, minute = (
            (limits.entries_second_max, limits.entries_minute_max)
            if kind == "enter"
            else (limits.all_second_max, limits.all_minute_max)
        )
        return max(
            0,
            self._free_ns - now_ns,
            self._wait(orders, second, self._second_ns, now_ns),
            self._wait(orders, minute, self._second_ns * MINUTE, now_ns),
        )

    def day_is_full(self, kind: Kind, requests_today: int) -> bool:
        """No write of this kind may leave any more today."""
        most = self._limits.entries_day_max if kind == "enter" else self._limits.all_day_max
        return requests_today >= most

    def take(self, now_ns: int) -> None:
        """A write leaves now."""
        self._orders.append(now_ns)

    def ended(self, now_ns: int, throttled: bool) -> None:
        """The write that left last has ended. When the broker found that it was one too many, others count beside us:
        nothing leaves for a second of its clock, and twice as long each time that it says so again."""
        self._orders[-1] = now_ns
        self._throttled = self._throttled + 1 if throttled else 0
        if throttled:
            self._free_ns = now_ns + self._second_ns * min(1 << (self._throttled - 1), MINUTE)

    def read_wait_ns(self, now_ns: int) -> int:
        """How long until a read may leave."""
        return max(0, self._wait(self._reads, self._limits.reads_second_max, self._second_ns, now_ns))

    def read_ended(self, now_ns: int) -> None:
        """A read has left, and its reply has come."""
        self._reads.append(now_ns)

    @staticmethod
    def _wait(times: deque[int], most: int, window_ns: int, now_ns: int) -> int:
        """Until fewer than *most* requests lie within the window: until the most-th youngest has left it."""
        return times[-most] + window_ns - now_ns if len(times) >= most else 0
