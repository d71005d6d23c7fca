"""All of the handler's state as one struct: what a snapshot on the tape holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from kitev3.contracts import Approved, Carried, Fill, Forged, Funds, Holding, Holdings, OrderRow, PositionRow, TradeRow
from kitev3.services.execution.merge import Merged
from kitev3.services.execution.orders import OwnOrder
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
    twins: dict[str, str]
    taken: list[str]
    reads: Reads
    seen_orders: dict[str, OrderRow]
    seen_trades: dict[str, TradeRow]
    seen_positions: dict[str, PositionRow]
    seen_holdings: dict[str, Holding]
    doubtful: list[str]
    unmerged: bool
    bad_rows: dict[str, int]
    bad_row: str
    reconciled: bool
    first: dict[str, tuple[int, int]] | None
    first_trades: list[tuple[str, str]]
    intents: list[str]
    repeated: int
    forged: list[str]
    alarmed: Forged | None
    used: dict[str, tuple[Approved, int]]
    gate_epoch_before: int
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
        twins=book.twins,
        taken=sorted(book.taken),
        reads=one.reads,
        seen_orders=one.orders.rows,
        seen_trades=one.trades.rows,
        seen_positions=one.positions.rows,
        seen_holdings=one.holdings.rows,
        doubtful=[view.part for view in one.views if view.doubtful],
        unmerged=one.unmerged,
        bad_rows=one.bad_rows,
        bad_row=one.bad_row,
        reconciled=reconciliation.done,
        first=reconciliation.first,
        first_trades=sorted(reconciliation.first_trades),
        intents=sorted(one.intents),
        repeated=one.repeated,
        forged=one.forged,
        alarmed=one.alarmed,
        used=one.used,
        gate_epoch_before=one.gate_epoch_before,
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
    book.final_ns, book.twins, book.taken = state.final_ns, state.twins, set(state.taken)
    one.reads = state.reads
    one.orders.rows, one.trades.rows = state.seen_orders, state.seen_trades
    one.positions.rows, one.holdings.rows = state.seen_positions, state.seen_holdings
    for view in one.views:
        view.doubtful = view.part in state.doubtful
    one.unmerged, one.bad_rows, one.bad_row = state.unmerged, state.bad_rows, state.bad_row
    reconciliation.done, reconciliation.first = state.reconciled, state.first
    reconciliation.first_trades = set(state.first_trades)
    one.intents, one.repeated, one.forged = set(state.intents), state.repeated, state.forged
    one.alarmed, one.used, one.gate_epoch_before = state.alarmed, state.used, state.gate_epoch_before
    one.halted, one.stopping, one.drained = state.halted, state.stopping, state.drained
    one.stopped_ns = state.stopped_ns
    one.suspect, one.told = state.suspect, state.told
    one.latency = Latency(state.latency)
