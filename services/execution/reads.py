"""When the book is read, and what a read that is through proves.

A read is one go through orders and trades, from time to time with positions, holdings and funds. It is *good* when
every part came, and *full* when no order that could not be read may be ours; only then is what it lacks absent.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec
from kitev3.broker.interface import Part
from kitev3.broker.rows import KEYS, key_of
from kitev3.contracts import BrokerRows, OrderRow, Read, TradeRow
from kitev3.services.execution.book import BrokerBook
from kitev3.services.execution.config import MS, ExecutionConfig, S
from kitev3.services.execution.fills import FillKey
from kitev3.services.execution.merge import rank
from kitev3.services.execution.orders import OwnOrders

Row = TypeVar("Row", bound=msgspec.Struct)

_BOOK: tuple[Part, ...] = ("orders", "trades")
ABSENT = "is open and in no book"
_ALL: tuple[Part, ...] = ("orders", "trades", "positions", "holdings", "margins")


class Reads(msgspec.Struct):
    """The read under way and the times of the last ones, machine time."""

    number: int = 0
    began_ns: int = 0
    waiting: set[str] = msgspec.field(default_factory=set)
    good: bool = True
    full: bool = True
    failed: str = ""  # why the last that failed did so; empty again once one has come whole
    wanted: str = ""  # why one is wanted before its time
    all_ns: int = 0  # when the last one with funds began
    all_good: bool = False

    def due(self, now_ns: int, every_ns: int, config: ExecutionConfig, everything: bool) -> Read | None:
        """The read that should begin now, if any: one at a time."""
        if self.waiting:
            return None
        pause_ns = now_ns - self.began_ns
        if self.number and pause_ns < every_ns and not (self.wanted and pause_ns >= config.hint_ms * MS):
            return None
        everything = everything or not self.all_good or now_ns - self.all_ns >= config.funds_ms * MS
        what = _ALL if everything else _BOOK
        read = Read(what, self.wanted or "in turn")
        self.number += 1
        self.began_ns, self.waiting, self.good, self.full, self.wanted = now_ns, set(what), True, True, ""
        if everything:
            self.all_ns, self.all_good = now_ns, True
        return read

    def answered(self, what: str, good: bool, full: bool, why: str = "") -> bool:
        """A part came, or did not, and *why*; true when the read is through."""
        if what not in self.waiting:
            return False
        self.waiting.discard(what)
        self.good &= good
        self.full &= full
        if not good and what not in _BOOK:
            self.all_good = False
        if not good:
            self.failed = why
        if not self.waiting and self.good:
            self.failed = ""
        return not self.waiting

    def restart(self) -> None:
        """What was asked for will not come any more."""
        self.waiting.clear()
        self.number += 1
        self.wanted, self.all_good = "a start", False


class View(Generic[Row]):
    """The rows of one kind as the last read left them."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.rows: dict[str, Row] = {}
        self.doubtful = False  # a row of ours may be among those that could not be read

    def apply(self, read: BrokerRows) -> None:
        """Takes over what has changed since the last read."""
        if read.first:
            self.rows = {}
        for key in read.gone:
            self.rows.pop(key, None)
        told: tuple[Any, ...] = getattr(read, self.part)
        self.rows |= {key_of(row, KEYS[self.part]): row for row in told}
        self.doubtful = read.doubtful


class Reconciliation:
    """Whether tape and book agree."""

    def __init__(self) -> None:
        self.done = False
        self.first: dict[str, tuple[int, int]] | None = None
        self.first_trades: set[FillKey] = set()

    def restart(self) -> None:
        """Nothing leaves before it is done again."""
        self.done = False
        self.first = None

    def grown(self, orders: View[OrderRow], trades: View[TradeRow]) -> bool:
        """Two reads in a row were equal or growing, so that no server told us of an older state than another."""
        now = {row.order_id: (rank(row.status), row.filled_quantity) for row in orders.rows.values()}
        now_trades = {(row.exchange, row.trade_id) for row in trades.rows.values()}
        before, before_trades = self.first, self.first_trades
        self.first, self.first_trades = now, now_trades
        if before is None:
            return False
        return before_trades <= now_trades and all(
            order_id in now and now[order_id][0] >= far and now[order_id][1] >= filled
            for order_id, (far, filled) in before.items()
        )


def mismatches(
    mine: OwnOrders,
    book: BrokerBook,
    orders: View[OrderRow],
    trades: View[TradeRow],
    late_s: int,
    differ_ms: int,
    now_ns: int,
) -> tuple[str, ...]:
    """Where what we know contradicts what the broker shows. An unknown order contradicts nothing, nor does a book that
    does not show yet what was placed a moment ago."""
    found = [
        f"order {own.order_id} ({own.tag}) {ABSENT}"
        for own in mine.open_orders()
        if own.stage == "placed"
        and own.order_id not in orders.rows
        and not orders.doubtful
        and now_ns - own.ended_ns >= differ_ms * MS
    ]
    found += [words for words in odd_trades(book, trades, late_s, differ_ms, now_ns) if words not in book.taken]
    found += [
        f"order {order_id} bears the tag {tag} of our order {mine.orders[tag].order_id}: there are two of it"
        for order_id, tag in book.twins.items()
    ]
    found += book.positions.mismatches(now_ns, differ_ms)
    return tuple(found)


def odd_trades(book: BrokerBook, trades: View[TradeRow], late_s: int, differ_ms: int, now_ns: int) -> list[str]:
    """Trades that vanished, changed, or do not add up to their orders, maybe all day: a person can take it as it is."""
    told = {(row.exchange, row.trade_id) for row in trades.rows.values()}
    found = [
        f"trade {exchange} {trade} was booked and is in no book"
        for exchange, trade in book.fills.missing(told)
        if not trades.doubtful
    ]
    found += [
        f"trade {row.exchange} {row.trade_id} is of order {row.order_id}, which is in no book" for row in book.held
    ]
    return found + book.fills.contradictions + book.late(now_ns, late_s, differ_ms)


def interval_ns(mine: OwnOrders, book: BrokerBook, config: ExecutionConfig, now_ns: int) -> int:
    """How long between two reads as things stand."""
    unknown = mine.unknown()
    if any(now_ns - own.ended_ns < config.unknown_first_s * S for own in unknown):
        return config.unknown_ms * MS
    if mine.open_orders() or book.final_ns or book.held or book.positions.doubts:
        return config.open_ms * MS
    return config.idle_ms * MS
