"""What must never be, looked at while it happens, and what must be once all is quiet.

It knows the truth: the broker's own orders.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from sim.order_path.egress import PACE_MAX, PACE_WINDOW
from sim.order_path.gate import LIMIT
from sim.order_path.leg import FINAL, RANK
from sim.order_path.records import Approved, Book, Id, Payload, Request, Signal, State, Touched
from sim.order_path.supervision import OVERDUE
from sim.order_path.tape import In

if TYPE_CHECKING:
    from sim.order_path.broker import Order
    from sim.order_path.process import Process
    from sim.order_path.triggers import Trigger
    from sim.order_path.world import World


READING = 11_000  # what a read takes at most


class Violation(Exception):
    """An invariant that does not hold."""


class Truth:
    """What the broker really has of an intent."""

    __slots__ = ("entries", "exits", "is_injected", "side", "symbol", "triggers")

    def __init__(self, symbol: int, side: int) -> None:
        self.symbol, self.side = symbol, side
        self.entries: list[Order] = []
        self.exits: list[Order] = []
        self.triggers: list[Trigger] = []
        self.is_injected = False  # an orphan: it was there before our tapes were

    @property
    def held(self) -> int:
        return sum(order.filled for order in self.entries) - sum(order.filled for order in self.exits)

    @property
    def worst(self) -> int:
        return max(0, self.held) + sum(order.open for order in self.entries)

    @property
    def leaving(self) -> int:
        """What exits, stops and GTTs may still take."""
        return sum(order.open for order in self.exits) + sum(trigger.open for trigger in self.triggers)


class Checks:
    """Raises where an invariant breaks."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.truth: dict[Id, Truth] = {}
        self.tags: set[object] = set()
        self.writes: deque[int] = deque(maxlen=PACE_MAX)
        self.finals: dict[object, str] = {}
        self.life = 0
        self.to_be_flat: set[Id] = set()
        self.flat: set[Id] = set()
        self.reconciled = 0  # the last epoch of execution that said its book

    # On the way -----------------------------------------------------------------------------------------------------

    def placed(self, order: Order) -> None:
        """The broker has a new order of ours."""
        assert order.intent is not None
        if order.tag is not None:
            if order.tag in self.tags:
                raise Violation(f"two orders bear the tag {order.tag}")
            self.tags.add(order.tag)
        truth = self.truth.setdefault(order.intent, Truth(order.symbol, order.side))
        if order.kind == "entry":
            if truth.entries:
                raise Violation(f"two orders for the intent {order.intent}")
            truth.entries.append(order)
            self.counted(order.intent)
            self.limited(truth)
        else:
            truth.exits.append(order)
            self.turned(order.intent, truth)

    def triggerable(self, trigger: Trigger) -> None:
        assert trigger.intent is not None
        truth = self.truth.setdefault(trigger.intent, Truth(trigger.symbol, -trigger.side))
        truth.triggers.append(trigger)
        self.turned(trigger.intent, truth)

    def grown(self, order: Order) -> None:
        """A modify took effect."""
        if order.intent is None:
            return
        truth = self.truth[order.intent]
        if order.kind == "entry":
            self.counted(order.intent)
            self.limited(truth)
        else:
            self.turned(order.intent, truth)

    def turned(self, intent: Id, truth: Truth) -> None:
        if truth.leaving > max(0, truth.held):
            raise Violation(f"{intent} may turn over: {truth.leaving} are to leave of {truth.held}")

    def limited(self, truth: Truth) -> None:
        worst = sum(
            other.worst
            for other in self.truth.values()
            if (other.symbol, other.side) == (truth.symbol, truth.side) and not other.is_injected
        )
        if worst > LIMIT:
            raise Violation(f"{worst} of symbol {truth.symbol} where {LIMIT} is the limit")

    def counted(self, intent: Id) -> None:
        """No exposure that the gate does not count while it may pass an entry."""
        gate = self.world.processes["gate"]
        if not gate.is_alive or gate.handler is None or gate.handler.is_waiting:
            return
        truth = self.truth[intent]
        kept = gate.handler.kept.get(intent)
        counted = kept.worst if kept is not None else 0
        if truth.worst > counted and not truth.is_injected:
            raise Violation(f"of {intent} the gate counts {counted} where {truth.worst} may come")

    def heard(self, process: Process, record: In, said: list[Payload]) -> None:
        if process.name == "gate":
            for intent in self.truth:
                self.counted(intent)
            if type(record.payload) is Signal:
                self.judged(process, record)
        elif process.name == "execution":
            if self.life != process.epoch:
                self.life, self.finals = process.epoch, {}
            for payload in said:
                if type(payload) is State and payload.status in RANK:
                    self.final(payload)
            self.exit_taken(process, record.payload)
            for bracket in process.handler.books.brackets.values():
                is_long = record.mono - bracket.flat_since > OVERDUE
                if bracket.wants_flat and bracket.held > 0 and is_long and not bracket.is_overdue:
                    raise Violation(f"{bracket.intent} is not flat for long, and nobody was told")

    def recovered(self, process: Process) -> None:
        """What was heard in time and is said only now was begun in time."""
        if process.name == "execution":
            brackets = process.handler.books.brackets
            self.to_be_flat.update(intent for intent, bracket in brackets.items() if bracket.wants_flat)

    def said(self, process: Process, payloads: list[Payload]) -> None:
        """It stands on the tape, and on the disk where it must."""
        if process.name == "execution":
            for intent, bracket in process.handler.books.brackets.items():
                if bracket.wants_flat:
                    self.flat.add(intent)
            if any(type(payload) is Book for payload in payloads):
                self.reconciled = process.epoch
                self.remembered(process)

    def remembered(self, process: Process) -> None:
        """The book after a start forgets no accepted exit, and no order that was long to be seen."""
        brackets, seen = process.handler.books.brackets, process.handler.books.seen_orders
        since = self.world.schedule.now - self.world.oldest_book - READING
        for order in self.world.broker.orders.values():
            if order.is_shown and order.shown_at < since and order.order_id not in seen:
                raise Violation(f"order {order.order_id} was long to be seen and is not in the book")
        for intent in self.flat:
            if intent not in brackets or not brackets[intent].wants_flat:
                raise Violation(f"that {intent} was to be flat is forgotten")

    def judged(self, gate: Process, record: In) -> None:
        """No signal is judged before what it stands on, and no exit is refused while something is held."""
        spoken = self.world.tapes["strategy"].outs[record.seq - 1]
        after = min(spoken.after, len(self.world.tapes["execution"].outs))
        if gate.hearing["execution"].seq < after:
            raise Violation(f"{record.payload.id} is judged before execution's {after} that it stands on")
        truth = self.truth.get(record.payload.target)
        is_refused = record.payload.kind == "exit" and gate.handler.verdicts[record.payload.id] == "flat"
        if is_refused and truth is not None and truth.held > 0:
            raise Violation(f"an exit of {record.payload.target} is refused as flat where {truth.held} are held")

    def exit_taken(self, process: Process, payload: Payload) -> None:
        """No exit is begun by a signal after its deadline."""
        machine = self.world.machine
        if type(payload) is Touched and payload.what == "target":
            self.to_be_flat.add(payload.intent)
        elif type(payload) is Approved and payload.signal.kind == "exit":
            signal = payload.signal
            if signal.boot == machine.boot and machine.mono() < signal.deadline:
                self.to_be_flat.add(signal.target)
            bracket = process.handler.books.brackets.get(signal.target)
            if bracket is not None and bracket.wants_flat and signal.target not in self.to_be_flat:
                raise Violation(f"the exit {signal.id} is begun after its deadline")

    def final(self, state: State) -> None:
        known = self.finals.get(state.tag)
        if known is not None and known != state.status:
            raise Violation(f"{state.tag} was {known} and is {state.status}")
        if RANK[state.status] == FINAL:
            self.finals[state.tag] = state.status

    def written(self, process: Process, request: Request) -> None:
        """The first byte of a write leaves."""
        machine = self.world.machine
        if request.epoch != machine.epoch:
            raise Violation(f"{request.verb} {request.tag} is sent by the old epoch {request.epoch}")
        if request.verb != "DELETE" and (request.boot != machine.boot or machine.mono() >= request.deadline):
            raise Violation(f"{request.verb} {request.tag} is sent after its deadline")
        if (machine.latch == "HALTED" and request.verb != "DELETE") or (machine.latch == "REDUCING" and request.opens):
            raise Violation(f"{request.verb} {request.tag} is sent while {machine.latch}")
        if request.epoch != self.reconciled:
            raise Violation(f"{request.verb} {request.tag} is sent before reconciliation")
        now = self.world.schedule.now
        if len(self.writes) == PACE_MAX and now - self.writes[0] < PACE_WINDOW:
            raise Violation(f"{PACE_MAX + 1} writes within {now - self.writes[0]} ms")
        self.writes.append(now)

    # At the end -----------------------------------------------------------------------------------------------------

    def quiet(self) -> None:
        """The faults are over and everything has come to rest: the books are one."""
        self._answered()
        self._own()
        self._by_hand()
        self._protected()

    def _answered(self) -> None:
        world = self.world
        gate, execution = world.processes["gate"].handler, world.processes["execution"].handler
        for number, record in enumerate(world.tapes["strategy"].outs, 1):
            if record.payload.id not in gate.verdicts:
                raise Violation(f"the signal {record.payload.id} (number {number}) has no verdict")
        for record in world.tapes["gate"].outs:
            passed = record.payload
            if (
                type(passed) is Approved
                and passed.signal.kind == "enter"
                and passed.signal.id not in execution.books.brackets
            ):
                raise Violation(f"execution never heard of {passed.signal.id}")
        for leg in execution.books.legs():
            if (
                leg.state in ("SENDING", "UNKNOWN")
                or leg.change is not None
                or (leg.state == "ACK" and not leg.is_shown)
            ):
                raise Violation(f"{leg.tag} is still {leg.state}, {leg.change and 'with a change'}")
        for intent, kept in gate.kept.items():
            bracket = execution.books.brackets.get(intent)
            if bracket is None or kept.is_closed != bracket.is_closed or kept.pending:
                raise Violation(f"{intent} is reserved at the gate, closed {kept.is_closed}, and not so at execution")

    def _own(self) -> None:
        world = self.world
        gate, execution = world.processes["gate"].handler, world.processes["execution"].handler
        for intent, truth in self.truth.items():
            bracket, kept = execution.books.brackets.get(intent), gate.kept.get(intent)
            if bracket is None or kept is None:
                raise Violation(f"{intent} is at the broker and unknown to us")
            if not bracket.held == kept.held == truth.held:
                raise Violation(
                    f"of {intent} the broker has {truth.held}, execution {bracket.held}, the gate {kept.held}"
                )
            legs = {leg.order_id: leg for leg in execution.books.legs() if leg.order_id}
            for order in [*truth.entries, *truth.exits]:
                leg = legs.get(order.order_id)
                if (
                    leg is None
                    or leg.filled != order.filled
                    or leg.traded != order.filled
                    or leg.is_over != order.is_final
                ):
                    raise Violation(
                        f"order {order.order_id} of {intent}: {order.status}, {order.filled}, not so in our books"
                    )
            if kept.worst != truth.worst:
                raise Violation(f"of {intent} the gate counts {kept.worst} where {truth.worst} may come")

    def _by_hand(self) -> None:
        world = self.world
        gate, books = world.processes["gate"].handler, world.processes["execution"].handler.books
        for order in world.broker.orders.values():
            if order.intent is None:
                seen = gate.externals.get(order.order_id)
                net, still = order.side * order.filled, order.open
                if (
                    seen is None
                    or seen.net != net
                    or seen.buys + seen.sells != still
                    or order.order_id not in books.externals
                ):
                    raise Violation(
                        f"order {order.order_id} by hand is {order.filled}/{order.quantity}, the gate has {seen}"
                    )
        for symbol in (1, 2):
            own = sum(truth.side * truth.held for truth in self.truth.values() if truth.symbol == symbol)
            net = sum(worst.net for worst in books.by_hand.values() if worst.symbol == symbol)
            if own + net != world.broker.net(symbol):
                raise Violation(
                    f"symbol {symbol}: ours {own} and by hand {net} are not the broker's {world.broker.net(symbol)}"
                )
            for side in (1, -1):
                gate_side = gate.by_hand(symbol, side)
                hand = [
                    order for order in world.broker.orders.values() if order.intent is None and order.symbol == symbol
                ]
                worst = side * sum(o.side * o.filled for o in hand) + sum(o.open for o in hand if o.side == side)
                if gate_side != max(0, worst):
                    raise Violation(f"symbol {symbol}: by hand {worst} may come, the gate counts {gate_side}")

    def _against(self, truth: Truth) -> int:
        """What orders made by hand took from that side, or may still take."""
        hand = [
            order
            for order in self.world.broker.orders.values()
            if order.intent is None and order.symbol == truth.symbol
        ]
        net = sum(truth.side * order.side * order.filled for order in hand)
        return max(0, sum(order.open for order in hand if order.side != truth.side) - net)

    def _protected(self) -> None:
        """What is held has its stop, what was to be flat is flat, no more leaves than is held; or a call went out."""
        world = self.world
        execution = world.processes["execution"].handler
        if world.machine.latch == "HALTED":
            return
        for bracket in execution.books.brackets.values():
            truth = self.truth.get(bracket.intent)
            if truth is None or bracket.is_alarmed:
                continue
            same = [t for t in self.truth.values() if (t.symbol, t.side) == (truth.symbol, truth.side)]
            holds = sum(t.held for t in same) - self._against(truth)
            leaving = sum(t.leaving for t in same)
            if leaving > max(0, holds):
                raise Violation(f"{leaving} are to leave of symbol {truth.symbol}, where {holds} are held")
            wanted = truth.held if bracket.protect or bracket.wants_flat else 0
            if bracket.wants_flat and truth.held and leaving < max(0, holds) and truth.leaving < wanted:
                raise Violation(f"{bracket.intent} was to be flat and holds {truth.held}")
            if truth.leaving < wanted and leaving < max(0, holds):
                raise Violation(f"{wanted - truth.leaving} of {bracket.intent} are without a stop")
