"""Which faults are active, and the seeded draw of when each happens."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kitev3.errors import ConfigError
from kitev3.services.kitesim.faults.fault import Fault, Happening
from kitev3.system import settings

ACTIVE_MAX = 100
HAPPENED_MAX = 100  # happenings that are remembered for people; the oldest is forgotten first
TOUCHED_MAX = 10_000  # orders of which is remembered what happened to them; likewise
MS_NS = 1_000_000


@dataclass(slots=True, eq=False)
class Active:
    """A fault that is on, and how often it has been looked at and has happened."""

    id: int
    fault: Fault
    seen: int = 0
    happened: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def draw(self) -> bool:
        """Whether it happens this time."""
        fault = self.fault
        self.seen += 1
        if self.seen <= fault.after or (fault.count and self.happened >= fault.count):
            return False
        # Drawn only where it matters, so that a certain fault's own choices do not depend on how often it was asked.
        if fault.probability < 1 and fault.random.random() >= fault.probability:
            return False
        self.happened += 1
        return True

    def row(self) -> dict[str, Any]:
        """For people."""
        where = {name: text for name, text in settings.plain(self.fault.where).items() if text}
        own = {name: value for name, value in settings.plain(self.fault).items() if name not in ("where", "random")}
        counts = {"id": self.id, "name": self.fault.NAME, "seen": self.seen, "happened": self.happened}
        return counts | own | ({"where": where} if where else {})


@dataclass(frozen=True, slots=True)
class Happened:
    """That a fault happened, when by the market, and to what."""

    name: str
    at_ns: int
    to: Happening

    def row(self) -> dict[str, Any]:
        """For people."""
        to = self.to
        what = " ".join(filter(None, (to.method, to.route, to.frames, to.symbol)))
        return {
            "name": self.name,
            "at_ms": self.at_ns // MS_NS,
            "kind": to.kind,
            "what": what,
            "order": to.order,
            "tag": to.tag,
        }


class Board:
    """The faults that are on, in the order in which they were switched on.

    Args:
        now_ns: market time, for people.
    """

    def __init__(self, seed: int, now_ns: Callable[[], int] = lambda: 0) -> None:
        self.seed, self.now_ns = seed, now_ns
        self.active: list[Active] = []
        self.happened: deque[Happened] = deque(maxlen=HAPPENED_MAX)
        self.touched: dict[str, dict[str, None]] = {}  # order_id -> names of faults, each once, in their order
        self._made: Counter[str] = Counter()

    def add(self, fault: Fault) -> Active:
        """Switches one on. Its draws are the same in each run with this seed. ConfigError: there are too many."""
        if len(self.active) >= ACTIVE_MAX:
            raise ConfigError(f"{ACTIVE_MAX} faults are active already")
        self._made[fault.NAME] += 1
        fault.random.seed(f"{self.seed} {fault.NAME} {self._made[fault.NAME]}")
        active = Active(sum(self._made.values()), fault)
        self.active.append(active)
        return active

    def remove(self, name: str | None = None) -> int:
        """Switches off those of a name, or all; how many there were."""
        return self._end([active for active in self.active if name in (None, active.fault.NAME)])

    def remove_one(self, number: int) -> int:
        """Switches off the one with this number; how many there were."""
        return self._end([active for active in self.active if active.id == number])

    def _end(self, gone: list[Active]) -> int:
        for active in gone:
            self.active.remove(active)
            active.ended.set()
        return len(gone)

    def drawn(self, happening: Happening) -> list[Fault]:
        """Those that happen to it."""
        if not self.active:
            return []
        faults = [one.fault for one in self.active if one.fault.selects(happening) and one.draw()]
        if faults:
            now_ns = self.now_ns()
            self.happened.extend(Happened(fault.NAME, now_ns, happening) for fault in faults)
            if happening.order:
                self.touch(happening.order, faults)
        return faults

    def touch(self, order_id: str, faults: list[Fault]) -> None:
        """Remembers which faults happened to an order: to its request before it had an id, or to what is said of it."""
        if not faults:
            return
        while order_id not in self.touched and len(self.touched) >= TOUCHED_MAX:
            del self.touched[next(iter(self.touched))]
        self.touched.setdefault(order_id, {}).update((fault.NAME, None) for fault in faults)

    def on(self, fault: Fault) -> bool:
        """Whether it is still switched on."""
        return any(one.fault is fault for one in self.active)

    async def ended(self, fault: Fault, seconds_max: float | None) -> None:
        """Waits until it is switched off, or for so long."""
        active = next((one for one in self.active if one.fault is fault), None)
        if seconds_max is not None:
            await asyncio.sleep(seconds_max)
        elif active is not None:
            await active.ended.wait()
