"""The market at the clock's pace.

Cuts are made by market time, none is left out, and each frame is written before the next is made: a reader that falls
behind makes the market late, which catches up afterwards. So what is sent does not depend on anyone's speed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kitev3._core import Exchange
from kitev3.runtime.clock import MarketClock
from kitev3.services.kitesim.sockets import Sockets

NS = 1_000_000_000
SLEEP_S_MAX = 0.25  # so that a stop is seen soon, whatever the market's speed
STILL_CUTS = 100  # so many cuts that showed nobody anything new, and the market need not be looked at so often
CLOSED = "The market has closed."
TURN_CUTS_MAX = 32  # cuts made in one go when late; then others in the loop have their turn


def _nothing(cut_ns: int) -> None:
    """Nobody wants to know."""


class Stepper:
    """Moves an exchange by a clock. Until `run` the market stands at its start.

    Args:
        look: called after each step, before anyone is told of it.
    """

    def __init__(
        self, exchange: Exchange, sockets: Sockets, mono_ns: Callable[[], int], look: Callable[[], None] = lambda: None
    ) -> None:
        self.exchange, self.sockets, self.mono_ns, self.look = exchange, sockets, mono_ns, look
        self.clock: MarketClock | None = None
        # Goes on while the market stands: before the start at the machine's own speed, so that those who make ready
        # do not find one second's window full for ever; after a stop as before it.
        self.last_clock = MarketClock(exchange.now_ns, mono_ns(), 1000)
        self.before_cut: Callable[[int], None] = _nothing  # told of the market time of each cut right before it
        self._changed = asyncio.Event()
        self._still = 0  # cuts since somebody was last told something

    def run(self, clock: MarketClock) -> None:
        """The market moves by this clock from now on."""
        self.clock = self.last_clock = clock
        self._still = 0
        self._changed.set()

    def stop(self) -> None:
        """The market stands still where it is; orders still meet what was quoted last."""
        self.clock = None
        self._changed.set()

    def asked(self) -> None:
        """Something has been asked for, and may arrive before the next cut."""
        self._changed.set()

    @property
    def running(self) -> bool:
        return self.clock is not None and not self.exchange.market_ended

    def now_ns(self) -> int:
        """Market time as a request counts: the clock's, but never past the cut that is due next."""
        if self.clock is None:
            return self.exchange.now_ns
        return max(self.exchange.now_ns, min(self.clock.at_ns(self.mono_ns()), self.exchange.next_cut_ns - 1))

    def clock_ns(self) -> int:
        """Market time by the clock alone, which goes on when the market waits, is late, stopped or at its end."""
        return self.last_clock.at_ns(self.mono_ns())

    @property
    def lag_ns(self) -> int:
        """By how much market time the market is behind its clock."""
        if not self.running:
            return 0
        assert self.clock is not None
        return max(0, self.clock.at_ns(self.mono_ns()) - self.exchange.next_cut_ns)

    async def keep(self) -> None:
        """Makes the cuts, for ever."""
        cuts = 0
        while True:
            if not self.running:
                self._changed.clear()
                await self._changed.wait()
                continue
            assert self.clock is not None
            due_ns = self.exchange.next_due_ns
            arrives = due_ns < self.exchange.next_cut_ns  # an order on its way, before the next cut
            due_s = self._due_s(self.clock, due_ns)
            if due_s > 0:
                self.sockets.tell_orders()  # of what arrived before the time of a read that came first
                # A market in which nothing moves is let be; its cuts are all made, a moment later.
                await self._wait(due_s if arrives or self._still < STILL_CUTS else SLEEP_S_MAX)
                cuts = 0
                continue
            if arrives:
                self.exchange.advance(due_ns)
                self.sockets.tell_orders()
                continue
            self.before_cut(self.exchange.next_cut_ns)
            self.exchange.advance(self.exchange.next_cut_ns)
            self.look()
            told = self.sockets.cut() + self.sockets.tell_orders()
            if self.exchange.market_ended:
                self.sockets.say({"type": "message", "data": CLOSED})
            self._still = 0 if told else self._still + 1
            cuts += 1
            if self.sockets.conflating and self._due_s(self.clock, self.exchange.next_cut_ns) <= 0:
                await self.sockets.taken()
            if cuts % TURN_CUTS_MAX == 0:
                await asyncio.sleep(0)
            await self.sockets.room()

    def _due_s(self, clock: MarketClock, due_ns: int) -> float:
        """Machine seconds until a market time; 0 or less: now."""
        behind_ns = due_ns - clock.at_ns(self.mono_ns())
        return behind_ns * 1000 / clock.speed_e3 / NS

    async def _wait(self, seconds: float) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(min(seconds, SLEEP_S_MAX)):
                await self._changed.wait()
        except TimeoutError:
            pass  # it is time, or time to look again
