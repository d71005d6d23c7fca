"""What the relay knows beyond one request, and what a fault is given to act on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from kitev3.services.kitesim.faults.board import Board
from kitev3.services.kitesim.faults.controls import Controls
from kitev3.services.kitesim.faults.fault import Fault, Happening
from kitev3.services.kitesim.faults.http import Answer, Request
from kitev3.services.kitesim.faults.wire import Wire
from kitev3.services.kitesim.logins import presented

ORDERS_MAX = 10_000  # remembered; the oldest is forgotten first
BACKGROUND_TASKS_MAX = 1_000
NO_SUCH_ORDER = "Couldn't find that `order_id`."


class Over(Exception):
    """The connection has ended, as it was meant to."""


@dataclass(slots=True)
class Mark:
    """Something untrue about one order."""

    fault: Fault
    until_s: float  # of the loop's clock; endless for as long as the fault is on
    hidden: bool = False
    tag: str | None = None


@dataclass(slots=True)
class Known:
    """An order whose placing went through here."""

    tag: str
    symbol: str
    marks: list[Mark] = field(default_factory=list)


class Desk:
    """Of one relay."""

    def __init__(self, board: Board, controls: Controls, server: tuple[str, int]) -> None:
        self.board, self.controls, self.server = board, controls, server
        self.orders: dict[str, Known] = {}
        self._background: set[asyncio.Task[None]] = set()

    def remember(self, order_id: str, tag: str, symbol: str) -> Known:
        """An order that has been placed."""
        while len(self.orders) >= ORDERS_MAX:
            del self.orders[next(iter(self.orders))]
        return self.orders.setdefault(order_id, Known(tag, symbol))

    def marks(self, order_id: str) -> list[Mark]:
        """What is untrue about an order now."""
        known, now_s = self.orders.get(order_id), asyncio.get_running_loop().time()
        if known is None:
            return []
        known.marks = [mark for mark in known.marks if now_s < mark.until_s and self._holds(mark)]
        return known.marks

    def mark(self, order_id: str, fault: Fault, ms: int, **untrue: Any) -> None:
        """From now on, for so long; 0: for as long as the fault is on."""
        until_s = asyncio.get_running_loop().time() + ms / 1000 if ms else float("inf")
        known = self.orders.get(order_id) or self.remember(order_id, "", "")
        known.marks.append(Mark(fault, until_s, **untrue))

    def _holds(self, mark: Mark) -> bool:
        return mark.until_s != float("inf") or self.board.on(mark.fault)

    def in_background(self, deed: Coroutine[Any, Any, None]) -> None:
        """Does something beside, at its own time."""
        if len(self._background) >= BACKGROUND_TASKS_MAX:
            deed.close()
            raise Over(f"{BACKGROUND_TASKS_MAX} things are under way already")
        task = asyncio.create_task(_done(deed))
        self._background.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A deed that has failed by a fault of ours is heard of at once, by whoever looks after the loop."""
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            what = "a fault's deed in the background has failed"
            task.get_loop().call_exception_handler({"message": what, "exception": error, "task": task})

    async def close(self) -> None:
        """What is still under way is given up."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    async def connect(self) -> Wire:
        """A connection of one's own to the server."""
        return await Wire.to(self.server)

    async def while_on(self, fault: Fault, ms: int) -> None:
        """Waits for so long, or with 0 until the fault is switched off."""
        await self.board.ended(fault, ms / 1000 if ms else None)


async def _done(deed: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(OSError):  # whom it was for has left
        await deed


@dataclass(slots=True)
class Call:
    """One request on its way, and its answer."""

    desk: Desk
    client: Wire
    request: Request
    happening: Happening
    answer: Answer | None = None
    # The answer is cut off there; then the connection is reset, or with a fault here, silent while that is on.
    at_byte: int | None = None
    silent: tuple[Fault, int] | None = None

    async def replied(self) -> Answer:
        """The answer, which is there."""
        assert self.answer is not None
        return self.answer

    @property
    def api_key(self) -> str:
        """Of the request's login; empty when it has none."""
        return presented(self.request.head.get(b"authorization"))[0]

    async def order_ids(self) -> list[str]:
        """Of the orders that this request has placed: several when it was sliced."""
        if self.request.method != "POST" or self.answer is None:
            return []
        data = await self.answer.data()
        if not isinstance(data, dict) or not isinstance(data.get("order_id"), str):
            return []
        children = data.get("children")
        ids = [data] + (children if isinstance(children, list) else [])
        return list(dict.fromkeys(row["order_id"] for row in ids if isinstance(row.get("order_id"), str)))
