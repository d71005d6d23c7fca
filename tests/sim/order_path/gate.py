"""The gate: verdicts and reservations. A reservation changes by what execution says, by nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.order_path.fold import fold_gate
from sim.order_path.records import (
    Approved,
    Blocked,
    Book,
    Boot,
    Closed,
    External,
    Fill,
    Id,
    LatchRead,
    Modified,
    Orphan,
    Payload,
    Placed,
    Reclaimed,
    Signal,
    TailLost,
)
from sim.order_path.tape import In, Out

if TYPE_CHECKING:
    from sim.order_path.world import World

LIMIT = 18  # units of a symbol, either way, in the worst case
UNANSWERED = 8_000  # after which the mutant takes an approval for lost


@dataclass(slots=True)
class Kept:
    """One intent as the gate counts it: in the worst case what is *held* and all that may still fill."""

    symbol: int
    side: int
    quantity: int  # of the entry, as execution said it last
    mark: tuple[int, int]  # of its approval: epoch and number of what the gate said
    approved_at: int = 0
    pending: dict[Id, tuple[int, tuple[int, int]]] = field(default_factory=dict)
    """Modifies without an answer: quantity and mark."""
    filled: int = 0
    held: int = 0
    is_heard: bool = False
    is_unknown: bool = False
    is_closed: bool = False

    @property
    def reserved(self) -> int:
        if self.is_closed:
            return 0
        most = max((quantity for quantity, _ in self.pending.values()), default=0)
        return max(0, max(self.quantity, most) - self.filled)

    @property
    def worst(self) -> int:
        return self.reserved + max(0, self.held)


class Gate:
    """The only one that passes an order."""

    def __init__(self, world: World) -> None:
        self.guards = world.guards
        self.epoch = self.boot = self.said = 0
        self.latch = "ACTIVE"
        self.is_waiting = True  # for execution's book of this boot: no entry until then
        self.book_boot = 0  # of the last one
        self.verdicts: dict[Id, str] = {}
        self.kept: dict[Id, Kept] = {}
        self.externals: dict[int, External] = {}
        self.trades: set[int] = set()
        self.halted: set[int] = set()  # strategies of which an orphan was found

    def fold(self, outs: Sequence[Out]) -> None:
        fold_gate(self, [(out.epoch, out.payload) for out in outs])

    def hear(self, record: In) -> list[Payload]:
        payload = record.payload
        kind = type(payload)
        if kind is Signal:
            verdict = self._judge(payload, record.mono)
            self.said += len(verdict)
            return verdict
        if kind is Boot:
            self.epoch, self.boot = payload.epoch, payload.boot
            if self.book_boot not in (0, self.boot) and self.guards.gate_waits_for_the_book:
                self.is_waiting = True  # the power was lost, and with it perhaps what it had said and counted
        elif kind is LatchRead:
            self.latch = payload.latch
        elif kind is TailLost:
            if payload.source == "execution" and self.guards.gate_waits_for_the_book:
                self.is_waiting = True  # what it counted on may be gone there
        else:
            self._learn(payload)
        return []

    # Verdicts -----------------------------------------------------------------------------------------------------

    def _judge(self, signal: Signal, mono: int) -> list[Payload]:
        if not self.guards.unanswered_stays_reserved:
            for kept in self.kept.values():
                if not kept.is_heard and mono - kept.approved_at > UNANSWERED:
                    kept.is_closed = True
        if signal.id in self.verdicts and self.guards.intent_is_judged_once:
            return []
        why = self._refusal(signal, mono)
        self.verdicts[signal.id] = why
        if why:
            return [Blocked(signal.id, why)]
        self.reserve(signal, (self.epoch, self.said + 1), mono)
        kept = self.kept.get(signal.target)
        return [Approved(signal, kept.reserved if kept is not None else 0)]

    def reserve(self, signal: Signal, mark: tuple[int, int], mono: int) -> None:
        """What passed counts at once."""
        kept = self.kept.get(signal.target)
        if signal.kind == "enter":
            self.kept[signal.id] = Kept(signal.symbol, signal.side, signal.quantity, mark, mono)
        elif signal.kind == "modify" and kept is not None:
            kept.pending[signal.id] = (signal.quantity, mark)

    def _refusal(self, signal: Signal, mono: int) -> str:
        """Why not; nothing when it passes. A cancel always passes."""
        if signal.kind == "cancel":
            return ""
        kept = self.kept.get(signal.target)
        if signal.kind == "exit":
            return "" if kept is None or kept.worst else "flat"  # of what it does not know execution decides
        if self.latch != "ACTIVE":
            return "latch"
        if signal.boot != self.boot or mono >= signal.deadline:
            return "late"
        if self.is_waiting:
            return "waits for execution's book"
        if signal.strategy in self.halted:
            return "strategy halted"
        if any(other.is_unknown and other.symbol == signal.symbol for other in self.kept.values()):
            return "an unknown order on the symbol"
        grows = signal.quantity
        if signal.kind == "modify":
            if kept is None or kept.is_closed:
                return "nothing to modify"
            grows = max(0, signal.quantity - kept.filled - kept.reserved)
        return "limit" if self.worst(signal.symbol, signal.side) + grows > LIMIT else ""

    def worst(self, symbol: int, side: int) -> int:
        """The most that may come to be held on that side, by our orders and by those made by hand."""
        own = sum(kept.worst for kept in self.kept.values() if kept.symbol == symbol and kept.side == side)
        return own + self.by_hand(symbol, side)

    def by_hand(self, symbol: int, side: int) -> int:
        """What orders made by hand hold and may still take, on that side."""
        if not self.guards.externals_count:
            return 0
        there = [external for external in self.externals.values() if external.symbol == symbol]
        open_of_side = sum(external.buys if side > 0 else external.sells for external in there)
        return max(0, side * sum(external.net for external in there) + open_of_side)

    # What execution says ------------------------------------------------------------------------------------------

    def _learn(self, payload: Payload) -> None:
        kind = type(payload)
        if kind is Book:
            self._take_over(payload)
        elif kind is External:
            self.externals[payload.order_id] = payload
        elif kind is Reclaimed:
            self.externals.pop(payload.order_id, None)
        elif kind is Orphan:
            self.kept[payload.intent] = Kept(payload.symbol, payload.side, payload.quantity, (0, 0))
            self.halted.add(payload.strategy)
        else:
            self._of_intent(kind, payload)

    def _of_intent(self, kind: type, payload: Payload) -> None:
        if kind is Placed:
            if payload.tag.role != "entry":
                return
            kept = self.kept.get(payload.tag.intent)
            if kept is not None:
                kept.is_unknown = payload.outcome == "UNKNOWN"
                kept.is_heard = True
            return
        kept = self.kept.get(payload.intent) if kind in (Fill, Modified, Closed) else None
        if kept is None:
            return
        kept.is_heard = True
        if kind is Fill:
            if payload.trade_id in self.trades:
                return
            self.trades.add(payload.trade_id)
            kept.held += payload.quantity if payload.is_entry else -payload.quantity
            if payload.is_entry:
                kept.filled += payload.quantity
        elif kind is Modified:
            kept.quantity = payload.quantity
            if self.guards.answer_names_its_modify:
                kept.pending.pop(payload.answers, None)
            else:
                kept.pending.clear()
        else:
            kept.is_closed, kept.is_unknown = True, False

    def _take_over(self, book: Book) -> None:
        """All that execution holds, and what it cannot have heard yet."""
        before, self.kept = self.kept, {}
        for line in book.lines:
            kept = self.kept[line.intent] = Kept(line.symbol, line.side, line.quantity, (0, 0))
            kept.filled, kept.held = line.filled, line.held
            kept.is_closed, kept.is_unknown, kept.is_heard = line.is_closed, line.is_unknown, True
            self.verdicts.setdefault(line.intent, "")
        if self.guards.book_keeps_what_is_on_its_way:
            for intent, old in before.items():
                if old.mark > book.after:
                    self.kept.setdefault(intent, old)
                elif intent in self.kept:
                    self.kept[intent].pending = {key: it for key, it in old.pending.items() if it[1] > book.after}
        self.externals = {external.order_id: external for external in book.externals}
        self.trades = set(book.trades)
        self.book_boot = book.boot
        if book.boot == self.boot or not self.guards.book_is_of_this_boot:
            self.is_waiting = False
