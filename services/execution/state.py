"""All of the handler's state as one struct: what a snapshot on the tape holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from kitev3.contracts import Carried, Fill, Funds, Holdings
from kitev3.orders.merge import Merged
from kitev3.orders.rows import OrderRow, PositionRow, Rows, TradeRow
from kitev3.services.execution.own import OwnOrder
from kitev3.services.execution.positions import Doubt
from kitev3.services.execution.reads import Reads
from kitev3.system.latency import Latency

if TYPE_CHECKING:
    from kitev3.services.execution.service import Execution


class State(msgspec.Struct, array_like=True, kw_only=True):
    """Fields are only appended, each with a default: an older tape's snapshot is still read."""

    session: str
    speed_e3: int
    epoch: int
    sequence: int
    orders: list[OwnOrder]
    names: dict[int, str]
    placed: int
    rejected: int
    merged: list[Merged]
    trades: tuple[TradeRow, ...]
    booked: list[Fill]
    contradictions: list[str]
    held: list[TradeRow]
    carried: list[Carried]
    carried_fixed: bool
    doubts: list[Doubt]
    began: int
    holdings: Holdings | None
    funds: Funds | None
    final_ns: dict[str, int]
    reads: Reads
    last_orders: tuple[OrderRow, ...]
    last_orders_bad: int
    last_trades: tuple[TradeRow, ...]
    last_trades_bad: int
    last_positions: tuple[PositionRow, ...]
    last_positions_bad: int
    reconciled: bool
    first: dict[str, tuple[int, int]] | None
    first_trades: list[tuple[str, str]]
    intents: list[str]
    repeated: int
    halted: bool
    stopping: bool
    stopped_ns: int
    drained: bool
    suspect: tuple[str, ...]
    told: tuple[str, ...]
    latency: dict[int, int]


def taken(one: Execution) -> State:
    """The state of *one* now."""
    mine, book, reconciliation = one.mine, one.book, one.reconciliation
    return State(
        session=one.session,
        speed_e3=one.speed_e3,
        epoch=mine.epoch,
        sequence=mine.sequence,
        orders=list(mine.orders.values()),
        names=mine.names,
        placed=mine.placed,
        rejected=mine.rejected,
        merged=list(book.merged.values()),
        trades=book.fills.trades,
        booked=book.booked,
        contradictions=book.fills.contradictions,
        held=book.held,
        carried=list(book.positions.carried.values()),
        carried_fixed=book.positions.fixed,
        doubts=list(book.positions.doubts.values()),
        began=book.positions.began,
        holdings=book.holdings,
        funds=book.funds,
        final_ns=book.final_ns,
        reads=one.reads,
        last_orders=one.orders.good,
        last_orders_bad=one.orders.bad,
        last_trades=one.trades.good,
        last_trades_bad=one.trades.bad,
        last_positions=one.positions.good,
        last_positions_bad=one.positions.bad,
        reconciled=reconciliation.done,
        first=reconciliation.first,
        first_trades=sorted(reconciliation.first_trades),
        intents=sorted(one.intents),
        repeated=one.repeated,
        halted=one.halted,
        stopping=one.stopping,
        stopped_ns=one.stopped_ns,
        drained=one.drained,
        suspect=one.suspect,
        told=one.told,
        latency=dict(one.latency.counts),
    )


def restored(one: Execution, state: State) -> None:
    """Makes *one*, which is new, what the state says."""
    one.session, one.speed_e3 = state.session, state.speed_e3
    mine, book, reconciliation = one.mine, one.book, one.reconciliation
    mine.epoch, mine.sequence = state.epoch, state.sequence
    for own in state.orders:
        mine.keep(own)
    mine.tag_of = {own.order_id: own.tag for own in state.orders if own.order_id}
    mine.names, mine.placed, mine.rejected = state.names, state.placed, state.rejected
    book.merged = {merged.row.order_id: merged for merged in state.merged}
    book.fills.book(state.trades)
    book.fills.contradictions = state.contradictions
    book.booked += state.booked  # the list itself: positions look at it
    book.held = state.held
    book.positions.restore(state.carried, state.carried_fixed, state.doubts, state.began)
    book.holdings, book.funds = state.holdings, state.funds
    book.final_ns = state.final_ns
    one.reads = state.reads
    one.orders = Rows(state.last_orders, state.last_orders_bad)
    one.trades = Rows(state.last_trades, state.last_trades_bad)
    one.positions = Rows(state.last_positions, state.last_positions_bad)
    reconciliation.done, reconciliation.first = state.reconciled, state.first
    reconciliation.first_trades = set(state.first_trades)
    one.intents, one.repeated = set(state.intents), state.repeated
    one.halted, one.stopping, one.drained = state.halted, state.stopping, state.drained
    one.stopped_ns = state.stopped_ns
    one.suspect, one.told = state.suspect, state.told
    one.latency = Latency(state.latency)
