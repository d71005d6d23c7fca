"""How many order requests may leave.

The broker counts calendar seconds of its own clock, for place, modify and cancel together. Windows longer than a second
keep us within that wherever its seconds begin and however late a request arrives. Entries have a lower bound, so that
room is always left for exits and cancels; an entry beyond it is refused, never queued: it would leave on old data.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from kitev3.broker.interface import Kind

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Requests per window of machine time and per market day. Kite allows 10 a second, 400 a minute, 5,000 a day."""

    all_ns: int = _SECOND_NS * 5 // 4  # a quarter more than a second: what delay on the way may squeeze together
    entries_ns: int = _SECOND_NS  # the gate holds to a quarter more; what left it in time may come closer until here
    entries_second_max: int = 8
    all_second_max: int = 10
    entries_minute_max: int = 320
    all_minute_max: int = 400
    entries_day_max: int = 4_000
    all_day_max: int = 5_000

    def __post_init__(self) -> None:
        for entries, everything in (
            (self.entries_second_max, self.all_second_max),
            (self.entries_minute_max, self.all_minute_max),
            (self.entries_day_max, self.all_day_max),
        ):
            if not 0 < entries <= everything:
                raise ValueError("entries must leave room for exits: 0 < entries_*_max <= all_*_max")


class Pace:
    """The requests that have left lately."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._times: deque[int] = deque()  # of the last minute, ns
        self._minute_ns = 60 * _SECOND_NS

    def wait_ns(self, kind: Kind, now_ns: int) -> int:
        """How long until a request of this kind may leave; 0: now."""
        while self._times and self._times[0] <= now_ns - self._minute_ns:
            self._times.popleft()
        limits, entry = self._limits, kind == "enter"
        second = self._wait(limits.all_second_max, limits.all_ns, now_ns)
        if entry:
            second = max(second, self._wait(limits.entries_second_max, limits.entries_ns, now_ns))
        minute = self._wait(limits.entries_minute_max if entry else limits.all_minute_max, self._minute_ns, now_ns)
        return max(second, minute)

    def day_is_full(self, kind: Kind, requests_today: int) -> bool:
        """No request of this kind may leave any more today."""
        most = self._limits.entries_day_max if kind == "enter" else self._limits.all_day_max
        return requests_today >= most

    def take(self, now_ns: int) -> None:
        """A request leaves now."""
        self._times.append(now_ns)

    def _wait(self, most: int, window_ns: int, now_ns: int) -> int:
        """Until fewer than *most* requests lie within the window: until the most-th youngest has left it."""
        if len(self._times) < most:
            return 0
        return max(0, self._times[-most] + window_ns - now_ns)
