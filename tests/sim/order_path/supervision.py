"""Stops, targets, GTTs and exits: what to do next for what is held, so that no exit ever turns a position over.

Whatever may still fill counts as filled when the next exit's quantity is found. A stop is cancelled and read as
cancelled before an exit takes its
place; a GTT is deleted and read as deleted, or it has triggered and its order is the exit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from sim.order_path.adoption import Books
from sim.order_path.guards import Guards
from sim.order_path.leg import LONG_AGO, Bracket, Leg
from sim.order_path.records import Role

CANCEL_AGAIN = 2_000
RESTS_MAX = 5_000  # an exit that rests for longer is repriced
CHANGES_MAX = 4  # Kite allows 25; small here, so that the budget runs out
ATTEMPTS_MAX = 20
OVERDUE = 30_000


class Ask(NamedTuple):
    """What the supervisor wants sent."""

    what: Literal["place", "cancel", "change", "alarm", "overdue"]
    bracket: Bracket
    leg: Leg | None
    role: Role
    quantity: int


class Supervisor:
    """Reads the books and says what is to be asked of the broker; it keeps nothing of its own."""

    def __init__(self, guards: Guards, books: Books) -> None:
        self.guards, self.books = guards, books

    def asks(self, now: int, latch: str) -> Iterator[Ask]:
        for bracket in list(self.books.brackets.values()):
            if bracket.is_closed and not bracket.held and not bracket.exits:
                continue
            yield from self._of(bracket, now, latch)

    def overdue(self, now: int) -> Iterator[Ask]:
        """Exits that nobody can hurry: the broker is silent, a stop or a GTT cannot be read. A person has to know."""
        for bracket in self.books.brackets.values():
            is_waiting = bracket.wants_flat and not bracket.is_overdue and bracket.held > 0
            if is_waiting and now - bracket.flat_since >= OVERDUE:
                yield Ask("overdue", bracket, None, "exit", bracket.held)

    def _of(self, bracket: Bracket, now: int, latch: str) -> Iterator[Ask]:
        if bracket.wants_cancel or bracket.wants_flat:
            yield from self._cancel(bracket, bracket.entry, now)
        elif not bracket.protect and not bracket.exits:
            return
        excess = self._excess(bracket)
        stops = [leg for leg in bracket.exits if leg.role != "exit" and not leg.is_over]
        if excess > 0:  # someone sold by hand what the stops were to sell
            for leg in bracket.exits:
                yield from self._cancel(bracket, leg, now)
            return
        yield from self._reprice(bracket, now)
        if bracket.wants_flat:
            for leg in stops:
                yield from self._cancel(bracket, leg, now)
            if stops and self.guards.exit_waits_for_its_stop:
                return
        elif not bracket.protect:
            return
        role: Role = "exit" if bracket.wants_flat else "gtt" if bracket.protect == "gtt" else "stop"
        free = self._free(bracket, excess)
        if free <= 0 or now < bracket.not_before or latch == "HALTED":
            return
        stop = next((leg for leg in stops if leg.role == "stop" and leg.state == "LIVE"), None)
        if (
            role == "stop" and stop is not None and stop.changes < CHANGES_MAX
        ):  # when those are used up, a second stop beside it
            if self._may_change(stop):
                yield Ask("change", bracket, stop, role, stop.quantity + free)
            return
        if bracket.attempts >= ATTEMPTS_MAX:
            if not bracket.is_alarmed:
                yield Ask("alarm", bracket, None, role, free)
            return
        yield Ask("place", bracket, None, role, free)

    def _cancel(self, bracket: Bracket, leg: Leg, now: int) -> Iterator[Ask]:
        """A cancel is repeated once a read begun after it shows what came of it: otherwise cancels crowd out reads."""
        read_at = self.books.triggers_read_at if leg.role == "gtt" and not leg.order_id else self.books.read_at
        if leg.cancelled_at >= read_at and leg.cancelled_at > LONG_AGO:
            return
        number = leg.trigger_id if leg.role == "gtt" and not leg.order_id else leg.order_id
        if not leg.is_over and leg.state != "SENDING" and number and now - leg.cancelled_at >= CANCEL_AGAIN:
            yield Ask("cancel", bracket, leg, leg.role, 0)

    def _reprice(self, bracket: Bracket, now: int) -> Iterator[Ask]:
        """A protected market exit, or a stop that triggered, that rests as LIMIT: a better price, and when its changes
        are used up, another order.
        """
        for leg in bracket.exits:
            is_to_fill = leg.role == "exit" or leg.status == "OPEN"
            if is_to_fill and leg.state == "LIVE" and now - leg.rested_since >= RESTS_MAX:
                if self._may_change(leg):
                    yield Ask("change", bracket, leg, leg.role, leg.quantity)
                elif leg.changes >= CHANGES_MAX:
                    yield from self._cancel(bracket, leg, now)

    def _may_change(self, leg: Leg) -> bool:
        return leg.change is None and leg.changes < CHANGES_MAX and leg.state == "LIVE"

    def _free(self, bracket: Bracket, excess: int) -> int:
        """What is held and in nobody's hands yet: exits that are open or unknown count as filled."""
        if not self.guards.unknown_exits_count:
            return bracket.held - sum(leg.open() for leg in bracket.exits if leg.state != "UNKNOWN")
        return min(bracket.held - bracket.out, -excess)

    def _excess(self, bracket: Bracket) -> int:
        """By how much exits of that symbol and side exceed what the account holds there, counting what was sold by
        hand.
        """
        total = 0
        for other in self.books.brackets.values():
            if other.symbol == bracket.symbol and other.side == bracket.side:
                total += other.out - other.held
        if not self.guards.hand_sales_shrink_exits or not self.books.by_hand:
            return total
        return total + self.books.against(bracket.symbol, bracket.side)
