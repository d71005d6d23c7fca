"""Execution by protocol, pure: what it hears and knows, and what it says.

A write to the broker is said as SENDING and done by others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from sim.order_path.adoption import Books
from sim.order_path.classify import TOKEN, classify
from sim.order_path.fold import fold_execution
from sim.order_path.leg import LONG_AGO, Bracket, Change, Leg
from sim.order_path.records import (
    Alarm,
    Answer,
    Approved,
    Book,
    Boot,
    Id,
    Intent,
    LatchRead,
    Line,
    Modified,
    Payload,
    Placed,
    Request,
    Role,
    Rows,
    Sending,
    Signal,
    TailLost,
    Touched,
    Unread,
    Update,
    Wished,
    tag_of,
)
from sim.order_path.supervision import CHANGES_MAX, Ask, Supervisor
from sim.order_path.tape import In, Out

if TYPE_CHECKING:
    from sim.order_path.world import World

OWN_LIVES = 30_000  # an exit's or stop's own deadline
READS_APART = 2_000  # the two reads of a reconciliation
FAILED_WAITS = 3_000  # until the next exit or stop after one that failed


class Execution:
    """The state machine. Time is that of the record."""

    def __init__(self, world: World) -> None:
        self.guards = world.guards
        self.books = Books(self.guards)
        self.supervisor = Supervisor(self.guards, self.books)
        self.epoch = self.boot = self.serial = self.now = 0
        self.is_reconciled = False
        self.is_token_dead = False
        self.is_unread = False  # the last read failed
        self.whole_at: int | None = None  # begin of the first whole read of a reconciliation
        self.heard = (0, 0)  # of the gate: epoch and number
        self.latch = "ACTIVE"
        self.writes: dict[int, Leg] = {}
        self.verbs: dict[int, str] = {}
        self.said: list[Payload] = []
        self.wants_read = False
        self.table = {
            Approved: self.approved,
            Answer: self.answer,
            Rows: self.rows,
            Unread: self.unread,
            Update: self.update,
            Touched: self.touched,
            LatchRead: self.latched,
            Boot: self.booted,
            TailLost: self.tail_lost,
        }

    def fold(self, outs: Sequence[Out]) -> None:
        fold_execution(self, [out.payload for out in outs])

    def hear(self, record: In) -> list[Payload]:
        self.now, self.said = record.mono, []
        if record.source == "gate":
            self.heard = (record.epoch, record.seq)
        handle = self.table.get(type(record.payload))
        if handle is not None:
            handle(record.payload)
        self.go_on()
        return self.said

    # What the gate passed -------------------------------------------------------------------------------------------

    def approved(self, approved: Approved) -> None:
        signal = approved.signal
        bracket = self.books.brackets.get(signal.target)
        if signal.kind == "enter":
            if bracket is None or not self.guards.intent_is_sent_once:
                self.enter(approved)
        elif bracket is None:
            pass  # its entry was never passed, or is of a day that is over
        elif signal.kind == "cancel":
            self.wish(bracket, "cancel")
        elif signal.kind == "exit":
            if not self.is_late(signal):
                self.wish(bracket, "flat")
        else:
            self.modify(bracket, signal)

    def wish(self, bracket: Bracket, what: Literal["flat", "cancel"]) -> None:
        """Once accepted it stands until it is fulfilled, in whatever life; so it is said."""
        if not (bracket.wants_flat if what == "flat" else bracket.wants_cancel):
            bracket.flat_since = self.now
            bracket.wants_flat |= what == "flat"
            bracket.wants_cancel |= what == "cancel"
            if self.guards.wishes_are_recorded:
                self.said.append(Wished(bracket.intent, what))

    def enter(self, approved: Approved) -> None:
        signal = approved.signal
        known = self.books.brackets.get(signal.id)
        attempt = 0 if known is None else known.attempts + 1
        tag = tag_of(signal.id, "entry", attempt)
        if known is not None and self.guards.tag_is_used_once:
            return
        if known is not None:
            tag = known.entry.tag  # the mutant's: the same once more
        leg = Leg(tag, signal.symbol, signal.side, signal.quantity)
        bracket = Bracket.of(signal, leg)
        self.books.brackets[signal.id] = bracket
        self.books.by_tag[tag] = leg
        why = self.refusal(signal)
        if why:
            leg.state = "NOT SENT"
            self.said.append(Placed(tag, "NOT SENT", 0, 0))
            return
        self.said.append(Intent(approved))
        leg.serial = self.send("POST", leg, opens=True, signal=signal)

    def refusal(self, signal: Signal) -> str:
        if not self.is_reconciled:
            return "not reconciled"
        if self.is_late(signal):
            return "late"
        if any(leg.state == "UNKNOWN" and leg.symbol == signal.symbol for leg in self.books.legs()):
            return "an unknown order on the symbol"
        return "token" if self.is_token_dead else ""

    def is_late(self, signal: Signal) -> bool:
        if not self.guards.deadline_is_looked_at_on_arrival:
            return False
        return (signal.boot != self.boot and self.guards.deadline_is_of_its_boot) or self.now >= signal.deadline

    def modify(self, bracket: Bracket, signal: Signal) -> None:
        leg = bracket.entry
        if leg.change is not None and leg.change.answers == signal.id:
            return  # heard anew by a new build
        can = leg.state == "LIVE" and leg.change is None and leg.changes < CHANGES_MAX and signal.quantity > leg.filled
        if not can or bracket.wants_cancel or bracket.wants_flat or self.refusal(signal):
            self.said.append(Modified(bracket.intent, leg.most, signal.id))
            return
        self.change(leg, signal.quantity, signal.id, opens=True, signal=signal)

    # Writes ---------------------------------------------------------------------------------------------------------

    def send(self, verb: str, leg: Leg, *, opens: bool = False, signal: Signal | None = None, quantity: int = 0) -> int:
        self.serial += 1
        self.writes[self.serial] = leg
        self.verbs[self.serial] = verb
        price = leg.change.price if verb == "PUT" and leg.change is not None else leg.price
        number = leg.trigger_id if leg.role == "gtt" and not leg.order_id else leg.order_id
        boot, deadline = (self.boot, self.now + OWN_LIVES) if signal is None else (signal.boot, signal.deadline)
        wall = 0 if signal is None else signal.deadline_wall
        self.said.append(
            Sending(
                Request(
                    verb,
                    leg.tag,
                    leg.symbol,
                    leg.side,
                    quantity or leg.quantity,
                    price,
                    number,
                    leg.change.answers if verb == "PUT" and leg.change is not None else None,
                    opens,
                    boot,
                    deadline,
                    wall,
                    self.epoch,
                    self.serial,
                )
            )
        )
        return self.serial

    def change(
        self, leg: Leg, quantity: int, answers: Id | None, *, opens: bool = False, signal: Signal | None = None
    ) -> None:
        leg.changes += 1
        leg.change = Change(quantity, leg.changes, answers)
        self.send("PUT", leg, opens=opens, signal=signal, quantity=quantity)
        if not self.guards.unknown_modify_keeps_the_larger:
            leg.quantity = quantity
            if answers is not None:
                self.said.append(Modified(leg.intent, quantity, answers))

    def place(self, bracket: Bracket, role: Role, quantity: int) -> None:
        bracket.attempts += 1
        leg = Leg(tag_of(bracket.intent, role, bracket.attempts), bracket.symbol, -bracket.side, quantity)
        leg.rested_since = self.now
        bracket.exits.append(leg)
        self.books.by_tag[leg.tag] = leg
        leg.serial = self.send("POST", leg)

    def answer(self, answer: Answer) -> None:
        leg = self.writes[answer.serial]
        outcome = classify(answer.said, self.guards)
        if answer.said == TOKEN:
            self.is_token_dead = True
        verb = self.verbs[answer.serial]
        if verb == "PUT":
            self.changed(leg, outcome)
        elif verb == "DELETE":
            if outcome == "ACK" and not self.guards.cancel_is_read(leg.role):
                leg.state = "DONE"
        elif leg.serial == answer.serial and leg.state in ("SENDING", "UNKNOWN"):
            self.outcome(leg, outcome, answer.order_id)
        elif answer.order_id and not leg.order_id and leg.role != "gtt":
            leg.order_id = answer.order_id  # its row came first, or it is late
            self.books.by_order[answer.order_id] = leg

    def outcome(self, leg: Leg, outcome: str, order_id: int) -> None:
        is_gtt = leg.role == "gtt"
        self.said.append(Placed(leg.tag, outcome, 0 if is_gtt else order_id, order_id if is_gtt else 0))
        bracket = self.books.brackets[leg.intent]
        if outcome in ("REJECT", "NOT SENT"):
            leg.state = outcome
            bracket.not_before = self.now + FAILED_WAITS
            return
        leg.ended_at = self.now
        leg.state = outcome
        if outcome == "ACK" and is_gtt:
            leg.trigger_id = order_id
            self.books.by_trigger[order_id] = leg
        elif outcome == "ACK":
            leg.order_id = order_id
            self.books.by_order[order_id] = leg
        elif not self.guards.unknown_is_not_sent_again and leg.role == "entry":
            self.again(bracket, leg)

    def again(self, bracket: Bracket, leg: Leg) -> None:
        """The mutant's: no answer, so once more."""
        bracket.attempts += 1
        if bracket.attempts > 2:
            return
        tag = tag_of(leg.intent, "entry", bracket.attempts)
        bracket.entry = Leg(tag, leg.symbol, leg.side, leg.quantity)
        self.books.by_tag[tag] = bracket.entry
        bracket.entry.serial = self.send("POST", bracket.entry, opens=True)

    def changed(self, leg: Leg, outcome: str) -> None:
        change = leg.change
        if change is None:
            return
        if outcome in ("ACK", "UNKNOWN"):
            change.ended_at = self.now
            return
        leg.change = None
        if change.answers is not None:
            self.said.append(Modified(leg.intent, leg.quantity, change.answers))

    # What the world says --------------------------------------------------------------------------------------------

    def rows(self, rows: Rows) -> None:
        self.is_token_dead = self.is_unread = self.wants_read = False
        said, is_whole = self.books.read(rows)
        self.said += said
        if not self.guards.absence_ends_it:
            self.resend_absent()
        if not self.is_reconciled and is_whole and rows.triggers is not None:
            if self.whole_at is None:
                self.whole_at = rows.begun
            if rows.begun - self.whole_at >= READS_APART or not self.guards.reconciles_by_two_reads:
                self.is_reconciled = True
                self.said += self.books.closed()
                self.said.append(self.book())

    def resend_absent(self) -> None:
        """The mutant's: absent, so once more."""
        for bracket in self.books.brackets.values():
            if bracket.entry.state == "ABSENT" and bracket.attempts < 1:
                self.again(bracket, bracket.entry)

    def unread(self, unread: Unread) -> None:
        self.is_token_dead = self.is_token_dead or unread.is_token_dead
        self.is_unread = True

    def update(self, update: Update) -> None:
        self.said += self.books.row(update.row)
        self.wants_read = True

    def touched(self, touched: Touched) -> None:
        bracket = self.books.brackets.get(touched.intent)
        if bracket is None:
            return
        if touched.what == "target":
            if bracket.has_target and bracket.held > 0:
                self.wish(bracket, "flat")
        elif self.is_reconciled and not self.is_token_dead and self.latch != "HALTED":
            for leg in bracket.exits:
                if leg.role == "stop" and leg.state == "LIVE" and leg.change is None and leg.changes < CHANGES_MAX - 1:
                    self.change(leg, leg.quantity, None)

    def latched(self, read: LatchRead) -> None:
        self.latch = read.latch

    def tail_lost(self, lost: TailLost) -> None:
        if lost.source == "gate":
            self.heard = (lost.epoch, lost.seq)
        self.is_reconciled, self.whole_at = False, None

    def booted(self, boot: Boot) -> None:
        """What was being sent when the last life ended is unknown; what recovery alone said never left."""
        self.epoch, self.boot = boot.epoch, boot.boot
        self.is_reconciled, self.whole_at = not self.guards.nothing_leaves_before_reconciliation, None
        self.books.boot()
        for leg in list(self.books.legs()):
            if leg.state == "SENDING":
                is_unsent = leg.serial in boot.unsent or not self.guards.sending_is_recorded
                self.outcome(leg, "NOT SENT" if is_unsent else "UNKNOWN", 0)
            elif leg.ended_at is not None and not leg.is_shown:
                leg.ended_at, leg.reads = self.now, 0
            leg.cancelled_at, leg.rested_since = LONG_AGO, self.now
            if leg.change is not None:
                leg.change.ended_at, leg.change.reads = self.now, 0
        for bracket in self.books.brackets.values():
            bracket.not_before, bracket.flat_since = 0, self.now
        if self.is_reconciled:
            self.said.append(self.book())

    # What follows ---------------------------------------------------------------------------------------------------

    def go_on(self) -> None:
        """Whatever came, it may have settled something, or opened the way to the next step."""
        self.said += self.books.closed()
        for ask in self.supervisor.overdue(self.now):
            self.do(ask)
        if not self.is_reconciled or self.is_token_dead:
            return
        for ask in self.supervisor.asks(self.now, self.latch):
            self.do(ask)

    def do(self, ask: Ask) -> None:
        leg = ask.leg
        if ask.what == "place":
            self.place(ask.bracket, ask.role, ask.quantity)
        elif ask.what == "overdue":
            ask.bracket.is_overdue = True
            self.said.append(Alarm(f"{ask.quantity} of {ask.bracket.intent} are not flat yet"))
        elif ask.what == "alarm":
            ask.bracket.is_alarmed = True
            self.said.append(Alarm(f"{ask.quantity} of {ask.bracket.intent} without {ask.role}"))
        elif leg is not None and ask.what == "cancel":
            leg.cancelled_at = self.now
            self.send("DELETE", leg)
        elif leg is not None:
            leg.rested_since = self.now
            self.change(leg, ask.quantity, None)

    def book(self) -> Book:
        lines = []
        for bracket in self.books.brackets.values():
            entry = bracket.entry
            lines.append(
                Line(
                    bracket.intent,
                    bracket.strategy,
                    bracket.symbol,
                    bracket.side,
                    entry.most,
                    entry.traded,
                    bracket.held,
                    bracket.is_closed,
                    entry.state == "UNKNOWN",
                )
            )
        return Book(
            tuple(lines), tuple(self.books.by_hand.values()), frozenset(self.books.trades), self.heard, self.boot
        )

    def read_within(self) -> int:
        """How long the next read may wait: soon while anything is unknown or on its way out, seldom when nothing is
        open.
        """
        if not self.is_reconciled:
            return READS_APART
        if self.wants_read:
            return 300
        within = 5_000 if self.is_unread else 30_000
        for leg in self.books.open_legs():
            within = min(within, 5_000)
            if leg.state in ("UNKNOWN", "ACK") and leg.ended_at is not None and self.now - leg.ended_at < 15_000:
                within = 1_000
        for bracket in self.books.brackets.values():
            if bracket.wants_flat and (bracket.held or bracket.exits) and bracket.out + bracket.held > 0:
                within = min(within, 2_000)
        return within
