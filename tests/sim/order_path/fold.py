"""What a new build takes over: nothing is handled again, the state is folded from what was said, sources heard anew.

So whatever must outlive a change of build has to stand in something that was said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.order_path.leg import RANK, Bracket, Change, Leg
from sim.order_path.records import (
    Approved,
    Blocked,
    Closed,
    External,
    ExternalTrigger,
    Fill,
    Intent,
    Modified,
    Orphan,
    Payload,
    Placed,
    Reclaimed,
    Request,
    Sending,
    Signal,
    State,
    Wished,
    tag_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sim.order_path.execution import Execution
    from sim.order_path.gate import Gate
    from sim.order_path.strategy import Strategy


def fold_strategy(strategy: Strategy, outs: Iterable[Signal]) -> None:
    for signal in outs:
        strategy.said += 1
        if signal.kind == "enter":
            strategy.entered[signal.id] = signal
            strategy.held[signal.id] = 0


def fold_gate(gate: Gate, outs: Iterable[tuple[int, Approved | Blocked]]) -> None:
    """Verdicts, and all that was ever reserved; what became of it execution's tape tells."""
    for epoch, payload in outs:
        gate.said += 1
        mark = (epoch, gate.said)
        if type(payload) is Blocked:
            gate.verdicts[payload.intent] = payload.why
        else:
            gate.verdicts[payload.signal.id] = ""
            gate.reserve(payload.signal, mark, 0)


def fold_execution(execution: Execution, outs: Iterable[Payload]) -> None:
    """Orders, their outcomes and fills, the wishes that were accepted; the rest is read from the broker again."""
    books = execution.books
    for payload in outs:
        kind = type(payload)
        if kind is Intent:
            _intend(execution, payload.approved.signal)
        elif kind is Sending:
            _sent(execution, payload.request)
        elif kind is External:
            books.by_hand[payload.order_id] = payload
        elif kind is ExternalTrigger:
            books.seen_triggers.add(payload.trigger_id)
        elif kind is Reclaimed:
            books.by_hand.pop(payload.order_id, None)
        elif kind is Orphan:
            _orphan(execution, payload)
        elif kind in (Placed, State, Fill):
            _of_leg(execution, payload)
        elif kind in (Wished, Closed, Modified) and payload.intent in books.brackets:
            _of_bracket(books.brackets[payload.intent], payload)


def _intend(execution: Execution, signal: Signal) -> None:
    leg = Leg(tag_of(signal.id, "entry", 0), signal.symbol, signal.side, signal.quantity)
    _keep(execution, Bracket.of(signal, leg))


def _keep(execution: Execution, bracket: Bracket) -> None:
    execution.books.brackets[bracket.intent] = bracket
    execution.books.by_tag[bracket.entry.tag] = bracket.entry


def _orphan(execution: Execution, orphan: Orphan) -> None:
    known = execution.books.brackets.get(orphan.intent)
    if known is not None:
        known.is_closed = False
        return
    leg = Leg(tag_of(orphan.intent, "entry", 0), orphan.symbol, orphan.side, orphan.quantity)
    _keep(execution, Bracket(orphan.intent, orphan.strategy, orphan.symbol, orphan.side, "", False, leg))


def _sent(execution: Execution, request: Request) -> None:
    books, tag = execution.books, request.tag
    execution.serial = max(execution.serial, request.serial)
    leg = books.by_tag.get(tag)
    if leg is None:
        leg = books.by_tag[tag] = Leg(tag, request.symbol, request.side, request.quantity)
        books.brackets[tag.intent].exits.append(leg)
    execution.writes[request.serial], execution.verbs[request.serial] = leg, request.verb
    if request.verb == "POST":
        leg.serial = request.serial
        bracket = books.brackets[tag.intent]
        bracket.attempts = max(bracket.attempts, tag.attempt)
    elif request.verb == "PUT":
        leg.changes += 1
        leg.change = Change(request.quantity, request.price, request.answers)


def _of_leg(execution: Execution, payload: Placed | State | Fill) -> None:
    books = execution.books
    leg = books.by_tag.get(payload.tag)
    if leg is None:  # refused on arrival: there is nothing but its name to be kept
        leg = Leg(payload.tag, 0, 0, 0)
        _keep(execution, Bracket(payload.tag.intent, 0, 0, 0, "", False, leg))
    if type(payload) is Fill:
        books.trades.add(payload.trade_id)
        books.seen_trades.add(payload.trade_id)
        leg.traded += payload.quantity
        return
    if payload.order_id:
        leg.order_id = payload.order_id
        books.by_order[payload.order_id] = leg
    if payload.trigger_id:
        leg.trigger_id = payload.trigger_id
        books.by_trigger[payload.trigger_id] = leg
        books.seen_triggers.add(payload.trigger_id)
    if type(payload) is Placed:
        leg.state = payload.outcome if payload.outcome != "found" else leg.state
        leg.ended_at = 0 if payload.outcome in ("ACK", "UNKNOWN") else None
        return
    leg.is_shown = True
    leg.status, leg.filled, leg.quantity = payload.status, payload.filled, payload.quantity
    leg.price, leg.updated = payload.price, payload.updated
    leg.rank = RANK.get(payload.status, -1)
    leg.state = payload.state
    books.seen_orders |= {payload.order_id} if leg.order_id else set()
    if leg.change is not None and (leg.price == leg.change.price or leg.is_over):
        leg.change = None


def _of_bracket(bracket: Bracket, payload: Wished | Closed | Modified) -> None:
    if type(payload) is Wished:
        bracket.wants_flat |= payload.what == "flat"
        bracket.wants_cancel |= payload.what == "cancel"
    elif type(payload) is Closed:
        bracket.is_closed = True
    elif bracket.entry.change is not None and bracket.entry.change.answers == payload.answers:
        bracket.entry.change = None
