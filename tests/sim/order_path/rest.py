"""Execution's process: the handler's loop, and beside it the one thread that talks to the broker, a request at a
time.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sim.order_path.classify import NOT_SENT, NOTHING
from sim.order_path.egress import PACE_MAX, Moment, Refused, refusal
from sim.order_path.process import Process
from sim.order_path.records import Answer, Payload, Request, Rows, Sending, Tag, Unread
from sim.order_path.tape import Out, Tape

if TYPE_CHECKING:
    from sim.order_path.world import World

TIMEOUT = 10_000
NEVER = 1 << 60


class ExecutionProcess(Process):
    """Execution's handler with its thread."""

    def __init__(self, world: World, make: Callable[[World], Any], tape: Tape) -> None:
        super().__init__(world, "execution", make, tape)
        self.queue: list[tuple[int, int, Request | None, Refused | None]] = []
        self.asked = 0
        self.call = 0  # the number of the call that is on its way
        self.is_busy = False
        self.is_reading = False
        self.used: set[Tag] = set()
        self.sent: deque[tuple[int, bool]] = deque(maxlen=2 * PACE_MAX)
        self.last_read = self.last_rows = 0
        self.next_read = NEVER

    def _raise_epoch(self) -> None:
        """The account's epoch, on disk before the tape is read: from here on no other execution may write."""
        self.world.machine.epoch += 1
        self.epoch = self.world.machine.epoch

    def _open(self) -> None:
        """Each life goes on in a file of its own: a stopped one that wakes up writes where nobody reads."""
        tapes = self.world.tapes
        if self.world.guards.successor_has_its_own_tape:
            tapes["execution"] = tapes["execution"].taken_over()
        self.tape = tapes["execution"]
        self.used = {
            record.payload.request.tag
            for record in self.tape.records
            if type(record) is Out and type(record.payload) is Sending and record.payload.request.verb == "POST"
        }

    def hear(self, source: str, epoch: int, seq: int, payload: Payload) -> None:
        super().hear(source, epoch, seq, payload)
        self.plan_read()

    # Writes ---------------------------------------------------------------------------------------------------------

    def do(self, requests: list[Request]) -> None:
        for request in requests:
            rank = 1 if request.opens else 0
            early = None if self.world.guards.egress_looks_last else self._refusal(request)
            self.asked += 1
            heapq.heappush(self.queue, (rank, self.asked, request, early))
        self._next()

    def _next(self) -> None:
        if not self.is_busy and self.queue:
            self.is_busy = True
            _, _, request, early = heapq.heappop(self.queue)
            self.beside(1, self._read_books if request is None else self._write, request, early)

    def beside(self, delay: int, deed: Callable[..., None], *words: Any) -> None:
        """A deed of the thread, which runs on while the loop sleeps, and may run first after a pause."""
        self.world.schedule.after(delay, self._again, deed, words, False)

    def _refusal(self, request: Request) -> Refused | None:
        machine, now = self.world.machine, self.world.schedule.now
        is_leased = self.lease_until is None or now < self.lease_until
        moment = Moment(
            machine.mono(), machine.boot, machine.wall(), machine.epoch, is_leased, machine.latch, machine.is_full
        )
        return refusal(request, moment, self.used, self.sent, self.world.guards)

    def _write(self, request: Request, early: Refused | None) -> None:
        refused = self._refusal(request) if self.world.guards.egress_looks_last else early
        if refused is not None:
            if refused.wait:
                self.beside(refused.wait, self._write, request, early)
            else:
                self._end(request, NOT_SENT + refused.why, 0)
            return
        self.point("egress passed")
        if request.verb == "POST":
            self.used.add(request.tag)
        self.sent.append((self.world.machine.mono(), request.opens))
        self.call += 1
        self.world.checks.written(self, request)
        self.world.wire.write(request, self._reply_to(self.call, request))
        self.beside(TIMEOUT, self._answered, self.call, request, NOTHING, 0)
        self.point("written")

    def _reply_to(self, call: int, request: Request) -> Callable[[str, int], None]:
        return lambda said, order_id: self._again(self._answered, (call, request, said, order_id), False)

    def _answered(self, call: int, request: Request, said: str, order_id: int) -> None:
        if call == self.call:
            self.point("answered")
            self._end(request, said, order_id)

    def _end(self, request: Request, said: str, order_id: int) -> None:
        self.call += 1
        self.is_busy = False
        self.after(0, self.hear, "", 0, 0, Answer(request.serial, said, order_id))
        self._next()

    # Reads ----------------------------------------------------------------------------------------------------------

    def plan_read(self) -> None:
        if self.is_reading:
            return
        now = self.world.schedule.now
        due = max(now, self.last_read + self.handler.read_within())
        if due < self.next_read:
            self.next_read = due
            self.after(due - now, self._ask_for_books, due)

    def _ask_for_books(self, due: int) -> None:
        if due == self.next_read and not self.is_reading:
            self.is_reading = True
            self.asked += 1
            heapq.heappush(self.queue, (2, self.asked, None, None))
            self._next()

    def _read_books(self, request: None, early: None) -> None:
        self.call += 1
        call, begun = self.call, self.world.machine.mono()
        self.world.wire.read(begun, lambda payload: self._again(self._have_read, (call, payload), False))
        self.beside(TIMEOUT, self._have_read, call, Unread(False))

    def _have_read(self, call: int, payload: Rows | Unread) -> None:
        if call == self.call:
            self.call += 1
            self.is_busy = self.is_reading = False
            self.last_read, self.next_read = self.world.schedule.now, NEVER
            if type(payload) is Rows:
                self.last_rows = self.last_read
            self.after(0, self.hear, "", 0, 0, payload)
            self._next()
