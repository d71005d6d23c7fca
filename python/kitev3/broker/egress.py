"""The one door by which a write leaves, with the checks that must come last.

A process may pause anywhere: between the gate's verdict and the socket lies any length of time. So the latch, the epoch
and the deadline are looked at again right before the first byte, after the records of the attempt are on the disk. A
refusal here is definite: nothing was sent.
"""

from __future__ import annotations

from collections.abc import Callable

from kitev3.account import Account
from kitev3.broker.interface import Permit
from kitev3.broker.pace import Limits, Pace
from kitev3.errors import Refused
from kitev3.latch import LatchState

_LOWEST = {"enter": LatchState.ACTIVE, "exit": LatchState.REDUCING, "cancel": LatchState.HALTED}


class Egress:
    """Lets a permit through once, or refuses it.

    Args:
        clock_ns: machine time.
        sync: returns when all that is on the tape is on the disk.
    """

    def __init__(
        self, account: Account, clock_ns: Callable[[], int], sync: Callable[[], None], limits: Limits | None = None
    ) -> None:
        self._account = account
        self._clock_ns = clock_ns
        self._sync = sync
        self._pace = Pace(limits or Limits())
        self._used: set[tuple[str, str, int]] = set()

    def wait_ns(self, permit: Permit) -> int:
        """How long a write should wait for its turn. Entries never wait: beyond the pace they are refused."""
        return 0 if permit.kind == "enter" else self._pace.wait_ns(permit.kind, self._clock_ns())

    def let_through(self, permit: Permit) -> None:
        """Returns when the first byte may leave, at once.

        Raises:
            Refused: nothing was sent, and nothing may be under this permit.
        """
        self._refuse_unless_allowed(permit)  # first without the sync: what cannot leave costs nothing
        self._take(permit)
        self._sync()
        self._refuse_unless_allowed(permit)  # a sync can be slow, and a pause may have fallen into it

    def _refuse_unless_allowed(self, permit: Permit) -> None:
        if permit.epoch != self._account.epoch:
            raise Refused(f"the permit is of epoch {permit.epoch}, the account is in epoch {self._account.epoch}")
        latch = self._account.latch.read()
        if latch < _LOWEST[permit.kind]:
            raise Refused(f"the latch is {latch.name}: {permit.kind} does not leave")
        late_ns = self._clock_ns() - permit.deadline_ns
        if late_ns >= 0:
            raise Refused(f"the deadline passed {late_ns // 1_000_000} ms ago")

    def _take(self, permit: Permit) -> None:
        # A cancel may be repeated and a modify has attempts; an order's tag is placed once, whatever the attempt says.
        key = (permit.tag, permit.verb, 0 if permit.verb == "place" else permit.attempt)
        if key in self._used:
            raise Refused(f"{permit.verb} {permit.tag} attempt {permit.attempt} has left before")
        now_ns = self._clock_ns()
        if self._pace.wait_ns(permit.kind, now_ns):
            raise Refused(f"the pace is reached: no further {permit.kind} now")
        if self._pace.day_is_full(permit.kind, self._account.requests_today):
            raise Refused(f"the day's requests are used up: no further {permit.kind} today")
        self._used.add(key)
        self._pace.take(now_ns)
        self._account.count_request()
