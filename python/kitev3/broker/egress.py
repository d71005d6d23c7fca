"""The one door by which a write leaves, with the checks that must come last.

A process may pause anywhere: between the gate's verdict and the socket lies any length of time. So the latch, the epoch
and the deadline are looked at again right before the first byte, after the records of the attempt are on the disk. A
refusal here is definite: nothing was sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from kitev3.account.account import Account
from kitev3.account.latch import LatchState
from kitev3.broker.classify import Finding
from kitev3.broker.interface import Permit
from kitev3.broker.pace import Limits, Pace
from kitev3.errors import Refused

_LOWEST = {"enter": LatchState.ACTIVE, "exit": LatchState.REDUCING, "cancel": LatchState.HALTED}


class Egress:
    """Lets a permit through once, or refuses it.

    Args:
        clock_ns: machine time.
        sync: returns when all that is on the tape is on the disk.
        pace: in which requests may leave.
    """

    def __init__(
        self, account: Account, clock_ns: Callable[[], int], sync: Callable[[], None], pace: Pace | None = None
    ) -> None:
        self._account = account
        self._clock_ns = clock_ns
        self._sync = sync
        self._pace = pace or Pace(Limits())
        self._used: set[_Key] = set()
        self._leaving: _Key | None = None

    def wait_ns(self, permit: Permit) -> int:
        """How long a write should wait for its turn. Entries never wait: beyond the pace they are refused."""
        return 0 if permit.kind == "enter" else self._pace.wait_ns(permit.kind, self._clock_ns())

    def refusal(self, permit: Permit) -> str:
        """Why the permit would not be let through now; empty when it would."""
        now_ns = self._clock_ns()
        if why := self._forbidden(permit, now_ns):
            return why
        if _key(permit) in self._used:
            return f"{permit.verb} {permit.tag} attempt {permit.attempt} has left before"
        if self._pace.wait_ns(permit.kind, now_ns):
            return f"the pace is reached: no further {permit.kind} now"
        if self._pace.day_is_full(permit.kind, self._account.requests_today):
            return f"the day's requests are used up: no further {permit.kind} today"
        return ""

    def let_through(self, permit: Permit) -> None:
        """Returns when the first byte may leave, at once.

        Raises:
            Refused: nothing was sent, and nothing may be under this permit.
        """
        if why := self.refusal(permit):
            raise Refused(why)
        self._leaving = _key(permit)
        self._used.add(self._leaving)
        self._pace.take(self._clock_ns())
        self._account.count_request()
        self._sync()
        if why := self._forbidden(permit, self._clock_ns()):  # a sync can be slow, and a pause may fall into it
            raise Refused(why)

    def ended(self, finding: Finding) -> None:
        """What the write came to that was asked for last. One that the broker did not take may leave once more."""
        key, self._leaving = self._leaving, None
        if key is None:
            return  # it was not let through
        throttled = finding.outcome == "throttled"
        self._pace.ended(self._clock_ns(), throttled)
        if throttled:
            self._used.discard(key)

    def read_wait_ns(self) -> int:
        """How long a read should wait for its turn."""
        return self._pace.read_wait_ns(self._clock_ns())

    def read_ended(self) -> None:
        """A read has been answered, or has failed."""
        self._pace.read_ended(self._clock_ns())

    def _forbidden(self, permit: Permit, now_ns: int) -> str:
        """What can change at any moment."""
        if permit.epoch != self._account.epoch:
            return f"the permit is of epoch {permit.epoch}, the account is in epoch {self._account.epoch}"
        latch = self._account.latch.read()
        if latch < _LOWEST[permit.kind]:
            return f"the latch is {latch.name}: {permit.kind} does not leave"
        if now_ns >= permit.deadline_ns:
            return f"the deadline passed {(now_ns - permit.deadline_ns) // 1_000_000} ms ago"
        return ""


_Key: TypeAlias = tuple[str, str, int]


def _key(permit: Permit) -> _Key:
    """What may leave once. A cancel and a modify have attempts; a tag is placed once, whatever the attempt says."""
    return permit.tag, permit.verb, 0 if permit.verb == "place" else permit.attempt
